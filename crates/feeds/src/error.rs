//! Why a publication cannot be read at all, and why one row of it is left out.

use comity_watchlist::{DateError, KeyError, ListId, RecordError, TextError};
use thiserror::Error;

use crate::file::{FILE_BYTES_MAX, Format};

/// Why a publication cannot be read at all. Nothing is changed by it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FeedError {
    /// No file was given, or more than the format has.
    #[error("{count} files were given; this list has between 1 and {max}")]
    FileCount {
        /// How many were given.
        count: usize,
        /// How many the format has.
        max: usize,
    },
    /// A file without content.
    #[error("{file} is empty")]
    Empty {
        /// The file.
        file: String,
    },
    /// A file larger than any list that we know.
    #[error("{file} has {len} bytes, more than {FILE_BYTES_MAX}")]
    TooLarge {
        /// The file.
        file: String,
        /// Its length in bytes.
        len: usize,
    },
    /// A file that cannot be read, or is not the same any more as when it was looked at first.
    #[error("{file} cannot be read: {said}")]
    Unread {
        /// The file.
        file: String,
        /// The words of whoever reads it.
        said: String,
    },
    /// A web page instead of a list, as download errors leave behind.
    #[error("{file} is a web page, not a list")]
    WebPage {
        /// The file.
        file: String,
    },
    /// Content by which no format is told.
    #[error("{file} is of no format that is told by content; these are: {}", Format::words())]
    UnknownFormat {
        /// The file.
        file: String,
    },
    /// Files of different formats, which are no one publication.
    #[error("{file} is of the format {format}, and {other} of {other_format}: import one after the other")]
    SeveralFormats {
        /// The first file.
        file: String,
        /// Its format.
        format: Format,
        /// The first file of another format.
        other: String,
        /// Which one.
        other_format: Format,
    },
    /// A document as XML where tables are read.
    #[error("{file} is XML; this list is read from its tables as CSV")]
    NoTable {
        /// The file.
        file: String,
    },
    /// Something else where a document as XML is read.
    #[error("{file} is not XML, as which this list is read")]
    NoXml {
        /// The file.
        file: String,
    },
    /// Something else where JSON is read.
    #[error("{file} is not JSON, as which this is read")]
    NoJson {
        /// The file.
        file: String,
    },
    /// JSON that breaks off, or is none.
    #[error("{file} is not readable as json at line {line}: {said}")]
    BadJson {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The reader's words, which name no value.
        said: String,
    },
    /// JSON that is no bundle of STIX, and no envelope of TAXII.
    #[error("{file} is json, but no bundle of stix and no envelope of taxii")]
    NoBundle {
        /// The file.
        file: String,
    },
    /// A file that does not say of which list its records are, read without naming one.
    #[error("{file} does not say of which one list its records are: name it")]
    NoList {
        /// The file.
        file: String,
    },
    /// Records of a list that is read from its publisher alone.
    #[error("{file} is of {list}, which is read from what its publisher writes; name a list of your own")]
    OfficialList {
        /// The file.
        file: String,
        /// The list.
        list: ListId,
    },
    /// A delta that does not follow the files before it.
    #[error(
        "{file} does not follow the files before it, at line {line}: the whole list comes first, then each of its deltas \
         in order"
    )]
    Gap {
        /// The file.
        file: String,
        /// The line.
        line: u64,
    },
    /// Rows that belong to no table of this list.
    #[error("{file} has rows of {columns} columns that are no table of this list")]
    UnknownColumns {
        /// The file.
        file: String,
        /// Columns of its first row.
        columns: usize,
    },
    /// A table whose last row has no line end, as a download that stopped leaves behind.
    #[error("{file} does not end with a line end and seems cut off")]
    CutOff {
        /// The file.
        file: String,
    },
    /// Two files of one table.
    #[error("{first} and {second} are the same table")]
    SameTable {
        /// The first file.
        first: String,
        /// The second file.
        second: String,
    },
    /// The table of the listed subjects is missing.
    #[error("the table of subjects (12 columns) is not among the files")]
    NoPrimary,
    /// The document states another number of records than it has.
    #[error("{file} states {stated} records and has {found}")]
    RecordCount {
        /// The file.
        file: String,
        /// The number as written.
        stated: String,
        /// How many it has.
        found: u64,
    },
    /// A document as XML that is none of a list's forms.
    #[error("{file} is XML, but none of the documents of this list")]
    UnknownDocument {
        /// The file.
        file: String,
    },
    /// A document whose subjects are on no list that it is read for.
    #[error("the subjects of {file} are on none of the lists that it is read for")]
    UnknownList {
        /// The file.
        file: String,
    },
    /// Not one record could be read.
    #[error("{file} holds no record that can be read")]
    NoRecords {
        /// The file.
        file: String,
    },
    /// More than half of the rows cannot be read.
    #[error("{rejected} of {rows} rows of {file} cannot be read")]
    MostlyRejected {
        /// The file.
        file: String,
        /// Rows that cannot be read.
        rejected: u64,
        /// All rows.
        rows: u64,
    },
    /// The bytes are not in the encoding that the format asks for.
    #[error("{file} is not UTF-8 at line {line}")]
    NotUtf8 {
        /// The file.
        file: String,
        /// The line.
        line: u64,
    },
    /// A character that XML 1.0 forbids.
    #[error("{file} holds a forbidden control character at line {line}")]
    ControlCharacter {
        /// The file.
        file: String,
        /// The line.
        line: u64,
    },
    /// The document is not well-formed, or ends too early.
    #[error("{file} is not well-formed XML at line {line}")]
    Xml {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// What the reader found.
        #[source]
        source: XmlFault,
    },
    /// An archive that is not read.
    #[error("{file} is no archive of a list: {source}")]
    Archive {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: ArchiveFault,
    },
    /// Another document than the list.
    #[error("{file} has another root element than {expected}")]
    OtherDocument {
        /// The file.
        file: String,
        /// The root of the list.
        expected: &'static str,
    },
    /// A list that is published whole and as amendments, and does not say which it is.
    #[error("{file} does not say whether it is the whole list or an amendment")]
    NoScope {
        /// The file.
        file: String,
    },
}

