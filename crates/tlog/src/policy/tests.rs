//! What a policy permits, what it refuses, and that it is judged as the specification words it.

use proptest::prelude::*;

use super::*;
use crate::key::{KeyError, KeyName};
use crate::{Checkpoint, CosignatureTime, Hash, SignedCheckpoint, SigningKey, TreeSize};

fn key_of(name: &str, kind: KeyKind, filled: u8) -> VerifierKey {
    let length = if kind == KeyKind::MlDsa44 { 1312 } else { 32 };
    VerifierKey::new(KeyName::new(name).unwrap(), kind, &vec![filled; length]).unwrap()
}

fn witness(filled: u8) -> VerifierKey {
    key_of(&format!("witness.example/{filled}"), KeyKind::CosignatureV1, filled)
}

fn log(filled: u8) -> VerifierKey {
    key_of(&format!("log.example/{filled}"), KeyKind::Ed25519, filled)
}

/// The two levels of groups of the example in the specification.
fn example() -> String {
    let lines = [
        "# who is asked",
        &format!("log {}", log(100)),
        "",
        &format!("witness X1 {}", witness(1)),
        &format!("\twitness  X2\t{} https://x2.example/witness ", witness(2)),
        &format!("witness X3 {}", witness(3)),
        "group X-witnesses 2 X1 X2 X3",
        &format!("witness Y1 {}", witness(4)),
        &format!("witness Y2 {}", witness(5)),
        "group Y-witnesses any Y1 Y2",
        "  # both of them",
        "group X-and-Y all X-witnesses Y-witnesses",
        "quorum X-and-Y",
    ];
    lines.map(|line| format!("{line}\n")).concat()
}

#[test]
fn the_example_of_the_specification_is_read_and_judged() {
    let policy = Policy::parse(example()).unwrap();
    assert_eq!(policy.logs().collect::<Vec<_>>(), [&log(100)]);
    assert_eq!(policy.witnesses().cloned().collect::<Vec<_>>(), [1, 2, 3, 4, 5].map(witness));
    let addresses: Vec<_> = policy.witness_addresses().collect();
    assert_eq!(addresses, [(&witness(2), &b"https://x2.example/witness"[..])]);
    assert!(policy.asks_for_witnesses());
    let met = |filled: &[u8]| {
        let keys: Vec<VerifierKey> = filled.iter().map(|filled| witness(*filled)).collect();
        policy.is_met_by(&keys)
    };
    for enough in [&[1, 2, 4][..], &[1, 3, 5], &[2, 3, 4], &[5, 4, 3, 2, 1]] {
        assert!(met(enough), "{enough:?}");
    }
    for short in [&[][..], &[1, 2], &[1, 2, 3], &[1, 4, 5], &[4, 5], &[1, 1, 4], &[1, 9, 4]] {
        assert!(!met(short), "{short:?}");
    }
}

#[test]
fn what_is_written_is_read_as_the_same_policy() {
    let policy = Policy::parse(example()).unwrap();
    let text = policy.to_text();
    assert_eq!(Policy::parse(&text).unwrap(), policy);
    assert_eq!(Policy::parse(&text).unwrap().to_text(), text);
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("https://x2.example/witness\n") && text.ends_with("\nquorum X-and-Y\n"), "{text}");
}

#[test]
fn a_quorum_may_be_a_single_witness_or_nobody() {
    let single =
        Policy::parse(format!("witness A {}\nwitness B {}\nquorum B\n", witness(1), witness(2))).unwrap();
    assert!(single.is_met_by([&witness(2)]) && !single.is_met_by([&witness(1)]));
    let nobody = Policy::parse("quorum none\n").unwrap();
    assert!(nobody.is_met_by([]) && !nobody.asks_for_witnesses());
    assert_eq!(nobody.to_text(), b"quorum none\n");
}

