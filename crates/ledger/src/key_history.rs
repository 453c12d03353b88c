//! The keys of one log by position: which were in force for a checkpoint of which size.
//!
//! It begins with the genesis, which names the root key and the first log key, and is led on entry by entry by what
//! key events change. Time has no part in it. Not here: what an event says (`key_event`), and who may follow whom
//! (`comity-node`).

use comity_tlog::{
    CheckpointError, EntryIndex, Hash, SignedCheckpoint, TreeSize, VerifiedCheckpoint, VerifierKey,
};

use crate::{
    CheckpointKeyError, Entry, Genesis, Head, KeyAct, KeyEnd, KeyEvent, KeyFinding, KeyRole, KeySpan, Kind,
    Origin, RoleKey, Succession,
};

/// Most keys of all roles that a log may have in its life: one a week for some twenty years.
pub const KEYS_MAX: usize = 1_024;

/// Most log keys in force at a time: the old and the new of one rotation.
const LOG_KEYS_IN_FORCE_MAX: usize = 2;

/// Gives the root of the log at an earlier size, for as far as whoever asks knows it.
pub type Past<'a> = dyn Fn(TreeSize) -> Option<Hash> + 'a;

/// The keys of one log, for as many of its entries as were taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHistory {
    origin: Origin,
    root: Option<VerifierKey>,
    spans: Vec<KeySpan>,
    closed: Option<Head>,
}

impl KeyHistory {
    /// The history of a log that begins with this log key, as the pinned card names it; a key of another kind signs no
    /// checkpoint. The root key is that of the genesis, unless [`with_root`](Self::with_root) pins it.
    pub fn new(origin: Origin, log: VerifierKey) -> Self {
        let first =
            RoleKey::signing(KeyRole::Log, &log).map(|key| KeySpan::new(key, Some(log), TreeSize::ZERO));
        Self { origin, root: None, spans: first.into_iter().collect(), closed: None }
    }

    /// The same, with the root key that the pinned card names.
    #[must_use]
    pub fn with_root(mut self, root: VerifierKey) -> Self {
        self.root = Some(root);
        self
    }

    /// The log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The root key, once it is known.
    pub fn root_key(&self) -> Option<&VerifierKey> {
        self.root.as_ref()
    }

    /// Every key that was ever in force, in the order of their events; the first is the log key of the genesis.
    pub fn spans(&self) -> &[KeySpan] {
        &self.spans
    }

    /// The keys of a role that are in force for a tree of this size, oldest first.
    pub fn in_force(&self, role: KeyRole, size: TreeSize) -> impl Iterator<Item = &RoleKey> {
        let in_force = move |span: &&KeySpan| span.key().role() == role && span.is_in_force(size);
        self.spans.iter().filter(in_force).map(KeySpan::key)
    }

    /// The keys with which one verifies what a role other than log signs, for a tree of this size, oldest first. `first`
    /// is the one that the first card names, which is in force from the beginning until an event ends it.
    pub fn verifiers(&self, role: KeyRole, first: &VerifierKey, size: TreeSize) -> Vec<VerifierKey> {
        let named = RoleKey::signing(role, first).ok();
        // Once an event speaks of it, it has a span as every other.
        let on_card = named.filter(|key| self.spans.iter().all(|span| span.key() != key));
        let announced = self.in_force(role, size).filter_map(|key| key.verifier(&self.origin));
        on_card.map(|_| first.clone()).into_iter().chain(announced).collect()
    }

    /// The keys of which one must have signed a checkpoint of this size, oldest first.
    pub fn log_keys(&self, size: TreeSize) -> Vec<VerifierKey> {
        let in_force = |span: &&KeySpan| span.key().role() == KeyRole::Log && span.is_in_force(size);
        self.spans.iter().filter(in_force).filter_map(|span| span.verifier().cloned()).collect()
    }

    /// The largest checkpoint that somebody can verify who holds only the first `held` entries, and so knows of no key
    /// that comes later, nor that one has ended; `None` if any. Whoever serves such a follower begins with one of at most this size.
    pub fn verifiable_from(&self, held: TreeSize) -> Option<TreeSize> {
        let known = self.spans.iter().filter(|span| span.key().role() == KeyRole::Log && span.from() <= held);
        // Of a revocation too: that what was signed before it is void is read in the very entry.
        known
            .map(|span| span.known_until)
            .try_fold(TreeSize::ZERO, |largest, until| Some(largest.max(until?)))
    }

