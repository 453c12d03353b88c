//! Vocabularies: an edition is parted and read again, and what contradicts itself is none.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking; helper functions are not covered by clippy.toml"
)]

use comity_watchlist::cbor::{Fields, Value};
use comity_watchlist::limits::{TEXT_BYTES_MAX, VOCABULARY_CODES_MAX, VOCABULARY_PARTS_MAX};
use comity_watchlist::{
    CalendarDate, Change, EntryRef, GoodsScheme, Handle, IdKind, Identifier, Notice, Op, OriginName, Record,
    RecordError, RecordKey, Reference, Section, Sections, SubjectKind, Text, TitledCode, VocabularyPart,
    VocabularyRef, code_of, vocabulary_list,
};

fn titled(scheme: GoodsScheme, code: &str, title: &str) -> TitledCode {
    TitledCode { code: code_of(scheme, code).unwrap(), title: Text::new(title).unwrap() }
}

fn parts(scheme: GoodsScheme, codes: Vec<TitledCode>) -> Result<Vec<VocabularyPart>, RecordError> {
    VocabularyPart::of(scheme, CalendarDate::parse("2026-01-01").unwrap(), codes)
}

fn change(scheme: GoodsScheme, part: VocabularyPart) -> Change {
    let key = RecordKey::new(vocabulary_list(scheme).unwrap(), Reference::parse("2026").unwrap());
    let op = Op::Vocabulary { part: Box::new(part), notice: Box::new(Notice::new(key)) };
    Change { handle: Handle::new([1; 16]), op }
}

/// Subheadings of a tariff, each with as long a title as there may be.
fn long(count: usize) -> Vec<TitledCode> {
    let title = "y".repeat(TEXT_BYTES_MAX);
    let code = |at: usize| format!("{:06}", 100_000 + at);
    (0..count).map(|at| titled(GoodsScheme::Cn, &code(at), &title)).collect()
}

#[test]
fn an_edition_that_does_not_fit_one_entry_is_parted_and_every_part_fits_and_says_how_many_there_are() {
    let codes = long(100);
    let parts = parts(GoodsScheme::Cn, codes.iter().rev().cloned().collect()).unwrap();
    assert!(parts.len() > 1);
    let mut read = Vec::new();
    for (at, part) in (1..).zip(&parts) {
        assert_eq!(
            (part.number(), part.parts(), part.total()),
            (at, u64::try_from(parts.len()).unwrap(), 100)
        );
        let change = change(GoodsScheme::Cn, part.clone());
        let sections = change.encode().unwrap();
        assert_eq!(Change::decode(&(&sections).into()).unwrap().change, change);
        read.extend(part.codes().iter().cloned());
    }
    assert_eq!(read, codes, "in the order of the codes");
}

#[test]
fn a_code_that_stands_twice_or_is_of_another_scheme_makes_no_edition_and_neither_does_none() {
    let eccn = |code| titled(GoodsScheme::Eccn, code, "Clockwork");
    let of = |codes: Vec<TitledCode>| parts(GoodsScheme::Eccn, codes).map(|parts| parts.len());
    let field = "vocabulary.codes";
    assert_eq!(of(vec![eccn("3A001"), eccn("3a001.")]), Err(RecordError::Invalid { field }));
    let other = titled(GoodsScheme::EuDualUse, "3A001", "Clockwork");
    assert_eq!(of(vec![eccn("3A002"), other]), Err(RecordError::Invalid { field }));
    assert_eq!(of(vec![]), Err(RecordError::Empty { field }));
    assert_eq!(of(vec![eccn("3A001.b"), eccn("3A001")]), Ok(1));
    // A finer tariff has the headings of the broader ones, and no other way round.
    for (scheme, code, fits) in [
        (GoodsScheme::Taric, "84", true),
        (GoodsScheme::Taric, "84713000", true),
        (GoodsScheme::Cn, "8471300000", false),
        (GoodsScheme::Hs, "84713000", false),
        (GoodsScheme::Eccn, "8471", false),
    ] {
        assert_eq!(code_of(scheme, code).is_ok(), fits, "{scheme} {code}");
    }
    assert!(Text::new("y".repeat(1 << 20)).is_err(), "a title of a MiB");
    let many = long(VOCABULARY_PARTS_MAX * 30);
    assert!(matches!(
        parts(GoodsScheme::Cn, many),
        Err(RecordError::TooMany { max: VOCABULARY_PARTS_MAX, .. })
    ));
}