#[test]
fn every_rule_that_is_broken_is_named_with_its_line() {
    let (one, two, other_name) =
        (witness(1), witness(2), key_of("renamed.example", KeyKind::CosignatureV1, 1));
    let three = format!("witness A {one}\nwitness B {two}\ngroup G all A\n");
    let refused = |text: &str, expected: &PolicyError| {
        assert_eq!(&Policy::parse(text).unwrap_err(), expected, "{text}");
    };
    refused("", &PolicyError::NoQuorum);
    refused(&three, &PolicyError::NoQuorum);
    refused("quorum none", &PolicyError::Unterminated { line: 1 });
    refused("#\r\nquorum none\n", &PolicyError::Character { line: 1 });
    refused("# \u{7f}\nquorum none\n", &PolicyError::Character { line: 1 });
    refused("quorum none\nquorum none\n", &PolicyError::QuorumTwice { line: 2 });
    for (line, expected) in [
        ("mirror A", PolicyError::Keyword { line: 4 }),
        ("Quorum A", PolicyError::Keyword { line: 4 }),
        ("\u{a0}quorum none", PolicyError::Keyword { line: 4 }),
        ("log", PolicyError::Words { line: 4 }),
        ("witness C", PolicyError::Words { line: 4 }),
        ("group", PolicyError::Words { line: 4 }),
        ("group H", PolicyError::Words { line: 4 }),
        ("quorum", PolicyError::Words { line: 4 }),
        ("quorum A B", PolicyError::Words { line: 4 }),
        ("witness C nonsense", PolicyError::Key { line: 4, source: KeyError::Malformed }),
        ("group A any B", PolicyError::NameTaken { line: 4 }),
        ("group none any B", PolicyError::NameTaken { line: 4 }),
        ("group H any C", PolicyError::UnknownName { line: 4 }),
        ("group H any none", PolicyError::UnknownName { line: 4 }),
        ("group H any H", PolicyError::UnknownName { line: 4 }),
        ("quorum H", PolicyError::UnknownName { line: 4 }),
        ("group H all B B", PolicyError::MemberTwice { line: 4 }),
        ("group H all B A", PolicyError::MemberTwice { line: 4 }),
        ("group H any", PolicyError::Needed { line: 4 }),
        ("group H all", PolicyError::Needed { line: 4 }),
        ("group H 0 B", PolicyError::Needed { line: 4 }),
        ("group H 2 B", PolicyError::Needed { line: 4 }),
        ("group H +1 B", PolicyError::Needed { line: 4 }),
        ("group H 01 B", PolicyError::Needed { line: 4 }),
        ("group H most B", PolicyError::Needed { line: 4 }),
        ("group H 99999999999999999999999 B", PolicyError::Needed { line: 4 }),
    ] {
        refused(&format!("{three}{line}\nquorum none\n"), &expected);
    }
    let keyed = |line: String, expected| refused(&format!("{three}{line}\nquorum none\n"), &expected);
    keyed(format!("witness C {other_name}"), PolicyError::KeyTwice { line: 4 });
    keyed(format!("witness G {}", witness(3)), PolicyError::NameTaken { line: 4 });
    keyed(format!("witness none {}", witness(3)), PolicyError::NameTaken { line: 4 });
    keyed(format!("witness C {} u v", witness(3)), PolicyError::Words { line: 4 });
    keyed(format!("witness C {}", log(3)), PolicyError::KeyKind { line: 4, kind: KeyKind::Ed25519 });
    keyed(format!("log {}", witness(3)), PolicyError::KeyKind { line: 4, kind: KeyKind::CosignatureV1 });
    keyed(format!("log {}\nlog {}", log(3), log(3)), PolicyError::KeyTwice { line: 5 });
    // The last group that names it may come before the witness is defined, but not the other way round.
    keyed(format!("group H any C\nwitness C {}", witness(3)), PolicyError::UnknownName { line: 4 });
}

#[test]
fn names_are_octets_and_no_two_octet_strings_are_one_name() {
    let kelvin = format!("witness K {}\nwitness \u{212a} {}\nquorum \u{212a}\n", witness(1), witness(2));
    let policy = Policy::parse(&kelvin).unwrap();
    assert!(policy.is_met_by([&witness(2)]) && !policy.is_met_by([&witness(1)]));
    let vkey = witness(1).to_string();
    let latin =
        [b"# \xe9t\xe9\nwitness \xe9t\xe9 ".as_slice(), vkey.as_bytes(), b" \xff\nquorum \xe9t\xe9\n"]
            .concat();
    let policy = Policy::parse(&latin).unwrap();
    assert_eq!(policy.to_text(), latin[6..], "all but the comment");
}

