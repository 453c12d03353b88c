//! The byte form of one label: the fields of `docs/handling.cddl`, read and written.
//!
//! Each content has one form: what is absent has no key, a set is a strictly ascending list. A key or a word that
//! is not known makes the label *foreign*: it is kept as it stands and permits nothing (G-2).
//! Not for: the table that shares equal labels between slots (`label_set`).

use std::collections::BTreeSet;

use comity_ledger::Slot;
use comity_watchlist::Text;
use comity_watchlist::cbor::{CborError, Fields, Value};

use crate::audience::Audience;
use crate::error::LabelError;
use crate::label::{AUDIENCE_MAX, AudienceTerms, HandlingTerms, ORIGINATORS_MAX, TEXTS_MAX};
use crate::marking::{Basis, Caveats, ExerciseId, Grade, Moment};
use crate::purpose::Purpose;
use crate::word::Word;

/// Most words of a list of codes: more than any closed list has, with room for later ones.
const CODES_MAX: usize = 64;

/// Why a label cannot be used.
pub(crate) enum Unread {
    /// It says something that this version does not know.
    Foreign,
    /// It is not well formed.
    Bad(LabelError),
}

type Read<T> = Result<T, Unread>;

pub(crate) fn write_handling(terms: &HandlingTerms) -> Fields {
    let mut out = Fields::new();
    out.put_unsigned(1, terms.tlp.code());
    let originators = terms.originators.iter().map(|agency| Value::Text(agency.to_string())).collect();
    out.put(2, Value::Array(originators));
    out.put_unsigned(3, terms.onward.code());
    out.put(4, Value::Array(terms.purposes.iter().map(|purpose| Value::Unsigned(purpose.code())).collect()));
    out.put_unsigned(5, terms.actions.code());
    out.put_unsigned(6, terms.attribution.code());
    out.put_unsigned(7, terms.notify_subject.code());
    out.put_unsigned(8, terms.data_class.code());
    out.put_unsigned(9, terms.assertion.code());
    out.put_unsigned(10, terms.retention.code());
    put_flag(&mut out, 11, terms.display_only);
    put_flag(&mut out, 12, terms.caveats.h1);
    put_flag(&mut out, 13, terms.caveats.h2);
    put_texts(&mut out, 14, &terms.caveats.h3);
    put_flag(&mut out, 15, terms.obfuscate_subject);
    if !terms.subject_categories.is_empty() {
        // The order of the words is that of their codes, which a test of the words keeps.
        let codes = terms.subject_categories.iter().map(|word| Value::Unsigned(word.code())).collect();
        out.put(16, Value::Array(codes));
    }
    if let Some(grade) = terms.grade {
        let codes = vec![Value::Unsigned(grade.source.code()), Value::Unsigned(grade.information.code())];
        out.put(17, Value::Array(codes));
    }
    put_moment(&mut out, 18, terms.depersonalise_after);
    put_moment(&mut out, 19, terms.review_by);
    put_moment(&mut out, 20, terms.expires_at);
    put_flag(&mut out, 21, terms.legal_hold);
    if let Some(exercise) = &terms.exercise {
        out.put_text(22, exercise.as_str());
    }
    put_texts(&mut out, 23, &terms.national_markings);
    if !terms.bases.is_empty() {
        out.put(24, Value::Array(terms.bases.iter().map(write_basis).collect()));
    }
    out
}

pub(crate) fn read_handling(fields: Fields) -> Read<HandlingTerms> {
    let mut from = Reader { fields, slot: Slot::HANDLING };
    let originators = from.list(2, "originators", ORIGINATORS_MAX, |value| match value {
        Value::Text(text) => text.parse().map_or(Item::Wrong, Item::Known),
        _ => Item::Wrong,
    })?;
    let purposes: Vec<Purpose> = from.list(4, "purposes", CODES_MAX, word_of)?;
    let terms = HandlingTerms {
        tlp: from.word(1, "tlp")?,
        originators: ascending(originators).ok_or_else(|| from.bad("originators"))?,
        onward: from.word(3, "onward")?,
        purposes: ascending(purposes).ok_or_else(|| from.bad("purposes"))?.into_iter().collect(),
        actions: from.word(5, "actions")?,
        attribution: from.word(6, "attribution")?,
        notify_subject: from.word(7, "notify_subject")?,
        data_class: from.word(8, "data_class")?,
        assertion: from.word(9, "fact_or_assessment")?,
        retention: from.word(10, "retention_class")?,
        display_only: from.flag(11, "display_only")?,
        caveats: Caveats {
            h1: from.flag(12, "caveats.h1")?,
            h2: from.flag(13, "caveats.h2")?,
            h3: from.texts(14, "caveats.h3")?,
        },
        obfuscate_subject: from.flag(15, "obfuscate_subject")?,
        subject_categories: {
            let words = from.list(16, "subject_category", CODES_MAX, word_of)?;
            ascending(words).ok_or_else(|| from.bad("subject_category"))?
        },
        grade: from.grade(17)?,
        depersonalise_after: from.moment(18, "depersonalise_after")?,
        review_by: from.moment(19, "review_by")?,
        expires_at: from.moment(20, "expires_at")?,
        legal_hold: from.flag(21, "legal_hold")?,
        exercise: match from.typed("exercise_id", |fields| fields.take_text(22))? {
            Some(text) => Some(ExerciseId::new(text).ok_or_else(|| from.bad("exercise_id"))?),
            None => None,
        },
        national_markings: from.texts(23, "national_marking")?,
        bases: {
            let bases = from.list(24, "legal_basis", TEXTS_MAX, |value| Item::Known(value.clone()))?;
            let bases = bases.into_iter().map(read_basis).collect::<Read<Vec<_>>>()?;
            ascending(bases).ok_or_else(|| from.bad("legal_basis"))?
        },
    };
    from.finish()?;
    Ok(terms)
}

