//! Export lists of the United States: the Denied Persons List of the Bureau of Industry and Security as its own table,
//! and the lists of the Consolidated Screening List as CSV.
//!
//! These lists give their subjects no numbers. The key is the name, without regard to case and spaces: rows of one name
//! are one record, with all their addresses and notices. A corrected name is therefore another listing.
//! Not for: OFAC's lists, which stand in the Consolidated Screening List too, and are read from OFAC itself.

mod csl;
mod dpl;
mod entry;
mod rows;

use comity_watchlist::ListId;

use crate::error::FeedError;
use crate::file::InputFile;
use crate::snapshot::{Snapshot, Take};
use crate::us::entry::Publication;
use crate::us::rows::Table;

/// A list that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Denied Persons List of the Bureau of Industry and Security.
    DeniedPersons,
    /// Entity List of the Bureau of Industry and Security.
    Entities,
    /// Unverified List of the Bureau of Industry and Security.
    Unverified,
    /// Military End User List of the Bureau of Industry and Security.
    MilitaryEndUsers,
    /// Nonproliferation sanctions of the State Department.
    Nonproliferation,
    /// Debarred under the arms regulations, by the State Department.
    Debarred,
}

impl List {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::DeniedPersons,
        Self::Entities,
        Self::Unverified,
        Self::MilitaryEndUsers,
        Self::Nonproliferation,
        Self::Debarred,
    ];

    /// Its list id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::DeniedPersons => "us-bis-dpl",
            Self::Entities => "us-bis-el",
            Self::Unverified => "us-bis-uvl",
            Self::MilitaryEndUsers => "us-bis-meu",
            Self::Nonproliferation => "us-state-isn",
            Self::Debarred => "us-state-dtc",
        }
    }

    /// How the column `source` of the Consolidated Screening List names it.
    const fn source(self) -> &'static str {
        match self {
            Self::DeniedPersons => "Denied Persons List (DPL) - Bureau of Industry and Security",
            Self::Entities => "Entity List (EL) - Bureau of Industry and Security",
            Self::Unverified => "Unverified List (UVL) - Bureau of Industry and Security",
            Self::MilitaryEndUsers => "Military End User (MEU) List - Bureau of Industry and Security",
            Self::Nonproliferation => "Nonproliferation Sanctions (ISN) - State Department",
            Self::Debarred => "ITAR Debarred (DTC) - State Department",
        }
    }
}

/// Reads one list out of a file: the Consolidated Screening List, or for the Denied Persons List its own table.
///
/// # Errors
/// [`FeedError`] if the file is empty, a web page, XML, not UTF-8, cut off, another table, has no record of the list, or
/// if more than half of the rows that may be of the list cannot be read. Single bad rows are in
/// [`Snapshot::rejected`].
pub fn parse(list: List, file: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    Snapshot::collect(|take| read(list, file, take))
}

/// As [`parse`], handing each record over once all rows are read: none stays in the snapshot.
///
/// # Errors
/// As [`parse`].
pub fn read(list: List, file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    let id = ListId::parse(list.id()).map_err(|_| FeedError::UnknownList { file: file.name.to_owned() })?;
    let table = Table::open(file)?;
    let mut publication = Publication::new(id);
    let name = if csl::fits(&table) {
        csl::read(list, &table, &mut publication)?;
        "csl"
    } else if list == List::DeniedPersons && dpl::fits(&table) {
        dpl::read(&table, &mut publication)?;
        "dpl"
    } else {
        return Err(FeedError::UnknownColumns { file: file.name.to_owned(), columns: table.columns() });
    };
    publication.finish(file, name, take)
}

/// True if the text begins like one of these tables.
pub(crate) fn is_table(head: &str) -> bool {
    let line = head.lines().next().unwrap_or_default();
    csl::begins(line) || dpl::begins(line)
}
