//! The canonical value of an identifier, by kind: what two ways to write one number have in common.
//!
//! Refuses rather than guesses: a value that its kind cannot have is not indexed, and a query for it is an error.
//! Zeros are never dropped. Not for: keyed tags and checksums, which live in `indicators`.

use std::fmt;

use comity_watchlist::IdKind;

use crate::fold::folded;

/// What values of one kind look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Letters and digits; spaces, hyphens and dots are set aside.
    Document,
    /// So many digits, behind a prefix that may be left out.
    Digits { count: usize, prefix: &'static str },
    /// Letters and digits, of a length within bounds.
    Letters { least: usize, most: usize },
    /// 8 or 11 letters and digits.
    Bic,
    /// 6 hexadecimal digits.
    Hex6,
    /// Digits, spaces, hyphens, dots, brackets, a plus sign.
    Phone,
    /// One `@` between two parts.
    Email,
    /// An address without spaces.
    Website,
    /// An address without spaces, in which case may matter.
    Wallet,
    /// A name in a network, without spaces.
    Handle,
}

impl Shape {
    /// The shape of a kind.
    pub(crate) fn of(kind: IdKind) -> Self {
        match kind {
            IdKind::Imo | IdKind::ImoCompany => Self::Digits { count: 7, prefix: "imo" },
            IdKind::Mmsi => Self::Digits { count: 9, prefix: "mmsi" },
            IdKind::Duns => Self::Digits { count: 9, prefix: "duns" },
            IdKind::Lei => Self::Letters { least: 20, most: 20 },
            IdKind::Isin => Self::Letters { least: 12, most: 12 },
            // ISO 13616-1: the shortest national format has 15 characters, the longest possible 34.
            IdKind::Iban => Self::Letters { least: 15, most: 34 },
            IdKind::Swift => Self::Bic,
            IdKind::ModeS => Self::Hex6,
            IdKind::Phone | IdKind::Fax | IdKind::Telex => Self::Phone,
            IdKind::Email => Self::Email,
            IdKind::Website => Self::Website,
            IdKind::Wallet => Self::Wallet,
            IdKind::Handle => Self::Handle,
            _ => Self::Document,
        }
    }

    /// The canonical value, or `None` if no value of this shape is written so.
    pub(crate) fn read(self, value: &str) -> Option<String> {
        match self {
            Self::Wallet => wallet(value),
            Self::Website => website(value),
            Self::Phone => phone(&plain_digits(&folded(value))),
            Self::Email => email(folded(value.trim())),
            Self::Handle => handle(&folded(value.trim())),
            Self::Document | Self::Digits { .. } | Self::Letters { .. } | Self::Bic | Self::Hex6 => {
                self.read_number(plain_digits(&folded(value)).chars().filter(|c| !is_set_aside(*c)).collect())
            }
        }
    }

    fn read_number(self, number: String) -> Option<String> {
        let all = |test: fn(&char) -> bool| number.chars().all(|c| test(&c));
        match self {
            Self::Digits { count, prefix } => {
                let digits = number.strip_prefix(prefix).unwrap_or(&number);
                let fits = digits.len() == count && digits.bytes().all(|b| b.is_ascii_digit());
                fits.then(|| digits.to_owned())
            }
            Self::Letters { least, most } => {
                let fits = (least..=most).contains(&number.len()) && all(char::is_ascii_alphanumeric);
                fits.then_some(number)
            }
            // ISO 9362: the branch of three X is the head office, which the short form names, too.
            Self::Bic => match (number.len(), all(char::is_ascii_alphanumeric)) {
                (8, true) => Some(number),
                (11, true) => Some(number.strip_suffix("xxx").map(str::to_owned).unwrap_or(number)),
                _ => None,
            },
            Self::Hex6 => (number.len() == 6 && all(char::is_ascii_hexdigit)).then_some(number),
            _ => number.chars().any(char::is_alphanumeric).then_some(number),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document => f.write_str("letters or digits"),
            Self::Digits { count, .. } => write!(f, "{count} digits"),
            Self::Letters { least, most } if least == most => write!(f, "{least} letters and digits"),
            Self::Letters { least, most } => write!(f, "{least} to {most} letters and digits"),
            Self::Bic => f.write_str("8 or 11 letters and digits"),
            Self::Hex6 => f.write_str("6 hexadecimal digits"),
            Self::Phone => f.write_str("digits, with '+', spaces, hyphens, dots or brackets"),
            Self::Email => f.write_str("two parts around one '@', without spaces"),
            Self::Website | Self::Wallet => f.write_str("an address without spaces"),
            Self::Handle => f.write_str("a name without spaces"),
        }
    }
}

