//! Checkpoints with cosignatures: enough of them or not, by whose policy, in which order of time.

use comity_auditor::{PolicyStanding, TrustedKeys, WitnessState, verify};
use comity_ledger::{Disclosed, Draft, Kind};
use comity_tlog::{Policy, SigningKey};

use crate::bundles::card;
use crate::forger::{Forger, NOW, cosigner, failed, genesis, key, log_key, policy, witness};

/// Ten entries; checkpoints of 4 and 7 retained, and cosigned by some of four witnesses.
fn cosigned(by: [&[u8]; 3]) -> Forger {
    let forger = Forger::of_entries(10);
    for ((entries, numbers), time) in [4, 7, 10].into_iter().zip(by).zip([NOW + 5, NOW + 65, NOW + 125]) {
        let witnesses: Vec<SigningKey> = numbers.iter().map(|number| witness(*number)).collect();
        let lines: Vec<_> = witnesses.iter().map(|witness| (witness, time)).collect();
        forger.cosigned(entries, &lines);
    }
    forger
}

#[test]
fn a_log_is_witnessed_if_its_newest_checkpoint_is_and_every_check_is_counted() {
    let forger = cosigned([&[1, 2], &[], &[4, 2, 3]]);
    let report = forger.verify_by(&policy(4, 3));
    assert!(report.ok, "{}", report.to_text());
    let (log, c) = (&report.logs[0], report.checks);
    assert_eq!((log.policy, log.state), (PolicyStanding::Brought, WitnessState::Witnessed));
    assert_eq!((log.checkpoints, log.witnessed_checkpoints, log.witnessed_size), (3, 1, 10));
    // Of the witnesses only the second cosigned twice.
    assert_eq!((c.signatures, c.cosignatures, c.quorums, c.clocks), (3, 5, 3, 1));
    assert_eq!((c.roots, c.proofs, c.gaps), (3, 2, 0));
    assert!(
        report
            .to_text()
            .contains("3 checkpoints, 1 of them witnessed; witnessed, up to size 10, by your policy")
    );
    let unjudged = forger.verify();
    assert!(unjudged.ok && unjudged.checks.cosignatures == 0, "{}", unjudged.to_text());
    assert_eq!(
        (unjudged.logs[0].policy, unjudged.logs[0].state),
        (PolicyStanding::None, WitnessState::Unjudged)
    );
    assert!(unjudged.to_text().contains("no policy to judge witnesses by"));
}

#[test]
fn what_no_witnessed_checkpoint_covers_is_a_failure_that_says_from_where() {
    let report = cosigned([&[1, 2, 3], &[1, 2, 3], &[1, 2]]).verify_by(&policy(4, 3));
    assert_eq!(failed(&report), [("quorum", None)], "{}", report.to_text());
    assert!(report.failures[0].detail.contains("entries from 7 on"), "{}", report.to_text());
    assert_eq!(report.logs[0].witnessed_size, 7);
    let report = cosigned([&[1], &[2], &[3]]).verify_by(&policy(4, 3));
    assert_eq!(failed(&report), [("quorum", None)], "cosignatures of different checkpoints were added up");
    assert_eq!((report.logs[0].state, report.logs[0].witnessed_size), (WitnessState::Unwitnessed, 0));
    let strangers = cosigned([&[], &[], &[7, 8, 9]]).verify_by(&policy(4, 3));
    assert_eq!(failed(&strangers), [("quorum", None)], "witnesses that the policy does not know counted");
    assert_eq!(strangers.checks.cosignatures, 0);
}

#[test]
fn an_agency_is_never_its_own_witness_under_whatever_name() {
    let forger = Forger::of_entries(3);
    // As the card has it, under its own name and under another; and the key of the log itself.
    let own = cosigner("agency-a.example/witness", 3);
    let renamed = cosigner("independent.example/witness", 3);
    let log = cosigner("other.example/witness", 2);
    for cosigner in [&own, &renamed, &log] {
        forger.cosigned(3, &[(cosigner, NOW)]);
        let alone = Policy::threshold(vec![cosigner.verifier().clone()], 1).unwrap();
        let mut keys = TrustedKeys::none();
        keys.add_file(&card(1)).unwrap();
        keys.add_policy(&alone.to_text()).unwrap();
        let report = verify(&forger.folder(), &keys);
        assert_eq!(failed(&report), [("quorum", None)], "{}: {}", cosigner.name(), report.to_text());
    }
}

