//! Whether the check digits of an identifier fit: worked out when a record is made, kept with it and shown.
//!
//! Only kinds whose rule is public and leaves no room: a value that is none of the kind's form by letters that it cannot
//! have, such as a remark beside the number, gets no verdict. Nothing is refused or dropped for its checksum: a number with
//! a slip in it may still lead to somebody. Not for: what two ways to write a number have in common (`screening`).

use crate::identifier::IdKind;

/// The verdict on the check digits of an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// They fit.
    Valid,
    /// They do not fit, or the number has another length than its kind has.
    Invalid,
    /// A code that this program does not know.
    Unknown(u64),
}

impl Checksum {
    /// Its code in the byte form.
    pub const fn code(self) -> u64 {
        match self {
            Self::Valid => 1,
            Self::Invalid => 2,
            Self::Unknown(code) => code,
        }
    }

    /// The verdict of a code.
    pub const fn from_code(code: u64) -> Self {
        match code {
            1 => Self::Valid,
            2 => Self::Invalid,
            _ => Self::Unknown(code),
        }
    }

    /// The verdict on a value as written; `None` if its kind has no check digits, or it cannot be read as one of its kind.
    pub fn of(kind: IdKind, value: &str) -> Option<Self> {
        let fits = match kind {
            IdKind::Imo => imo(&plain(value, "IMO")?)?,
            IdKind::Lei => lei(&plain(value, "LEI")?),
            IdKind::Iban => iban(&plain(value, "IBAN")?),
            IdKind::Isin => isin(&plain(value, "ISIN")?),
            IdKind::Passport => machine_readable(value)?,
            _ => return None,
        };
        Some(if fits { Self::Valid } else { Self::Invalid })
    }
}

/// Capital letters and digits, without a prefix that names the kind; `None` if there are other characters than those and
/// what parts them.
fn plain(value: &str, prefix: &str) -> Option<String> {
    let parts = |c: &char| !(c.is_whitespace() || matches!(c, '-' | '.' | ':'));
    let value: String = value.chars().filter(parts).map(|c| c.to_ascii_uppercase()).collect();
    let bare = value.strip_prefix(prefix).unwrap_or(&value);
    (!bare.is_empty() && bare.bytes().all(|b| b.is_ascii_alphanumeric())).then(|| bare.to_owned())
}

/// 0 to 35 for digits and capital letters, as ISO 7064 and ICAO 9303 count them.
fn worth(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(36)
}

/// IMO resolution A.1117(30): seven digits, the last of the sum of the first six by 7 to 2.
fn imo(number: &str) -> Option<bool> {
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits: Vec<u32> = number.bytes().filter_map(worth).collect();
    let [rest @ .., last] = digits.as_slice() else { return None };
    let sum: u32 = rest.iter().zip((2..=7).rev()).map(|(digit, weight)| digit * weight).sum();
    Some(digits.len() == 7 && sum % 10 == *last)
}

/// ISO 17442-1: 20 characters, the last two the check digits of ISO 7064 mod 97-10.
fn lei(code: &str) -> bool {
    let ends_in_digits = code.len() == 20 && code.bytes().skip(18).all(|b| b.is_ascii_digit());
    ends_in_digits && mod_97(code.bytes()) == 1
}

/// ISO 13616-1: country, check digits and the national number, 15 to 34 characters; mod 97-10 with the first four last.
fn iban(number: &str) -> bool {
    let (head, rest) = number.split_at_checked(4).unwrap_or(("", ""));
    let mut bytes = head.bytes();
    let letters = bytes.by_ref().take(2).filter(u8::is_ascii_alphabetic).count();
    let digits = bytes.filter(u8::is_ascii_digit).count();
    let has_form = (15..=34).contains(&number.len()) && letters == 2 && digits == 2;
    has_form && mod_97(rest.bytes().chain(head.bytes())) == 1
}

