//! The codes of one edition of a control list or customs tariff, with their titles, as an agency enters them; and by what
//! a code of goods names the edition that it was written against.
//!
//! An edition that does not fit one entry is parted: each part says how many there are, so that half of an edition is never
//! taken for one. Not for: which editions a log has and which is the newest (`screening`), or how a code is read (`goods`).

use crate::cbor::Fields;
use crate::date::CalendarDate;
use crate::error::RecordError;
use crate::form::{self, Bound, Form, bound};
use crate::goods::{GoodsCode, GoodsError, GoodsScheme};
use crate::key::{EntryRef, ListId, OriginName, RecordKey, Reference};
use crate::length::Put;
use crate::limits::{VOCABULARY_CODES_MAX, VOCABULARY_PART_BYTES_MAX, VOCABULARY_PARTS_MAX};
use crate::text::Text;

/// What stands before the word of the scheme in the list id of a vocabulary.
const LIST: &str = "vocabulary/";

const FIELD: &str = "vocabulary";
const CODES: Bound = bound("vocabulary.codes", VOCABULARY_CODES_MAX);
const TITLES: Bound = bound("vocabulary.titles", VOCABULARY_CODES_MAX);

/// Bytes that a code or a title takes beside its letters.
const HEAD_BYTES: usize = 3;

/// A code with what the list or tariff calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TitledCode {
    /// The code.
    pub code: GoodsCode,
    /// Its title.
    pub title: Text,
}

/// One part of an edition; its scheme and its name stand in the key of the change that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VocabularyPart {
    /// From which day the edition is in force.
    pub in_force: CalendarDate,
    /// Which part it is, from 1.
    number: u64,
    /// How many parts the edition has.
    parts: u64,
    /// How many codes all of them have.
    total: u64,
    codes: Vec<TitledCode>,
    unknown: Fields,
}

/// The edition that a code of goods was written against: where its first part stands. The name is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VocabularyRef {
    /// The log.
    pub origin: OriginName,
    /// The leaf hash of the entry of its first part.
    pub leaf: EntryRef,
    /// What the edition is called.
    pub edition: Reference,
    unknown: Fields,
}

impl VocabularyRef {
    /// Names an edition.
    pub const fn new(origin: OriginName, leaf: EntryRef, edition: Reference) -> Self {
        Self { origin, leaf, edition, unknown: Fields::new() }
    }
}

impl VocabularyPart {
    /// Parts an edition. The codes are put in order.
    ///
    /// # Errors
    /// [`RecordError`] if there is no code, one of another scheme, one that stands twice, or more than
    /// [`VOCABULARY_CODES_MAX`] codes or [`VOCABULARY_PARTS_MAX`] parts.
    pub fn of(
        scheme: GoodsScheme,
        in_force: CalendarDate,
        mut codes: Vec<TitledCode>,
    ) -> Result<Vec<Self>, RecordError> {
        codes.sort_by(|one, other| one.code.path().cmp(other.code.path()));
        check(scheme, &codes)?;
        let total = count(codes.len());
        let mut parts: Vec<Vec<TitledCode>> = Vec::new();
        let mut bytes = VOCABULARY_PART_BYTES_MAX;
        for one in codes {
            let more = one.code.to_string().len() + one.title.as_str().len() + 2 * HEAD_BYTES;
            bytes += more;
            match parts.last_mut() {
                Some(part) if bytes <= VOCABULARY_PART_BYTES_MAX => part.push(one),
                _ => {
                    bytes = more;
                    parts.push(vec![one]);
                }
            }
        }
        let of = parts.len();
        if of > VOCABULARY_PARTS_MAX {
            return Err(RecordError::TooMany { field: FIELD, count: of, max: VOCABULARY_PARTS_MAX });
        }
        let numbered = (1..).zip(parts);
        let part = |(number, codes)| Self {
            in_force,
            number,
            parts: count(of),
            total,
            codes,
            unknown: Fields::new(),
        };
        Ok(numbered.map(part).collect())
    }

    /// Which part it is, from 1.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// How many parts the edition has.
    pub const fn parts(&self) -> u64 {
        self.parts
    }

    /// How many codes all parts have together.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Its codes, ascending by their paths; never empty.
    pub fn codes(&self) -> &[TitledCode] {
        &self.codes
    }

    /// Writes it under the key of the change that carries it.
    pub(crate) fn put<M: Put>(&self, fields: &mut M, at: u64, key: &RecordKey) -> Result<(), RecordError> {
        check(scheme_of(&key.list).ok_or(RecordError::Invalid { field: FIELD })?, &self.codes)?;
        self.check_numbers()?;
        let codes: Vec<Text> = self
            .codes
            .iter()
            .map(|one| form::text(CODES.field, one.code.to_string()))
            .collect::<Result<_, _>>()?;
        let titles: Vec<Text> = self.codes.iter().map(|one| one.title.clone()).collect();
        let mut part = M::default();
        part.keep(&self.unknown);
        part.put_text(1, &self.in_force.to_string());
        part.put_unsigned(2, self.number);
        part.put_unsigned(3, self.parts);
        part.put_unsigned(4, self.total);
        form::put_texts(&mut part, 5, &codes, CODES)?;
        form::put_texts(&mut part, 6, &titles, TITLES)?;
        fields.part(at, part);
        Ok(())
    }

