//! A copy of the database while it is in use, and a database made of such a copy.
//!
//! The copy is a stream of rows and not of files: sled's own cannot be copied while they are written. Nobody waits for
//! it: each tree is read after those that speak of it, so that whatever is written meanwhile is in the copy beyond what
//! its heads, cursors and notes name, as after a crash. The keyring is copied after the rows, and so has their keys.
//! Not here: where the copy goes, and what else belongs to it (`backup` of `comity-node`); the sign-lock, which is in no
//! backup.

use std::collections::BTreeMap;
use std::io::Read;

use comity_tlog::Hash;

use crate::db::Db;
use crate::keyring::{Kek, Keyring};
use crate::medium::Medium;
use crate::{ReadError, Store, StoreError, StorePaths, flush_watch, passing};

/// First bytes of a copy.
const MAGIC: &[u8] = b"comity/backup/v1\n";
/// Bytes of rows after which a block ends.
const BLOCK_BYTES: usize = 1 << 20;
/// Longest block that is read back: a full one and one more row.
const BLOCK_BYTES_MAX: usize = 2 << 20;
/// Rows of sections read in one turn, those of one value together.
const ROWS_A_TURN: usize = 256;

/// What is copied, in the order in which it is read: cursors before what they have passed, notes before heads, heads
/// before entries. `late` is read twice: how far a peer's releases have come before the sections, what arrived after.
/// The place in this list, from 1, is the code of the tree.
const ORDER: [(&str, Option<u8>); 14] = [
    ("meta", None),
    ("logs", None),
    ("pins", None),
    ("releases", None),
    ("late", Some(b'c')),
    ("notes", None),
    ("heads", None),
    ("tiles", None),
    ("entries", None),
    ("sections", None),
    ("late", Some(b'a')),
    ("seen", None),
    ("cosigned", None),
    ("evidence", None),
];
/// Bytes of the key of a peer's place in the book of releases, without its number.
const RELEASE_PLACE_BYTES: usize = 1 + 16 + 16;

impl Store {
    /// Gives a copy of the database, piece by piece.
    ///
    /// # Errors
    /// [`ReadError::Store`], or whatever `take` says.
    pub fn copy_rows<E>(&self, take: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), ReadError<E>> {
        let mut blocks = Blocks { block: Vec::new(), chain: Hash::digest(MAGIC), take };
        (blocks.take)(MAGIC).map_err(ReadError::Taker)?;
        for ((name, kind), code) in ORDER.iter().zip(1..) {
            let tree = self.db.tree(name)?;
            match *name {
                "sections" => self.copy_section_rows(&tree, code, &mut blocks)?,
                "releases" => copy_releases(&tree, code, &mut blocks)?,
                _ => {
                    let prefix: Vec<u8> = kind.iter().copied().collect();
                    for item in tree.scan_prefix(prefix) {
                        let (key, value) = item.map_err(StoreError::from)?;
                        passing::passed(&tree, &key)?;
                        blocks.row(code, &key, &value)?;
                    }
                }
            }
        }
        blocks.end()
    }

    /// Sections are written in several rows at once, and read so that no value is half of one and half of another.
    fn copy_section_rows<E>(
        &self,
        tree: &sled::Tree,
        code: u8,
        blocks: &mut Blocks<'_, E>,
    ) -> Result<(), ReadError<E>> {
        let mut from: Vec<u8> = Vec::new();
        loop {
            let mut rows: Vec<(sled::IVec, sled::IVec)> = Vec::with_capacity(ROWS_A_TURN);
            let mut next = None;
            {
                let _turn = self.turn();
                for item in tree.range(from.clone()..) {
                    let (key, value) = item.map_err(StoreError::from)?;
                    passing::passed(tree, &key)?;
                    let is_of_the_last =
                        |(last, _): &(sled::IVec, sled::IVec)| value_of(last) == value_of(&key);
                    if rows.len() >= ROWS_A_TURN && !rows.last().is_some_and(is_of_the_last) {
                        next = Some(key.to_vec());
                        break;
                    }
                    rows.push((key, value));
                }
            }
            for (key, value) in rows {
                blocks.row(code, &key, &value)?;
            }
            match next {
                Some(next) => from = next,
                None => return Ok(()),
            }
        }
    }

