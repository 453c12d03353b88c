//! JSON Lines of our own: a whole list, one record a line, each as `docs/records.md` describes it.
//!
//! All records are of one list. The version of a record is passed over, since a list says what holds, and not what it was
//! made from. Not for: the record itself (`form`).

use comity_watchlist::{ListId, RecordKey, Reference};
use serde::Deserialize;

use super::scalar::Json as Scalar;
use super::{OwnError, read};
use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::gather::{Gathering, Refused};
use crate::json;
use crate::snapshot::Snapshot;

/// List and reference of a record, whatever else it says and lacks.
#[derive(Deserialize)]
struct Key {
    list: Scalar<ListId>,
    reference: Scalar<Reference>,
}

/// Reads a list. It is the one named, or else that of the first record that names one.
///
/// # Errors
/// [`FeedError`] if the file is empty, a web page, not UTF-8, not JSON, is of no list or of one that is read from its
/// publisher, holds no record, or if more than half of its lines cannot be read. Single bad lines are in
/// [`Snapshot::rejected`].
pub fn parse(file: &InputFile<'_>, named: Option<&ListId>) -> Result<Snapshot, FeedError> {
    let text = json::text(file)?;
    let list =
        named.cloned().or_else(|| json::lines(text).find_map(|(_, line)| key_of(line)).map(|key| key.list));
    let mut gathering = Gathering::of(file, list, "records")?;
    for (number, line) in json::lines(text) {
        let read = record(&gathering, line);
        gathering.take(number, read);
    }
    gathering.finish(None, Encoding::Utf8)
}

fn record(gathering: &Gathering, line: &str) -> Result<comity_watchlist::Record, Refused> {
    let list = gathering.list();
    match read(line.as_bytes()) {
        Ok(own) if own.record.key.list == *list => Ok(own.record),
        Ok(own) => Err((None, RejectReason::OtherList { found: own.record.key.list, list: list.clone() })),
        Err(error) => Err((key_of(line).filter(|key| key.list == *list), reason(error))),
    }
}

fn key_of(line: &str) -> Option<RecordKey> {
    let key: Key = serde_json::from_str(line).ok()?;
    Some(RecordKey::new(key.list.0, key.reference.0))
}

/// The reason, without the values that the form names to whoever writes a single record.
fn reason(error: OwnError) -> RejectReason {
    match error {
        OwnError::Form { source } if source.is_data() => RejectReason::OwnForm { column: source.column() },
        OwnError::Form { source } => json::fault(&source),
        OwnError::Record { source } => RejectReason::Limits { source },
        other @ (OwnError::TooLarge { .. } | OwnError::NoWord { .. }) => {
            RejectReason::Json { said: other.to_string() }
        }
    }
}
