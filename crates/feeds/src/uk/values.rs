//! What the UK writes into one cell: days, several values under numbers, documents with words around their number.
//!
//! Not for: which column holds what (`row`).

use comity_watchlist::{FuzzyDate, IdKind, Identifier, PartialDate, Text};

use crate::error::RejectReason;
use crate::value::text;

/// `28/09/1955`, `00/04/1984`, `dd/04/1984` or `00/00/1980`; with a time behind, and what is no date, as written.
pub(super) fn date(column: &'static str, written: &str) -> Result<FuzzyDate, RejectReason> {
    match day(written) {
        Some(day) => Ok(day.into()),
        None => Ok(FuzzyDate::verbatim(text(column, written)?)),
    }
}

fn day(written: &str) -> Option<PartialDate> {
    let number = |digits: &str, width: usize| {
        let plain = digits.len() == width && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let part = |digits: &str| match digits {
        "00" | "dd" | "mm" => Some(None),
        digits => number(digits, 2).and_then(|number| u8::try_from(number).ok()).map(Some),
    };
    let mut parts = written.split('/');
    let (day, month, year) = (part(parts.next()?)?, part(parts.next()?)?, number(parts.next()?, 4)?);
    if parts.next().is_some() {
        return None;
    }
    match (day, month) {
        (Some(day), Some(month)) => PartialDate::day(year, month, day).ok(),
        (None, Some(month)) => PartialDate::month(year, month).ok(),
        (None, None) => PartialDate::year(year).ok(),
        (Some(_), None) => None,
    }
}

/// The values of `(1) Ruritania (2) Zenda`, `1) … 2) …`, `(a) … (b) …` or `a) … b) …`; a cell that numbers otherwise,
/// or only once, is one value.
pub(super) fn pieces(cell: &str) -> Vec<&str> {
    for open in ["(", ""] {
        for first in [b'1', b'a'] {
            let found = numbered(cell, open, first);
            if found.len() > 1 && found.iter().all(|piece| !piece.is_empty()) {
                return found;
            }
        }
    }
    vec![cell]
}

fn numbered<'a>(cell: &'a str, open: &str, first: u8) -> Vec<&'a str> {
    let mark = |number: u8| format!("{open}{}) ", char::from(number));
    let mut found = Vec::new();
    let Some(mut rest) = cell.strip_prefix(&mark(first)) else { return found };
    // Nine values at most: behind them a number has two digits.
    for number in first + 1..first + 9 {
        let next = format!(" {}", mark(number));
        let Some((piece, behind)) = rest.split_once(&next) else { break };
        found.push(piece.trim());
        rest = behind;
    }
    found.push(rest.trim());
    found
}

/// The documents of a cell. The number of each is its first word of five digits or more, and what stands around it is
/// the note; without such a word the whole is the number.
pub(super) fn documents(
    kind: IdKind,
    column: &'static str,
    cell: &str,
) -> Result<Vec<Identifier>, RejectReason> {
    const DIGITS_MIN: usize = 5;
    let mut found = Vec::new();
    for piece in pieces(cell) {
        let written = text(column, piece)?;
        let word = piece
            .split([' ', ':', ',', ';', '\u{a0}'])
            .find(|word| word.bytes().filter(u8::is_ascii_digit).count() >= DIGITS_MIN);
        let number = word.map(|word| word.trim_matches(['(', ')', '.']));
        let number = number.filter(|number| *number != piece).and_then(|number| Text::new(number).ok());
        found.push(match number {
            Some(number) => {
                let mut document = Identifier::new(kind, number);
                document.note = Some(written);
                document
            }
            None => Identifier::new(kind, written),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_may_be_known_to_the_month_or_the_year() {
        assert_eq!(day("28/09/1955"), PartialDate::day(1955, 9, 28).ok());
        assert_eq!(day("00/04/1984"), PartialDate::month(1984, 4).ok());
        assert_eq!(day("dd/mm/1980"), PartialDate::year(1980).ok());
        for written in
            ["30/02/1960", "00/00/0000", "10/00/1983", "1983", "01/01/1983 00:00:00", "1/1/83", "/"]
        {
            assert_eq!(day(written), None, "{written}");
            assert_eq!(date("DOB", written).unwrap().verbatim.unwrap().as_str(), written);
        }
    }

    #[test]
    fn numbered_values_are_split_where_the_numbers_go_on() {
        assert_eq!(pieces("(1) Ruritania (2) Zenda"), ["Ruritania", "Zenda"]);
        assert_eq!(pieces("1) Ruritania 2) Zenda 3) -"), ["Ruritania", "Zenda", "-"]);
        assert_eq!(pieces("a) Old castle, b) New castle"), ["Old castle,", "New castle"]);
        for whole in
            ["Ruritania", "(1) Ruritania", "(1)-(2) Ruritania (3) Zenda", "(1) Ruritania (2)-(6) -", "(2) a"]
        {
            assert_eq!(pieces(whole), [whole]);
        }
    }

    #[test]
    fn a_document_is_its_number_and_the_words_around_it_are_its_note() {
        let read = |cell: &str| -> Vec<(String, bool)> {
            let found = documents(IdKind::Passport, "passport", cell).unwrap();
            found.iter().map(|id| (id.value.to_string(), id.note.is_some())).collect()
        };
        assert_eq!(read("R0000017 (Ruritanian). Issued 1999"), [("R0000017".to_owned(), true)]);
        assert_eq!(
            read("(1) number:F50859 (2) lost"),
            [("F50859".to_owned(), true), ("lost".to_owned(), false)]
        );
        assert_eq!(read("T04338017"), [("T04338017".to_owned(), false)]);
        assert_eq!(
            read("Ruritanian passport issued 1999"),
            [("Ruritanian passport issued 1999".to_owned(), false)]
        );
    }
}
