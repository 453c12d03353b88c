//! The bytes of slots 0 and 1: pinned, split, shared, and strict.

use super::*;
use crate::audience::Audience;
use crate::defaults;
use crate::label::LabelDraft;
use crate::marking::{
    Actions, Assertion, Attribution, Basis, DataClass, ExerciseId, Grade, InformationGrade, Moment, Notify,
    Retention, SourceGrade, SubjectCategory, Tlp,
};
use crate::purpose::{Purpose, Purposes};
use comity_ledger::AgencyId;
use comity_watchlist::Text;

const OFFICIAL: &str = include_str!("../../tests/vectors/official-list.txt");
const OWN: &str = include_str!("../../tests/vectors/own-designation.txt");
const FULL: &str = include_str!("../../tests/vectors/every-field.txt");

fn agency() -> AgencyId {
    "a.example".parse().unwrap()
}

fn text(value: &str) -> Text {
    Text::new(value).unwrap()
}

fn understood(set: &LabelSet, slot: Slot) -> &Label {
    match set.label(slot) {
        SlotLabel::Understood(label) => label,
        other => panic!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A vector file: `handling <hex>` and `audience <hex>`.
#[track_caller]
fn pinned(set: &LabelSet, vector: &str) {
    let audience = set.audience_section().unwrap();
    let text = format!("handling {}\naudience {}\n", hex(&set.handling_section()), hex(&audience));
    assert_eq!(text, vector);
    let read = LabelSet::from_sections(set.kind(), &set.handling_section(), Some(&audience)).unwrap();
    assert_eq!(&read, set);
}

fn full_draft() -> LabelDraft {
    let own =
        defaults::own_designation(&agency(), Kind::Record, Moment::from_unix_secs(1_700_000_000)).unwrap();
    let mut draft = understood(&own, Slot::CORE).to_draft();
    let terms = &mut draft.handling;
    terms.tlp = Tlp::Red;
    terms.originators.insert("b.example".parse().unwrap());
    terms.display_only = true;
    (terms.caveats.h1, terms.caveats.h2) = (true, true);
    terms.caveats.h3 = [text("ask the desk"), text("not by telephone")].into();
    terms.attribution = Attribution::MustNot;
    terms.obfuscate_subject = true;
    terms.purposes = Purposes::of(&[Purpose::VictimProtection, Purpose::Oversight, Purpose::Exercise]);
    terms.actions = Actions::Contact;
    terms.notify_subject = Notify::MustNot;
    terms.bases = [Basis {
        jurisdiction: text("Freedonia"),
        instrument: text("Act 7"),
        provision: Some(text("section 2")),
        authority: Some(text("Council")),
        decided: Some(Moment::from_unix_secs(1_690_000_000)),
    }]
    .into();
    terms.subject_categories = [SubjectCategory::Victim, SubjectCategory::Missing].into();
    terms.data_class = DataClass::Minor;
    terms.assertion = Assertion::Assessment;
    terms.grade = Some(Grade { source: SourceGrade::B, information: InformationGrade::Three });
    terms.retention = Retention::OneYear;
    terms.depersonalise_after = Some(Moment::from_unix_secs(1_715_000_000));
    terms.expires_at = Some(Moment::from_unix_secs(1_900_000_000));
    terms.legal_hold = true;
    terms.exercise = ExerciseId::new("0f3a");
    terms.national_markings = [text("VS-NfD")].into();
    let words = &mut draft.audience;
    words.releasable_to.insert(Audience::Agency("b.example".parse().unwrap()));
    words.releasable_to.insert(Audience::State("FRA".parse().unwrap()));
    words.releasable_to.insert(Audience::Community("a.example/core-6".parse().unwrap()));
    words.not_releasable_to.insert(Audience::State("XKX".parse().unwrap()));
    words.protection_states.insert("XKX".parse().unwrap());
    words.decision_refs.insert(text("D 12/34"));
    draft
}

fn full_set() -> LabelSet {
    let own =
        defaults::own_designation(&agency(), Kind::Record, Moment::from_unix_secs(1_700_000_000)).unwrap();
    let mut labels: BTreeMap<_, _> = own.slots().map(|slot| (slot, understood(&own, slot).clone())).collect();
    let mut closed = full_draft();
    closed.handling.exercise = None;
    labels.insert(Slot::REASONS_CLOSED, Label::new(closed).unwrap());
    labels.insert(Slot::SOURCES, Label::new(full_draft()).unwrap());
    // Differs from the others in its audience alone, so that the two tables differ in length.
    let mut narrow = understood(&own, Slot::CORE).to_draft();
    narrow.audience.releasable_to.remove(&Audience::PeersOf(agency()));
    labels.insert(Slot::SIGHTINGS, Label::new(narrow).unwrap());
    LabelSet::new(Kind::Record, labels).unwrap()
}

#[test]
fn the_bytes_of_both_sections_are_pinned() {
    let official = defaults::imported_official_list(&agency(), Kind::Record).unwrap();
    pinned(&official, OFFICIAL);
    let own =
        defaults::own_designation(&agency(), Kind::Record, Moment::from_unix_secs(1_700_000_000)).unwrap();
    pinned(&own, OWN);
    pinned(&full_set(), FULL);
}

#[test]
fn the_handling_of_an_official_list_fits_the_smallest_padded_opening() {
    let long: AgencyId = "a".repeat(AgencyId::LEN_MAX).parse().unwrap();
    let set = defaults::imported_official_list(&long, Kind::Record).unwrap();
    assert!(set.handling_section().len() < 220, "{}", set.handling_section().len());
    assert!(set.audience_section().unwrap().len() < 220);
}

#[test]
fn labels_differ_by_slot_and_come_back_whole_from_both_sections() {
    let set = full_set();
    let sources = understood(&set, Slot::SOURCES);
    assert_eq!(sources.to_draft(), full_draft());
    assert_eq!(sources.reach(), Reach::Known);
    assert_ne!(understood(&set, Slot::CORE), understood(&set, Slot::SIGHTINGS));
    assert_eq!(set.label(Slot::TAGS), SlotLabel::Missing);
}

#[test]
fn the_handling_section_alone_tells_nothing_of_the_audience() {
    let set = full_set();
    let handling = set.handling_section();
    let alone = LabelSet::from_sections(Kind::Record, &handling, None).unwrap();
    let core = understood(&alone, Slot::CORE);
    assert_eq!((core.reach(), core.audience()), (Reach::Withheld, &crate::AudienceTerms::default()));
    assert_eq!(core.handling(), understood(&set, Slot::CORE).handling());
    assert_eq!(alone.audience_section(), None);
    assert_eq!(alone.handling_section(), handling);
    for secret in ["b.example/", "FRA", "XKX", "D 12/34", "core-6"] {
        assert!(!handling.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret}");
    }
    let labels = alone.slots().map(|slot| (slot, understood(&alone, slot).clone())).collect();
    let error = LabelSet::new(Kind::Record, labels).unwrap_err();
    assert_eq!(error, LabelError::AudienceUnknown { slot: Slot::HANDLING });
}

#[test]
fn every_kind_with_sections_has_labels_and_no_other() {
    for kind in (1..=10).map(Kind::from_code) {
        let set = defaults::imported_official_list(&agency(), kind);
        let slots = kind.slots().unwrap();
        if slots.is_empty() {
            assert_eq!(set, Err(LabelError::NoHandling { kind: kind.name() }));
        } else {
            let set = set.unwrap();
            assert!(set.slots().eq(slots.iter().copied()));
            assert_eq!(set.audience_section().is_some(), slots.contains(&Slot::AUDIENCE), "{}", kind.name());
            let audience = set.audience_section();
            let read = LabelSet::from_sections(kind, &set.handling_section(), audience.as_deref()).unwrap();
            assert_eq!(read.handling_section(), set.handling_section());
        }
    }
    assert!(defaults::governance(&agency()).is_ok());
    assert!(defaults::kept_home(&agency(), Kind::Account).is_ok());
}

/// The official list's handling section with one change to its only label.
fn altered(change: impl FnOnce(&mut Fields)) -> Vec<u8> {
    let set = defaults::imported_official_list(&agency(), Kind::Record).unwrap();
    let mut section = Fields::decode(&set.handling_section()).unwrap();
    let Some(Value::Array(mut table)) = section.take(KEY_TABLE) else { panic!("no table") };
    let Some(Value::Map(mut label)) = table.pop() else { panic!("no label") };
    change(&mut label);
    section.put(KEY_TABLE, Value::Array(vec![Value::Map(label)]));
    section.encode()
}

#[test]
fn what_a_later_version_says_is_kept_and_permits_nothing() {
    let audience =
        defaults::imported_official_list(&agency(), Kind::Record).unwrap().audience_section().unwrap();
    let unknown: [fn(&mut Fields); 8] = [
        |label| label.put_unsigned(99, 1),
        |label| label.put_unsigned(1, 5),
        |label| label.put_unsigned(3, 4),
        |label| label.put(4, Value::Array(vec![Value::Unsigned(1), Value::Unsigned(15)])),
        |label| label.put_unsigned(5, 9),
        |label| label.put_unsigned(10, 9),
        |label| label.put(16, Value::Array(vec![Value::Unsigned(77)])),
        |label| label.put(17, Value::Array(vec![Value::Unsigned(9), Value::Unsigned(1)])),
    ];
    for change in unknown {
        let bytes = altered(change);
        for audience in [None, Some(audience.as_slice())] {
            let set = LabelSet::from_sections(Kind::Record, &bytes, audience).unwrap();
            assert_eq!(set.label(Slot::CORE), SlotLabel::Foreign);
            assert_eq!(set.handling_section(), bytes);
            assert_eq!(set.audience_section().as_deref(), audience);
        }
    }
    let mut section = Fields::decode(&altered(|_| ())).unwrap();
    section.put_unsigned(7, 1);
    let set = LabelSet::from_sections(Kind::Record, &section.encode(), None).unwrap();
    assert_eq!(set.label(Slot::CORE), SlotLabel::Foreign);
    assert_eq!(set.handling_section(), section.encode());
}

#[test]
fn malformed_incoherent_and_second_forms_are_refused() {
    let refuse = |bytes: &[u8]| LabelSet::from_sections(Kind::Record, bytes, None).unwrap_err();
    let label: [fn(&mut Fields); 9] = [
        |label| drop(label.take(1)),
        |label| drop(label.take(2)),
        |label| drop(label.take(4)),
        |label| label.put(4, Value::Array(vec![Value::Unsigned(2), Value::Unsigned(1)])),
        |label| label.put(11, Value::Bool(false)),
        |label| label.put(14, Value::Array(Vec::new())),
        |label| label.put(2, Value::Array(vec![Value::Text("A".to_owned())])),
        |label| label.put_unsigned(1, 4),
        |label| label.put(13, Value::Bool(true)),
    ];
    for change in label {
        let error = refuse(&altered(change));
        assert!(!matches!(error, LabelError::Cbor { .. } | LabelError::Version { .. }), "{error}");
    }
    let section = |change: fn(&mut Fields)| {
        let mut fields = Fields::decode(&altered(|_| ())).unwrap();
        change(&mut fields);
        refuse(&fields.encode())
    };
    assert_eq!(section(|f| f.put_unsigned(0, 2)), LabelError::Version { slot: Slot::HANDLING });
    let broken: [fn(&mut Fields); 4] = [
        |f| drop(f.take(1)),
        |f| drop(f.take(2)),
        |f| f.put(1, Value::Array(vec![])),
        |f| f.put(2, Value::Map(Fields::new())),
    ];
    for change in broken {
        assert!(matches!(section(change), LabelError::Field { slot: Slot::HANDLING, .. }));
    }
    // One slot short, one slot of another kind.
    let slots = |change: fn(&mut Fields)| {
        let mut fields = Fields::decode(&altered(|_| ())).unwrap();
        let Some(Value::Map(mut slots)) = fields.take(KEY_SLOTS) else { panic!("no slots") };
        change(&mut slots);
        fields.put(KEY_SLOTS, Value::Map(slots));
        LabelSet::from_sections(Kind::Record, &fields.encode(), None)
    };
    assert!(matches!(
        slots(|s| drop(s.take(5))),
        Err(LabelError::SlotSet { slot: Slot::REASONS_CLOSED, .. })
    ));
    assert!(matches!(slots(|s| s.put_unsigned(8, 0)), Err(LabelError::SlotSet { slot: Slot::CONTROL, .. })));
    assert!(matches!(slots(|s| s.put_unsigned(3, 1)), Err(LabelError::Field { .. })));
    // A slot that no kind of this version has is a later version's: kept.
    assert!(slots(|s| s.put_unsigned(10, 0)).is_ok());
    assert!(matches!(refuse(b""), LabelError::Cbor { .. }));
    let audience = defaults::imported_official_list(&agency(), Kind::Control).unwrap().audience_section();
    assert!(LabelSet::from_sections(Kind::Record, &altered(|_| ()), audience.as_deref()).is_err());
}

#[test]
fn no_flipped_bit_makes_the_reader_panic() {
    let set = full_set();
    let (handling, audience) = (set.handling_section(), set.audience_section().unwrap());
    let mut refused = 0;
    for bit in 0..handling.len() * 8 {
        let mut bytes = handling.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match LabelSet::from_sections(Kind::Record, &bytes, Some(&audience)) {
            Ok(read) => assert_eq!(read.handling_section(), bytes),
            Err(_) => refused += 1,
        }
    }
    for bit in 0..audience.len() * 8 {
        let mut bytes = audience.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match LabelSet::from_sections(Kind::Record, &handling, Some(&bytes)) {
            Ok(read) => assert_eq!(read.audience_section(), Some(bytes)),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > handling.len());
}
