//! What `docs/cli.md` says of each command's JSON is what the command prints.

use std::collections::BTreeMap;

use comity_auditor::{TrustedKeys, prove, verify_proof};
use comity_tlog::{EntryIndex, Hash};
use serde_json::Value;

use crate::agency::{Agency, answer, run, table, text};

/// The blocks of the page, by the command that they are of.
fn schemas() -> BTreeMap<String, Value> {
    let page = include_str!("../docs/cli.md");
    let blocks = page.split("```json ").skip(1).map(|rest| {
        let (name, body) = rest.split_once('\n').unwrap();
        let (body, _) = body.split_once("```").unwrap();
        (name.trim().to_owned(), serde_json::from_str(body).unwrap_or_else(|error| panic!("{name}: {error}")))
    });
    blocks.collect()
}

/// Compares a value with its schema; `at` is where in the answer it stands.
fn check(schema: &Value, found: &Value, at: &str) {
    match schema {
        Value::Object(fields) => {
            let object = found.as_object().unwrap_or_else(|| panic!("{at} is no object: {found}"));
            for (name, schema) in fields {
                let plain = name.trim_end_matches('?');
                match object.get(plain) {
                    Some(Value::Null) | None if name.ends_with('?') => {}
                    Some(value) => check(schema, value, &format!("{at}.{plain}")),
                    None => panic!("{at}.{plain} is missing in {found}"),
                }
            }
            for name in object.keys() {
                let known = fields.contains_key(name) || fields.contains_key(&format!("{name}?"));
                assert!(known, "{at}.{name} is not in docs/cli.md");
            }
        }
        Value::Array(items) => {
            for (value, number) in
                found.as_array().unwrap_or_else(|| panic!("{at} is no list")).iter().zip(0..)
            {
                check(&items[0], value, &format!("{at}[{number}]"));
            }
        }
        Value::String(kind) => assert!(fits(kind, found), "{at} is not {kind}: {found}"),
        other => panic!("docs/cli.md: {other} is no schema"),
    }
}

fn fits(kind: &str, found: &Value) -> bool {
    if let Some(words) = kind.strip_prefix('<').and_then(|kind| kind.strip_suffix('>')) {
        return found.as_str().is_some_and(|found| words.split('|').any(|word| word == found));
    }
    kind.split('|').any(|kind| match kind {
        "string" => found.is_string(),
        "integer" => found.is_u64(),
        "number" => found.is_number(),
        "boolean" => found.is_boolean(),
        "object" => found.is_object(),
        "null" => found.is_null(),
        other => panic!("docs/cli.md: {other} is no type"),
    })
}

/// Checks the answer of a command that another test has called.
pub(crate) fn check_answer(name: &str, found: &Value) {
    let schemas = schemas();
    let schema = schemas.get(name).unwrap_or_else(|| panic!("docs/cli.md has no block for {name}"));
    check(schema, found, name);
}

