//! `comity key list|rotate|retire|revoke|succeed`.
//!
//! Key events are signed by this process, which alone reads the root key; whoever holds the home enters them.

use std::fmt::Write as _;
use std::path::Path;

use comity_ledger::{Head, KeyEnd, KeyRole, RoleKey};
use comity_node::{Home, KeyChange, KeyHolder, KeyList, ListedKey, SystemEntropy, now};
use comity_wire::v1;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::{KeyCommand, RoleName};
use crate::source::Source;

pub(crate) fn run(command: &KeyCommand) -> Result<Answer, Refusal> {
    let home = Home::find(&command.of().home)?;
    match command {
        KeyCommand::List { .. } => Ok(list(&Source::find_at(&home)?.keys(None)?)),
        KeyCommand::Rotate { role, root, .. } => rotate(&home, *role, &root.root),
        KeyCommand::Retire { role, key, root, .. } => {
            let (holder, mut source) = (KeyHolder::take(&home, &root.root)?, Source::find_at(&home)?);
            let list = source.keys(None)?;
            let key = match key {
                Some(key) => find(&list, (*role).into(), key)?,
                None => oldest(&list, (*role).into())?,
            };
            let change = holder.retire(&key, &list)?;
            let entered = source.enter_key_events(request(&change))?;
            let next = "what it signed stays good; its file is gone if another key has taken its place";
            Ok(changed("retired", &list, &change, &entered, next))
        }
        KeyCommand::Revoke { role, key, root, last_good, close, .. } => {
            let (holder, mut source) = (KeyHolder::take(&home, &root.root)?, Source::find_at(&home)?);
            let list = source.keys(*last_good)?;
            let key = find(&list, (*role).into(), key)?;
            let last_good = good_checkpoint(&list, *last_good)?;
            let change = holder.revoke(&key, &list, last_good)?;
            if change.closes && !close {
                return Err(closing(&list, last_good));
            }
            let entered = source.enter_key_events(request(&change))?;
            let next = if change.closes {
                "the log is closed for ever; make its successor with `comity key succeed`"
            } else {
                "what it signed beyond the last good checkpoint is void; the log goes on"
            };
            let mut answer = changed("revoked", &list, &change, &entered, next);
            answer.text = format!(
                "{}\nlast good checkpoint: size {}, root {}",
                answer.text, last_good.size, last_good.root
            );
            if let Value::Object(fields) = &mut answer.json {
                fields.insert("last_good".to_owned(), head_json(last_good));
            }
            Ok(answer)
        }
        KeyCommand::Succeed { root, close, last_good, .. } => succeed(&home, &root.root, *close, *last_good),
    }
}

fn succeed(home: &Home, root: &Path, close: bool, asked: Option<u64>) -> Result<Answer, Refusal> {
    let (holder, mut source) = (KeyHolder::take(home, root)?, Source::find_at(home)?);
    let list = source.keys(asked)?;
    let last_good = match list.closed {
        Some(closed) => closed,
        None if close => good_checkpoint(&list, asked)?,
        None => {
            let message = "the own log is not closed; a key that may be stolen is ended with `comity key revoke`, and if \
                           no key is left that could sign that, --close ends the log by its successor";
            return Err(Refusal::new("not_closed", message));
        }
    };
    let Some(open) = source.held() else {
        let message =
            "a node runs here; end it, call this again, and start it again: it then writes the successor";
        return Err(Refusal::new("in_use", message));
    };
    let made = comity_node::succeed(open, &holder, last_good, now(), &mut SystemEntropy::new())?;
    let text = format!(
        "{} goes on from {}, which ended at size {}; enter again what was entered after that, and hand out the new card \
         (`comity card`; its fingerprint is the same)",
        made.origin, made.closed, made.last_good.size
    );
    let json = json!({
        "origin": made.origin.as_str(),
        "size": made.head.size.value(),
        "closed": made.closed.as_str(),
        "last_good": head_json(made.last_good),
    });
    Ok(Answer::new(text, json))
}

fn rotate(home: &Home, role: RoleName, root: &Path) -> Result<Answer, Refusal> {
    let (holder, mut source) = (KeyHolder::take(home, root)?, Source::find_at(home)?);
    let list = source.keys(None)?;
    let change = holder.rotate(role.into(), &list, &mut SystemEntropy::new())?;
    let entered = source.enter_key_events(request(&change))?;
    let next = match role {
        RoleName::Log => {
            "both log keys sign from now on; once every peer has followed, end the old one with `comity key retire log`"
        }
        RoleName::TlsAuthority => {
            "peers that follow the log trust it from now on; then `comity tls ca use` issues by it"
        }
        RoleName::Witness | RoleName::Mirror | RoleName::Statement => "it is in use from now on",
    };
    Ok(changed("added", &list, &change, &entered, next))
}

fn request(change: &KeyChange) -> v1::EnterKeyEventsRequest {
    v1::EnterKeyEventsRequest { events: change.events.iter().map(|event| event.to_body().into()).collect() }
}

