//! Records out of an XML document, one at a time: a bounded reader for lists of the shapes root / record and
//! root / group / record.
//!
//! A record is a small tree from which a format takes what it knows; what is left is kept by the format, so that no
//! value of a source is lost. No DTD, no entities but the predefined ones, bounded depth and size.
//! Not for: what the elements mean.

mod leaves;

use comity_watchlist::{Prose, Source, Text};
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::error::{FeedError, RejectReason, XmlFault};
use crate::file::{Encoding, InputFile};
use crate::stream::{Characters, Stream};

/// Nesting of elements. The deepest list in use (OFAC's Advanced XML) has 12 levels.
const DEPTH_MAX: usize = 32;

/// Elements of one record. The fullest record of the public lists has under 600.
const ELEMENTS_MAX: usize = 20_000;

/// Bytes of names, attributes and text of one record, far more than the sections of a change can carry.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// Attributes of one element; the check for repeated ones is quadratic.
const ATTRIBUTES_MAX: usize = 64;

/// An element of a record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

/// Where the records of a document lie.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    /// Root, then records.
    Root,
    /// Root, then groups, then records.
    Group,
}

/// Hands over each record with its parent (a group or the root) and line, and gives back the attributes of the root.
pub(crate) fn records(
    file: &InputFile<'_>,
    root: &'static str,
    level: Level,
    mut take: impl FnMut(&str, u64, Element),
) -> Result<Vec<(String, String)>, FeedError> {
    let (mut walk, mut buffer) = (Walk::new(file, root, level)?, Vec::new());
    while let Some((group, line, element)) = walk.next(&mut buffer)? {
        take(&group, line, element);
    }
    Ok(walk.root_attributes)
}

/// The name of the root as far as it can be told from the first bytes: of the first tag that is no declaration, no
/// comment and no document type. Only to choose a parser, which then reads everything anew.
pub(crate) fn root(bytes: &[u8]) -> Option<&str> {
    // The licence of a list may stand in a comment before its root.
    const HEAD_BYTES: usize = 4_096;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
    let mut rest = std::str::from_utf8(head)
        .or_else(|error| std::str::from_utf8(head.get(..error.valid_up_to()).unwrap_or_default()));
    while let Ok(text) = rest {
        let tag = text.trim_start().strip_prefix('<')?;
        let end = match tag.get(..1)? {
            "?" => "?>",
            "!" if tag.starts_with("!--") => "-->",
            "!" => return None,
            _ => return tag.split(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).next(),
        };
        rest = Ok(tag.split_once(end)?.1);
    }
    None
}

struct Walk<'a> {
    file: &'a str,
    root: &'static str,
    level: usize,
    reader: Reader<Stream<'a>>,
    stack: Vec<Element>,
    record_line: u64,
    elements: usize,
    bytes: usize,
    root_attributes: Vec<(String, String)>,
    seen_root: bool,
}

/// What an event leads to.
enum Step {
    On,
    Record((String, u64, Element)),
    End,
}

impl<'a> Walk<'a> {
    fn new(file: &InputFile<'a>, root: &'static str, level: Level) -> Result<Self, FeedError> {
        file.check()?;
        if !file.begins_as_xml()? {
            return Err(FeedError::NoXml { file: file.name.to_owned() });
        }
        Ok(Self {
            file: file.name,
            root,
            level: match level {
                Level::Root => 1,
                Level::Group => 2,
            },
            reader: Reader::from_reader(Stream::of(file, Encoding::Utf8, Characters::Xml)),
            stack: Vec::new(),
            record_line: 0,
            elements: 0,
            bytes: 0,
            root_attributes: Vec::new(),
            seen_root: false,
        })
    }

    fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Option<(String, u64, Element)>, FeedError> {
        loop {
            buffer.clear();
            self.reader.get_mut().end_token();
            let event = match self.reader.read_event_into(buffer) {
                Ok(event) => event,
                Err(error) => {
                    self.reader.get_ref().check(self.file)?;
                    return Err(self.fault(XmlFault::Syntax(error.to_string())));
                }
            };
            match self.step(event)? {
                Step::On => {}
                Step::Record(record) => return Ok(Some(record)),
                Step::End => return Ok(None),
            }
        }
    }

    fn step(&mut self, event: Event<'_>) -> Result<Step, FeedError> {
        match event {
            Event::Start(start) => self.open(&start)?,
            Event::Empty(start) => {
                self.open(&start)?;
                return Ok(self.close().map_or(Step::On, Step::Record));
            }
            Event::End(_) => return Ok(self.close().map_or(Step::On, Step::Record)),
            Event::Text(text) => self.push(&text.xml10_content())?,
            Event::CData(data) => self.push(&data.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = self.resolve(&reference)?;
                self.push(&character)?;
            }
            Event::Decl(decl) => {
                let encoding = decl.encoding().transpose().ok().flatten();
                if encoding.is_some_and(|name| !name.eq_ignore_ascii_case("utf-8")) {
                    return Err(self.fault(XmlFault::Encoding));
                }
            }
            Event::DocType(_) => return Err(self.fault(XmlFault::Doctype)),
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof if self.stack.is_empty() && self.seen_root => return Ok(Step::End),
            Event::Eof => return Err(self.fault(XmlFault::End)),
        }
        Ok(Step::On)
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), FeedError> {
        if self.stack.len() >= DEPTH_MAX {
            return Err(self.fault(XmlFault::Depth { max: DEPTH_MAX }));
        }
        if self.stack.len() <= self.level {
            (self.elements, self.bytes) = (0, 0);
        }
        if self.stack.len() == self.level {
            self.record_line = self.line();
        }
        let name = start.name().as_ref().to_owned();
        let mut attributes = Vec::new();
        for attribute in start.attributes().take(ATTRIBUTES_MAX + 1) {
            let attribute = attribute.map_err(|error| self.fault(XmlFault::Syntax(error.to_string())))?;
            // XML 1.0 §3.1: no `<` in an attribute value; a quote that was lost would swallow elements.
            if attribute.value.contains('<') {
                return Err(self.fault(XmlFault::Syntax("`<` in the value of an attribute".to_owned())));
            }
            let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0);
            let value = value.map_err(|error| self.fault(XmlFault::Syntax(error.to_string())))?;
            attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        if attributes.len() > ATTRIBUTES_MAX {
            return Err(self.fault(XmlFault::Size { max: ATTRIBUTES_MAX, unit: "attributes of an element" }));
        }
        self.elements += 1;
        self.grow(name.len() + attributes.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>())?;
        if self.stack.is_empty() {
            if self.seen_root || name != self.root {
                return Err(FeedError::OtherDocument { file: self.file.to_owned(), expected: self.root });
            }
            self.seen_root = true;
            self.root_attributes.clone_from(&attributes);
        }
        self.stack.push(Element { name, attributes, ..Element::default() });
        Ok(())
    }

    /// Ends an element; gives it back if it is a record, else hangs it into its parent.
    fn close(&mut self) -> Option<(String, u64, Element)> {
        let element = self.stack.pop()?;
        let depth = self.stack.len();
        let parent = self.stack.last_mut()?;
        if depth == self.level {
            return Some((parent.name.clone(), self.record_line, element));
        }
        if depth > self.level {
            parent.children.push(element);
        }
        None
    }

    fn push(&mut self, text: &str) -> Result<(), FeedError> {
        // XML 1.0 §2.1: nothing but white space, comments and instructions stands outside the root.
        if self.stack.is_empty() && text.contains(|c: char| !c.is_ascii_whitespace()) {
            return Err(self.fault(XmlFault::Syntax("text outside the root element".to_owned())));
        }
        if self.stack.len() > self.level {
            self.grow(text.len())?;
            if let Some(element) = self.stack.last_mut() {
                element.text.push_str(text);
            }
        }
        Ok(())
    }