    /// The last good checkpoint of a log that is closed.
    pub fn closed(&self) -> Option<Head> {
        self.closed
    }

    /// Takes in the genesis: its agency and log key must be those pinned, and its root key too if one is. The genesis of
    /// a successor must be signed by its root key.
    ///
    /// # Errors
    /// [`KeyFinding::OtherGenesis`] or [`KeyFinding::NotTheSuccessor`]; the history is as it was.
    pub fn begin(&mut self, genesis: &Genesis) -> Result<(), KeyFinding> {
        let root = genesis.root_key().ok_or(KeyFinding::OtherGenesis)?;
        let named =
            self.spans.first().and_then(KeySpan::verifier).is_some_and(|log| genesis.names_log_key(log));
        let pinned = self.root.as_ref().is_none_or(|pinned| genesis.names_root_key(pinned));
        if genesis.agency() != self.origin.agency() || !named || !pinned {
            return Err(KeyFinding::OtherGenesis);
        }
        if genesis.succession().map(Succession::origin) != self.origin.predecessor().as_ref()
            || !genesis.is_vouched_for(&self.origin)
        {
            return Err(KeyFinding::NotTheSuccessor);
        }
        self.root = Some(root);
        Ok(())
    }

    /// Takes in the entry at `index`, behind all that were taken in before; only key events change anything. `past`
    /// gives the roots of trees up to that of `index` entries.
    ///
    /// # Errors
    /// A [`KeyFinding`] if the entry says that it is a key event, and is none that counts: the history is as it was,
    /// and the entry stays what it is.
    pub fn take(&mut self, index: EntryIndex, entry: &Entry, past: &Past<'_>) -> Result<(), KeyFinding> {
        if entry.kind() != Kind::Key {
            return Ok(());
        }
        let event = KeyEvent::from_entry(entry)?;
        if self.closed.is_some() {
            return Err(KeyFinding::Closed);
        }
        let (here, with) = (index.size_before(), index.size_through());
        if let Some(by) = event.act().by()
            && !self
                .spans
                .iter()
                .any(|span| span.key() == by && span.is_open_log_key() && span.from() <= here)
        {
            return Err(KeyFinding::AuthorOutOfForce);
        }
        let root = self.root.as_ref().ok_or(KeyFinding::NoRoot)?;
        event.verify(&self.origin, root)?;
        match event.act() {
            KeyAct::Add { .. } => self.add(event.key(), with),
            KeyAct::Retire { by } => self.retire(event.key(), by, index),
            KeyAct::Revoke { last_good } => self.revoke(event.key(), *last_good, here, past),
        }
    }

    fn add(&mut self, key: &RoleKey, from: TreeSize) -> Result<(), KeyFinding> {
        if self.spans.len() >= KEYS_MAX {
            return Err(KeyFinding::TooMany);
        }
        // A key that ended never comes back: an event that is shown again changes nothing.
        if let Some(known) = self.spans.iter().find(|span| span.key().is_same_key(key)) {
            let same_role = known.key().role() == key.role();
            return Err(if same_role { KeyFinding::KnownKey } else { KeyFinding::TwoRoles });
        }
        let root = self.root.as_ref().map(VerifierKey::public_key);
        if key.role() != KeyRole::TlsAuthority && root == key.as_bytes().get(1..) {
            return Err(KeyFinding::TwoRoles);
        }
        let open = self.spans.iter().filter(|span| span.is_open_log_key()).count();
        if key.role() == KeyRole::Log && open >= LOG_KEYS_IN_FORCE_MAX {
            return Err(KeyFinding::UnendedRotation);
        }
        let verifier = key.verifier(&self.origin);
        let id = |verifier: &VerifierKey| (verifier.name().clone(), verifier.id());
        if self
            .spans
            .iter()
            .filter_map(KeySpan::verifier)
            .any(|held| Some(id(held)) == verifier.as_ref().map(id))
        {
            return Err(KeyFinding::SameId);
        }
        self.spans.push(KeySpan::new(key.clone(), verifier, from));
        Ok(())
    }

