//! Entities of `FollowTheMoney`, and deltas of them.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use comity_feeds::{FeedError, Format, InputFile, Snapshot, detect, ftm};
use comity_watchlist::{FileHash, LinkTarget, Record, Relation};
use serde_json::Value;

use crate::{compare, file, leaves, list, texts};

const ENTITIES: &str = include_str!("../fixtures/ftm/entities.ftm.json");
const DELTA: &str = include_str!("../fixtures/ftm/delta.json");

fn parse(files: &[&str]) -> Result<Snapshot, FeedError> {
    let name = ["entities.ftm.json", "entities.delta.json", "next.delta.json"];
    let files: Vec<InputFile<'_>> =
        files.iter().zip(name).map(|(text, name)| file(name, text.as_bytes())).collect();
    ftm::parse(&files, Some(&list("xa-castle")))
}

fn record<'a>(snapshot: &'a Snapshot, reference: &str) -> &'a Record {
    snapshot.records.iter().find(|record| record.key.reference.as_str() == reference).unwrap()
}

/// The real file of a name, if it is at hand.
fn shared(name: &str) -> Option<String> {
    let start = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found =
        start.ancestors().map(|dir| dir.join("../shared/data/ftm").join(name)).find(|file| file.is_file());
    if found.is_none() {
        assert!(std::env::var_os("COMITY_REQUIRE_SHARED").is_none(), "the shared data is required");
        eprintln!("skipped: no shared data");
    }
    found.map(|file| std::fs::read_to_string(file).unwrap())
}

/// Walks every leaf of entities (the newest line of each id): one of a listed subject must be in its record, one of an
/// entity beside it in the record of every subject that it is about. Gives how many were found.
fn walk(text: &str, snapshot: &Snapshot) -> usize {
    let found: HashMap<&str, Vec<String>> =
        snapshot.records.iter().map(|record| (record.key.reference.as_str(), texts::texts(record))).collect();
    let entities: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut values = 0;
    for entity in &entities {
        let id = entity["id"].as_str().unwrap();
        let (mut all, mut own) = (Vec::new(), Vec::new());
        leaves("", &entity["properties"], &mut own);
        let holders: Vec<&str> = if found.contains_key(id) {
            leaves("", entity, &mut all);
            vec![id]
        } else {
            let about: HashSet<&str> = own
                .iter()
                .filter_map(|(_, value)| found.get_key_value(value.as_str()).map(|(id, _)| *id))
                .collect();
            all = own;
            about.into_iter().collect()
        };
        for holder in holders {
            for (path, value) in &all {
                // When it was seen and whether it is listed is nothing of a subject; what is a word of a closed list is
                // a code; what is written of the subject itself is its key.
                let passed = [".first_seen", ".last_seen", ".last_change", ".target", ".schema"]
                    .contains(&path.as_str())
                    || path.ends_with(".gender")
                    || value == holder;
                values += 1;
                assert!(passed || found[holder].contains(value), "{holder} {path}: {value}");
            }
        }
    }
    values
}

/// The lines that were read.
fn good(text: &str, snapshot: &Snapshot) -> String {
    let is_bad = |line: u64| snapshot.rejected.iter().any(|row| row.line == line);
    let lines = (1..).zip(text.lines()).filter(|(line, _)| !is_bad(*line));
    lines.map(|(_, line)| line.to_owned() + "\n").collect()
}

#[test]
fn entities_are_read_as_their_snapshot_says_and_every_leaf_is_kept() {
    let snapshot = parse(&[ENTITIES]).unwrap();
    compare("ftm/entities.ftm.json.snapshot", &snapshot);
    let values = walk(&good(ENTITIES, &snapshot), &snapshot);
    assert!(values > 120, "{values}");
    assert_eq!(detect(ENTITIES.as_bytes()), Some(Format::Ftm));
    assert_eq!(detect(DELTA.as_bytes()), Some(Format::Ftm));
}

#[test]
fn who_is_not_listed_is_named_in_links_and_no_record() {
    let snapshot = parse(&[ENTITIES]).unwrap();
    assert!(snapshot.records.iter().all(|record| record.key.reference.as_str() != "xa-9"));
    let links = &record(&snapshot, "xa-1").links;
    assert!(links.iter().any(|link| link.relation == Relation::Owns
        && matches!(&link.target, LinkTarget::Key(key) if key.reference.as_str() == "xa-2")));
    assert!(
        links.iter().any(
            |link| matches!(&link.target, LinkTarget::Named(name) if name.as_str() == "Antoinette Mauban")
        )
    );
    assert_eq!(record(&snapshot, "xa-2").links[0].relation, Relation::OwnedBy);
}

#[test]
fn another_order_of_lines_and_values_is_no_change() {
    let mut lines: Vec<&str> = ENTITIES.lines().take(14).collect();
    let once = parse(&[&lines.join("\n")]).unwrap();
    lines.reverse();
    let turned = lines
        .join("\n")
        .replace("[\"Ruprecht HENTZAU\",\"Рупрехт Генцау\"]", "[\"Рупрехт Генцау\",\"Ruprecht HENTZAU\"]");
    let again = parse(&[&turned]).unwrap();
    for before in &once.records {
        let after = record(&again, before.key.reference.as_str());
        assert_eq!(Record::changed_paths(before, after), Vec::<String>::new());
    }
}