/// Why an archive is not read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArchiveFault {
    /// The reader's own words.
    #[error("{0}")]
    Malformed(String),
    /// None, or more than one file.
    #[error("it holds {count} files instead of one")]
    Files {
        /// How many.
        count: usize,
    },
    /// A folder, a link, or a name that leads elsewhere.
    #[error("what it holds is no plain file")]
    NoPlainFile,
    /// The file grows beyond any list.
    #[error("what it holds is larger than {max} bytes")]
    TooLarge {
        /// The limit in bytes.
        max: usize,
    },
}

/// What the XML reader found.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum XmlFault {
    /// The reader's own words about the syntax.
    #[error("{0}")]
    Syntax(String),
    /// A document type definition: refused, since entities of its own could blow up.
    #[error("a document type definition is not allowed")]
    Doctype,
    /// An entity other than the five predefined ones.
    #[error("an entity that xml does not predefine is not allowed")]
    Entity,
    /// An encoding other than UTF-8 is declared.
    #[error("an encoding other than utf-8 is declared")]
    Encoding,
    /// Elements nested too deep.
    #[error("elements are nested deeper than {max}")]
    Depth {
        /// The limit.
        max: usize,
    },
    /// One record with too many elements, attributes or bytes.
    #[error("one record is larger than {max} {unit}")]
    Size {
        /// The limit.
        max: usize,
        /// What it counts.
        unit: &'static str,
    },
    /// The document ends inside an element.
    #[error("the document ends too early")]
    End,
}

/// Why one row is left out. Says which row, never what stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// The row cannot be split into columns.
    #[error("row is not readable as csv")]
    Csv,
    /// The line or object cannot be read as JSON.
    #[error("row is not readable as json: {said}")]
    Json {
        /// The reader's words, which name no value.
        said: String,
    },
    /// A line that is no record of our own form.
    #[error("row is no record as docs/records.md describes it, from its column {column} on")]
    OwnForm {
        /// Where in the line, in bytes from 1.
        column: usize,
    },
    /// A record that has no effect where it comes from: a listing has, and would say more.
    #[error("record is suspended there, which a list cannot say")]
    Suspended,
    /// An extension of STIX of our own that holds no record.
    #[error("extension holds no record as docs/records.md describes it")]
    Extension,
    /// A record that may go no further.
    #[error("record is marked more strictly than it would be handled here")]
    Marked,
    /// A row of another list than the rest.
    #[error("row is of the list {found}, and not of {list}")]
    OtherList {
        /// Its list.
        found: ListId,
        /// The list that is read.
        list: ListId,
    },
    /// Another number of columns than the table.
    #[error("row has {found} columns, its table has {expected}")]
    Columns {
        /// Columns of the row.
        found: usize,
        /// Columns of the table.
        expected: usize,
    },
    /// A cell that goes over the end of its line: a quote is missing, and the row behind it is swallowed.
    #[error("a cell of the row does not end on its line")]
    LineBreak,
    /// A number that is none.
    #[error("{column} is not a number")]
    NotNumber {
        /// The column.
        column: &'static str,
    },
    /// A value that must be there.
    #[error("{column} is missing")]
    Missing {
        /// The column.
        column: &'static str,
    },
    /// A value outside its vocabulary.
    #[error("{column} has a value that is not known")]
    Vocabulary {
        /// The column.
        column: &'static str,
    },
    /// The same id was seen before; the first row stands.
    #[error("{id} stands twice; the first, at line {first}, is kept")]
    Repeated {
        /// The id.
        id: String,
        /// The line of the first.
        first: u64,
    },
    /// A row about a subject that the list does not have.
    #[error("{id} is not among the subjects")]
    NoSubject {
        /// The id.
        id: String,
    },
    /// A value that no record may hold.
    #[error("{column} cannot stand in a record: {source}")]
    Text {
        /// The column.
        column: &'static str,
        /// Why.
        #[source]
        source: TextError,
    },
    /// A date that does not exist.
    #[error("{column} is not a date: {source}")]
    Date {
        /// The column.
        column: &'static str,
        /// Why.
        #[source]
        source: DateError,
    },
    /// A reference that is none.
    #[error("{column} is not a reference: {source}")]
    Key {
        /// The column.
        column: &'static str,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// The record would be larger than its limits.
    #[error("record is beyond its limits: {source}")]
    Limits {
        /// Which limit.
        #[source]
        source: RecordError,
    },
}
