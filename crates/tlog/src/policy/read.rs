//! Reading a policy line by line (c2sp.org/tlog-policy, "Policy file syntax and structure").
//!
//! What a policy says once it is read is in `policy`.

use thiserror::Error;

use super::{
    Group, KnownLog, KnownWitness, Member, NONE, POLICY_BYTES_MAX, POLICY_ITEMS_MAX, Policy, same_public_key,
};
use crate::key::{KeyError, KeyKind, VerifierKey};
use crate::position::parse_decimal;

/// Why something is no policy. Lines are counted from 1; those of a policy made in code are its witnesses in
/// order, and then the group.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    /// Longer than any that is read.
    #[error("policy of {bytes} bytes is over {POLICY_BYTES_MAX}")]
    TooLong {
        /// The length of the file.
        bytes: usize,
    },
    /// An octet that no policy holds.
    #[error("line {line} of the policy has a control character")]
    Character {
        /// The line.
        line: usize,
    },
    /// The last line has no line feed: the file may have been cut short.
    #[error("line {line} of the policy, its last one, does not end in a line feed")]
    Unterminated {
        /// The line.
        line: usize,
    },
    /// The line begins with a word that defines nothing.
    #[error("line {line} of the policy is no log, witness, group or quorum")]
    Keyword {
        /// The line.
        line: usize,
    },
    /// Too few words or too many.
    #[error("line {line} of the policy has too few words or too many for what it defines")]
    Words {
        /// The line.
        line: usize,
    },
    /// Not a key.
    #[error("line {line} of the policy has no valid key")]
    Key {
        /// The line.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// A key that is not of the kind with which a log signs or a witness cosigns.
    #[error("line {line} of the policy has a key of kind {kind:?}, which does not fit what it defines")]
    KeyKind {
        /// The line.
        line: usize,
        /// The kind of the key.
        kind: KeyKind,
    },
    /// The public key of an earlier log, or of an earlier witness.
    #[error("line {line} of the policy repeats a public key")]
    KeyTwice {
        /// The line.
        line: usize,
    },
    /// The name of an earlier witness or group, or `none`.
    #[error("line {line} of the policy defines a name that is taken")]
    NameTaken {
        /// The line.
        line: usize,
    },
    /// A name that no earlier line defines.
    #[error("line {line} of the policy uses a name that no line before it defines")]
    UnknownName {
        /// The line.
        line: usize,
    },
    /// A name that is a member already, of this group or another.
    #[error("line {line} of the policy lists a name that is a member already")]
    MemberTwice {
        /// The line.
        line: usize,
    },
    /// Neither `all` nor `any` nor a number between one and that of the members.
    #[error("line {line} of the policy asks for a number of members that it does not have, or for none")]
    Needed {
        /// The line.
        line: usize,
    },
    /// Too many logs, witnesses or groups.
    #[error("line {line} of the policy is one log, witness or group over {POLICY_ITEMS_MAX}")]
    TooMany {
        /// The line.
        line: usize,
    },
    /// A second quorum.
    #[error("line {line} of the policy is a second quorum")]
    QuorumTwice {
        /// The line.
        line: usize,
    },
    /// No line says what is enough.
    #[error("policy has no quorum")]
    NoQuorum,
}

/// The words of one line, without the first.
struct Line<'a> {
    number: usize,
    words: Vec<&'a [u8]>,
}

pub(super) fn read(octets: &[u8]) -> Result<Policy, PolicyError> {
    if octets.len() > POLICY_BYTES_MAX {
        return Err(PolicyError::TooLong { bytes: octets.len() });
    }
    let mut policy = Policy { logs: Vec::new(), witnesses: Vec::new(), groups: Vec::new(), quorum: None };
    let mut has_quorum = false;
    // "Each line is terminated by ASCII newline": what follows the last one is a line cut short.
    for (place, line) in octets.split_inclusive(|octet| *octet == b'\n').enumerate() {
        let number = place.saturating_add(1);
        let line = line.strip_suffix(b"\n").ok_or(PolicyError::Unterminated { line: number })?;
        if !line.iter().copied().all(is_allowed) {
            return Err(PolicyError::Character { line: number });
        }
        // "Sequences of ASCII space and tab characters only."
        let mut words = line.split(|octet| matches!(octet, b' ' | b'\t')).filter(|word| !word.is_empty());
        // "Empty lines and comment lines are allowed and ignored."
        let Some(keyword) = words.next().filter(|word| !word.starts_with(b"#")) else { continue };
        let line = Line { number, words: words.collect() };
        match keyword {
            b"log" => policy.read_log(&line)?,
            b"witness" => policy.read_witness(&line)?,
            b"group" => policy.read_group(&line)?,
            // "A policy file must include exactly one quorum line."
            b"quorum" if has_quorum => return Err(PolicyError::QuorumTwice { line: number }),
            b"quorum" => {
                policy.read_quorum(&line)?;
                has_quorum = true;
            }
            _ => return Err(PolicyError::Keyword { line: number }),
        }
    }
    if has_quorum { Ok(policy) } else { Err(PolicyError::NoQuorum) }
}

/// "The allowed octet values are 0x09 (tab), 0x0A (newline), 0x20-0x7E, and 0x80-0xFF."
const fn is_allowed(octet: u8) -> bool {
    matches!(octet, b'\t' | b'\n' | 0x20..=0x7E | 0x80..)
}