fn changed(
    word: &str,
    list: &KeyList,
    change: &KeyChange,
    entered: &v1::EnterKeyEventsResponse,
    next: &str,
) -> Answer {
    let (role, name) = (change.key.role(), name_of(list, &change.key));
    let size = entered.head.as_ref().map(|head| head.size).unwrap_or_default();
    let text = format!("{role} key {name} is {word}, by entry {}; {next}", entered.first);
    let json = json!({
        "role": role.name(),
        "key": name,
        "change": word,
        "origin": list.origin.as_str(),
        "index": entered.first,
        "size": size,
        "closed": change.closes,
    });
    Answer::new(text, json)
}

fn list(list: &KeyList) -> Answer {
    let mut lines = vec![format!("{}  size {}", list.origin, list.head.size)];
    for listed in &list.keys {
        let until = match listed.until {
            None => "in force".to_owned(),
            Some((until, end)) => format!("{} below size {until}", end.name()),
        };
        let (role, name) = (listed.key.role().name(), name_of(list, &listed.key));
        lines.push(format!("{role:<13}  from size {:<8}  {until}\n  {name}", listed.from.value()));
    }
    match list.witnessed {
        Some(head) => lines.push(format!("a quorum has cosigned size {}", head.size)),
        None => lines.push("no checkpoint is known to be cosigned by a quorum".to_owned()),
    }
    if let Some(head) = list.closed {
        lines.push(format!("CLOSED for ever; the last good checkpoint has size {}", head.size));
    }
    let json = json!({
        "origin": list.origin.as_str(),
        "size": list.head.size.value(),
        "keys": list.keys.iter().map(|listed| key_json(list, listed)).collect::<Vec<_>>(),
        "witnessed": list.witnessed.map(head_json),
        "closed": list.closed.map(head_json),
    });
    Answer::new(lines.join("\n"), json)
}

fn key_json(list: &KeyList, listed: &ListedKey) -> Value {
    json!({
        "role": listed.key.role().name(),
        "key": name_of(list, &listed.key),
        "from": listed.from.value(),
        "until": listed.until.map(|(until, _)| until.value()),
        "state": listed.until.map_or("in_force", |(_, end): (_, KeyEnd)| end.name()),
    })
}

fn head_json(head: Head) -> Value {
    json!({ "size": head.size.value(), "root": head.root.to_base64() })
}

/// A key as people and commands name it: its vkey, or of a TLS authority the hash in hex.
fn name_of(list: &KeyList, key: &RoleKey) -> String {
    let hex = || {
        key.as_bytes().iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    key.verifier(&list.origin).map_or_else(hex, |key| key.to_string())
}

/// The one key of a role that is named so: in full, or by the hex number within its vkey.
fn find(list: &KeyList, role: KeyRole, name: &str) -> Result<RoleKey, Refusal> {
    let is_named = |listed: &&ListedKey| {
        let full = name_of(list, &listed.key);
        listed.key.role() == role && (full == name || full.split('+').nth(1) == Some(name))
    };
    let mut found = list.keys.iter().filter(is_named);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.key.clone()),
        (None, _) => {
            let message = format!("no {role} key of this home is {name}; `comity key list` names them");
            Err(Refusal::new("not_found", message))
        }
        (Some(_), Some(_)) => {
            Err(Refusal::new("key", format!("{name} names two {role} keys; give the whole key")))
        }
    }
}

/// The older one of two keys in force.
fn oldest(list: &KeyList, role: KeyRole) -> Result<RoleKey, Refusal> {
    let mut open = list.keys.iter().filter(|listed| listed.key.role() == role && listed.until.is_none());
    if let (Some(oldest), Some(_)) = (open.next(), open.next()) {
        return Ok(oldest.key.clone());
    }
    let message = format!(
        "there is no second {role} key in force that could go on; let one follow with `comity key rotate {role}`"
    );
    Err(Refusal::new("key", message))
}

/// The last good checkpoint: the one asked for, or the newest behind which a quorum stands.
pub(crate) fn good_checkpoint(list: &KeyList, asked: Option<u64>) -> Result<Head, Refusal> {
    match (asked, list.checkpoint, list.witnessed) {
        (Some(_), Some(kept), _) => Ok(kept),
        (Some(size), None, _) => {
            let message =
                format!("no checkpoint of size {size} is kept; name one that was signed and that peers hold");
            Err(Refusal::new("no_checkpoint", message))
        }
        (None, _, Some(witnessed)) => Ok(witnessed),
        (None, _, None) => {
            let message = "no checkpoint is known to be cosigned by a quorum of witnesses; wait until one is, or name a \
                           kept one that your peers confirm with --last-good SIZE";
            Err(Refusal::new("no_checkpoint", message))
        }
    }
}

fn closing(list: &KeyList, last_good: Head) -> Refusal {
    let message = format!(
        "the last good checkpoint has size {}, and the log has {} entries: nobody could tell whose those between are, so \
         that this would close the log for ever; wait until a quorum has cosigned size {} and call this again, or close \
         it with --close",
        last_good.size, list.head.size, list.head.size
    );
    Refusal::new("closes_the_log", message)
}
