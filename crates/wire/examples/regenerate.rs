//! Writes the generated code of this crate anew: `cargo run -p comity-wire --example regenerate`.
//!
//! The comparison with what is committed is `tests/generated.rs`.

#[path = "../tests/generation/mod.rs"]
mod generation;

use std::error::Error;
use std::fs;

fn main() -> Result<(), Box<dyn Error>> {
    let generated = generation::generate()?;
    let folder = generation::generated_folder();
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("comity.v1.rs"), generated.code)?;
    fs::write(folder.join("comity.v1.binpb"), generated.descriptors)?;
    Ok(())
}
