//! What an auditor finds in a bundle that somebody bent, and in one that nobody did.

use std::path::{Path, PathBuf};

use comity_auditor::{Report, TrustedKeys, verify};

use crate::agency::{Agency, answer, run, table, text};

fn small() -> (Agency, PathBuf, TrustedKeys) {
    let agency = Agency::found("agency-a.example");
    for (name, rows) in [("first.csv", 1..=20), ("second.csv", 1..=21)] {
        let path = agency.write(name, &table(rows));
        assert!(agency.ask(&["import", "ofac", text(&path)])["error"].is_null());
    }
    let (bundle, card) = agency.bundle("bundle");
    let mut keys = TrustedKeys::none();
    keys.add_file(&std::fs::read(card).unwrap()).unwrap();
    (agency, bundle, keys)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn checks(report: &Report) -> Vec<&'static str> {
    report.failures.iter().map(|failure| failure.check).collect()
}

#[test]
fn an_untouched_bundle_is_in_order_and_every_check_is_counted() {
    let (_agency, bundle, keys) = small();
    let report = verify(&bundle, &keys);
    assert!(report.ok && report.trusted, "{}", report.to_text());
    let c = report.checks;
    // Genesis, twenty records, one more: three checkpoints.
    assert_eq!((c.signatures, c.roots, c.entries, c.bundles, c.tiles), (3, 3, 22, 1, 1));
    assert_eq!((c.changes, c.openings_opened, c.openings_withheld), (21, 21 * 8, 0));
    assert_eq!((c.proofs, c.quorums, c.cosignatures, c.gaps), (2, 0, 0, 0));
    let bare = verify(&bundle, &TrustedKeys::none());
    assert!(bare.ok && !bare.trusted && bare.to_text().contains("warning"), "{}", bare.to_text());
}

/// Goal: no bit of a bundle can be changed unnoticed. Way: flip one bit of every byte of every file in turn; each
/// must be found, or lie in bytes that nothing is decided by, and then the report is the very same.
#[test]
fn every_flipped_byte_of_a_bundle_is_found_or_decides_nothing() {
    let (_agency, bundle, keys) = small();
    let good = serde_json::to_string(&verify(&bundle, &keys)).unwrap();
    let (mut found, mut harmless) = (0, 0);
    for file in files(&bundle) {
        let bytes = std::fs::read(&file).unwrap();
        // A prime step keeps this short: every region of each file is still hit, at every bit in turn.
        for (place, bit) in (0..bytes.len()).step_by(7).zip((0..8).cycle()) {
            let mut bent = bytes.clone();
            bent[place] ^= 1 << bit;
            std::fs::write(&file, &bent).unwrap();
            let report = verify(&bundle, &keys);
            if report.ok {
                let name = file.strip_prefix(&bundle).unwrap().to_owned();
                let uncovered = ["README", "bundle.json", "VKEYS"].iter().any(|hint| name.ends_with(hint));
                assert!(uncovered, "{} byte {place} bit {bit} was not found", name.display());
                assert_eq!(serde_json::to_string(&report).unwrap(), good, "{} byte {place}", name.display());
                harmless += 1;
            } else {
                found += 1;
            }
        }
        std::fs::write(&file, &bytes).unwrap();
    }
    println!("{found} flips found, {harmless} in the note for people, the key hint or the time of making");
    assert!(found > 1_000 && harmless > 0);
    assert!(verify(&bundle, &keys).ok, "put back as it was");
}

#[test]
fn each_missing_or_cut_file_is_found_and_named() {
    let (_agency, bundle, keys) = small();
    for file in files(&bundle) {
        let name = file.strip_prefix(&bundle).unwrap().to_string_lossy().into_owned();
        if ["README", "VKEYS"].iter().any(|hint| name.ends_with(hint)) || name.contains("checkpoints/") {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let report = verify(&bundle, &keys);
        assert!(!report.ok && report.to_text().contains(&name), "{name} missing: {}", report.to_text());
        std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        let report = verify(&bundle, &keys);
        assert!(!report.ok, "{name} cut");
        std::fs::write(&file, &bytes).unwrap();
    }
}

#[test]
fn a_bundle_signed_anew_by_a_stranger_is_caught_with_keys() {
    let (_agency, _bundle, keys) = small();
    let (_stranger, forged, _) = small();
    let report = verify(&forged, &keys);
    assert!(!report.ok && !report.trusted);
    assert!(checks(&report).contains(&"signature"), "{}", report.to_text());
    let other = Agency::found("agency-b.example");
    let (_, card) = other.bundle("bundle");
    let mut unlisted = TrustedKeys::none();
    unlisted.add_file(&std::fs::read(card).unwrap()).unwrap();
    assert_eq!(checks(&verify(&forged, &unlisted)), ["key"], "an unlisted key is a failure");
}

#[test]
fn the_report_of_the_program_names_the_entry_and_exits_1() {
    let (_agency, bundle, _) = small();
    let path = bundle.join("logs/000/openings/000.p/22");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 10;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let output = run(&["bundle", "verify", text(&bundle), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = answer(&output);
    assert_eq!(report["failures"][0]["index"], 21, "{report}");
    assert_eq!(report["failures"][0]["check"], "opening");
    assert_eq!(report["failures"][0]["origin"], "agency-a.example/pub");
}

#[test]
fn an_endless_file_of_keys_or_card_is_refused_by_the_program() {
    let (agency, bundle, _) = small();
    let refused = answer(&run(&["bundle", "verify", text(&bundle), "--keys", "/dev/zero", "--json"]));
    assert_eq!(refused["error"]["code"], "keys");
    agency.refused(&["peer", "add", "/dev/zero", "--fingerprint", "x"], "malformed");
}

#[test]
fn a_card_is_never_written_over_an_existing_file() {
    let agency = Agency::found("agency-a.example");
    let mine = agency.write("mine", b"my only copy");
    agency.refused(&["card", "--out", text(&mine)], "exists");
    assert_eq!(std::fs::read(&mine).unwrap(), b"my only copy");
}

#[test]
fn a_bundle_is_never_mixed_with_what_stands_there_and_says_so_without_speaking_of_homes() {
    let agency = Agency::found("agency-a.example");
    let out = agency.beside("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("letter"), "mine").unwrap();
    for command in [&["bundle"][..], &["log", "export"]] {
        let mut arguments = command.to_vec();
        arguments.extend(["--out", text(&out)]);
        let said = agency.refused(&arguments, "not_empty");
        assert!(said.contains("--out") && !said.contains("a home is made"), "{said}");
    }
    let names: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["letter"]);
}
