//! Which sections of a log an auditor is given, entry by entry: the openings files of an audit bundle.
//!
//! One file stands beside each bundle of at most 256 entries. It says, for every commitment of every entry in
//! order, whether the section is opened, withheld, erased or lost: nothing may be passed over in silence.

use crate::commitment::Salt;
use crate::{Opening, SECTION_BYTES_MAX, Slot};

/// What an auditor is given of one section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disclosed {
    /// Salt and section.
    Opened(Opening),
    /// Kept from this auditor.
    Withheld,
    /// Destroyed, as an erase entry says.
    Erased,
    /// Gone without an erase entry, as after a restore that nobody could complete.
    Lost,
}

impl Disclosed {
    /// The word in reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::Withheld => "withheld",
            Self::Erased => "erased",
            Self::Lost => "lost",
        }
    }
}

/// One line of an openings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisclosedSection {
    /// The place of the entry in its bundle, from 0.
    pub position: u8,
    /// The section.
    pub slot: Slot,
    /// What is given of it.
    pub disclosed: Disclosed,
}

impl DisclosedSection {
    /// Adds the line to a file: `u8 position | u8 slot | u8 state`, and where opened `[32] salt | u32 len |
    /// section`, big-endian; states 0 opened, 1 withheld, 2 erased, 3 lost.
    pub fn write(&self, into: &mut Vec<u8>) {
        into.push(self.position);
        into.push(self.slot.number());
        match &self.disclosed {
            Disclosed::Opened(opening) => {
                into.push(0);
                into.extend_from_slice(opening.salt().as_bytes());
                // A section is at most 65,500 bytes.
                let len = u32::try_from(opening.section().len()).unwrap_or(u32::MAX);
                into.extend_from_slice(&len.to_be_bytes());
                into.extend_from_slice(opening.section());
            }
            Disclosed::Withheld => into.push(1),
            Disclosed::Erased => into.push(2),
            Disclosed::Lost => into.push(3),
        }
    }
}

/// Reads an openings file line by line.
#[derive(Clone, Debug)]
pub struct DisclosedSections<'a> {
    rest: &'a [u8],
}

impl<'a> DisclosedSections<'a> {
    /// Reads these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn line(&mut self) -> Option<DisclosedSection> {
        let (head, rest) = self.rest.split_first_chunk::<3>()?;
        let [position, slot, state] = *head;
        let (disclosed, rest) = match state {
            0 => {
                let (salt, rest) = rest.split_first_chunk::<{ Salt::LEN }>()?;
                let (len, rest) = rest.split_first_chunk::<4>()?;
                let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
                let (section, rest) = rest.split_at_checked(len)?;
                (Disclosed::Opened(Opening::new(Salt::from_bytes(*salt), section.to_vec())?), rest)
            }
            1 => (Disclosed::Withheld, rest),
            2 => (Disclosed::Erased, rest),
            3 => (Disclosed::Lost, rest),
            _ => return None,
        };
        self.rest = rest;
        Some(DisclosedSection { position, slot: Slot::new(slot), disclosed })
    }
}

impl Iterator for DisclosedSections<'_> {
    type Item = Result<DisclosedSection, DisclosedError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let left = self.rest.len();
        Some(self.line().ok_or_else(|| {
            self.rest = &[];
            DisclosedError { left }
        }))
    }
}

/// Bytes that are not a line of an openings file, or a section over its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the openings file does not read, {left} bytes before its end (a section has at most {SECTION_BYTES_MAX})"
)]
pub struct DisclosedError {
    /// Bytes not read.
    pub left: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back_and_cut_files_are_refused() {
        let opening = Opening::new(Salt::from_bytes([3; 32]), b"section".to_vec()).unwrap();
        let states = [Disclosed::Opened(opening), Disclosed::Withheld, Disclosed::Erased, Disclosed::Lost];
        let lines: Vec<DisclosedSection> = states
            .into_iter()
            .zip(0..)
            .map(|(disclosed, n)| DisclosedSection { position: 7, slot: Slot::new(n), disclosed })
            .collect();
        let mut file = Vec::new();
        for line in &lines {
            line.write(&mut file);
        }
        let read: Result<Vec<_>, _> = DisclosedSections::new(&file).collect();
        assert_eq!(read.unwrap(), lines);
        for cut in 1..file.len() {
            let all: Result<Vec<_>, _> = DisclosedSections::new(&file[..cut]).collect();
            assert!(all.is_err() || all.unwrap().len() < lines.len(), "cut to {cut}");
        }
        file[2] = 9;
        assert!(DisclosedSections::new(&file).next().unwrap().is_err());
    }
}
