//! A file that a command is given: read whole, up to a limit, whatever length it announces.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use comity_node::NodeError;

/// Reads a file of at most `limit` bytes; `None` if there are more. A device announces no length and may never
/// end, so that the bytes themselves are counted.
///
/// # Errors
/// [`NodeError::File`].
pub(crate) fn read_at_most(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, NodeError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|source| NodeError::File { action: "read", path: path.to_owned(), source })?;
    Ok(u64::try_from(bytes.len()).is_ok_and(|len| len <= limit).then_some(bytes))
}
