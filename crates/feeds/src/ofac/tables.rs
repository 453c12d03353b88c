//! OFAC's SDN and consolidated (non-SDN) lists as flat CSV: subjects, aliases, addresses, comments.
//!
//! Files are told apart by their columns, never by name; the table of subjects alone is enough. OFAC writes `-0-`
//! for an absent value and ends some files with a 0x1A byte. The bytes of all files known to us are ASCII; others
//! are read as UTF-8, else as ISO 8859-1, and the snapshot says which.
//! Not for: the remarks column's small language (`remarks`), or OFAC's XML formats (`ofac`).

mod merge;
mod whole;

use comity_watchlist::{ListId, RecordKey, Reference, SourceFile};

use crate::error::{FeedError, RejectReason};
use crate::file::InputFile;
use crate::ofac::list::Tally;
use crate::ofac::rows::{Refused, Row, Table, TableFile};
use crate::ofac::subject::{self, Subject};
use crate::rejected::Rejected;
use crate::snapshot::{ReadFile, RejectedRow, Scope, Snapshot, Take};

/// The tables of one publication.
pub(crate) const FILES_MAX: usize = 4;

/// Reads one publication from one to four files. Tables whose numbers ascend, as OFAC's do, are read beside each other, and
/// no more than one subject is held; of any others all subjects are.
pub(super) fn read(files: &[InputFile<'_>], take: Take<'_>) -> Result<Snapshot, FeedError> {
    if files.is_empty() || files.len() > FILES_MAX {
        return Err(FeedError::FileCount { count: files.len(), max: FILES_MAX });
    }
    let tables = files.iter().map(TableFile::open).collect::<Result<Vec<_>, _>>()?;
    for (at, table) in tables.iter().enumerate() {
        if let Some(first) = tables.iter().take(at).find(|first| first.table == table.table) {
            return Err(FeedError::SameTable { first: first.name.clone(), second: table.name.clone() });
        }
    }
    let primary = tables.iter().find(|file| file.table == Table::Subjects).ok_or(FeedError::NoPrimary)?;
    let mut ascend = true;
    for table in &tables {
        ascend = ascend && table.ascends()?;
    }
    let reading = Reading::start(&tables, take)?;
    let (snapshot, taken) = if ascend {
        merge::read(reading, primary, &tables)?
    } else {
        whole::read(reading, primary, &tables)?
    };
    // Asked at the end: a row that is read may still be a record beyond a limit.
    if taken == 0 {
        return Err(FeedError::NoRecords { file: primary.name.clone() });
    }
    Ok(snapshot)
}

/// The tables that tell more of the subjects, in the order in which they are told of.
const OTHERS: [(Table, Put); 3] = [
    (Table::Aliases, Subject::alias),
    (Table::Addresses, Subject::address),
    (Table::Comments, Subject::comment),
];

/// Puts a row to its subject.
type Put = fn(&mut Subject, &Row<'_>) -> Result<(), RejectReason>;

/// A publication that is being read.
struct Reading<'t> {
    take: Take<'t>,
    taken: u64,
    list: ListId,
    sources: Vec<SourceFile>,
    read: Vec<ReadFile>,
    rejected: Rejected<RejectedRow>,
    rows: u64,
}

/// What was counted and rejected of one table.
#[derive(Default)]
struct Counted {
    rows: u64,
    rejected: Rejected<RejectedRow>,
}

impl<'t> Reading<'t> {
    fn start(tables: &[TableFile<'_>], take: Take<'t>) -> Result<Self, FeedError> {
        let list = list_of(tables)?;
        let sources = tables.iter().map(TableFile::source).collect::<Result<_, _>>()?;
        let (read, rejected) = Default::default();
        Ok(Self { take, taken: 0, list, sources, read, rejected, rows: 0 })
    }

    fn key(&self, uid: u64) -> Result<RecordKey, RejectReason> {
        let reference = Reference::parse(&uid.to_string())
            .map_err(|source| RejectReason::Key { column: "ent_num", source })?;
        Ok(RecordKey::new(self.list.clone(), reference))
    }

    /// Notes that a row was not taken.
    fn reject(&self, counted: &mut Counted, file: &TableFile<'_>, line: u64, refused: Refused) {
        let (uid, reason) = refused;
        let key = uid.and_then(|uid| self.key(uid).ok());
        let may_hide_others = file.table == Table::Subjects && (key.is_none() || misshapen(&reason));
        let file = file.name.clone();
        counted.rejected.push(RejectedRow { file, line, key, may_hide_others, reason });
    }

    /// Ends a table, unless most of it cannot be read.
    fn end_table(&mut self, file: &TableFile<'_>, counted: Counted) -> Result<(), FeedError> {
        let (rows, rejected) = (counted.rows, counted.rejected.count());
        if rejected > rows / 2 {
            return Err(FeedError::MostlyRejected { file: file.name.clone(), rejected, rows });
        }
        self.rows += rows;
        self.rejected.append(counted.rejected);
        let (table, encoding) = (file.table.name(), file.encoding);
        self.read.push(ReadFile { file: file.source()?, table, encoding, rows });
        Ok(())
    }

    /// Hands over a subject of which all rows are read; gives back why not, if not.
    fn hand_over(&mut self, primary: &TableFile<'_>, subject: Subject) -> Option<RejectedRow> {
        let (line, key) = (subject.line, subject.key().clone());
        match subject.finish(&self.sources) {
            Ok(record) => {
                self.taken += 1;
                (self.take)(record);
                None
            }
            Err(reason) => {
                let (file, key) = (primary.name.clone(), Some(key));
                Some(RejectedRow { file, line, key, may_hide_others: false, reason })
            }
        }
    }

    /// The publication, and how many records it has. What was rejected as a whole record stands last.
    fn finish(self, unfit: Rejected<RejectedRow>) -> (Snapshot, u64) {
        let mut rejected = self.rejected;
        rejected.append(unfit);
        let (rejected, rejected_more) = rejected.into_parts();
        let snapshot = Snapshot {
            list: self.list,
            published: None,
            files: self.read,
            scope: Scope::Whole,
            records: Vec::new(),
            ended: Vec::new(),
            rejected,
            rejected_more,
            rows: self.rows,
        };
        (snapshot, self.taken)
    }
}

/// The same subject a second time.
fn repeated(uid: u64, first: u64) -> Refused {
    (Some(uid), RejectReason::Repeated { id: uid.to_string(), first })
}

/// A row about a subject that there is not.
fn no_subject(uid: u64) -> Refused {
    (Some(uid), RejectReason::NoSubject { id: uid.to_string() })
}

/// True if the row may be made of several: a lost quote, line end or stretch of bytes joins it with those behind it.
const fn misshapen(reason: &RejectReason) -> bool {
    matches!(reason, RejectReason::Csv | RejectReason::Columns { .. } | RejectReason::LineBreak)
}

fn list_of(tables: &[TableFile<'_>]) -> Result<ListId, FeedError> {
    let primary = tables.iter().find(|file| file.table == Table::Subjects).ok_or(FeedError::NoPrimary)?;
    let mut tally = Tally::default();
    primary.each(|_, row| {
        let Ok(row) = row else { return };
        tally.count(subject::programmes(row.value(3).unwrap_or_default()));
    })?;
    tally.list().map_err(|_| FeedError::NoPrimary)
}