#[test]
fn as_many_as_the_format_asks_for_are_read_and_not_without_bound() {
    let of = |count: usize| {
        let mut text = Vec::new();
        for place in 0..count {
            let filled = u8::try_from(place).unwrap();
            text.push(format!("log {}", log(filled)));
            text.push(format!("witness w{place} {}", witness(filled)));
            text.push(format!("group g{place} any w{place}"));
        }
        text.push("quorum g0\n".to_owned());
        text.join("\n")
    };
    for count in [32, POLICY_ITEMS_MAX] {
        let policy = Policy::parse(of(count)).unwrap();
        assert_eq!((policy.logs().count(), policy.witnesses().count()), (count, count));
    }
    let line = 3 * POLICY_ITEMS_MAX + 1;
    assert_eq!(Policy::parse(of(POLICY_ITEMS_MAX + 1)), Err(PolicyError::TooMany { line }));
    let long = format!("#{}\nquorum none\n", "x".repeat(POLICY_BYTES_MAX));
    assert_eq!(Policy::parse(&long), Err(PolicyError::TooLong { bytes: long.len() }));
    // As many keys as are allowed, of the longest kind and name, fit into what is read.
    let name = "n".repeat(KeyName::BYTES_MAX);
    let mut widest = Vec::new();
    for filled in 0..u8::try_from(POLICY_ITEMS_MAX).unwrap() {
        let key = key_of(&name, KeyKind::MlDsa44, filled);
        widest.extend([format!("log {key}"), format!("witness w{filled} {key}")]);
    }
    widest.push("quorum w0\n".to_owned());
    assert!(Policy::parse(widest.join("\n")).is_ok());
}

#[test]
fn keys_of_kind_0x06_are_carried_and_never_count() {
    let post_quantum = key_of("pq.example/1", KeyKind::MlDsa44, 9);
    let text = format!(
        "log {}\nwitness A {}\nwitness P {post_quantum}\ngroup both 2 A P\nquorum both\n",
        key_of("pq.example/log", KeyKind::MlDsa44, 8),
        witness(1),
    );
    let policy = Policy::parse(&text).unwrap();
    assert_eq!(policy.witnesses().count(), 2);
    assert!(!policy.is_met_by([&witness(1), &post_quantum]), "an unverified line counted");
    assert_eq!(Policy::parse(policy.to_text()).unwrap(), policy);
}

#[test]
fn a_policy_made_in_code_is_the_file_that_it_writes() {
    let keys: Vec<VerifierKey> = (1..=5).map(witness).collect();
    for needed in 1..=5 {
        let policy = Policy::threshold(keys.clone(), needed).unwrap();
        assert_eq!(Policy::parse(policy.to_text()).unwrap(), policy);
        for count in 0..=5 {
            assert_eq!(policy.is_met_by(&keys[..count]), count >= needed, "{count} of {needed}");
        }
    }
    assert_eq!(Policy::threshold(keys.clone(), 0), Err(PolicyError::Needed { line: 6 }));
    assert_eq!(Policy::threshold(keys.clone(), 6), Err(PolicyError::Needed { line: 6 }));
    assert_eq!(Policy::threshold(Vec::new(), 0), Err(PolicyError::Needed { line: 1 }));
    assert_eq!(Policy::threshold(vec![witness(1), witness(1)], 1), Err(PolicyError::KeyTwice { line: 2 }));
    let log_key = PolicyError::KeyKind { line: 1, kind: KeyKind::Ed25519 };
    assert_eq!(Policy::threshold(vec![log(1)], 1), Err(log_key));
    let unwritable = key_of("witness.example/\u{7f}", KeyKind::CosignatureV1, 1);
    assert_eq!(Policy::threshold(vec![unwritable], 1), Err(PolicyError::Character { line: 1 }));
    let many = (0..=u8::try_from(POLICY_ITEMS_MAX).unwrap()).map(witness).collect();
    assert_eq!(Policy::threshold(many, 1), Err(PolicyError::TooMany { line: POLICY_ITEMS_MAX + 1 }));
}