    /// Gives the files of the keyring, piece by piece and sealed as they are; to be called after
    /// [`copy_rows`](Self::copy_rows). What was given is a keyring only if this succeeds.
    ///
    /// # Errors
    /// [`StoreError::KeyringChanged`] in [`ReadError::Store`] if something was erased meanwhile: what was given is of two
    /// times, and is to be asked for again. Else [`ReadError::Store`], or whatever `take` says.
    pub fn copy_keyring<E>(
        &self,
        mut take: impl FnMut(&str, &[u8]) -> Result<(), E>,
    ) -> Result<(), ReadError<E>> {
        let (root, names, given_up) = {
            let keyring = self.keyring();
            (keyring.root_bytes()?, keyring.page_files(), keyring.given_up())
        };
        take("root", &root).map_err(ReadError::Taker)?;
        for name in names {
            let mut offset = 0;
            loop {
                // Its own turn for each piece: whoever appends waits for no more than one.
                let piece = self.keyring().page_bytes(&name, offset)?;
                let Some(len) = u64::try_from(piece.len()).ok().filter(|len| *len > 0) else { break };
                take(&name, &piece).map_err(ReadError::Taker)?;
                offset = offset.saturating_add(len);
            }
        }
        if self.keyring().given_up() == given_up { Ok(()) } else { Err(StoreError::KeyringChanged.into()) }
    }

    /// Makes a database of a copy, in an empty folder, beside a keyring that is there. The caller compares what it says
    /// with what was signed.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the copy is cut short or was changed; else as the file system fails. What was made by
    /// then is no database.
    pub fn restore(paths: &StorePaths, kek: Kek, copy: &mut dyn Read) -> Result<Self, StoreError> {
        let medium = Medium::default();
        let keyring = Keyring::open(&paths.keyring, kek, medium.clone())?;
        let db = Db::open(&paths.database, medium.clone())?;
        let trees = ORDER.iter().map(|(name, _)| db.tree(name)).collect::<Result<Vec<_>, _>>()?;
        let mut magic = vec![0; MAGIC.len()];
        read(copy, &mut magic)?;
        let mut chain = Hash::digest(&magic);
        if magic != MAGIC {
            return Err(damaged("a backup: it is none"));
        }
        loop {
            let mut len = [0; 4];
            read(copy, &mut len)?;
            let len = usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX);
            if len > BLOCK_BYTES_MAX {
                return Err(damaged("a backup: a block is too long"));
            }
            let (mut block, mut check) = (vec![0; len], [0; Hash::BYTES]);
            read(copy, &mut block)?;
            read(copy, &mut check)?;
            chain = chained(&chain, &block);
            if Hash::from_bytes(check) != chain {
                return Err(damaged("a backup: a block was changed"));
            }
            if block.is_empty() {
                break;
            }
            put_block(&trees, &block)?;
        }
        let store = Self::assemble(db, keyring, medium)?;
        store.sync()?;
        Ok(store)
    }
}

/// The book of one peer is copied up to the number that its cursor named: later numbers are given again, to whatever they
/// are then. What is postponed is copied before and after the cursors, since those pass over it when it comes, and it goes
/// without them; what is copied in vain is looked at once more.
fn copy_releases<E>(tree: &sled::Tree, code: u8, blocks: &mut Blocks<'_, E>) -> Result<(), ReadError<E>> {
    copy_kind(tree, b'p', code, blocks)?;
    let mut next: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    for item in tree.scan_prefix([b'c']) {
        let (key, value) = item.map_err(StoreError::from)?;
        let number = value.first_chunk::<8>().copied().map_or(0, u64::from_be_bytes);
        next.insert(key.get(1..).unwrap_or_default().to_vec(), number);
        blocks.row(code, &key, &value)?;
    }
    for item in tree.scan_prefix([b'r']) {
        let (key, value) = item.map_err(StoreError::from)?;
        let place = key.get(1..RELEASE_PLACE_BYTES).unwrap_or_default();
        let number = key.last_chunk::<8>().copied().map_or(u64::MAX, u64::from_be_bytes);
        if next.get(place).is_some_and(|next| number < *next) {
            blocks.row(code, &key, &value)?;
        }
    }
    copy_kind(tree, b'p', code, blocks)
}