fn is_set_aside(c: char) -> bool {
    c.is_whitespace() || is_dash(c) || c == '.'
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Decimal digits of scripts that documents are written in, as ASCII: the same number, not a guess.
fn plain_digits(text: &str) -> String {
    // The zeros of Arabic, Persian, Devanagari and Bengali.
    const ZEROS: [u32; 4] = [0x0660, 0x06f0, 0x0966, 0x09e6];
    let plain = |c: char| {
        let digit = ZEROS.iter().find_map(|zero| u32::from(c).checked_sub(*zero).filter(|digit| *digit < 10));
        digit.and_then(|digit| char::from_digit(digit, 10)).unwrap_or(c)
    };
    text.chars().map(plain).collect()
}

fn phone(text: &str) -> Option<String> {
    let set_aside = |c: char| is_set_aside(c) || matches!(c, '+' | '(' | ')');
    let digits: String = text.chars().filter(|c| !set_aside(*c)).collect();
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

fn email(text: String) -> Option<String> {
    let parts: Vec<&str> = text.split('@').collect();
    let fits = parts.len() == 2 && parts.iter().all(|part| !part.is_empty());
    (fits && !text.contains(char::is_whitespace)).then_some(text)
}

fn handle(text: &str) -> Option<String> {
    let text = text.strip_prefix('@').unwrap_or(text);
    let fits = text.chars().any(char::is_alphanumeric) && !text.contains(char::is_whitespace);
    fits.then(|| text.to_owned())
}

/// Scheme and last slash away, the host in one case; the path is the site's own business and stays.
fn website(value: &str) -> Option<String> {
    let value = value.trim();
    let schemes = ["http://", "https://"];
    let is_scheme = |scheme: &&str| value.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme));
    let bare = schemes.iter().find(|s| is_scheme(s)).and_then(|s| value.get(s.len()..)).unwrap_or(value);
    let bare = bare.strip_suffix('/').unwrap_or(bare);
    let (host, path) = bare.find('/').map_or((bare, ""), |at| bare.split_at(at));
    let fits = host.contains(char::is_alphanumeric) && !bare.contains(char::is_whitespace);
    fits.then(|| format!("{}{path}", folded(host)))
}

/// Base58 tells case apart; hexadecimal and bech32 (BIP 173) addresses mean the same in either.
fn wallet(value: &str) -> Option<String> {
    let value = value.trim();
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let lower = value.to_ascii_lowercase();
    let hex = lower.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    let one_case = value == lower || value == value.to_ascii_uppercase();
    let bech32 = one_case && ["bc1", "tb1", "ltc1", "addr1"].iter().any(|prefix| lower.starts_with(prefix));
    Some(if hex || bech32 { lower } else { value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: IdKind, value: &str) -> Option<String> {
        Shape::of(kind).read(value)
    }

    #[test]
    fn one_number_written_in_many_ways_is_one() {
        for (kind, ways) in [
            (IdKind::Passport, vec!["A 12-34", "a1234", "Ａ１２３４", "A\u{2011}1234", "A١٢٣٤"]),
            (IdKind::TaxId, vec!["76.123.456-K", "76123456k"]),
            (IdKind::Imo, vec!["IMO 9074729", "9074729", "imo9074729", "907-4729"]),
            (IdKind::Swift, vec!["ABCDXX22", "abcdxx22xxx"]),
            (IdKind::Phone, vec!["+99 (0)12 345-67", "9901234567"]),
            (IdKind::Email, vec!["Info@Example.ORG", " info@example.org "]),
            (IdKind::Website, vec!["HTTPS://Example.org/A/", "example.org/A"]),
            (IdKind::Wallet, vec!["BC1QXYZ", "bc1qxyz"]),
            (IdKind::Wallet, vec!["0xAbCd", "0XABCD"]),
            (IdKind::Handle, vec!["@Vell", "vell"]),
            (IdKind::ModeS, vec!["4B1A2C", "4b1a2c"]),
        ] {
            let values: Vec<_> = ways.iter().map(|way| read(kind, way).expect("is read")).collect();
            assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "{kind}: {values:?}");
        }
    }

    #[test]
    fn what_differs_stays_apart() {
        for (kind, one, other) in [
            (IdKind::Passport, "0012", "12"),
            (IdKind::Registration, "1/23", "12/3"),
            (IdKind::Wallet, "1aBc", "1abc"),
            (IdKind::Website, "example.org/A", "example.org/a"),
            (IdKind::Swift, "ABCDXX22", "ABCDXX22123"),
        ] {
            assert_ne!(read(kind, one), read(kind, other), "{kind}");
        }
    }

    #[test]
    fn a_value_that_its_kind_cannot_have_is_refused() {
        for (kind, value) in [
            (IdKind::Imo, "907472"),
            (IdKind::Imo, "90747290"),
            (IdKind::Imo, "907472X"),
            (IdKind::Mmsi, "12345678"),
            (IdKind::Lei, "0000"),
            (IdKind::Swift, "ABCDXX2"),
            (IdKind::Passport, " - . "),
            (IdKind::Passport, ""),
            (IdKind::Phone, "call me"),
            (IdKind::Email, "a@b@c"),
            (IdKind::Email, "nobody"),
            (IdKind::Wallet, "1a bc"),
            (IdKind::Website, "two words"),
            (IdKind::Handle, "@"),
            (IdKind::ModeS, "XYZ123"),
        ] {
            assert_eq!(read(kind, value), None, "{kind} {value:?}");
        }
    }
}
