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
use crate::snapshot::{Snapshot, Take};
use crate::stream::Line;

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
    Snapshot::collect(|take| read_lines(file, named, take))
}

/// As [`parse`], handing each record over as it is read: none stays in the snapshot.
///
/// # Errors
/// As [`parse`]. Records may have been handed over before: they are of no publication then.
pub fn read_lines(
    file: &InputFile<'_>,
    named: Option<&ListId>,
    take: Take<'_>,
) -> Result<Snapshot, FeedError> {
    json::check(file)?;
    let list = match named {
        Some(list) => Some(list.clone()),
        None => list_of(file)?,
    };
    let mut gathering = Gathering::of(file, list, "records", take)?;
    let mut lines = json::lines_of(file);
    while let Some((number, line)) = lines.next(json::OBJECT_BYTES_MAX) {
        let read = match line {
            Line::Text(line) => record(&gathering, line),
            Line::TooLong => Err((None, json::too_long())),
        };
        gathering.take(number, read);
    }
    lines.check(file.name)?;
    gathering.finish(None, Encoding::Utf8)
}

/// The list of the first record that names one.
fn list_of(file: &InputFile<'_>) -> Result<Option<ListId>, FeedError> {
    let mut lines = json::lines_of(file);
    while let Some((_, line)) = lines.next(json::OBJECT_BYTES_MAX) {
        if let Line::Text(line) = line
            && let Some(key) = key_of(line)
        {
            return Ok(Some(key.list));
        }
    }
    lines.check(file.name)?;
    Ok(None)
}

fn record(gathering: &Gathering<'_>, line: &str) -> Result<comity_watchlist::Record, Refused> {
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
        other => RejectReason::Json { said: other.to_string() },
    }
}
