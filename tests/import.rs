//! Official lists enter the log whole or not at all.

use serde_json::{Value, json};

use crate::agency::{Agency, answer, run, sdn, shared, table, text};
use crate::nodes::Node;

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
fn a_list_may_be_read_in_another_form_and_export_lists_enter_by_name() {
    let fixture = |name: &str| format!("{}/../feeds/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let agency = Agency::found("agency-a.example");
    let cons = |name: &str| vec![fixture(&format!("ofac-cons/{name}"))];
    let tables: Vec<String> =
        ["prim", "alt", "add", "comments"].map(|name| fixture(&format!("ofac-cons/{name}.csv"))).to_vec();
    let first = agency.ask(&import(&tables, &[]));
    assert_eq!((first["list"].as_str(), &first["added"]), (Some("us-ofac-cons"), &4.into()), "{first}");
    for form in ["legacy.xml", "enhanced.xml", "advanced.xml"] {
        let changed = agency.ask(&import(&cons(form), &["--accept-removals"]));
        let ends = ["added", "removed", "relisted"].map(|part| changed[part].as_u64().unwrap());
        assert_eq!((ends, &changed["changed"]), ([0, 0, 0], &4.into()), "{form}: {changed}");
        let again = agency.ask(&import(&cons(form), &[]));
        assert_eq!(again["unchanged"], 4, "{form}: {again}");
    }
    let (csl, dpl) = (fixture("us/csl.csv"), fixture("us/dpl.txt"));
    let entities = agency.ask(&["import", "us", "us-bis-el", &csl]);
    assert_eq!((entities["list"].as_str(), &entities["added"]), (Some("us-bis-el"), &2.into()), "{entities}");
    let denied = agency.ask(&["import", "us", "us-bis-dpl", &csl]);
    assert_eq!(denied["added"], 2, "{denied}");
    let own = agency.ask(&["import", "us", "us-bis-dpl", &dpl]);
    assert_eq!((&own["added"], &own["removed"], &own["changed"]), (&0.into(), &0.into(), &2.into()), "{own}");
    let message = agency.refused(&["import", "us", "us-bis-uvl", &dpl], "bad_source");
    assert!(message.contains("no table of this list"), "{message}");
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

fn agency_report(bundle: &std::path::Path, card: &std::path::Path) -> Value {
    answer(&run(&["bundle", "verify", text(bundle), "--keys", text(card), "--json"]))
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

#[test]
fn each_list_of_one_file_enters_by_its_command_and_another_list_is_refused_there() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../feeds/tests/fixtures");
    for (command, name, list, records) in [
        ("un", "un.xml", "un-sc", 2),
        ("eu", "eu.xml", "eu-fsf", 5),
        ("eu", "eu.csv", "eu-fsf", 2),
        ("uk", "uk-conlist.csv", "uk-ofsi", 2),
        ("uk", "uk-sl.csv", "uk-sl", 3),
        ("canada", "canada.xml", "ca-sema", 6),
        ("seco", "seco.xml", "ch-seco", 3),
    ] {
        let agency = Agency::found("agency-a.example");
        let entered = agency.ask(&["import", command, text(&fixtures.join(name))]);
        assert_eq!((&entered["list"], &entered["added"]), (&list.into(), &records.into()), "{entered}");
        let before = agency.head();
        let again = agency.ask(&["import", command, text(&fixtures.join(name))]);
        assert_eq!(again["unchanged"], records, "{again}");
        agency.refused(&["import", command, text(&fixtures.join("ofac-sdn.csv"))], "bad_source");
        assert_eq!(agency.head(), before);
    }
}

#[test]
fn a_list_of_ones_own_enters_by_command_or_content_and_is_handled_as_what_is_written_here() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../feeds/tests/fixtures");
    for (format, name, records) in
        [("csv", "own/targets.csv", 7), ("jsonl", "own/list.jsonl", 5), ("stix", "stix/own.json", 1)]
    {
        let agency = Agency::found("agency-a.example");
        let path = fixtures.join(name);
        let entered = agency.ask(&["import", "auto", text(&path)]);
        assert_eq!(
            (&entered["format"], &entered["list"]),
            (&format.into(), &"xa-national".into()),
            "{entered}"
        );
        assert_eq!(entered["added"], records, "{entered}");
        let again = agency.ask(&["import", format, text(&path)]);
        assert_eq!((&again["unchanged"], &again["size"]), (&records.into(), &entered["size"]), "{again}");
        let shown = agency.ask(&["log", "show", "1"]);
        let core = shown["sections"].as_array().unwrap().iter().find(|section| section["name"] == "core");
        assert_eq!(core.unwrap()["tlp"], "AMBER", "{shown}");
        for refused in ["un-sc", "us-ofac-sdn"] {
            agency.refused(&["import", format, text(&path), "--list", refused], "bad_source");
        }
        assert_eq!(agency.ask(&["log", "list"])["logs"][0]["size"], entered["size"]);
    }
}

#[test]
fn a_delta_enters_behind_the_list_that_it_follows() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../feeds/tests/fixtures/ftm");
    let [entities, delta] = ["entities.ftm.json", "delta.json"].map(|name| fixtures.join(name));
    let agency = Agency::found("agency-a.example");
    let entered = agency.ask(&["import", "ftm", text(&entities), "--list", "xa-castle"]);
    assert_eq!((&entered["format"], &entered["added"]), (&"ftm".into(), &6.into()), "{entered}");
    let before = agency.head();
    agency.refused(&["import", "ftm", text(&delta), "--list", "xa-castle"], "bad_source");
    agency.refused(&["import", "auto", text(&entities), text(&delta)], "bad_source");
    assert_eq!(agency.head(), before, "of no list, or without its base");
    let arguments = ["import", "ftm", text(&entities), text(&delta), "--list", "xa-castle"];
    let message = agency.refused(&arguments, "import_refused");
    assert!(message.contains("may be theirs"), "a line without a reference may hide one: {message}");
    let changed = agency.ask(&[&arguments[..], &["--accept-removals"]].concat());
    let sums = ["added", "changed", "removed", "unchanged"].map(|sum| changed[sum].as_u64().unwrap());
    assert_eq!(sums, [1, 1, 1, 4], "{changed}");
}

