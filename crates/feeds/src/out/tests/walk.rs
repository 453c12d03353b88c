//! Every field of a record is written in a format or named as left out, as the table of `docs/formats.md` has it.
//!
//! Goal: nobody adds a field and forgets a format, and the page is true. Way: a record in which each text and each date
//! stands nowhere else, its fields found by what `Debug` shows of it, and a search for each in what is written.

use std::collections::BTreeMap;

use comity_watchlist::{
    Address, Aircraft, CountryTie, DatedFact, EntryRef, FactKind, FuzzyDate, Gender, IdKind, Identifier,
    LegalBasis, Link, LinkTarget, Measure, NamePart, NameQuality, OriginName, PartRole, PartialDate, Place,
    PlaceKind, Relation, Sighting, Source, SourceFile, Tie, Vessel, VocabularyRef,
};

use super::*;

/// Texts and dates that are used once.
#[derive(Default)]
struct Marks(u16);

impl Marks {
    fn text(&mut self) -> Text {
        self.0 += 1;
        Text::new(format!("mark{:04}", self.0)).unwrap()
    }

    #[expect(clippy::unnecessary_wraps, reason = "most fields of a record may be missing")]
    fn some(&mut self) -> Option<Text> {
        Some(self.text())
    }

    fn prose(&mut self) -> Prose {
        self.text().into()
    }

    fn date(&mut self) -> FuzzyDate {
        self.0 += 1;
        let mut date = FuzzyDate::from(PartialDate::day(3_000 + self.0, 3, 4).unwrap());
        date.verbatim = self.some();
        date
    }

    fn country(&mut self) -> comity_watchlist::Country {
        comity_watchlist::Country::new(self.text())
    }

    fn address(&mut self) -> Address {
        let mut address = Address::default();
        address.verbatim = self.some();
        address.street = self.some();
        address.city = self.some();
        address.region = self.some();
        address.postal_code = self.some();
        address.locality = self.some();
        address.country = Some(self.country());
        address.note = self.some();
        address.row = self.some();
        address
    }
}

fn names(marks: &mut Marks) -> Vec<Name> {
    let mut primary = Name::new(NameKind::Primary, marks.text());
    primary.parts = vec![NamePart::new(PartRole::Given, marks.text())];
    let mut alias = Name::new(NameKind::Aka, marks.text());
    (alias.script, alias.language) = (marks.some(), marks.some());
    (alias.note, alias.row) = (marks.some(), marks.some());
    alias.quality = Some(NameQuality::Good);
    vec![primary, alias]
}

fn links(marks: &mut Marks) -> Vec<Link> {
    let key =
        RecordKey::new(ListId::parse("linked-list").unwrap(), Reference::parse("linked-reference").unwrap());
    [LinkTarget::Named(marks.text()), LinkTarget::Key(key)]
        .map(|target| {
            let mut link = Link::new(Relation::OwnedBy, target);
            (link.label, link.share) = (marks.some(), marks.some());
            (link.from, link.to) = (Some(marks.date()), Some(marks.date()));
            link
        })
        .into()
}

fn identifier(marks: &mut Marks) -> Identifier {
    let mut identifier = Identifier::new(IdKind::Passport, marks.text());
    (identifier.label, identifier.scope) = (marks.some(), marks.some());
    (identifier.country, identifier.issuer) = (Some(marks.country()), marks.some());
    (identifier.issued, identifier.expires) = (Some(marks.date()), Some(marks.date()));
    (identifier.note, identifier.former) = (marks.some(), true);
    let origin = OriginName::parse("agency.example/vocabularies").unwrap();
    let edition = Reference::parse("named-edition").unwrap();
    identifier.vocabulary = Some(Box::new(VocabularyRef::new(origin, EntryRef::new([0xcd; 32]), edition)));
    identifier
}

fn vessel(marks: &mut Marks) -> Vessel {
    let mut vessel = Vessel::default();
    vessel.types = vec![marks.text()];
    (vessel.flag, vessel.former_flags) = (Some(marks.country()), vec![marks.country()]);
    (vessel.tonnage, vessel.gross_tonnage, vessel.owner) = (marks.some(), marks.some(), marks.some());
    vessel
}

