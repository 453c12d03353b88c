//! The backup of a home, and a home made of one: the database as a copy of its rows, configuration and peers beside it, the
//! keyring apart, and never the sign-lock.
//!
//! A restored home is read only until what was signed since is back, or an operator answers for it (`recovery`).
//! Erasures will be replayed from the keyring: the newest one opens what may still be opened. Not here: the form of the
//! rows (`comity-store`), and where files come from and go to (`comity-cli`).

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use comity_ledger::{AuthorTime, Head, Origin};
use comity_store::{ReadError, Store};
use serde::{Deserialize, Serialize};

use crate::export::head_of;
use crate::init::{building_place, make_folder, sync_folder, write};
use crate::{Home, NodeError, TakeFile, keys, move_into_place, place_of_new_folder};

/// The only format.
const FORMAT: &str = "comity/backup/v1";
/// The file of rows.
const ROWS: &str = "store.rows";
/// What says what the backup is of; it comes last.
const MANIFEST: &str = "backup.json";
/// The folders of a home besides those of keys and of the database.
const FOLDERS: [&str; 4] = ["", "lock", "peers", "run"];
/// Most bytes of a small file of a home: cards and configurations have a tenth.
const SMALL_BYTES_MAX: u64 = 1 << 20;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupManifest {
    /// The form of the backup.
    pub format: String,
    /// Whose home it is.
    pub agency: String,
    /// When it was made, in seconds since 1970 by the clock of the node.
    pub made_at: u64,
    /// Size of the own log when the copy began.
    pub size: u64,
    /// Its root, base64.
    pub root: String,
}

/// The files of a backup, one by one; what says what it is comes last.
///
/// # Errors
/// A [`NodeError`] of the store, the home or `take`.
pub fn backup_of(
    home: &Home,
    store: &Store,
    now: AuthorTime,
    take: &mut TakeFile<'_>,
) -> Result<(), NodeError> {
    let note = store.newest_note(&home.origin())?.map(|note| head_of(&note)).transpose()?;
    let head = note.unwrap_or(Head::EMPTY);
    store.copy_rows(&mut |bytes| take(ROWS, bytes)).map_err(given_up)?;
    for name in ["comity.toml", "identity.note", "identity-next.note", "origin", "policy"] {
        take_small(&home.path(name), name, take)?;
    }
    for peer in names(&home.path("peers"))? {
        for name in names(&home.path("peers").join(&peer))? {
            take_small(&home.path("peers").join(&peer).join(&name), &format!("peers/{peer}/{name}"), take)?;
        }
    }
    let manifest = BackupManifest {
        format: FORMAT.to_owned(),
        agency: home.config().agency.to_string(),
        made_at: now.unix_secs(),
        size: head.size.value(),
        root: head.root.to_base64(),
    };
    let text = serde_json::to_string_pretty(&manifest);
    let text = text.map_err(|error| NodeError::Json { reason: error.to_string() })?;
    take(MANIFEST, text.as_bytes())
}

/// The files of the keyring, to be asked for after those of the backup that they are to open.
///
/// # Errors
/// A [`NodeError`] of the store or `take`.
pub fn keyring_of(store: &Store, take: &mut TakeFile<'_>) -> Result<(), NodeError> {
    store.copy_keyring(|name, bytes| take(&format!("keyring/{name}"), bytes)).map_err(given_up)
}

/// The keys of the running node, which the keyring is of no use without: handed over as files, never over a wire.
///
/// # Errors
/// A [`NodeError`] of the home or `take`.
pub fn keys_of(home: &Home, take: &mut TakeFile<'_>) -> Result<(), NodeError> {
    for name in names(&home.path("keys"))? {
        take_small(&home.path("keys").join(&name), &format!("keys/{name}"), take)?;
    }
    Ok(())
}

/// What a restore made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the backup said of itself.
    pub manifest: BackupManifest,
    /// Whether the home has a sign-lock, which was there.
    pub has_lock: bool,
}

