//! Key files of a home: one role each, readable by their owner alone.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use comity_ledger::Entropy;
use comity_store::Kek;
use comity_tlog::{KeyKind, KeyName, SigningKey};
use zeroize::Zeroizing;

use crate::NodeError;

/// Makes a signing key and writes it; the file must not exist.
pub(crate) fn create_signing_key(
    path: &Path,
    name: &str,
    kind: KeyKind,
    entropy: &mut dyn Entropy,
) -> Result<SigningKey, NodeError> {
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill(&mut *seed).map_err(|_| NodeError::Entropy)?;
    let wrong = || NodeError::WrongKey { path: path.to_owned(), name: name.to_owned() };
    let name = KeyName::new(name).map_err(|_| wrong())?;
    let key = SigningKey::from_seed(name, kind, &seed).map_err(|_| wrong())?;
    let text = Zeroizing::new(format!("{}\n", *key.to_private_text()));
    create_secret(path, text.as_bytes())?;
    Ok(key)
}

/// Reads a signing key and checks that it is the one that belongs in this place.
pub(crate) fn load_signing_key(path: &Path, name: &str, kind: KeyKind) -> Result<SigningKey, NodeError> {
    let wrong = || NodeError::WrongKey { path: path.to_owned(), name: name.to_owned() };
    let bytes = read_secret(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong())?;
    let key: SigningKey = text.trim_end().parse().map_err(|_| wrong())?;
    if key.name().as_str() == name && key.kind() == kind { Ok(key) } else { Err(wrong()) }
}

/// Makes the key that seals the keyring.
pub(crate) fn create_kek(path: &Path, entropy: &mut dyn Entropy) -> Result<Kek, NodeError> {
    let mut bytes = Zeroizing::new([0; Kek::LEN]);
    entropy.fill(&mut *bytes).map_err(|_| NodeError::Entropy)?;
    create_secret(path, &*bytes)?;
    Ok(Kek::from_bytes(*bytes))
}

/// Reads the key that seals the keyring.
pub(crate) fn load_kek(path: &Path) -> Result<Kek, NodeError> {
    let bytes = read_secret(path)?;
    let wrong = || NodeError::WrongKey { path: path.to_owned(), name: "the keyring".to_owned() };
    let bytes = Zeroizing::new(<[u8; Kek::LEN]>::try_from(bytes.as_slice()).map_err(|_| wrong())?);
    Ok(Kek::from_bytes(*bytes))
}

/// Writes a new file that only its owner may read, synced.
pub(crate) fn create_secret(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    let failed = |source| NodeError::File { action: "create", path: path.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
}

/// Reads a file that only its owner may read.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, NodeError> {
    let failed = |source| NodeError::File { action: "read", path: path.to_owned(), source };
    let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(NodeError::OpenKey { path: path.to_owned(), mode });
    }
    std::fs::read(path).map(Zeroizing::new).map_err(failed)
}
