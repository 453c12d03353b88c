//! Proofs of single entries: made out of a bundle or an exported log, and believed only if they hold.

use std::path::PathBuf;

use comity_auditor::{NoProof, ProofReport, ProvedEntry, TrustedKeys, WitnessState, prove, verify_proof};
use comity_tlog::{Hash, Policy, VerifierKey};
use serde_json::Value;

use crate::forger::{Forger, NOW, ORIGIN, at, cosigner, key, log_key, policy, witness};

fn by(policy: &Policy) -> TrustedKeys {
    let mut keys = log_key();
    keys.add_policy(&policy.to_text()).unwrap();
    keys
}

fn made(forger: &Forger, index: u64) -> ProvedEntry {
    prove(&forger.folder(), None, at(index), &TrustedKeys::none()).unwrap()
}

fn checks(report: &ProofReport) -> Vec<&'static str> {
    report.failures.iter().map(|failure| failure.check).collect()
}

#[test]
fn every_entry_is_proved_out_of_a_bundle_and_out_of_an_exported_log() {
    let forger = Forger::of_entries(600);
    let exported = forger.folder().join("logs/000");
    for (entry, index) in forger.entries.iter().zip(0..) {
        let made = made(&forger, index);
        assert_eq!((made.origin.as_str(), made.index, made.size), (ORIGIN, index, 600));
        assert_eq!(&made.entry, entry);
        let report = verify_proof(made.document.as_bytes(), &Hash::leaf(entry), &log_key());
        assert!(report.ok && report.state == WitnessState::Unjudged, "{}", report.to_text());
        assert_eq!(report.root, Some(forger.root().to_base64()));
        if index % 50 == 0 {
            let alone = prove(&exported, Some(ORIGIN), at(index), &TrustedKeys::none()).unwrap();
            assert_eq!(alone.document, made.document);
        }
    }
    // Of a log that has grown on, a full tile stands in for the partial one of a smaller size.
    let longer = Forger::of_entries(512);
    longer.write("logs/000/checkpoint", longer.signed_at(300).as_bytes());
    let above = std::fs::read(longer.folder().join("logs/000/tile/1/000.p/2")).unwrap();
    longer.write("logs/000/tile/1/000.p/1", &above[..32]);
    let made = made(&longer, 299);
    assert!(verify_proof(made.document.as_bytes(), &Hash::leaf(&longer.entries[299]), &log_key()).ok);
}

#[test]
fn a_proof_of_another_entry_tree_log_or_key_is_refused_and_says_why() {
    let forger = Forger::of_entries(20);
    let made = made(&forger, 7);
    let (document, leaf) = (made.document.clone(), Hash::leaf(&made.entry));
    let refused = |document: &str, leaf: &Hash, keys: &TrustedKeys, check: &str| {
        let report = verify_proof(document.as_bytes(), leaf, keys);
        assert!(!report.ok && checks(&report) == [check], "{}", report.to_text());
        assert!(report.to_text().ends_with("NOT OK"));
    };
    assert!(verify_proof(document.as_bytes(), &leaf, &log_key()).ok);
    refused(&document, &Hash::leaf(&forger.entries[8]), &log_key(), "inclusion");
    refused(&document.replace("index 7", "index 8"), &leaf, &log_key(), "inclusion");
    let mut lines: Vec<&str> = document.split('\n').collect();
    let (header, first) = (lines.remove(0), lines.remove(1));
    refused(&format!("{header}\n{}", lines.join("\n")), &leaf, &log_key(), "inclusion");
    lines.insert(1, first);
    lines.insert(1, first);
    refused(&format!("{header}\n{}", lines.join("\n")), &leaf, &log_key(), "inclusion");
    refused(&document.replacen("\n20\n", "\n21\n", 1), &leaf, &log_key(), "signature");
    refused(&document.replace("tlog-proof@v1", "tlog-proof@v2"), &leaf, &log_key(), "document");
    refused("", &leaf, &log_key(), "document");
    refused(&document, &leaf, &TrustedKeys::none(), "key");
    let mut other = TrustedKeys::none();
    other.add_file(key(9).verifier().to_string().as_bytes()).unwrap();
    refused(&document, &leaf, &other, "signature");
    // Another key of the same name does not hide the right one.
    other.add_file(key(2).verifier().to_string().as_bytes()).unwrap();
    assert!(verify_proof(document.as_bytes(), &leaf, &other).ok);
}