#[test]
fn a_delta_is_read_behind_what_it_follows_and_nowhere_else() {
    let snapshot = parse(&[ENTITIES, DELTA]).unwrap();
    assert!(snapshot.records.iter().all(|record| record.key.reference.as_str() != "xa-3"), "deleted");
    let changed = record(&snapshot, "xa-1");
    assert_eq!((changed.names.len(), changed.measures.len()), (1, 1), "what stands beside it stays");
    assert_eq!(record(&snapshot, "xa-12").source.files[0].name.as_str(), "entities.delta.json");
    assert_eq!(snapshot.files.len(), 2);
    let gap = |files: &[&str], at: u64| match parse(files) {
        Err(FeedError::Gap { line, .. }) => assert_eq!(line, at),
        other => panic!("{other:?}"),
    };
    gap(&[DELTA], 1);
    gap(&[ENTITIES, DELTA, DELTA], 2);
    gap(&[ENTITIES, &DELTA.lines().rev().take(1).collect::<String>(), DELTA], 4);
    gap(&[ENTITIES, "{\"op\":\"DEL\",\"entity\":{\"id\":\"nobody\"}}"], 1);
}

#[test]
fn who_is_suspended_there_is_not_listed_here() {
    let read: String = ENTITIES.split_inclusive('\n').take(14).collect();
    let suspended = read.replace("\"authorityId\"", "\"status\":[\"suspended\"],\"authorityId\"");
    assert!(
        parse(&[&suspended]).unwrap().records.iter().any(|record| record.key.reference.as_str() == "xa-1")
    );
    let both = suspended.replace("[\"2019-01-05\"]", "[\"2019-01-05\"],\"status\":[\"suspended\"]");
    let snapshot = parse(&[&both]).unwrap();
    let row = snapshot.rejected.iter().find(|row| row.line == 1).unwrap();
    assert_eq!(row.reason.to_string(), "record is suspended there, which a list cannot say");
    assert!(row.key.is_some(), "it is not taken for removed");
}

#[test]
fn a_list_is_named_or_the_one_data_set_of_all() {
    let unnamed = |text: &str| ftm::parse(&[file("e", text.as_bytes())], None);
    assert!(matches!(unnamed(ENTITIES), Err(FeedError::NoList { .. })), "xa_castle is no name of a list");
    assert_eq!(unnamed(&ENTITIES.replace("xa_castle", "xa-castle")).unwrap().list.as_str(), "xa-castle");
    assert!(matches!(unnamed(&ENTITIES.replace("xa_castle", "un-sc")), Err(FeedError::OfficialList { .. })));
    assert!(matches!(ftm::parse(&[], None), Err(FeedError::FileCount { .. })));
}

#[test]
fn the_real_group_of_91_entities_is_read_whole() {
    let Some(text) = shared("zala.entities.ftm.json") else { return };
    let snapshot = parse(&[&text]).unwrap();
    assert_eq!(snapshot.rejected, []);
    // Counted by another program: 6 persons and 8 companies are targets.
    assert_eq!(snapshot.records.len(), 14);
    let values = walk(&text, &snapshot);
    eprintln!("zala: {values} leaf values found");
    assert!(values > 1_000, "{values}");
}

#[test]
fn real_entities_of_two_data_sets_are_read_whole() {
    for (name, records) in [("yente-t1-entities.ftm.json", 6), ("parteispenden.entities.ftm.json", 96)] {
        let Some(text) = shared(name) else { return };
        let snapshot = parse(&[&text]).unwrap();
        assert_eq!((snapshot.rejected.as_slice(), snapshot.records.len()), (&[][..], records), "{name}");
        assert!(walk(&text, &snapshot) > 100, "{name}");
    }
}

#[test]
fn a_real_chain_of_deltas_is_followed_and_one_without_its_base_is_refused() {
    let names = ["20240527194702-wnk", "20240528014702-pfh", "20240528074703-npf", "20240528134729-3iv"];
    let texts: Vec<Option<String>> =
        names.iter().map(|name| shared(&format!("yente-t2-{name}-entities.delta.json"))).collect();
    let Some(texts) = texts.into_iter().collect::<Option<Vec<String>>>() else { return };
    let files: Vec<InputFile<'_>> = texts.iter().map(|text| file("delta.json", text.as_bytes())).collect();
    let named = list("xa-castle");
    let count = |upto: usize| ftm::parse(&files[..upto], Some(&named)).unwrap().records.len();
    assert_eq!((count(1), count(2), count(3), count(4)), (2, 3, 2, 3));
    assert!(matches!(ftm::parse(&files[1..], Some(&named)), Err(FeedError::Gap { .. })));
    let Some(delta) = shared("entities.delta.json") else { return };
    let big = InputFile::of_bytes("entities.delta.json", FileHash::new([2; 32]), delta.as_bytes());
    assert!(matches!(ftm::parse(&[big], Some(&named)), Err(FeedError::Gap { line: 1, .. })));
    // The entities that it has, as if they were the whole list.
    let entities: String = delta
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["op"] != "DEL")
        .map(|line| line["entity"].to_string() + "\n")
        .collect();
    let snapshot = parse(&[&entities]).unwrap();
    // 576 are targets: persons, organisations, companies and legal entities.
    assert_eq!((snapshot.rejected.len(), snapshot.records.len()), (0, 576));
    eprintln!("delta: {} leaf values found", walk(&entities, &snapshot));
}