#[test]
fn a_bundle_of_stix_is_what_another_agency_exports_and_ends_what_it_says() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../feeds/tests/fixtures");
    let (author, reader) = (Agency::found("agency-a.example"), Agency::found("agency-b.example"));
    author.ask(&["import", "jsonl", text(&fixtures.join("own/list.jsonl"))]);
    let export = |name: &str| {
        let path = author.beside(name);
        author.ask(&["export", "stix", "--out", text(&path)]);
        path
    };
    let first = export("first.json");
    let entered = reader.ask(&["import", "stix", text(&first)]);
    let sums = (&entered["list"], &entered["added"], &entered["rejected"]);
    assert_eq!(sums, (&"xa-national".into(), &5.into(), &serde_json::json!([])), "{entered}");
    author.ask(&["record", "withdraw", "xa-national", "XA-1", "--reason", "mistaken for another"]);
    let next = export("next.json");
    let ended = reader.ask(&["import", "auto", text(&next)]);
    let sums = ["added", "changed", "removed", "unchanged"].map(|sum| ended[sum].as_u64().unwrap());
    assert_eq!(sums, [0, 0, 1, 4], "{ended}");
    let again = reader.ask(&["import", "stix", text(&next)]);
    assert_eq!((&again["removed"], &again["size"]), (&0.into(), &ended["size"]), "{again}");
}

#[test]
fn an_amendment_of_a_list_ends_what_it_says_and_leaves_the_rest() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../feeds/tests/fixtures");
    let agency = Agency::found("agency-a.example");
    assert_eq!(agency.ask(&["import", "seco", text(&fixtures.join("seco.xml"))])["added"], 3);
    let amendment = fixtures.join("seco-amendment.xml");
    let entered = agency.ask(&["import", "seco", text(&amendment)]);
    assert_eq!((&entered["added"], &entered["removed"]), (&1.into(), &1.into()), "{entered}");
    let again = agency.ask(&["import", "seco", text(&amendment)]);
    assert_eq!((&again["unchanged"], &again["size"]), (&1.into(), &entered["size"]), "{again}");
}

/// Number 3 otherwise, number 5 unreadable, number 20 gone, number 21 new.
fn next_publication() -> Vec<u8> {
    let rows = String::from_utf8(table((1..=19).chain([21]))).unwrap();
    let rows = rows.replace("\"MIRAGE, Number 3\"", "\"MIRAGE, Third\"");
    rows.replace("5,\"MIRAGE, Number 5\"", "5,-0- ").into_bytes()
}

