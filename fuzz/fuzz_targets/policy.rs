//! A trust policy: what is read is written as the same policy, and more cosigners never make less of a quorum.
#![no_main]

use comity_tlog::{KeyKind, Policy, VerifierKey};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(policy) = Policy::parse(input) else { return };
    let text = policy.to_text();
    let again = Policy::parse(&text).unwrap();
    assert_eq!(again, policy);
    assert_eq!(again.to_text(), text, "one form for each policy");
    assert_eq!(policy.is_met_by([]), !policy.asks_for_witnesses());
    let cosigners: Vec<VerifierKey> = policy.witnesses().cloned().collect();
    let mut was_met = policy.is_met_by([]);
    for count in 1..=cosigners.len() {
        let is_met = policy.is_met_by(&cosigners[..count]);
        assert!(is_met || !was_met, "a cosignature more made it less");
        let (last, counts) = (&cosigners[count - 1], cosigners[count - 1].kind() == KeyKind::CosignatureV1);
        assert!(counts || is_met == was_met, "{last} counted unverified");
        was_met = is_met;
    }
});
