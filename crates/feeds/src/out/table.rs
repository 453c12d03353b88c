//! `targets.simple.csv` with the columns of OpenSanctions: one row for each subject that is listed now and not
//! suspended, several values of a cell divided by `;`.
//!
//! Safe in a spreadsheet: what one would read as a formula has a `'` before it, in each value of a cell, since `;`
//! divides cells in some countries. Not here: what a value is (`ftm_values`).

use comity_watchlist::{FactKind, IdKind, NameKind, Record, Text};

use super::country::code_of;
use super::ftm::{id, schema};
use super::ftm_values::{Properties, full};
use super::names::Digest;
use super::plain::one_line;
use super::{OutPart, OutState, Outgoing, rfc3339};
use crate::simple::formula;

const PATH: &str = "targets.simple.csv";
const HEAD: &str = "id,schema,name,aliases,birth_date,countries,addresses,identifiers,sanctions,phones,emails,dataset,\
                    first_seen,last_seen,last_change\r\n";

/// A table, row by row.
#[derive(Debug)]
pub(super) struct Table {
    digest: Digest,
}

/// Whether a listing has a row.
pub(super) fn tells(record: &Outgoing) -> bool {
    record.state == OutState::Listed && record.listed().is_some_and(|told| schema(told).is_some())
}

impl Table {
    pub(super) const fn new(digest: Digest) -> Self {
        Self { digest }
    }

    #[expect(clippy::unused_self, reason = "each format is asked the same")]
    pub(super) fn begin(&self) -> Vec<OutPart> {
        vec![OutPart { path: PATH.to_owned(), bytes: HEAD.as_bytes().to_vec() }]
    }

    pub(super) fn record(&self, record: &Outgoing) -> Vec<OutPart> {
        let Some(told) = record.listed().filter(|_| tells(record)) else { return Vec::new() };
        let values = values(told);
        let (first, last) = (rfc3339(record.created_ms, false), rfc3339(record.modified_ms, false));
        let primary = told.primary_name().map(|name| name.full.as_str().to_owned());
        let cells = [
            cell(&[id(self.digest, record, "subject", "")]),
            cell(&[schema(told).unwrap_or_default().to_owned()]),
            cell(primary.as_slice()),
            cell(values.get("aliases")),
            cell(values.get("birth_date")),
            cell(values.get("countries")),
            cell(values.get("addresses")),
            cell(values.get("identifiers")),
            cell(values.get("sanctions")),
            cell(values.get("phones")),
            cell(values.get("emails")),
            cell(&[record.key.list.as_str().to_owned()]),
            cell(&[first]),
            cell(std::slice::from_ref(&last)),
            cell(std::slice::from_ref(&last)),
        ];
        vec![OutPart { path: PATH.to_owned(), bytes: (cells.join(",") + "\r\n").into_bytes() }]
    }
}

fn values(told: &Record) -> Properties {
    let mut values = Properties::default();
    let primary = told.primary_name();
    for name in &told.names {
        if Some(name) != primary && name.kind != NameKind::Unknown(0) {
            values.add("aliases", name.full.as_str());
        }
    }
    for fact in told.facts.iter().filter(|fact| fact.kind == FactKind::Birth) {
        values.date("birth_date", Some(&fact.date));
    }
    let vessel = told.vessel.iter().filter_map(|vessel| vessel.flag.as_ref());
    let countries = told.ties.iter().map(|tie| &tie.country).chain(vessel);
    for country in countries.chain(told.addresses.iter().filter_map(|address| address.country.as_ref())) {
        match code_of(country) {
            Some(code) => values.add("countries", code.to_ascii_lowercase()),
            None => values.add("countries", country.name.as_str()),
        }
    }
    told.addresses.iter().for_each(|address| values.add("addresses", full(address)));
    for identifier in &told.identifiers {
        let column = match identifier.kind {
            IdKind::Phone | IdKind::Fax | IdKind::Telex => "phones",
            IdKind::Email => "emails",
            IdKind::Website => continue,
            _ => "identifiers",
        };
        values.add(column, identifier.value.as_str());
    }
    let measures = told.measures.iter().map(|measure| measure.text.as_str());
    for sanction in told.programmes.iter().map(Text::as_str).chain(measures) {
        values.add("sanctions", sanction);
    }
    values
}

/// Values as one cell (RFC 4180), each harmless by itself and quoted where it holds the divider, and so the whole.
fn cell(values: &[String]) -> String {
    let parts: Vec<String> = values.iter().map(|value| harmless(&one_line(value))).collect();
    let divided = |part: &String| if part.contains([';', '"']) { quoted(part) } else { part.clone() };
    let joined = parts.iter().map(divided).collect::<Vec<_>>().join(";");
    if joined.contains([',', '"', ';', '\'']) { quoted(&joined) } else { joined }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// What a spreadsheet would take for a formula is a text for it with a `'` before it. Tabs and line ends are blanks by
/// now. Whoever reads the table as data takes the mark away again (`simple`).
fn harmless(text: &str) -> String {
    if formula(text) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (bad, safe) in [
            ("=1+1", "\"'=1+1\""),
            ("+49 30 1", "\"'+49 30 1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"' =1\""),
            ("\r=1", "\"' =1\""),
            ("\n=1", "\"' =1\""),
            ("\u{200b}=1", "\"'\u{fffd}=1\""),
            ("＝1", "\"'＝1\""),
            ("\"=1", "\"\"\"'\"\"\"\"=1\"\"\""),
            ("'=1", "\"''=1\""),
            ("a=1", "a=1"),
        ] {
            assert_eq!(cell(&[bad.to_owned()]), safe, "{bad:?}");
        }
        // Also where `;` divides cells.
        assert_eq!(cell(&["A".into(), "=1".into()]), "\"A;'=1\"");
        assert_eq!(cell(&["A;=1".into(), "B".into()]), "\"\"\"A;=1\"\";B\"");
    }

    #[test]
    fn a_cell_is_read_as_it_was_written() {
        let text = format!("{}\r\n", cell(&["A;B".into(), "say \"C\", D".into()]));
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let row = reader.records().next().unwrap().unwrap();
        let mut inner =
            csv::ReaderBuilder::new().delimiter(b';').has_headers(false).from_reader(row[0].as_bytes());
        let parts = inner.records().next().unwrap().unwrap();
        assert_eq!(parts.iter().collect::<Vec<_>>(), ["A;B", "say \"C\", D"]);
    }
}