/// ISO 6166: two letters, nine characters and a digit that makes the doubled sum a multiple of ten.
fn isin(code: &str) -> bool {
    let bytes = code.as_bytes();
    let ends_in_digit = bytes.last().is_some_and(u8::is_ascii_digit);
    if bytes.len() != 12 || !bytes.iter().take(2).all(u8::is_ascii_alphabetic) || !ends_in_digit {
        return false;
    }
    let worths = bytes.iter().filter_map(|byte| worth(*byte));
    let digits: Vec<u32> = worths.flat_map(|n| if n > 9 { vec![n / 10, n % 10] } else { vec![n] }).collect();
    let doubled = digits.iter().rev().zip([1, 2].into_iter().cycle()).map(|(digit, times)| digit * times);
    doubled.map(|n| n / 10 + n % 10).sum::<u32>().is_multiple_of(10)
}

/// ISO 7064 mod 97 of digits, and of letters as two digits.
fn mod_97(bytes: impl Iterator<Item = u8>) -> u32 {
    bytes.filter_map(worth).fold(0, |rest, n| (rest * if n > 9 { 100 } else { 10 } + n) % 97)
}

/// ICAO 9303: the second line of a passport's machine-readable zone, or its number with fillers and the check digit. A
/// number alone carries none, and what has no digits where check digits stand is neither of the two.
fn machine_readable(value: &str) -> Option<bool> {
    let value: Vec<u8> =
        value.bytes().filter(|b| !b.is_ascii_whitespace()).map(|b| b.to_ascii_uppercase()).collect();
    let is_of_zone = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'<';
    if !value.iter().all(is_of_zone) {
        return None;
    }
    let part = |from: usize, to: usize| value.get(from..to).unwrap_or_default();
    let has_digit = |at: usize| value.get(at).is_some_and(u8::is_ascii_digit);
    let checks = |from: usize, to: usize| is_checked(part(from, to), value.get(to).copied());
    match value.len() {
        // Part 3, 4.9: number with one digit and fillers, such as `X0000017<9`.
        10 if part(0, 9).contains(&b'<') && has_digit(9) => Some(checks(0, 9)),
        // Part 4, 4.2.2: number, birth, expiry, what the country adds, and all of them once more.
        44 if [9, 19, 27].into_iter().all(has_digit) && is_of_holder(part(10, 13), part(20, 21)) => {
            let all = [part(0, 10), part(13, 20), part(21, 43)].concat();
            let last = value.last().copied();
            let optional =
                checks(28, 42) || (part(28, 42).iter().all(|b| *b == b'<') && part(42, 43) == b"<");
            Some(checks(0, 9) && checks(13, 19) && checks(21, 27) && optional && is_checked(&all, last))
        }
        _ => None,
    }
}

/// ICAO 9303-4, 4.2.2: nationality and sex as a machine-readable zone has them, in letters or fillers.
fn is_of_holder(nationality: &[u8], sex: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'<';
    nationality.iter().all(is_letter) && matches!(sex, b"M" | b"F" | b"X" | b"<")
}

