//! Pieces of files of an exported folder. The receiver writes them under a folder of its own choosing, so a path is
//! parsed once, here, into a type that cannot leave it.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

use crate::{InvalidMessage, field, v1};

/// Longest path of an exported file, in bytes: an origin, a tile's path and some more.
pub const EXPORT_PATH_BYTES_MAX: usize = 255;

/// Most bytes of a file in one message: as a frame.
pub const FILE_PART_BYTES_MAX: usize = 1 << 20;

const PATH: &str = "file_part.path";

/// A path below a folder: parts of letters, digits, `.`, `-` and `_`, joined by `/`, none beginning with `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExportPath(String);

impl ExportPath {
    /// The path, with `/` between its parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ExportPath {
    type Err = InvalidMessage;

    fn from_str(path: &str) -> Result<Self, InvalidMessage> {
        if path.len() > EXPORT_PATH_BYTES_MAX {
            return Err(InvalidMessage::TooLong {
                field: PATH,
                found: path.len(),
                max: EXPORT_PATH_BYTES_MAX,
            });
        }
        // A part that begins with '.' could be the folder above, or hidden.
        let well_formed = path.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        });
        if well_formed { Ok(Self(path.to_owned())) } else { Err(InvalidMessage::Malformed { field: PATH }) }
    }
}

impl fmt::Display for ExportPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The next bytes of one file; its content may be personal.
#[derive(Clone, PartialEq, Eq)]
pub struct FilePart {
    path: ExportPath,
    content: Bytes,
}

impl FilePart {
    /// A piece of a file, which is cut into as many pieces as it needs; one empty piece for an empty file.
    pub fn cut(path: &ExportPath, content: &Bytes) -> Vec<Self> {
        let mut rest = content.clone();
        let mut parts = Vec::new();
        loop {
            let content = rest.split_to(rest.len().min(FILE_PART_BYTES_MAX));
            parts.push(Self { path: path.clone(), content });
            if rest.is_empty() {
                return parts;
            }
        }
    }

    /// Where in the folder.
    pub fn path(&self) -> &ExportPath {
        &self.path
    }

    /// The next bytes of the file.
    pub fn content(&self) -> &[u8] {
        &self.content
    }
}

impl fmt::Debug for FilePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilePart({}, {} bytes)", self.path, self.content.len())
    }
}

impl TryFrom<v1::FilePart> for FilePart {
    type Error = InvalidMessage;

    fn try_from(message: v1::FilePart) -> Result<Self, InvalidMessage> {
        field::total("file_part.content", std::iter::once(message.content.len()), FILE_PART_BYTES_MAX)?;
        Ok(Self { path: message.path.parse()?, content: message.content })
    }
}

impl From<FilePart> for v1::FilePart {
    fn from(part: FilePart) -> Self {
        Self { path: part.path.0, content: part.content }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_the_folder_is_refused() {
        for good in ["checkpoint", "tile/entries/x001/234.p/5", "a.example/pub/VKEYS", "bundle_1.json"] {
            assert_eq!(good.parse::<ExportPath>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../x",
            "a//b",
            "a/",
            "a\\b",
            "C:/x",
            "a/.x",
            ".",
            "ä",
            "a b",
            "a\0",
        ] {
            assert!(bad.parse::<ExportPath>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(256).parse::<ExportPath>().is_err());
    }

    #[test]
    fn a_file_is_cut_and_joined_again() {
        let path: ExportPath = "tile/0/000".parse().unwrap();
        for len in [0, 1, FILE_PART_BYTES_MAX, FILE_PART_BYTES_MAX + 1, 3 * FILE_PART_BYTES_MAX] {
            let content = Bytes::from(vec![5; len]);
            let messages: Vec<v1::FilePart> =
                FilePart::cut(&path, &content).into_iter().map(v1::FilePart::from).collect();
            assert_eq!(messages.len(), len.div_ceil(FILE_PART_BYTES_MAX).max(1));
            let parts: Vec<FilePart> =
                messages.into_iter().map(|message| message.try_into().unwrap()).collect();
            assert!(parts.iter().all(|part| *part.path() == path));
            assert_eq!(parts.iter().map(FilePart::content).collect::<Vec<_>>().concat(), content);
        }
    }

    #[test]
    fn a_part_over_its_limit_is_refused() {
        let message = v1::FilePart {
            path: "checkpoint".to_owned(),
            content: Bytes::from(vec![0; FILE_PART_BYTES_MAX + 1]),
        };
        assert_eq!(FilePart::try_from(message).unwrap_err().field(), "file_part.content");
    }
}
