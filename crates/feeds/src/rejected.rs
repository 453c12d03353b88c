//! Rows that are left out: the first of them, and how many more there are.
//!
//! A file of rubbish has a hundred million rows that cannot be read: whoever looks at one needs the first of them and the
//! sum. Not for: why a row is left out (`error`), or what follows for the records held (`guard`).

/// Rejected rows of one publication that are kept with line and reason; those behind are counted.
pub const REJECTED_KEPT_MAX: usize = 10_000;

/// The first rows that are left out, and the sum of the others.
#[derive(Clone, Debug)]
pub(crate) struct Rejected<R> {
    kept: Vec<R>,
    more: u64,
}

impl<R> Default for Rejected<R> {
    fn default() -> Self {
        Self { kept: Vec::new(), more: 0 }
    }
}

impl<R> Rejected<R> {
    /// Takes a row.
    pub(crate) fn push(&mut self, row: R) {
        if self.kept.len() < REJECTED_KEPT_MAX {
            self.kept.push(row);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Takes rows that are only counted.
    pub(crate) const fn count_more(&mut self, rows: u64) {
        self.more = self.more.saturating_add(rows);
    }

    /// Takes all that another has, behind its own.
    pub(crate) fn append(&mut self, other: Self) {
        other.kept.into_iter().for_each(|row| self.push(row));
        self.count_more(other.more);
    }

    /// How many there are, kept or not.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.kept.len()).unwrap_or(u64::MAX).saturating_add(self.more)
    }

    /// Those that are kept, and how many more there were.
    pub(crate) fn into_parts(self) -> (Vec<R>, u64) {
        (self.kept, self.more)
    }
}
