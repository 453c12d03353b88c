//! One subject, gathered from its rows in all tables.

use comity_watchlist::{
    Address, Country, Extra, IdKind, Identifier, Name, NameKind, NamePart, NameQuality, PartRole, Prose,
    Record, RecordKey, SourceFile, SubjectKind, Text, Vessel,
};

use crate::error::RejectReason;
use crate::ofac::rows::Row;
use crate::ofac::{PROGRAM, REMARKS, TITLE, remarks, text};
use crate::snapshot;
use crate::value::push;

/// A subject that is being gathered.
pub(super) struct Subject {
    pub(super) line: u64,
    record: Box<Record>,
    aliases: Vec<(u64, Name)>,
    addresses: Vec<(u64, Address)>,
    remarks: String,
}

impl Subject {
    pub(super) fn read(key: RecordKey, row: &Row<'_>) -> Result<Self, RejectReason> {
        let kind = match row.value(2) {
            None => SubjectKind::Organisation,
            Some("individual") => SubjectKind::Person,
            Some("vessel") => SubjectKind::Vessel,
            Some("aircraft") => SubjectKind::Aircraft,
            Some(_) => return Err(RejectReason::Vocabulary { column: "SDN_Type" }),
        };
        let mut record = Box::new(Record::new(key, kind));
        let full = row.text(1, "SDN_Name")?.ok_or(RejectReason::Missing { column: "SDN_Name" })?;
        push(&mut record.names, name(kind, NameKind::Primary, full)?);
        let joined = row.value(3).unwrap_or_default();
        for programme in programmes(joined) {
            push(&mut record.programmes, text("Program", programme)?);
        }
        keep_odd(&mut record, PROGRAM, joined, "] [", |record| &record.programmes)?;
        titles(&mut record, row.value(4).unwrap_or_default())?;
        record
            .identifiers
            .extend(row.text(5, "Call_Sign")?.map(|mark| Identifier::new(IdKind::CallSign, mark)));
        let mut vessel = Vessel::default();
        vessel.types.extend(row.text(6, "Vess_type")?);
        vessel.tonnage = row.text(7, "Tonnage")?;
        vessel.gross_tonnage = row.text(8, "GRT")?;
        vessel.flag = row.text(9, "Vess_flag")?.map(Country::new);
        vessel.owner = row.text(10, "Vess_owner")?;
        record.vessel = (!vessel.is_empty()).then_some(vessel);
        let remarks = row.raw(11).unwrap_or_default().to_owned();
        let mut subject =
            Self { line: row.line, record, aliases: Vec::new(), addresses: Vec::new(), remarks };
        subject.locate(row)?;
        Ok(subject)
    }

    pub(super) fn key(&self) -> &RecordKey {
        &self.record.key
    }

    pub(super) fn alias(&mut self, row: &Row<'_>) -> Result<(), RejectReason> {
        let number = row.number(1, "alt_num")?;
        let kind = match row.value(2) {
            Some("aka" | "a.k.a.") => NameKind::Aka,
            Some("fka" | "f.k.a.") => NameKind::Fka,
            Some("nka" | "n.k.a.") => NameKind::Nka,
            Some(_) => return Err(RejectReason::Vocabulary { column: "alt_type" }),
            None => return Err(RejectReason::Missing { column: "alt_type" }),
        };
        let full = row.text(3, "alt_name")?.ok_or(RejectReason::Missing { column: "alt_name" })?;
        let mut name = name(self.record.kind, kind, full)?;
        name.row = Some(text("alt_num", number.to_string())?);
        name.note = row.text(4, "alt_remarks")?;
        push(&mut self.aliases, (number, name));
        self.locate(row)
    }

    pub(super) fn address(&mut self, row: &Row<'_>) -> Result<(), RejectReason> {
        let number = row.number(1, "add_num")?;
        let mut address = Address::default();
        address.street = row.text(2, "Address")?;
        address.locality = row.text(3, "City")?;
        address.country = row.text(4, "Country")?.map(Country::new);
        address.note = row.text(5, "add_remarks")?;
        address.row = Some(text("add_num", number.to_string())?);
        push(&mut self.addresses, (number, address));
        self.locate(row)
    }

    /// Comments are the overflow of remarks, which OFAC cuts at 1,000 characters, in the middle of a word if need be.
    pub(super) fn comment(&mut self, row: &Row<'_>) -> Result<(), RejectReason> {
        let overflow = row.raw(1).ok_or(RejectReason::Missing { column: "comments" })?;
        self.remarks.push_str(overflow);
        self.locate(row)
    }

