//! The text of a file as it is read: piece by piece, checked to be text, with the line that the reader has come to.
//!
//! No more of a file is held than one piece. What a parser says of a text that broke off is not the cause: whoever reads
//! asks for [`Stream::fault`] first. Not for: what the text means.

use std::io::{self, BufRead, Read};

use crate::error::FeedError;
use crate::file::{Encoding, InputFile, windows_1252};

/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 << 10;

/// Bytes of one token of a document, such as a text, a tag or a comment: four times what one record may have.
const TOKEN_BYTES_MAX: usize = 4 << 20;

/// The byte order mark, which is no text.
pub(crate) const MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a text breaks off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not UTF-8.
    NotUtf8,
    /// It has a control character that XML 1.0 forbids (§2.2).
    Control,
    /// It has a token that is longer than any of a list.
    Token,
    /// It could not be read.
    Unread(String),
}

/// What is asked of the characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Characters {
    /// Any.
    Any,
    /// Those that a document of XML 1.0 may have, and no token without an end.
    Xml,
}

/// The text of a file.
pub(crate) struct Stream<'a> {
    source: Box<dyn Read + 'a>,
    encoding: Encoding,
    characters: Characters,
    /// What is checked, and how much of it is taken.
    text: Vec<u8>,
    at: usize,
    /// Room for what is read, and how much of it is not checked yet: of the piece before no more than the beginning of a
    /// character.
    raw: Vec<u8>,
    held: usize,
    is_begun: bool,
    line: u64,
    token: usize,
    fault: Option<(u64, Fault)>,
}

impl<'a> Stream<'a> {
    /// Begins a file anew; a byte order mark is no text.
    pub(crate) fn of(file: &InputFile<'a>, encoding: Encoding, characters: Characters) -> Self {
        Self::new(file.content.open(), encoding, characters)
    }

    /// A text in memory.
    pub(crate) fn of_text(text: &'a str) -> Self {
        Self::new(Box::new(text.as_bytes()), Encoding::Utf8, Characters::Any)
    }

    fn new(source: Box<dyn Read + 'a>, encoding: Encoding, characters: Characters) -> Self {
        Self {
            source,
            encoding,
            characters,
            text: Vec::new(),
            at: 0,
            raw: vec![0; PIECE_BYTES + 4],
            held: 0,
            is_begun: false,
            line: 1,
            token: 0,
            fault: None,
        }
    }

    /// The line of the next byte, from 1.
    pub(crate) const fn line(&self) -> u64 {
        self.line
    }

    /// Says that a token has ended.
    pub(crate) const fn end_token(&mut self) {
        self.token = 0;
    }

    /// Why the text broke off, if it did, and on which line.
    pub(crate) const fn fault(&self) -> Option<&(u64, Fault)> {
        self.fault.as_ref()
    }

    /// Passes over the line ends that stand next.
    pub(crate) fn pass_line_ends(&mut self) -> io::Result<()> {
        loop {
            let piece = self.fill_buf()?;
            let ends = piece.iter().take_while(|byte| matches!(**byte, b'\r' | b'\n')).count();
            let more = ends == piece.len() && ends > 0;
            self.consume(ends);
            if !more {
                return Ok(());
            }
        }
    }

    fn break_off(&mut self, fault: Fault, line: u64) -> io::Error {
        self.fault.get_or_insert((line, fault));
        io::Error::new(io::ErrorKind::InvalidData, "the text breaks off")
    }

