//! The files of those signing keys that one can follow the other in: the present one, and the next one beside it.
//!
//! A next key is on stable storage before any entry names it, and takes the place of the present one only once the log
//! says that this one has ended; so whatever is cut off, no key that the log names is lost. A next key that no entry
//! names yet is the one of the next rotation. Not here: which key is in force (`comity-ledger`), and the files of one
//! key alone (`keys`).

use std::path::{Path, PathBuf};

use comity_ledger::{AgencyId, Entropy, KeyRole, Origin};
use comity_tlog::{KeyKind, KeyName, SigningKey, VerifierKey};
use zeroize::Zeroizing;

use crate::keys::load_signing_key;
use crate::replace::{SECRET_MODE, replace, sync_folder};
use crate::{Home, NodeError};

/// The files of the keys of one role.
#[derive(Clone, Debug)]
pub(crate) struct KeyFiles {
    folder: PathBuf,
    stem: String,
    name: String,
    kind: KeyKind,
}

impl KeyFiles {
    /// Those of the keys that sign a log.
    pub(crate) fn of_log(folder: &Path, origin: &Origin) -> Self {
        let role = KeyRole::Log.name();
        // The keys of a closed log stay where they are, beside those of its successor.
        let number = origin.predecessor().and_then(|_| origin.as_str().rsplit('/').next());
        let stem = number.map_or_else(|| role.to_owned(), |number| format!("{role}-{number}"));
        Self { folder: folder.to_owned(), stem, name: origin.to_string(), kind: KeyKind::Ed25519 }
    }

    /// Those of another role of an agency; `None` of a TLS authority, whose files are `tls_keys`' business.
    pub(crate) fn of_role(home: &Home, role: KeyRole) -> Option<Self> {
        let name = |agency: &AgencyId| format!("{agency}/{role}");
        let kind = match role {
            KeyRole::Log => return Some(Self::of_log(&home.path("keys"), &home.origin())),
            KeyRole::Witness | KeyRole::Mirror => KeyKind::CosignatureV1,
            KeyRole::Statement => KeyKind::Ed25519,
            KeyRole::TlsAuthority => return None,
        };
        let (folder, stem) = (home.path("keys"), role.name().to_owned());
        Some(Self { folder, stem, name: name(&home.config().agency), kind })
    }

    fn present_path(&self) -> PathBuf {
        self.folder.join(format!("{}.key", self.stem))
    }

    fn next_path(&self) -> PathBuf {
        self.folder.join(format!("{}-next.key", self.stem))
    }

    /// The present key; `None` if its file is not there.
    ///
    /// # Errors
    /// A [`NodeError`] if the file does not hold a key of this name, or others may read it.
    pub(crate) fn present(&self) -> Result<Option<SigningKey>, NodeError> {
        self.load(&self.present_path())
    }

    /// The next key; `None` if there is none.
    ///
    /// # Errors
    /// As [`present`](Self::present).
    pub(crate) fn next(&self) -> Result<Option<SigningKey>, NodeError> {
        self.load(&self.next_path())
    }

    /// Both, as far as they are there: the present one first.
    ///
    /// # Errors
    /// As [`present`](Self::present).
    pub(crate) fn held(&self) -> Result<Vec<SigningKey>, NodeError> {
        Ok(self.present()?.into_iter().chain(self.next()?).collect())
    }

    fn load(&self, path: &Path) -> Result<Option<SigningKey>, NodeError> {
        if !path.try_exists().map_err(|source| NodeError::File {
            action: "look at",
            path: path.to_owned(),
            source,
        })? {
            return Ok(None);
        }
        load_signing_key(path, &self.name, self.kind).map(Some)
    }

    /// Makes the next key; durable when this returns.
    ///
    /// # Errors
    /// A [`NodeError`]; what was there is as it was.
    pub(crate) fn make_next(&self, entropy: &mut dyn Entropy) -> Result<SigningKey, NodeError> {
        self.make(&self.next_path(), entropy)
    }

