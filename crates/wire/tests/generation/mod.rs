//! Makes the generated code out of `/proto`, for the example that writes it and the test that compares it.
//!
//! Not a build script: whoever builds the workspace needs neither this step nor its crates.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

use protox::prost::Message as _;

/// The files of the package, below [`proto_folder`].
const FILES: [&str; 6] = [
    "comity/v1/key.proto",
    "comity/v1/log.proto",
    "comity/v1/exchange.proto",
    "comity/v1/screening.proto",
    "comity/v1/tls.proto",
    "comity/v1/admin.proto",
];

/// Messages whose content may be personal: their `Debug` is written by hand in `src/redacted.rs`.
const REDACTED: [&str; 8] = [
    ".comity.v1.Opening",
    ".comity.v1.Section",
    ".comity.v1.HeldSection",
    ".comity.v1.FilePart",
    ".comity.v1.ScreenRequest",
    ".comity.v1.IdentifierQuery",
    ".comity.v1.Hit",
    ".comity.v1.AddPeerRequest",
];

/// What stands above the generated code.
const DOC: &str = "\
//! The messages and services of `comity.v1`, generated from `/proto` and never edited: change the `.proto` files,
//! then run `cargo run -p comity-wire --example regenerate`. Conversions to domain types are the crate's other
//! modules.
";

/// The two generated files.
pub(crate) struct Generated {
    /// The text of `src/gen/comity.v1.rs`.
    pub(crate) code: String,
    /// The bytes of `src/gen/comity.v1.binpb`: the file descriptors, without comments, for reflection.
    pub(crate) descriptors: Vec<u8>,
}

/// The folder that the files of the package are found from.
pub(crate) fn proto_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto")
}

/// The folder of the generated files.
pub(crate) fn generated_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gen")
}

/// Compiles the files without protoc and generates messages, clients and servers.
pub(crate) fn generate() -> Result<Generated, Box<dyn Error>> {
    forgotten_files()?;
    let mut compiler = protox::Compiler::new([proto_folder()])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;
    let described = compiler.file_descriptor_set();
    let descriptors = compiler.include_source_info(false).file_descriptor_set().encode_to_vec();

    let folder = tempfile::tempdir()?;
    // The codec finds the limits of a message by its name.
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure()
        // Connections are made by the node's own connector: a plain `connect` here would pass by mutual TLS.
        .build_transport(false)
        // One received buffer is shared by all entries of a frame instead of copied for each.
        .bytes(".")
        .skip_debug(REDACTED)
        .codec_path("crate::codec::BoundedCodec")
        .emit_rerun_if_changed(false)
        .out_dir(folder.path())
        .compile_fds_with_config(described, config)?;
    let code = fs::read_to_string(folder.path().join("comity.v1.rs"))?;
    Ok(Generated { code: format!("{DOC}\n{code}"), descriptors })
}

/// Fails if the folder holds a file that [`FILES`] does not name.
fn forgotten_files() -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(proto_folder().join("comity/v1"))? {
        let name = format!("comity/v1/{}", entry?.file_name().to_string_lossy());
        if !FILES.contains(&name.as_str()) {
            return Err(
                io::Error::other(format!("{name} is not in the list of files to generate from")).into()
            );
        }
    }
    Ok(())
}