impl Policy {
    /// `log <vkey> [<url>]`
    fn read_log(&mut self, line: &Line<'_>) -> Result<(), PolicyError> {
        let (key, url) = match line.words.as_slice() {
            [key] => (key, None),
            [key, url] => (key, Some(url.to_vec())),
            _ => return Err(PolicyError::Words { line: line.number }),
        };
        let log = KnownLog { key: read_key(line.number, key)?, url };
        // c2sp.org/tlog-checkpoint has logs sign with any kind; 0x04 is a cosigner's, and never a log's here.
        if log.key.kind() == KeyKind::CosignatureV1 {
            return Err(PolicyError::KeyKind { line: line.number, kind: log.key.kind() });
        }
        // "Multiple log lines with the same public key are not allowed."
        if self.logs.iter().any(|known| same_public_key(&known.key, &log.key)) {
            return Err(PolicyError::KeyTwice { line: line.number });
        }
        push(line.number, &mut self.logs, log)
    }

    /// `witness <name> <vkey> [<url>]`
    fn read_witness(&mut self, line: &Line<'_>) -> Result<(), PolicyError> {
        let (name, key, url) = match line.words.as_slice() {
            [name, key] => (name, key, None),
            [name, key, url] => (name, key, Some(url.to_vec())),
            _ => return Err(PolicyError::Words { line: line.number }),
        };
        let key = read_key(line.number, key)?;
        self.add_witness(line.number, KnownWitness { name: name.to_vec(), key, url })
    }

    /// `group <name> all|any|<k> <name>...`
    fn read_group(&mut self, line: &Line<'_>) -> Result<(), PolicyError> {
        let [name, needed, members @ ..] = line.words.as_slice() else {
            return Err(PolicyError::Words { line: line.number });
        };
        // "A line defining a group can only reference names on preceding lines"; `none` is no member's.
        let members: Option<Vec<Member>> = members.iter().map(|member| self.named(member)).collect();
        let members = members.ok_or(PolicyError::UnknownName { line: line.number })?;
        let needed = match *needed {
            b"all" => members.len(),
            b"any" => 1,
            // No number is larger than that of the members, so what overflows is refused as well.
            digits => decimal(digits).ok_or(PolicyError::Needed { line: line.number })?,
        };
        self.add_group(line.number, Group { name: name.to_vec(), needed, members })
    }

    /// `quorum <name>`, or `quorum none`
    fn read_quorum(&mut self, line: &Line<'_>) -> Result<(), PolicyError> {
        let [name] = line.words.as_slice() else {
            return Err(PolicyError::Words { line: line.number });
        };
        self.quorum = match *name {
            NONE => None,
            name => Some(self.named(name).ok_or(PolicyError::UnknownName { line: line.number })?),
        };
        Ok(())
    }

    /// Adds a witness under a name of its own.
    pub(super) fn add_witness(&mut self, line: usize, witness: KnownWitness) -> Result<(), PolicyError> {
        let kind = witness.key.kind();
        // c2sp.org/tlog-cosignature: 0x04 and 0x06 are the kinds of cosigners.
        if kind == KeyKind::Ed25519 {
            return Err(PolicyError::KeyKind { line, kind });
        }
        if !witness.key.name().as_str().bytes().all(is_allowed) {
            return Err(PolicyError::Character { line });
        }
        // "Multiple witness lines with the same public key are not allowed."
        if self.witnesses.iter().any(|known| same_public_key(&known.key, &witness.key)) {
            return Err(PolicyError::KeyTwice { line });
        }
        self.check_name(line, &witness.name)?;
        push(line, &mut self.witnesses, witness)
    }

    /// Adds a group under a name of its own.
    pub(super) fn add_group(&mut self, line: usize, group: Group) -> Result<(), PolicyError> {
        self.check_name(line, &group.name)?;
        // "At least one member must be listed", and "1 <= k <= n".
        if group.needed == 0 || group.needed > group.members.len() {
            return Err(PolicyError::Needed { line });
        }
        // "Each defined name can be listed as a group member at most once."
        for (place, member) in group.members.iter().enumerate() {
            let mut before = self.groups.iter().flat_map(|known| &known.members);
            if before.any(|known| known == member) || group.members.iter().take(place).any(|m| m == member) {
                return Err(PolicyError::MemberTwice { line });
            }
        }
        push(line, &mut self.groups, group)
    }

    /// "Witnesses and groups share a single namespace. The special name `none` is predefined."
    fn check_name(&self, line: usize, name: &[u8]) -> Result<(), PolicyError> {
        if name == NONE || self.named(name).is_some() {
            return Err(PolicyError::NameTaken { line });
        }
        Ok(())
    }
}

fn push<T>(line: usize, known: &mut Vec<T>, item: T) -> Result<(), PolicyError> {
    if known.len() >= POLICY_ITEMS_MAX {
        return Err(PolicyError::TooMany { line });
    }
    known.push(item);
    Ok(())
}

/// "Public keys are written in vkey format", whose name is UTF-8.
fn read_key(line: usize, word: &[u8]) -> Result<VerifierKey, PolicyError> {
    let text = std::str::from_utf8(word).map_err(|_| KeyError::Malformed);
    text.and_then(str::parse).map_err(|source| PolicyError::Key { line, source })
}

/// A number in its one spelling.
fn decimal(digits: &[u8]) -> Option<usize> {
    let number = parse_decimal(std::str::from_utf8(digits).ok()?).ok()?;
    usize::try_from(number).ok()
}
