//! The files of a publication: opened once, hashed, and read piece by piece as often as a parser asks.
//!
//! A parser may read a file twice, and between that somebody may write into it. So each page is hashed when the file is
//! looked at first, and whenever it is read again it must be the same page: what is entered are the bytes whose hash the
//! records name, or nothing. And a file that somebody still writes may be the half of a list, so that its length and the
//! time of its last change must be afterwards what they were before. Not here: what the files say (`feeds`).

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use comity_feeds::{Content, FILE_BYTES_MAX, FeedError, InputFile, Stored};
use comity_node::NodeError;
use comity_tlog::Hash;
use comity_watchlist::FileHash;

use crate::answer::{Refusal, sentence};
use crate::plain::plain;

/// Bytes of a page: with a hash for each, a file of the greatest length takes 128 KiB of memory.
const PAGE_BYTES: usize = 64 << 10;

/// The files of a publication.
pub(crate) struct Publication(Vec<Opened>);

struct Opened {
    name: String,
    sha256: FileHash,
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    /// What a pipe or a device gave, which gives it once.
    Bytes(Vec<u8>),
    Pages(Pages),
}

/// A file and the hash of each of its pages, the last of which may be short.
#[derive(Debug)]
struct Pages {
    file: File,
    len: u64,
    /// When it was last written to, where the file system tells.
    modified: Option<SystemTime>,
    hashes: Vec<Hash>,
}

impl Publication {
    /// Opens the files, which stay open, and hashes them.
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Self, Refusal> {
        paths.iter().map(|path| Opened::open(path)).collect::<Result<_, _>>().map(Self)
    }

    /// Reads them with a parser; nothing is read of files that somebody writes to meanwhile.
    pub(crate) fn parse<T>(
        &self,
        parser: impl FnOnce(&[InputFile<'_>]) -> Result<T, FeedError>,
    ) -> Result<T, Refusal> {
        let inputs: Vec<InputFile<'_>> = self.0.iter().map(Opened::input).collect();
        let refuse = |error| Refusal::new("bad_source", format!("{}; nothing was changed", sentence(&error)));
        let parsed = parser(&inputs);
        // Asked first: what a parser says of half a file leads nowhere.
        self.0.iter().try_for_each(Opened::is_as_it_was)?;
        parsed.map_err(refuse)
    }

    /// Reads a list that is published as one file.
    pub(crate) fn parse_one<T>(
        &self,
        parser: impl FnOnce(&InputFile<'_>) -> Result<T, FeedError>,
    ) -> Result<T, Refusal> {
        self.parse(|inputs| match inputs {
            [input] => parser(input),
            _ => Err(FeedError::FileCount { count: inputs.len(), max: 1 }),
        })
    }
}

impl Opened {
    fn open(path: &Path) -> Result<Self, Refusal> {
        let unread = |source| NodeError::File { action: "read", path: path.to_owned(), source };
        let too_large = || {
            let message = format!("{} is larger than {FILE_BYTES_MAX} bytes", path.display());
            Refusal::new("bad_source", message)
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = File::open(path).map_err(unread)?;
        let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX);
        let what = file.metadata().map_err(unread)?;
        if !what.is_file() {
            // A device announces no length and may never end, so that the bytes themselves are counted.
            let mut bytes = Vec::new();
            file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unread)?;
            if bytes.len() > FILE_BYTES_MAX {
                return Err(too_large());
            }
            let sha256 = FileHash::new(*Hash::digest(&bytes).as_bytes());
            return Ok(Self { name, sha256, kept: Kept::Bytes(bytes) });
        }
        if what.len() > limit {
            return Err(too_large());
        }
        let (pages, sha256) = Pages::of(file, &what).map_err(unread)?;
        Ok(Self { name, sha256, kept: Kept::Pages(pages) })
    }

    /// Whether nobody has written to it since it was opened.
    fn is_as_it_was(&self) -> Result<(), Refusal> {
        let Kept::Pages(pages) = &self.kept else { return Ok(()) };
        match pages.file.metadata() {
            Ok(now) if now.len() == pages.len && now.modified().ok() == pages.modified => Ok(()),
            _ => {
                let message = format!(
                    "{} was written to while it was read, and may not be whole yet: import it once it is; nothing was changed",
                    plain(&self.name)
                );
                Err(Refusal::new("bad_source", message))
            }
        }
    }

    fn input(&self) -> InputFile<'_> {
        let content = match &self.kept {
            Kept::Bytes(bytes) => Content::Bytes(bytes),
            Kept::Pages(pages) => Content::Stored(pages),
        };
        InputFile { name: &self.name, sha256: self.sha256, content }
    }
}

impl Pages {
    /// Hashes a file of a length; what is written behind that meanwhile is not looked at.
    fn of(file: File, what: &Metadata) -> io::Result<(Self, FileHash)> {
        let (len, modified) = (what.len(), what.modified().ok());
        let mut pages = Self { file, len, modified, hashes: Vec::new() };
        let (mut hashes, mut page) = (Vec::new(), Vec::new());
        let whole = Hash::digest_of(|give| {
            for number in 0..len.div_ceil(page_bytes()) {
                pages.load(number, &mut page)?;
                hashes.push(Hash::digest(&page));
                give(&page);
            }
            Ok::<(), io::Error>(())
        })?;
        pages.hashes = hashes;
        Ok((pages, FileHash::new(*whole.as_bytes())))
    }

