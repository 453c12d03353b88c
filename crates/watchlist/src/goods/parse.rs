//! Reading a code of goods: runs of letters or digits, and what each scheme makes of them.
//!
//! Refuses rather than guesses: a zero too many, a wrong count of digits or two dots is no code. Not for: what covers
//! what, and the written form (`goods`).

use super::{GoodsError, GoodsScheme};

/// Highest number of a paragraph. The longest lists of chemicals have fewer than a hundred.
const PARAGRAPH_MAX: u16 = 999;

/// Highest Roman numeral of a paragraph.
const ROMAN_MAX: u16 = 99;

/// Entries of the munitions lists of the Wassenaar Arrangement and of the European Union.
const MUNITIONS_MAX: u16 = 22;

/// Categories of the munitions list of the United States (22 CFR 121.1).
const USML_MAX: u16 = 21;

/// Entries of one group of the Wassenaar dual-use list: national lists write them as 001 to 099.
const WASSENAAR_MAX: u16 = 99;

/// The path of a code that is not too long.
pub(super) fn path(scheme: GoodsScheme, text: &str) -> Result<Vec<String>, GoodsError> {
    let text = Written::of(text);
    match scheme {
        GoodsScheme::EuDualUse | GoodsScheme::Eccn => dual_use(scheme, &text.runs()?),
        GoodsScheme::WassenaarDualUse => wassenaar(&text.runs()?),
        GoodsScheme::EuMilitary | GoodsScheme::WassenaarMunitions => munitions(scheme, &text.runs()?),
        GoodsScheme::Usml => usml(&text.runs_in_brackets()?),
        GoodsScheme::Hs | GoodsScheme::Cn | GoodsScheme::Taric => tariff(scheme, &text),
    }
}

/// What is left of a text, and how long it was.
#[derive(Clone, Copy)]
struct Written<'a> {
    rest: &'a str,
    len: usize,
}

/// Letters or digits without a break.
#[derive(Clone, Copy)]
struct Run<'a> {
    text: &'a str,
    /// Where it begins, in bytes.
    at: usize,
}

impl<'a> Written<'a> {
    /// The text without space around it and without a dot at its end, as lists write it behind a number.
    fn of(text: &'a str) -> Self {
        let text = text.trim_end_matches(is_space);
        let text = text.strip_suffix('.').unwrap_or(text).trim_end_matches(is_space);
        Self { rest: text.trim_start_matches(is_space), len: text.len() }
    }

    const fn at(self) -> usize {
        self.len.saturating_sub(self.rest.len())
    }

    const fn unexpected(self) -> GoodsError {
        GoodsError::Character { at: self.at() }
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches(is_space);
    }

    fn skip(&mut self, mark: char) -> bool {
        let skipped = self.rest.strip_prefix(mark);
        self.rest = skipped.unwrap_or(self.rest);
        skipped.is_some()
    }

    fn run(&mut self) -> Result<Run<'a>, GoodsError> {
        let at = self.at();
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (text, rest) = self.rest.split_at(digits.max(letters));
        if text.is_empty() {
            return Err(self.unexpected());
        }
        self.rest = rest;
        Ok(Run { text, at })
    }

    /// All runs; between two of them there may be spaces and one dot.
    fn runs(mut self) -> Result<Vec<Run<'a>>, GoodsError> {
        if self.rest.is_empty() {
            return Err(GoodsError::Empty);
        }
        let mut runs = vec![self.run()?];
        while !self.rest.is_empty() {
            self.skip_spaces();
            self.skip('.');
            self.skip_spaces();
            runs.push(self.run()?);
        }
        Ok(runs)
    }

    /// All runs, those behind the first each in brackets; or as [`Written::runs`], if there are no brackets.
    fn runs_in_brackets(mut self) -> Result<Vec<Run<'a>>, GoodsError> {
        if !self.rest.contains('(') {
            return self.runs();
        }
        let mut runs = vec![self.run()?];
        while !self.rest.is_empty() {
            self.skip_spaces();
            if !self.skip('(') {
                return Err(self.unexpected());
            }
            runs.push(self.run()?);
            if !self.skip(')') {
                return Err(self.unexpected());
            }
        }
        Ok(runs)
    }
}

/// A space, or one that does not break, which pages of official journals are full of.
const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}')
}