    fn locate(&mut self, row: &Row<'_>) -> Result<(), RejectReason> {
        let locator = text("line", [row.table.name(), ":", &row.line.to_string()].concat())?;
        push(&mut self.record.source.locators, locator);
        Ok(())
    }

    pub(super) fn finish(mut self, sources: &[SourceFile]) -> Result<Box<Record>, RejectReason> {
        // By OFAC's own numbers, so that a publication in another order of rows is not taken for a change.
        self.aliases.sort_by_key(|(number, _)| *number);
        self.addresses.sort_by_key(|(number, _)| *number);
        let mut record = self.record;
        record.names.reserve_exact(self.aliases.len());
        record.names.extend(self.aliases.into_iter().map(|(_, name)| name));
        record.addresses = self.addresses.into_iter().map(|(_, address)| address).collect();
        record.source.files = sources.to_vec();
        if !self.remarks.is_empty() {
            let whole = |source| RejectReason::Text { column: "Remarks", source };
            let verbatim = Prose::new(self.remarks).map_err(whole)?;
            let at = record.source.extra.len();
            remarks::read(&mut record, verbatim.as_str());
            record.source.extra.reserve_exact(1);
            record.source.extra.insert(at, Extra::new(text("Remarks", REMARKS)?, vec![verbatim]));
        }
        numbers(&mut record);
        snapshot::fitting(record)
    }
}

/// Puts a number under the kind that it is of whom it belongs to: what OFAC labels as a ship's IMO number is that of the
/// company where the subject is none, and has no check digit of the ship's kind.
pub(super) fn numbers(record: &mut Record) {
    if record.kind != SubjectKind::Vessel {
        let of_ship = record.identifiers.iter_mut().filter(|identifier| identifier.kind == IdKind::Imo);
        of_ship.for_each(|identifier| identifier.kind = IdKind::ImoCompany);
    }
}

/// The programmes of the column `Program`, which joins them as `SDGT] [IRAN`.
pub(super) fn programmes(cell: &str) -> impl Iterator<Item = &str> {
    cell.split("] [").map(|code| code.trim_matches(['[', ']', ' '])).filter(|code| !code.is_empty())
}

/// The titles of the column `Title`, which joins them as `A; B`.
pub(super) fn titles(record: &mut Record, cell: &str) -> Result<(), RejectReason> {
    for title in cell.split(';').map(str::trim).filter(|title| !title.is_empty()) {
        push(&mut record.titles, text("Title", title)?);
    }
    keep_odd(record, TITLE, cell, "; ", |record| &record.titles)
}

/// Keeps a cell that joins several values as it is written, where its parts joined again would be another text: OFAC
/// writes a few with a space too many, and what was published must be found again in what was signed.
fn keep_odd(
    record: &mut Record,
    column: &'static str,
    cell: &str,
    joint: &str,
    parts: fn(&Record) -> &[Text],
) -> Result<(), RejectReason> {
    if !is_joined(parts(record), joint, cell) {
        let verbatim = Prose::new(cell).map_err(|source| RejectReason::Text { column, source })?;
        record.source.keep(&text(column, column)?, verbatim);
    }
    Ok(())
}

/// Whether a cell is these parts with the joint between each two.
fn is_joined(parts: &[Text], joint: &str, cell: &str) -> bool {
    let mut rest = Some(cell);
    for (at, part) in parts.iter().enumerate() {
        let behind = if at == 0 { rest } else { rest.and_then(|rest| rest.strip_prefix(joint)) };
        rest = behind.and_then(|behind| behind.strip_prefix(part.as_str()));
    }
    rest == Some("")
}

/// OFAC writes persons as `FAMILY, Given`.
pub(super) fn name(subject: SubjectKind, kind: NameKind, full: Text) -> Result<Name, RejectReason> {
    let mut parts = Vec::new();
    if let (SubjectKind::Person, Some((family, given))) = (subject, full.as_str().split_once(", ")) {
        let (family, given) = (family.trim(), given.trim());
        if !family.is_empty() && !given.is_empty() {
            push(&mut parts, NamePart::new(PartRole::Family, text("name", family)?));
            push(&mut parts, NamePart::new(PartRole::Given, text("name", given)?));
        }
    }
    let mut name = Name::new(kind, full);
    name.parts = parts;
    // Names with a row of their own are OFAC's strong ones; weak aliases stand in the remarks only.
    name.quality = Some(NameQuality::Good);
    Ok(name)
}
