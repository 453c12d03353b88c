//! The keys of the own log and of the other roles as operators see them: the same for a running node and for a command
//! that opened the home itself.
//!
//! Not here: what is done to keys (`key_holder`), and what key events change (`comity-ledger`).

use comity_ledger::{Head, KeyEnd, KeyEvent, KeyRole, KeySpan, Origin, RoleKey};
use comity_store::Store;
use comity_tlog::{Hash, TreeSize, root_at};
use comity_wire::{ErrorCode, InvalidMessage, KEY_EVENTS_MAX, LogHead, v1};

use crate::author_keys::own_role_keys;
use crate::export::head_of;
use crate::own_tls::{NEXT, own_authorities};
use crate::tls::PeerAuthority;
use crate::{Home, NodeError};

/// One key with the sizes for which it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// The key.
    pub key: RoleKey,
    /// The smallest tree for which it is in force.
    pub from: TreeSize,
    /// The smallest tree for which it is in force no more, and how it ended.
    pub until: Option<(TreeSize, KeyEnd)>,
}

/// The keys of the own log and of the other roles, and what a revocation needs to know of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyList {
    /// The log.
    pub origin: Origin,
    /// How it stands.
    pub head: Head,
    /// The keys in the order of their events; those that the first card names are among them.
    pub keys: Vec<ListedKey>,
    /// The last good checkpoint of a log that is closed.
    pub closed: Option<Head>,
    /// The newest checkpoint that a quorum of witnesses is known to have cosigned.
    pub witnessed: Option<Head>,
    /// The checkpoint of the size that was asked for, if one is kept.
    pub checkpoint: Option<Head>,
}

impl KeyList {
    /// Whether the own authority that is to follow the present one is announced, or there is none.
    ///
    /// # Errors
    /// A [`NodeError`] if the certificates of the home do not read.
    pub fn announces_next_authority(&self, home: &Home) -> Result<bool, NodeError> {
        let next = next_authority(home)?;
        let is_open =
            |key: &RoleKey| self.keys.iter().any(|listed| listed.key == *key && listed.until.is_none());
        Ok(next.as_ref().is_none_or(is_open))
    }
}

/// Lists the keys of a home. `witnessed` is the size of the newest checkpoint behind which a quorum is known to stand.
/// Blocking.
///
/// # Errors
/// A [`NodeError`] if the store or the identity is damaged.
pub fn key_list(
    home: &Home,
    store: &Store,
    witnessed: TreeSize,
    asked: Option<TreeSize>,
) -> Result<KeyList, NodeError> {
    let (origin, history) = (home.origin(), home.own_keys(store)?);
    let head = store.newest_note(&origin)?.map(|note| head_of(&note)).transpose()?.unwrap_or(Head::EMPTY);
    let mut keys: Vec<ListedKey> = history.spans().iter().map(listed).collect();
    for key in gone_on_with(home, store)? {
        if keys.iter().all(|known| known.key != key) {
            keys.push(ListedKey { key, from: TreeSize::ZERO, until: None });
        }
    }
    keys.sort_by_key(|listed| listed.from);
    let root = |size| {
        let root = root_at(&store.nodes(&origin), size);
        root.map_err(|_| NodeError::Contradiction { origin: origin.to_string(), size: size.value() })
    };
    let witnessed = Some(witnessed).filter(|size| !size.is_zero() && *size <= head.size);
    let witnessed = witnessed.map(|size| Ok::<_, NodeError>(Head { size, root: root(size)? })).transpose()?;
    let kept = match asked {
        Some(size) => store.newest_note_up_to(&origin, size)?.map(|note| head_of(&note)).transpose()?,
        None => None,
    };
    let checkpoint = kept.filter(|kept| Some(kept.size) == asked);
    Ok(KeyList { head, keys, closed: history.closed(), witnessed, checkpoint, origin })
}

fn listed(span: &KeySpan) -> ListedKey {
    ListedKey { key: span.key().clone(), from: span.from(), until: span.until() }
}

