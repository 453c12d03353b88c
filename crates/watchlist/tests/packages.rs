//! The byte form of a change that is a member of a package.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking; helper functions are not covered by clippy.toml"
)]

use comity_watchlist::cbor::{Fields, Value};
use comity_watchlist::limits::PACKAGE_MEMBERS_MAX;
use comity_watchlist::{Change, Decoded, Op, PackagePlace, RecordError, Section, Sections, SectionsRead};

#[path = "samples/mod.rs"]
mod samples;

const FORM: u64 = 0;
const PACKAGE: u64 = 50;

/// The core of the second of the three members of a merge.
const PINNED: &str = "a900020109025011111111111111111111111111111111035820abababababababababababababababababababababababababababab\
     abababab046a72752d726974616e6961056452522e37182e5011111111111111111111111111111111182f8150222222222222222222222222\
     222222221832820203";

fn merge() -> Change {
    samples::changes().into_iter().find(|(name, _)| *name == "merge").unwrap().1
}

fn read(sections: &Sections) -> Result<Decoded, RecordError> {
    Change::decode(&sections.into())
}

fn core_of(sections: &Sections) -> Fields {
    Fields::decode(sections.bytes(Section::Core)).unwrap()
}

fn with_package(value: Option<Value>) -> Result<Decoded, RecordError> {
    let mut core = core_of(&merge().encode().unwrap());
    core.put_unsigned(FORM, 2);
    if let Some(value) = value {
        core.put(PACKAGE, value);
    }
    let bytes = core.encode();
    Change::decode(&SectionsRead::withheld().give(Section::Core, &bytes))
}

#[test]
fn a_member_of_a_package_is_read_back_byte_for_byte_and_has_a_form_that_older_programs_do_not_know() {
    let second = PackagePlace::new(2, 3).unwrap();
    for (name, change) in samples::changes() {
        if change.op.is_of_statement() {
            continue;
        }
        let sections = change.encode_at(Some(second)).unwrap();
        let decoded = read(&sections).unwrap();
        assert_eq!((&decoded.change, decoded.package), (&change, Some(second)), "{name}");
        assert_eq!(decoded.change.encode_at(decoded.package).unwrap(), sections, "{name}");
        let core = core_of(&sections);
        assert_eq!(core.get(FORM), Some(&Value::Unsigned(2)), "{name}");
        let pair = Value::Array(vec![Value::Unsigned(2), Value::Unsigned(3)]);
        assert_eq!(core.get(PACKAGE), Some(&pair), "{name}");
    }
}

#[test]
fn the_byte_form_of_a_member_is_the_pinned_one() {
    let sections = merge().encode_at(PackagePlace::new(2, 3)).unwrap();
    let byte = |at| u8::from_str_radix(&PINNED[at..at + 2], 16).unwrap();
    let pinned: Vec<u8> = (0..PINNED.len()).step_by(2).map(byte).collect();
    assert_eq!(sections.bytes(Section::Core), pinned);
}

#[test]
fn a_change_that_stands_alone_has_the_bytes_that_it_always_had() {
    for (name, change) in samples::changes() {
        let sections = change.encode().unwrap();
        assert_eq!(change.encode_at(None).unwrap(), sections, "{name}");
        assert_eq!(read(&sections).unwrap().package, None, "{name}");
        assert_eq!(core_of(&sections).get(FORM), Some(&Value::Unsigned(1)), "{name}");
    }
}

#[test]
fn a_place_that_no_package_has_is_refused() {
    let numbers = |all: &[u64]| Some(Value::Array(all.iter().copied().map(Value::Unsigned).collect()));
    let most = u64::from(PACKAGE_MEMBERS_MAX);
    assert!(with_package(numbers(&[most, most])).is_ok());
    let invalid = Err(RecordError::Invalid { field: "package" });
    for bad in [[0, 2], [3, 2], [1, 1], [1, 0], [1, most + 1], [1, 1 << 32], [1 << 32, 1 << 33]] {
        assert_eq!(with_package(numbers(&bad)), invalid, "{bad:?}");
    }
    assert_eq!(with_package(numbers(&[1])), invalid);
    let three = Err(RecordError::TooMany { field: "package", count: 3, max: 2 });
    assert_eq!(with_package(numbers(&[1, 2, 2])), three);
    assert_eq!(with_package(None), Err(RecordError::Missing { field: "package" }));
}

#[test]
fn a_same_as_statement_is_no_member_of_a_package() {
    let first = PackagePlace::new(1, 2);
    for (name, change) in samples::changes() {
        let refused = change.encode_at(first) == Err(RecordError::Invalid { field: "package" });
        assert_eq!(refused, matches!(change.op, Op::SameAs { .. } | Op::Retract { .. }), "{name}");
        if refused {
            let mut core = core_of(&change.encode().unwrap());
            core.put_unsigned(FORM, 2);
            core.put(PACKAGE, Value::Array(vec![Value::Unsigned(1), Value::Unsigned(2)]));
            let bytes = core.encode();
            let read = Change::decode(&SectionsRead::withheld().give(Section::Core, &bytes));
            assert_eq!(read, Err(RecordError::Invalid { field: "package" }), "{name}");
        }
    }
}

#[test]
fn the_places_of_a_package_are_one_to_its_count() {
    let all: Vec<_> = PackagePlace::all(3).map(|place| (place.place(), place.count())).collect();
    assert_eq!(all, [(1, 3), (2, 3), (3, 3)]);
    let most = usize::from(PACKAGE_MEMBERS_MAX);
    assert_eq!(PackagePlace::all(most).count(), most);
    for none in [0, 1, most + 1, 1 << 20] {
        assert_eq!(PackagePlace::all(none).count(), 0, "{none}");
    }
}
