//! Commands on keys, without a node, that are killed after every change of the home: each has happened or has not, and no
//! key that the log names is lost.
//!
//! Not here: a node that is killed while it takes key events (`served`).

use super::{import, in_force, keys, root_of};
use crate::agency::{Agency, answer, run, text};
use crate::faults::shim::Shim;
use crate::recovery::copy;

/// More changes of the home than any command on a key makes.
const CHANGES_MAX: u64 = 2_000;

/// Runs a command on copies of a home, killed after each of its changes of the home, until it comes to its end alive.
/// `look` sees each home after that, opened again, and whether the command had ended.
fn killed_at_every_step(base: &Agency, command: &[&str], look: impl Fn(&Agency, bool, u64)) {
    let whole = base.home();
    for step in 1..=CHANGES_MAX {
        let agency = Agency::empty();
        copy(&whole, &agency.home());
        let log = agency.beside("calls");
        let Some(shim) = Shim::over(&agency.home(), &log) else { return };
        let (home, root) = (agency.home(), root_of(&agency));
        let all = [command, &["--root", &root, "--home", text(&home), "--json"]].concat();
        let output = shim.with("FAULTS_KILL", &step.to_string()).command(&all).output().unwrap();
        look(&agency, output.status.success(), step);
        if output.status.success() {
            eprintln!("{command:?} was killed after each of {} changes", step - 1);
            assert!(step > 10, "{command:?} makes more changes than {step}");
            return;
        }
        assert!(output.status.code().is_none(), "{command:?}, step {step}: {output:?}");
    }
    panic!("{command:?} does not come to its end");
}

/// Goal: a rotation that is killed has happened or has not; no key that the log names is lost. Way: `rotate` killed after
/// every change that it makes, then finished, then signed with.
#[test]
fn a_rotation_killed_at_every_step_has_happened_or_has_not() {
    let base = Agency::found("agency-a.example");
    import(&base, 3);
    let old = in_force(&base);
    killed_at_every_step(&base, &["key", "rotate", "log"], |agency, ended, step| {
        let found = in_force(agency);
        assert!(found == old || (found.len() == 2 && found[0] == old[0]), "step {step}: {found:?}");
        assert!(!ended || found.len() == 2, "step {step}: acknowledged and not there");
        assert_eq!(agency.ask(&["status"])["state"], "ready", "step {step}");
        if found.len() == 1 {
            let done = agency.ask(&["key", "rotate", "log", "--root", &root_of(agency)]);
            assert_eq!(done["change"], "added", "step {step}: {done}");
        }
        let both = in_force(agency);
        assert!(import(agency, 5) > 4, "step {step}");
        let retired = agency.ask(&["key", "retire", "log", "--root", &root_of(agency)]);
        assert_eq!(retired["key"], old[0].as_str(), "step {step}: {retired}");
        // The other one alone signs, from its file in the place of the old one.
        import(agency, 6);
        assert_eq!(in_force(agency), both[1..], "step {step}");
        let card = agency.ask(&["card"]);
        assert!(card["card"].as_str().unwrap().contains(&format!("\nlog-now {}\n", both[1])), "step {step}");
        assert!(!agency.home().join("keys/log-next.key").exists(), "step {step}");
    });
}

#[test]
fn a_retirement_killed_at_every_step_has_happened_or_has_not() {
    let base = Agency::found("agency-a.example");
    base.ask(&["key", "rotate", "log", "--root", &root_of(&base)]);
    let both = in_force(&base);
    assert_eq!(both.len(), 2);
    killed_at_every_step(&base, &["key", "retire", "log"], |agency, ended, step| {
        let found = in_force(agency);
        assert!(found == both || found == both[1..], "step {step}: {found:?}");
        assert!(!ended || found.len() == 1, "step {step}: acknowledged and not there");
        if found.len() == 2 {
            agency.ask(&["key", "retire", "log", "--root", &root_of(agency)]);
        }
        import(agency, 2);
        assert_eq!(in_force(agency), both[1..], "step {step}");
        assert!(!agency.home().join("keys/log-next.key").exists(), "step {step}");
    });
}

/// Goal: the same of a role whose old key ends with the very batch that brings the new one.
#[test]
fn a_witness_rotation_killed_at_every_step_has_happened_or_has_not() {
    let base = Agency::found("agency-a.example");
    let witness = |agency: &Agency| keys(&agency.ask(&["key", "list"]), "witness", "in_force");
    let old = witness(&base);
    killed_at_every_step(&base, &["key", "rotate", "witness"], |agency, ended, step| {
        let found = witness(agency);
        assert_eq!(found.len(), 1, "step {step}: {found:?}");
        assert!(!ended || found != old, "step {step}: acknowledged and not there");
        if found == old {
            agency.ask(&["key", "rotate", "witness", "--root", &root_of(agency)]);
        }
        let list = agency.ask(&["key", "list"]);
        assert_eq!(keys(&list, "witness", "retired"), old, "step {step}");
        // What lies in the file is the one that is in force.
        let file = std::fs::read_to_string(agency.home().join("keys/witness.key")).unwrap();
        let number = witness(agency)[0].split('+').nth(1).unwrap().to_owned();
        assert!(file.contains(&format!("+{number}+")), "step {step}");
    });
}

