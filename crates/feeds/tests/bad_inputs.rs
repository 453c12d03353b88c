//! Bad inputs: more than 900 publications that are broken, hostile or odd, each with its expected verdict, in little
//! memory and time.
//!
//! Goal: nothing that a source or a thief of a source can send costs more than a second of a core or 256 MiB, and
//! each is refused, left out by row, or taken with a text that is what it was. Way: a good publication in each form,
//! bent by each of the ways of `documents`, `tables`, `lines` and `bundles`; each form in a process of its own under `RLIMIT_DATA`. Not
//! here: archives (`archive`), and what a good publication is read to (`lists`).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says aloud what it did"
)]

#[path = "bad_inputs/bundles.rs"]
mod bundles;
#[path = "bad_inputs/documents.rs"]
mod documents;
#[path = "bad_inputs/lines.rs"]
mod lines;
#[path = "bad_inputs/tables.rs"]
mod tables;

use std::process::Command;
use std::time::Duration;

use comity_feeds::{
    FeedError, InputFile, Snapshot, canada, eu, ftm, ofac, own, seco, simple, stix, uk, un, us,
};
use comity_watchlist::{FileHash, ListId};

use self::Verdict::{Fewer, LeftOut, Taken};

/// What a process that reads bad inputs may take of memory of its own.
const DATA_BYTES_MAX: u64 = 256 << 20;

/// Processor time of one input.
const TIME_MAX: Duration = Duration::from_secs(1);

/// Tells the process that works under the limit from the one that starts it.
const LIMITED: &str = "COMITY_BAD_INPUTS_LIMITED";

type Parse = fn(&InputFile<'_>) -> Result<Snapshot, FeedError>;

/// A good publication about invented subjects.
struct Form {
    good: &'static str,
    /// A name of one of its subjects, as it stands there.
    name: &'static str,
    /// A date of one of its subjects, as it stands there.
    date: &'static str,
    parse: Parse,
    /// Ways of which this form makes something else than the others do, as its documentation says.
    but: &'static [(&'static str, Verdict)],
}

