//! A text of JSON that breaks off where a text of its outermost object is longer than any that is asked for.
//!
//! The parser holds each key of the object that it walks through, and a file may be one key. Not for: what a text may have
//! deeper within, which the parser passes over without holding it.

use std::io::{self, Read};

/// A text that is read and watched.
pub(super) struct Bounded<R> {
    text: R,
    max: usize,
    depth: usize,
    /// Bytes of the text within quotes that is being read, if one is.
    within: Option<usize>,
    is_escaped: bool,
}

impl<R: Read> Bounded<R> {
    /// Of a text within quotes in the outermost object no more than `max` bytes are handed on.
    pub(super) const fn of(text: R, max: usize) -> Self {
        Self { text, max, depth: 0, within: None, is_escaped: false }
    }

    fn see(&mut self, byte: u8) -> io::Result<()> {
        let Some(len) = &mut self.within else {
            match byte {
                b'"' => self.within = Some(0),
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            return Ok(());
        };
        *len += 1;
        if *len > self.max && self.depth <= 1 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a text of the object is too long"));
        }
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = true,
            b'"' => self.within = None,
            _ => {}
        }
        Ok(())
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.text.read(into)?;
        into.get(..read).unwrap_or_default().iter().try_for_each(|byte| self.see(*byte))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<usize, usize> {
        let mut bounded = Bounded::of(text.as_bytes(), 8);
        let mut bytes = Vec::new();
        let mut one = [0];
        loop {
            match bounded.read(&mut one) {
                Ok(0) => return Ok(bytes.len()),
                Ok(_) => bytes.push(one[0]),
                Err(_) => return Err(bytes.len()),
            }
        }
    }

    #[test]
    fn a_key_as_long_as_the_file_is_not_read_to_its_end() {
        let long = format!("{{\"{}", "k".repeat(100));
        assert_eq!(read(&long), Err(10));
        assert_eq!(read(&format!("{{\"a\":\"{}\"}}", "k".repeat(100))), Err(14));
    }

    #[test]
    fn what_is_short_or_deeper_within_is_read_whole() {
        for text in [
            "{\"a\\\"b\":[{\"0123456789\":\"0123456789\"}],\"c\":\"}]\"}",
            "{\"1234567\":\"1234567\"}",
            "{\"a\":[\"0123456789\"]}",
        ] {
            assert_eq!(read(text), Ok(text.len()), "{text}");
        }
    }
}