    fn retire(&mut self, key: &RoleKey, by: &RoleKey, index: EntryIndex) -> Result<(), KeyFinding> {
        if key == by {
            return Err(KeyFinding::LastKey);
        }
        let span = self.known(key)?;
        if span.until.is_some() {
            return Err(KeyFinding::NotInForce);
        }
        span.until = Some((index.size_through(), KeyEnd::Retired));
        span.known_until = Some(index.size_before());
        Ok(())
    }

    /// What the key signed beyond the last good checkpoint is void. If that is the tree before this very event, the
    /// log goes on with the other key; if there are entries between, nobody can tell any more whose they are, and the
    /// log is closed.
    fn revoke(
        &mut self,
        key: &RoleKey,
        last_good: Head,
        here: TreeSize,
        past: &Past<'_>,
    ) -> Result<(), KeyFinding> {
        let beyond = last_good.size.checked_add(1).map_err(|_| KeyFinding::TooMany)?;
        if last_good.size.is_zero() || last_good.size > here || past(last_good.size) != Some(last_good.root) {
            return Err(KeyFinding::NoSuchCheckpoint { size: last_good.size });
        }
        let span = self.known(key)?;
        if matches!(span.until, Some((_, KeyEnd::Revoked))) {
            return Err(KeyFinding::NotInForce);
        }
        let ended = span.until.map(|(until, _)| until);
        let good = ended.map_or(beyond, |ended| ended.min(beyond));
        span.until = Some((good, KeyEnd::Revoked));
        span.known_until.get_or_insert(here);
        let has_other = self.spans.iter().any(KeySpan::is_open_log_key);
        // Trees over the last good one that the key was in force for: up to the one before this event at most.
        let spoiled = ended.is_none_or(|ended| ended > beyond) && last_good.size < here;
        if key.role() == KeyRole::Log && (spoiled || !has_other) {
            self.close_after(last_good, here);
        }
        Ok(())
    }

    /// The span of a key. Keys of other roles than log that were in force before the log spoke of them stand on cards
    /// alone; they get a span as they end.
    fn known(&mut self, key: &RoleKey) -> Result<&mut KeySpan, KeyFinding> {
        let place = self.spans.iter().position(|span| span.key() == key);
        let place = match place {
            Some(place) => place,
            None if key.role() == KeyRole::Log => return Err(KeyFinding::NotInForce),
            None => {
                self.add(key, TreeSize::ZERO)?;
                self.spans.len().saturating_sub(1)
            }
        };
        self.spans.get_mut(place).ok_or(KeyFinding::NotInForce)
    }

    /// No tree beyond the one that has the closing event is signed any more.
    fn close_after(&mut self, last_good: Head, here: TreeSize) {
        let until = here.checked_add(2).unwrap_or(TreeSize::MAX);
        for span in self.spans.iter_mut().filter(|span| span.is_open_log_key()) {
            span.until = Some((until, KeyEnd::Closed));
            span.known_until = here.checked_add(1).ok();
        }
        self.closed = Some(last_good);
    }

    /// Closes the log because its successor says so: a genesis that is signed by this log's root key and goes on from
    /// one of its trees. What was signed beyond that tree is void; where a revocation has closed the log at this very tree,
    /// the tree with the revocation stands as the last that is signed.
    ///
    /// # Errors
    /// [`KeyFinding::NotTheSuccessor`], [`KeyFinding::NoSuchCheckpoint`]; the history is as it was.
    pub fn close(
        &mut self,
        successor: &Origin,
        genesis: &Genesis,
        past: &Past<'_>,
    ) -> Result<(), KeyFinding> {
        let vouched = self.root.as_ref().is_some_and(|root| genesis.names_root_key(root))
            && genesis.is_vouched_for(successor)
            && successor.predecessor().as_ref() == Some(&self.origin);
        let last_good = genesis.succession().map(Succession::last_good);
        let last_good = last_good.filter(|_| vouched).ok_or(KeyFinding::NotTheSuccessor)?;
        if past(last_good.size) != Some(last_good.root) {
            return Err(KeyFinding::NoSuchCheckpoint { size: last_good.size });
        }
        if self.closed == Some(last_good) {
            return Ok(());
        }
        let beyond = last_good.size.checked_add(1).map_err(|_| KeyFinding::TooMany)?;
        for span in self.spans.iter_mut().filter(|span| span.key().role() == KeyRole::Log) {
            if span.until.is_none_or(|(until, _)| until > beyond) {
                span.until = Some((beyond, KeyEnd::Closed));
                span.known_until.get_or_insert(last_good.size);
            }
        }
        self.closed = Some(self.closed.filter(|held| held.size < last_good.size).unwrap_or(last_good));
        Ok(())
    }