/// What a bent publication comes to.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    /// It is refused with an error that has these words.
    Refused(&'static str),
    /// A row is left out with a reason that has these words, or all of it is refused since nothing is left.
    LeftOut(&'static str),
    /// As many records as of the good one, with nothing more left out.
    Taken,
    /// More records, and nothing more left out.
    More,
    /// Fewer records, and nothing left out: what has gone is seen by whoever compares.
    Fewer,
}

/// One bad input: how it was bent, and what is expected.
struct Case {
    way: String,
    bytes: Vec<u8>,
    verdict: Verdict,
}

impl Form {
    fn read(&self, bytes: &[u8]) -> Result<Snapshot, FeedError> {
        (self.parse)(&InputFile::of_bytes("list", FileHash::new([1; 32]), bytes))
    }

    /// The good one with another name.
    fn named(&self, name: &str) -> Vec<u8> {
        assert!(self.good.contains(self.name));
        self.good.replace(self.name, name).into_bytes()
    }

    /// The good one with another date.
    fn dated(&self, date: &str) -> Vec<u8> {
        assert!(self.good.contains(self.date));
        self.good.replace(self.date, date).into_bytes()
    }

    /// Holds each case against its verdict; gives what is not as expected.
    fn judge(&self, cases: &[Case]) -> Vec<String> {
        let good = self.read(self.good.as_bytes()).unwrap();
        let mut wrong = Vec::new();
        for case in cases {
            eprintln!("{}", case.way);
            let begun = processor_time();
            let read = self.read(&case.bytes);
            let took = processor_time().saturating_sub(begun);
            if took > TIME_MAX {
                wrong.push(format!("{} took {took:?}", case.way));
            }
            let other = self.but.iter().find(|(way, _)| *way == case.way);
            let verdict = other.map_or(case.verdict, |(_, verdict)| *verdict);
            if !verdict.is_met(&good, &read) {
                wrong.push(format!("{}: expected {verdict:?}, {}", case.way, said(&read)));
            }
        }
        wrong
    }
}

impl Verdict {
    fn is_met(self, good: &Snapshot, read: &Result<Snapshot, FeedError>) -> bool {
        match (self, read) {
            (Self::Refused(words), Err(error)) => whole(error).contains(words),
            (Self::LeftOut(words), Ok(read)) => {
                let with = |of: &Snapshot| {
                    of.rejected.iter().filter(|row| row.reason.to_string().contains(words)).count()
                };
                with(read) > with(good)
            }
            (Self::LeftOut(_), Err(error)) => {
                matches!(error, FeedError::NoRecords { .. } | FeedError::MostlyRejected { .. })
            }
            (Self::Taken, Ok(read)) => {
                read.records.len() == good.records.len() && read.rejected.len() == good.rejected.len()
            }
            (Self::More, Ok(read)) => {
                read.records.len() > good.records.len() && read.rejected.len() == good.rejected.len()
            }
            (Self::Fewer, Ok(read)) => {
                read.records.len() < good.records.len() && read.rejected.len() <= good.rejected.len()
            }
            _ => false,
        }
    }
}

/// An error with what caused it.
fn whole(error: &FeedError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn said(read: &Result<Snapshot, FeedError>) -> String {
    match read {
        Ok(read) => {
            let rows: Vec<String> = read.rejected.iter().take(4).map(|row| row.reason.to_string()).collect();
            let said = format!(
                "{} records came, {} rows were left out: {rows:?}",
                read.records.len(),
                read.rejected.len()
            );
            said.chars().take(400).collect()
        }
        Err(error) => format!("refused: {}", whole(error).chars().take(300).collect::<String>()),
    }
}

/// Processor time of this thread (proc(5), `schedstat`).
fn processor_time() -> Duration {
    let read = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(read.split(' ').next().unwrap().parse().unwrap())
}

/// Runs a test of this name again in a process with little memory, and in that process judges all cases.
fn within_limits(test: &str, form: &Form, cases: impl FnOnce(&Form) -> Vec<Case>) {
    if std::env::var_os(LIMITED).is_none() {
        let this = std::env::current_exe().unwrap();
        let mut limited = Command::new("prlimit");
        limited.arg(format!("--data={DATA_BYTES_MAX}")).arg(this).args([test, "--exact", "--nocapture"]);
        let output = limited.env(LIMITED, "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let end: Vec<&str> = said.lines().rev().take(60).collect();
        assert!(
            output.status.success(),
            "{test}: {}\n{}",
            output.status,
            end.into_iter().rev().collect::<Vec<_>>().join("\n")
        );
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{test} ran");
        return;
    }
    let cases = cases(form);
    let wrong = form.judge(&cases);
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// OFAC's tables have no line that names their columns.
const HEADLESS: [(&str, Verdict); 3] = [
    ("a quote that does not end, in its first row", LeftOut("number")),
    ("rows from the last to the first", Taken),
    ("its first line alone", Fewer),
];

/// A form, and the test that bends it in all ways.
macro_rules! forms {
    ($cases:path: $($test:ident, $file:literal, $name:literal, $date:literal, $parse:expr, $but:expr;)*) => {
        $(#[test]
        fn $test() {
            static FORM: Form =
                Form { good: include_str!($file), name: $name, date: $date, parse: $parse, but: &$but };
            within_limits(stringify!($test), &FORM, $cases);
        })*
    };
}

forms! { documents::cases:
    documents_of_ofac_in_the_older_form, "fixtures/ofac-cons/legacy.xml", "HENTZAU", "19 Apr 1962", one_ofac, [];
    documents_of_ofac_in_the_enhanced_form, "fixtures/ofac-cons/enhanced.xml", "HENTZAU", "1962-04-19", one_ofac, [];
    documents_of_ofac_in_the_advanced_form, "fixtures/ofac-cons/advanced.xml", "HENTZAU", "<Year>1962</Year>", one_ofac, [];
    documents_of_the_un, "fixtures/un.xml", "HENTZAU", "2020-02-29", un::parse, [];
    documents_of_the_eu, "fixtures/eu.xml", "HENTZAU", "1963-04-05", eu::parse, [];
    documents_of_canada, "fixtures/canada.xml", "HENTZAU", "1963-04-05", canada::parse, [];
    documents_of_seco, "fixtures/seco.xml", "Hentzau", "2020-02-29", seco::parse, [];
}

forms! { tables::cases:
    tables_of_ofac, "fixtures/ofac-sdn.csv", "HENTZAU", "19 Apr 1962", one_ofac, HEADLESS;
    tables_of_ofac_beside_its_list, "fixtures/ofac-cons/prim.csv", "HENTZAU", "19 Apr 1962", one_ofac, HEADLESS;
    tables_of_the_eu, "fixtures/eu.csv", "HENTZAU", "2020-03-01", eu::parse, [];
    tables_of_ofsi_as_they_were, "fixtures/uk-conlist-old.csv", "HENTZAU", "05/04/1963", uk::parse, [];
    tables_of_ofsi, "fixtures/uk-conlist.csv", "HENTZAU", "00/00/1963", uk::parse, [];
    tables_of_the_uk, "fixtures/uk-sl.csv", "HENTZAU", "24/06/2020", uk::parse, [];
    tables_of_the_us, "fixtures/us/csl.csv", "HENTZAU", "1893-12-24", denied, [];
    tables_of_our_own, "fixtures/own/targets.csv", "HENTZAU", "1963-04-05", table, [];
    tables_of_denied_persons, "fixtures/us/dpl.txt", "HENTZAU", "12/24/1893", denied, [("no line end at its end", Taken)];
}

/// Our own lines say what a date is in words of its own: what is no day, month or year is an error there.
const STRICT: [(&str, Verdict); 8] = [
    ("the half of it", LeftOut("not readable as json")),
    ("a NUL by its number", LeftOut("docs/records.md")),
    ("a control character by its number", LeftOut("docs/records.md")),
    ("a name of a MiB", LeftOut("more than 1048576")),
    ("30 February", LeftOut("docs/records.md")),
    ("a date of words", LeftOut("docs/records.md")),
    ("the year 0", LeftOut("docs/records.md")),
    ("the year 99999", LeftOut("docs/records.md")),
];

forms! { lines::cases:
    lines_of_our_own, "fixtures/own/list.jsonl", "HENTZAU", "1963-04-05", own_lines, STRICT;
    entities_of_ftm, "fixtures/ftm/entities.ftm.json", "HENTZAU", "1963-04-05", entities, [("the half of it", Fewer), ("a name of a MiB", LeftOut("more than 1048576"))];
}

forms! { bundles::cases:
    bundles_of_stix, "fixtures/stix/bundle.json", "HENTZAU", "1963-04-05", bundle, [];
}

fn bundle(input: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    stix::parse(input, Some(&ListId::parse("xa-castle").unwrap()))
}

fn entities(input: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    ftm::parse(std::slice::from_ref(input), Some(&ListId::parse("xa-castle").unwrap()))
}

fn own_lines(input: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    own::parse_lines(input, None)
}

fn table(input: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    simple::parse(input, None)
}

fn one_ofac(input: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    ofac::parse(std::slice::from_ref(input))
}

fn denied(input: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    us::parse(us::List::DeniedPersons, input)
}