#[test]
fn the_policy_of_the_auditor_decides_and_that_of_the_bundle_is_a_hint() {
    let forger = cosigned([&[1], &[1], &[1]]);
    forger.write("logs/000/policy", &policy(1, 1).to_text());
    let hinted = forger.verify();
    assert!(hinted.ok && hinted.to_text().contains("HINT"), "{}", hinted.to_text());
    assert_eq!(
        (hinted.logs[0].policy, hinted.logs[0].state),
        (PolicyStanding::Hint, WitnessState::Witnessed)
    );
    assert_eq!(
        failed(&forger.verify_by(&policy(4, 3))),
        [("quorum", None)],
        "the hint stood in for the policy"
    );
    forger.write("logs/000/policy", &policy(4, 3).to_text());
    let unmet = forger.verify();
    assert!(unmet.ok, "{}", unmet.to_text());
    assert_eq!((unmet.logs[0].state, unmet.notes.len()), (WitnessState::Unwitnessed, 1));
    assert!(unmet.notes[0].detail.contains("hint"), "{}", unmet.to_text());
    forger.write("logs/000/policy", b"quorum everybody\n");
    let unread = forger.verify();
    assert!(unread.ok && unread.notes[0].path == "logs/000/policy", "{}", unread.to_text());
    assert_eq!(unread.logs[0].state, WitnessState::Unjudged);
}

#[test]
fn a_forged_line_of_a_witness_spoils_the_note_unless_only_the_bundle_speaks_of_it() {
    let forger = Forger::of_entries(3);
    let elsewhere = Forger::of_entries(4).signed_at(3);
    let time = comity_tlog::CosignatureTime::new(NOW).unwrap();
    // A true line of the witness, but of another tree.
    let line = witness(1).cosign(elsewhere.checkpoint(), time).unwrap();
    forger.keep(3, forger.signed_at(3).with_line(line).unwrap().as_bytes());
    let report = forger.verify_by(&policy(1, 1));
    assert_eq!(failed(&report), [("signature", None)], "{}", report.to_text());
    assert!(report.failures[0].detail.contains("witness-1.example/witness"), "{}", report.to_text());
    forger.write("logs/000/policy", &policy(1, 1).to_text());
    let report = forger.verify();
    assert!(report.ok && report.notes.len() == 2, "{}", report.to_text());
    assert_eq!(report.logs[0].state, WitnessState::Unwitnessed);
}

#[test]
fn lines_of_strangers_and_of_kinds_to_come_change_nothing() {
    let forger = cosigned([&[1, 2, 3], &[1, 2, 3], &[1, 2, 3]]);
    let good = forger.verify_by(&policy(4, 3));
    assert!(good.ok, "{}", good.to_text());
    let post_quantum = "\u{2014} pq.example/witness ".to_owned() + &"AAAA".repeat((4 + 2428) / 3) + "\n";
    for (entries, path) in [(4, "checkpoints/4"), (7, "checkpoints/7"), (10, "checkpoint")] {
        let note = std::fs::read(forger.folder().join("logs/000").join(path)).unwrap();
        let strange = "\u{2014} stranger.example AAAAAAAAAAAA\n".to_owned() + &post_quantum;
        forger.keep(entries, &[note.as_slice(), strange.as_bytes()].concat());
    }
    let report = forger.verify_by(&policy(4, 3));
    assert_eq!(serde_json::to_string(&report).unwrap(), serde_json::to_string(&good).unwrap());
    let note = forger.signed_at(7);
    let flood = "\u{2014} stranger.example AAAAAAAAAAAA\n".repeat(10_000);
    forger.keep(7, &[note.as_bytes(), flood.as_bytes()].concat());
    assert_eq!(failed(&forger.verify_by(&policy(4, 3))), [("signature", None)], "10,000 lines");
}

