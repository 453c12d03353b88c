//! Kill -9 at any instant loses nothing acknowledged and forks nothing.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::agency::{Agency, table, text};

/// Kills of one run; `.ci/soak` asks for more.
const KILLS: u64 = 24;

/// Goal: an import that is killed is whole or never was, and the log goes on from there. Way: kill the program at
/// instants drawn from a printed seed, look, and finish the import before the next kill.
#[test]
fn an_import_killed_at_any_instant_is_whole_or_never_was() {
    let kills = std::env::var("COMITY_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
    let seed: u64 = std::env::var("COMITY_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(20_261_122);
    println!("COMITY_SEED={seed} COMITY_KILLS={kills}");
    let agency = Agency::found("agency-a.example");
    let home = agency.home();
    let mut random = seed;
    let mut acknowledged = agency.head();
    let mut interrupted = 0;
    for round in 1..=kills {
        // Each round lists some more subjects, so that there is always something to sign.
        let count = u32::try_from(round * 40).unwrap();
        let list = agency.write("list.csv", &table(1..=count));
        let mut child = Command::new(env!("CARGO_BIN_EXE_comity"))
            .args(["import", "ofac", text(&list), "--home", text(&home)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(1 + (random >> 33) % 400));
        let finished = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        interrupted += u64::from(!finished);
        let status = agency.ask(&["status"]);
        assert_eq!(status["state"], "ready", "round {round}: {status}");
        let found = agency.head();
        let whole = u64::from(count) + 1;
        assert!(
            found == acknowledged || found.0 == whole,
            "round {round}: size {} is neither {} nor {whole}",
            found.0,
            acknowledged.0
        );
        let done = agency.ask(&["import", "ofac", text(&list)]);
        assert_eq!(done["size"], whole, "round {round}: {done}");
        if found.0 == whole {
            assert_eq!(done["root"], found.1.as_str(), "round {round}: the same tree again");
        }
        acknowledged = agency.head();
    }
    println!("{interrupted} of {kills} imports were interrupted");
    let (bundle, card) = agency.bundle("bundle");
    let report = crate::agency::answer(&crate::agency::run(&[
        "bundle",
        "verify",
        text(&bundle),
        "--keys",
        text(&card),
        "--json",
    ]));
    assert_eq!(report["ok"], true, "{report}");
}
