//! Trust policies: which logs and witnesses are known, and which witnesses are enough (c2sp.org/tlog-policy).
//!
//! Reading them is in `policy::read`. How many witnesses are enough by default is in `quorum`; who pins which
//! policy for which log is for `ledger` to say.

mod read;

use crate::checkpoint::{Cosignature, VerifiedCheckpoint};
use crate::key::{KeyKind, VerifierKey};

pub use read::PolicyError;

/// The longest policy that is read: as many keys as are allowed, of the longest kind, with room for names.
pub const POLICY_BYTES_MAX: usize = 1 << 19;
/// The most logs, and as many witnesses, and as many groups: a note has at most 100 lines, and the format asks
/// for 32 of each to be supported (c2sp.org/tlog-policy, "Implementation limits").
pub const POLICY_ITEMS_MAX: usize = 64;

/// The name that stands for no cosignature at all (c2sp.org/tlog-policy, "Defining the quorum").
const NONE: &[u8] = b"none";

/// Known logs, known witnesses, and the rule when a checkpoint counts as witnessed.
///
/// Names and addresses are octets, as the format has it: what is no UTF-8 is kept as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<KnownLog>,
    witnesses: Vec<KnownWitness>,
    groups: Vec<Group>,
    /// None where no cosignature is asked for.
    quorum: Option<Member>,
}

/// A log whose checkpoints are accepted; its origin is the name of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KnownLog {
    key: VerifierKey,
    url: Option<Vec<u8>>,
}

/// A witness under the name that groups and quorum refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KnownWitness {
    name: Vec<u8>,
    key: VerifierKey,
    url: Option<Vec<u8>>,
}

/// Members of whom `needed` make the group count as having witnessed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: Vec<u8>,
    needed: usize,
    members: Vec<Member>,
}