#[test]
fn a_witness_whose_time_goes_back_over_sizes_is_named() {
    let forger = Forger::of_entries(10);
    let (first, second) = (witness(1), witness(2));
    forger.cosigned(4, &[(&first, NOW + 100), (&second, NOW + 100)]);
    forger.cosigned(7, &[(&second, NOW + 100)]);
    forger.cosigned(10, &[(&first, NOW + 99), (&second, NOW + 160)]);
    let report = forger.verify_by(&policy(2, 2));
    assert_eq!(failed(&report), [("clock", None)], "{}", report.to_text());
    let failure = &report.failures[0];
    assert!(
        failure.path.ends_with("/checkpoint") && failure.detail.starts_with("witness-1.example"),
        "{failure:?}"
    );
    assert_eq!(report.checks.clocks, 3);
    // A bundle that names its own witnesses accuses nobody.
    forger.write("logs/000/policy", &policy(2, 2).to_text());
    let hinted = forger.verify();
    assert!(hinted.ok && hinted.notes[0].detail.contains("witness-1.example"), "{}", hinted.to_text());
}

#[test]
fn times_that_an_author_claims_are_noted_and_fail_nothing() {
    let record = || Draft::new(Kind::Record, None);
    let claimed = [NOW, NOW + 10, NOW + 5, NOW + 100, NOW + 900];
    let drafts = std::iter::once(genesis()).chain((1..5).map(|_| record()));
    let forger = Forger::at_times(drafts.zip(claimed).collect());
    forger.bundle(|_| Disclosed::Withheld);
    let witnesses = [1, 2, 3, 4].map(witness);
    // One of four may lie: the second smallest time is what counts, NOW + 40 for the first four entries.
    let times = [NOW - 1_000_000, NOW + 40, NOW + 50, NOW + 60];
    let lines: Vec<_> = witnesses.iter().zip(times).collect();
    forger.cosigned(4, &lines);
    let later: Vec<_> = witnesses.iter().map(|witness| (witness, NOW + 1_000)).collect();
    forger.cosigned(5, &later);
    let report = forger.verify_by(&policy(4, 3));
    assert!(report.ok, "{}", report.to_text());
    let notes: Vec<_> = report.notes.iter().map(|note| (note.index, note.detail.as_str())).collect();
    assert_eq!(notes.len(), 1, "{}", report.to_text());
    assert!(notes[0].0 == Some(2) && notes[0].1.starts_with("1 entries claim an earlier time"), "{notes:?}");
    // Forty seconds later than the witnesses would be too far: entry 3 is sixty ahead of them, and no more.
    let times = [NOW + 39, NOW - 1, NOW + 39, NOW + 39];
    let lines: Vec<_> = witnesses.iter().zip(times).collect();
    forger.cosigned(4, &lines);
    let report = forger.verify_by(&policy(4, 3));
    assert!(report.ok, "{}", report.to_text());
    let ahead = report.notes.iter().find(|note| note.index == Some(3)).unwrap();
    assert!(ahead.detail.contains("over 60 s after witnesses had seen them"), "{}", report.to_text());
}

#[test]
fn a_policy_that_names_its_log_is_enough_to_trust_it() {
    let forger = cosigned([&[1], &[1], &[1]]);
    let of_log = |seed: u8| {
        let line = format!("log {}\n", key(seed).verifier());
        let mut keys = TrustedKeys::none();
        keys.add_policy(&[line.as_bytes(), &policy(1, 1).to_text()].concat()).unwrap();
        verify(&forger.folder(), &keys)
    };
    let report = of_log(2);
    assert!(report.ok && report.trusted, "{}", report.to_text());
    assert_eq!(failed(&of_log(7)), [("signature", None)], "another key of that name");
    // One that names no log says who witnesses, and not whose log it is.
    let mut keys = TrustedKeys::none();
    keys.add_policy(&policy(1, 1).to_text()).unwrap();
    let report = verify(&forger.folder(), &keys);
    assert!(report.ok && !report.trusted, "{}", report.to_text());
    assert_eq!(report.logs[0].state, WitnessState::Witnessed);
    // Of several, that which names the log is taken.
    let mut keys = log_key();
    keys.add_policy(&policy(4, 3).to_text()).unwrap();
    let line = format!("log {}\n", key(2).verifier());
    keys.add_policy(&[line.as_bytes(), &policy(1, 1).to_text()].concat()).unwrap();
    assert!(verify(&forger.folder(), &keys).ok);
}
