//! Files that are read piece by piece say the same as files in memory, are read as often as a parser likes, and no record is
//! held that was handed over.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, Read};

use comity_feeds::{
    Content, FeedError, InputFile, Snapshot, Stored, Take, canada, eu, format_of, ofac, own, seco, simple,
    uk, un,
};
use comity_watchlist::{FileHash, ListId};

/// Bytes that come in pieces of odd lengths, so that each boundary falls somewhere; and of which a reading may fail.
#[derive(Debug)]
struct Pieces {
    bytes: Vec<u8>,
    len: usize,
    opened: Cell<u32>,
    /// The reading from which on the bytes are not what they were.
    fails_from: u32,
}

struct Piece<'a> {
    rest: &'a [u8],
    len: usize,
    fails: bool,
}

impl Pieces {
    fn of(bytes: &[u8], len: usize) -> Self {
        Self { bytes: bytes.to_vec(), len, opened: Cell::new(0), fails_from: u32::MAX }
    }

    fn file(&self) -> InputFile<'_> {
        InputFile { name: "list", sha256: FileHash::new([1; 32]), content: Content::Stored(self) }
    }
}

impl Stored for Pieces {
    fn len(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap()
    }

    fn open(&self) -> Box<dyn Read + '_> {
        self.opened.set(self.opened.get() + 1);
        Box::new(Piece { rest: &self.bytes, len: self.len, fails: self.opened.get() >= self.fails_from })
    }
}

impl Read for Piece<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.fails && self.rest.len() <= self.len {
            return Err(io::Error::other("it was changed"));
        }
        let len = self.len.min(into.len()).min(self.rest.len());
        into[..len].copy_from_slice(&self.rest[..len]);
        self.rest = &self.rest[len..];
        Ok(len)
    }
}

type Read1 = fn(&InputFile<'_>, Take<'_>) -> Result<Snapshot, FeedError>;

fn one_ofac(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    ofac::read(std::slice::from_ref(file), take)
}

fn one_table(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    simple::read(file, Some(&ListId::parse("xa-castle").unwrap()), take)
}

fn one_lines(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    own::read_lines(file, None, take)
}

fn formats() -> [(&'static str, &'static [u8], Read1); 11] {
    [
        ("un", include_bytes!("fixtures/un.xml"), un::read),
        ("eu", include_bytes!("fixtures/eu.xml"), eu::read),
        ("eu table", include_bytes!("fixtures/eu.csv"), eu::read),
        ("uk", include_bytes!("fixtures/uk-conlist.csv"), uk::read),
        ("canada", include_bytes!("fixtures/canada.xml"), canada::read),
        ("seco", include_bytes!("fixtures/seco.xml"), seco::read),
        ("ofac", include_bytes!("fixtures/ofac-sdn.csv"), one_ofac),
        ("legacy", include_bytes!("fixtures/ofac-cons/legacy.xml"), one_ofac),
        ("advanced", include_bytes!("fixtures/ofac-cons/advanced.xml"), one_ofac),
        ("own table", include_bytes!("fixtures/own/targets.csv"), one_table),
        ("own lines", include_bytes!("fixtures/own/list.jsonl"), one_lines),
    ]
}

/// All that is read of a file: the records as they are handed over, and the rest.
fn all(read: Read1, file: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    let mut records = Vec::new();
    let snapshot = read(file, &mut |record| records.push(*record))?;
    assert!(snapshot.records.is_empty(), "a record that is handed over is not held");
    Ok(Snapshot { records, ..snapshot })
}

#[test]
fn a_file_in_pieces_of_any_length_says_what_the_whole_file_says() {
    for (name, bytes, read) in formats() {
        let whole = all(read, &InputFile::of_bytes("list", FileHash::new([1; 32]), bytes)).unwrap();
        for len in [1, 7, 64, 1_000, 1 << 20] {
            let pieces = Pieces::of(bytes, len);
            assert_eq!(all(read, &pieces.file()).as_ref(), Ok(&whole), "{name} in pieces of {len}");
        }
    }
}

#[test]
fn a_file_that_is_another_one_in_any_of_its_readings_is_refused() {
    for (name, bytes, read) in formats() {
        let mut pieces = Pieces::of(bytes, 100);
        let whole = all(read, &pieces.file()).unwrap();
        let readings = pieces.opened.get();
        let mut refused = 0;
        for from in 1..=readings {
            pieces.fails_from = from;
            pieces.opened.set(0);
            match all(read, &pieces.file()) {
                Err(FeedError::Unread { said, .. }) => {
                    assert!(said.contains("changed"), "{name}: {said}");
                    refused += 1;
                }
                // Of some readings only the beginning is asked for, which is still what it was.
                Ok(same) => assert_eq!(same, whole, "{name}, reading {from} of {readings}"),
                Err(other) => panic!("{name}, reading {from} of {readings}: {other}"),
            }
        }
        assert!(refused > 0, "{name}");
    }
}