/// A place among the witnesses, or among the groups defined before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// If it is too long, or a line breaks a rule of the format; the error names the line.
    pub fn parse(octets: impl AsRef<[u8]>) -> Result<Self, PolicyError> {
        read::read(octets.as_ref())
    }

    /// The policy that any `needed` of these witnesses are enough. It names no log: which one is meant is known
    /// where it is pinned.
    ///
    /// # Errors
    /// If `needed` is not between one and their number, a key is no witness's or stands there twice, or there
    /// are too many.
    pub fn threshold(witnesses: Vec<VerifierKey>, needed: usize) -> Result<Self, PolicyError> {
        let mut policy = Self { logs: Vec::new(), witnesses: Vec::new(), groups: Vec::new(), quorum: None };
        for (place, key) in witnesses.into_iter().enumerate() {
            let line = place.saturating_add(1);
            // A name of the policy is not that of a key, which may hold octets that no policy can.
            policy
                .add_witness(line, KnownWitness { name: format!("w{line}").into_bytes(), key, url: None })?;
        }
        let members: Vec<Member> = (0..policy.witnesses.len()).map(Member::Witness).collect();
        let line = members.len().saturating_add(1);
        policy.add_group(line, Group { name: b"enough".to_vec(), needed, members })?;
        policy.quorum = Some(Member::Group(0));
        Ok(policy)
    }

    /// The keys of the known logs.
    pub fn logs(&self) -> impl Iterator<Item = &VerifierKey> {
        self.logs.iter().map(|log| &log.key)
    }

    /// The keys of all witnesses, whether or not the quorum asks for them.
    pub fn witnesses(&self) -> impl Iterator<Item = &VerifierKey> {
        self.witnesses.iter().map(|witness| &witness.key)
    }

    /// The witnesses that are named with an address, with the octets of it.
    pub fn witness_addresses(&self) -> impl Iterator<Item = (&VerifierKey, &[u8])> {
        self.witnesses.iter().filter_map(|witness| Some((&witness.key, witness.url.as_deref()?)))
    }

    /// Whether cosignatures are asked for at all: `quorum none` is met by every checkpoint.
    pub const fn asks_for_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Whether these keys are enough, each of a cosigner whose line on the checkpoint was verified.
    ///
    /// A witness is known by its public key, whatever name the key goes by (c2sp.org/tlog-policy, "What is a
    /// policy"), and counts once. Only cosigners of kind 0x04 count, since no line of another kind is verified
    /// here.
    pub fn is_met_by<'a>(&self, cosigners: impl IntoIterator<Item = &'a VerifierKey>) -> bool {
        let Some(quorum) = self.quorum else { return true };
        let mut cosigned = vec![false; self.witnesses.len()];
        for cosigner in cosigners.into_iter().filter(|key| key.kind() == KeyKind::CosignatureV1) {
            for (witness, mark) in self.witnesses.iter().zip(&mut cosigned) {
                *mark |= same_public_key(&witness.key, cosigner);
            }
        }
        let mut met: Vec<bool> = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            // A group refers to what stands before it, so one pass is enough, however deep they are nested.
            let count = group.members.iter().filter(|member| is_marked(**member, &cosigned, &met)).count();
            met.push(count >= group.needed);
        }
        is_marked(quorum, &cosigned, &met)
    }

    /// Whether the verified cosignatures of a checkpoint are enough. The log's own key never counts.
    pub fn is_met_on(&self, checkpoint: &VerifiedCheckpoint) -> bool {
        self.is_met_by(checkpoint.cosignatures().iter().map(Cosignature::key))
    }

    /// The policy as a file, without comments: logs, witnesses, groups, quorum. Octets, since names may be no
    /// UTF-8; reading them gives the same policy.
    pub fn to_text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for log in &self.logs {
            let key = log.key.to_string();
            push_line(&mut text, [b"log".as_slice(), key.as_bytes()].into_iter().chain(log.url.as_deref()));
        }
        for witness in &self.witnesses {
            let key = witness.key.to_string();
            let fields = [b"witness".as_slice(), &witness.name, key.as_bytes()];
            push_line(&mut text, fields.into_iter().chain(witness.url.as_deref()));
        }
        for group in &self.groups {
            let needed = group.needed.to_string();
            let fields = [b"group".as_slice(), &group.name, needed.as_bytes()];
            push_line(
                &mut text,
                fields.into_iter().chain(group.members.iter().map(|one| self.name_of(*one))),
            );
        }
        let quorum = self.quorum.map_or(NONE, |member| self.name_of(member));
        push_line(&mut text, [b"quorum".as_slice(), quorum].into_iter());
        text
    }

    /// The name of a witness or group; every member that is held is one of them.
    fn name_of(&self, member: Member) -> &[u8] {
        let name = match member {
            Member::Witness(place) => self.witnesses.get(place).map(|witness| &witness.name),
            Member::Group(place) => self.groups.get(place).map(|group| &group.name),
        };
        name.map_or(NONE, Vec::as_slice)
    }

    /// The witness or group of a name.
    fn named(&self, name: &[u8]) -> Option<Member> {
        let witness = self.witnesses.iter().position(|witness| witness.name == name).map(Member::Witness);
        witness.or_else(|| self.groups.iter().position(|group| group.name == name).map(Member::Group))
    }
}

/// Whether two keys wrap the same public key, even if names and IDs differ (c2sp.org/tlog-policy, "Public key
/// representation").
fn same_public_key(one: &VerifierKey, other: &VerifierKey) -> bool {
    one.public_key() == other.public_key()
}

fn is_marked(member: Member, cosigned: &[bool], met: &[bool]) -> bool {
    let mark = match member {
        Member::Witness(place) => cosigned.get(place),
        Member::Group(place) => met.get(place),
    };
    mark.copied().unwrap_or_default()
}

fn push_line<'a>(text: &mut Vec<u8>, fields: impl Iterator<Item = &'a [u8]>) {
    for (number, field) in fields.enumerate() {
        if number > 0 {
            text.push(b' ');
        }
        text.extend_from_slice(field);
    }
    text.push(b'\n');
}

#[cfg(test)]
mod tests;
