//! The sanctions list of Switzerland's State Secretariat for Economic Affairs (SECO), in XML.
//!
//! SECO publishes the whole list, in which ended listings stay with their history, and amendments, which tell only
//! what changed. A target's newest modification says whether it is listed; what its modifications copy of earlier
//! states is left out. The key is the target's ssid. Not for: reading XML safely, which is in `xml`.

mod context;
mod names;
mod parts;
mod subject;

use comity_watchlist::{CalendarDate, PartialDate, Record};

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::gather::{Gathering, Refused};
use crate::seco::context::Context;
use crate::snapshot::{Ended, Scope, Snapshot, Take};
use crate::xml::{self, Element, Level};

pub(crate) const LIST: &str = "ch-seco";

const ROOT: &str = "swiss-sanctions-list";

/// Reads one publication: the whole list, or an amendment.
///
/// # Errors
/// [`FeedError`] if the file is empty, not UTF-8, not well-formed, holds a document type definition or entities of its
/// own, is another document, does not say whether it is whole, holds no target, or if more than half of its targets cannot be read. Single bad targets
/// are in [`Snapshot::rejected`].
pub fn parse(file: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    Snapshot::collect(|take| read(file, take))
}

/// As [`parse`], handing each record over as it is read: none stays in the snapshot.
///
/// # Errors
/// As [`parse`]. Records may have been handed over before: they are of no publication then.
pub fn read(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    // Programmes and places may stand behind the targets that name them.
    let mut context = Context::default();
    let attributes = xml::records(file, ROOT, Level::Root, |_, _, element| context.learn(element))?;
    let of_root = |name| attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
    let day = of_root("date").and_then(|day| PartialDate::parse(day).ok());
    let scope = match of_root("list-type") {
        Some("amendment") => Scope::Changes,
        Some("whole-list") => Scope::Whole,
        // What is neither must not end all that it does not name.
        _ => return Err(FeedError::NoScope { file: file.name.to_owned() }),
    };

    let mut gathering = Gathering::start(file, LIST, "list", take)?;
    xml::records(file, ROOT, Level::Root, |_, line, element| {
        if Context::is_of(&element.name) {
            return;
        }
        match target(&gathering, &context, day, element) {
            Ok(State::Listed(record)) => gathering.take(line, Ok(*record)),
            Ok(State::Ended(ended)) => gathering.end(line, ended),
            Err(refused) => gathering.take(line, Err(refused)),
        }
    })?;
    let mut snapshot = gathering.finish(of_root("date").map(str::to_owned), Encoding::Utf8)?;
    snapshot.scope = scope;
    Ok(snapshot)
}

/// True if the text begins like the list.
pub(crate) fn is_document(head: &str) -> bool {
    head.starts_with('<') && head.contains("<swiss-sanctions-list")
}

/// What the newest modification makes of a target.
enum State {
    Listed(Box<Record>),
    Ended(Ended),
}

fn target(
    gathering: &Gathering<'_>,
    context: &Context,
    day: Option<PartialDate>,
    mut element: Element,
) -> Result<State, Refused> {
    if element.name != "target" {
        return Err((None, RejectReason::Vocabulary { column: "element" }));
    }
    let column = "ssid";
    let reference = element.take_attribute(column).ok_or((None, RejectReason::Missing { column }))?;
    let key = gathering.key(column, &reference).map_err(|reason| (None, reason))?;
    if let Some((from, kind)) = newest(&mut element, day)
        && kind == "de-listed"
    {
        let effective = from.and_then(|from| CalendarDate::parse(&from.to_string()).ok());
        return Ok(State::Ended(Ended { key, effective }));
    }
    let record = subject::record(key.clone(), context, element);
    record.map(|record| State::Listed(Box::new(record))).map_err(|reason| (Some(key), reason))
}

/// The newest modification that is in effect on the day of the list. The list has the newest first; where days are
/// told they decide, and of one day the first.
fn newest(element: &mut Element, day: Option<PartialDate>) -> Option<(Option<PartialDate>, String)> {
    let mut newest: Option<(Option<PartialDate>, String)> = None;
    let modifications = element.take_all("modification");
    for modification in &modifications {
        let Some(kind) = modification.attribute("modification-type") else { continue };
        let from = modification.attribute("effective-date").and_then(|from| PartialDate::parse(from).ok());
        let later = newest.as_ref().is_none_or(|(known, _)| from > *known);
        if later && from.zip(day).is_none_or(|(from, day)| from <= day) {
            newest = Some((from, kind.to_owned()));
        }
    }
    for modification in modifications {
        element.put_back(modification);
    }
    newest
}