#[test]
fn a_format_is_told_of_a_file_in_pieces_too() {
    for (name, bytes, _) in formats() {
        let whole = format_of(&[InputFile::of_bytes("list", FileHash::new([1; 32]), bytes)]).unwrap();
        let pieces = Pieces::of(bytes, 5);
        assert_eq!(format_of(&[pieces.file()]), Ok(whole), "{name}");
    }
}

/// The tables of some subjects, in the order of `numbers`.
fn tables(numbers: &[u32]) -> [String; 4] {
    let [mut sdn, mut alt, mut add, mut comments]: [String; 4] = Default::default();
    for number in numbers {
        let none = "-0- ,-0- ,-0- ,-0- ,-0- ,-0- ";
        writeln!(
            sdn,
            "{number},\"NUMBER {number}, Invented\",\"individual\",\"ZENDA\",-0- ,{none},\"DOB 14 Mar 1970.\""
        )
        .unwrap();
        for more in 0..number % 4 {
            writeln!(alt, "{number},{},\"aka\",\"THE GLAZIER {more}\",-0- ", number * 10 + more).unwrap();
            writeln!(add, "{number},{},\"{more} Moat\",\"Zenda\",\"Ruritania\",-0- ", number * 10 + more)
                .unwrap();
        }
        if number % 3 == 0 {
            writeln!(comments, "{number},\" POB Streslau.\"").unwrap();
        }
    }
    [sdn, alt, add, comments]
}

fn of_tables(tables: &[String]) -> Snapshot {
    let files: Vec<InputFile<'_>> = tables
        .iter()
        .map(|text| InputFile::of_bytes("list", FileHash::new([1; 32]), text.as_bytes()))
        .collect();
    ofac::parse(&files).unwrap()
}

/// Goal: tables that are read beside each other say what they say when all is held.
/// Way: the same rows in their order, and with one subject out of it; rows that are bad, repeated, and about nobody.
#[test]
fn tables_in_order_and_out_of_order_are_read_to_the_same_records() {
    let numbers: Vec<u32> = (1..60).filter(|number| number % 7 != 0).collect();
    let mut turned = numbers.clone();
    turned.rotate_left(1);
    let bad = [
        (0, "23,\"TWICE, Invented\",\"individual\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n"),
        (0, "30,\"A kind, that is none\",\"castle\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n"),
        (1, "7,70,\"aka\",\"ABOUT NOBODY\",-0- \n"),
        (1, "9,95,\"nobody knows\",\"A NAME\",-0- \n"),
        (2, "77,770,\"BEHIND ALL\",\"Zenda\",\"Ruritania\",-0- \n"),
        (3, "0,\"BEFORE ALL\"\n"),
    ];
    let with_bad = |numbers: &[u32]| {
        let mut tables = tables(numbers);
        for (table, row) in bad {
            let number: u32 = row.split(',').next().unwrap().parse().unwrap();
            // Behind the last row of a number that is not greater, or else as the first.
            let at = tables[table]
                .match_indices('\n')
                .map(|(at, _)| at + 1)
                .filter(|at| {
                    let line = tables[table][..*at].lines().last().unwrap();
                    line.split(',').next().unwrap().parse::<u32>().unwrap() <= number
                })
                .max_by_key(|at| *at)
                .unwrap_or(0);
            tables[table].insert_str(at, row);
        }
        of_tables(&tables)
    };
    let (ordered, turned) = (with_bad(&numbers), with_bad(&turned));
    assert_eq!(ordered.records.len(), numbers.len());
    let kept = |snapshot: &Snapshot| {
        let mut records = snapshot.records.clone();
        for record in &mut records {
            record.source.locators.clear();
        }
        records.sort_by(|one, other| one.key.cmp(&other.key));
        records
    };
    assert_eq!(kept(&ordered), kept(&turned));
    let reasons = |snapshot: &Snapshot| {
        let mut rows: Vec<String> =
            snapshot.rejected.iter().map(|row| format!("{:?} {}", row.key, row.reason)).collect();
        rows.sort();
        rows
    };
    let without_lines =
        |rows: Vec<String>| rows.into_iter().filter(|row| !row.contains("already")).collect::<Vec<_>>();
    assert_eq!(without_lines(reasons(&ordered)).len(), without_lines(reasons(&turned)).len());
    assert!(ordered.rejected.len() >= 5, "{:?}", ordered.rejected);
}