    /// Reads the next piece and checks it.
    fn next_piece(&mut self) -> io::Result<()> {
        self.text.clear();
        self.at = 0;
        while self.text.is_empty() {
            let into = self.raw.get_mut(self.held..).unwrap_or_default();
            let read = match self.source.read(into) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let (fault, line) = (Fault::Unread(error.to_string()), self.line);
                    return Err(self.break_off(fault, line));
                }
            };
            self.held += read;
            if !self.is_begun {
                if self.held < MARK.len() && read > 0 {
                    continue;
                }
                self.is_begun = true;
                if self.raw.starts_with(MARK) && self.held >= MARK.len() {
                    self.pass(MARK.len());
                }
            }
            if read == 0 && self.held == 0 {
                return Ok(());
            }
            self.accept(read == 0)?;
        }
        Ok(())
    }

    /// Lets go of the first bytes of what was read.
    fn pass(&mut self, bytes: usize) {
        self.raw.copy_within(bytes..self.held, 0);
        self.held -= bytes;
    }

    /// Makes text of what was read, up to a character that may go on in the next piece.
    fn accept(&mut self, is_end: bool) -> io::Result<()> {
        let raw = self.raw.get(..self.held).unwrap_or_default();
        let mut whole = self.held;
        match self.encoding {
            Encoding::Latin1 => {
                self.text.extend(raw.iter().map(|byte| char::from(*byte)).collect::<String>().bytes());
            }
            Encoding::Windows1252 => {
                self.text.extend(raw.iter().map(|byte| windows_1252(*byte)).collect::<String>().bytes());
            }
            Encoding::Utf8 => match std::str::from_utf8(raw) {
                Ok(text) => self.text.extend_from_slice(text.as_bytes()),
                Err(error) if error.error_len().is_none() && !is_end => {
                    whole = error.valid_up_to();
                    self.text.extend_from_slice(raw.get(..whole).unwrap_or_default());
                }
                Err(error) => {
                    let line = self.line + lines(raw.get(..error.valid_up_to()).unwrap_or_default());
                    return Err(self.break_off(Fault::NotUtf8, line));
                }
            },
        }
        self.pass(whole);
        if self.characters == Characters::Xml {
            let forbidden = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
            if let Some(at) = self.text.iter().position(forbidden) {
                let line = self.line + lines(self.text.get(..at).unwrap_or_default());
                return Err(self.break_off(Fault::Control, line));
            }
        }
        Ok(())
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Stream<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.fault.is_some() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the text broke off"));
        }
        if self.at >= self.text.len() {
            if self.characters == Characters::Xml && self.token > TOKEN_BYTES_MAX {
                let line = self.line;
                return Err(self.break_off(Fault::Token, line));
            }
            self.next_piece()?;
        }
        Ok(self.text.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        let passed = self.text.get(self.at..self.at.saturating_add(amount)).unwrap_or_default();
        self.line += lines(passed);
        self.token += passed.len();
        self.at += passed.len();
    }
}

/// Line ends of some bytes.
pub(crate) fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// The lines of a text that say anything, each with its number from 1, trimmed.
pub(crate) struct Lines<'a> {
    stream: Stream<'a>,
    line: Vec<u8>,
}

/// A line that says something.
pub(crate) enum Line<'l> {
    /// What it says.
    Text(&'l str),
    /// It has more bytes than may be.
    TooLong,
}

impl<'a> Lines<'a> {
    pub(crate) const fn of(stream: Stream<'a>) -> Self {
        Self { stream, line: Vec::new() }
    }

    /// The next one, of which no more than `max` bytes are held; `None` at the end, and where the text breaks off.
    pub(crate) fn next(&mut self, max: usize) -> Option<(u64, Line<'_>)> {
        loop {
            self.line.clear();
            let number = self.stream.line();
            let (is_long, is_end) = self.read(max)?;
            let says = is_long || !self.line.trim_ascii().is_empty();
            if says {
                // What was cut may end within a character.
                let line = std::str::from_utf8(&self.line).map(str::trim);
                let line =
                    line.map_or(Line::TooLong, |line| if is_long { Line::TooLong } else { Line::Text(line) });
                return Some((number, line));
            }
            if is_end {
                return None;
            }
        }
    }

    /// Reads one line; tells whether it was too long, and whether it was the last.
    fn read(&mut self, max: usize) -> Option<(bool, bool)> {
        let mut is_long = false;
        loop {
            let piece = self.stream.fill_buf().ok()?;
            let end = piece.iter().position(|byte| *byte == b'\n');
            let more = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
            if more.len() <= max.saturating_sub(self.line.len()) {
                self.line.extend_from_slice(more);
            } else {
                is_long = true;
            }
            let (taken, is_end) = (more.len() + usize::from(end.is_some()), piece.is_empty());
            self.stream.consume(taken);
            if end.is_some() || is_end {
                return Some((is_long, is_end));
            }
        }
    }

    /// Why the text broke off, if it did.
    pub(crate) fn check(&self, file: &str) -> Result<(), FeedError> {
        self.stream.check(file)
    }
}

impl Stream<'_> {
    /// Refuses a text that broke off.
    pub(crate) fn check(&self, file: &str) -> Result<(), FeedError> {
        let Some((line, fault)) = self.fault() else { return Ok(()) };
        let (file, line) = (file.to_owned(), *line);
        Err(match fault {
            Fault::NotUtf8 => FeedError::NotUtf8 { file, line },
            Fault::Control => FeedError::ControlCharacter { file, line },
            Fault::Token => FeedError::Xml {
                file,
                line,
                source: crate::error::XmlFault::Size { max: TOKEN_BYTES_MAX, unit: "bytes of one token" },
            },
            Fault::Unread(said) => FeedError::Unread { file, said: said.clone() },
        })
    }
}
