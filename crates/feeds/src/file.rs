//! The bytes of a publication: their encoding, and which format they are by content.
//!
//! Not for: reading files or hashing them, which the caller does.

use std::fmt;

use comity_watchlist::FileHash;

use crate::error::FeedError;

/// Bytes of one file. The largest list in use (OpenSanctions' default) has about 200 MB.
pub const FILE_BYTES_MAX: usize = 256 << 20;

/// A file of a publication, as the caller read it.
#[derive(Clone, Copy, Debug)]
pub struct InputFile<'a> {
    /// Its name, without a path.
    pub name: &'a str,
    /// SHA-256 of `bytes`.
    pub sha256: FileHash,
    /// Its content.
    pub bytes: &'a [u8],
}

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
        detect(file.bytes).ok_or_else(|| FeedError::UnknownFormat { file: file.name.to_owned() })
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

/// Tells the format by content, or `None` if it is none that we read.
pub fn detect(bytes: &[u8]) -> Option<Format> {
    // The root of a list follows within its first lines; no table row holds an angle bracket first.
    const HEAD_BYTES: usize = 4_096;
    let unpacked =
        if crate::archive::is_archive(bytes) { crate::archive::head(bytes, HEAD_BYTES) } else { None };
    let bytes = unpacked.as_deref().unwrap_or(bytes);
    let head = String::from_utf8_lossy(bytes.get(..HEAD_BYTES).unwrap_or(bytes));
    let head = head.trim_start_matches('\u{feff}').trim_start();
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
    if head.starts_with('{') {
        return of_json(bytes);
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
fn of_json(bytes: &[u8]) -> Option<Format> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?,
    };
    let head = crate::json::head(text);
    if head.kind() == Some("bundle") {
        return Some(Format::Stix);
    }
    if head.has(&["id", "schema", "properties"]) || head.has(&["op", "entity"]) {
        return Some(Format::Ftm);
    }
    head.has(&["list", "reference", "kind"]).then_some(Format::Jsonl)
}

impl InputFile<'_> {
    /// Refuses what no list is: nothing, too much, a web page.
    pub(crate) fn check(&self) -> Result<(), FeedError> {
        if self.bytes.len() > FILE_BYTES_MAX {
            return Err(FeedError::TooLarge { file: self.name.to_owned(), len: self.bytes.len() });
        }
        // 0x1A is the end mark of old tables: a file of nothing else is as empty as one without bytes.
        let Some(first) = self.bytes.iter().position(|b| !b.is_ascii_whitespace() && *b != 0x1a) else {
            return Err(FeedError::Empty { file: self.name.to_owned() });
        };
        let head = self.bytes.get(first..).unwrap_or_default();
        let head = head.get(..64).unwrap_or(head).to_ascii_lowercase();
        if head.starts_with(b"<!doctype html") || head.starts_with(b"<html") {
            return Err(FeedError::WebPage { file: self.name.to_owned() });
        }
        Ok(())
    }

    /// Whether it begins as XML does (XML 1.0 §2.1): with a tag or a declaration, maybe behind a byte order mark.
    pub(crate) fn begins_as_xml(&self) -> bool {
        let bytes = self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.bytes);
        bytes.trim_ascii_start().starts_with(b"<")
    }
}