pub(crate) fn write_audience(terms: &AudienceTerms) -> Fields {
    let mut out = Fields::new();
    put_words(&mut out, 1, &terms.releasable_to);
    put_words(&mut out, 2, &terms.not_releasable_to);
    if !terms.protection_states.is_empty() {
        let states = terms.protection_states.iter().map(|state| Value::Text(state.to_string())).collect();
        out.put(3, Value::Array(states));
    }
    put_texts(&mut out, 4, &terms.decision_refs);
    out
}

pub(crate) fn read_audience(fields: Fields) -> Read<AudienceTerms> {
    let mut from = Reader { fields, slot: Slot::AUDIENCE };
    let releasable_to = from.list(1, "releasable_to", AUDIENCE_MAX, read_word)?;
    let not_releasable_to = from.list(2, "not_releasable_to", AUDIENCE_MAX, read_word)?;
    let states = from.list(3, "protection_states", AUDIENCE_MAX, |value| match value {
        Value::Text(text) => text.parse().map_or(Item::Wrong, Item::Known),
        _ => Item::Wrong,
    })?;
    let terms = AudienceTerms {
        releasable_to: ascending(releasable_to).ok_or_else(|| from.bad("releasable_to"))?,
        not_releasable_to: ascending(not_releasable_to).ok_or_else(|| from.bad("not_releasable_to"))?,
        protection_states: ascending(states).ok_or_else(|| from.bad("protection_states"))?,
        decision_refs: from.texts(4, "decision_ref")?,
    };
    from.finish()?;
    Ok(terms)
}

/// `[0, agency]`, `[1, state]`, `[2, community]`, `[3, agency]`: the numbers order as [`Audience`] does.
fn put_words(out: &mut Fields, key: u64, words: &BTreeSet<Audience>) {
    if words.is_empty() {
        return;
    }
    let pairs = words.iter().map(|word| {
        let (number, text) = match word {
            Audience::Agency(agency) => (0, agency.to_string()),
            Audience::State(state) => (1, state.to_string()),
            Audience::Community(community) => (2, community.to_string()),
            Audience::PeersOf(agency) => (3, agency.to_string()),
        };
        Value::Array(vec![Value::Unsigned(number), Value::Text(text)])
    });
    out.put(key, Value::Array(pairs.collect()));
}

fn read_word(value: &Value) -> Item<Audience> {
    let Value::Array(parts) = value else { return Item::Wrong };
    let [Value::Unsigned(number), Value::Text(text)] = parts.as_slice() else { return Item::Wrong };
    let word = match number {
        0 => text.parse().ok().map(Audience::Agency),
        1 => text.parse().ok().map(Audience::State),
        2 => text.parse().ok().map(Audience::Community),
        3 => text.parse().ok().map(Audience::PeersOf),
        _ => return Item::Later,
    };
    word.map_or(Item::Wrong, Item::Known)
}

fn write_basis(basis: &Basis) -> Value {
    let mut out = Fields::new();
    out.put_text(1, basis.jurisdiction.as_str());
    out.put_text(2, basis.instrument.as_str());
    if let Some(text) = &basis.provision {
        out.put_text(3, text.as_str());
    }
    if let Some(text) = &basis.authority {
        out.put_text(4, text.as_str());
    }
    put_moment(&mut out, 5, basis.decided);
    Value::Map(out)
}

fn read_basis(value: Value) -> Read<Basis> {
    let field = "legal_basis";
    let bad = || Unread::Bad(LabelError::Field { slot: Slot::HANDLING, field });
    let Value::Map(fields) = value else { return Err(bad()) };
    let mut from = Reader { fields, slot: Slot::HANDLING };
    let basis = Basis {
        jurisdiction: from.text(1, field)?.ok_or_else(bad)?,
        instrument: from.text(2, field)?.ok_or_else(bad)?,
        provision: from.text(3, field)?,
        authority: from.text(4, field)?,
        decided: from.moment(5, field)?,
    };
    from.finish()?;
    Ok(basis)
}

