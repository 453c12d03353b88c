//! What really happened, as no agency knows it: every history that an author signed, and what it released and
//! acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Index, IndexMut};
use std::rc::Rc;

use comity_ledger::{Head, Origin};
use comity_tlog::{Hash, RightEdge, VerifierKey};

use crate::disk::{Disk, Key};
use crate::invariants::{Invariant, Violation, head_of};
use crate::key_truth::{Act, KeyTruth};
use crate::log::Log;

/// One history of a log.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) entries: Vec<Rc<[u8]>>,
    pub(crate) openings: BTreeMap<(u64, u8), Rc<[u8]>>,
    /// The root at each size.
    roots: Vec<Hash>,
    edge: RightEdge,
    signed: BTreeSet<u64>,
    /// What was done to keys, by index.
    pub(crate) acts: Vec<(u64, Act)>,
}

impl Branch {
    fn empty() -> Self {
        let edge = RightEdge::empty();
        let roots = vec![edge.root()];
        Self {
            entries: Vec::new(),
            openings: BTreeMap::new(),
            roots,
            edge,
            signed: BTreeSet::new(),
            acts: Vec::new(),
        }
    }

    pub(crate) fn root(&self, size: u64) -> Option<Hash> {
        self.roots.get(usize::try_from(size).unwrap()).copied()
    }

    pub(crate) fn has(&self, head: Head) -> bool {
        self.root(head.size.value()) == Some(head.root)
    }

    pub(crate) fn has_note(&self, note: &[u8]) -> bool {
        self.has(head_of(note))
    }

    /// Goes on with the entries of a disk if they come to `head`.
    fn goes_on_to(&mut self, head: Head, disk: &Disk, place: Log, keys: &KeyTruth) -> bool {
        let held = self.edge.size().value();
        let mut edge = self.edge.clone();
        let (mut entries, mut roots) = (Vec::new(), Vec::new());
        for index in held..head.size.value() {
            let Some(entry) = disk.get(Key::Entry(place, index)) else { return false };
            edge.append(Hash::leaf(entry)).unwrap();
            roots.push(edge.root());
            entries.push(Rc::clone(entry));
        }
        if Head::from(&edge) != head {
            return false;
        }
        let openings = Key::Opening(place, held, 0)..=Key::Opening(place, head.size.value() - 1, u8::MAX);
        for (key, opening) in disk.range(openings) {
            let Key::Opening(_, index, slot) = key else { continue };
            self.openings.insert((index, slot), Rc::clone(opening));
        }
        let acts = entries.iter().zip(held..).filter_map(|(entry, index)| Some((index, keys.act_of(entry)?)));
        self.acts.extend(acts);
        self.entries.extend(entries);
        self.roots.extend(roots);
        self.edge = edge;
        true
    }
}

/// All that was ever signed, by log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truths(BTreeMap<Log, Truth>);

impl Truths {
    pub(crate) fn get(&self, log: Log) -> Option<&Truth> {
        self.0.get(&log)
    }

    /// Takes note of a log that begins.
    pub(crate) fn begin(&mut self, log: Log, key: VerifierKey) {
        self.0.insert(log, Truth::new(log.origin(), key));
    }

    pub(crate) fn logs(&self) -> impl Iterator<Item = Log> {
        self.0.keys().copied()
    }
}

impl Index<Log> for Truths {
    type Output = Truth;

    fn index(&self, log: Log) -> &Truth {
        &self.0[&log]
    }
}

impl IndexMut<Log> for Truths {
    fn index_mut(&mut self, log: Log) -> &mut Truth {
        self.0.get_mut(&log).unwrap()
    }
}

/// All that an author ever signed of a log.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub(crate) origin: Origin,
    pub(crate) key: VerifierKey,
    pub(crate) branches: Vec<Branch>,
    /// What a thief signed with the author's key while that was in force.
    pub(crate) thefts: Vec<Branch>,
    /// The last good tree, once a successor says so.
    pub(crate) end: Option<Head>,
    /// Whether it may have signed two histories: it lies, or its disk and its lock were put back together.
    pub(crate) forked: bool,
    /// Whether it was put back, so that its log ends where it is.
    pub(crate) restored: bool,
    /// Up to where its callers were told that their entries are in.
    pub(crate) acknowledged: u64,
    pub(crate) released: BTreeSet<(u64, u8)>,
    pub(crate) keys: KeyTruth,
}

impl Truth {
    pub(crate) fn new(origin: Origin, key: VerifierKey) -> Self {
        Self {
            origin,
            keys: KeyTruth::new(key.clone()),
            key,
            branches: vec![Branch::empty()],
            thefts: Vec::new(),
            end: None,
            forked: false,
            restored: false,
            acknowledged: 0,
            released: BTreeSet::new(),
        }
    }

    /// Takes note of a signature, over the entries that its author holds at that moment.
    pub(crate) fn signed(&mut self, head: Head, disk: &Disk, place: Log) -> Result<(), Violation> {
        let size = head.size.value();
        for branch in &mut self.branches {
            let goes_on = branch.edge.size() < head.size && branch.goes_on_to(head, disk, place, &self.keys);
            if goes_on || branch.has(head) {
                branch.signed.insert(size);
                return Ok(());
            }
        }
        let mut other = Branch::empty();
        if !self.forked || !other.goes_on_to(head, disk, place, &self.keys) {
            let what = format!("{} signed a second history at size {size}", self.origin);
            return Err(Violation::of(Invariant::OneRootPerSize, what));
        }
        other.signed.insert(size);
        self.branches.push(other);
        Ok(())
    }

    /// Takes note of a signature that a thief made with a key of the author.
    pub(crate) fn stolen(&mut self, head: Head, disk: &Disk, place: Log) {
        let goes_on = |branch: &mut Branch| branch.goes_on_to(head, disk, place, &self.keys);
        if !self.thefts.iter_mut().any(goes_on) {
            let mut theft = Branch::empty();
            assert!(theft.goes_on_to(head, disk, place, &self.keys), "a thief signs what it holds");
            self.thefts.push(theft);
        }
        for theft in self.thefts.iter_mut().filter(|theft| theft.has(head)) {
            theft.signed.insert(head.size.value());
        }
    }

    /// Every history that was signed with keys of the author, by whomever.
    pub(crate) fn histories(&self) -> impl Iterator<Item = &Branch> {
        self.branches.iter().chain(&self.thefts)
    }

    /// The history that begins with exactly this tree.
    pub(crate) fn branch_of(&self, head: Head) -> Option<&Branch> {
        self.histories().find(|branch| branch.has(head))
    }

    /// Whether the author, or a thief in its name, signed exactly this tree.
    pub(crate) fn has_signed(&self, head: Head) -> bool {
        let signed = |branch: &Branch| branch.has(head) && branch.signed.contains(&head.size.value());
        self.histories().any(signed)
    }

    /// The entries of the one history of an author who has only one.
    pub(crate) fn size(&self) -> u64 {
        self.branches[0].edge.size().value()
    }
}
