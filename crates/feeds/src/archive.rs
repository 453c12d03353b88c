//! A list inside a ZIP archive: one file, unpacked into memory under a limit, and nothing else.
//!
//! The name of the file in it is looked at and never used: nothing is written anywhere. Not for: what the file is.

use std::io::{Cursor, Read as _};

use zip::ZipArchive;

use crate::error::{ArchiveFault, FeedError};
use crate::file::{FILE_BYTES_MAX, InputFile};

/// How an archive begins, and how each entry of its directory does (APPNOTE.TXT 6.3.10, §4.3.7 and §4.3.12).
const LOCAL_FILE: &[u8] = b"PK\x03\x04";
const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";

/// Entries that an archive may have before it is opened: the reader takes memory for each. The four bytes may also
/// stand in what is packed, so that it is more than the one that is wanted.
const ENTRIES_MAX: usize = 64;

/// Whether the bytes begin as an archive does.
pub(crate) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(LOCAL_FILE)
}

/// Unpacks the one file of an archive.
pub(crate) fn unpack(file: &InputFile<'_>) -> Result<Vec<u8>, FeedError> {
    // Of what is handed over and of what comes out: a file of 256 MiB may be of use, one that grows from less is not.
    let archive = |source| FeedError::Archive { file: file.name.to_owned(), source };
    read(&file.load()?, FILE_BYTES_MAX).map_err(archive)
}

/// The first bytes of the one file of an archive, to tell what it is; `None` if there are none.
pub(crate) fn head(file: &InputFile<'_>, len: usize) -> Result<Option<Vec<u8>>, FeedError> {
    let bytes = file.load()?;
    let limit = u64::try_from(len).unwrap_or(u64::MAX);
    Ok(open(&bytes).ok().and_then(|mut archive| {
        let mut head = Vec::new();
        archive.by_index(0).ok()?.take(limit).read_to_end(&mut head).ok()?;
        Some(head)
    }))
}

fn open(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>, ArchiveFault> {
    let entries = bytes.windows(DIRECTORY_ENTRY.len()).filter(|at| *at == DIRECTORY_ENTRY).count();
    if entries > ENTRIES_MAX {
        return Err(ArchiveFault::Files { count: entries });
    }
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(malformed)?;
    if archive.len() != 1 {
        return Err(ArchiveFault::Files { count: archive.len() });
    }
    Ok(archive)
}

fn read(bytes: &[u8], max: usize) -> Result<Vec<u8>, ArchiveFault> {
    let mut archive = open(bytes)?;
    let member = archive.by_index(0).map_err(malformed)?;
    let name = member.name().map_err(malformed)?;
    let plain = !name.is_empty() && !name.contains(['/', '\\', '\0', ':']) && name != "..";
    if !plain || member.is_dir() || member.is_symlink() {
        return Err(ArchiveFault::NoPlainFile);
    }
    // What the directory says of the size is not believed.
    let limit = u64::try_from(max).unwrap_or(u64::MAX);
    let mut unpacked = Vec::new();
    let taken = member.take(limit.saturating_add(1)).read_to_end(&mut unpacked);
    taken.map_err(|error| ArchiveFault::Malformed(error.to_string()))?;
    if unpacked.len() > max {
        return Err(ArchiveFault::TooLarge { max });
    }
    Ok(unpacked)
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn malformed(error: zip::result::ZipError) -> ArchiveFault {
    ArchiveFault::Malformed(error.to_string())
}

#[cfg(test)]
mod tests;
