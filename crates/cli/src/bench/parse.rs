//! Reading official lists: from the bytes of a publication to its records, on one core.
//!
//! The lists are invented. Nothing is read from the disk, compared or signed while the time
//! runs.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use comity_feeds::{Content, FeedError, InputFile, Snapshot, Stored, Take, ofac, un};
use comity_tlog::Hash;
use comity_watchlist::FileHash;

use super::failed;
use super::measured::{Figures, Measured, float, rate};
use super::process::{peak_bytes, reset_peak};
use crate::answer::Refusal;
use crate::args::Bench;

/// Records of each list if nothing is said.
const RECORDS: u64 = 50_000;

/// Bytes of a MB, in which speeds of parsers are told.
const MB: f64 = 1_000_000.0;

/// Bytes of a MiB, in which memory is told.
const MIB: f64 = 1_048_576.0;

/// How many times more records the middle and the largest publication of the memory's measure have than the smallest.
const TIMES: [u64; 3] = [1, 4, 16];

/// One publication in memory.
struct Publication {
    files: Vec<(&'static str, FileHash, Vec<u8>)>,
    hashing: Duration,
}

/// What reading it took.
struct Taken {
    bytes: u64,
    records: u64,
    took: Duration,
}

type Parse = fn(&[InputFile<'_>], Take<'_>) -> Result<Snapshot, FeedError>;

pub(super) fn run(arguments: &Bench) -> Result<Measured, Refusal> {
    let records = arguments.entries.unwrap_or(RECORDS);
    // Before anything of it is in memory.
    let csv_peaks = peaks(&[&SUBJECTS, &FURTHER_NAMES], ofac::read, records)?;
    let xml_peaks = peaks(&[&DOCUMENT], one_un, records)?;
    let tables = Publication::of([("sdn.csv", &SUBJECTS), ("alt.csv", &FURTHER_NAMES)], records)?;
    let document = Publication::of([("un.xml", &DOCUMENT)], records)?;
    let (csv, xml) = (tables.read(ofac::read, records)?, document.read(one_un, records)?);
    let mut figures = Figures::default();
    figures.add("csv_mb_per_s", csv.mb_per_s());
    figures.add("xml_mb_per_s", xml.mb_per_s());
    figures.add("csv_mb", float(csv.bytes) / MB);
    figures.add("xml_mb", float(xml.bytes) / MB);
    figures.add("csv_records_per_s", rate(csv.records, csv.took));
    figures.add("xml_records_per_s", rate(xml.records, xml.took));
    for (name, peak) in
        ["csv_peak_sixteenth_mib", "csv_peak_quarter_mib", "csv_peak_mib"].into_iter().zip(csv_peaks)
    {
        figures.add(name, float(peak) / MIB);
    }
    for (name, peak) in
        ["xml_peak_sixteenth_mib", "xml_peak_quarter_mib", "xml_peak_mib"].into_iter().zip(xml_peaks)
    {
        figures.add(name, float(peak) / MIB);
    }
    let all = Taken { bytes: csv.bytes + xml.bytes, records, took: csv.took + xml.took };
    let hashing = Taken { bytes: all.bytes, records, took: tables.hashing + document.hashing };
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

/// Most memory of the process while it reads a sixteenth of the records, a quarter of them, and all. What is read is made
/// piece by piece while it is read, and each record is let go of as soon as it comes.
fn peaks(files: &[&'static Form], parse: Parse, records: u64) -> Result<[u64; 3], Refusal> {
    let [_, _, most] = TIMES;
    let mut peaks = [0; 3];
    for (peak, times) in peaks.iter_mut().zip(TIMES) {
        let records = (records.saturating_mul(times) / most).max(1);
        let made: Vec<Made> = files.iter().map(|form| Made { form, records }).collect();
        let inputs: Vec<InputFile<'_>> = made
            .iter()
            .map(|made| InputFile {
                name: "list",
                sha256: FileHash::new([1; 32]),
                content: Content::Stored(made),
            })
            .collect();
        reset_peak()?;
        let mut came = 0_u64;
        parse(&inputs, &mut |_| came += 1).map_err(failed)?;
        if came != records {
            return Err(failed(format!("of {records} records {came} came")));
        }
        *peak = peak_bytes(std::process::id())?;
    }
    Ok(peaks)
}

impl Publication {
    fn of<const FILES: usize>(
        files: [(&'static str, &'static Form); FILES],
        records: u64,
    ) -> Result<Self, Refusal> {
        let mut made = Vec::with_capacity(FILES);
        for (name, form) in files {
            let mut bytes = Vec::new();
            Made { form, records }.open().read_to_end(&mut bytes).map_err(failed)?;
            made.push((name, bytes));
        }
        let begun = Instant::now();
        let hashed = |(name, bytes): (_, Vec<u8>)| {
            let hash = FileHash::new(*Hash::digest(&bytes).as_bytes());
            (name, hash, bytes)
        };
        let files = made.into_iter().map(hashed).collect();
        Ok(Self { files, hashing: begun.elapsed() })
    }

    /// Reads it; each record must come.
    fn read(&self, parse: Parse, records: u64) -> Result<Taken, Refusal> {
        let inputs: Vec<InputFile<'_>> = self
            .files
            .iter()
            .map(|(name, sha256, bytes)| InputFile::of_bytes(name, *sha256, bytes))
            .collect();
        let mut came = 0_u64;
        let begun = Instant::now();
        let snapshot = parse(&inputs, &mut |_| came += 1).map_err(failed)?;
        let took = begun.elapsed();
        if came != records || !snapshot.rejected.is_empty() {
            return Err(failed(format!("of {records} records {came} came, {:?}", snapshot.rejected.first())));
        }
        let bytes = self.files.iter().map(|(_, _, bytes)| count(bytes.len())).sum();
        Ok(Taken { bytes, records, took })
    }
}

impl Taken {
    fn mb_per_s(&self) -> f64 {
        rate(self.bytes, self.took) / MB
    }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn one_un(inputs: &[InputFile<'_>], take: Take<'_>) -> Result<Snapshot, FeedError> {
    match inputs {
        [input] => un::read(input, take),
        _ => Err(FeedError::FileCount { count: inputs.len(), max: 1 }),
    }
}

/// How a file is made: what stands first and last, and what of each record.
#[derive(Debug)]
struct Form {
    head: &'static str,
    record: fn(u64, &mut String),
    foot: &'static str,
}

/// A file that is made while it is read.
#[derive(Debug)]
struct Made {
    form: &'static Form,
    records: u64,
}

/// One reading of it.
struct Making<'m> {
    made: &'m Made,
    text: String,
    at: usize,
    next: u64,
}

impl Stored for Made {
    fn len(&self) -> u64 {
        // Nobody asks for more than whether it is within the limit, which the bench minds itself.
        1
    }

    fn open(&self) -> Box<dyn Read + '_> {
        Box::new(Making { made: self, text: self.form.head.to_owned(), at: 0, next: 1 })
    }
}

impl Read for Making<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() && self.next <= self.made.records + 1 {
            self.text.clear();
            self.at = 0;
            if self.next <= self.made.records {
                (self.made.form.record)(self.next, &mut self.text);
            } else {
                self.text.push_str(self.made.form.foot);
            }
            self.next += 1;
        }
        let read = self.text.as_bytes().get(self.at..).unwrap_or_default().read(into)?;
        self.at += read;
        Ok(read)
    }
}

/// The main table of OFAC's list, with remarks as they are there.
static SUBJECTS: Form = Form { head: "", record: subject, foot: "" };

/// The table of further names: two for each.
static FURTHER_NAMES: Form = Form { head: "", record: further_names, foot: "" };

/// A consolidated list of the UN, of people alone.
static DOCUMENT: Form = Form {
    head: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
           <CONSOLIDATED_LIST dateGenerated=\"2026-01-05T00:00:00Z\">\n  <INDIVIDUALS>\n",
    record: individual,
    foot: "  </INDIVIDUALS>\n  <ENTITIES>\n  </ENTITIES>\n</CONSOLIDATED_LIST>\n",
};

fn subject(number: u64, text: &mut String) {
    let _ = write!(
        text,
        "{number},\"INVENTED NUMBER {number}, Mirza\",\"individual\",\"ZENDA] [GLASSWORKS\",-0- ,-0- ,-0- ,\
         -0- ,-0- ,-0- ,-0- ,\"DOB 14 Mar 19{:02}; POB Streslau, Ruritania; nationality Ruritania; Gender Male; \
         Passport RU {number:07} (Ruritania) issued 02 Jan 2019 expires 01 Jan 2029; National ID No. \
         {number:06}-7 (Ruritania); Linked To: MIRAGE GLASSWORKS LLC.\"\r\n",
        number % 90 + 10
    );
}

fn further_names(number: u64, text: &mut String) {
    for (more, name) in [(0, "ИЗМЫШЛЁННЫЙ, Мирза"), (1, "THE GLAZIER")] {
        let _ = write!(text, "{number},{},\"aka\",\"{name} {number}\",-0- \r\n", number * 2 + more);
    }
}

fn individual(number: u64, text: &mut String) {
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
