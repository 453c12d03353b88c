//! Canada's consolidated autonomous sanctions list (SEMA and JVCFOA), in XML.
//!
//! The list numbers its subjects within schedules of regulations: the reference is made of the regulation's English
//! name, the schedule and the item. Not for: reading XML safely, which is in `xml`.

use comity_watchlist::limits::NAMES_MAX;
use comity_watchlist::{
    DatedFact, FactKind, FuzzyDate, IdKind, Identifier, Name, NameKind, NamePart, PartRole, PartialDate,
    Record, RecordKey, Span, SubjectKind, Text, Vessel,
};

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::gather::{Gathering, Refused};
use crate::script;
use crate::snapshot::{Snapshot, Take};
use crate::value::{self, add, date, prose, text};
use crate::xml::{self, Element, Level};

pub(crate) const LIST: &str = "ca-sema";

const ROOT: &str = "data-set";

/// The source field that holds the other names as written, where they are several in one text.
pub const ALIASES: &str = "Aliases";

/// Reads one publication.
///
/// # Errors
/// [`FeedError`] if the file is empty, not UTF-8, not well-formed, holds a document type definition or entities of its
/// own, is another document, holds no record, or if more than half of its records cannot be read. Single bad records
/// are in [`Snapshot::rejected`].
pub fn parse(file: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    Snapshot::collect(|take| read(file, take))
}

/// As [`parse`], handing each record over as it is read: none stays in the snapshot.
///
/// # Errors
/// As [`parse`]. Records may have been handed over before: they are of no publication then.
pub fn read(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    let mut gathering = Gathering::start(file, LIST, "data-set", take)?;
    xml::records(file, ROOT, Level::Root, |_, line, element| {
        let read = record(&gathering, element);
        gathering.take(line, read);
    })?;
    gathering.finish(None, Encoding::Utf8)
}

/// True if the text begins like the list.
pub(crate) fn is_document(head: &str) -> bool {
    ["<data-set", "<record>", "<Country>"].iter().all(|part| head.contains(part))
}

fn record(gathering: &Gathering<'_>, element: Element) -> Result<Record, Refused> {
    let reference = reference(&element).map_err(|reason| (None, reason))?;
    let key = gathering.key("Item", &reference).map_err(|reason| (None, reason))?;
    subject(key.clone(), element).map_err(|reason| (Some(key), reason))
}

/// `Belarus, schedule 1, Part 1, item 7`; some regulations have no schedules.
fn reference(element: &Element) -> Result<String, RejectReason> {
    if element.name != "record" {
        return Err(RejectReason::Vocabulary { column: "element" });
    }
    let peek = |column: &'static str| element.peek(column).ok_or(RejectReason::Missing { column });
    let country = peek("Country")?;
    // The French name follows behind a stroke, where it is another.
    let country = country.split_once(" / ").map_or(country, |(english, _)| english);
    let schedule =
        element.peek("Schedule").map(|schedule| format!(", schedule {schedule}")).unwrap_or_default();
    Ok(format!("{country}{schedule}, item {}", peek("Item")?))
}

fn subject(key: RecordKey, mut element: Element) -> Result<Record, RejectReason> {
    let person = element.peek("LastName").is_some() || element.peek("GivenName").is_some();
    let thing = element.peek("EntityOrShip").is_some();
    let ship = element.peek("ShipIMONumber").is_some() || element.peek("TitleOrShip").is_some();
    let kind = match (person, thing) {
        (true, false) => SubjectKind::Person,
        (false, true) if ship => SubjectKind::Vessel,
        (false, true) => SubjectKind::Organisation,
        (true, true) => return Err(RejectReason::Vocabulary { column: "EntityOrShip" }),
        (false, false) => return Err(RejectReason::Missing { column: "LastName" }),
    };
    let mut record = Record::new(key, kind);
    record.programmes.extend(take(&mut element, "Country")?);
    record.names.push(if person { name_of_person(&mut element)? } else { name_of_thing(&mut element)? });
    aliases(&mut record, &mut element)?;
    if let Some(title) = take(&mut element, "TitleOrShip")? {
        if person {
            record.titles.push(title);
        } else {
            let mut vessel = Vessel::default();
            vessel.types.push(title);
            record.vessel = Some(vessel);
        }
    }
    if let Some(number) = take(&mut element, "ShipIMONumber")? {
        record.identifiers.push(Identifier::new(IdKind::Imo, number));
    }
    if let Some(written) = take(&mut element, "DateOfBirthOrShipBuildDate")? {
        let fact = match kind {
            SubjectKind::Person => FactKind::Birth,
            SubjectKind::Vessel => FactKind::Built,
            _ => FactKind::Founded,
        };
        record.facts.push(DatedFact::new(fact, birth(written)));
    }
    if let Some(day) = take(&mut element, "DateOfListing")? {
        record.listed_on = Some(date("DateOfListing", day.as_str())?);
    }
    element.keep(&mut record.source)?;
    Ok(record)
}

