//! What the strict reader takes and what it refuses.

use super::*;

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[track_caller]
fn refused(hex: &str) -> CborError {
    Value::decode(&unhex(hex)).unwrap_err()
}

#[test]
fn values_of_rfc_8949_appendix_a_have_their_form() {
    let cases = [
        ("00", Value::Unsigned(0)),
        ("17", Value::Unsigned(23)),
        ("1818", Value::Unsigned(24)),
        ("1903e8", Value::Unsigned(1_000)),
        ("1bffffffffffffffff", Value::Unsigned(u64::MAX)),
        ("20", Value::Negative(0)),
        ("3903e7", Value::Negative(999)),
        ("3bffffffffffffffff", Value::Negative(u64::MAX)),
        ("f4", Value::Bool(false)),
        ("f5", Value::Bool(true)),
        ("f6", Value::Null),
        ("4401020304", Value::Bytes(vec![1, 2, 3, 4])),
        ("62c3bc", Value::Text("\u{fc}".to_owned())),
        ("83010203", Value::Array(vec![Value::Unsigned(1), Value::Unsigned(2), Value::Unsigned(3)])),
        ("a201020304", {
            let mut fields = Fields::new();
            fields.put_unsigned(3, 4);
            fields.put_unsigned(1, 2);
            Value::Map(fields)
        }),
    ];
    for (hex, value) in cases {
        assert_eq!(value.encode(), unhex(hex), "{hex}");
        assert_eq!(Value::decode(&unhex(hex)).unwrap(), value, "{hex}");
    }
}

#[test]
fn a_longer_form_of_the_same_value_is_refused() {
    for hex in [
        "1817",
        "190018",
        "1a00000018",
        "1b0000000000000018",
        "3800",
        "580100",
        "780161",
        "980100",
        "b8010102",
    ] {
        assert!(matches!(refused(hex), CborError::NotDeterministic { at: 0 }), "{hex}");
    }
}

#[test]
fn indefinite_lengths_are_refused() {
    for hex in ["5f4100ff", "7f6161ff", "9f01ff", "bf0102ff"] {
        assert!(matches!(refused(hex), CborError::NotDeterministic { .. }), "{hex}");
    }
}

#[test]
fn unsorted_and_repeated_keys_are_refused() {
    assert!(matches!(refused("a203040102"), CborError::NotDeterministic { at: 3 }));
    assert!(matches!(refused("a201020102"), CborError::NotDeterministic { at: 3 }));
}

#[test]
fn floats_tags_undefined_simple_values_and_text_keys_are_refused() {
    for hex in
        ["f93c00", "fa47c35000", "fb3ff199999999999a", "c100", "f7", "f0", "f820", "a1616101", "a12001"]
    {
        assert!(matches!(refused(hex), CborError::Forbidden { .. }), "{hex}");
    }
}

#[test]
fn truncated_trailing_oversized_and_deep_input_is_refused() {
    for hex in ["", "18", "62c3", "8201", "a101", "5903e800", "9bffffffffffffffff", "61ff", "ff"] {
        assert!(matches!(refused(hex), CborError::Malformed { .. } | CborError::Forbidden { .. }), "{hex}");
    }
    assert_eq!(refused("0000"), CborError::Trailing { count: 1 });
    assert_eq!(Value::decode(&vec![0x40; BYTES_MAX + 1]), Err(CborError::TooLong { len: BYTES_MAX + 1 }));
    let mut deep = vec![0x81; DEPTH_MAX];
    deep.push(0);
    assert!(Value::decode(&deep).is_ok());
    deep.insert(0, 0x81);
    assert_eq!(Value::decode(&deep), Err(CborError::TooDeep { at: DEPTH_MAX + 1 }));
    let bomb = vec![0x81; BYTES_MAX];
    assert!(matches!(Value::decode(&bomb), Err(CborError::TooDeep { .. })));
}

#[test]
fn what_is_not_taken_stays() {
    let mut fields = Fields::decode(&unhex("a3010205616118c8820001")).unwrap();
    assert_eq!(fields.take_unsigned(1), Ok(Some(2)));
    assert_eq!(fields.take_unsigned(1), Ok(None));
    assert_eq!(fields.take_bytes(5), Err(CborError::WrongType { key: 5, expected: "a byte string" }));
    assert_eq!(fields.encode(), unhex("a118c8820001"));
    assert_eq!(fields.iter().count(), 1);
}