/// Bends the map of a part.
fn bent(bend: impl FnOnce(&mut Fields)) -> Result<Change, RecordError> {
    let codes =
        vec![titled(GoodsScheme::Eccn, "3A001", "Clockwork"), titled(GoodsScheme::Eccn, "EAR99", "Rest")];
    let part = parts(GoodsScheme::Eccn, codes).unwrap().remove(0);
    let sections = change(GoodsScheme::Eccn, part).encode().unwrap();
    let mut core = Fields::decode(sections.bytes(Section::Core)).unwrap();
    let mut part = core.take_fields(49).unwrap().unwrap();
    bend(&mut part);
    core.put(49, Value::Map(part));
    let mut sections = Sections::default();
    sections.set(Section::Core, Value::Map(core).encode());
    Change::decode(&(&sections).into()).map(|read| read.change)
}

#[test]
fn a_part_that_contradicts_itself_is_refused() {
    let texts =
        |texts: &[&str]| Value::Array(texts.iter().map(|text| Value::Text((*text).to_owned())).collect());
    let number = |key: u64, value: u64| {
        bent(|part| {
            part.take_unsigned(key).unwrap();
            part.put(key, Value::Unsigned(value));
        })
    };
    let list = |key: u64, of: &[&str]| {
        bent(|part| {
            part.take_array(key).unwrap();
            part.put(key, texts(of));
        })
    };
    bent(|_| {}).unwrap();
    let most = u64::try_from(VOCABULARY_PARTS_MAX).unwrap();
    for (what, read) in [
        ("part 0", number(2, 0)),
        ("part 2 of 1", number(2, 2)),
        ("no parts", number(3, 0)),
        ("more parts than may be", number(3, most + 1)),
        ("more parts than codes", number(3, 2)),
        ("fewer codes than here", number(4, 1)),
        ("more codes than in its one part", number(4, 3)),
        ("more codes than may be", number(4, u64::try_from(VOCABULARY_CODES_MAX).unwrap() + 1)),
        ("codes in another order", list(5, &["EAR99", "3A001"])),
        ("a code twice", list(5, &["3A001", "3A001"])),
        ("a code in another form", list(5, &["3a001", "EAR99"])),
        ("a code of another scheme", list(5, &["3A001", "ML1"])),
        ("a title too few", list(6, &["Clockwork"])),
        ("a title without a letter", list(6, &["Clockwork", ""])),
        ("a title of a MiB", list(6, &["Clockwork", &"y".repeat(1 << 20)])),
        ("a control character", list(6, &["Clockwork", "\u{1b}[2J"])),
        ("no codes", bent(|part| drop(part.take_array(5).unwrap()))),
        ("no day", bent(|part| drop(part.take_text(1).unwrap()))),
    ] {
        assert!(read.is_err(), "{what}: {read:?}");
    }
    let later = bent(|part| part.put(7, Value::Unsigned(1))).unwrap();
    assert_eq!(Change::decode(&(&later.encode().unwrap()).into()).unwrap().change, later, "a field of later");
}

#[test]
fn a_part_under_another_key_than_that_of_its_scheme_is_refused() {
    let part =
        parts(GoodsScheme::Eccn, vec![titled(GoodsScheme::Eccn, "3A001", "Clockwork")]).unwrap().remove(0);
    let mut change = change(GoodsScheme::Eccn, part);
    for list in ["vocabulary/eu-ml", "vocabulary/zenda", "vocabulary", "xa-national"] {
        let Op::Vocabulary { notice, .. } = &mut change.op else { panic!("it is a vocabulary") };
        notice.key.list = comity_watchlist::ListId::parse(list).unwrap();
        assert!(change.encode().is_err(), "{list}");
    }
}

#[test]
fn an_edition_that_is_named_or_another_one_is_no_change_of_a_record_and_old_bytes_stay_as_they_are() {
    let key = RecordKey::new(comity_watchlist::ListId::parse("xa").unwrap(), Reference::parse("1").unwrap());
    let mut old = Record::new(key, SubjectKind::Good);
    let mut code = Identifier::new(IdKind::Goods, Text::new("3A001").unwrap());
    code.scope = Some(Text::new("eccn").unwrap());
    old.identifiers = vec![code];
    let of = |record: &Record| {
        let op = Op::List { record: Box::new(record.clone()) };
        Change { handle: Handle::new([1; 16]), op }.encode().unwrap()
    };
    let before = of(&old);
    let mut new = old.clone();
    let named = |leaf| {
        let origin = OriginName::parse("a.example/pub").unwrap();
        VocabularyRef::new(origin, EntryRef::new([leaf; 32]), Reference::parse("2026").unwrap())
    };
    new.identifiers[0].vocabulary = Some(Box::new(named(1)));
    assert!(old.same_content(&new) && new.same_content(&old));
    assert_ne!(of(&new), before);
    let read = Change::decode(&(&before).into()).unwrap().change;
    assert_eq!((read.op.record(), read.encode().unwrap()), (Some(&old), before));
}
