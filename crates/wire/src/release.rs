//! Release frames: the openings disclosed to a peer, each under its number.
//!
//! What may be disclosed is `policy`'s; whether an opening gives its commitment is `ledger`'s.

use bytes::Bytes;
use comity_ledger::{Opening, Origin, Slot};
use comity_tlog::EntryIndex;

use crate::v1::opening::Content;
use crate::{InvalidMessage, field, v1};

/// Most openings of one release frame: as many as entries of a frame, so that the two keep pace.
pub const RELEASE_OPENINGS_MAX: usize = 256;

/// Most bytes of the padded openings of one release frame: as a frame of entries.
pub const RELEASE_BYTES_MAX: usize = 1 << 20;

/// Longest padded opening, in bytes.
const PADDED_BYTES_MAX: usize = 64 << 10;

const OPENINGS: &str = "release.openings";
const NUMBER: &str = "opening.release_number";
const CONTENT: &str = "opening.content";
const PADDED: &str = "opening.padded";

/// The number of a disclosure, counted for each peer and origin from 0 without a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseNumber(u64);

impl ReleaseNumber {
    /// Takes a number.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The number after this one; `None` at the end of the range.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

/// One numbered disclosure: a section of an entry, or the word that it no longer can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosure {
    /// Its number.
    pub number: ReleaseNumber,
    /// The log of the entry.
    pub origin: Origin,
    /// The entry.
    pub index: EntryIndex,
    /// The section.
    pub slot: Slot,
    /// What is given.
    pub content: DisclosureContent,
}

impl Disclosure {
    /// Bytes of the padded opening; none of an absence.
    pub fn content_bytes(&self) -> usize {
        match &self.content {
            DisclosureContent::Given(opening) => opening.padded_len(),
            DisclosureContent::Absent(_) => 0,
        }
    }
}

/// What is given under a release number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisclosureContent {
    /// Salt and section; not yet compared with the commitment.
    Given(Opening),
    /// Nothing any more.
    Absent(AbsenceCause),
}

/// Why a section that was once disclosed is sent empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AbsenceCause {
    /// The author erased it.
    Erased,
    /// The author recalled it.
    Recalled,
    /// The sender lost it and nobody gave it back.
    Lost,
    /// The entry stands beyond the end of a log that was closed since; it may not have been sent.
    BeyondEnd,
}

/// Consecutive disclosures of one origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseFrame(Vec<Disclosure>);

impl ReleaseFrame {
    /// Takes disclosures.
    ///
    /// # Errors
    /// An [`InvalidMessage`] if there are none or too many, they are of several origins, or their numbers do not
    /// follow each other.
    pub fn new(disclosures: Vec<Disclosure>) -> Result<Self, InvalidMessage> {
        field::count(OPENINGS, disclosures.len(), 1, RELEASE_OPENINGS_MAX)?;
        for (one, next) in disclosures.iter().zip(disclosures.iter().skip(1)) {
            if one.origin != next.origin {
                return Err(InvalidMessage::Contradicts { field: "opening.origin" });
            }
            if one.number.next() != Some(next.number) {
                return Err(InvalidMessage::Contradicts { field: NUMBER });
            }
        }
        Ok(Self(disclosures))
    }

    /// The disclosures, numbers ascending by one.
    pub fn disclosures(&self) -> &[Disclosure] {
        &self.0
    }

    /// The disclosures, to be taken apart.
    pub fn into_disclosures(self) -> Vec<Disclosure> {
        self.0
    }
}

impl TryFrom<v1::Release> for ReleaseFrame {
    type Error = InvalidMessage;

    fn try_from(message: v1::Release) -> Result<Self, InvalidMessage> {
        field::count(OPENINGS, message.openings.len(), 1, RELEASE_OPENINGS_MAX)?;
        field::total(OPENINGS, message.openings.iter().map(padded_len), RELEASE_BYTES_MAX)?;
        let mut disclosures: Vec<Disclosure> = Vec::with_capacity(message.openings.len());
        for opening in message.openings {
            let before = disclosures.last().map(|disclosure| &disclosure.origin);
            let disclosure = Disclosure::read(opening, before)?;
            disclosures.push(disclosure);
        }
        Self::new(disclosures)
    }
}

impl TryFrom<ReleaseFrame> for v1::Release {
    type Error = InvalidMessage;

    /// # Errors
    /// [`InvalidMessage::TooLong`] if the openings with their padding are over [`RELEASE_BYTES_MAX`]: whoever
    /// makes frames of them must cut earlier.
    fn try_from(frame: ReleaseFrame) -> Result<Self, InvalidMessage> {
        field::total(OPENINGS, frame.0.iter().map(Disclosure::content_bytes), RELEASE_BYTES_MAX)?;
        // One piece of memory for all of them.
        let mut padded = Vec::with_capacity(frame.0.iter().map(Disclosure::content_bytes).sum());
        for disclosure in &frame.0 {
            if let DisclosureContent::Given(opening) = &disclosure.content {
                opening.pad_into(&mut padded);
            }
        }
        let mut padded = Bytes::from(padded);
        let openings = frame.0.into_iter().map(|disclosure| {
            let given = padded.split_to(disclosure.content_bytes());
            v1::Opening {
                release_number: disclosure.number.0,
                origin: disclosure.origin.as_str().to_owned(),
                index: disclosure.index.value(),
                slot: disclosure.slot.number().into(),
                content: Some(match disclosure.content {
                    DisclosureContent::Given(_) => Content::Padded(given),
                    DisclosureContent::Absent(cause) => {
                        Content::Absence(v1::AbsenceCause::from(cause).into())
                    }
                }),
            }
        });
        Ok(Self { openings: openings.collect() })
    }
}

