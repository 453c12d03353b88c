//! Tables in any order: all subjects are held until all rows are read.

use std::collections::HashMap;

use super::{Counted, OTHERS, Put, Reading, no_subject, repeated};
use crate::error::FeedError;
use crate::ofac::rows::{Refused, Row, TableFile};
use crate::ofac::subject::Subject;
use crate::rejected::Rejected;
use crate::snapshot::Snapshot;

/// The subjects so far, and where each is.
#[derive(Default)]
struct Subjects {
    all: Vec<Subject>,
    by_uid: HashMap<u64, usize>,
}

pub(super) fn read(
    mut reading: Reading<'_>,
    primary: &TableFile<'_>,
    tables: &[TableFile<'_>],
) -> Result<(Snapshot, u64), FeedError> {
    let mut subjects = Subjects::default();
    table(&mut reading, primary, |reading, row| subjects.add(reading, row))?;
    for (which, put) in OTHERS {
        if let Some(file) = tables.iter().find(|file| file.table == which) {
            table(&mut reading, file, |_, row| subjects.put(row, put))?;
        }
    }
    let mut unfit = Rejected::default();
    for subject in subjects.all {
        if let Some(row) = reading.hand_over(primary, subject) {
            unfit.push(row);
        }
    }
    Ok(reading.finish(unfit))
}

fn table(
    reading: &mut Reading<'_>,
    file: &TableFile<'_>,
    mut take: impl FnMut(&Reading<'_>, &Row<'_>) -> Result<(), Refused>,
) -> Result<(), FeedError> {
    let mut counted = Counted::default();
    file.each(|line, row| {
        counted.rows += 1;
        if let Err(refused) = row.and_then(|row| take(reading, &row)) {
            reading.reject(&mut counted, file, line, refused);
        }
    })?;
    reading.end_table(file, counted)
}

impl Subjects {
    fn add(&mut self, reading: &Reading<'_>, row: &Row<'_>) -> Result<(), Refused> {
        let uid = row.number(0, "ent_num").map_err(|reason| (None, reason))?;
        if let Some(first) = self.by_uid.get(&uid).and_then(|at| self.all.get(*at)) {
            return Err(repeated(uid, first.line));
        }
        let read = reading.key(uid).and_then(|key| Subject::read(key, row));
        let subject = read.map_err(|reason| (Some(uid), reason))?;
        self.by_uid.insert(uid, self.all.len());
        self.all.push(subject);
        Ok(())
    }

    fn put(&mut self, row: &Row<'_>, put: Put) -> Result<(), Refused> {
        let uid = row.number(0, "ent_num").map_err(|reason| (None, reason))?;
        let at = self.by_uid.get(&uid).copied();
        let subject = at.and_then(|at| self.all.get_mut(at)).ok_or_else(|| no_subject(uid))?;
        put(subject, row).map_err(|reason| (Some(uid), reason))
    }
}
