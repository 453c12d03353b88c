//! The grammar of a document in OFAC's remarks: `LABEL VALUE [(COUNTRY)] [issued DATE] [expires DATE]`.

use std::sync::LazyLock;

use comity_watchlist::{Country, FuzzyDate, IdKind, Identifier, Text};

use crate::ofac::dates;
use crate::ofac::labels::LABELS;

/// Words that end a label which is not in the table.
const LABEL_ENDS: [&str; 4] = [" No. ", " Number ", " # ", " No.: "];

/// A label that is not in the table and longer than this is a sentence.
const LABEL_CHARS_MAX: usize = 60;

/// Marks that may stand between a label and its value.
const LABEL_MARKS: [char; 4] = [' ', '-', '#', ':'];

/// The table of labels in their order: of those that begin with one byte there are few.
static BY_FIRST_BYTE: LazyLock<Vec<(&str, IdKind)>> = LazyLock::new(|| {
    let mut labels = LABELS.to_vec();
    labels.sort_unstable_by_key(|(label, _)| *label);
    labels
});

/// Reads a token as an identifier, or `None` if it is none.
pub(super) fn read(token: &str) -> Option<Identifier> {
    let (label, kind, rest) = known(token).or_else(|| unlisted(token))?;
    let rest = rest.trim_start_matches([' ', ':', '#']).trim();
    let mut identifier = match kind {
        IdKind::Wallet => wallet(rest)?,
        // The whole rest is the value: parentheses and words are part of it.
        IdKind::Phone | IdKind::Fax | IdKind::Telex | IdKind::Email | IdKind::Website | IdKind::Ticker => {
            Identifier::new(kind, Text::new(rest).ok()?)
        }
        _ => document(kind, rest)?,
    };
    name(&mut identifier, label);
    Some(identifier)
}

/// Reads a value whose label stands apart, or gives `None` if the label is not known.
pub(super) fn labelled(label: &str, value: &str) -> Option<Identifier> {
    // A label is known by what follows it, and may go on in the value: `Vessel Registration Identification`, `IMO 1`.
    let token = format!("{label} {value}");
    let (found, kind, rest) = known(&token)?;
    if kind == IdKind::Wallet {
        let mut identifier = wallet(rest.trim())?;
        name(&mut identifier, found);
        return Some(identifier);
    }
    let plain = label.trim_end_matches(LABEL_MARKS);
    let value = if found.len() > label.len() { rest.trim() } else { value };
    let mut identifier = Identifier::new(kind, Text::new(value).ok().filter(|_| found.len() >= plain.len())?);
    name(&mut identifier, if found.len() > label.len() { found } else { label });
    Some(identifier)
}

/// The same for a label that stands on a document: where it is not known, it says what the document is.
pub(super) fn labelled_or_other(label: &str, value: &str) -> Option<Identifier> {
    labelled(label, value).or_else(|| {
        let mut identifier = Identifier::new(IdKind::Other, Text::new(value).ok()?);
        name(&mut identifier, label);
        Some(identifier)
    })
}

fn name(identifier: &mut Identifier, label: &str) {
    identifier.former = label.starts_with("Previous ") || label.starts_with("Former ");
    identifier.label = Text::new(label.trim_end_matches(LABEL_MARKS)).ok();
}

fn known(token: &str) -> Option<(&str, IdKind, &str)> {
    let first = token.as_bytes().first();
    let from = BY_FIRST_BYTE.partition_point(|(label, _)| label.as_bytes().first() < first);
    let candidates =
        BY_FIRST_BYTE.iter().skip(from).take_while(|(label, _)| label.as_bytes().first() == first);
    let fits = |label: &&(&str, IdKind)| {
        token.strip_prefix(label.0).is_some_and(|rest| {
            rest.starts_with(|c: char| !c.is_alphanumeric()) && rest.contains(char::is_alphanumeric)
        })
    };
    let (label, kind) = candidates.filter(fits).max_by_key(|(label, _)| label.len())?;
    Some((token.get(..label.len())?, *kind, token.get(label.len()..)?))
}

/// `Some Kind of Card No. 123`: the label says what it is, the value begins with a word that has a digit.
fn unlisted(token: &str) -> Option<(&str, IdKind, &str)> {
    let (at, end) = LABEL_ENDS.iter().find_map(|end| token.find(end).map(|at| (at, end)))?;
    let (label, rest) = token.split_at_checked(at + end.len())?;
    let is_label = label.starts_with(char::is_uppercase)
        && label.chars().count() <= LABEL_CHARS_MAX
        && !token.get(..at)?.contains(". ")
        && !label.contains(|c: char| c.is_ascii_digit() || c == ',');
    let is_value = rest.split_whitespace().next()?.contains(|c: char| c.is_ascii_digit());
    (is_label && is_value).then_some((label, IdKind::Other, rest))
}

