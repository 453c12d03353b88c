//! `Debug` of messages that may hold personal content: sizes and places, never the content.
//!
//! A message's `Debug` ends in trace lines and panics; the generator is told to leave these out (see
//! `tests/generation`).

use std::fmt::{Debug, Formatter, Result};

use crate::v1;

impl Debug for v1::Opening {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Opening")
            .field("release_number", &self.release_number)
            .field("origin", &self.origin)
            .field("index", &self.index)
            .field("slot", &self.slot)
            .field("content", &self.content)
            .finish()
    }
}

impl Debug for v1::opening::Content {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Padded(bytes) => write!(f, "Padded({} bytes)", bytes.len()),
            Self::Absence(cause) => write!(f, "Absence({cause})"),
        }
    }
}

impl Debug for v1::Section {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "Section({}, {} bytes)", self.slot, self.content.len())
    }
}

impl Debug for v1::HeldSection {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("HeldSection").field("slot", &self.slot).field("content", &self.content).finish()
    }
}

impl Debug for v1::held_section::Content {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Opened(bytes) => write!(f, "Opened({} bytes)", bytes.len()),
            Self::Absent(absence) => write!(f, "Absent({absence})"),
        }
    }
}

impl Debug for v1::FilePart {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "FilePart({:?}, {} bytes)", self.path, self.content.len())
    }
}

impl Debug for v1::ScreenRequest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("ScreenRequest").field("query", &self.query).finish()
    }
}

impl Debug for v1::screen_request::Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Identifier(query) => query.fmt(f),
            Self::Name(name) => write!(f, "Name({} bytes)", name.len()),
        }
    }
}

impl Debug for v1::IdentifierQuery {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        // A caller could put the number into the wrong field, so that not even the type is shown.
        write!(f, "IdentifierQuery({} bytes)", self.value.len())
    }
}

impl Debug for v1::Hit {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        // Who was asked about can be told from the entry that was hit.
        f.write_str("Hit(…)")
    }
}

impl Debug for v1::AddPeerRequest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "AddPeerRequest(card of {} bytes)", self.card.len())
    }
}