fn copy_kind<E>(
    tree: &sled::Tree,
    kind: u8,
    code: u8,
    blocks: &mut Blocks<'_, E>,
) -> Result<(), ReadError<E>> {
    for item in tree.scan_prefix([kind]) {
        let (key, value) = item.map_err(StoreError::from)?;
        blocks.row(code, &key, &value)?;
    }
    Ok(())
}

/// Rows on their way out, each block with a hash over all before it.
struct Blocks<'a, E> {
    block: Vec<u8>,
    chain: Hash,
    take: &'a mut dyn FnMut(&[u8]) -> Result<(), E>,
}

impl<E> Blocks<'_, E> {
    fn row(&mut self, code: u8, key: &[u8], value: &[u8]) -> Result<(), ReadError<E>> {
        let too_long = || StoreError::TooLong { what: "a row", len: key.len().saturating_add(value.len()) };
        let key_len = u16::try_from(key.len()).map_err(|_| too_long())?;
        let value_len = u32::try_from(value.len()).ok().filter(|_| value.len() <= BLOCK_BYTES);
        self.block.push(code);
        self.block.extend_from_slice(&key_len.to_be_bytes());
        self.block.extend_from_slice(key);
        self.block.extend_from_slice(&value_len.ok_or_else(too_long)?.to_be_bytes());
        self.block.extend_from_slice(value);
        if self.block.len() >= BLOCK_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ReadError<E>> {
        let block = std::mem::take(&mut self.block);
        self.chain = chained(&self.chain, &block);
        let len = u32::try_from(block.len()).unwrap_or(u32::MAX);
        let mut bytes = len.to_be_bytes().to_vec();
        bytes.extend_from_slice(&block);
        bytes.extend_from_slice(self.chain.as_bytes());
        (self.take)(&bytes).map_err(ReadError::Taker)
    }

    /// An empty block is the end.
    fn end(mut self) -> Result<(), ReadError<E>> {
        if !self.block.is_empty() {
            self.flush()?;
        }
        self.flush()
    }
}

fn chained(before: &Hash, block: &[u8]) -> Hash {
    Hash::digest(&[before.as_bytes(), block].concat())
}

fn put_block(trees: &[sled::Tree], block: &[u8]) -> Result<(), StoreError> {
    let mut batches: BTreeMap<usize, sled::Batch> = BTreeMap::new();
    let mut rest = block;
    let short = || damaged("a backup: a row is short");
    while let Some((code, after)) = rest.split_first() {
        let (key_len, after) = after.split_first_chunk::<2>().ok_or_else(short)?;
        let (key, after) = after.split_at_checked(u16::from_be_bytes(*key_len).into()).ok_or_else(short)?;
        let (value_len, after) = after.split_first_chunk::<4>().ok_or_else(short)?;
        let value_len = usize::try_from(u32::from_be_bytes(*value_len)).map_err(|_| short())?;
        let (value, after) = after.split_at_checked(value_len).ok_or_else(short)?;
        let place = usize::from(*code).checked_sub(1).ok_or_else(short)?;
        batches.entry(place).or_default().insert(key, value);
        rest = after;
    }
    for (place, batch) in batches {
        let tree = trees.get(place).ok_or_else(|| damaged("a backup: a tree of a later version"))?;
        flush_watch::batch(|| tree.apply_batch(batch))?;
    }
    Ok(())
}

/// The key of a value without the number of its piece.
fn value_of(key: &[u8]) -> &[u8] {
    key.split_last().map_or(key, |(_, value)| value)
}

fn read(copy: &mut dyn Read, into: &mut [u8]) -> Result<(), StoreError> {
    copy.read_exact(into).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => damaged("a backup: its end is missing"),
        _ => StoreError::File { action: "read", path: "the backup".into(), source: error },
    })
}

fn damaged(what: &'static str) -> StoreError {
    StoreError::Damaged { what, log: String::new(), place: 0 }
}