fn wallet(rest: &str) -> Option<Identifier> {
    let (currency, address) = rest.split_once(' ')?;
    let mut wallet = Identifier::new(IdKind::Wallet, Text::new(address.trim()).ok()?);
    wallet.scope = Text::new(currency).ok();
    Some(wallet)
}

fn document(kind: IdKind, rest: &str) -> Option<Identifier> {
    let (rest, expires) = dated(rest, " expires ");
    let (rest, issued) = dated(rest, " issued ");
    let (value, country) = match rest.rsplit_once('(') {
        Some((value, inside)) if is_country(inside) => (value.trim(), inside.strip_suffix(')')),
        _ => (rest, None),
    };
    let mut identifier = Identifier::new(kind, Text::new(value.trim_end_matches([',', ' '])).ok()?);
    identifier.country = country.and_then(|name| Text::new(name.trim()).ok()).map(Country::new);
    identifier.issued = issued;
    identifier.expires = expires;
    Some(identifier)
}

fn dated<'a>(rest: &'a str, word: &str) -> (&'a str, Option<FuzzyDate>) {
    match rest.split_once(word) {
        Some((before, date)) => (before.trim(), dates::parse_or_keep(date)),
        None => (rest, None),
    }
}

fn is_country(inside: &str) -> bool {
    let name = inside.strip_suffix(')').unwrap_or_default();
    name.starts_with(char::is_uppercase) && !name.contains(|c: char| c.is_ascii_digit() || c == ')')
}

#[cfg(test)]
mod tests {
    use comity_watchlist::PartialDate;

    use super::*;

    #[test]
    fn a_document_has_value_country_and_dates() {
        let passport = read("Passport RL 1622378 (Lebanon) issued 18 Jul 2010 expires Jul 2015").unwrap();
        assert_eq!(passport.kind, IdKind::Passport);
        assert_eq!(passport.value.as_str(), "RL 1622378");
        assert_eq!(passport.country.unwrap().name.as_str(), "Lebanon");
        assert_eq!(passport.issued, Some(PartialDate::day(2010, 7, 18).unwrap().into()));
        assert_eq!(passport.expires, Some(PartialDate::month(2015, 7).unwrap().into()));
    }

    #[test]
    fn the_longest_label_counts() {
        let company = read("Identification Number IMO 5342883").unwrap();
        assert_eq!((company.kind, company.value.as_str()), (IdKind::ImoCompany, "5342883"));
        let code = read("Unified Social Credit Code (USCC) 91222401MA0Y31E659 (China)").unwrap();
        assert_eq!((code.kind, code.value.as_str()), (IdKind::Registration, "91222401MA0Y31E659"));
        let wallet = read("Digital Currency Address - XBT 1InventedAddress").unwrap();
        assert_eq!((wallet.kind, wallet.value.as_str()), (IdKind::Wallet, "1InventedAddress"));
        assert_eq!(wallet.scope.unwrap().as_str(), "XBT");
        let phone = read("Telephone (98)(21)(0000000)").unwrap();
        assert_eq!((phone.kind, phone.value.as_str()), (IdKind::Phone, "(98)(21)(0000000)"));
        assert!(read("Previous Aircraft Tail Number 2-WGLP").unwrap().former);
    }

    #[test]
    fn each_label_of_the_table_is_found() {
        for (label, kind) in LABELS {
            let token = format!("{label} 1");
            assert_eq!(known(&token), Some((label, kind, " 1")));
            assert_eq!(known(&format!("_{token}")), None);
        }
        assert_eq!(known(""), None);
    }

    #[test]
    fn a_card_of_unknown_kind_keeps_its_label_and_a_sentence_is_no_card() {
        let card = read("Ruritanian Library Card No. 77-A (Ruritania)").unwrap();
        assert_eq!((card.kind, card.value.as_str()), (IdKind::Other, "77-A"));
        assert_eq!(card.label.unwrap().as_str(), "Ruritanian Library Card No.");
        for token in
            ["Passport", "Passports were burnt", "Judge in Court, Branch No. 15", "all offices worldwide"]
        {
            assert_eq!(read(token), None, "{token}");
        }
    }
}