    fn grow(&mut self, bytes: usize) -> Result<(), FeedError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > RECORD_BYTES_MAX {
            return Err(self.fault(XmlFault::Size { max: RECORD_BYTES_MAX, unit: "bytes" }));
        }
        if self.elements > ELEMENTS_MAX {
            return Err(self.fault(XmlFault::Size { max: ELEMENTS_MAX, unit: "elements" }));
        }
        Ok(())
    }

    fn resolve(&self, reference: &BytesRef<'_>) -> Result<String, FeedError> {
        match reference.resolve_char_ref() {
            Ok(Some(character)) => Ok(character.to_string()),
            Ok(None) => match resolve_predefined_entity(&reference.xml10_content()) {
                Some(text) => Ok(text.to_owned()),
                None => Err(self.fault(XmlFault::Entity)),
            },
            Err(error) => Err(self.fault(XmlFault::Syntax(error.to_string()))),
        }
    }

    fn fault(&self, source: XmlFault) -> FeedError {
        FeedError::Xml { file: self.file.to_owned(), line: self.line(), source }
    }

    /// The line that the reader stands on.
    fn line(&self) -> u64 {
        self.reader.get_ref().line()
    }
}

impl Element {
    /// Removes and returns the first child of a name.
    pub(crate) fn take(&mut self, name: &str) -> Option<Self> {
        let at = self.children.iter().position(|child| child.name == name)?;
        Some(self.children.remove(at))
    }

    /// Removes and returns all children of a name.
    pub(crate) fn take_all(&mut self, name: &str) -> Vec<Self> {
        let (taken, rest) =
            std::mem::take(&mut self.children).into_iter().partition(|child| child.name == name);
        self.children = rest;
        taken
    }

    /// Hangs an element in again, so that what is left of it is kept.
    pub(crate) fn put_back(&mut self, element: Self) {
        self.children.push(element);
    }

    /// The trimmed text of the first child of a name, if there is any and the child has nothing else.
    pub(crate) fn peek(&self, name: &str) -> Option<&str> {
        let child = self.children.iter().find(|child| child.name == name)?;
        let plain = child.children.is_empty() && child.attributes.is_empty();
        Some(child.text.trim()).filter(|text| plain && !text.is_empty())
    }

    /// Removes and returns what [`Element::peek`] sees.
    pub(crate) fn take_text(&mut self, name: &str) -> Option<String> {
        let text = self.peek(name)?.to_owned();
        self.take(name).map(|_| text)
    }

    /// Removes and returns the trimmed text of the element itself, if there is any.
    pub(crate) fn take_own_text(&mut self) -> Option<String> {
        let text = self.text.trim().to_owned();
        self.text.clear();
        Some(text).filter(|text| !text.is_empty())
    }

    /// Keeps every value that is left, under its path.
    pub(crate) fn keep(&self, source: &mut Source) -> Result<(), RejectReason> {
        for child in &self.children {
            child.keep_under(&child.name, source)?;
        }
        self.keep_own("", source)
    }

    fn keep_under(&self, path: &str, source: &mut Source) -> Result<(), RejectReason> {
        self.keep_own(path, source)?;
        for child in &self.children {
            child.keep_under(&format!("{path}/{}", child.name), source)?;
        }
        Ok(())
    }

    fn keep_own(&self, path: &str, source: &mut Source) -> Result<(), RejectReason> {
        let attributes = self.attributes.iter().map(|(name, value)| (format!("{path}@{name}"), value.trim()));
        for (name, value) in attributes.chain([(path.to_owned(), self.text.trim())]) {
            if !value.is_empty() {
                let bad = |source| RejectReason::Text { column: "extra", source };
                // Text of the record element itself has no path of its own.
                let name = if name.is_empty() { "#text".to_owned() } else { name };
                source.keep(&Text::new(name).map_err(bad)?, Prose::new(value).map_err(bad)?);
            }
        }
        Ok(())
    }
}