#[test]
fn a_proof_is_made_under_the_newest_witnessed_checkpoint_and_judged_by_the_policy() {
    let forger = Forger::of_entries(10);
    let witnesses = [1, 2, 3].map(witness);
    let lines = |times: [u64; 3]| witnesses.iter().zip(times).collect::<Vec<_>>();
    forger.cosigned(4, &lines([NOW, NOW + 10, NOW + 20]));
    forger.cosigned(7, &lines([NOW + 60, NOW + 70, NOW + 80]));
    forger.cosigned(10, &lines([NOW + 120, NOW + 130, NOW + 140])[..1]);
    let keys = by(&policy(4, 3));
    let proved = prove(&forger.folder(), None, at(2), &keys).unwrap();
    assert_eq!(proved.size, 7, "not the newest, which lacks cosignatures");
    let leaf = Hash::leaf(&proved.entry);
    let report = verify_proof(proved.document.as_bytes(), &leaf, &keys);
    assert!(report.ok && report.state == WitnessState::Witnessed, "{}", report.to_text());
    // One of four may lie: the second smallest time is certain.
    assert_eq!((report.cosignatures.len(), report.existed_by), (3, Some(NOW + 70)));
    let strict = verify_proof(proved.document.as_bytes(), &leaf, &by(&policy(4, 4)));
    assert_eq!(checks(&strict), ["quorum"], "{}", strict.to_text());
    assert_eq!(strict.state, WitnessState::Unwitnessed);
    // Entry 8 is under the newest checkpoint only.
    let refused = prove(&forger.folder(), None, at(8), &keys).unwrap_err();
    assert!(matches!(refused, NoProof::Unwitnessed { index: 8 }), "{refused}");
    // A policy alone says whose log it is, if it names it.
    let line = format!("log {}\n", key(2).verifier());
    let mut alone = TrustedKeys::none();
    alone.add_policy(&[line.as_bytes(), &policy(4, 3).to_text()].concat()).unwrap();
    assert!(verify_proof(proved.document.as_bytes(), &leaf, &alone).ok);
    let mut nameless = TrustedKeys::none();
    nameless.add_policy(&policy(4, 3).to_text()).unwrap();
    assert_eq!(checks(&verify_proof(proved.document.as_bytes(), &leaf, &nameless)), ["key"]);
}

#[test]
fn an_agency_does_not_witness_its_own_proof_and_a_forged_line_spoils_it() {
    let forger = Forger::of_entries(5);
    let own = cosigner("agency-a.example/witness", 3);
    forger.cosigned(5, &[(&own, NOW)]);
    let proved = made(&forger, 1);
    let leaf = Hash::leaf(&proved.entry);
    let alone = Policy::threshold(vec![own.verifier().clone()], 1).unwrap();
    assert_eq!(checks(&verify_proof(proved.document.as_bytes(), &leaf, &by(&alone))), ["quorum"]);
    let elsewhere = Forger::of_entries(6).signed_at(5);
    let time = comity_tlog::CosignatureTime::new(NOW).unwrap();
    let line = witness(1).cosign(elsewhere.checkpoint(), time).unwrap();
    forger.keep(5, forger.signed_at(5).with_line(line).unwrap().as_bytes());
    let proved = made(&forger, 1);
    let report = verify_proof(proved.document.as_bytes(), &leaf, &by(&policy(1, 1)));
    assert_eq!(checks(&report), ["signature"], "{}", report.to_text());
    assert!(
        verify_proof(proved.document.as_bytes(), &leaf, &log_key()).ok,
        "to whom the witness is unknown it is nothing"
    );
}

