//! A vocabulary as a table: a code and its title in each row.
//!
//! It is read strictly, since half of a list of codes is worse than none: one row that is none, and nothing is entered. Not
//! for: how a code is read (`watchlist`), or the forms in which their publishers write the lists, of which there is none that
//! all of them share.

use std::collections::HashMap;

use comity_watchlist::limits::VOCABULARY_CODES_MAX;
use comity_watchlist::{GoodsError, GoodsScheme, TitledCode, code_of};
use thiserror::Error;

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::table::{Row, Sheet};
use crate::value;

/// The columns, in any order; there are no others.
const COLUMNS: [&str; 2] = ["code", "title"];

/// Why a table is no vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VocabularyFault {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FeedError),
    /// Its bytes are not UTF-8: titles in another encoding would be signed as other words.
    #[error("the table is not UTF-8")]
    NotUtf8,
    /// Other columns than these two.
    #[error("the table has not the columns code and title, and no others")]
    OtherColumns,
    /// A row that cannot be read.
    #[error("line {line}: {source}")]
    Row {
        /// The line, from 1.
        line: u64,
        /// Why.
        #[source]
        source: RejectReason,
    },
    /// A code that is none of the scheme.
    #[error("line {line}: {source}")]
    Code {
        /// The line, from 1.
        line: u64,
        /// Why.
        #[source]
        source: GoodsError,
    },
    /// A code that stands twice.
    #[error("line {line}: the code of line {first} stands there again")]
    Twice {
        /// The line, from 1.
        line: u64,
        /// Where it stands first.
        first: u64,
    },
    /// More codes than an edition may have.
    #[error("the table has more than {max} codes")]
    TooMany {
        /// The limit.
        max: usize,
    },
    /// No code at all.
    #[error("the table has no code")]
    Empty,
}

/// Reads the codes of a scheme, in the order of the rows.
///
/// # Errors
/// [`VocabularyFault`] if the file is no table of the two columns in UTF-8, or any row has no code of the scheme, a code of
/// a row before, or no title.
pub fn read(file: &InputFile<'_>, scheme: GoodsScheme) -> Result<Vec<TitledCode>, VocabularyFault> {
    let sheet = Sheet::open(file)?;
    if sheet.encoding != Encoding::Utf8 {
        return Err(VocabularyFault::NotUtf8);
    }
    let mut rows = sheet.rows(b',');
    let header = rows.next().and_then(|(_, row)| row.ok()).unwrap_or_default();
    let columns: Vec<&str> = header.iter().map(str::trim).collect();
    if columns.len() != COLUMNS.len() || !COLUMNS.iter().all(|name| columns.contains(name)) {
        return Err(VocabularyFault::OtherColumns);
    }
    let (mut codes, mut lines) = (Vec::new(), HashMap::new());
    for (line, row) in rows.by_ref() {
        if codes.len() == VOCABULARY_CODES_MAX {
            return Err(VocabularyFault::TooMany { max: VOCABULARY_CODES_MAX });
        }
        let bad = |source| VocabularyFault::Row { line, source };
        let row = row.and_then(|cells| Row::new(&columns, cells)).map_err(bad)?;
        let cell = |column| row.peek(column).ok_or_else(|| bad(RejectReason::Missing { column }));
        let code = code_of(scheme, cell("code")?).map_err(|source| VocabularyFault::Code { line, source })?;
        let title = value::text("title", cell("title")?).map_err(bad)?;
        if let Some(first) = lines.insert(code.path().to_vec(), line) {
            return Err(VocabularyFault::Twice { line, first });
        }
        codes.push(TitledCode { code, title });
    }
    rows.check(file.name)?;
    if codes.is_empty() { Err(VocabularyFault::Empty) } else { Ok(codes) }
}

#[cfg(test)]
mod tests {
    use comity_watchlist::FileHash;

    use super::*;

    fn of(text: &str) -> Result<Vec<String>, String> {
        let file = InputFile::of_bytes("codes.csv", FileHash::new([1; 32]), text.as_bytes());
        let told = |one: TitledCode| format!("{} {}", one.code, one.title.as_str());
        let read = read(&file, GoodsScheme::Cn).map(|codes| codes.into_iter().map(told).collect());
        read.map_err(|fault| fault.to_string())
    }

    fn rows(rows: &str) -> String {
        format!("code,title\n{rows}\n")
    }

    #[test]
    fn a_table_of_codes_and_titles_is_read_with_the_headings_of_the_broader_tariff() {
        let text = "\u{feff}title,code\r\n\"Clockwork, brass\",8471\r\nGear wheels,8471 30 00\r\n";
        assert_eq!(of(text).unwrap(), ["8471 Clockwork, brass", "84713000 Gear wheels"]);
        // A title may turn its line; it is shown as plain text.
        assert_eq!(of(&rows("84,a\u{202e}b")).unwrap(), ["84 a\u{202e}b"]);
    }

    #[test]
    fn one_bad_row_and_nothing_is_read() {
        for (row, said) in [
            ("84713,Clockwork", "line 2: a code of goods of cn has 8 digits, not 5"),
            ("3A001,Clockwork", "line 2: "),
            ("84", "line 2: row has 1 columns, its table has 2"),
            ("84,,", "line 2: row has 3 columns, its table has 2"),
            ("84,", "line 2: title is missing"),
            (",Clockwork", "line 2: code is missing"),
            ("84,Clockwork\n8471,x\n84.71,y", "line 4: the code of line 3 stands there again"),
            ("84,\"Clock\nwork\"", "line 2: a cell of the row does not end on its line"),
            ("84,a\u{0}b", "line 2: "),
        ] {
            let told = of(&rows(row)).unwrap_err();
            assert!(told.starts_with(said), "{row:?}: {told}");
        }
        assert!(of(&rows(&format!("84,{}", "y".repeat(1 << 20)))).unwrap_err().contains("longer than 2000"));
        assert_eq!(of("code,title\n").unwrap_err(), "the table has no code");
        for columns in ["code,title,note", "code", "code,code", "Code,Title"] {
            let told = of(&format!("{columns}\n84,Clockwork\n")).unwrap_err();
            assert_eq!(told, "the table has not the columns code and title, and no others");
        }
        assert!(of("").is_err() && of("code,title\n84,Clockwork").is_err(), "nothing, and cut off");
        let latin = InputFile::of_bytes("f", FileHash::new([1; 32]), b"code,title\n84,\xe9\n");
        assert_eq!(read(&latin, GoodsScheme::Cn), Err(VocabularyFault::NotUtf8));
    }

    #[test]
    fn a_table_of_more_codes_than_an_edition_may_have_is_refused() {
        let row = |number: usize| format!("{},y\n", 10_000_000 + number);
        let text: Vec<String> = (0..=VOCABULARY_CODES_MAX).map(row).collect();
        assert_eq!(
            of(&["code,title\n", &text.concat()].concat()).unwrap_err(),
            "the table has more than 100000 codes"
        );
    }
}
