//! The follower of somebody's log: the state machine that verifies before anything is stored.

use std::collections::BTreeMap;

use comity_tlog::{
    ConsistencyProof, EntryIndex, Hash, HashReader, RightEdge, SignatureLine, SignedCheckpoint, TreeSize,
    VerifiedCheckpoint, VerifierKey, lengthen_consistency, verify_consistency,
};

use crate::batch::{TileHash, append};
use crate::{
    Beginning, EntryBytes, Frame, Genesis, Head, KeyFinding, KeyHistory, Kind, Origin, Past, Rejection,
};

/// A follower of one origin: what it holds, and the author's keys by what stands in that.
#[derive(Clone, Debug)]
pub struct Replica {
    keys: KeyHistory,
    edge: RightEdge,
    newest: Option<Head>,
    /// Heads seen before the newest whose entries are not all held, sizes ascending: the entries must come to each.
    awaited: Vec<Head>,
    /// Where the log ends, if that is known from elsewhere than its own entries.
    end: Option<Head>,
}

/// Most heads that are awaited, in memory and on disk: a true author's are as many as connections broke before their
/// entries came, and a false one can sign them without end. Beyond that the largest is given up.
pub const AWAITED_MAX: usize = 16;

impl Replica {
    /// A follower that holds the entries up to `edge`, and has seen the checkpoint `newest`, of a log whose key never
    /// changed in them.
    pub fn new(origin: Origin, log_key: VerifierKey, edge: RightEdge, newest: Option<Head>) -> Self {
        Self::with_keys(KeyHistory::new(origin, log_key), edge, newest)
    }

    /// The same, with the keys that the entries up to `edge` have led to.
    pub fn with_keys(keys: KeyHistory, edge: RightEdge, newest: Option<Head>) -> Self {
        Self { keys, edge, newest, awaited: Vec::new(), end: None }
    }

    /// The same of a log that its successor has closed at this head, of which not all entries are held: whatever is signed
    /// beyond it is void, and another tree of this size too. The keys are those by the entries held.
    #[must_use]
    pub fn ending_at(mut self, end: Option<Head>) -> Self {
        self.end = end;
        self
    }

    /// Where the log ends, if that is known from its successor.
    pub fn end(&self) -> Option<Head> {
        self.end
    }

    /// The same, having seen these heads before the newest.
    #[must_use]
    pub fn awaiting(mut self, heads: impl IntoIterator<Item = Head>) -> Self {
        heads.into_iter().for_each(|head| self.await_head(head));
        self
    }

    /// Heads seen before the newest whose entries are not all held, sizes ascending.
    pub fn awaited(&self) -> &[Head] {
        &self.awaited
    }

    fn await_head(&mut self, head: Head) {
        let known = self.awaited.iter().any(|held| held.size == head.size);
        if head.size > self.edge.size() && !known {
            self.awaited.push(head);
            self.awaited.sort_unstable_by_key(|head| head.size);
            self.awaited.truncate(AWAITED_MAX);
        }
    }

    /// The log.
    pub fn origin(&self) -> &Origin {
        self.keys.origin()
    }

    /// The keys of the author, by the entries held.
    pub fn keys(&self) -> &KeyHistory {
        &self.keys
    }

    /// Entries held: where the next frame must start.
    pub fn size(&self) -> TreeSize {
        self.edge.size()
    }

    /// Size and root of the entries held.
    pub fn held(&self) -> Head {
        Head::from(&self.edge)
    }

    /// The newest checkpoint seen.
    pub fn newest(&self) -> Option<Head> {
        self.newest
    }

    /// Verifies a checkpoint of the author against its keys, as the entries held give them, and against what was seen
    /// before. Entries up to the checkpoint may change which keys are in force: frames are verified with that in mind.
    ///
    /// # Errors
    /// A [`Rejection`] if it is of another log or key, smaller than one seen before, of a size seen before with
    /// another root, or contradicts the entries held.
    pub fn verify_note(&self, note: &[u8]) -> Result<VerifiedCheckpoint, Rejection> {
        let signed = SignedCheckpoint::parse(note).map_err(|_| Rejection::Note)?;
        if signed.checkpoint().origin() != self.origin().as_str() {
            return Err(Rejection::OtherOrigin);
        }
        let verified = self.without_strangers(self.keys.verify(&signed)?)?;
        let head = head_of(&verified);
        let is_beyond = |end: Head| head.size > end.size || (head.size == end.size && head.root != end.root);
        if self.end.is_some_and(is_beyond) {
            return Err(Rejection::KeyOutOfForce { size: head.size });
        }
        let is_second = |seen: &Head| seen.size == head.size && seen.root != head.root;
        #[cfg(comity_planted)]
        let is_second = |seen: &Head| is_second(seen) && !comity_tlog::planted("accept-an-equal-size");
        // Before the sizes are compared: a smaller tree that differs from one seen is no older state of the log.
        if self.awaited.iter().chain(&self.newest).any(is_second) {
            return Err(Rejection::SameSizeOtherRoot { size: head.size });
        }
        if let Some(newest) = self.newest.filter(|newest| head.size < newest.size) {
            return Err(Rejection::Smaller { size: head.size, seen: newest.size });
        }
        let held = Head::from(&self.edge);
        if head.size < held.size || is_second(&held) {
            return Err(Rejection::Contradicts { size: head.size });
        }
        Ok(verified)
    }

