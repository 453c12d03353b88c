//! Two imports at once end as one after the other, whoever holds the home, and an import that is ended at any instant is
//! whole or never was, also where a node enters it.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::agency::{Agency, answer, table, text};
use crate::nodes::Node;

/// Races of two imports.
const RACES: u32 = 4;

/// Kills of one run; `.ci/soak` asks for more.
const KILLS: u32 = 8;

/// Records of one list: more than one message takes.
const RECORDS: u64 = 1_500;

fn begin(agency: &Agency, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_comity"))
        .arg("import")
        .args(arguments)
        .args(["--json", "--home", text(&agency.home())])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn said(child: Child) -> Value {
    answer(&child.wait_with_output().unwrap())
}

/// The references that are listed.
fn listed(agency: &Agency) -> Vec<u32> {
    let said = agency.ask(&["log", "records", "us-ofac-sdn"]);
    let live = said["records"].as_array().unwrap().iter().filter(|record| record["state"] == "unapproved");
    let mut numbers: Vec<u32> =
        live.map(|record| record["reference"].as_str().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

/// Goal: of two publications that are entered at once the list is in the end one of them, whole: never both mixed, of which
/// neither would have said so.
/// Way: two that share a part and add records of their own, again and again; each must be entered.
fn race(agency: &Agency) {
    for round in 0..RACES {
        let begin_at = 1_000 * round;
        let own = [begin_at + 1..begin_at + 150, begin_at + 400..begin_at + 600];
        let numbers = own.map(|own| (1..=40).chain(5_000 + own.start..5_000 + own.end).collect::<Vec<u32>>());
        let files =
            [0, 1].map(|n| agency.write(&format!("list-{n}.csv"), &table(numbers[n].iter().copied())));
        let children = files.each_ref().map(|file| begin(agency, &["ofac", text(file), "--accept-removals"]));
        for said in children.map(said) {
            assert!(said["error"].is_null(), "round {round}: {said}");
        }
        let listed = listed(agency);
        assert!(numbers.contains(&listed), "round {round}: {} are listed, of both", listed.len());
    }
}

#[test]
fn two_imports_at_once_into_a_node_end_as_one_after_the_other() {
    race(&Node::found("agency-a.example").agency);
}

#[test]
fn two_imports_at_once_without_a_node_end_as_one_after_the_other() {
    race(&Agency::found("agency-a.example"));
}

/// Goal: an import into a running node whose program is ended at any instant is whole or never was, and the same import
/// again ends as one that nobody ended: it says what was there from before, and enters nothing twice.
/// Way: kill the program at instants drawn from a printed seed while it hands over more changes than one message takes.
#[test]
fn an_import_into_a_node_killed_at_any_instant_is_whole_or_never_was() {
    let kills = std::env::var("COMITY_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
    let seed: u64 = std::env::var("COMITY_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(20_261_130);
    println!("COMITY_SEED={seed} COMITY_KILLS={kills}");
    let node = Node::found("agency-a.example");
    let mut rows = "id,schema,name\n".to_owned();
    for number in 1..=RECORDS {
        rows += &format!("{number},Person,Number {number}\n");
    }
    let file = node.agency.write("list.csv", rows.as_bytes());
    let (mut random, mut interrupted, mut size) = (seed, 0, 1);
    for round in 1..=kills {
        let list = format!("xa-list-{round}");
        let arguments = ["csv", text(&file), "--list", &list];
        let mut child = begin(&node.agency, &arguments);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(1 + (random >> 33) % 700));
        interrupted += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let done = node.agency.ask(&[&["import"], arguments.as_slice()].concat());
        size += RECORDS;
        let counts = ["added", "unchanged"].map(|count| done[count].as_u64().unwrap());
        assert!([[RECORDS, 0], [0, RECORDS]].contains(&counts), "round {round}: {done}");
        assert_eq!(done["size"], size, "round {round}: {done}");
    }
    println!("{interrupted} of {kills} imports were interrupted");
}