    /// Verifies a checkpoint with the keys that are in force for its size. Lines of a key that is not are nobody's.
    ///
    /// # Errors
    /// [`CheckpointKeyError::OutOfForce`] if only keys signed it that are in force for other sizes,
    /// [`CheckpointKeyError::Signature`] if none of this log's did, or a line is bad.
    pub fn verify(&self, signed: &SignedCheckpoint) -> Result<VerifiedCheckpoint, CheckpointKeyError> {
        self.verify_with(signed, &[])
    }

    /// The same, and the lines of these cosigners.
    ///
    /// # Errors
    /// As [`verify`](Self::verify), also if the line of a cosigner is bad.
    pub fn verify_with(
        &self,
        signed: &SignedCheckpoint,
        cosigners: &[VerifierKey],
    ) -> Result<VerifiedCheckpoint, CheckpointKeyError> {
        self.verify_by(&self.log_keys(signed.checkpoint().size()), signed, cosigners)
    }

    /// Verifies a checkpoint as somebody does who has read no more than the entries under it: what a later revocation
    /// makes void still leads others up to the entry that says so.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_as_then(
        &self,
        signed: &SignedCheckpoint,
    ) -> Result<VerifiedCheckpoint, CheckpointKeyError> {
        let size = signed.checkpoint().size();
        let was_in_force = |span: &&KeySpan| {
            span.key().role() == KeyRole::Log
                && span.from() <= size
                && span.known_until.is_none_or(|until| size <= until)
        };
        let keys = self.spans.iter().filter(was_in_force).filter_map(|span| span.verifier().cloned());
        self.verify_by(&keys.collect::<Vec<_>>(), signed, &[])
    }

    fn verify_by(
        &self,
        keys: &[VerifierKey],
        signed: &SignedCheckpoint,
        cosigners: &[VerifierKey],
    ) -> Result<VerifiedCheckpoint, CheckpointKeyError> {
        let size = signed.checkpoint().size();
        let has_line = |key: &VerifierKey| {
            signed.note().lines().iter().any(|line| line.id() == key.id() && line.name() == key.name())
        };
        let signer = keys.iter().find(|key| has_line(key)).or(keys.first());
        let verified = signer.map(|signer| {
            let others = keys.iter().filter(|key| *key != signer).chain(cosigners);
            signed.verify(signer, &others.cloned().collect::<Vec<VerifierKey>>())
        });
        let refused = match verified {
            Some(Ok(verified)) => return Ok(verified),
            Some(Err(source)) => source,
            None => CheckpointError::NotSignedByLog,
        };
        let mut ended =
            self.spans.iter().filter(|span| !span.is_in_force(size)).filter_map(KeySpan::verifier);
        if refused == CheckpointError::NotSignedByLog
            && ended.any(|key| has_line(key) && signed.verify(key, &[]).is_ok())
        {
            return Err(CheckpointKeyError::OutOfForce { size });
        }
        Err(CheckpointKeyError::Signature { source: Box::new(refused) })
    }

    /// Whether a checkpoint that was verified with fewer entries taken in stands with those that are now.
    pub fn still_verifies(&self, checkpoint: &VerifiedCheckpoint) -> bool {
        let signed = SignedCheckpoint::from_note(checkpoint.note().note().clone());
        signed.is_ok_and(|signed| self.verify(&signed).is_ok())
    }
}
