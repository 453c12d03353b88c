//! The times that an author claims, beside those that witnesses have shown.
//!
//! A claim proves nothing and an odd one is no failure: clocks are set back, and imports carry the time of their
//! beginning. An auditor wants to know where to look.

use comity_ledger::AuthorTime;

use crate::report::{Note, Report};
use crate::signed::{SignedHead, SignedLog};
use crate::utc::utc;

/// How far an author's clock may be ahead of the witnesses' before it is odd: as far as nodes let each other be.
const AHEAD_SECS_MAX: u64 = 60;

/// What was odd among the entries so far.
#[derive(Debug)]
pub(crate) struct AuthorTimes {
    /// Sizes up to which entries certainly existed by a time, smallest first.
    covered: std::iter::Peekable<std::vec::IntoIter<(u64, u64)>>,
    previous: Option<AuthorTime>,
    backwards: Odd,
    ahead: Odd,
}

/// How often something was odd, and where first.
#[derive(Debug, Default)]
struct Odd {
    count: u64,
    first: Option<(u64, u64, u64)>,
}

impl Odd {
    fn add(&mut self, index: u64, claimed: u64, against: u64) {
        self.count = self.count.saturating_add(1);
        self.first.get_or_insert((index, claimed, against));
    }
}

impl AuthorTimes {
    /// The heads are sorted, smallest first.
    pub(crate) fn new(heads: &[SignedHead]) -> Self {
        let covered: Vec<(u64, u64)> = heads
            .iter()
            .filter_map(|head| Some((head.checkpoint.size().value(), head.existed_by?.value())))
            .collect();
        Self {
            covered: covered.into_iter().peekable(),
            previous: None,
            backwards: Odd::default(),
            ahead: Odd::default(),
        }
    }

    /// Takes the claim of the next entry.
    pub(crate) fn see(&mut self, index: u64, claimed: AuthorTime) {
        if let Some(previous) = self.previous.filter(|previous| claimed < *previous) {
            self.backwards.add(index, claimed.unix_secs(), previous.unix_secs());
        }
        self.previous = Some(claimed);
        while self.covered.next_if(|(size, _)| *size <= index).is_some() {}
        if let Some((_, existed)) = self.covered.peek()
            && claimed.unix_secs() > existed.saturating_add(AHEAD_SECS_MAX)
        {
            self.ahead.add(index, claimed.unix_secs(), *existed);
        }
    }

    /// Says what was odd.
    pub(crate) fn tell(&self, log: &SignedLog, report: &mut Report) {
        let mut note = |odd: &Odd, say: &dyn Fn(u64, u64, u64) -> String| {
            if let Some((index, claimed, against)) = odd.first {
                let detail = say(odd.count, claimed, against);
                let (origin, path) = (log.origin.to_string(), format!("{}/checkpoint", log.folder));
                report.note(Note { origin, index: Some(index), path, detail });
            }
        };
        note(&self.backwards, &|count, claimed, against| {
            format!(
                "{count} entries claim an earlier time than the entry before them, this one first: {} after {}",
                utc(claimed),
                utc(against)
            )
        });
        note(&self.ahead, &|count, claimed, against| {
            format!(
                "{count} entries claim a time over {AHEAD_SECS_MAX} s after witnesses had seen them, this one first: \
                 {}, seen by {}",
                utc(claimed),
                utc(against)
            )
        });
    }
}