/// `1C350.a.12`: category, group and number are one segment.
fn dual_use(scheme: GoodsScheme, runs: &[Run<'_>]) -> Result<Vec<String>, GoodsError> {
    let wrong = GoodsError::Entry { scheme };
    if scheme == GoodsScheme::Eccn
        && let [first, second, rest @ ..] = runs
        && first.text.eq_ignore_ascii_case("ear")
        && second.text == "99"
    {
        return if rest.is_empty() { Ok(vec!["EAR99".to_owned()]) } else { Err(GoodsError::Undivided) };
    }
    let [category, group, number, paragraphs @ ..] = runs else { return Err(wrong) };
    let group = group_of(*group).ok_or(wrong)?;
    let is_digits = |run: &Run<'_>, count| run.text.len() == count && run.text.bytes().all(is_digit);
    if !is_digits(category, 1) || !is_digits(number, 3) || number.text == "000" {
        return Err(wrong);
    }
    below(scheme, vec![format!("{}{group}{}", category.text, number.text)], paragraphs)
}

/// `1.C.1.a`, which national lists write `1C001.a`: category, group and number are a segment each.
fn wassenaar(runs: &[Run<'_>]) -> Result<Vec<String>, GoodsError> {
    let scheme = GoodsScheme::WassenaarDualUse;
    let wrong = GoodsError::Entry { scheme };
    let [category, group, number, paragraphs @ ..] = runs else { return Err(wrong) };
    let category = number_of(category.text, 9).ok_or(wrong)?;
    let group = group_of(*group).ok_or(wrong)?;
    let digits = number.text;
    let padded = (digits.len() == 3).then(|| digits.trim_start_matches('0'));
    let number = number_of(padded.unwrap_or(digits), WASSENAAR_MAX).ok_or(wrong)?;
    below(scheme, vec![category.to_string(), group.to_string(), number.to_string()], paragraphs)
}

/// `ML1.a`.
fn munitions(scheme: GoodsScheme, runs: &[Run<'_>]) -> Result<Vec<String>, GoodsError> {
    let wrong = GoodsError::Entry { scheme };
    let [mark, number, paragraphs @ ..] = runs else { return Err(wrong) };
    let number = number_of(number.text, MUNITIONS_MAX).filter(|_| mark.text.eq_ignore_ascii_case("ml"));
    below(scheme, vec![format!("ML{}", number.ok_or(wrong)?)], paragraphs)
}

/// `VIII(h)(1)`: letter, number, Roman numeral and capital letter, as paragraphs of the CFR are (1 CFR 21.11).
fn usml(runs: &[Run<'_>]) -> Result<Vec<String>, GoodsError> {
    let scheme = GoodsScheme::Usml;
    let wrong = GoodsError::Entry { scheme };
    let (category, paragraphs) = runs.split_first().ok_or(wrong)?;
    let mut path = vec![roman_of(category.text, USML_MAX).ok_or(wrong)?];
    for (run, place) in paragraphs.iter().zip(1..) {
        let segment = match place {
            1 => letter_of(run.text),
            2 => number_of(run.text, PARAGRAPH_MAX).map(|number| number.to_string()),
            3 => roman_of(run.text, ROMAN_MAX).map(|numeral| numeral.to_ascii_lowercase()),
            4 => letter_of(run.text).map(|letter| letter.to_ascii_uppercase()),
            _ => None,
        };
        path.push(segment.ok_or(GoodsError::Paragraph { scheme, place })?);
    }
    Ok(path)
}

/// Pairs of digits, which spaces and dots may part but not split.
fn tariff(scheme: GoodsScheme, text: &Written<'_>) -> Result<Vec<String>, GoodsError> {
    let mut path = Vec::new();
    let mut count: usize = 0;
    for run in text.runs()? {
        let digits = run.text.as_bytes();
        if let Some(letter) = digits.iter().position(|byte| !is_digit(*byte)) {
            return Err(GoodsError::Character { at: run.at + letter });
        }
        count += digits.len();
        let (pairs, alone) = digits.as_chunks::<2>();
        if !alone.is_empty() && run.text.len() != text.rest.len() {
            return Err(GoodsError::Character { at: run.at + digits.len() });
        }
        path.extend(pairs.iter().map(|pair| pair.iter().map(|digit| char::from(*digit)).collect::<String>()));
    }
    let fits = match scheme {
        GoodsScheme::Hs => matches!(count, 2 | 4 | 6),
        GoodsScheme::Cn => count == 8,
        _ => count == 10,
    };
    if !fits {
        return Err(GoodsError::Digits { scheme, count });
    }
    if path.first().is_some_and(|chapter| chapter == "00") {
        return Err(GoodsError::Chapter);
    }
    Ok(path)
}

/// A path with the paragraphs of a control list behind its entry.
fn below(
    scheme: GoodsScheme,
    mut path: Vec<String>,
    paragraphs: &[Run<'_>],
) -> Result<Vec<String>, GoodsError> {
    for (run, place) in paragraphs.iter().zip(1..) {
        let number = || number_of(run.text, PARAGRAPH_MAX).map(|number| number.to_string());
        let segment = letter_of(run.text).or_else(number);
        path.push(segment.ok_or(GoodsError::Paragraph { scheme, place })?);
    }
    Ok(path)
}

fn group_of(run: Run<'_>) -> Option<char> {
    let mut letters = run.text.chars().map(|c| c.to_ascii_uppercase());
    let group = letters.next().filter(|letter| ('A'..='E').contains(letter));
    group.filter(|_| letters.next().is_none())
}

/// One small letter, or twice the same, as lists go on behind z.
fn letter_of(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let is_letter = match text.as_bytes() {
        [one] => one.is_ascii_alphabetic(),
        [one, two] => one.is_ascii_alphabetic() && one == two,
        _ => false,
    };
    is_letter.then_some(text)
}

/// A number from 1, without zeros before it.
fn number_of(text: &str, max: u16) -> Option<u16> {
    let fits = text.bytes().all(is_digit) && !text.starts_with('0');
    text.parse().ok().filter(|number| fits && (1..=max).contains(number))
}

/// A Roman numeral, in capital letters.
fn roman_of(text: &str, max: u16) -> Option<String> {
    (1..=max).map(roman).find(|numeral| numeral.eq_ignore_ascii_case(text))
}

fn roman(mut number: u16) -> String {
    const SIGNS: [(u16, &str); 8] =
        [(90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")];
    let mut numeral = String::new();
    for (value, sign) in SIGNS {
        while number >= value {
            numeral.push_str(sign);
            number -= value;
        }
    }
    numeral
}

const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}