/// Makes a home of a backup and of a keyring with its keys: a new one, or the database of one that has none any more,
/// whose keys, keyring and sign-lock stay. All of it or nothing.
///
/// # Errors
/// [`NodeError::Restore`] if this is no backup, of another agency, or the home has a database; [`NodeError::Place`],
/// [`NodeError::NotEmpty`]; [`NodeError::Store`] if the copy was changed, or the keyring does not open it.
pub fn restore(from: &Path, keyring: &Path, folder: &Path) -> Result<Restored, NodeError> {
    restore_unless(from, keyring, folder, &|| false)
}

/// The same, unless the asker wants it no more before it is in its place.
///
/// # Errors
/// As [`restore`]; [`NodeError::Interrupted`], and nothing is left of it then.
pub fn restore_unless(
    from: &Path,
    keyring: &Path,
    folder: &Path,
    is_ended: &dyn Fn() -> bool,
) -> Result<Restored, NodeError> {
    let text = read_small(&from.join(MANIFEST))?
        .ok_or_else(|| refused("it has no backup.json; name the folder that `comity backup --out` wrote"))?;
    let manifest: BackupManifest =
        serde_json::from_slice(&text).map_err(|_| refused("its backup.json does not read"))?;
    if manifest.format != FORMAT {
        return Err(refused("it is of another version"));
    }
    if !keyring.join("keys/kek.key").is_file() || !keyring.join("keyring").is_dir() {
        return Err(refused(
            "the folder given as keyring has no keys and keyring in it; name the one that `comity backup --keyring-out` \
             wrote",
        ));
    }
    if folder.join("comity.toml").is_file() {
        return restore_into(from, keyring, &Home::find(folder)?, manifest, is_ended);
    }
    let place = place_of_new_folder(folder)?;
    let building = building_place(&place);
    let made = restore_all(from, keyring, &building, &manifest, is_ended);
    let made = made.and_then(|()| move_into_place(&building, &place));
    if made.is_err() {
        // Best effort: the error that led here is the one to report.
        std::fs::remove_dir_all(&building).unwrap_or_default();
    }
    made.map(|()| Restored { manifest, has_lock: false })
}

/// A home from the beginning, without a sign-lock.
fn restore_all(
    from: &Path,
    keyring: &Path,
    building: &Path,
    manifest: &BackupManifest,
    is_ended: &dyn Fn() -> bool,
) -> Result<(), NodeError> {
    for name in FOLDERS {
        make_folder(&building.join(name))?;
    }
    copy_secrets(&keyring.join("keys"), &building.join("keys"))?;
    for name in ["comity.toml", "identity.note", "identity-next.note", "origin", "policy"] {
        if let Some(bytes) = read_small(&from.join(name))? {
            write(&building.join(name), &bytes)?;
        }
    }
    for peer in names(&from.join("peers"))? {
        let folder = building.join("peers").join(&peer);
        make_folder(&folder)?;
        for name in names(&from.join("peers").join(&peer))? {
            let bytes = read_small(&from.join("peers").join(&peer).join(&name))?;
            write(&folder.join(&name), &bytes.unwrap_or_default())?;
        }
        sync_folder(&folder)?;
    }
    copy_secrets(&keyring.join("keyring"), &building.join("keyring"))?;
    let home = Home::find(building)?;
    restore_store(from, &home, &building.join("store"), manifest, is_ended)?;
    FOLDERS.iter().try_for_each(|name| sync_folder(&building.join(name)))
}

/// The database of a home that lost it.
fn restore_into(
    from: &Path,
    keyring: &Path,
    home: &Home,
    manifest: BackupManifest,
    is_ended: &dyn Fn() -> bool,
) -> Result<Restored, NodeError> {
    let store = home.path("store");
    if names(&store)?.iter().any(|name| name == "db") {
        return Err(refused("the home has a database; move its folder `store` away first"));
    }
    // Of two keyrings the one that was in use is the newer.
    if !home.path("keyring").join("root").is_file() {
        std::fs::remove_dir(home.path("keyring")).unwrap_or_default();
        copy_secrets(&keyring.join("keyring"), &home.path("keyring"))?;
    }
    let building = home.path("store.restored");
    if building.exists() {
        std::fs::remove_dir_all(&building).map_err(failed("remove", &building))?;
    }
    let made = restore_store(from, home, &building, &manifest, is_ended);
    if let Err(error) = made {
        std::fs::remove_dir_all(&building).unwrap_or_default();
        return Err(error);
    }
    std::fs::remove_dir_all(&store).unwrap_or_default();
    std::fs::rename(&building, &store).map_err(failed("make", &store))?;
    sync_folder(&home.path(""))?;
    let has_lock = names(&home.path("lock"))?.iter().any(|name| name.starts_with("author-"));
    Ok(Restored { manifest, has_lock })
}

