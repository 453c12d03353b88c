//! The bytes of a publication: their encoding, and which format they are by content.
//!
//! Not for: reading files or hashing them, which the caller does.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead as _, BufReader, Read};

use comity_watchlist::FileHash;

use crate::error::FeedError;
use crate::stream::{Characters, MARK, Stream};

/// Bytes of one file. The largest list in use (OpenSanctions' default) has about 200 MB.
pub const FILE_BYTES_MAX: usize = 256 << 20;

/// Bytes that somebody keeps elsewhere, and that are the same each time they are read: a parser reads some files twice.
pub trait Stored: fmt::Debug {
    /// Their number.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begins them anew. Bytes that are no longer those that were hashed must be an error, and never be given.
    fn open(&self) -> Box<dyn Read + '_>;
}

/// The content of a file.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// Bytes that are read piece by piece, as often as needed.
    Stored(&'a dyn Stored),
}

/// A file of a publication, as the caller has it.
#[derive(Clone, Copy, Debug)]
pub struct InputFile<'a> {
    /// Its name, without a path.
    pub name: &'a str,
    /// SHA-256 of its content.
    pub sha256: FileHash,
    /// Its content.
    pub content: Content<'a>,
}

impl<'a> Content<'a> {
    /// Its bytes from the beginning.
    pub(crate) fn open(self) -> Box<dyn Read + 'a> {
        match self {
            Self::Bytes(bytes) => Box::new(bytes),
            Self::Stored(stored) => stored.open(),
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Stored(stored) => usize::try_from(stored.len()).unwrap_or(usize::MAX),
        }
    }
}

/// Bytes by which a format is told: the root of a list follows within its first lines.
const HEAD_BYTES: usize = 4_096;

/// Bytes of a table that are looked through at once.
const PIECE_BYTES: usize = 64 << 10;

/// How the bytes of a file were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, of which ASCII is a part.
    Utf8,
    /// ISO 8859-1, taken where the bytes are not UTF-8 and the format allows it.
    Latin1,
    /// Windows-1252, likewise: ISO 8859-1 with letters and marks in place of its second control characters.
    Windows1252,
}

