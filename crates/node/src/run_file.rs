//! `run/node.json`: where the running node of a home listens, for its operator's commands.
//!
//! It is a hint: whether a node runs is decided by the lock of the home and by whoever answers at the address.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Home, NodeError};

/// Most bytes of the file: four short fields.
const RUN_FILE_BYTES_MAX: u64 = 4_096;

/// What a running node says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    /// Its process.
    pub pid: u32,
    /// Where peers connect.
    pub peer_addr: SocketAddr,
    /// Where operators connect.
    pub admin_addr: SocketAddr,
    /// Where metrics and the logs that are switched on are served over HTTP, if they are.
    pub http_addr: Option<SocketAddr>,
}

impl RunFile {
    /// Reads the file of a home; `None` if there is none, or it does not read as one.
    pub fn find(home: &Home) -> Option<Self> {
        let path = place(home);
        if std::fs::metadata(&path).ok()?.len() > RUN_FILE_BYTES_MAX {
            return None;
        }
        serde_json::from_slice(&std::fs::read(&path).ok()?).ok()
    }

    /// The file as one line of JSON.
    ///
    /// # Errors
    /// [`NodeError::Json`].
    pub fn to_json(&self) -> Result<String, NodeError> {
        serde_json::to_string(self).map_err(|error| NodeError::Json { reason: error.to_string() })
    }

    /// Writes the file whole: a reader sees all of it or none. It says nothing that must outlive a crash, so it is
    /// not synced.
    pub(crate) fn write(&self, home: &Home) -> Result<(), NodeError> {
        let path = place(home);
        let failed = |source| NodeError::File { action: "write", path: path.clone(), source };
        let fresh = path.with_extension("json.new");
        std::fs::create_dir_all(home.path("run")).map_err(failed)?;
        std::fs::write(&fresh, self.to_json()? + "\n").map_err(failed)?;
        std::fs::rename(&fresh, &path).map_err(failed)
    }

    /// Takes the file away; that it is gone already is no failure.
    pub(crate) fn remove(home: &Home) {
        std::fs::remove_file(place(home)).unwrap_or_default();
    }
}

fn place(home: &Home) -> PathBuf {
    home.path("run/node.json")
}