/// Makes the database, and compares all of it with what was signed and with the keyring.
fn restore_store(
    from: &Path,
    home: &Home,
    folder: &Path,
    manifest: &BackupManifest,
    is_ended: &dyn Fn() -> bool,
) -> Result<(), NodeError> {
    let go_on = || if is_ended() { Err(NodeError::Interrupted) } else { Ok(()) };
    if home.config().agency.to_string() != manifest.agency {
        return Err(refused("it is of another agency than the home"));
    }
    make_folder(folder)?;
    let mut paths = home.store_paths();
    folder.clone_into(&mut paths.database);
    let kek = keys::load_kek(&home.path("keys/kek.key"))?;
    let rows = from.join(ROWS);
    let rows = BufReader::new(File::open(&rows).map_err(failed("open", &rows))?);
    let store = Store::restore(&paths, kek, &mut Ending { rows, is_ended });
    // What ended the reading is no damage.
    go_on()?;
    let store = store?;
    for (origin, _) in store.logs()? {
        check(&store, &origin)?;
        go_on()?;
    }
    drop(store);
    sync_folder(folder)?;
    go_on()
}

/// The rows of a backup, which end in an error as soon as nobody wants them any more.
struct Ending<'a, R> {
    rows: R,
    is_ended: &'a dyn Fn() -> bool,
}

impl<R: Read> Read for Ending<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if (self.is_ended)() { Err(std::io::ErrorKind::BrokenPipe.into()) } else { self.rows.read(buffer) }
    }
}

/// Hashes every entry of a log again and opens every section.
pub(crate) fn check(store: &Store, origin: &Origin) -> Result<(), NodeError> {
    let held = store.held(origin)?;
    let edge = store.scrub(origin, &[held.size])?.edges.pop();
    if edge.is_none_or(|edge| Head::from(&edge) != held) {
        return Err(NodeError::Contradiction { origin: origin.to_string(), size: held.size.value() });
    }
    Ok(store.check_sections(origin)?)
}

fn copy_secrets(from: &Path, to: &Path) -> Result<(), NodeError> {
    make_folder(to)?;
    for name in names(from)? {
        let path = from.join(&name);
        let bytes = std::fs::read(&path).map(zeroize::Zeroizing::new).map_err(failed("read", &path))?;
        keys::create_secret(&to.join(&name), &bytes)?;
    }
    sync_folder(to)
}

/// The names in a folder, ascending; none if it is missing. Names that are no text are none of ours.
fn names(folder: &Path) -> Result<Vec<String>, NodeError> {
    let listed = match std::fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("look into", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in listed {
        let entry = entry.map_err(failed("look into", folder))?;
        names.extend(entry.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

fn take_small(path: &Path, name: &str, take: &mut TakeFile<'_>) -> Result<(), NodeError> {
    match read_small(path)? {
        Some(bytes) if !bytes.is_empty() => take(name, &bytes),
        Some(_) | None => Ok(()),
    }
}

/// A small file; `None` if it is missing.
fn read_small(path: &Path) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, NodeError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("open", path)(error)),
    };
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    file.take(SMALL_BYTES_MAX).read_to_end(&mut bytes).map_err(failed("read", path))?;
    Ok(Some(bytes))
}

fn given_up(error: ReadError<NodeError>) -> NodeError {
    match error {
        ReadError::Store(source) => source.into(),
        ReadError::Taker(error) => error,
    }
}

fn refused(reason: &'static str) -> NodeError {
    NodeError::Restore { reason }
}

fn failed(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> NodeError {
    let path: PathBuf = path.to_owned();
    move |source| NodeError::File { action, path: path.clone(), source }
}
