//! The objects of a bundle, each as the text that it is: one that cannot be read costs no other, and none is held.
//!
//! Not for: what stands in an object (`seen`, `listing`, `foreign`).

use std::iter::Enumerate;
use std::str::Bytes;

use serde::Deserialize as _;
use serde::de::IgnoredAny;

use crate::error::FeedError;
use crate::json;

/// One object, or whatever stands in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written<'a> {
    /// Its number in the bundle, from 1.
    pub(super) number: u64,
    /// The line on which it begins, from 1.
    pub(super) line: u64,
    /// Its text.
    pub(super) text: &'a str,
}

/// Walks the values of `objects` in a text that [`check`] let pass.
#[derive(Debug)]
pub(super) struct Objects<'a> {
    text: &'a str,
    bytes: Enumerate<Bytes<'a>>,
    line: u64,
    number: u64,
    depth: usize,
    /// Where a string began, and whether the next byte is escaped.
    string: Option<(usize, bool)>,
    /// The last string of the bundle itself: before a list, that is its key.
    key: &'a str,
    is_within: bool,
    begun: Option<(usize, u64)>,
}

/// Refuses what is no one value of JSON; takes no memory for what it reads.
pub(super) fn check(file: &str, text: &str) -> Result<(), FeedError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = IgnoredAny::deserialize(&mut reader).and_then(|_| reader.end());
    read.map_err(|error| FeedError::BadJson {
        file: file.to_owned(),
        line: u64::try_from(error.line()).unwrap_or(u64::MAX),
        said: json::said(&error),
    })
}

impl<'a> Objects<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.bytes().enumerate(),
            line: 1,
            number: 0,
            depth: 0,
            string: None,
            key: "",
            is_within: false,
            begun: None,
        }
    }

    /// Goes on by a byte; gives the value that ends before it.
    fn step(&mut self, at: usize, byte: u8) -> Option<Written<'a>> {
        if let Some((begun, escaped)) = self.string {
            self.string = Some((begun, !escaped && byte == b'\\'));
            if byte == b'"' && !escaped {
                self.string = None;
                if self.depth == 1 {
                    self.key = self.text.get(begun + 1..at).unwrap_or_default();
                }
            }
            return None;
        }
        let is_between = self.is_within && self.depth == 2;
        let is_end = is_between && matches!(byte, b',' | b']');
        let ended = if is_end { self.begun.take() } else { None };
        if is_between && !is_end && self.begun.is_none() && !byte.is_ascii_whitespace() {
            self.begun = Some((at, self.line));
        }
        match byte {
            b'"' => self.string = Some((at, false)),
            b'[' | b'{' => {
                self.is_within |= self.depth == 1 && byte == b'[' && self.key == "objects";
                self.depth += 1;
            }
            b']' | b'}' => {
                self.depth = self.depth.saturating_sub(1);
                self.is_within &= self.depth > 1;
            }
            _ => {}
        }
        let (begun, line) = ended?;
        self.number += 1;
        let text = self.text.get(begun..at).unwrap_or_default().trim_end();
        Some(Written { number: self.number, line, text })
    }
}

impl<'a> Iterator for Objects<'a> {
    type Item = Written<'a>;

    fn next(&mut self) -> Option<Written<'a>> {
        loop {
            let (at, byte) = self.bytes.next()?;
            self.line += u64::from(byte == b'\n');
            if let Some(written) = self.step(at, byte) {
                return Some(written);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_what_stands_in_the_list_of_the_bundle_and_nowhere_else() {
        let text = "{\"type\":\"objects\",\"a\":{\"objects\":[1]},\"x\":[[\"objects\"],[2]],\n\"objects\" : [ {\"a\":\"]},\\\"\\\\\"},\n \
                    [3, 4],null ,\"a,]\"\n,{}],\"objects\":{\"objects\":[5]}}";
        check("bundle", text).unwrap();
        let found: Vec<(u64, u64, &str)> = Objects::of(text).map(|o| (o.number, o.line, o.text)).collect();
        let expected = [
            (1, 2, "{\"a\":\"]},\\\"\\\\\"}"),
            (2, 3, "[3, 4]"),
            (3, 3, "null"),
            (4, 3, "\"a,]\""),
            (5, 4, "{}"),
        ];
        assert_eq!(found, expected);
        assert_eq!(Objects::of("{\"objects\":[]}").count(), 0);
    }

    #[test]
    fn what_is_no_json_is_refused_by_its_line() {
        for text in ["{\"objects\":[\n{]}", "{\n", "{}\n{}", "{\"a\":\n1,}"] {
            let error = check("bundle", text).unwrap_err();
            assert!(matches!(error, FeedError::BadJson { line: 1 | 2, .. }), "{error}");
        }
    }
}