#[test]
fn a_checkpoint_is_judged_by_its_verified_lines_and_never_by_the_logs_own_key() {
    let signer = |name: &str, kind, seed: u8| {
        SigningKey::from_seed(KeyName::new(name).unwrap(), kind, &[seed; 32]).unwrap()
    };
    let log = signer("a.example/pub", KeyKind::Ed25519, 1);
    let cosigners = [("b.example/witness", 2), ("c.example/witness", 3), ("a.example/witness", 1)]
        .map(|(name, seed)| signer(name, KeyKind::CosignatureV1, seed));
    let keys: Vec<VerifierKey> = cosigners.iter().map(|key| key.verifier().clone()).collect();
    let policy = Policy::threshold(keys, 2).unwrap();
    let known: Vec<VerifierKey> = policy.witnesses().cloned().collect();
    let plain = Checkpoint::new("a.example/pub", TreeSize::new(7).unwrap(), Hash::leaf(b"x"))
        .unwrap()
        .sign(&log)
        .unwrap();
    let with = |noted: &SignedCheckpoint, which: usize| {
        let time = CosignatureTime::new(1_000).unwrap();
        noted.with_line(cosigners[which].cosign(noted.checkpoint(), time).unwrap()).unwrap()
    };
    let met = |noted: &SignedCheckpoint| policy.is_met_on(&noted.verify(log.verifier(), &known).unwrap());
    assert!(!met(&plain) && !met(&with(&plain, 0)));
    // The third cosigner has the public key of the log itself.
    assert!(!met(&with(&with(&plain, 0), 2)), "the log counted as its own witness");
    assert!(met(&with(&with(&plain, 0), 1)));
}

/// A policy of random shape as text, with `count` witnesses.
fn text_of(count: usize, groups: &[(usize, Vec<usize>)], quorum: usize) -> String {
    let mut free: Vec<String> = (0..count).map(|place| format!("w{place}")).collect();
    let mut defined = free.clone();
    let mut lines: Vec<String> = (0..count)
        .map(|place| format!("witness w{place} {}", witness(u8::try_from(place).unwrap())))
        .collect();
    for (number, (needed, picks)) in groups.iter().enumerate() {
        let mut members = Vec::new();
        for pick in picks {
            if !free.is_empty() {
                members.push(free.remove(pick % free.len()));
            }
        }
        if members.is_empty() {
            continue;
        }
        lines.push(format!("group g{number} {} {}", needed % members.len() + 1, members.join(" ")));
        free.push(format!("g{number}"));
        defined.push(format!("g{number}"));
    }
    lines.push(format!("quorum {}\n", defined[quorum % defined.len()]));
    lines.join("\n")
}

/// The rule as the specification says it: a name witnesses if it cosigned, or if enough of its members do.
fn model(text: &str, name: &str, cosigned: &dyn Fn(usize) -> bool) -> bool {
    if let Some(place) = name.strip_prefix('w') {
        return cosigned(place.parse().unwrap());
    }
    let line = text.lines().find(|line| line.starts_with(&format!("group {name} "))).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    let count = words[3..].iter().filter(|member| model(text, member, cosigned)).count();
    count >= words[2].parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_policy_is_judged_as_the_specification_says_and_survives_writing(
        count in 1usize..9,
        groups in prop::collection::vec((0usize..8, prop::collection::vec(0usize..16, 1..5)), 0..6),
        quorum in 0usize..16,
        cosigned in 0u32..512,
    ) {
        let text = text_of(count, &groups, quorum);
        let policy = Policy::parse(&text).unwrap();
        prop_assert_eq!(policy.to_text(), text.as_bytes());
        let keys: Vec<VerifierKey> = (0..count)
            .filter(|place| cosigned >> place & 1 == 1)
            .map(|place| witness(u8::try_from(place).unwrap()))
            .collect();
        let name = text.trim_end().rsplit(' ').next().unwrap();
        prop_assert_eq!(policy.is_met_by(&keys), model(&text, name, &|place| cosigned >> place & 1 == 1));
    }

    #[test]
    fn random_octets_never_panic_and_what_is_read_has_one_form(
        words in prop::collection::vec(prop::sample::select(vec![
            "log", "witness", "group", "quorum", "none", "all", "any", "1", "A", "B", "\n", "\t", "#", "\u{e9}", "\0",
        ]), 0..24),
    ) {
        let text = words.join(" ") + "\n";
        if let Ok(policy) = Policy::parse(&text) {
            prop_assert_eq!(Policy::parse(policy.to_text()), Ok(policy));
        }
    }
}