    /// Reads it.
    pub(crate) fn take(fields: &mut Fields, at: u64, key: &RecordKey) -> Result<Self, RecordError> {
        let invalid = || RecordError::Invalid { field: FIELD };
        let scheme = scheme_of(&key.list).ok_or_else(invalid)?;
        let mut fields = form::required(FIELD, form::typed(FIELD, fields.take_fields(at))?)?;
        let mut number =
            |key| form::typed(FIELD, fields.take_unsigned(key)).and_then(|n| form::required(FIELD, n));
        let (place, parts, total) = (number(2)?, number(3)?, number(4)?);
        let in_force = form::required(FIELD, form::typed(FIELD, fields.take_text(1))?)?;
        let in_force = CalendarDate::parse(&in_force)
            .map_err(|source| RecordError::Date { field: "vocabulary.in_force", source })?;
        let codes = form::take_texts(&mut fields, 5, CODES)?;
        let titles = form::take_texts(&mut fields, 6, TITLES)?;
        if codes.len() != titles.len() {
            return Err(invalid());
        }
        let titled = |(written, title): (Text, Text)| {
            let code =
                code_of(scheme, written.as_str()).ok().filter(|code| code.to_string() == written.as_str());
            Ok(TitledCode { code: code.ok_or(RecordError::Invalid { field: CODES.field })?, title })
        };
        let codes: Vec<TitledCode> = codes.into_iter().zip(titles).map(titled).collect::<Result<_, _>>()?;
        let part = Self { in_force, number: place, parts, total, codes, unknown: fields };
        check(scheme, &part.codes)?;
        part.check_numbers()?;
        Ok(part)
    }

    fn check_numbers(&self) -> Result<(), RecordError> {
        let here = count(self.codes.len());
        let others = self.parts.saturating_sub(1);
        let fits = (1..=self.parts).contains(&self.number)
            && self.parts <= count(VOCABULARY_PARTS_MAX)
            && self.total <= count(VOCABULARY_CODES_MAX)
            // Each other part has a code at least, and where there is none this one has all.
            && here.saturating_add(others) <= self.total
            && (others > 0 || here == self.total);
        if fits { Ok(()) } else { Err(RecordError::Invalid { field: FIELD }) }
    }
}

/// The list id of the vocabularies of a scheme; only a change that is a part of one has it there.
///
/// # Errors
/// None today: each word of a scheme fits a list id.
pub fn vocabulary_list(scheme: GoodsScheme) -> Result<ListId, RecordError> {
    ListId::parse(&format!("{LIST}{scheme}")).map_err(|source| RecordError::Key { field: FIELD, source })
}

/// The scheme of whose vocabularies a list id is.
pub fn scheme_of(list: &ListId) -> Option<GoodsScheme> {
    list.as_str().strip_prefix(LIST).and_then(GoodsScheme::from_word)
}

/// Reads a code as it may stand in a vocabulary of a scheme: that of a finer tariff has the headings of the broader ones too.
///
/// # Errors
/// [`GoodsError`] if it is no code of the scheme, nor of a broader tariff.
pub fn code_of(scheme: GoodsScheme, text: &str) -> Result<GoodsCode, GoodsError> {
    let broader: &[GoodsScheme] = match scheme {
        GoodsScheme::Taric => &[GoodsScheme::Cn, GoodsScheme::Hs],
        GoodsScheme::Cn => &[GoodsScheme::Hs],
        _ => &[],
    };
    GoodsCode::parse(scheme, text)
        .or_else(|error| broader.iter().find_map(|scheme| GoodsCode::parse(*scheme, text).ok()).ok_or(error))
}

/// Refuses codes that are none, of another scheme, not in their order, or that stand twice.
fn check(scheme: GoodsScheme, codes: &[TitledCode]) -> Result<(), RecordError> {
    if codes.is_empty() {
        return Err(RecordError::Empty { field: CODES.field });
    }
    if codes.len() > CODES.max {
        return Err(RecordError::TooMany { field: CODES.field, count: codes.len(), max: CODES.max });
    }
    let is_of = |one: &TitledCode| code_of(scheme, &one.code.to_string()).is_ok_and(|code| code == one.code);
    let ascend = codes.iter().zip(codes.iter().skip(1)).all(|(one, next)| one.code.path() < next.code.path());
    if codes.iter().all(is_of) && ascend { Ok(()) } else { Err(RecordError::Invalid { field: CODES.field }) }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

impl Form for VocabularyRef {
    const FIELD: &'static str = "identifiers.vocabulary";

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        fields.put_text(1, self.origin.as_str());
        form::put_array(fields, 2, Some(self.leaf.as_bytes()));
        fields.put_text(3, self.edition.as_str());
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let field = Self::FIELD;
        let origin = form::required(field, form::typed(field, fields.take_text(1))?)?;
        let origin = OriginName::parse(&origin).map_err(|source| RecordError::Key { field, source })?;
        let leaf = form::required(field, form::take_array(&mut fields, 2, field)?)?;
        let edition = form::required(field, form::typed(field, fields.take_text(3))?)?;
        let edition = Reference::parse(&edition).map_err(|source| RecordError::Key { field, source })?;
        Ok(Self { origin, leaf: EntryRef::new(leaf), edition, unknown: fields })
    }
}
