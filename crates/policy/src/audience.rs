//! Who is meant: agencies, states, communities, and the peers of an agency.
//!
//! Not for: whether they may be told (`clause`), or how a community is founded and signed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use comity_ledger::AgencyId;

/// A state by its ISO 3166-1 alpha-3 code, for example `FRA`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateCode([u8; 3]);

impl StateCode {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        // Three ASCII letters by construction.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for StateCode {
    type Err = AudienceError;

    fn from_str(text: &str) -> Result<Self, AudienceError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(AudienceError::State),
        }
    }
}

impl fmt::Display for StateCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for StateCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The global id of a community: `<founding agency>/<name>`, the name `[a-z0-9-]{1,63}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommunityId(String);

impl CommunityId {
    /// Longest name behind the founder's id, in bytes: one DNS label's worth.
    pub const NAME_LEN_MAX: usize = 63;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommunityId {
    type Err = AudienceError;

    fn from_str(text: &str) -> Result<Self, AudienceError> {
        let (founder, name) = text.split_once('/').ok_or(AudienceError::Community)?;
        founder.parse::<AgencyId>().map_err(|_| AudienceError::Community)?;
        let good = (1..=Self::NAME_LEN_MAX).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if good { Ok(Self(text.to_owned())) } else { Err(AudienceError::Community) }
    }
}

impl fmt::Display for CommunityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One word of a releasable-to or not-releasable-to list.
///
/// The order is that of the byte form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// One agency.
    Agency(AgencyId),
    /// Every agency of one state, as officers confirmed it.
    State(StateCode),
    /// Every member of a community.
    Community(CommunityId),
    /// Whoever has an agreement with this agency: the `"peers"` of a release configuration.
    ///
    /// It covers a recipient only under the agreement between the two, so that a relay, which cannot know whose
    /// peer its own peer is, never passes on by this word. Not a word of not-releasable-to.
    PeersOf(AgencyId),
}

impl Audience {
    /// Whether the word names this recipient, under an agreement between these two agencies.
    pub(crate) fn covers(&self, peer: &Peer, parties: Option<(&AgencyId, &AgencyId)>) -> bool {
        match self {
            Self::Agency(agency) => *agency == peer.agency,
            Self::State(state) => peer.state == Some(*state),
            Self::Community(community) => peer.communities.get(community) == Some(&Membership::Member),
            Self::PeersOf(agency) => parties.is_some_and(|(one, other)| {
                (agency == one && peer.agency == *other) || (agency == other && peer.agency == *one)
            }),
        }
    }

    /// Whether it is not known if the word names this recipient.
    pub(crate) fn is_open(&self, peer: &Peer) -> bool {
        match self {
            Self::Agency(_) => false,
            Self::State(_) => peer.state.is_none(),
            Self::Community(community) => !peer.communities.contains_key(community),
            Self::PeersOf(_) => true,
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agency(agency) => write!(f, "{agency}"),
            Self::State(state) => write!(f, "{state}"),
            Self::Community(community) => write!(f, "{community}"),
            Self::PeersOf(agency) => write!(f, "peers of {agency}"),
        }
    }
}

/// Whether an agency belongs to a community whose signed member list is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// It is on the list.
    Member,
    /// It is not.
    Stranger,
}

/// A recipient as the sender knows it: the agency by its certificate, the rest as officers confirmed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The agency.
    pub agency: AgencyId,
    /// Its state; `None` while nobody has confirmed one. Never taken from the peer's own card (E28).
    pub state: Option<StateCode>,
    /// For each community whose member list is held, whether the agency is on it.
    pub communities: BTreeMap<CommunityId, Membership>,
}

impl Peer {
    /// A peer of whom only the agency is known.
    pub const fn new(agency: AgencyId) -> Self {
        Self { agency, state: None, communities: BTreeMap::new() }
    }
}

/// A name of an audience that is not well formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AudienceError {
    /// Not a code of a state.
    #[error("not a state: three capital letters are needed (ISO 3166-1 alpha-3)")]
    State,
    /// Not an id of a community.
    #[error("not a community: an agency id, '/' and a name of 1 to 63 of a-z, 0-9, '-' are needed")]
    Community,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_communities_are_parsed_at_the_door() {
        assert_eq!("FRA".parse::<StateCode>().unwrap().as_str(), "FRA");
        for bad in ["", "FR", "fra", "FRAN", "F1A", "ÉÉ"] {
            assert_eq!(bad.parse::<StateCode>(), Err(AudienceError::State), "{bad:?}");
        }
        assert_eq!("a.example/core-6".parse::<CommunityId>().unwrap().as_str(), "a.example/core-6");
        for bad in ["core", "a.example/", "/core", "a.example/Core", "a.example/b/c", "A.example/core"] {
            assert_eq!(bad.parse::<CommunityId>(), Err(AudienceError::Community), "{bad:?}");
        }
    }

    #[test]
    fn peers_of_an_agency_are_known_only_under_its_own_agreement() {
        let [a, b, c]: [AgencyId; 3] =
            ["a.example", "b.example", "c.example"].map(|name| name.parse().unwrap());
        let peer = Peer::new(c.clone());
        let word = Audience::PeersOf(a.clone());
        assert!(word.covers(&peer, Some((&a, &c))));
        assert!(word.covers(&peer, Some((&c, &a))));
        assert!(!word.covers(&peer, Some((&b, &c))));
        assert!(!word.covers(&peer, Some((&a, &b))));
        assert!(!word.covers(&peer, None));
    }
}
