//! Checkpoints that do not continue each other, and entries that are not there.

use comity_auditor::Gap;
use comity_tlog::Hash;

use crate::forger::{Forger, failed, size};

#[test]
fn every_checkpoint_is_proved_to_continue_the_one_before() {
    let forger = Forger::of_entries(300);
    for entries in 1..300 {
        forger.keep(entries, forger.signed_at(entries).as_bytes());
    }
    let report = forger.verify();
    assert!(report.ok, "{}", report.to_text());
    assert_eq!((report.checks.roots, report.checks.proofs, report.checks.signatures), (300, 299, 300));
    assert!(report.to_text().contains("299 proofs between checkpoints"));
    // A second history of one size, signed by the log itself.
    forger.keep(256, &Forger::note(size(256), Hash::leaf(b"other")));
    let report = forger.verify();
    assert_eq!(failed(&report), [("root", None), ("proof", None), ("proof", None)], "{}", report.to_text());
    assert!(report.failures[0].path.ends_with("checkpoints/256"));
    assert!(
        report.failures[1].path.ends_with("checkpoints/256")
            && report.failures[2].path.ends_with("checkpoints/257")
    );
    assert_eq!((report.checks.roots, report.checks.proofs), (299, 297));
}

#[test]
fn missing_entries_are_told_as_a_gap_and_what_stands_behind_is_still_checked() {
    let forger = Forger::of_entries(1_000);
    for entries in [100, 256, 300, 600, 800] {
        forger.keep(entries, forger.signed_at(entries).as_bytes());
    }
    let whole = forger.verify();
    assert!(whole.ok && whole.logs[0].gaps.is_empty(), "{}", whole.to_text());
    for missing in ["001", "002"] {
        std::fs::remove_file(forger.folder().join("logs/000/tile/entries").join(missing)).unwrap();
    }
    let report = forger.verify();
    assert_eq!(failed(&report), [("bundle", Some(256)), ("bundle", Some(512))], "{}", report.to_text());
    assert_eq!(report.logs[0].gaps, [Gap { first: 256, last: 767 }]);
    assert!(report.to_text().contains("MISSING entries 256 to 767"));
    let c = report.checks;
    assert_eq!((c.gaps, c.entries, c.bundles), (1, 1_000 - 512, 2));
    assert_eq!((c.roots, c.proofs, c.tiles), (whole.checks.roots, whole.checks.proofs, whole.checks.tiles));
    // Hashes that are made up in their place lead nowhere.
    let tile = forger.folder().join("logs/000/tile/0/001");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[7] ^= 1;
    std::fs::write(&tile, &bytes).unwrap();
    let report = forger.verify();
    assert!(report.failures.iter().any(|failure| failure.check == "root"), "{}", report.to_text());
    // Without hashes nothing behind the gap can be checked, and that is said.
    std::fs::remove_file(&tile).unwrap();
    let report = forger.verify();
    assert_eq!(failed(&report), [("bundle", Some(256)), ("root", None)], "{}", report.to_text());
    assert_eq!(report.logs[0].gaps, [Gap { first: 256, last: 999 }]);
    assert_eq!((report.checks.roots, report.checks.proofs), (2, 1));
}
