//! Which of the bugs of `docs/robustness.md` is planted: each is caught by a test, and `.ci/planted` shows that.
//!
//! Only a build with `--cfg comity_planted` has this file, and a release build never. It is the one place of the rooms
//! without input that reads the environment, and lies here since every room that has a planted bug stands on this one.

#[cfg(not(debug_assertions))]
compile_error!("bugs are planted for the tests alone: a release build has none");

/// Whether `COMITY_PLANTED` names this bug.
pub fn planted(bug: &str) -> bool {
    std::env::var_os("COMITY_PLANTED").is_some_and(|named| named == bug)
}
