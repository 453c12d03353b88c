//! Codes of goods: that what lists write is read, that one code has one form, and what covers what.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking; helper functions are not covered by clippy.toml"
)]

use comity_watchlist::limits::{GOODS_CODE_BYTES_MAX, GOODS_DEPTH_MAX};
use comity_watchlist::{GoodsCode, GoodsError, GoodsScheme, IdKind, Identifier, Text};
use proptest::prelude::*;

use GoodsScheme::{Cn, Eccn, EuDualUse, EuMilitary, Hs, Taric, Usml, WassenaarDualUse, WassenaarMunitions};

fn code(scheme: &str, text: &str) -> GoodsCode {
    let scheme = GoodsScheme::from_word(scheme).unwrap();
    GoodsCode::parse(scheme, text).unwrap_or_else(|error| panic!("{scheme} {text:?}: {error}"))
}

fn refused(scheme: &str, text: &str) -> GoodsError {
    let scheme = GoodsScheme::from_word(scheme).unwrap();
    GoodsCode::parse(scheme, text).expect_err(text)
}

/// Codes as the lists and officers write them: scheme, ways to write it (the canonical one first) and the path.
const WRITTEN: [(&str, &[&str], &[&str]); 22] = [
    ("eu", &["1C350.a.12", "1c350 A 12", "1C350a12", "1C350. a. 12.", " 1C350.a.12 "], &["1C350", "a", "12"]),
    ("eu", &["5A002", "5 A 002", "5A002.", "5a002"], &["5A002"]),
    ("eu", &["6A005.a.6.b.1", "6A005.a.6.b.1."], &["6A005", "a", "6", "b", "1"]),
    ("eu", &["1C350.89", "1C350\u{a0}89"], &["1C350", "89"]),
    ("eccn", &["3A001.b.2", "3A001.b2", "3a001.B.2"], &["3A001", "b", "2"]),
    ("eccn", &["EAR99", "ear 99", "EAR99."], &["EAR99"]),
    ("eccn", &["0A606", "0A606."], &["0A606"]),
    ("eccn", &["9A515.e.1", "9A515 e 1"], &["9A515", "e", "1"]),
    ("eccn", &["9A610.x"], &["9A610", "x"]),
    ("wassenaar", &["1.C.1.a", "1C001.a", "1. C. 1. a.", "1C1a"], &["1", "C", "1", "a"]),
    ("wassenaar", &["5.A.2", "5A002"], &["5", "A", "2"]),
    ("wassenaar", &["9.A.12", "9A012"], &["9", "A", "12"]),
    ("eu-ml", &["ML1.a", "ml 1 A", "ML1a."], &["ML1", "a"]),
    ("eu-ml", &["ML8.a.12.b"], &["ML8", "a", "12", "b"]),
    ("wassenaar-ml", &["ML22", "ML 22."], &["ML22"]),
    ("usml", &["VIII(h)(1)", "viii(H)(1)", "VIII (h) (1)", "VIII.h.1", "VIII h 1"], &["VIII", "h", "1"]),
    ("usml", &["XI(a)(3)(xxviii)(A)"], &["XI", "a", "3", "xxviii", "A"]),
    ("usml", &["XXI"], &["XXI"]),
    ("hs", &["84"], &["84"]),
    ("hs", &["847130", "8471.30", "8471 30", "84.71.30"], &["84", "71", "30"]),
    ("cn", &["84713000", "8471 30 00", "8471.3000"], &["84", "71", "30", "00"]),
    ("taric", &["8471300000", "8471 30 00 00", "8471.30.00.00"], &["84", "71", "30", "00", "00"]),
];

#[test]
fn each_way_to_write_a_code_is_read_as_the_same_path() {
    for (scheme, ways, path) in WRITTEN {
        for way in ways {
            let code = code(scheme, way);
            assert_eq!(code.path(), path, "{scheme} {way:?}");
            assert_eq!((code.to_string().as_str(), code.scheme().to_string().as_str()), (ways[0], scheme));
        }
    }
    assert!(GoodsScheme::all().all(|scheme| WRITTEN.iter().any(|(word, ..)| *word == scheme.to_string())));
}

