//! Reading official lists: from the bytes of a publication to its records, on one core.
//!
//! The lists are invented. Nothing is read from the disk, compared or signed while the time
//! runs.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use comity_feeds::{FeedError, InputFile, Snapshot, ofac, un};
use comity_tlog::Hash;
use comity_watchlist::FileHash;

use super::failed;
use super::measured::{Figures, Measured, float, rate};
use crate::answer::Refusal;
use crate::args::Bench;

/// Records of each list if nothing is said.
const RECORDS: u64 = 50_000;

/// Bytes of a MB, in which speeds of parsers are told.
const MB: f64 = 1_000_000.0;

/// One publication in memory.
struct Publication {
    files: Vec<(&'static str, FileHash, Vec<u8>)>,
    hashing: Duration,
}

/// What reading it took.
struct Read {
    bytes: u64,
    records: u64,
    took: Duration,
}

type Parse = fn(&[InputFile<'_>]) -> Result<Snapshot, FeedError>;

pub(super) fn run(arguments: &Bench) -> Result<Measured, Refusal> {
    let records = arguments.entries.unwrap_or(RECORDS);
    let tables = Publication::of([("sdn.csv", designations(records)), ("alt.csv", further_names(records))]);
    let document = Publication::of([("un.xml", document(records))]);
    let (csv, xml) = (tables.read(ofac::parse, records)?, document.read(one_un, records)?);
    let mut figures = Figures::default();
    figures.add("csv_mb_per_s", csv.mb_per_s());
    figures.add("xml_mb_per_s", xml.mb_per_s());
    figures.add("csv_mb", float(csv.bytes) / MB);
    figures.add("xml_mb", float(xml.bytes) / MB);
    figures.add("csv_records_per_s", rate(csv.records, csv.took));
    figures.add("xml_records_per_s", rate(xml.records, xml.took));
    let all = Read { bytes: csv.bytes + xml.bytes, records, took: csv.took + xml.took };
    let hashing = Read { bytes: all.bytes, records, took: tables.hashing + document.hashing };
    Ok(Measured {
        name: "parse",
        what: format!("{records} records as tables of OFAC, and as many as a document of the UN"),
        n: records.saturating_mul(2),
        value: all.mb_per_s(),
        unit: "MB/s",
        reference_is: "SHA-256 of the same bytes",
        reference: hashing.mb_per_s(),
        figures,
    })
}

impl Publication {
    fn of<const FILES: usize>(files: [(&'static str, String); FILES]) -> Self {
        let begun = Instant::now();
        let hashed = |(name, text): (_, String)| {
            let hash = FileHash::new(*Hash::digest(text.as_bytes()).as_bytes());
            (name, hash, text.into_bytes())
        };
        let files = files.into_iter().map(hashed).collect();
        Self { files, hashing: begun.elapsed() }
    }

    /// Reads it; each record must come.
    fn read(&self, parse: Parse, records: u64) -> Result<Read, Refusal> {
        let inputs: Vec<InputFile<'_>> = self
            .files
            .iter()
            .map(|(name, sha256, bytes)| InputFile { name, sha256: *sha256, bytes })
            .collect();
        let begun = Instant::now();
        let snapshot = parse(&inputs).map_err(failed)?;
        let took = begun.elapsed();
        let came = count(snapshot.records.len());
        if came != records || !snapshot.rejected.is_empty() {
            return Err(failed(format!("of {records} records {came} came, {:?}", snapshot.rejected.first())));
        }
        let bytes = self.files.iter().map(|(_, _, bytes)| count(bytes.len())).sum();
        Ok(Read { bytes, records, took })
    }
}

impl Read {
    fn mb_per_s(&self) -> f64 {
        rate(self.bytes, self.took) / MB
    }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn one_un(inputs: &[InputFile<'_>]) -> Result<Snapshot, FeedError> {
    match inputs {
        [input] => un::parse(input),
        _ => Err(FeedError::FileCount { count: inputs.len(), max: 1 }),
    }
}

/// The main table of OFAC's list, with remarks as they are there.
fn designations(records: u64) -> String {
    let mut text = String::new();
    for number in 1..=records {
        let _ = write!(
            text,
            "{number},\"INVENTED NUMBER {number}, Mirza\",\"individual\",\"ZENDA] [GLASSWORKS\",-0- ,-0- ,-0- ,\
             -0- ,-0- ,-0- ,-0- ,\"DOB 14 Mar 19{:02}; POB Streslau, Ruritania; nationality Ruritania; Gender Male; \
             Passport RU {number:07} (Ruritania) issued 02 Jan 2019 expires 01 Jan 2029; National ID No. \
             {number:06}-7 (Ruritania); Linked To: MIRAGE GLASSWORKS LLC.\"\r\n",
            number % 90 + 10
        );
    }
    text
}

/// The table of further names: two for each.
fn further_names(records: u64) -> String {
    let mut text = String::new();
    for number in 1..=records {
        for (more, name) in [(0, "ИЗМЫШЛЁННЫЙ, Мирза"), (1, "THE GLAZIER")] {
            let _ = write!(text, "{number},{},\"aka\",\"{name} {number}\",-0- \r\n", number * 2 + more);
        }
    }
    text
}

/// A consolidated list of the UN, of people alone.
fn document(records: u64) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <CONSOLIDATED_LIST dateGenerated=\"2026-01-05T00:00:00Z\">\n  <INDIVIDUALS>\n",
    );
    for number in 1..=records {
        let _ = write!(
            text,
            "    <INDIVIDUAL>\n      <DATAID>{number}</DATAID>\n      <VERSIONNUM>1</VERSIONNUM>\n      \
             <FIRST_NAME>INVENTED</FIRST_NAME>\n      <SECOND_NAME>NUMBER {number}</SECOND_NAME>\n      \
             <UN_LIST_TYPE>Mirage</UN_LIST_TYPE>\n      <REFERENCE_NUMBER>MRi.{number}</REFERENCE_NUMBER>\n      \
             <LISTED_ON>2021-06-18</LISTED_ON>\n      <NAME_ORIGINAL_SCRIPT>منير السراب</NAME_ORIGINAL_SCRIPT>\n      \
             <COMMENTS1>Said to have sold mirrors that show another sea, and to have \
             shown them on fairs.</COMMENTS1>\n      <NATIONALITY><VALUE>Syldavia</VALUE></NATIONALITY>\n      \
             <LIST_TYPE><VALUE>UN List</VALUE></LIST_TYPE>\n      \
             <INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY><ALIAS_NAME>Mounir {number}</ALIAS_NAME></INDIVIDUAL_ALIAS>\n      \
             <INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE><FROM_YEAR>1970</FROM_YEAR>\
             <TO_YEAR>1973</TO_YEAR></INDIVIDUAL_DATE_OF_BIRTH>\n      \
             <INDIVIDUAL_DOCUMENT><TYPE_OF_DOCUMENT>Passport</TYPE_OF_DOCUMENT><NUMBER>S{number:07}</NUMBER>\
             <ISSUING_COUNTRY>Syldavia</ISSUING_COUNTRY></INDIVIDUAL_DOCUMENT>\n    </INDIVIDUAL>\n"
        );
    }
    text.push_str("  </INDIVIDUALS>\n  <ENTITIES>\n  </ENTITIES>\n</CONSOLIDATED_LIST>\n");
    text
}