/// The same command on the same home as people see it: exit status and standard output.
fn words(agency: &Agency, arguments: &[&str]) -> (Option<i32>, String) {
    let home = agency.home();
    let output = run(&[arguments, &["--home", text(&home)]].concat());
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_dry_run_says_what_an_import_then_does_and_signs_nothing() {
    let agency = Agency::found("agency-a.example");
    let (old, new) = (agency.write("old.csv", &table(1..=20)), agency.write("new.csv", &next_publication()));
    let first = agency.ask(&["import", "ofac", text(&old)]);
    assert_eq!((&first["dry_run"], first["changes"].as_array().unwrap().len()), (&false.into(), 20));
    let before = agency.head();
    let dry = agency.ask(&["import", "ofac", text(&new), "--dry-run"]);
    assert_eq!(
        dry["changes"],
        json!([
            { "change": "changed", "reference": "3", "former": null, "name": "MIRAGE, Third", "paths": ["names"] },
            { "change": "added", "reference": "21", "former": null, "name": "MIRAGE, Number 21", "paths": [] },
            { "change": "removed", "reference": "20", "former": null, "name": "MIRAGE, Number 20", "paths": [] },
        ]),
        "{dry}"
    );
    let sums = ["added", "changed", "removed", "relisted", "unchanged", "unread"]
        .map(|sum| dry[sum].as_u64().unwrap());
    assert_eq!(sums, [1, 1, 1, 0, 17, 1], "{dry}");
    assert_eq!(
        (&dry["rejected"][0]["file"], &dry["rejected"][0]["line"]),
        (&"new.csv".into(), &5.into()),
        "{dry}"
    );
    assert_eq!((&dry["dry_run"], &dry["refusal"]), (&true.into(), &Value::Null));
    let (status, said) = words(&agency, &["import", "ofac", text(&new), "--dry-run"]);
    let lines: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    for line in [
        &["change", "reference", "name", "paths"][..],
        &["changed", "3", "MIRAGE,", "Third", "names"],
        &["removed", "20", "MIRAGE,", "Number", "20"],
        &["nothing", "was", "signed", "or", "written"],
    ] {
        assert!(lines.iter().any(|found| found == line), "{line:?} is not said: {said}");
    }
    assert!(status == Some(0) && said.contains("rejected  new.csv line 5: "), "{said}");
    assert_eq!(agency.head(), before, "a dry run signs nothing");
    assert_eq!((&dry["size"], &dry["root"]), (&before.0.into(), &before.1.into()));

    let entered = agency.ask(&["import", "ofac", text(&new)]);
    for part in ["changes", "rejected", "unchanged", "unread"] {
        assert_eq!(entered[part], dry[part], "{part}");
    }
    assert_eq!(entered["size"], before.0 + 3);
    let again = agency.ask(&["import", "ofac", text(&new), "--dry-run"]);
    assert_eq!((&again["changes"], &again["size"]), (&json!([]), &entered["size"]), "{again}");
    let back = agency.ask(&["import", "ofac", text(&old), "--dry-run"]);
    let relisted = back["changes"].as_array().unwrap().iter().find(|row| row["reference"] == "20").unwrap();
    assert_eq!(relisted["change"], "relisted", "{back}");
}

#[test]
fn a_dry_run_shows_what_would_be_refused_and_is_refused_itself_only_where_leave_does_not_help() {
    let agency = Agency::found("agency-a.example");
    let (full, short) = (agency.write("full.csv", &table(1..=40)), agency.write("short.csv", &table(1..=30)));
    agency.ask(&["import", "ofac", text(&full)]);
    let before = agency.head();
    let home = agency.home();
    let arguments = ["import", "ofac", text(&short), "--dry-run", "--json", "--home", text(&home)];
    let output = run(&arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let dry = answer(&output);
    let refusal = dry["refusal"].as_str().unwrap();
    assert!(refusal.contains("10 of 40 records") && refusal.contains("--accept-removals"), "{dry}");
    let removed = dry["changes"].as_array().unwrap().iter().filter(|row| row["change"] == "removed").count();
    assert_eq!((&dry["removed"], removed), (&10.into(), 10), "{dry}");
    let (status, said) = words(&agency, &["import", "ofac", text(&short), "--dry-run"]);
    assert!(status == Some(1) && said.contains("refused   an import would be: 10 of 40 records"), "{said}");
    assert!(said.contains("MIRAGE, Number 40"), "{said}");
    let output = run(&[&arguments[..], &["--accept-removals"]].concat());
    assert_eq!((output.status.code(), &answer(&output)["refusal"]), (Some(0), &Value::Null), "{output:?}");
    let page = agency.write("page.csv", b"<!DOCTYPE html><html><body>Service unavailable</body></html>");
    agency.refused(&["import", "ofac", text(&page), "--dry-run"], "bad_source");
    assert_eq!(agency.head(), before);
}

#[test]
fn a_dry_run_says_the_same_whether_the_node_runs_or_not_and_of_a_log_that_is_read_only() {
    let mut node = Node::found("agency-a.example");
    let old = node.agency.write("old.csv", &table(1..=20));
    let new = node.agency.write("new.csv", &next_publication());
    assert_eq!(node.agency.ask(&["import", "ofac", text(&old)])["added"], 20);
    let before = node.agency.head();
    let served = node.agency.ask(&["import", "ofac", text(&new), "--dry-run"]);
    assert_eq!(served["changes"].as_array().unwrap().len(), 3, "{served}");
    assert_eq!(node.agency.head(), before);
    assert!(node.stop());
    assert_eq!(node.agency.ask(&["import", "ofac", text(&new), "--dry-run"]), served);
    assert_eq!(node.agency.head(), before);
    let locks = node.agency.home().join("lock");
    std::fs::remove_dir_all(&locks).unwrap();
    std::fs::create_dir(&locks).unwrap();
    node.agency.refused(&["import", "ofac", text(&new)], "read_only");
    assert_eq!(
        node.agency.ask(&["import", "ofac", text(&new), "--dry-run"]),
        served,
        "a log that is read only"
    );
}

#[test]
fn a_format_is_told_by_content_and_none_or_several_are_refused() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../feeds/tests/fixtures");
    let path = |name: &str| text(&fixtures.join(name)).to_owned();
    let agency = Agency::found("agency-a.example");
    for (names, format, list) in [
        (&["ofac-alt.csv", "ofac-sdn.csv"][..], "ofac", "us-ofac-sdn"),
        (&["ofac-cons/enhanced.xml"], "ofac", "us-ofac-cons"),
        (&["un.xml"], "un", "un-sc"),
        (&["eu.xml"], "eu", "eu-fsf"),
        (&["uk-conlist.csv"], "uk", "uk-ofsi"),
        (&["uk-sl.csv"], "uk", "uk-sl"),
        (&["canada.xml"], "canada", "ca-sema"),
        (&["seco.xml"], "seco", "ch-seco"),
    ] {
        let files: Vec<String> = names.iter().map(|name| path(name)).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let entered = agency.ask(&[&["import", "auto"], &files[..]].concat());
        assert_eq!((&entered["format"], &entered["list"]), (&format.into(), &list.into()), "{entered}");
        let named = agency.ask(&[&["import", format], &files[..]].concat());
        assert_eq!((&named["format"], &named["unchanged"]), (&format.into(), &entered["added"]), "{named}");
    }
    let (_, said) = words(&agency, &["import", "auto", &path("eu.csv"), "--dry-run", "--accept-removals"]);
    assert!(said.contains("format    eu\nlist      eu-fsf"), "{said}");
    let before = agency.head();
    let prices =
        String::from_utf8(table(1..=9)).unwrap().replace("individual", "tea").replace("ZENDA", "9.50");
    let prices = agency.write("prices.csv", prices.as_bytes());
    let foreign = agency.write("foreign.csv", b"name,date\r\nA,B\r\n");
    let message = agency.refused(&["import", "auto", text(&foreign)], "bad_source");
    assert!(message.contains("foreign.csv is of no format") && message.contains("ofac, un, eu"), "{message}");
    agency.refused(&["import", "auto", text(&prices)], "bad_source");
    let message = agency.refused(&["import", "auto", &path("un.xml"), &path("eu.xml")], "bad_source");
    assert!(message.contains("un.xml is of the format un, and eu.xml of eu"), "{message}");
    agency.refused(&["import", "auto", &path("un.xml"), &path("un.xml")], "bad_source");
    for name in ["us/csl.csv", "us/dpl.txt"] {
        let message = agency.refused(&["import", "auto", &path(name)], "usage");
        assert!(message.contains("comity import us LIST FILE"), "{message}");
    }
    assert_eq!(agency.head(), before);
}

#[test]
fn a_record_under_another_reference_goes_on_with_its_history() {
    let agency = Agency::found("agency-a.example");
    let first = agency.write("first.csv", &table(1..=20));
    assert_eq!(agency.ask(&["import", "ofac", text(&first)])["added"], 20);
    let rows = String::from_utf8(table(1..=20)).unwrap();
    let moved = rows.replacen("\n7,", "\n7007,", 1).into_bytes();
    let second = agency.write("second.csv", &moved);
    let done = agency.ask(&["import", "ofac", text(&second)]);
    let sums = ["added", "changed", "removed", "relisted", "rekeyed", "unchanged"]
        .map(|sum| done[sum].as_u64().unwrap());
    assert_eq!(sums, [0, 0, 0, 0, 1, 19], "{done}");
    let row = &done["changes"][0];
    assert_eq!(
        (&row["change"], &row["reference"], &row["former"]),
        (&"rekeyed".into(), &"7007".into(), &"7".into())
    );
    crate::schemas::check_answer("comity import", &done);
    let hit = agency.ask(&["screen", "--id", "passport:X0000007"]);
    assert_eq!(
        (&hit["hits"][0]["reference"], &hit["hits"][0]["version"]),
        (&"7007".into(), &2.into()),
        "{hit}"
    );
    let again = agency.ask(&["import", "ofac", text(&second)]);
    assert_eq!((&again["unchanged"], &again["size"]), (&20.into(), &done["size"]), "{again}");
    let listed = agency.ask(&["log", "records", "us-ofac-sdn"]);
    let references =
        listed["records"].as_array().unwrap().iter().map(|record| record["reference"].as_str().unwrap());
    assert_eq!(
        references.filter(|reference| ["7", "7007"].contains(reference)).collect::<Vec<_>>(),
        ["7007"]
    );
    // Changed under its new reference, and ended under it.
    let third = agency.write(
        "third.csv",
        String::from_utf8(moved).unwrap().replace("Number 7\"", "Number Seven\"").as_bytes(),
    );
    let changed = agency.ask(&["import", "ofac", text(&third)]);
    assert_eq!(
        (&changed["changed"], &changed["changes"][0]["reference"]),
        (&1.into(), &"7007".into()),
        "{changed}"
    );
    let (bundle, card) = agency.bundle("bundle");
    let report = agency_report(&bundle, &card);
    assert_eq!(report["ok"], true, "{report}");
}

#[test]
fn an_identifier_whose_check_digits_do_not_fit_is_kept_and_told_as_a_warning() {
    let agency = Agency::found("agency-a.example");
    let rows = |numbers: &[(u32, &str)]| {
        let row = |(number, id): &(u32, &str)| {
            format!(
                "{number},\"SEA MIRAGE {number}\",\"vessel\",\"ZENDA\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"Vessel Registration Identification IMO {id}.\"\r\n"
            )
        };
        numbers.iter().map(row).collect::<String>()
    };
    let list = agency.write("list.csv", rows(&[(1, "9074729"), (2, "9074720")]).as_bytes());
    let told = agency.ask(&["import", "ofac", text(&list)]);
    assert_eq!(told["added"], 2, "{told}");
    let warning = serde_json::json!([{ "reference": "2", "identifier": "imo", "reason": "its check digits do not fit" }]);
    assert_eq!(told["warnings"], warning, "{told}");
    let shown = |number: &str| {
        let shown = agency.ask(&["record", "show", "us-ofac-sdn", number]);
        shown["record"]["identifiers"][0]["checksum"].clone()
    };
    assert_eq!((shown("1"), shown("2")), ("valid".into(), "invalid".into()));
    assert_eq!(agency.ask(&["screen", "--id", "imo:9074720"])["answer"], "hits");
    // Told once: it is no news of the next publication.
    let again = agency.write("again.csv", rows(&[(1, "9074729"), (2, "9074720"), (3, "9074729")]).as_bytes());
    let told = agency.ask(&["import", "ofac", text(&again)]);
    assert_eq!(
        (&told["added"], &told["unchanged"], &told["warnings"]),
        (&1.into(), &2.into(), &serde_json::json!([]))
    );
}