    /// The present key, made if there is none; durable when this returns.
    ///
    /// # Errors
    /// As [`make_next`](Self::make_next).
    pub(crate) fn present_or_new(&self, entropy: &mut dyn Entropy) -> Result<SigningKey, NodeError> {
        self.present()?.map_or_else(|| self.make(&self.present_path(), entropy), Ok)
    }

    fn make(&self, path: &Path, entropy: &mut dyn Entropy) -> Result<SigningKey, NodeError> {
        let mut seed = Zeroizing::new([0; 32]);
        entropy.fill(&mut *seed).map_err(|_| NodeError::Entropy)?;
        let wrong = || NodeError::WrongKey { path: path.to_owned(), name: self.name.clone() };
        let name = KeyName::new(&self.name).map_err(|_| wrong())?;
        let key = SigningKey::from_seed(name, self.kind, &seed).map_err(|_| wrong())?;
        let text = Zeroizing::new(format!("{}\n", *key.to_private_text()));
        replace(path, text.as_bytes(), SECRET_MODE)?;
        sync_folder(&self.folder)?;
        // As it stands there.
        self.load(path)?.ok_or_else(wrong)
    }

    /// Puts the next key in the place of the present one if that is not in force any more and the next one is; whoever
    /// stops in the midst of it does so again. Says whether it did.
    ///
    /// # Errors
    /// A [`NodeError`]; then both are there as they were, or the next one is in its place.
    pub(crate) fn settle(&self, in_force: &[VerifierKey]) -> Result<bool, NodeError> {
        let is_in_force = |key: &SigningKey| in_force.contains(key.verifier());
        let (present, next) = (self.present()?, self.next()?);
        if present.as_ref().is_some_and(is_in_force) || !next.as_ref().is_some_and(is_in_force) {
            return Ok(false);
        }
        let path = self.present_path();
        let failed = |source| NodeError::File { action: "replace", path: path.clone(), source };
        std::fs::rename(self.next_path(), &path).map_err(failed)?;
        sync_folder(&self.folder)?;
        tracing::info!(stem = self.stem, "the next key is the present one now");
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEntropy;

    fn place() -> (tempfile::TempDir, KeyFiles) {
        let place = tempfile::tempdir().unwrap();
        let files = KeyFiles::of_log(place.path(), &"agency-a.example/pub".parse().unwrap());
        (place, files)
    }

    /// Goal: no state of the two files and the log loses a key that the log names.
    #[test]
    fn the_next_key_takes_the_place_of_a_present_one_that_has_ended_and_of_no_other() {
        let (place, files) = place();
        let first = files.make_next(&mut SystemEntropy::new()).unwrap();
        assert!(!files.settle(&[]).unwrap(), "nothing says that it is in force");
        assert!(files.settle(&[first.verifier().clone()]).unwrap());
        assert!(files.next().unwrap().is_none());
        let next = files.make_next(&mut SystemEntropy::new()).unwrap();
        let [one, two] = [&first, &next].map(|key| key.verifier().clone());
        let both = [one.clone(), two.clone()];
        assert!(!files.settle(&both).unwrap() && !files.settle(std::slice::from_ref(&one)).unwrap());
        assert_eq!(files.held().unwrap().len(), 2);
        // What a write that was cut off leaves is no key.
        std::fs::write(place.path().join("log-next.fresh"), "half").unwrap();
        assert!(files.settle(std::slice::from_ref(&two)).unwrap());
        assert!(!files.settle(std::slice::from_ref(&two)).unwrap(), "once more it is as it should be");
        assert_eq!(files.present().unwrap().unwrap().verifier(), &two);
        assert!(files.next().unwrap().is_none());
    }

    #[test]
    fn a_key_of_another_name_in_the_place_of_the_next_one_is_refused_and_stays() {
        let (place, files) = place();
        let other = KeyFiles::of_log(place.path(), &"agency-b.example/pub".parse().unwrap());
        other.make_next(&mut SystemEntropy::new()).unwrap();
        assert!(matches!(files.held(), Err(NodeError::WrongKey { .. })));
        assert!(matches!(files.settle(&[]), Err(NodeError::WrongKey { .. })));
        assert!(other.next().unwrap().is_some());
    }
}