fn filled(kind: SubjectKind) -> Record {
    let marks = &mut Marks::default();
    let mut record = record(kind, "x");
    record.names = names(marks);
    record.facts =
        [FactKind::Birth, FactKind::Death, FactKind::Founded, FactKind::Dissolved, FactKind::Built]
            .map(|kind| DatedFact::new(kind, marks.date()))
            .into();
    record.facts[0].note = marks.some();
    record.places = vec![Place::new(PlaceKind::Birth, marks.address())];
    record.ties = vec![CountryTie::new(Tie::Nationality, marks.country())];
    record.ties[0].note = marks.some();
    record.genders = vec![Gender::Female];
    (record.titles, record.positions, record.sectors) =
        (vec![marks.text()], vec![marks.text()], vec![marks.text()]);
    record.addresses = vec![marks.address()];
    record.vessel = Some(vessel(marks));
    let mut aircraft = Aircraft::default();
    (aircraft.models, aircraft.operators) = (vec![marks.text()], vec![marks.text()]);
    record.aircraft = Some(aircraft);
    record.programmes = vec![marks.text()];
    let mut measure = Measure::new(marks.prose());
    (measure.label, measure.effective) = (marks.some(), Some(marks.date()));
    record.measures = vec![measure];
    let mut legal = LegalBasis::new(marks.text());
    legal.url = Some(Text::new("https://law.invalid/marked-url").unwrap());
    (legal.published, legal.in_force) = (Some(marks.date()), Some(marks.date()));
    legal.criteria = vec![marks.prose()];
    record.legal = vec![legal];
    record.handling_reference = marks.some();
    (record.listed_on, record.effective_on) = (Some(marks.date()), Some(marks.date()));
    (record.review_by, record.updated_on) = (Some(marks.date()), vec![marks.date()]);
    record.links = links(marks);
    record.identifiers = vec![identifier(marks)];
    (record.reasons_public, record.reasons_closed) = (vec![marks.prose()], vec![marks.prose()]);
    let mut source = Source::default();
    source.files = vec![SourceFile::new(marks.text(), comity_watchlist::FileHash::new([9; 32]))];
    (source.locators, source.row_id) = (vec![marks.text()], marks.some());
    source.keep(&marks.text(), marks.prose());
    record.source = source;
    let mut sighting = Sighting::new(marks.prose());
    (sighting.seen, sighting.place) = (Some(marks.date()), Some(marks.address()));
    record.sightings = vec![sighting];
    record
}

/// The fields of a record by their paths, each with what stands in it and nowhere else, where that can be searched.
fn fields(record: &Record) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut stack: Vec<(usize, String)> = Vec::new();
    for line in format!("{record:#?}").lines() {
        let (indent, line) = (line.len() - line.trim_start().len(), line.trim().trim_end_matches(','));
        stack.retain(|(outer, _)| *outer < indent);
        let named =
            line.split_once(": ").filter(|(name, _)| name.chars().all(|c| c.is_lowercase() || c == '_'));
        let value = if let Some((name, value)) = named {
            stack.push((indent, name.to_owned()));
            value
        } else {
            line
        };
        let path: Vec<&str> = stack.iter().map(|(_, name)| name.as_str()).collect();
        let is_structure =
            value.is_empty() || value.ends_with(['{', '(', '[', '}', ')', ']']) && !value.starts_with('"');
        if path.is_empty() || path.contains(&"unknown") || is_structure {
            continue;
        }
        let (path, mark) = match path.as_slice() {
            [of @ .., "span", "year"] => (of.join("."), Some(format!("{value}-"))),
            [.., "span", _] => continue,
            [.., "circa"] => ("date.circa".to_owned(), None),
            [.., "verbatim"]
                if !path.contains(&"address") && path[0] != "addresses" && !path.contains(&"place") =>
            {
                ("date.verbatim".to_owned(), Some(value.trim_matches('"').to_owned()))
            }
            of => (of.join("."), value.starts_with('"').then(|| value.trim_matches('"').to_owned())),
        };
        let marks = found.entry(path).or_default();
        marks.extend(mark.filter(|_| value != "None"));
    }
    found
}

/// The rows of the page: field, and for each format whether it is written.
fn page() -> BTreeMap<String, [bool; 4]> {
    let page = include_str!("../../../../../docs/formats.md");
    let (_, table) = page.split_once("| field | STIX | FollowTheMoney | CSV | MISP |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 5, "{row}");
        let written = [1, 2, 3, 4].map(|at| cells[at] != "–");
        let names = cells[0].split(", ").map(|name| name.trim_matches('`').to_owned());
        names.map(|name| (name, written)).collect::<Vec<_>>()
    })
    .collect()
}

fn row<'a>(page: &'a BTreeMap<String, [bool; 4]>, path: &str) -> Option<(&'a str, [bool; 4])> {
    let fits = |name: &str| {
        name == path || name.strip_suffix(".*").is_some_and(|start| path.starts_with(&format!("{start}.")))
    };
    page.iter().find(|(name, _)| fits(name)).map(|(name, written)| (name.as_str(), *written))
}

#[test]
fn every_field_is_written_or_said_to_be_left_out() {
    let kinds = [
        SubjectKind::Person,
        SubjectKind::Organisation,
        SubjectKind::Vessel,
        SubjectKind::Aircraft,
        SubjectKind::Account,
    ];
    let texts = OutFormat::ALL.map(|format| {
        let each = kinds.map(|kind| written(format, &[listing(filled(kind), OutState::Listed)]));
        each.concat()
    });
    let (page, mut wrong, mut used) = (page(), Vec::new(), Vec::new());
    let fields = fields(&filled(SubjectKind::Person));
    assert!(fields.len() > 80, "the fields of a record were found: {}", fields.len());
    for (path, marks) in &fields {
        let Some((name, told)) = row(&page, path) else {
            wrong.push(format!("{path}: no row"));
            continue;
        };
        used.push(name.to_owned());
        for ((text, format), told) in texts.iter().zip(OutFormat::ALL).zip(told) {
            let written = marks.iter().any(|mark| text.contains(mark.as_str()));
            if !marks.is_empty() && written != told {
                wrong.push(format!("{path}: {} has it: {written}, the page says {told}", format.word()));
            }
        }
    }
    wrong
        .extend(page.keys().filter(|name| !used.contains(name)).map(|name| format!("{name}: no such field")));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
