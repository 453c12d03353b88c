//! Waiting until the home is free: one import after the other, also where no node runs.
//!
//! The lock of a home is that of a file, and goes with the process that holds it, however it ends. Not here: imports into
//! a running node, which holds the home for all of them (`crate::import` compares again what was overtaken).

use std::time::{Duration, Instant};

use crate::answer::Refusal;
use crate::args::ImportHow;
use crate::source::Source;

/// Longest wait: many times what the largest list takes to be entered.
const WAIT_MAX: Duration = Duration::from_mins(2);

/// Between two looks at the home.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Finds who holds the home as [`Source::find`] does, and waits while that is another process that answers nothing: another
/// import, or a node that begins or ends.
pub(super) fn in_turn(how: &ImportHow) -> Result<Source, Refusal> {
    let begun = Instant::now();
    let longest = if how.no_wait { Duration::ZERO } else { WAIT_MAX };
    let mut is_told = how.of.json;
    loop {
        match Source::find(&how.of.home) {
            Err(refusal) if is_held(&refusal) && begun.elapsed() < longest => {
                if !is_told {
                    let words = format!("{}; waiting for it", refusal.message);
                    crate::say(&mut std::io::stderr(), &words);
                    is_told = true;
                }
                std::thread::sleep(LOOK_EVERY);
            }
            found => return found,
        }
    }
}

/// Whether another process holds the home.
fn is_held(refusal: &Refusal) -> bool {
    matches!(refusal.code, "in_use" | "unreachable")
}
