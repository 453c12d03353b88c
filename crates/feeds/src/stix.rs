//! Bundles of STIX 2.1 (OASIS, 2021-06-10), or the same objects in an envelope of TAXII 2.1: listings as `comity export stix` writes them, and subjects of others.
//!
//! A bundle tells what it holds and never the whole of a list: nothing ends by its absence, and what is `revoked` has
//! ended. Not for: writing (`out::stix`).

mod foreign;
mod listing;
mod objects;
mod place;
mod seen;

use comity_watchlist::{ListId, Record, RecordKey};

use self::objects::Objects;
use self::seen::{Seen, extension};
use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::gather::{Gathering, Refused};
use crate::json::{self, Json};
use crate::snapshot::{Ended, Scope, Snapshot, Take};

/// What an object of a subject says.
enum Said {
    Listed(Box<Record>),
    Ended(Ended),
}

/// Reads a bundle. The list is the one named, of which alone listings of our own are read then, or else the one list of
/// all of those.
///
/// # Errors
/// [`FeedError`] if the file is empty, a web page, not UTF-8, not JSON, no bundle, is of no one list or of one that is
/// read from its publisher, holds no subject, or if more than half of its subjects cannot be read. Single bad objects
/// are in [`Snapshot::rejected`].
pub fn parse(file: &InputFile<'_>, named: Option<&ListId>) -> Result<Snapshot, FeedError> {
    Snapshot::collect(|take| read(file, named, take))
}

/// As [`parse`], handing each record over as it is read: none stays in the snapshot.
///
/// # Errors
/// As [`parse`]. Records may have been handed over before: they are of no publication then.
pub fn read(file: &InputFile<'_>, named: Option<&ListId>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    let text = json::text(file)?;
    let text = text.as_ref();
    let head = json::head(serde_json::de::StrRead::new(text));
    if !head.is_whole {
        objects::check(file.name, text)?;
    }
    if !head.is_bundle() {
        return Err(FeedError::NoBundle { file: file.name.to_owned() });
    }
    let seen = Seen::of(Objects::of(text), head.is_envelope());
    let mut gathering = Gathering::of(file, named.cloned().or_else(|| seen.list()), "bundle", take)?;
    for written in Objects::of(text) {
        let read = json::read(written.text)
            .map_err(|reason| (None, reason))
            .and_then(|object| subject(&gathering, &seen, written.number, object));
        match read {
            Ok(Some(Said::Listed(record))) => gathering.take(written.line, Ok(*record)),
            Ok(Some(Said::Ended(ended))) => gathering.end(written.line, ended),
            Ok(None) => {}
            Err(refused) => gathering.take(written.line, Err(refused)),
        }
    }
    let mut snapshot = gathering.finish(None, Encoding::Utf8)?;
    snapshot.scope = Scope::Changes;
    Ok(snapshot)
}

/// A subject, or nothing if it is none, an older version of one, or of another list.
fn subject(
    gathering: &Gathering<'_>,
    seen: &Seen<'_>,
    number: u64,
    object: Json,
) -> Result<Option<Said>, Refused> {
    let text = |column: &'static str| {
        object.get(column).and_then(Json::text).ok_or((None, RejectReason::Missing { column }))
    };
    if text("type")? != "identity" || !seen.is_subject(number, &object) {
        return Ok(None);
    }
    let id = text("id")?;
    let key = match extension(&object) {
        Some(told) => {
            let text = |column: &'static str| {
                told.get(column).and_then(Json::text).ok_or((None, RejectReason::Missing { column }))
            };
            let column = "list";
            let list =
                ListId::parse(text(column)?).map_err(|_| (None, RejectReason::Vocabulary { column }))?;
            if list != *gathering.list() {
                return Ok(None);
            }
            gathering.key("reference", text("reference")?)
        }
        None if !id.starts_with("identity--") => Err(RejectReason::Vocabulary { column: "id" }),
        None => gathering.key("id", id),
    };
    let key = key.map_err(|reason| (None, reason))?;
    let said = told(seen, key.clone(), object).map_err(|reason| (Some(key), reason))?;
    Ok(Some(said))
}

/// What an object says of the subject of a key.
fn told(seen: &Seen<'_>, key: RecordKey, object: Json) -> Result<Said, RejectReason> {
    let column = "spec_version";
    match object.get(column).and_then(Json::text) {
        Some("2.1") => {}
        Some(_) => return Err(RejectReason::Vocabulary { column }),
        None => return Err(RejectReason::Missing { column }),
    }
    seen.check_marks(&object)?;
    let is_revoked = match object.get("revoked") {
        None | Some(Json::Null) => false,
        Some(Json::Bool(is_revoked)) => *is_revoked,
        Some(_) => return Err(RejectReason::Vocabulary { column: "revoked" }),
    };
    if extension(&object).is_some() {
        return listing::read(key, &object, is_revoked);
    }
    if is_revoked && !seen.is_ours() {
        return Ok(Said::Ended(Ended { key, effective: None }));
    }
    let record = foreign::read(seen, key, object)?;
    Ok(Said::Listed(Box::new(record)))
}