/// A format that can be told by content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One of OFAC's flat tables, or of its documents as XML.
    Ofac,
    /// The consolidated list of the UN Security Council.
    Un,
    /// The EU's consolidated list of financial sanctions.
    Eu,
    /// OFSI's consolidated list or the UK sanctions list.
    Uk,
    /// Canada's consolidated autonomous sanctions list.
    Canada,
    /// The list of Switzerland's State Secretariat for Economic Affairs.
    Seco,
    /// The Consolidated Screening List of the United States, or the Denied Persons List.
    Us,
    /// A table of the columns that `comity export csv` writes.
    Csv,
    /// Records of our own, one a line.
    Jsonl,
    /// Entities of `FollowTheMoney`, one a line, or changes of such.
    Ftm,
    /// A bundle of STIX 2.1.
    Stix,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Ofac,
        Self::Un,
        Self::Eu,
        Self::Uk,
        Self::Canada,
        Self::Seco,
        Self::Us,
        Self::Csv,
        Self::Jsonl,
        Self::Ftm,
        Self::Stix,
    ];

    /// Its word, as commands have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ofac => "ofac",
            Self::Un => "un",
            Self::Eu => "eu",
            Self::Uk => "uk",
            Self::Canada => "canada",
            Self::Seco => "seco",
            Self::Us => "us",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Ftm => "ftm",
            Self::Stix => "stix",
        }
    }

    /// The words of all formats, for people.
    pub(crate) fn words() -> String {
        Self::ALL.map(Self::word).join(", ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Tells the one format of the files of a publication by content.
///
/// # Errors
/// [`FeedError`] if there is no file, one is empty, too large, a web page or of no format that is told by content, or if
/// they are not all of one format.
pub fn format_of(files: &[InputFile<'_>]) -> Result<Format, FeedError> {
    let told = |file: &InputFile<'_>| {
        file.check()?;
        tell(file)?.ok_or_else(|| FeedError::UnknownFormat { file: file.name.to_owned() })
    };
    let no_file = FeedError::FileCount { count: 0, max: crate::ofac::FILES_MAX };
    let (first, others) = files.split_first().ok_or(no_file)?;
    let format = told(first)?;
    for other in others {
        let other_format = told(other)?;
        if other_format != format {
            let (file, other) = (first.name.to_owned(), other.name.to_owned());
            return Err(FeedError::SeveralFormats { file, format, other, other_format });
        }
    }
    Ok(format)
}

/// Tells the format of bytes in memory by content, or `None` if it is none that we read.
pub fn detect(bytes: &[u8]) -> Option<Format> {
    tell(&InputFile::of_bytes("", FileHash::new([0; 32]), bytes)).ok().flatten()
}

fn tell(file: &InputFile<'_>) -> Result<Option<Format>, FeedError> {
    let bytes = file.head()?;
    let unpacked =
        if crate::archive::is_archive(&bytes) { crate::archive::head(file, HEAD_BYTES)? } else { None };
    let bytes = unpacked.as_deref().unwrap_or(&bytes);
    let head = String::from_utf8_lossy(bytes);
    let head = head.trim_start_matches('\u{feff}').trim_start();
    if head.starts_with('{') && unpacked.is_none() {
        return Ok(of_json(file));
    }
    Ok(of_head(bytes, head))
}

fn of_head(bytes: &[u8], head: &str) -> Option<Format> {
    if crate::eu::is_list(head) {
        return Some(Format::Eu);
    }
    if crate::canada::is_document(head) {
        return Some(Format::Canada);
    }
    if crate::seco::is_document(head) {
        return Some(Format::Seco);
    }
    if head.starts_with('<') {
        if crate::xml::root(bytes).is_some_and(crate::ofac::is_document) {
            return Some(Format::Ofac);
        }
        return head.contains("<CONSOLIDATED_LIST").then_some(Format::Un);
    }
    if crate::simple::is_table(head) {
        return Some(Format::Csv);
    }
    if crate::uk::is_table(head) {
        return Some(Format::Uk);
    }
    if crate::us::is_table(head) {
        return Some(Format::Us);
    }
    crate::ofac::is_table(head).then_some(Format::Ofac)
}

/// Tells JSON by the keys of its first object. Bytes that are no text end what can be told.
fn of_json(file: &InputFile<'_>) -> Option<Format> {
    let head = crate::json::head_of(file);
    if head.is_bundle() {
        return Some(Format::Stix);
    }
    if head.has(&["id", "schema", "properties"]) || head.has(&["op", "entity"]) {
        return Some(Format::Ftm);
    }
    head.has(&["list", "reference", "kind"]).then_some(Format::Jsonl)
}

impl<'a> InputFile<'a> {
    /// A file in memory.
    #[must_use]
    pub const fn of_bytes(name: &'a str, sha256: FileHash, bytes: &'a [u8]) -> Self {
        Self { name, sha256, content: Content::Bytes(bytes) }
    }

    /// All bytes, for a format of which each part may say something of any other.
    pub(crate) fn load(&self) -> Result<Cow<'a, [u8]>, FeedError> {
        self.check()?;
        match self.content {
            Content::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            Content::Stored(stored) => {
                let mut bytes = Vec::with_capacity(self.content.len());
                stored.open().read_to_end(&mut bytes).map_err(|error| self.unread(&error))?;
                Ok(Cow::Owned(bytes))
            }
        }
    }

    /// The first bytes.
    pub(crate) fn head(&self) -> Result<Vec<u8>, FeedError> {
        let mut head = Vec::new();
        let limit = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
        self.content.open().take(limit).read_to_end(&mut head).map_err(|error| self.unread(&error))?;
        Ok(head)
    }

    fn unread(&self, error: &std::io::Error) -> FeedError {
        FeedError::Unread { file: self.name.to_owned(), said: error.to_string() }
    }

    /// The bytes from the first on that is neither white space nor the end mark of old tables, at most 64; none if there
    /// is no such. A byte order mark is one of them, unless it is passed over.
    fn beginning(&self, passes_mark: bool) -> Result<Vec<u8>, FeedError> {
        let mut source = self.content.open();
        let mut mark = Vec::new();
        source.by_ref().take(3).read_to_end(&mut mark).map_err(|error| self.unread(&error))?;
        if passes_mark && mark == MARK {
            mark.clear();
        }
        let mut reader = BufReader::new(mark.as_slice().chain(source));
        loop {
            let piece = reader.fill_buf().map_err(|error| self.unread(&error))?;
            // 0x1A is the end mark of old tables: a file of nothing else is as empty as one without bytes.
            let blank = piece.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x1a).count();
            let is_all = blank == piece.len() && blank > 0;
            reader.consume(blank);
            if !is_all {
                break;
            }
        }
        let mut first = Vec::new();
        reader.take(64).read_to_end(&mut first).map_err(|error| self.unread(&error))?;
        Ok(first)
    }

    /// Refuses what no list is: nothing, too much, a web page.
    pub(crate) fn check(&self) -> Result<(), FeedError> {
        let len = self.content.len();
        if len > FILE_BYTES_MAX {
            return Err(FeedError::TooLarge { file: self.name.to_owned(), len });
        }
        let head = self.beginning(false)?.to_ascii_lowercase();
        if head.is_empty() {
            return Err(FeedError::Empty { file: self.name.to_owned() });
        }
        if head.starts_with(b"<!doctype html") || head.starts_with(b"<html") {
            return Err(FeedError::WebPage { file: self.name.to_owned() });
        }
        Ok(())
    }

    /// Whether it begins as XML does (XML 1.0 §2.1): with a tag or a declaration, maybe behind a byte order mark.
    pub(crate) fn begins_as_xml(&self) -> Result<bool, FeedError> {
        Ok(self.beginning(true)?.starts_with(b"<"))
    }

    /// Looks through a table.
    pub(crate) fn survey(&self) -> Result<Survey, FeedError> {
        let mut survey = Survey::default();
        let mut text = Stream::of(self, Encoding::Utf8, Characters::Any);
        while let Ok(piece) = text.fill_buf() {
            let len = piece.len();
            if len == 0 {
                return Ok(survey);
            }
            survey.pass(piece);
            text.consume(len);
        }
        match text.check(self.name) {
            Err(FeedError::NotUtf8 { line, .. }) => survey.first_bad_line = Some(line),
            other => other?,
        }
        // The end of what is no UTF-8 is looked at as bytes.
        let mut bytes = BufReader::with_capacity(PIECE_BYTES, self.content.open());
        loop {
            let piece = bytes.fill_buf().map_err(|error| self.unread(&error))?;
            let len = piece.len();
            if len == 0 {
                return Ok(survey);
            }
            survey.pass(piece);
            bytes.consume(len);
        }
    }
}

/// What a table is as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Survey {
    /// The line of the first byte that is not UTF-8, if there is one.
    pub(crate) first_bad_line: Option<u64>,
    /// Whether the last row has its line end.
    pub(crate) ends_with_a_line: bool,
    /// The last byte.
    pub(crate) last: Option<u8>,
}

impl Survey {
    fn pass(&mut self, bytes: &[u8]) {
        let is_ending = |byte: u8| byte.is_ascii_whitespace() || byte == 0x1a;
        let rest = bytes.iter().rposition(|byte| !is_ending(*byte)).map_or(0, |last| last + 1);
        let ends = bytes.get(rest..).unwrap_or_default().contains(&b'\n');
        self.ends_with_a_line = ends || (rest == 0 && self.ends_with_a_line);
        self.last = bytes.last().copied().or(self.last);
    }
}

/// The characters of Windows-1252 from 0x80 to 0x9F; where it has none, the control character of ISO 8859-1 stands,
/// which no record takes.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// A byte of Windows-1252.
pub(crate) fn windows_1252(byte: u8) -> char {
    let at = byte.checked_sub(0x80).map(usize::from);
    at.and_then(|at| WINDOWS_1252.get(at)).copied().unwrap_or_else(|| char::from(byte))
}