#[test]
fn what_is_no_code_is_refused_with_the_reason() {
    let paragraph = |scheme, place| GoodsError::Paragraph { scheme, place };
    let entry = |scheme| GoodsError::Entry { scheme };
    let character = |at| GoodsError::Character { at };
    let digits = |scheme, count| GoodsError::Digits { scheme, count };
    for (scheme, text, error) in [
        ("eu", "", GoodsError::Empty),
        ("eu", " . ", GoodsError::Empty),
        ("eu", "1C35", entry(EuDualUse)),
        ("eu", "1C3500", entry(EuDualUse)),
        ("eu", "1C000", entry(EuDualUse)),
        ("eu", "1F350", entry(EuDualUse)),
        ("eu", "11C350", entry(EuDualUse)),
        ("eu", "ML1.a", entry(EuDualUse)),
        ("eu", "EAR99", entry(EuDualUse)),
        ("eu", "1C350..a", character(6)),
        ("eu", "  1C350.a..", character(10)),
        ("eu", ".1C350", character(0)),
        ("eu", "1C350.a-12", character(7)),
        ("eu", "1C350(a)", character(5)),
        ("eu", "1С350", character(1)),
        ("eu", "1C350\n", character(5)),
        ("eu", "1C350.ab", paragraph(EuDualUse, 1)),
        ("eu", "1C350.a.012", paragraph(EuDualUse, 2)),
        ("eu", "1C350.a.0", paragraph(EuDualUse, 2)),
        ("eu", "1C350.a.1000", paragraph(EuDualUse, 2)),
        ("eccn", "EAR99.a", GoodsError::Undivided),
        ("eccn", "EAR98", entry(Eccn)),
        ("eccn", "9x515", entry(Eccn)),
        ("wassenaar", "1C101", entry(WassenaarDualUse)),
        ("wassenaar", "1.C.01", entry(WassenaarDualUse)),
        ("wassenaar", "1C000", entry(WassenaarDualUse)),
        ("wassenaar", "0.A.1", entry(WassenaarDualUse)),
        ("eu-ml", "ML23", entry(EuMilitary)),
        ("eu-ml", "ML01", entry(EuMilitary)),
        ("wassenaar-ml", "1.a", entry(WassenaarMunitions)),
        ("usml", "XXII", entry(Usml)),
        ("usml", "IIX", entry(Usml)),
        ("usml", "VIII(1)", paragraph(Usml, 1)),
        ("usml", "VIII(h)(a)", paragraph(Usml, 2)),
        ("usml", "XI(a)(3)(iiii)", paragraph(Usml, 3)),
        ("usml", "XI(a)(3)(ii)(A)(1)", paragraph(Usml, 5)),
        ("usml", "VIII(h", character(6)),
        ("usml", "VIII(h).1", character(7)),
        ("usml", "VIII()", character(5)),
        ("hs", "8", digits(Hs, 1)),
        ("hs", "84713", digits(Hs, 5)),
        ("hs", "84713000", digits(Hs, 8)),
        ("hs", "847 130", character(3)),
        ("hs", "84A1", character(2)),
        ("hs", "0071", GoodsError::Chapter),
        ("cn", "847130", digits(Cn, 6)),
        ("taric", "84713000", digits(Taric, 8)),
        ("taric", "847130000000", digits(Taric, 12)),
    ] {
        assert_eq!(refused(scheme, text), error, "{scheme} {text:?}");
    }
    assert!(GoodsScheme::from_word("EU").is_none());
}

#[test]
fn a_code_has_no_more_bytes_and_no_more_segments_than_the_limits_say() {
    let deep = |depth: usize| format!("1C350{}", ".a".repeat(depth - 1));
    assert_eq!(code("eu", &deep(GOODS_DEPTH_MAX)).path().len(), GOODS_DEPTH_MAX);
    let max = GOODS_DEPTH_MAX;
    assert_eq!(refused("eu", &deep(max + 1)), GoodsError::TooDeep { depth: max + 1, max });
    let padded = |len: usize| format!("{:len$}", "5A002");
    assert_eq!(code("eu", &padded(GOODS_CODE_BYTES_MAX)).to_string(), "5A002");
    let max = GOODS_CODE_BYTES_MAX;
    assert_eq!(refused("eu", &padded(max + 1)), GoodsError::TooLong { len: max + 1, max });
}

