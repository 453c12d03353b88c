//! The README's first command does what it promises.

use crate::agency::{answer, run, shared, text};

#[test]
fn every_act_of_the_demo_is_played_and_measured() {
    let output = run(&["demo", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let played = answer(&output);
    assert_eq!(played["ok"], true);
    let names: Vec<_> = played["acts"].as_array().unwrap().iter().map(|act| act["name"].clone()).collect();
    for name in ["peer", "import", "sign", "replicate", "screen", "tamper", "audit"] {
        assert!(names.contains(&name.into()), "{name} of {names:?}");
    }
    for act in played["acts"].as_array().unwrap() {
        assert!(act["ok"] == true && act["figures"]["ms"].is_u64(), "{act}");
    }
    let screen = run(&["demo"]);
    let text = String::from_utf8(screen.stdout).unwrap();
    assert!(text.lines().count() <= 24, "one screen:\n{text}");
    assert!(!text.contains('\x1b'), "no colour but on a terminal");
}

#[test]
fn the_demo_takes_real_lists_and_fails_aloud_on_bad_ones() {
    let output = run(&["demo", "--un", "missing.xml", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(answer(&output)["ok"], false);
    let Some(list) = shared("data/un/un-2026-02-27.xml") else { return };
    let output = run(&["demo", "--un", text(&list), "--json"]);
    assert!(output.status.success(), "{}", answer(&output));
}