    /// Reads a page as it stands in the file.
    fn load(&self, number: u64, page: &mut Vec<u8>) -> io::Result<()> {
        let begin = number.saturating_mul(page_bytes());
        let len = self.len.saturating_sub(begin).min(page_bytes());
        page.resize(usize::try_from(len).unwrap_or(PAGE_BYTES), 0);
        self.file.read_exact_at(page, begin).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => changed(),
            _ => error,
        })
    }

    /// Reads a page that must be the one that was hashed.
    fn page(&self, number: u64, page: &mut Vec<u8>) -> io::Result<()> {
        self.load(number, page)?;
        let hash = usize::try_from(number).ok().and_then(|number| self.hashes.get(number));
        if hash == Some(&Hash::digest(page)) { Ok(()) } else { Err(changed()) }
    }
}

fn page_bytes() -> u64 {
    u64::try_from(PAGE_BYTES).unwrap_or(u64::MAX)
}

fn changed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it was changed while it was read")
}

impl Stored for Pages {
    fn len(&self) -> u64 {
        self.len
    }

    fn open(&self) -> Box<dyn Read + '_> {
        Box::new(Reading { pages: self, page: Vec::new(), at: 0, next: 0 })
    }
}

/// A file that is read from its beginning.
struct Reading<'p> {
    pages: &'p Pages,
    page: Vec<u8>,
    at: usize,
    next: u64,
}

impl Read for Reading<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.page.len() && self.next < self.pages.len.div_ceil(page_bytes()) {
            self.pages.page(self.next, &mut self.page)?;
            (self.at, self.next) = (0, self.next + 1);
        }
        let read = self.page.get(self.at..).unwrap_or_default().read(into)?;
        self.at += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::time::Duration;

    use super::*;

    fn opened(bytes: &[u8]) -> (tempfile::TempDir, PathBuf, Opened) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.csv");
        std::fs::write(&path, bytes).unwrap();
        let opened = Opened::open(&path).unwrap();
        (folder, path, opened)
    }

    fn read(opened: &Opened) -> io::Result<Vec<u8>> {
        let Kept::Pages(pages) = &opened.kept else { panic!("a file is read in pages") };
        let mut bytes = Vec::new();
        pages.open().read_to_end(&mut bytes).map(|_| bytes)
    }

    #[test]
    fn a_file_is_read_again_and_again_as_what_was_hashed() {
        for len in [0, 1, PAGE_BYTES - 1, PAGE_BYTES, PAGE_BYTES + 1, 3 * PAGE_BYTES] {
            let bytes: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let (_folder, _, opened) = opened(&bytes);
            assert_eq!(opened.sha256, FileHash::new(*Hash::digest(&bytes).as_bytes()));
            assert_eq!(read(&opened).unwrap(), bytes);
            assert_eq!(read(&opened).unwrap(), bytes);
        }
    }

    #[test]
    fn a_file_that_is_changed_or_cut_between_two_readings_is_an_error_and_what_is_added_is_not_read() {
        let bytes = vec![b'a'; 2 * PAGE_BYTES];
        let (_folder, path, whole) = opened(&bytes);
        let mut changed = bytes.clone();
        changed[PAGE_BYTES + 7] = b'b';
        std::fs::write(&path, &changed).unwrap();
        assert!(read(&whole).unwrap_err().to_string().contains("changed while it was read"));
        std::fs::write(&path, &bytes[..PAGE_BYTES]).unwrap();
        assert!(read(&whole).unwrap_err().to_string().contains("changed while it was read"));
        std::fs::write(&path, [bytes.as_slice(), b"more"].concat()).unwrap();
        assert_eq!(read(&whole).unwrap(), bytes);
    }

    #[test]
    fn a_file_that_is_still_written_is_refused_and_not_taken_for_the_whole_list() {
        let bytes = vec![b'a'; PAGE_BYTES + 1];
        let read = |write: &dyn Fn(&Path)| {
            let (_folder, path, opened) = opened(&bytes);
            let publication = Publication(vec![opened]);
            // The time of a file is told by ticks of the system.
            std::thread::sleep(Duration::from_millis(20));
            publication.parse_one(|input| {
                write(&path);
                Ok(input.name.to_owned())
            })
        };
        assert_eq!(read(&|_| {}).unwrap(), "list.csv");
        let append = |path: &Path| {
            let mut file = File::options().append(true).open(path).unwrap();
            file.write_all(b"one more row").unwrap();
        };
        let write_over = |path: &Path| std::fs::write(path, &bytes).unwrap();
        let cut = |path: &Path| std::fs::write(path, b"a").unwrap();
        // A new file under the name is another one, and takes nothing from that which is open.
        let replace = |path: &Path| {
            std::fs::write(path.with_extension("new"), b"b").unwrap();
            std::fs::rename(path.with_extension("new"), path).unwrap();
        };
        let writers: [&dyn Fn(&Path); 3] = [&append, &write_over, &cut];
        for write in writers {
            let refusal = read(write).unwrap_err();
            assert_eq!(refusal.code, "bad_source");
            assert!(
                refusal.message.contains("list.csv was written to while it was read"),
                "{}",
                refusal.message
            );
        }
        read(&replace).unwrap();
    }
}
