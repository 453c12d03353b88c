//! A disk as a power cut finds it: what was synced, and any part of what was not.
//!
//! The journal of a program is applied to it change by change. A synced file keeps its bytes, a synced folder its names;
//! nothing else is promised: a write may be there, missing, or torn between sectors, whatever came before or after it.
//! Not here: which programs are cut (`power`).

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// The bytes that a disk writes whole.
const SECTOR: usize = 512;

/// One record of the journal.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    kind: u8,
    path: String,
    pub(crate) data: Vec<u8>,
    place: usize,
    /// Bytes of the journal up to its end.
    pub(crate) end: u64,
}

impl Event {
    /// Whether a file or folder was synced.
    pub(crate) fn is_sync_of(&self, path: &str) -> bool {
        self.kind == b's' && self.path == path
    }

    /// Whether the program said something.
    pub(crate) fn is_said(&self) -> bool {
        self.kind == b'a'
    }
}

/// Reads a journal (its form: `shim/faults.c`).
pub(crate) fn events(journal: &Path) -> Vec<Event> {
    let bytes = std::fs::read(journal).unwrap();
    let (mut events, mut at) = (Vec::new(), 0);
    let number =
        |at: usize| usize::try_from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap();
    while at < bytes.len() {
        let (path, data) = (number(at + 1), number(at + 5));
        let place = u64::from_le_bytes(bytes[at + 9..at + 17].try_into().unwrap());
        let (path_at, data_at) = (at + 17, at + 17 + path);
        let end = data_at + data;
        events.push(Event {
            kind: bytes[at],
            path: String::from_utf8(bytes[path_at..data_at].to_vec()).unwrap(),
            data: bytes[data_at..end].to_vec(),
            place: usize::try_from(place).unwrap(),
            end: u64::try_from(end).unwrap(),
        });
        at = end;
    }
    events
}

/// Which of the changes that no sync has confirmed are there after the cut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Left {
    /// None.
    Nothing,
    /// A beginning of them, in the order in which they were made.
    Beginning,
    /// Any of them, whole or torn; of the names in each folder a beginning.
    Any,
    /// All.
    Everything,
}

/// Numbers drawn from a seed.
pub(crate) struct Drawn(pub(crate) u64);

