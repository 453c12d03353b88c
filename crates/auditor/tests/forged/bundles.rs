//! Bundles that their own agency signed, and that still must not pass: what hashes and signatures do not forbid.

use std::path::Path;
use std::process::Command;

use comity_auditor::{Gap, Report, TrustedKeys, verify};
use comity_ledger::{
    BUNDLE_FORMAT, Card, CardIdentity, Disclosed, Draft, Genesis, Kind, Manifest, ManifestLog,
};
use comity_tlog::{Hash, KeyKind, KeyName, SigningKey, TreeSize};

use crate::forger::{Forger, ORIGIN, at, erase, failed, genesis, key, key_of};

fn three() -> Forger {
    let record = |about| Draft::new(Kind::Record, about);
    Forger::new(vec![genesis(), record(None), record(None)])
}

#[test]
fn what_no_later_entry_announces_cannot_be_passed_off_as_erased() {
    let only = |erased: u64| move |at| if at == erased { Disclosed::Erased } else { Disclosed::Withheld };
    let record = |about| Draft::new(Kind::Record, about);
    // In silence, by another entry's erasure, and by a later entry of another kind.
    for end in [record(None), erase(0), record(Some(at(1)))] {
        // By one who is not the author: he never knew.
        let mut relayed = Forger::of("agency-b.example/pub");
        let (root, log) = (key(1), key_of("agency-b.example/pub", 2));
        let agency = "agency-b.example".parse().unwrap();
        relayed.append(Genesis::new(agency, root.verifier(), log.verifier()).unwrap().draft());
        relayed.append(record(None));
        relayed.append(end.clone());
        relayed.bundle(only(1));
        relayed.keep(3, relayed.signed_by(3, std::slice::from_ref(&log)).as_bytes());
        let mut keys = TrustedKeys::none();
        keys.add_file(log.verifier().to_string().as_bytes()).unwrap();
        let report = with_own_log(&relayed, &keys);
        assert_eq!(failed(&report), [("opening", Some(1))], "{}", report.to_text());
        assert!(report.failures[0].path.ends_with("openings/000.p/3"), "{}", report.to_text());
        // By the author, who may have lost the end of its log: as what it says that it lost, it is told aloud.
        let own = Forger::new(vec![genesis(), record(None), end]);
        own.bundle(only(1));
        let report = own.verify();
        assert_eq!(report.logs[0].unannounced, [Gap { first: 1, last: 1 }], "{}", report.to_text());
        assert_eq!((report.notes.len(), report.notes[0].index), (1, Some(1)), "{}", report.to_text());
        assert!(report.to_text().contains("UNANNOUNCED: entries 1 to 1"), "{}", report.to_text());
    }
    let announced = Forger::new(vec![genesis(), Draft::new(Kind::Record, None), erase(1)]);
    announced.bundle(only(1));
    let report = announced.verify();
    assert!(report.ok && report.checks.openings_erased == 8, "{}", report.to_text());
    assert_eq!((report.logs[0].unannounced.len(), report.notes.len()), (0, 0), "{}", report.to_text());
}

/// A card of the agency with its true log key, and a root key.
pub(crate) fn card(root: u8) -> Vec<u8> {
    let named = |name: &str, seed: u8, kind| {
        let name = KeyName::new(&format!("agency-a.example/{name}")).unwrap();
        SigningKey::from_seed(name, kind, &[seed; 32]).unwrap()
    };
    let plain = |name, seed| named(name, seed, KeyKind::Ed25519);
    let cosigning = |name, seed| named(name, seed, KeyKind::CosignatureV1).verifier().clone();
    let (root, log) = (plain("root", root), key(2));
    let identity = CardIdentity {
        agency: "agency-a.example".parse().unwrap(),
        root: root.verifier().clone(),
        log: log.verifier().clone(),
        witness: cosigning("witness", 3),
        mirror: cosigning("mirror", 4),
        statement: plain("statement", 5).verifier().clone(),
        roster_admins: [6, 7].map(|n| plain("roster-admin", n).verifier().clone()).to_vec(),
        ca: vec![0x30, 0],
    };
    let note = identity.sign(&root, &log).unwrap();
    Card::issue(&note, &["127.0.0.1:7443".to_owned()], &log).unwrap().as_bytes().to_vec()
}