/// The keys that the own log goes on with beside the log key: those that the first card names, or that followed them in
/// the logs before this one. They are in force until an event ends them.
fn gone_on_with(home: &Home, store: &Store) -> Result<Vec<RoleKey>, NodeError> {
    let (identity, _) = home.identity()?;
    let signing = [
        (KeyRole::Witness, &identity.witness),
        (KeyRole::Mirror, &identity.mirror),
        (KeyRole::Statement, &identity.statement),
    ];
    let wrong = |source| NodeError::KeyEvent { source };
    let mut keys = Vec::with_capacity(signing.len() + 1);
    for (role, first) in signing {
        let before = home.origin().predecessor();
        let before =
            before.map_or_else(|| Ok(vec![first.clone()]), |log| own_role_keys(store, &log, role, first));
        for key in before? {
            keys.push(RoleKey::signing(role, &key).map_err(wrong)?);
        }
    }
    let first = PeerAuthority::from_der(&identity.ca).map_err(|source| NodeError::Trust { source })?;
    keys.push(RoleKey::tls_authority(Hash::from_bytes(*first.id().as_bytes())));
    Ok(keys)
}

/// The own authority that is to follow the present one, if one was made.
pub(crate) fn next_authority(home: &Home) -> Result<Option<RoleKey>, NodeError> {
    let authorities = own_authorities(home)?;
    let next = authorities.iter().find(|(stem, _)| *stem == NEXT);
    Ok(next.map(|(_, authority)| RoleKey::tls_authority(Hash::from_bytes(*authority.id().as_bytes()))))
}

impl From<&KeyList> for v1::ListKeysResponse {
    fn from(list: &KeyList) -> Self {
        let head = |head: Head| v1::LogHead::from(&LogHead { origin: list.origin.clone(), head });
        let key = |listed: &ListedKey| v1::LogKey {
            role: i32::from(listed.key.role().code()),
            key: listed.key.as_bytes().to_vec().into(),
            from: listed.from.value(),
            until: listed.until.map(|(until, _)| until.value()),
            end: match listed.until {
                None => v1::KeyEnd::Unspecified,
                Some((_, KeyEnd::Retired)) => v1::KeyEnd::Retired,
                Some((_, KeyEnd::Revoked)) => v1::KeyEnd::Revoked,
                Some((_, KeyEnd::Closed)) => v1::KeyEnd::Closed,
            }
            .into(),
        };
        Self {
            head: Some(head(list.head)),
            keys: list.keys.iter().map(key).collect(),
            closed: list.closed.map(head),
            witnessed: list.witnessed.map(head),
            checkpoint: list.checkpoint.map(head),
        }
    }
}

impl TryFrom<v1::ListKeysResponse> for KeyList {
    type Error = InvalidMessage;

    fn try_from(message: v1::ListKeysResponse) -> Result<Self, InvalidMessage> {
        let malformed = |field| InvalidMessage::Malformed { field };
        let LogHead { origin, head } =
            message.head.ok_or_else(|| malformed("list_keys_response.head"))?.try_into()?;
        let of = |head: Option<v1::LogHead>| -> Result<Option<Head>, InvalidMessage> {
            Ok(head.map(LogHead::try_from).transpose()?.map(|head| head.head))
        };
        let keys = message.keys.iter().map(read_key).collect::<Option<_>>();
        Ok(Self {
            origin,
            head,
            keys: keys.ok_or_else(|| malformed("list_keys_response.keys"))?,
            closed: of(message.closed)?,
            witnessed: of(message.witnessed)?,
            checkpoint: of(message.checkpoint)?,
        })
    }
}

fn read_key(message: &v1::LogKey) -> Option<ListedKey> {
    let role = KeyRole::from_code(u8::try_from(message.role).ok()?)?;
    let until = match (message.until, message.end()) {
        (None, _) => None,
        (Some(until), end) => {
            let end = match end {
                v1::KeyEnd::Retired => KeyEnd::Retired,
                v1::KeyEnd::Revoked => KeyEnd::Revoked,
                v1::KeyEnd::Closed => KeyEnd::Closed,
                v1::KeyEnd::Unspecified => return None,
            };
            Some((TreeSize::new(until).ok()?, end))
        }
    };
    let key = RoleKey::from_bytes(role, &message.key).ok()?;
    Some(ListedKey { key, from: TreeSize::new(message.from).ok()?, until })
}

/// The key events of a request.
///
/// # Errors
/// [`ErrorCode::Malformed`] for none, too many, or one that does not read.
pub fn key_events(request: &v1::EnterKeyEventsRequest) -> Result<Vec<KeyEvent>, ErrorCode> {
    if !(1..=KEY_EVENTS_MAX).contains(&request.events.len()) {
        return Err(ErrorCode::Malformed);
    }
    let events = request.events.iter().map(|body| KeyEvent::from_body(body));
    events.collect::<Result<_, _>>().map_err(|_| ErrorCode::Malformed)
}
