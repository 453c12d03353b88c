//! Every single-bit flip of a signed log on its way is refused, or is in a byte that nothing covers and nothing keeps.

use std::collections::{BTreeMap, BTreeSet};

use crate::fields;
use crate::follower::{Client, Follower, Refused};
use crate::log::{Log, Sent};

/// For each byte the field that it belongs to; the last line of a cosigned note is named on its own.
fn named_bytes(sent: &Sent) -> Vec<String> {
    let mut fields = fields::names(&fields::follow_response(), &sent.bytes, "");
    if ["cosigned checkpoint", "first quorum"].contains(&sent.name) {
        let lines = &sent.bytes[..sent.bytes.len() - 1];
        let last = lines.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        fields[last..].fill("line of an unknown key".to_owned());
    }
    assert_eq!(fields.len(), sent.bytes.len());
    fields
}

/// Goal: whoever stands between author and follower changes nothing by changing a bit.
/// Way: flip each bit of each message; what is not refused must leave all that is held byte for byte the same, and
/// must be in one of the fields named here.
#[test]
fn every_single_bit_flip_on_the_wire_is_refused_or_changes_nothing() {
    let log = Log::new("agency-a.example/pub", 1);
    let client = Client::new();
    let mut before = Follower::of(&log);
    let (mut bits, mut undecodable, mut refuted) = (0usize, 0usize, 0usize);
    let mut equal: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for (number, sent) in log.sent().iter().enumerate() {
        let fields = named_bytes(sent);
        let mut after = before.clone();
        after.take(&sent.bytes).unwrap();
        assert!(client.read(&sent.bytes).is_some());
        for bit in 0..sent.bytes.len() * 8 {
            let mut flipped = sent.bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let mut follower = before.clone();
            bits += 1;
            match follower.take(&flipped) {
                Err(refused) => {
                    assert!(follower.stands_as(&before), "message {number} bit {bit}");
                    match refused {
                        Refused::Decoding => undecodable += 1,
                        Refused::Verification => refuted += 1,
                    }
                }
                Ok(()) if client.read(&flipped).is_none() => undecodable += 1,
                Ok(()) => {
                    let field = &fields[bit / 8];
                    assert!(follower.stands_as(&after), "message {number} bit {bit} in {field}");
                    *equal.entry((sent.name, field.clone())).or_default() += 1;
                }
            }
        }
        before = after;
    }
    let same: usize = equal.values().sum();
    println!(
        "{bits} flips: {undecodable} refused at decoding, {refuted} by verification, {same} change nothing"
    );
    println!("change nothing: {equal:#?}");
    assert_eq!(bits, undecodable + refuted + same);
    assert!(undecodable > 0 && refuted > 0 && same > 0);
    let uncovered: BTreeSet<(&str, &str)> =
        equal.keys().map(|(message, field)| (*message, field.as_str())).collect();
    let expected = BTreeSet::from([
        ("cosigned checkpoint", "line of an unknown key"),
        ("first quorum", "line of an unknown key"),
        ("absences", "release.openings.index"),
        ("absences", "release.openings.slot"),
        ("absences", "release.openings.absence"),
        ("heartbeat", "heartbeat.size"),
        ("heartbeat", "heartbeat.next_release"),
    ]);
    assert_eq!(uncovered, expected);
}