fn padded_len(opening: &v1::Opening) -> usize {
    match &opening.content {
        Some(Content::Padded(bytes)) => bytes.len(),
        Some(Content::Absence(_)) | None => 0,
    }
}

impl Disclosure {
    /// Reads one; its origin is mostly that of the one before.
    fn read(message: v1::Opening, before: Option<&Origin>) -> Result<Self, InvalidMessage> {
        let origin = match before.filter(|before| before.as_str() == message.origin) {
            Some(before) => before.clone(),
            None => field::origin("opening.origin", &message.origin)?,
        };
        Ok(Self {
            number: ReleaseNumber(message.release_number),
            origin,
            index: field::index("opening.index", message.index)?,
            slot: field::slot("opening.slot", message.slot)?,
            content: message.content.ok_or(InvalidMessage::Missing { field: CONTENT })?.try_into()?,
        })
    }
}

impl TryFrom<Content> for DisclosureContent {
    type Error = InvalidMessage;

    fn try_from(content: Content) -> Result<Self, InvalidMessage> {
        match content {
            Content::Padded(bytes) if bytes.len() > PADDED_BYTES_MAX => {
                Err(InvalidMessage::TooLong { field: PADDED, found: bytes.len(), max: PADDED_BYTES_MAX })
            }
            Content::Padded(bytes) => Opening::from_padded(&bytes)
                .map(Self::Given)
                .map_err(|source| InvalidMessage::Opening { field: PADDED, source }),
            Content::Absence(cause) => AbsenceCause::try_from(cause).map(Self::Absent),
        }
    }
}

impl TryFrom<i32> for AbsenceCause {
    type Error = InvalidMessage;

    fn try_from(number: i32) -> Result<Self, InvalidMessage> {
        match v1::AbsenceCause::try_from(number) {
            Ok(v1::AbsenceCause::Erased) => Ok(Self::Erased),
            Ok(v1::AbsenceCause::Recalled) => Ok(Self::Recalled),
            Ok(v1::AbsenceCause::Lost) => Ok(Self::Lost),
            Ok(v1::AbsenceCause::BeyondEnd) => Ok(Self::BeyondEnd),
            Ok(v1::AbsenceCause::Unspecified) | Err(_) => {
                Err(InvalidMessage::Malformed { field: "opening.absence" })
            }
        }
    }
}

impl From<AbsenceCause> for v1::AbsenceCause {
    fn from(cause: AbsenceCause) -> Self {
        match cause {
            AbsenceCause::Erased => Self::Erased,
            AbsenceCause::Recalled => Self::Recalled,
            AbsenceCause::Lost => Self::Lost,
            AbsenceCause::BeyondEnd => Self::BeyondEnd,
        }
    }
}

#[cfg(test)]
mod tests {
    use comity_ledger::Salt;

    use super::*;

    fn message() -> v1::Release {
        let given = Opening::new(Salt::from_bytes([3; 32]), b"section".to_vec()).unwrap();
        let opening = |release_number, content| v1::Opening {
            release_number,
            origin: "a.example/pub".to_owned(),
            index: 9,
            slot: 2,
            content: Some(content),
        };
        v1::Release {
            openings: vec![
                opening(4, Content::Padded(Bytes::from(given.to_padded()))),
                opening(5, Content::Absence(1)),
                opening(6, Content::Absence(2)),
                opening(7, Content::Absence(3)),
            ],
        }
    }

    #[test]
    fn a_release_travels_byte_for_byte() {
        let frame = ReleaseFrame::try_from(message()).unwrap();
        assert_eq!(frame.disclosures()[0].number, ReleaseNumber::new(4));
        assert_eq!(frame.disclosures()[1].content, DisclosureContent::Absent(AbsenceCause::Erased));
        assert_eq!(v1::Release::try_from(frame).unwrap(), message());
    }

    #[test]
    fn each_field_of_a_release_is_checked() {
        let check = |field: &str, change: &dyn Fn(&mut Vec<v1::Opening>)| {
            let mut bad = message();
            change(&mut bad.openings);
            assert_eq!(ReleaseFrame::try_from(bad).unwrap_err().field(), field);
        };
        let padded = |len: usize| Some(Content::Padded(Bytes::from(vec![0; len])));
        check(OPENINGS, &|openings| openings.clear());
        check(OPENINGS, &|openings| openings.resize(257, v1::Opening::default()));
        check(OPENINGS, &|openings| {
            openings.resize(21, v1::Opening { content: padded(64 << 10), ..v1::Opening::default() });
        });
        check("opening.origin", &|openings| openings[0].origin = "A/pub".to_owned());
        check("opening.origin", &|openings| openings[1].origin = "b.example/pub".to_owned());
        check("opening.index", &|openings| openings[0].index = u64::MAX);
        check("opening.slot", &|openings| openings[0].slot = 256);
        check(CONTENT, &|openings| openings[0].content = None);
        check(PADDED, &|openings| openings[0].content = padded(0));
        check(PADDED, &|openings| openings[0].content = padded(255));
        check(PADDED, &|openings| openings[0].content = padded(65_537));
        check("opening.absence", &|openings| openings[1].content = Some(Content::Absence(0)));
        check("opening.absence", &|openings| openings[1].content = Some(Content::Absence(99)));
        check(NUMBER, &|openings| openings[1].release_number = 4);
        check(NUMBER, &|openings| openings[0].release_number = u64::MAX);
    }
}