    /// Leaves out lines under the name of the log that no key known here has made: one may be of a key that comes later, and
    /// a bad one would make the note, once it is kept, one that nobody can verify who has read of that key.
    fn without_strangers(&self, verified: VerifiedCheckpoint) -> Result<VerifiedCheckpoint, Rejection> {
        let is_stranger = |line: &SignatureLine| line.name().as_str() == self.origin().as_str();
        if !verified.note().unverified().iter().any(is_stranger) {
            return Ok(verified);
        }
        let mut note = verified.note().verified_lines_only().map_err(|_| Rejection::Note)?;
        for line in verified.note().unverified().iter().filter(|line| !is_stranger(line)) {
            note = note.with_line(line.clone()).map_err(|_| Rejection::Note)?;
        }
        let signed = SignedCheckpoint::from_note(note).map_err(|_| Rejection::Note)?;
        Ok(self.keys.verify(&signed)?)
    }

    /// Verifies a frame against the entries held and a verified checkpoint: plain RFC 6962 §2.1.4 consistency
    /// of the tree that the frame would make with the tree that the author signed.
    ///
    /// # Errors
    /// A [`Rejection`]; the replica is as it was.
    pub fn verify_frame(
        &self,
        frame: Frame,
        checkpoint: &VerifiedCheckpoint,
    ) -> Result<VerifiedFrame, Rejection> {
        self.verify_frame_after(frame, checkpoint, &|_| None)
    }

    /// The same for whoever holds the entries before the frame: `past` gives the root of as many of them, so that a
    /// revocation can be compared with the tree that it names. Without it such a revocation is none.
    ///
    /// # Errors
    /// A [`Rejection`]; the replica is as it was. [`Rejection::OtherBeginning`] has what convicts the author, with the
    /// checkpoint and the one seen before.
    pub fn verify_frame_after(
        &self,
        frame: Frame,
        checkpoint: &VerifiedCheckpoint,
        past: &Past<'_>,
    ) -> Result<VerifiedFrame, Rejection> {
        if frame.start() != self.edge.size() {
            return Err(Rejection::Gap { start: frame.start(), held: self.edge.size() });
        }
        let (keys, findings) = self.keys_after(&frame, past)?;
        let target = head_of(checkpoint);
        let mut after = self.edge.clone();
        let mut tile_hashes = Vec::with_capacity(frame.entries().len() + 2);
        let (start, mut contradicted) = (self.edge.size(), None);
        let seen = self.awaited.iter().chain(&self.newest).filter(|seen| seen.size > start);
        let mut awaited = seen.peekable();
        for entry in frame.entries() {
            append(&mut after, entry.leaf_hash(), &mut tile_hashes).map_err(|_| Rejection::Full)?;
            if let Some(seen) = awaited.next_if(|seen| seen.size == after.size())
                && seen.root != after.root()
            {
                contradicted = contradicted.or(Some(Head::from(&after)));
            }
        }
        verify_consistency(after.size(), &after.root(), target.size, &target.root, frame.proof())
            .map_err(|source| Rejection::Consistency { end: after.size(), source })?;
        // These are the entries under the checkpoint, and the author signed another tree of this size before.
        if let Some(head) = contradicted {
            return Err(contradiction(&self.edge, &frame, head, target.size));
        }
        // By the keys that these entries lead to, whoever signed the checkpoint may have had none that could.
        if let Some(keys) = &keys
            && !keys.still_verifies(checkpoint)
        {
            return Err(Rejection::KeyOutOfForce { size: target.size });
        }
        Ok(VerifiedFrame { origin: self.origin().clone(), frame, tile_hashes, after, keys, findings })
    }

    /// Takes a checkpoint as the newest seen, once it is stored.
    pub fn saw(&mut self, checkpoint: &VerifiedCheckpoint) {
        let head = head_of(checkpoint);
        if let Some(before) = self.newest.replace(head).filter(|before| before.size < head.size) {
            self.await_head(before);
        }
    }

    /// Takes a frame as held, once it is stored.
    pub fn advance(&mut self, frame: &VerifiedFrame) {
        self.edge = frame.after.clone();
        if let Some(keys) = &frame.keys {
            self.keys = keys.clone();
        }
        self.awaited.retain(|head| head.size > self.edge.size());
    }

