//! A node that is killed while it enters key events, and while its peer streams from it; and one whose log key and
//! certificate change amid a long stream.
//!
//! Not here: what the command does before it asks the node (`killed`).

use super::{import, in_force, root_of};
use crate::agency::{Agency, text};
use crate::faults::served::Served;
use crate::faults::shim::Shim;
use crate::nodes::{Node, audit, until};

/// More changes of the home than a node makes of one key event.
const CHANGES_MAX: u64 = 300;

/// Records of a long stream: several seconds of it.
const RECORDS: u32 = 20_000;

/// Whether the file of a key that the list names is there.
fn is_held(agency: &Agency, key: &str) -> bool {
    let number = key.split('+').nth(1).unwrap();
    let files = ["keys/log.key", "keys/log-next.key"].map(|name| agency.home().join(name));
    let read = files.iter().filter_map(|file| std::fs::read_to_string(file).ok());
    read.into_iter().any(|file| file.contains(&format!("+{number}+")))
}

/// Goal: a rotation and a retirement of a node that is killed in the midst of them have happened or have not, no key that
/// the log names is lost, and a peer that follows meanwhile goes on without an alarm. Way: killed after each change of
/// its home from the moment on at which it is asked, then served again, and the change finished.
#[test]
fn a_node_killed_at_every_step_of_a_rotation_has_rotated_or_has_not_and_its_peer_goes_on() {
    let (mut a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    b.add(&a, &[]);
    b.reaches(&a.origin, &a.head(&a.origin));
    assert!(a.stop());
    let (agency, armed) = (&a.agency, a.agency.beside("armed"));
    let root = root_of(agency);
    let start = |step: u64| {
        let shim = Shim::over(&agency.home(), &agency.beside("calls"))?;
        let shim = shim.with("FAULTS_ARMED", text(&armed)).with("FAULTS_KILL", &step.to_string());
        Some(Served::start(agency, &shim))
    };
    let (mut records, mut alive) = (0, 0);
    for step in 1..=CHANGES_MAX {
        for change in ["rotate", "retire"] {
            let Some(mut node) = start(step) else { return };
            let before = in_force(agency);
            assert_eq!(before.len(), if change == "rotate" { 1 } else { 2 }, "step {step}");
            records += 1;
            import(agency, records);
            std::fs::write(&armed, "").unwrap();
            let said = agency.ask(&["key", change, "log", "--root", &root]);
            std::fs::remove_file(&armed).unwrap();
            let is_acknowledged = said["error"].is_null();
            if !is_acknowledged {
                // It says so itself if it was not killed but refused.
                assert!(node.ended().0.code().is_none(), "step {step}: {change} was refused: {said}");
            }
            if node.has_ended() {
                node = start(u64::MAX).unwrap();
            } else {
                alive += 1;
            }
            let after = in_force(agency);
            let has_happened = after != before;
            let expected = if change == "rotate" { after[..1] == before[..] } else { after == before[1..] };
            assert!(!has_happened || expected, "step {step}: {change} of {before:?} led to {after:?}");
            assert!(!is_acknowledged || has_happened, "step {step}: acknowledged and not there");
            for key in &after {
                assert!(is_held(agency, key), "step {step}: {key} is in force, and its file is not there");
            }
            if !has_happened {
                let done = agency.ask(&["key", change, "log", "--root", &root]);
                assert!(done["error"].is_null(), "step {step}: {done}");
            }
            records += 1;
            import(agency, records);
            if node.has_ended() {
                // It was acknowledged, and killed behind that.
                node = start(u64::MAX).unwrap();
                alive -= 1;
            }
            b.reaches(&a.origin, &a.head(&a.origin));
            assert!(node.stop().0.success(), "step {step}");
        }
        if alive >= 2 {
            eprintln!("a node was killed after each of {} changes of a rotation", step - 1);
            assert!(step > 10, "a node makes more changes than {step}");
            break;
        }
        alive = 0;
    }
    assert!(alive >= 2, "a rotation does not come to its end");
    a.serve();
    b.reaches(&a.origin, &a.head(&a.origin));
    until("B knows of no trouble", || {
        b.agency.ask(&["status"])["alarms"].as_array().is_none_or(Vec::is_empty)
    });
    assert!(!b.log().contains("key that is not in force"), "what A signed was never taken for a thief's");
    let report = audit(&b, &[&a]);
    assert!(report["ok"] == true && report["trusted"] == true, "{report}");
}

/// Goal: nothing of a long stream is lost, and nobody is alarmed, where log key and certificate of the author change amid it.
/// Way: B begins to follow 20,000 records; once the first of them has come, A's log key is rotated, its certificate renewed,
/// before the last has come; then more is imported and the old key retired.
#[test]
fn a_long_stream_comes_whole_though_log_key_and_certificate_change_amid_it() {
    let (a, b) = (Node::found("agency-a.example"), Node::found("agency-b.example"));
    a.add(&b, &[]);
    let agency = &a.agency;
    import(agency, RECORDS);
    let is_found = |number: u32| {
        let said = b.agency.ask(&["screen", "--id", &format!("passport:X{number:07}")]);
        said["hits"].as_array().is_some_and(|hits| !hits.is_empty())
    };
    b.add(&a, &[]);
    until("the first of it has come", || is_found(1));
    let root = root_of(agency);
    let rotated = agency.ask(&["key", "rotate", "log", "--root", &root]);
    assert_eq!(rotated["change"], "added", "{rotated}");
    let renewed = agency.ask(&["tls", "renew"]);
    assert_eq!(renewed["reloaded"], true, "{renewed}");
    assert!(!is_found(RECORDS), "all of it had come before anything changed");
    import(agency, RECORDS + 20);
    let retired = agency.ask(&["key", "retire", "log", "--root", &root]);
    assert_eq!(retired["change"], "retired", "{retired}");
    b.reaches(&a.origin, &a.head(&a.origin));
    until("the last of it has come", || is_found(RECORDS + 20) && is_found(RECORDS));
    assert_eq!(in_force(agency).len(), 1);
    let report = audit(&b, &[&a]);
    assert!(report["ok"] == true && report["trusted"] == true, "{report}");
    let opened = report["checks"]["openings_opened"].as_u64().unwrap();
    assert!(opened >= 4 * u64::from(RECORDS + 20), "{opened} sections have come");
    assert!(b.agency.ask(&["status"])["alarms"].as_array().unwrap().is_empty());
}