impl Drawn {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Resize(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>, part: std::ops::Range<usize>) {
        match self {
            Self::Write(place, data) => {
                let end = place + part.end;
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[place + part.start..end].copy_from_slice(&data[part]);
            }
            Self::Resize(size) => bytes.resize(*size, 0),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Write(_, data) => data.len(),
            Self::Resize(_) => 0,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct File {
    kept: Vec<u8>,
    /// With the number of the change, over all files.
    pending: Vec<(usize, Change)>,
}

/// A name that goes, a name that comes, or both at once.
#[derive(Clone, Debug)]
struct Naming {
    number: usize,
    goes: Option<String>,
    comes: Option<(String, usize)>,
}

impl Naming {
    fn folder(&self) -> &str {
        let name = self.comes.as_ref().map(|(name, _)| name).or(self.goes.as_ref()).unwrap();
        name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        if let Some(name) = &self.goes {
            names.remove(name);
        }
        if let Some((name, file)) = &self.comes {
            names.insert(name.clone(), *file);
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    folders: BTreeSet<String>,
    names: BTreeMap<String, usize>,
    kept_names: BTreeMap<String, usize>,
    pending_names: Vec<Naming>,
    changes: usize,
}

impl Disk {
    /// A folder as it lies there, all of it durable.
    pub(crate) fn of(folder: &Path) -> Self {
        let mut disk = Self::default();
        disk.load(folder, "");
        disk.kept_names.clone_from(&disk.names);
        disk
    }

    fn load(&mut self, folder: &Path, under: &str) {
        self.folders.insert(under.to_owned());
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let name = if under.is_empty() { name.to_owned() } else { format!("{under}/{name}") };
            if path.is_dir() {
                self.load(&path, &name);
            } else {
                self.names.insert(name, self.files.len());
                self.files.push(File { kept: std::fs::read(&path).unwrap(), pending: Vec::new() });
            }
        }
    }

    /// The files that there are.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// Makes one change.
    pub(crate) fn apply(&mut self, event: &Event) {
        self.changes += 1;
        let Event { kind, path, data, place, .. } = event;
        match kind {
            b'c' => {
                self.files.push(File::default());
                let file = self.files.len() - 1;
                self.name(None, Some((path.clone(), file)));
            }
            b'w' => self.change(path, Change::Write(*place, data.clone())),
            b't' => self.change(path, Change::Resize(*place)),
            b'r' => {
                let to = String::from_utf8(data.clone()).unwrap();
                let file = self.names[path];
                self.name(Some(path.clone()), Some((to, file)));
            }
            b'u' => self.name(Some(path.clone()), None),
            b'm' => {
                self.folders.insert(path.clone());
            }
            b's' => self.sync(path),
            _ => {}
        }
    }

    fn name(&mut self, goes: Option<String>, comes: Option<(String, usize)>) {
        let naming = Naming { number: self.changes, goes, comes };
        naming.apply(&mut self.names);
        self.pending_names.push(naming);
    }

    fn change(&mut self, path: &str, change: Change) {
        // A file that was removed while it was open is nobody's any more.
        if let Some(file) = self.names.get(path) {
            self.files[*file].pending.push((self.changes, change));
        }
    }

    fn sync(&mut self, path: &str) {
        if self.folders.contains(path) {
            let (synced, rest) = std::mem::take(&mut self.pending_names)
                .into_iter()
                .partition::<Vec<_>, _>(|naming| naming.folder() == path);
            for naming in synced {
                naming.apply(&mut self.kept_names);
            }
            self.pending_names = rest;
        } else if let Some(file) = self.names.get(path) {
            let File { kept, pending } = &mut self.files[*file];
            for (_, change) in pending.drain(..) {
                change.apply(kept, 0..change.len());
            }
        }
    }

    /// Writes down what is there after a cut at this moment.
    pub(crate) fn cut(&self, left: Left, drawn: &mut Drawn, folder: &Path) {
        let first = self.files.iter().flat_map(|file| &file.pending).map(|(number, _)| *number);
        let first = first.chain(self.pending_names.iter().map(|naming| naming.number)).min();
        let until = match left {
            Left::Nothing => 0,
            Left::Beginning => first.map_or(0, |first| first + drawn.below(self.changes + 1 - first)),
            Left::Any | Left::Everything => self.changes,
        };
        let mut names = self.kept_names.clone();
        let mut stopped: BTreeSet<&str> = BTreeSet::new();
        for naming in &self.pending_names {
            if matches!(left, Left::Any) && drawn.below(3) == 0 {
                stopped.insert(naming.folder());
            }
            if naming.number <= until && !stopped.contains(naming.folder()) {
                naming.apply(&mut names);
            }
        }
        for name in &self.folders {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        for (name, file) in names {
            let File { kept, pending } = &self.files[file];
            let mut bytes = kept.clone();
            for (_, change) in pending.iter().filter(|(number, _)| *number <= until) {
                let sectors = change.len().div_ceil(SECTOR);
                let part = match (left, drawn.below(4)) {
                    (Left::Any, 0 | 1) => continue,
                    (Left::Any, 2) => 0..change.len().min(SECTOR * drawn.below(sectors + 1)),
                    _ => 0..change.len(),
                };
                change.apply(&mut bytes, part);
            }
            let mut open = std::fs::File::options();
            let file = open.write(true).create(true).truncate(true).mode(0o600).open(folder.join(name));
            std::io::Write::write_all(&mut file.unwrap(), &bytes).unwrap();
        }
    }
}
