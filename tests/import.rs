//! Official lists enter the log whole or not at all.

use crate::agency::{Agency, sdn, shared, table, text};

fn import<'a>(files: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["import", "ofac"];
    arguments.extend(files.iter().map(String::as_str));
    arguments.extend(more);
    arguments
}

#[test]
fn the_real_sdn_list_enters_once_and_the_same_file_again_signs_nothing() {
    let Some(files) = sdn("2022-01") else { return };
    let agency = Agency::found("agency-a.example");
    let first = agency.ask(&import(&files, &[]));
    assert_eq!((&first["records"], &first["added"]), (&9_043.into(), &9_043.into()), "{first}");
    assert_eq!(first["size"], 9_044);
    let rejected: Vec<String> =
        first["rejected"].as_array().unwrap().iter().map(ToString::to_string).collect();
    assert!(
        rejected.iter().any(|row| row.contains("sdn.csv") && row.contains("9044") && row.contains("2677")),
        "the second 2677 is rejected with its line: {rejected:?}"
    );
    let again = agency.ask(&import(&files, &[]));
    assert_eq!((&again["added"], &again["unchanged"]), (&0.into(), &9_043.into()));
    assert_eq!((&again["size"], &again["root"]), (&first["size"], &first["root"]));
}

#[test]
fn of_the_next_publication_only_the_difference_is_signed_and_mass_removal_needs_leave() {
    let (Some(old), Some(new)) = (sdn("2021-07"), sdn("2022-01")) else { return };
    let agency = Agency::found("agency-a.example");
    let first = agency.ask(&import(&old, &[]));
    let before = agency.head();
    let message = agency.refused(&import(&new, &[]), "import_refused");
    assert!(message.contains("390"), "{message}");
    assert_eq!(agency.head(), before, "a refused import changes nothing");
    let second = agency.ask(&import(&new, &["--accept-removals"]));
    assert_eq!(second["removed"], 390, "{second}");
    let signed: u64 =
        ["added", "changed", "removed"].iter().map(|part| second[*part].as_u64().unwrap()).sum();
    assert_eq!(second["size"].as_u64().unwrap(), first["size"].as_u64().unwrap() + signed);
    assert!(signed < 1_500, "only the difference is signed: {second}");
    let (bundle, card) = agency.bundle("bundle");
    let report = agency_report(&bundle, &card);
    assert_eq!(report["ok"], true, "{report}");
    assert_eq!(report["checks"]["changes"].as_u64().unwrap(), second["size"].as_u64().unwrap() - 1);
}

fn agency_report(bundle: &std::path::Path, card: &std::path::Path) -> serde_json::Value {
    crate::agency::answer(&crate::agency::run(&[
        "bundle",
        "verify",
        text(bundle),
        "--keys",
        text(card),
        "--json",
    ]))
}

#[test]
fn the_real_un_list_enters_and_its_badly_encoded_sister_is_refused() {
    let (Some(good), Some(bad)) = (shared("data/un/un-2026-02-27.xml"), shared("data/un/un-2025-08-16.xml"))
    else {
        return;
    };
    let agency = Agency::found("agency-a.example");
    let entered = agency.ask(&["import", "un", text(&good)]);
    assert_eq!(entered["added"], 730 + 273, "{entered}");
    let before = agency.head();
    let message = agency.refused(&["import", "un", text(&bad)], "bad_source");
    assert!(message.contains("not UTF-8"), "{message}");
    assert_eq!(agency.head(), before);
}

#[test]
fn an_empty_malformed_or_shrunken_file_is_refused_and_changes_nothing() {
    let agency = Agency::found("agency-a.example");
    let full = agency.write("full.csv", &table(1..=200));
    assert_eq!(agency.ask(&["import", "ofac", text(&full)])["added"], 200);
    let before = agency.head();
    for (name, bytes, code) in [
        ("empty.csv", Vec::new(), "bad_source"),
        ("page.csv", b"<!DOCTYPE html><html><body>Service unavailable</body></html>".to_vec(), "bad_source"),
        ("columns.csv", b"a,b,c\n1,2,3\n".to_vec(), "bad_source"),
        ("end-only.csv", vec![0x1A], "bad_source"),
        ("binary.csv", (0..=255).cycle().take(5_000).collect(), "bad_source"),
        ("shrunken.csv", table(1..=189), "import_refused"),
        ("one.csv", table(1..=1), "import_refused"),
    ] {
        let path = agency.write(name, &bytes);
        agency.refused(&["import", "ofac", text(&path)], code);
        agency.refused(&["import", "un", text(&path)], "bad_source");
        assert_eq!(agency.head(), before, "{name}");
    }
    // 5 % of 200 is within the guard; removals beyond it need leave.
    let within = agency.write("within.csv", &table(1..=190));
    assert_eq!(agency.ask(&["import", "ofac", text(&within)])["removed"], 10);
    let beyond = agency.write("beyond.csv", &table(1..=100));
    agency.refused(&["import", "ofac", text(&beyond)], "import_refused");
    let taken = agency.ask(&["import", "ofac", text(&beyond), "--accept-removals"]);
    assert_eq!(taken["removed"], 90, "{taken}");
    // What comes back after its end is a new listing.
    let back = agency.ask(&["import", "ofac", text(&full)]);
    assert_eq!((&back["added"], &back["relisted"]), (&0.into(), &100.into()), "{back}");
}