    /// The keys with the entries of a frame taken in, if any of them changes them, and what is wrong with those that
    /// say so.
    fn keys_after(
        &self,
        frame: &Frame,
        past: &Past<'_>,
    ) -> Result<(Option<KeyHistory>, Findings), Rejection> {
        let (start, mut findings) = (frame.start(), Findings::new());
        let past = |size: TreeSize| match size {
            size if size < start => past(size),
            size => root_within(&self.edge, frame, size),
        };
        let mut keys = None;
        for (bytes, index) in frame.entries().iter().zip(start.value()..) {
            if index != 0 && bytes.kind() != Kind::Key {
                continue;
            }
            let unread = |source| Rejection::Entry { index, source };
            let entry = bytes.parse().map_err(unread)?;
            let keys = keys.get_or_insert_with(|| self.keys.clone());
            if index == 0 {
                let genesis = Genesis::from_entry(&entry).map_err(unread)?;
                keys.begin(&genesis).map_err(|_| Rejection::Genesis)?;
            }
            let index = EntryIndex::new(index).map_err(|_| Rejection::Full)?;
            if let Err(finding) = keys.take(index, &entry, &past) {
                findings.push((index, finding));
            }
        }
        Ok((keys, findings))
    }
}

/// Entries that say that they are key events, and change nothing.
type Findings = Vec<(EntryIndex, KeyFinding)>;

/// The root of the first `size` entries, of which some are those of the frame behind `edge`.
fn root_within(edge: &RightEdge, frame: &Frame, size: TreeSize) -> Option<Hash> {
    let more = usize::try_from(size.value().checked_sub(edge.size().value())?).ok()?;
    let mut edge = edge.clone();
    for entry in frame.entries().get(..more)? {
        edge.append(entry.leaf_hash()).ok()?;
    }
    Some(edge.root())
}

/// How the tree of size `to` begins up to `head`, which lies in a frame behind `edge` that goes with that tree.
fn contradiction(edge: &RightEdge, frame: &Frame, head: Head, to: TreeSize) -> Rejection {
    let proof = NodesOf::frame(edge, frame)
        .and_then(|nodes| lengthen_consistency(&nodes, head.size, frame.end(), to, frame.proof()).ok());
    match proof {
        Some(proof) => Rejection::OtherBeginning { beginning: Box::new(Beginning { head, proof }) },
        // Never with a frame whose proof holds; what cannot be shown is stated all the same.
        None => Rejection::SameSizeOtherRoot { size: head.size },
    }
}

/// The nodes of a tree that stand in an edge and come with a frame behind it: all that a proof from within the frame
/// takes of what lies before its end.
struct NodesOf(BTreeMap<(u8, u64), Hash>);

impl NodesOf {
    fn frame(edge: &RightEdge, frame: &Frame) -> Option<Self> {
        let mut nodes = BTreeMap::new();
        let (mut start, size) = (0_u64, edge.size().value());
        for hash in edge.hashes() {
            // The largest complete subtree of what is left of the edge.
            let level = size.checked_sub(start)?.checked_ilog2()?;
            nodes.insert((u8::try_from(level).ok()?, start >> level), *hash);
            start = start.checked_add(1 << level)?;
        }
        let mut edge = edge.clone();
        for entry in frame.entries() {
            let keep = |level, index, hash| {
                nodes.insert((level, index), hash);
            };
            edge.append_reporting(entry.leaf_hash(), keep).ok()?;
        }
        Some(Self(nodes))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a node that no proof from within a frame takes")]
struct NotThere;

impl HashReader for NodesOf {
    type Error = NotThere;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, NotThere> {
        self.0.get(&(level, index)).copied().ok_or(NotThere)
    }
}

fn head_of(checkpoint: &VerifiedCheckpoint) -> Head {
    let checkpoint = checkpoint.checkpoint();
    Head { size: checkpoint.size(), root: checkpoint.root() }
}

/// Entries that are proved to be in the log that the author signed; the only kind that a store takes.
#[derive(Clone, Debug)]
pub struct VerifiedFrame {
    origin: Origin,
    frame: Frame,
    tile_hashes: Vec<TileHash>,
    after: RightEdge,
    keys: Option<KeyHistory>,
    findings: Findings,
}

impl VerifiedFrame {
    /// The log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Entries in the log before this frame.
    pub fn start(&self) -> TreeSize {
        self.frame.start()
    }

    /// The entries.
    pub fn entries(&self) -> &[EntryBytes] {
        self.frame.entries()
    }

    /// The consistency proof from its end to the size of the checkpoint that it was verified with.
    pub fn proof(&self) -> &ConsistencyProof {
        self.frame.proof()
    }

    /// The hashes that this frame adds to tiles.
    pub fn tile_hashes(&self) -> &[TileHash] {
        &self.tile_hashes
    }

    /// Size and root of what is held with this frame.
    pub fn head(&self) -> Head {
        Head::from(&self.after)
    }

    /// The leaf hash of one of its entries, as `about` and `prev` name it.
    pub fn leaf(&self, position: usize) -> Option<Hash> {
        self.frame.entries().get(position).map(EntryBytes::leaf_hash)
    }
    /// Entries that say that they are key events, and change nothing.
    pub fn key_findings(&self) -> &[(EntryIndex, KeyFinding)] {
        &self.findings
    }
}