#[test]
fn a_log_cannot_be_passed_off_under_the_card_of_another_root_key() {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    let with_card = |root| {
        let mut keys = TrustedKeys::none();
        keys.add_file(&card(root)).unwrap();
        verify(&forger.folder(), &keys)
    };
    let report = with_card(1);
    assert!(report.ok && report.trusted, "{}", report.to_text());
    let report = with_card(9);
    assert_eq!(failed(&report), [("entry", Some(0))], "{}", report.to_text());
    assert!(report.failures[0].detail.contains("root key"), "{}", report.to_text());
}

#[test]
fn a_bundle_cannot_name_an_agency_as_its_maker_of_which_it_has_no_log() {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    for maker in ["agency-b.example", "agency-a.exampl", ""] {
        forger.contents_of(maker, ORIGIN, &forger.root().to_base64());
        let report = forger.verify();
        assert_eq!(failed(&report), [("manifest", None)], "{}", report.to_text());
        assert!(report.failures[0].detail.contains(maker), "{}", report.to_text());
    }
    forger.contents(ORIGIN, &forger.root().to_base64());
    assert!(forger.verify().ok);
}

#[test]
fn what_an_author_says_that_it_lost_is_never_passed_over_in_silence() {
    let forger = three();
    forger.bundle(|at| if at == 2 { Disclosed::Lost } else { Disclosed::Withheld });
    let report = forger.verify();
    assert!(report.ok && report.checks.openings_lost == 8, "{}", report.to_text());
    assert_eq!(report.logs[0].lost, [Gap { first: 2, last: 2 }]);
    assert_eq!((report.notes.len(), report.notes[0].index), (1, Some(2)), "{}", report.to_text());
    let text = report.to_text();
    assert!(text.contains("LOST sections of entries 2 to 2") && text.contains("8 lost"), "{text}");
    assert!(report.notes[0].detail.contains("ask its peers"), "{text}");
    forger.bundle(|_| Disclosed::Withheld);
    assert!(forger.verify().ok, "withheld is lawful, and counted");
}

/// Nobody but the author ever held all of its sections: another calls withheld what it was not given.
#[test]
fn sections_of_a_log_cannot_be_lost_by_one_who_is_not_its_author() {
    let mut relayed = Forger::of("agency-b.example/pub");
    let (root, log) = (key(1), key_of("agency-b.example/pub", 2));
    let genesis = Genesis::new("agency-b.example".parse().unwrap(), root.verifier(), log.verifier()).unwrap();
    relayed.append(genesis.draft());
    relayed.append(Draft::new(Kind::Record, None));
    relayed.bundle(|at| if at == 1 { Disclosed::Lost } else { Disclosed::Withheld });
    relayed.keep(2, relayed.signed_by(2, std::slice::from_ref(&log)).as_bytes());
    let mut keys = TrustedKeys::none();
    keys.add_file(log.verifier().to_string().as_bytes()).unwrap();
    // The agency that made the bundle is another, and has a log in it.
    let report = with_own_log(&relayed, &keys);
    assert_eq!(failed(&report), [("opening", Some(1)); 8], "{}", report.to_text());
    assert!(report.failures[0].detail.contains("not the author"), "{}", report.to_text());
}

/// The audit of a log in the bundle of agency A, beside A's own log.
fn with_own_log(relayed: &Forger, keys: &TrustedKeys) -> Report {
    let own = three();
    own.bundle(|_| Disclosed::Withheld);
    let copied = Command::new("cp")
        .arg("-r")
        .arg(relayed.folder().join("logs/000"))
        .arg(own.folder().join("logs/001"))
        .status();
    assert!(copied.unwrap().success());
    let log = |forger: &Forger, folder: &str| ManifestLog {
        origin: forger.origin.to_string(),
        folder: folder.to_owned(),
        size: forger.size().value(),
        root: forger.root().to_base64(),
    };
    let logs = vec![log(&own, "logs/000"), log(relayed, "logs/001")];
    let (format, agency) = (BUNDLE_FORMAT.to_owned(), "agency-a.example".to_owned());
    let manifest = Manifest { format, agency, made_at: 1_780_000_000, logs };
    own.write("bundle.json", &serde_json::to_vec(&manifest).unwrap());
    let mut keys = keys.clone();
    keys.add_file(key(2).verifier().to_string().as_bytes()).unwrap();
    verify(&own.folder(), &keys)
}

