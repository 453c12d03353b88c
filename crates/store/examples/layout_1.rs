//! Makes the store in a folder one of layout 1, for `.ci/crash-points`: `layout_1 FOLDER`. Only for short sections.
//!
//! Not here: how (`tests/cut/layout_1.rs`).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "it is made to be broken off at the first surprise"
)]

#[path = "../tests/cut/layout_1.rs"]
mod layout_1;

fn main() {
    let folder = std::env::args_os().nth(1).unwrap();
    layout_1::make_old(folder.as_ref());
}
