//! What goes over the network, as bytes.
//!
//! The parts are those of the protocol (C14, C15); the encoding is the simulator's own and as strict as the real one,
//! of which `comity-wire` turns every bit in tests of its own.

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// Asks for a log from a place on.
    Follow { origin: String, next_index: u64, next_release: u64, newest: Option<Vec<u8>> },
    /// A signed checkpoint.
    Note(Vec<u8>),
    /// Entries, and the proof that joins their end to the checkpoint.
    Frame { start: u64, entries: Vec<Vec<u8>>, proof: Vec<[u8; 32]> },
    /// Openings under consecutive numbers.
    Release { origin: String, items: Vec<Item> },
    /// Asks for the first entry of a successor.
    Genesis { origin: String },
    /// It.
    First(Vec<u8>),
    /// The stream lives.
    Beat,
    /// The stream is refused or ends.
    Refused(Refusal),
}

/// One opening on its way; without its padded form where it may not be given any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) number: u64,
    pub(crate) index: u64,
    pub(crate) slot: u8,
    pub(crate) opening: Option<Vec<u8>>,
}

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    BeyondSize,
    BeyondRelease,
    NoteConflict,
    Unknown,
    /// Nothing more is to come: the log has ended, and its successor is held.
    LogClosed,
}

const REFUSALS: [Refusal; 5] = [
    Refusal::BeyondSize,
    Refusal::BeyondRelease,
    Refusal::NoteConflict,
    Refusal::Unknown,
    Refusal::LogClosed,
];

impl Message {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Follow { origin, next_index, next_release, newest } => {
                out.push(0);
                put(&mut out, origin.as_bytes());
                out.extend(next_index.to_be_bytes());
                out.extend(next_release.to_be_bytes());
                put_optional(&mut out, newest.as_deref());
            }
            Self::Note(note) => {
                out.push(1);
                put(&mut out, note);
            }
            Self::Frame { start, entries, proof } => {
                out.push(2);
                out.extend(start.to_be_bytes());
                out.extend(u32::try_from(entries.len()).unwrap().to_be_bytes());
                for entry in entries {
                    put(&mut out, entry);
                }
                out.push(u8::try_from(proof.len()).unwrap());
                out.extend(proof.as_flattened());
            }
            Self::Release { origin, items } => {
                out.push(3);
                put(&mut out, origin.as_bytes());
                out.extend(u32::try_from(items.len()).unwrap().to_be_bytes());
                for item in items {
                    out.extend(item.number.to_be_bytes());
                    out.extend(item.index.to_be_bytes());
                    out.push(item.slot);
                    put_optional(&mut out, item.opening.as_deref());
                }
            }
            Self::Beat => out.push(4),
            Self::Genesis { origin } => {
                out.push(6);
                put(&mut out, origin.as_bytes());
            }
            Self::First(entry) => {
                out.push(7);
                put(&mut out, entry);
            }
            Self::Refused(refusal) => {
                let code = REFUSALS.iter().position(|known| known == refusal).unwrap();
                out.extend([5, u8::try_from(code).unwrap()]);
            }
        }
        out
    }

    /// Reads one message and nothing behind it.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        let message = match rest.byte()? {
            0 => Self::Follow {
                origin: rest.text()?,
                next_index: rest.number()?,
                next_release: rest.number()?,
                newest: rest.optional().ok()?,
            },
            1 => Self::Note(rest.run()?),
            2 => {
                let start = rest.number()?;
                let entries = (0..rest.count()?).map(|_| rest.run()).collect::<Option<_>>()?;
                let proof = (0..rest.byte()?).map(|_| rest.chunk()).collect::<Option<_>>()?;
                Self::Frame { start, entries, proof }
            }
            3 => {
                let origin = rest.text()?;
                let items = (0..rest.count()?).map(|_| rest.item()).collect::<Option<_>>()?;
                Self::Release { origin, items }
            }
            4 => Self::Beat,
            5 => Self::Refused(*REFUSALS.get(usize::from(rest.byte()?))?),
            6 => Self::Genesis { origin: rest.text()? },
            7 => Self::First(rest.run()?),
            _ => return None,
        };
        rest.0.is_empty().then_some(message)
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend(bytes);
}

fn put_optional(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    out.push(u8::from(bytes.is_some()));
    if let Some(bytes) = bytes {
        put(out, bytes);
    }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (chunk, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*chunk)
    }

    fn byte(&mut self) -> Option<u8> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u64> {
        self.chunk().map(u64::from_be_bytes)
    }

    /// A count of things of at least one byte each.
    fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(u32::from_be_bytes(self.chunk()?)).ok()?;
        (count <= self.0.len()).then_some(count)
    }

    fn run(&mut self) -> Option<Vec<u8>> {
        let len = self.count()?;
        let (run, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(run.to_vec())
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.run()?).ok()
    }

    fn optional(&mut self) -> Result<Option<Vec<u8>>, ()> {
        match self.byte() {
            Some(0) => Ok(None),
            Some(1) => self.run().map(Some).ok_or(()),
            _ => Err(()),
        }
    }

    fn item(&mut self) -> Option<Item> {
        Some(Item {
            number: self.number()?,
            index: self.number()?,
            slot: self.byte()?,
            opening: self.optional().ok()?,
        })
    }
}