#[test]
fn an_error_names_what_was_expected_and_not_what_was_given() {
    for (error, said) in [
        (refused("eu", "1C35"), "eu begins with a category (0 to 9), a group (A to E) and three digits"),
        (refused("hs", "84713"), "a code of goods of hs has 2, 4 or 6 digits, not 5"),
        (refused("usml", "VIII(h)(a)"), "paragraph 2 of the code of goods is not a number from 1 to 999"),
        (GoodsError::Scheme, "eu, eccn, wassenaar, eu-ml, wassenaar-ml, usml, hs, cn, taric"),
    ] {
        assert!(error.to_string().contains(said), "{error}");
    }
    assert!(!refused("eu", "1C350.secret").to_string().contains("secret"));
}

#[test]
fn a_code_covers_what_lies_below_it_in_its_own_list_and_nothing_else() {
    let covers = |one: (&str, &str), other: (&str, &str)| code(one.0, one.1).covers(&code(other.0, other.1));
    for (broad, narrow) in [
        (("eu", "1C350"), ("eu", "1C350.a.12")),
        (("eccn", "3A001"), ("eccn", "3A001.b.2")),
        (("wassenaar", "1.C.1"), ("wassenaar", "1C001.a")),
        (("eu-ml", "ML1"), ("eu-ml", "ML1.a")),
        (("usml", "VIII(h)"), ("usml", "VIII(h)(1)")),
        (("hs", "84"), ("hs", "847130")),
        (("hs", "8471"), ("cn", "84713000")),
        (("hs", "847130"), ("taric", "8471300000")),
        (("cn", "84713000"), ("taric", "8471300090")),
    ] {
        assert!(covers(broad, narrow), "{broad:?} {narrow:?}");
        assert!(!covers(narrow, broad), "{narrow:?} {broad:?}");
    }
    for (one, other) in [
        // The beginning of a number is another number.
        (("eu-ml", "ML1"), ("eu-ml", "ML10")),
        (("eu", "1C350.1"), ("eu", "1C350.12")),
        (("eu", "1C350.a"), ("eu", "1C350.aa")),
        (("wassenaar", "1.C.1"), ("wassenaar", "1.C.10")),
        (("usml", "V"), ("usml", "VI(a)")),
        (("cn", "84713000"), ("cn", "84713010")),
        // One number in two lists is not taken for one entry.
        (("eu", "3A001"), ("eccn", "3A001")),
        (("eu", "5A002"), ("wassenaar", "5A002")),
        (("eu-ml", "ML1"), ("wassenaar-ml", "ML1")),
    ] {
        assert!(!covers(one, other) && !covers(other, one), "{one:?} {other:?}");
    }
}

#[test]
fn an_identifier_is_a_code_of_goods_only_by_its_kind_and_scheme() {
    let text = |value: &str| Text::new(value).unwrap();
    let mut identifier = Identifier::new(IdKind::Goods, text("1C350.a"));
    assert_eq!(identifier.goods(), Err(GoodsError::Scheme));
    identifier.scope = Some(text("europe"));
    assert_eq!(identifier.goods(), Err(GoodsError::Scheme));
    identifier.scope = Some(text("eu"));
    assert_eq!(identifier.goods(), Ok(Some(code("eu", "1C350.a"))));
    identifier.value = text("1C35");
    assert_eq!(identifier.goods(), Err(GoodsError::Entry { scheme: EuDualUse }));
    identifier.kind = IdKind::Other;
    assert_eq!(identifier.goods(), Ok(None));
}