/// One item of a list, as read.
enum Item<T> {
    Known(T),
    /// Well formed, and of a later version.
    Later,
    Wrong,
}

fn word_of<W: Word>(value: &Value) -> Item<W> {
    match value {
        Value::Unsigned(code) => W::from_code(*code).map_or(Item::Later, Item::Known),
        _ => Item::Wrong,
    }
}

fn put_flag(out: &mut Fields, key: u64, flag: bool) {
    if flag {
        out.put(key, Value::Bool(true));
    }
}

fn put_moment(out: &mut Fields, key: u64, moment: Option<Moment>) {
    if let Some(moment) = moment {
        out.put_unsigned(key, moment.unix_secs());
    }
}

fn put_texts(out: &mut Fields, key: u64, texts: &BTreeSet<Text>) {
    if !texts.is_empty() {
        let values = texts.iter().map(|text| Value::Text(text.as_str().to_owned())).collect();
        out.put(key, Value::Array(values));
    }
}

/// A set of strictly ascending items; `None` if they repeat or descend.
fn ascending<T: Ord>(items: Vec<T>) -> Option<BTreeSet<T>> {
    items.is_sorted_by(|one, next| one < next).then(|| items.into_iter().collect())
}

/// The fields not yet read of one map of one section.
struct Reader {
    fields: Fields,
    slot: Slot,
}

impl Reader {
    fn bad(&self, field: &'static str) -> Unread {
        Unread::Bad(LabelError::Field { slot: self.slot, field })
    }

    fn typed<T>(
        &mut self,
        field: &'static str,
        take: impl FnOnce(&mut Fields) -> Result<T, CborError>,
    ) -> Read<T> {
        take(&mut self.fields).map_err(|_| self.bad(field))
    }

    fn word<W: Word>(&mut self, key: u64, field: &'static str) -> Read<W> {
        let code = self.typed(field, |fields| fields.take_unsigned(key))?.ok_or_else(|| self.bad(field))?;
        W::from_code(code).ok_or(Unread::Foreign)
    }

    fn flag(&mut self, key: u64, field: &'static str) -> Read<bool> {
        match self.typed(field, |fields| fields.take_bool(key))? {
            None => Ok(false),
            Some(true) => Ok(true),
            Some(false) => Err(self.bad(field)),
        }
    }

    fn moment(&mut self, key: u64, field: &'static str) -> Read<Option<Moment>> {
        Ok(self.typed(field, |fields| fields.take_unsigned(key))?.map(Moment::from_unix_secs))
    }

    fn text(&mut self, key: u64, field: &'static str) -> Read<Option<Text>> {
        let text = self.typed(field, |fields| fields.take_text(key))?;
        text.map(|text| Text::new(text).map_err(|_| self.bad(field))).transpose()
    }

    fn texts(&mut self, key: u64, field: &'static str) -> Read<BTreeSet<Text>> {
        let texts = self.list(key, field, TEXTS_MAX, |value| match value {
            Value::Text(text) => Text::new(text).map_or(Item::Wrong, Item::Known),
            _ => Item::Wrong,
        })?;
        ascending(texts).ok_or_else(|| self.bad(field))
    }

    fn list<T>(
        &mut self,
        key: u64,
        field: &'static str,
        max: usize,
        read: impl Fn(&Value) -> Item<T>,
    ) -> Read<Vec<T>> {
        let Some(values) = self.typed(field, |fields| fields.take_array(key))? else { return Ok(Vec::new()) };
        if values.is_empty() || values.len() > max {
            return Err(self.bad(field));
        }
        let mut items = Vec::with_capacity(values.len());
        for value in values {
            match read(&value) {
                Item::Known(item) => items.push(item),
                Item::Later => return Err(Unread::Foreign),
                Item::Wrong => return Err(self.bad(field)),
            }
        }
        Ok(items)
    }

    fn grade(&mut self, key: u64) -> Read<Option<Grade>> {
        let Some(parts) = self.typed("grade", |fields| fields.take_array(key))? else { return Ok(None) };
        let Ok([Value::Unsigned(source), Value::Unsigned(information)]) = <[Value; 2]>::try_from(parts)
        else {
            return Err(self.bad("grade"));
        };
        let source = Word::from_code(source).ok_or(Unread::Foreign)?;
        let information = Word::from_code(information).ok_or(Unread::Foreign)?;
        Ok(Some(Grade { source, information }))
    }

    /// Whatever is left is of a later version.
    fn finish(self) -> Read<()> {
        if self.fields.is_empty() { Ok(()) } else { Err(Unread::Foreign) }
    }
}
