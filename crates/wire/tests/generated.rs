//! The committed generated code is what `/proto` says.

mod generation;

use std::fs;

/// Goal: nobody edits generated code, or a `.proto` file without generating again.
/// Way: generate into a temporary folder and compare byte for byte.
#[test]
fn committed_code_and_descriptors_are_those_of_the_proto_files() {
    let generated = generation::generate().unwrap();
    let folder = generation::generated_folder();
    let code = fs::read_to_string(folder.join("comity.v1.rs")).unwrap();
    let descriptors = fs::read(folder.join("comity.v1.binpb")).unwrap();
    let hint = "run `cargo run -p comity-wire --example regenerate` and commit the result";
    assert!(code == generated.code, "comity.v1.rs is out of date: {hint}");
    assert!(descriptors == generated.descriptors, "comity.v1.binpb is out of date: {hint}");
    assert!(descriptors == comity_wire::DESCRIPTORS, "the crate holds other descriptors");
}