/// Canonical forms of every scheme, whatever their lists have.
fn written() -> impl Strategy<Value = (&'static str, String)> {
    let in_scheme = |scheme, regex: &str| {
        proptest::string::string_regex(regex).unwrap().prop_map(move |text| (scheme, text))
    };
    let number = "(00[1-9]|0[1-9][0-9]|[1-9][0-9]{2})";
    let below = "(\\.([a-z]|aa|zz|[1-9][0-9]{0,2})){0,6}";
    prop_oneof![
        in_scheme("eu", &format!("[0-9][A-E]{number}{below}")),
        in_scheme("eccn", &format!("[0-9][A-E]{number}{below}|EAR99")),
        in_scheme("wassenaar", &format!("[1-9]\\.[A-E]\\.[1-9][0-9]?{below}")),
        in_scheme("eu-ml", &format!("ML([1-9]|1[0-9]|2[0-2]){below}")),
        in_scheme("wassenaar-ml", &format!("ML([1-9]|1[0-9]|2[0-2]){below}")),
        in_scheme(
            "usml",
            "(I|IV|VIII|IX|XIV|XXI)(\\([a-z]\\)(\\([1-9][0-9]?\\)(\\((i|iv|xcix|xxviii)\\)(\\([A-Z]\\))?)?)?)?"
        ),
        in_scheme("hs", "(0[1-9]|[1-9][0-9])([0-9]{2}){0,2}"),
        in_scheme("cn", "(0[1-9]|[1-9][0-9])[0-9]{6}"),
        in_scheme("taric", "(0[1-9]|[1-9][0-9])[0-9]{8}"),
    ]
}

/// Few enough codes that one often covers another.
fn near() -> impl Strategy<Value = GoodsCode> {
    let in_scheme = |scheme, regex: &str| {
        proptest::string::string_regex(regex).unwrap().prop_map(move |text| code(scheme, &text))
    };
    prop_oneof![
        in_scheme("eu", "1C35[01](\\.[ab1]){0,2}"),
        in_scheme("eccn", "1C35[01](\\.[ab1]){0,2}"),
        in_scheme("eu-ml", "ML1[01]?(\\.[ab]){0,2}"),
        in_scheme("usml", "(V|VI)(\\([ab]\\)(\\(1[12]?\\))?)?"),
        in_scheme("hs", "84(71(3[01])?)?"),
        in_scheme("cn", "84713[01]0[01]"),
        in_scheme("taric", "84713[01]0[01]0[01]"),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same_code((scheme, text) in written()) {
        let read = code(scheme, &text);
        prop_assert_eq!(read.to_string(), text);
        prop_assert_eq!(code(scheme, &read.to_string()), read);
    }

    #[test]
    fn no_text_is_read_as_anything_else_than_it_is_written_again(
        scheme in proptest::sample::select(GoodsScheme::all().collect::<Vec<_>>()),
        text in "[0-9A-Ema-f.() ]{0,16}|\\PC{0,12}",
    ) {
        if let Ok(read) = GoodsCode::parse(scheme, &text) {
            prop_assert_eq!(GoodsCode::parse(scheme, &read.to_string()), Ok(read.clone()));
            // The same letters and digits, but for the zeros that national lists write.
            let bare = |text: &str| text.to_ascii_lowercase().replace(['.', ' ', '(', ')'], "");
            let zeros = |text: &str| bare(text).replace('0', "");
            prop_assert_eq!(zeros(&read.to_string()), zeros(&text));
            if scheme != WassenaarDualUse {
                prop_assert_eq!(bare(&read.to_string()), bare(&text));
            }
        }
    }

    #[test]
    fn to_cover_is_a_partial_order(one in near(), two in near(), three in near()) {
        prop_assert!(one.covers(&one));
        if one.covers(&two) && two.covers(&one) {
            prop_assert_eq!(&one, &two);
        }
        if one.covers(&two) && two.covers(&three) {
            prop_assert!(one.covers(&three));
        }
    }

    #[test]
    fn a_code_covers_another_by_whole_segments_alone(one in near(), two in near()) {
        let compared = one.scheme().family() == two.scheme().family();
        let prefix = one.path().len() <= two.path().len()
            && one.path().iter().zip(two.path()).all(|(one, two)| one == two);
        prop_assert_eq!(one.covers(&two), compared && prefix);
        if one.covers(&two) && one != two {
            let rest = two.to_string().strip_prefix(&one.to_string()).map(str::to_owned);
            let rest = rest.expect("what covers is a prefix as text, too");
            // Behind it begins a segment; in a tariff, a pair of digits.
            let begins = match one.scheme().family() {
                Usml => rest.starts_with('('),
                Hs => rest.len() % 2 == 0,
                _ => rest.starts_with('.'),
            };
            prop_assert!(begins, "{} {}", one, two);
        }
    }
}