/// Goal: a successor is made or not, and whoever was cut off makes it with the same command. Way: of a log of which more was
/// signed than the last good checkpoint, so that its newest one is void as soon as the successor is there.
#[test]
fn a_successor_killed_at_every_step_is_made_or_the_closed_log_stands() {
    let base = Agency::found("agency-a.example");
    import(&base, 3);
    import(&base, 6);
    let command = ["key", "succeed", "--close", "--last-good", "4"];
    killed_at_every_step(&base, &command, |agency, ended, step| {
        let origin = agency.ask(&["key", "list"])["origin"].as_str().unwrap().to_owned();
        assert!(!ended || origin == "agency-a.example/pub/2", "step {step}");
        if origin == "agency-a.example/pub" {
            let (root, home) = (root_of(agency), agency.home());
            let all = [&command[..], &["--root", &root, "--home", text(&home), "--json"]].concat();
            let done = answer(&run(&all));
            assert_eq!(done["origin"], "agency-a.example/pub/2", "step {step}: {done}");
        }
        assert_eq!(import(agency, 2), 3, "step {step}: the successor is signed from its genesis on");
        assert_eq!(agency.ask(&["status"])["state"], "ready", "step {step}");
    });
}

/// Goal: the same of a key that somebody else may hold, where nothing was signed beyond the last good checkpoint.
#[test]
fn a_revocation_killed_at_every_step_has_happened_or_has_not() {
    let base = Agency::found("agency-a.example");
    base.ask(&["key", "rotate", "log", "--root", &root_of(&base)]);
    let head = import(&base, 3).to_string();
    let both = in_force(&base);
    let command = ["key", "revoke", "log", &both[0], "--last-good", &head];
    killed_at_every_step(&base, &command, |agency, ended, step| {
        let found = in_force(agency);
        assert!(found == both || found == both[1..], "step {step}: {found:?}");
        assert!(!ended || found.len() == 1, "step {step}: acknowledged and not there");
        if found.len() == 2 {
            let root = root_of(agency);
            let done = agency.ask(&[&command[..], &["--root", &root]].concat());
            assert_eq!(done["closed"], false, "step {step}: {done}");
        }
        assert_eq!(import(agency, 5), 8, "step {step}");
        let list = agency.ask(&["key", "list"]);
        assert_eq!(keys(&list, "log", "revoked"), both[..1], "step {step}");
        assert_eq!(in_force(agency), both[1..], "step {step}");
        assert!(!agency.home().join("keys/log-next.key").exists(), "step {step}");
    });
}

/// Goal: a revocation that closes the log closes it or not, and then it has its successor. Way: of a key that signed
/// alone beyond the last good checkpoint, since it was revoked for a time before the rotation.
#[test]
fn a_closing_revocation_killed_at_every_step_closes_the_log_or_has_not_happened() {
    let base = Agency::found("agency-a.example");
    import(&base, 3);
    base.ask(&["key", "rotate", "log", "--root", &root_of(&base)]);
    let both = in_force(&base);
    let command = ["key", "revoke", "log", &both[0], "--last-good", "1", "--close"];
    killed_at_every_step(&base, &command, |agency, ended, step| {
        let root = root_of(agency);
        let closed = |agency: &Agency| agency.ask(&["key", "list"])["closed"]["size"].as_u64();
        let found = closed(agency);
        assert!(found.is_none() || found == Some(1), "step {step}: {found:?}");
        assert!(!ended || found == Some(1), "step {step}: acknowledged and not there");
        if found.is_none() {
            assert_eq!(agency.ask(&["status"])["state"], "ready", "step {step}");
            let done = agency.ask(&[&command[..], &["--root", &root]].concat());
            assert_eq!(done["closed"], true, "step {step}: {done}");
        }
        assert_eq!(closed(agency), Some(1), "step {step}");
        let made = agency.ask(&["key", "succeed", "--root", &root]);
        assert_eq!(made["origin"], "agency-a.example/pub/2", "step {step}: {made}");
        assert_eq!(import(agency, 2), 3, "step {step}: the successor is signed from its genesis on");
    });
}

/// Goal: the successor of a log that a revocation has closed is made or not.
#[test]
fn a_successor_of_a_revoked_log_killed_at_every_step_is_made_or_the_closed_log_stands() {
    let base = Agency::found("agency-a.example");
    import(&base, 3);
    let root = root_of(&base);
    base.ask(&["key", "rotate", "log", "--root", &root]);
    let first = in_force(&base).remove(0);
    let done = base.ask(&["key", "revoke", "log", &first, "--last-good", "4", "--close", "--root", &root]);
    assert_eq!(done["closed"], true, "{done}");
    killed_at_every_step(&base, &["key", "succeed"], |agency, ended, step| {
        let origin = agency.ask(&["key", "list"])["origin"].as_str().unwrap().to_owned();
        assert!(!ended || origin == "agency-a.example/pub/2", "step {step}");
        if origin == "agency-a.example/pub" {
            let done = agency.ask(&["key", "succeed", "--root", &root_of(agency)]);
            assert_eq!(done["origin"], "agency-a.example/pub/2", "step {step}: {done}");
        }
        assert_eq!(import(agency, 2), 3, "step {step}: the successor is signed from its genesis on");
        assert_eq!(agency.ask(&["status"])["state"], "ready", "step {step}");
    });
}