/// ICAO 9303-3, 4.9: the sum by 7, 3 and 1 in turn, a filler counting nothing.
fn is_checked(part: &[u8], digit: Option<u8>) -> bool {
    let worths = part.iter().map(|byte| worth(*byte).unwrap_or(0));
    let sum: u32 = worths.zip([7, 3, 1].into_iter().cycle()).map(|(n, weight)| n * weight).sum();
    digit.filter(u8::is_ascii_digit).and_then(worth) == Some(sum % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(kind: IdKind, values: &[(&str, Option<Checksum>)]) {
        for (value, verdict) in values {
            assert_eq!(Checksum::of(kind, value), *verdict, "{kind} {value}");
        }
    }

    const VALID: Option<Checksum> = Some(Checksum::Valid);
    const INVALID: Option<Checksum> = Some(Checksum::Invalid);

    #[test]
    fn a_number_is_valid_by_its_standard_and_a_slip_is_not() {
        verdicts(
            IdKind::Imo,
            &[("9074729", VALID), ("IMO 9074729", VALID), ("imo: 9074729", VALID), ("9074728", INVALID)],
        );
        verdicts(
            IdKind::Iban,
            &[
                ("GB82 WEST 1234 5698 7654 32", VALID),
                ("xa59zenda0000000017", VALID),
                ("XA58ZENDA0000000017", INVALID),
            ],
        );
        verdicts(IdKind::Lei, &[("0000000000ZENDAAAA19", VALID), ("0000000000ZENDAAAA91", INVALID)]);
        verdicts(IdKind::Isin, &[("XA000ZENDA09", VALID), ("XA000ZENDA08", INVALID)]);
        // The specimen of ICAO 9303-4.
        let specimen = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";
        verdicts(
            IdKind::Passport,
            &[(specimen, VALID), ("L898902C<3", VALID), ("L898902C<4", INVALID), ("X0000017<9", VALID)],
        );
        let empty = "X0000017<9XXA6203098M2001056<<<<<<<<<<<<<<<2";
        verdicts(IdKind::Passport, &[(empty, VALID), (&empty.replace("62", "63"), INVALID)]);
        // The sum of an IMO number passes some slips: 5 more in a digit that counts 2, 4 or 6 times.
        for (kind, good) in [
            (IdKind::Iban, "XA59ZENDA0000000017"),
            (IdKind::Lei, "0000000000ZENDAAAA19"),
            (IdKind::Isin, "XA000ZENDA09"),
        ] {
            for at in 0..good.len() {
                for digit in '0'..='9' {
                    let mut slip: Vec<char> = good.chars().collect();
                    if slip[at] == digit || !slip[at].is_ascii_digit() {
                        continue;
                    }
                    slip[at] = digit;
                    let slip: String = slip.into_iter().collect();
                    assert_eq!(Checksum::of(kind, &slip), INVALID, "{slip}");
                }
            }
        }
    }

    #[test]
    fn forty_four_characters_that_are_no_machine_readable_line_have_no_verdict() {
        let line = "X0000017<9XXA6203098M2001056<<<<<<<<<<<<<<<2";
        verdicts(IdKind::Passport, &[(line, VALID), (&line.replace("<2", "<3"), INVALID)]);
        let with = |at: usize, byte: &str| [&line[..at], byte, &line[at + 1..]].concat();
        for (at, byte) in
            [(9, "A"), (9, "<"), (19, "Q"), (19, "<"), (27, "Z"), (10, "0"), (12, "7"), (20, "3")]
        {
            verdicts(IdKind::Passport, &[(&with(at, byte), None)]);
        }
        // A slip in what is checked, and one in a check digit, are told all the same.
        for (at, byte) in [(0, "Y"), (9, "8"), (14, "3"), (27, "7"), (43, "A")] {
            verdicts(IdKind::Passport, &[(&with(at, byte), INVALID)]);
        }
        for value in [
            "A".repeat(44),
            "7".repeat(44),
            "<".repeat(44),
            "PASSPORT<ISSUED<AT<ZENDA".to_owned() + &"<".repeat(20),
        ] {
            verdicts(IdKind::Passport, &[(&value, None)]);
        }
        verdicts(IdKind::Passport, &[("X0000017<A", None), ("NOT<KNOWN<", None)]);
    }

    #[test]
    fn another_length_is_invalid_and_what_is_no_number_of_its_kind_has_no_verdict() {
        verdicts(
            IdKind::Imo,
            &[("907472", INVALID), ("90747291", INVALID), ("IMO", None), ("unknown", None)],
        );
        verdicts(IdKind::Imo, &[("9074729 (former)", None), ("٩٠٧٤٧٢٩", None), ("", None)]);
        verdicts(
            IdKind::Iban,
            &[("XA59", INVALID), ("", None), ("XA59/17", None), (&"9".repeat(40), INVALID)],
        );
        verdicts(IdKind::Lei, &[("0000000000ZENDAAAA", INVALID), ("n/a", None), ("é", None)]);
        verdicts(IdKind::Isin, &[("XA", INVALID), ("000000000000", INVALID)]);
        verdicts(IdKind::Passport, &[("X0000017", None), ("X000001799", None), ("no. <1>", None)]);
        verdicts(IdKind::NationalId, &[("9074729", None)]);
        assert_eq!([1, 2, 9].map(|code| Checksum::from_code(code).code()), [1, 2, 9]);
    }
}
