//! Tables whose numbers ascend: a subject is whole once the others have come to a higher number, and is handed over.

use super::{Counted, OTHERS, Put, Reading, no_subject, repeated};
use crate::error::FeedError;
use crate::ofac::rows::{Cursor, Refused, Row, TableFile};
use crate::ofac::subject::Subject;
use crate::rejected::Rejected;
use crate::snapshot::{RejectedRow, Snapshot};

/// A table that is read beside that of the subjects.
struct Beside<'f, 'a> {
    file: &'f TableFile<'a>,
    put: Put,
    cursor: Cursor<'a>,
    /// The line of the row that it stands on, and whom that is about; `None` behind the last.
    at: Option<(u64, u64)>,
    counted: Counted,
}

pub(super) fn read(
    mut reading: Reading<'_>,
    primary: &TableFile<'_>,
    tables: &[TableFile<'_>],
) -> Result<(Snapshot, u64), FeedError> {
    let mut beside = Vec::with_capacity(OTHERS.len());
    for (which, put) in OTHERS {
        if let Some(file) = tables.iter().find(|file| file.table == which) {
            let counted = Counted::default();
            let mut table = Beside { file, put, cursor: file.cursor(), at: None, counted };
            table.advance(&reading);
            beside.push(table);
        }
    }
    let (mut counted, mut open, mut unfit) = (Counted::default(), None, Rejected::default());
    let mut cursor = primary.cursor();
    while let Some(line) = cursor.advance() {
        counted.rows += 1;
        let read = cursor
            .row(line)
            .and_then(|row| next(&mut reading, primary, &mut beside, &mut open, &mut unfit, &row));
        if let Err(refused) = read {
            reading.reject(&mut counted, primary, line, refused);
        }
    }
    cursor.check(&primary.name)?;
    settle(&mut reading, primary, &mut beside, open.take(), &mut unfit);
    reading.end_table(primary, counted)?;
    for mut table in beside {
        table.pass(&reading, u64::MAX, None);
        table.cursor.check(&table.file.name)?;
        reading.end_table(table.file, table.counted)?;
    }
    Ok(reading.finish(unfit))
}

/// Takes the row of a subject, behind which the one before it is whole.
fn next(
    reading: &mut Reading<'_>,
    primary: &TableFile<'_>,
    beside: &mut [Beside<'_, '_>],
    open: &mut Option<(u64, Subject)>,
    unfit: &mut Rejected<RejectedRow>,
    row: &Row<'_>,
) -> Result<(), Refused> {
    let uid = row.number(0, "ent_num").map_err(|reason| (None, reason))?;
    if let Some((of, first)) = open.as_ref().filter(|(of, _)| *of == uid) {
        return Err(repeated(*of, first.line));
    }
    settle(reading, primary, beside, open.take(), unfit);
    let read = reading.key(uid).and_then(|key| Subject::read(key, row));
    *open = Some((uid, read.map_err(|reason| (Some(uid), reason))?));
    Ok(())
}

/// Puts the rows of the other tables to a subject, and hands it over.
fn settle(
    reading: &mut Reading<'_>,
    primary: &TableFile<'_>,
    beside: &mut [Beside<'_, '_>],
    open: Option<(u64, Subject)>,
    unfit: &mut Rejected<RejectedRow>,
) {
    let Some((uid, mut subject)) = open else { return };
    for table in beside {
        table.pass(reading, uid, Some(&mut subject));
    }
    if let Some(row) = reading.hand_over(primary, subject) {
        unfit.push(row);
    }
}

impl Beside<'_, '_> {
    /// Goes on to the next row that says whom it is about; those before it are rejected.
    fn advance(&mut self, reading: &Reading<'_>) {
        self.at = None;
        while let Some(line) = self.cursor.advance() {
            self.counted.rows += 1;
            let uid = self
                .cursor
                .row(line)
                .and_then(|row| row.number(0, "ent_num").map_err(|reason| (None, reason)));
            match uid {
                Ok(uid) => {
                    self.at = Some((line, uid));
                    return;
                }
                Err(refused) => reading.reject(&mut self.counted, self.file, line, refused),
            }
        }
    }

    /// Passes over all rows up to a number: those about it go to the subject, those before are about none.
    fn pass(&mut self, reading: &Reading<'_>, up_to: u64, mut subject: Option<&mut Subject>) {
        while let Some((line, uid)) = self.at.filter(|(_, uid)| *uid <= up_to) {
            let put = match subject.as_deref_mut().filter(|_| uid == up_to) {
                Some(subject) => self
                    .cursor
                    .row(line)
                    .and_then(|row| (self.put)(subject, &row).map_err(|reason| (Some(uid), reason))),
                None => Err(no_subject(uid)),
            };
            if let Err(refused) = put {
                reading.reject(&mut self.counted, self.file, line, refused);
            }
            self.advance(reading);
        }
    }
}