#[test]
fn every_command_prints_the_json_that_its_page_states() {
    let schemas = schemas();
    let agency = Agency::found("agency-a.example");
    let (list, shorter) =
        (agency.write("list.csv", &table(1..=9)), agency.write("shorter.csv", &table(1..=8)));
    let bad = agency.write("bad.csv", &[table(1..=9), b"\"x\",1\r\n".to_vec()].concat());
    let home = agency.home();
    let fresh = agency.beside("fresh");
    let (bundle, tiles) = (agency.beside("bundle"), agency.beside("tiles"));
    let other = Agency::found("agency-b.example");
    let card = other.beside("card");
    let said = other.ask(&["card", "--out", text(&card)]);
    let words = said["fingerprint"].as_str().unwrap().to_owned();
    let [stix, feed] = ["bundle.json", "feed"].map(|name| agency.beside(name));
    let [backup, keys, restored] = ["backup", "keys", "restored"].map(|name| agency.beside(name));
    let root = home.join("offline/root.key");
    let restoring =
        vec!["restore", "--from", text(&backup), "--keyring", text(&keys), "--home", text(&restored)];
    let runs: Vec<(&str, Vec<&str>)> = vec![
        ("comity init", vec!["init", text(&fresh), "--agency", "agency-c.example"]),
        ("comity card", vec!["card", "--home", text(&home)]),
        ("comity import", vec!["import", "ofac", text(&list), "--home", text(&home)]),
        ("comity import", vec!["import", "ofac", text(&shorter), "--dry-run", "--home", text(&home)]),
        ("comity import", vec!["import", "ofac", text(&shorter), "--home", text(&home)]),
        ("comity import", vec!["import", "ofac", text(&bad), "--home", text(&home)]),
        ("comity log list", vec!["log", "list", "--home", text(&home)]),
        ("comity log show", vec!["log", "show", "0", "--home", text(&home)]),
        ("comity log show", vec!["log", "show", "1", "--home", text(&home)]),
        ("comity log show", vec!["log", "show", "10", "--home", text(&home)]),
        ("comity log records", vec!["log", "records", "us-ofac-sdn", "--home", text(&home)]),
        ("comity log scrub", vec!["log", "scrub", "--home", text(&home)]),
        ("comity log export", vec!["log", "export", "--out", text(&tiles), "--home", text(&home)]),
        (
            "comity export",
            vec!["export", "stix", "--list", "us-ofac-sdn", "--out", text(&stix), "--home", text(&home)],
        ),
        ("comity export", vec!["export", "misp", "--out", text(&feed), "--home", text(&home)]),
        ("comity bundle", vec!["bundle", "--out", text(&bundle), "--home", text(&home)]),
        ("comity-audit verify", vec!["bundle", "verify", text(&bundle)]),
        ("comity-audit verify", vec!["bundle", "verify", text(&tiles)]),
        (
            "comity backup",
            vec!["backup", "--out", text(&backup), "--keyring-out", text(&keys), "--home", text(&home)],
        ),
        ("comity restore", restoring),
        ("comity status", vec!["status", "--home", text(&home)]),
        ("comity screen", vec!["screen", "--id", "passport:X0000003", "--home", text(&home)]),
        ("comity screen", vec!["screen", "--name", "Nobody", "--home", text(&home)]),
        ("comity screen", vec!["screen", "--id", "goods/eu:1C350", "--home", text(&home)]),
        ("comity peer add", vec!["peer", "add", text(&card), "--fingerprint", &words, "--home", text(&home)]),
        ("comity peer list", vec!["peer", "list", "--home", text(&home)]),
        ("comity status", vec!["status", "--home", text(&home)]),
        ("comity peer remove", vec!["peer", "remove", "agency-b.example", "--home", text(&home)]),
        ("comity key list", vec!["key", "list", "--home", text(&home)]),
        ("comity key rotate", vec!["key", "rotate", "witness", "--root", text(&root), "--home", text(&home)]),
        ("comity key rotate", vec!["key", "rotate", "log", "--root", text(&root), "--home", text(&home)]),
        ("comity key list", vec!["key", "list", "--home", text(&home)]),
        ("comity key retire", vec!["key", "retire", "log", "--root", text(&root), "--home", text(&home)]),
        (
            "comity key succeed",
            vec![
                "key",
                "succeed",
                "--close",
                "--last-good",
                "1",
                "--root",
                text(&root),
                "--home",
                text(&home),
            ],
        ),
        ("comity key list", vec!["key", "list", "--home", text(&home)]),
        ("comity demo", vec!["demo"]),
        ("comity bench", vec!["bench", "replicate", "--entries", "300"]),
        ("error", vec!["status", "--home", text(&bundle)]),
    ];
    for (name, mut arguments) in runs {
        arguments.push("--json");
        let schema = schemas.get(name).unwrap_or_else(|| panic!("docs/cli.md has no block for {name}"));
        check(schema, &answer(&run(&arguments)), name);
    }
    // The program of the auditor is another package's; it prints these as they are.
    let keys = {
        let mut keys = TrustedKeys::none();
        keys.add_file(&std::fs::read(bundle.join("logs/000/VKEYS")).unwrap()).unwrap();
        keys.add_policy(b"quorum none\n").unwrap();
        keys
    };
    let proved = prove(&bundle, None, EntryIndex::ZERO, &keys).unwrap();
    check(&schemas["comity-audit prove"], &serde_json::to_value(&proved).unwrap(), "prove");
    for document in [proved.document.as_bytes(), b"another"] {
        let report = verify_proof(document, &Hash::leaf(&proved.entry), &keys);
        check(&schemas["comity-audit verify-proof"], &serde_json::to_value(&report).unwrap(), "verify-proof");
    }
}
