//! The value of one row of sections: sealed sections of the entries of a chunk, one behind the other.
//!
//! Short sections of all slots lie together, since each row costs as much as sealing what is in it; a long one lies in
//! the row of its slot, so that what comes later writes only short ones again. Not here: the rows (`sections`).

use std::ops::Range;

use comity_ledger::Slot;

use crate::StoreError;

/// The row of short sections, in the place of a slot in its key.
pub(crate) const JOINT: Slot = Slot::new(u8::MAX);

/// Longest sealed section of the joint row: with every slot of sixteen entries at this length it is 164 KiB.
pub(crate) const JOINT_BYTES_MAX: usize = 1 << 10;

/// Entries of a chunk.
pub(crate) const POSITIONS: usize = 16;

/// The row in which a sealed section lies. Another version's slot of the joint row's number is in it, whatever its length.
pub(crate) fn row_of(slot: Slot, len: usize) -> Slot {
    if len <= JOINT_BYTES_MAX { JOINT } else { slot }
}

/// One sealed section in a value.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Position of its entry in the chunk.
    pub(crate) position: usize,
    pub(crate) slot: Slot,
    /// Where it stands.
    pub(crate) place: Range<usize>,
}

/// Reads the items of a value, none empty: a position, in the joint row the slot, a u32 length and as many bytes. `None`
/// is what does not read, and the last.
pub(crate) struct Items<'a> {
    row: Slot,
    value: &'a [u8],
    at: usize,
}

impl<'a> Items<'a> {
    pub(crate) fn of(row: Slot, value: &'a [u8]) -> Self {
        Self { row, value, at: 0 }
    }

    fn item(&mut self) -> Option<Item> {
        let (position, mut after) = self.value.get(self.at..)?.split_first()?;
        let (mut slot, mut start) = (self.row, self.at.checked_add(5)?);
        if self.row == JOINT {
            let (number, rest) = after.split_first()?;
            (slot, after, start) = (Slot::new(*number), rest, start.checked_add(1)?);
        }
        let (len, sealed) = after.split_first_chunk::<4>()?;
        let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
        sealed.get(..len)?;
        self.at = start.checked_add(len)?;
        let position = usize::from(*position);
        (position < POSITIONS).then_some(Item { position, slot, place: start..self.at })
    }
}

impl Iterator for Items<'_> {
    type Item = Option<Item>;

    fn next(&mut self) -> Option<Option<Item>> {
        if self.at >= self.value.len() {
            return None;
        }
        let item = self.item();
        if item.is_none() {
            self.at = self.value.len();
        }
        Some(item)
    }
}

/// The value of one row as it will be stored: items in the order of their positions and slots.
pub(crate) struct Value {
    row: Slot,
    pub(crate) bytes: Vec<u8>,
    /// Position and slot of its last item.
    last: Option<(usize, Slot)>,
    /// Whether rows may stand in its place.
    pub(crate) replaces: bool,
}

impl Value {
    pub(crate) const fn new(row: Slot, replaces: bool) -> Self {
        Self { row, bytes: Vec::new(), last: None, replaces }
    }

    /// The items of a stored value that `keeps` says, in place of it; `None` if it does not read.
    pub(crate) fn kept(row: Slot, stored: &[u8], keeps: impl Fn(&Item) -> bool) -> Option<Self> {
        let mut value = Self::new(row, true);
        for item in Items::of(row, stored) {
            let item = item?;
            if keeps(&item) {
                value.copy(&item, stored)?;
            }
        }
        Some(value)
    }

    /// Sets memory aside for the items of the rest of a chunk, if they are as long as this one; those of a joint row are
    /// of several lengths, and as long as they may be for one slot.
    pub(crate) fn set_aside(&mut self, position: usize, len: usize) {
        if self.bytes.is_empty() {
            let len = if self.row == JOINT { JOINT_BYTES_MAX } else { len.saturating_add(ITEM_HEAD_BYTES) };
            let whole = len.saturating_mul(POSITIONS.saturating_sub(position));
            self.bytes.reserve(whole.min(VALUE_SET_ASIDE_MAX));
        }
    }

    /// Adds an item that `make` appends, in place of one of the same position and slot; `None` if the value does not
    /// read.
    pub(crate) fn add(
        &mut self,
        position: usize,
        slot: Slot,
        make: impl FnOnce(&mut Vec<u8>) -> Result<(), StoreError>,
    ) -> Option<Result<(), StoreError>> {
        if self.last.is_none_or(|last| last < (position, slot)) {
            return Some(self.append(position, slot, make));
        }
        let before = std::mem::replace(self, Self::new(self.row, self.replaces));
        let mut make = Some(make);
        for item in Items::of(before.row, &before.bytes) {
            let item = item?;
            let at = (item.position, item.slot);
            if at >= (position, slot)
                && let Some(make) = make.take()
                && let Err(error) = self.append(position, slot, make)
            {
                return Some(Err(error));
            }
            if at != (position, slot) {
                self.copy(&item, &before.bytes)?;
            }
        }
        Some(Ok(()))
    }

    /// Takes an item out; `None` if the value does not read, or whether there was one.
    pub(crate) fn remove(&mut self, position: usize, slot: Slot) -> Option<bool> {
        let is_it = |item: &Item| (item.position, item.slot) == (position, slot);
        let mut any = false;
        for item in Items::of(self.row, &self.bytes) {
            any |= is_it(&item?);
        }
        if any {
            let kept = Self::kept(self.row, &self.bytes, |item| !is_it(item))?;
            *self = Self { replaces: self.replaces, ..kept };
        }
        Some(any)
    }

    /// Takes all items of a position out; `None` if the value does not read.
    pub(crate) fn forget(&mut self, position: usize) -> Option<()> {
        let kept = Self::kept(self.row, &self.bytes, |item| item.position != position)?;
        *self = Self { replaces: self.replaces, ..kept };
        Some(())
    }

    fn copy(&mut self, item: &Item, from: &[u8]) -> Option<()> {
        let sealed = from.get(item.place.clone())?;
        let copied = self.append(item.position, item.slot, |bytes| {
            bytes.extend_from_slice(sealed);
            Ok(())
        });
        copied.ok()
    }

    /// Appends an item behind the last.
    fn append(
        &mut self,
        position: usize,
        slot: Slot,
        make: impl FnOnce(&mut Vec<u8>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let too_long = |len| StoreError::TooLong { what: "sealed section", len };
        self.bytes.push(u8::try_from(position).map_err(|_| too_long(position))?);
        if self.row == JOINT {
            self.bytes.push(slot.number());
        }
        let head = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        let start = self.bytes.len();
        make(&mut self.bytes)?;
        let len = self.bytes.len().saturating_sub(start);
        let stated = u32::try_from(len).map_err(|_| too_long(len))?;
        if let Some(place) = self.bytes.get_mut(head..start) {
            place.copy_from_slice(&stated.to_be_bytes());
        }
        self.last = Some((position, slot));
        Ok(())
    }
}

/// Most bytes that are set aside at once for a value; a longer one grows.
const VALUE_SET_ASIDE_MAX: usize = 16 << 10;

/// Bytes before an item of a row of one slot: its position and its length.
const ITEM_HEAD_BYTES: usize = 5;
