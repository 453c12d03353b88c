//! The bytes of a publication: their encoding, and which format they are by content.
//!
//! Not for: reading files or hashing them, which the caller does.

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
}

/// A format that can be told by content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One of OFAC's flat tables.
    Ofac,
    /// The consolidated list of the UN Security Council.
    Un,
}

/// Tells the format by content, or `None` if it is none that we read.
pub fn detect(bytes: &[u8]) -> Option<Format> {
    // The root of the UN list follows within its first lines; no table row holds an angle bracket first.
    const HEAD_BYTES: usize = 4_096;
    let head = String::from_utf8_lossy(bytes.get(..HEAD_BYTES).unwrap_or(bytes));
    let head = head.trim_start_matches('\u{feff}').trim_start();
    if head.starts_with('<') {
        return head.contains("<CONSOLIDATED_LIST").then_some(Format::Un);
    }
    crate::ofac::is_table(head).then_some(Format::Ofac)
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
