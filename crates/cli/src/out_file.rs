//! A file that is written whole or not at all.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use comity_node::NodeError;
use tempfile::NamedTempFile;

use crate::answer::Refusal;
use crate::interruption::Heard;
use crate::out_folder::is_within;

/// A file on its way: written beside its place under a hidden name, moved there when complete.
#[derive(Debug)]
pub(crate) struct OutFile {
    place: PathBuf,
    /// Removed unless it is finished.
    building: NamedTempFile,
    heard: Heard,
}

impl OutFile {
    /// Begins a file that is not there yet, outside of the home that it is written from.
    ///
    /// # Errors
    /// `not_empty` if there is something in its place, `place` if it cannot be put there, `file`.
    pub(crate) fn begin(home: &Path, place: &Path, heard: Heard) -> Result<Self, Refusal> {
        let failed = |source| NodeError::File { action: "write", path: place.to_owned(), source };
        if place.symlink_metadata().is_ok() {
            let message = format!("--out: {} is there already; name a file that is not", place.display());
            return Err(Refusal::new("not_empty", message));
        }
        let Some(name) = place.file_name().and_then(|name| name.to_str()) else {
            return Err(Refusal::new("place", format!("--out: {} names no file", place.display())));
        };
        if is_within(place, home).map_err(failed)? {
            let (place, home) = (place.display(), home.display());
            let message = format!(
                "--out: {place} is in the home {home}, where only the node writes; name a file outside of it"
            );
            return Err(Refusal::new("place", message));
        }
        let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let building = tempfile::Builder::new()
            .prefix(&format!(".{name}.part-"))
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(parent)
            .map_err(failed)?;
        Ok(Self { place: place.to_owned(), building, heard })
    }

    /// Writes the next bytes.
    ///
    /// # Errors
    /// [`NodeError::File`]; [`NodeError::Interrupted`] once a signal came.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), NodeError> {
        self.go_on()?;
        let place = &self.place;
        let failed = |source| NodeError::File { action: "write", path: place.clone(), source };
        self.building.write_all(bytes).map_err(failed)
    }

    /// Moves the file into its place, if nothing came there meanwhile.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(crate) fn finish(self) -> Result<(), NodeError> {
        self.go_on()?;
        let Self { place, building, .. } = self;
        let failed = |source| NodeError::File { action: "write", path: place.clone(), source };
        building.as_file().sync_all().map_err(failed)?;
        building.persist_noclobber(&place).map_err(|error| failed(error.error))?;
        Ok(())
    }

    fn go_on(&self) -> Result<(), NodeError> {
        if self.heard.is_ended() { Err(NodeError::Interrupted) } else { Ok(()) }
    }
}