fn take(element: &mut Element, column: &'static str) -> Result<Option<Text>, RejectReason> {
    element.take_text(column).map(|value| text(column, &value)).transpose()
}

fn name_of_person(element: &mut Element) -> Result<Name, RejectReason> {
    let mut parts = Vec::new();
    for (column, role) in [("GivenName", PartRole::Given), ("LastName", PartRole::Family)] {
        parts.extend(take(element, column)?.map(|value| NamePart::new(role, value)));
    }
    let full = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(" ");
    let mut name = named(NameKind::Primary, "LastName", &full)?;
    name.parts = parts;
    Ok(name)
}

fn name_of_thing(element: &mut Element) -> Result<Name, RejectReason> {
    let column = "EntityOrShip";
    let full = element.take_text(column).ok_or(RejectReason::Missing { column })?;
    named(NameKind::Primary, column, &full)
}

fn named(kind: NameKind, column: &'static str, full: &str) -> Result<Name, RejectReason> {
    let mut name = Name::new(kind, text(column, full)?);
    name.script = script::of(full).map(|code| text("script", code)).transpose()?;
    Ok(name)
}

/// Other names, all in one text: between semicolons or on lines of their own, those of persons also between commas,
/// which names of companies have within. A text of several is kept as it is written, too.
fn aliases(record: &mut Record, element: &mut Element) -> Result<(), RejectReason> {
    let Some(written) = element.take_text(ALIASES) else { return Ok(()) };
    let person = record.kind == SubjectKind::Person;
    let ends = |c: char| matches!(c, ';' | '\n' | '\r') || (person && c == ',');
    value::at_most("names", written.split(ends).count(), NAMES_MAX)?;
    for alias in written.split(ends).map(str::trim).filter(|alias| !alias.is_empty()) {
        let (language, full) = in_language(alias);
        let mut name = named(NameKind::Aka, ALIASES, full)?;
        name.note = language.map(|language| text(ALIASES, language)).transpose()?;
        add(&mut record.names, name);
    }
    if record.names.iter().all(|name| name.full.as_str() != written) {
        record.source.keep(&text(ALIASES, ALIASES)?, prose(ALIASES, &written)?);
    }
    Ok(())
}

/// `Russian: Руперт`: the word for the language, and the name.
fn in_language(alias: &str) -> (Option<&str>, &str) {
    match alias.split_once(':').map(|(word, name)| (word.trim(), name.trim())) {
        Some((word, name))
            if word.chars().all(char::is_alphabetic) && !word.is_empty() && !name.is_empty() =>
        {
            (Some(word), name)
        }
        _ => (None, alias),
    }
}

/// A day, month or year; `1963-1964` is a range; what is neither stays as written.
fn birth(written: Text) -> FuzzyDate {
    let year = |year| PartialDate::parse(year).ok().filter(|date| date.month_number().is_none());
    let range = written
        .as_str()
        .split_once('-')
        .and_then(|(first, last)| Span::between(year(first)?, year(last)?).ok());
    match range {
        Some(range) => {
            let mut date = FuzzyDate::new(range);
            date.verbatim = Some(written);
            date
        }
        None => match PartialDate::parse(written.as_str()) {
            Ok(date) => date.into(),
            Err(_) => FuzzyDate::verbatim(written),
        },
    }
}