#[test]
fn a_signed_log_without_entries_does_not_pass() {
    let forger = Forger::new(Vec::new());
    forger.bundle(|_| Disclosed::Withheld);
    assert_eq!(failed(&forger.verify()), [("entry", None)]);
}

#[test]
fn a_second_root_of_one_size_and_a_checkpoint_over_the_newest_do_not_pass() {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    forger.write("logs/000/checkpoints/3", &Forger::note(forger.size(), Hash::leaf(b"other")));
    let report = forger.verify();
    assert_eq!(failed(&report), [("root", None)], "{}", report.to_text());
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    forger.write("logs/000/checkpoints/9", &Forger::note(TreeSize::new(9).unwrap(), Hash::leaf(b"other")));
    let report = forger.verify();
    assert_eq!(failed(&report), [("root", None)], "{}", report.to_text());
    assert!(report.failures[0].path.ends_with("checkpoints/9") && report.checks.roots == 1);
}

#[test]
fn a_folder_of_checkpoints_that_cannot_be_listed_is_not_taken_for_none() {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    forger.write("logs/000/checkpoints", b"a file in its place");
    assert_eq!(failed(&forger.verify()), [("checkpoint", None)]);
}

#[test]
fn another_key_of_the_same_name_does_not_hide_the_right_one() {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    let mut keys = TrustedKeys::none();
    for seed in [7, 2, 8] {
        keys.add_file(key(seed).verifier().to_string().as_bytes()).unwrap();
    }
    let report = verify(&forger.folder(), &keys);
    assert!(report.ok && report.trusted, "{}", report.to_text());
    let mut wrong = TrustedKeys::none();
    wrong.add_file(key(7).verifier().to_string().as_bytes()).unwrap();
    assert_eq!(failed(&verify(&forger.folder(), &wrong)), [("signature", None)]);
}

#[test]
fn the_text_report_cannot_be_made_to_move_the_cursor() {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    forger.write("logs/000/checkpoints/\u{1b}[2Jok", b"");
    let hostile = forger.verify();
    forger.contents("agency\u{1b}[1A\u{202e}\nok", "");
    let unparsed = forger.verify();
    assert_eq!(unparsed.failures[0].origin, None, "what is no origin is not reported as one");
    for report in [hostile, unparsed] {
        let text = report.to_text();
        assert!(!report.ok && text.contains("\\u{1b}"), "{text:?}");
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()) && !text.contains('\u{202e}'), "{text:?}");
        let endings = text.lines().filter(|line| *line == "ok").count();
        assert_eq!(endings, 0, "{text:?}");
    }
}

/// Replaces a file or folder of a sound bundle, and wants the audit to end, and to fail.
fn replaced(path: &str, by: impl Fn(&Path, &Path)) -> Report {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    assert!(forger.verify().ok);
    let (inside, outside) = (forger.folder().join(path), forger.dir.path().join("outside"));
    std::fs::rename(&inside, &outside).unwrap();
    by(&outside, &inside);
    forger.verify()
}

#[test]
fn no_link_leads_the_auditor_out_of_the_bundle() {
    let link = |outside: &Path, inside: &Path| std::os::unix::fs::symlink(outside, inside).unwrap();
    for path in ["bundle.json", "logs", "logs/000", "logs/000/checkpoint", "logs/000/openings/000.p"] {
        assert!(!replaced(path, link).ok, "{path}");
    }
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    std::os::unix::fs::symlink("/", forger.folder().join("logs/000/checkpoints")).unwrap();
    assert_eq!(failed(&forger.verify()), [("checkpoint", None)]);
}

#[test]
fn a_pipe_in_a_bundle_does_not_hold_the_auditor_up() {
    let pipe = |_: &Path, inside: &Path| {
        assert!(Command::new("mkfifo").arg(inside).status().unwrap().success());
    };
    for path in ["bundle.json", "logs/000/checkpoint", "logs/000/tile/entries/000.p/3"] {
        assert!(!replaced(path, pipe).ok, "{path}");
    }
}

#[test]
fn an_endless_file_of_keys_is_refused() {
    let refused = TrustedKeys::none().add_path(Path::new("/dev/zero")).unwrap_err();
    assert!(refused.to_string().contains("larger"), "{refused}");
}