#[test]
fn no_proof_is_made_that_does_not_hold() {
    let forger = Forger::of_entries(300);
    let prove = |index: u64| prove(&forger.folder(), None, at(index), &TrustedKeys::none());
    assert!(matches!(prove(300).unwrap_err(), NoProof::Index { index: 300, size: 300 }));
    let bent = |path: &str, place: usize, index: u64| {
        let path = forger.folder().join(path);
        let good = std::fs::read(&path).unwrap();
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let refused = prove(index).unwrap_err();
        assert!(matches!(refused, NoProof::Damaged { .. }), "{refused}");
        std::fs::remove_file(&path).unwrap();
        let refused = prove(index).unwrap_err();
        assert!(matches!(refused, NoProof::File { .. }), "{refused}");
        std::fs::write(&path, &good).unwrap();
        assert!(prove(index).is_ok());
    };
    bent("logs/000/tile/entries/000", 20, 0);
    bent("logs/000/tile/0/000", 32, 0);
    bent("logs/000/tile/0/001.p/44", 0, 3);
    bent("logs/000/tile/0/001.p/44", 0, 257);
    std::fs::write(forger.folder().join("logs/000/tile/0/000"), [0; 31]).unwrap();
    assert!(matches!(prove(0).unwrap_err(), NoProof::File { .. }));
}

#[test]
fn the_log_must_be_named_where_there_are_several_and_be_there() {
    let forger = Forger::of_entries(3);
    let prove = |folder: PathBuf, origin: Option<&str>| prove(&folder, origin, at(0), &TrustedKeys::none());
    let refused = prove(forger.folder(), Some("agency-b.example/pub")).unwrap_err();
    assert!(matches!(&refused, NoProof::Origin { origins } if origins == ORIGIN), "{refused}");
    let exported = forger.folder().join("logs/000");
    assert!(matches!(prove(exported, Some("other")).unwrap_err(), NoProof::Origin { .. }));
    assert!(matches!(prove("/nonexistent".into(), None).unwrap_err(), NoProof::Folder { .. }));
    assert!(matches!(prove(forger.dir.path().into(), None).unwrap_err(), NoProof::Folder { .. }));
    let path = forger.folder().join("bundle.json");
    let mut contents: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let mut second = contents["logs"][0].clone();
    second["origin"] = "agency-b.example/pub".into();
    contents["logs"].as_array_mut().unwrap().push(second);
    std::fs::write(&path, contents.to_string()).unwrap();
    let refused = prove(forger.folder(), None).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("name one of its logs with --origin: {ORIGIN}, agency-b.example/pub")
    );
    assert!(prove(forger.folder(), Some(ORIGIN)).is_ok());
}

/// The vectors of tlog-proof documents, with their witnesses as a policy.
#[test]
fn every_shared_proof_gets_the_verdict_of_its_vector() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = here.ancestors().map(|folder| folder.join("shared/vectors/tlog/proofs"));
    let Some(folder) = shared.into_iter().find(|folder| folder.is_dir()) else {
        assert!(std::env::var_os("COMITY_REQUIRE_SHARED").is_none(), "the vectors are missing");
        return eprintln!("skipped: the shared vectors are not here");
    };
    let (mut accepted, mut refused) = (0, 0);
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let Ok(document) = serde_json::from_slice::<Value>(&std::fs::read(&path).unwrap()) else { continue };
        for case in document.as_array().into_iter().flatten() {
            let text = |field: &str| case[field].as_str().unwrap();
            let mut keys = TrustedKeys::none();
            keys.add_file(text("log_vkey").as_bytes()).unwrap();
            let witnesses = case["witness_vkeys"].as_array().unwrap().iter();
            let mut known: Vec<VerifierKey> =
                witnesses.map(|key| key.as_str().unwrap().parse().unwrap()).collect();
            let needed = usize::try_from(case["min_witnesses"].as_u64().unwrap()).unwrap();
            // More than are known can only be asked for by a policy that knows more.
            let more = (1..).map(|number| witness(number).verifier().clone());
            known.extend(more.take(needed.saturating_sub(known.len())));
            if needed > 0 {
                keys.add_policy(&Policy::threshold(known, needed).unwrap().to_text()).unwrap();
            }
            let leaf = Hash::leaf(text("leaf_data").as_bytes());
            let report = verify_proof(text("tlog_proof").as_bytes(), &leaf, &keys);
            assert_eq!(report.ok, case["want_ok"].as_bool().unwrap(), "{case}: {}", report.to_text());
            if report.ok { accepted += 1 } else { refused += 1 }
        }
    }
    println!("proofs: {accepted} accepted, {refused} refused");
    assert!(accepted > 0 && refused > 0);
}
