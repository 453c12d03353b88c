//! The commit path on a real disk: what is acknowledged stays, and no size is ever signed twice.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap is a failed test")]

use std::path::{Path, PathBuf};

use comity_ledger::{AuthorTime, Draft, Head, Kind, Role, Slot};
use comity_node::{Home, NewHome, NodeError, OwnLogState, ReadOnlyReason, SystemEntropy};
use comity_store::{SignLock, StoreError};
use comity_tlog::{SignedCheckpoint, TreeSize};

const NOW: AuthorTime = AuthorTime::from_unix_secs(1_780_000_000);

fn make(folder: &Path) -> Home {
    let new = NewHome {
        folder: folder.to_owned(),
        agency: "agency-a.example".parse().unwrap(),
        name: "Agency A".to_owned(),
        listen: "127.0.0.1:7443".to_owned(),
        admin: "127.0.0.1:7444".to_owned(),
    };
    new.create(NOW, &mut SystemEntropy::new()).unwrap();
    Home::find(folder).unwrap()
}

fn record(text: &str) -> Draft {
    Draft::new(Kind::Record, None)
        .with_section(Slot::HANDLING, b"handling".to_vec())
        .with_section(Slot::CORE, text.as_bytes().to_vec())
}

fn append(home: &Home, count: usize) -> Head {
    let mut open = home.open().unwrap();
    let drafts = (0..count).map(|i| record(&format!("record {i}"))).collect();
    open.writable().unwrap().append(drafts, NOW, &mut SystemEntropy::new()).unwrap().head()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn replace(folder: &Path, saved: &Path, name: &str) {
    std::fs::remove_dir_all(folder.join(name)).unwrap();
    copy(&saved.join(name), &folder.join(name));
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("a");
    (dir, folder)
}

#[test]
fn what_is_acknowledged_is_there_after_every_reopening() {
    let (_dir, folder) = place();
    let home = make(&folder);
    let mut size = 1;
    // Around the ends of chunks, pages and tiles.
    for count in [1, 13, 1, 1, 110, 2, 126, 1, 1, 256, 700] {
        let head = append(&home, count);
        size += u64::try_from(count).unwrap();
        assert_eq!(head.size.value(), size);
        let open = home.open().unwrap();
        let OwnLogState::Writable(log) = open.own_log() else { unreachable!("{:?}", open.own_log()) };
        assert_eq!(log.head(), head);
    }
    let open = home.open().unwrap();
    let origin = home.origin();
    let mut texts = 0;
    let whole = TreeSize::ZERO..TreeSize::new(size).unwrap();
    open.store()
        .each_opening(&origin, whole, &[Slot::HANDLING, Slot::CORE, Slot::SIGHTINGS], |index, openings| {
            let entries = open.store().entries(&origin, index.size_before(), index.size_through()).unwrap();
            let entry = comity_ledger::Entry::parse(&entries[0]).unwrap();
            if index.value() == 0 {
                assert!(openings.iter().all(Option::is_none), "genesis has no sections");
                return Ok::<(), NodeError>(());
            }
            for (slot, opening) in [Slot::HANDLING, Slot::CORE, Slot::SIGHTINGS].into_iter().zip(openings) {
                let verified = opening.take().unwrap().verify(&origin, &entry, slot).unwrap();
                texts += usize::from(verified.section().starts_with(b"record "));
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(u64::try_from(texts).unwrap(), size - 1);
}

#[test]
fn a_second_process_on_one_home_is_refused() {
    let (_dir, folder) = place();
    let home = make(&folder);
    let _held = home.open().unwrap();
    assert!(matches!(home.open(), Err(NodeError::Store(StoreError::InUse { .. }))));
}

#[test]
fn a_home_is_made_whole_or_not_at_all() {
    let (dir, folder) = place();
    make(&folder);
    let again = NewHome {
        folder: folder.clone(),
        agency: "agency-b.example".parse().unwrap(),
        name: String::new(),
        listen: "127.0.0.1:1".to_owned(),
        admin: "127.0.0.1:2".to_owned(),
    };
    let refused = again.create(NOW, &mut SystemEntropy::new());
    assert!(matches!(refused, Err(NodeError::NotEmpty { .. })));
    let bad = NewHome { folder: dir.path().join("b"), listen: "nowhere".to_owned(), ..again };
    assert!(matches!(bad.create(NOW, &mut SystemEntropy::new()), Err(NodeError::Config { .. })));
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["a"], "nothing half made is left behind");
}

#[test]
fn a_restored_backup_never_signs_again() {
    let (dir, folder) = place();
    let home = make(&folder);
    let before = append(&home, 5);
    let saved = dir.path().join("backup");
    copy(&folder, &saved);
    let newest = append(&home, 3);
    // The backup holds the database and the keyring; the sign-lock is in no backup.
    replace(&folder, &saved, "store");
    replace(&folder, &saved, "keyring");
    let mut open = home.open().unwrap();
    let held = before.size;
    let expected = ReadOnlyReason::StoreBehindLock { held, locked: newest.size };
    assert!(matches!(open.own_log(), OwnLogState::ReadOnly { reason } if *reason == expected));
    assert!(matches!(open.writable(), Err(NodeError::ReadOnly { .. })));
}

#[test]
fn a_replaced_or_missing_lock_never_signs_again() {
    let (dir, folder) = place();
    let home = make(&folder);
    append(&home, 5);
    let saved = dir.path().join("old");
    copy(&folder, &saved);
    append(&home, 3);
    replace(&folder, &saved, "lock");
    let open = home.open().unwrap();
    assert!(matches!(open.own_log(), OwnLogState::ReadOnly { reason: ReadOnlyReason::LockBehindStore }));
    drop(open);
    std::fs::remove_dir_all(folder.join("lock")).unwrap();
    std::fs::create_dir(folder.join("lock")).unwrap();
    let open = home.open().unwrap();
    assert!(matches!(open.own_log(), OwnLogState::ReadOnly { reason: ReadOnlyReason::LockBehindStore }));
}

/// Every station of a commit is left behind by a crash in turn: keys only, entries without a lock, a lock
/// without a note. What each leaves is made by putting folders of before and after together.
#[test]
fn a_crash_at_any_station_ends_in_one_signed_tree() {
    let (dir, folder) = place();
    let home = make(&folder);
    let before = append(&home, 20);
    let old = dir.path().join("old");
    copy(&folder, &old);
    // Kept but neither locked nor signed: a batch whose note was never made.
    let mut open = home.open().unwrap();
    let staged_head = {
        let store = std::sync::Arc::clone(open.store());
        let OwnLogState::Writable(_) = open.own_log() else { unreachable!() };
        let log = open.writable().unwrap();
        let head = log.append(vec![record("one more")], NOW, &mut SystemEntropy::new()).unwrap().head();
        drop(store);
        head
    };
    drop(open);
    let new = dir.path().join("new");
    copy(&folder, &new);
    let signed_note = newest_note(&home);

    // Keys durable, nothing else: the batch never was.
    replace(&folder, &old, "store");
    replace(&folder, &old, "lock");
    replace(&folder, &new, "keyring");
    assert_eq!(head_of(&home), before);

    // Kept and locked, and the note too: as after a crash before the acknowledgement.
    for part in ["store", "lock", "keyring"] {
        replace(&folder, &new, part);
    }
    assert_eq!(head_of(&home), staged_head);
    assert_eq!(newest_note(&home), signed_note);
    let lock = SignLock::open(&folder.join("lock")).unwrap();
    assert_eq!(lock.head(Role::Author, &home.origin(), staged_head).unwrap(), Some(staged_head));
}

/// Goal: no tree is locked, and so none signed, before its entries are durable. Way: the folder of the keyring goes away,
/// so that a batch cannot be kept, and comes back.
#[test]
fn a_batch_that_cannot_be_kept_is_neither_locked_nor_signed() {
    let (dir, folder) = place();
    let home = make(&folder);
    let before = append(&home, 20);
    let mut open = home.open().unwrap();
    let away = dir.path().join("keyring");
    std::fs::rename(folder.join("keyring"), &away).unwrap();
    let log = open.writable().unwrap();
    let failed = log.append(vec![record("one more")], NOW, &mut SystemEntropy::new());
    assert!(failed.is_err(), "it was kept without a key");
    drop(open);
    let lock = SignLock::open(&folder.join("lock")).unwrap();
    let locked = lock.head(Role::Author, &home.origin(), before).unwrap();
    assert_eq!(locked, Some(before), "a tree was locked that is nowhere");
    drop(lock);
    std::fs::rename(&away, folder.join("keyring")).unwrap();
    assert_eq!(head_of(&home), before);
    assert_eq!(append(&home, 1).size, before.size.next().unwrap());
}

fn newest_note(home: &Home) -> Vec<u8> {
    home.open().unwrap().store().newest_note(&home.origin()).unwrap().unwrap()
}

fn head_of(home: &Home) -> Head {
    let note = newest_note(home);
    let checkpoint = SignedCheckpoint::parse(&note).unwrap();
    Head { size: checkpoint.checkpoint().size(), root: checkpoint.checkpoint().root() }
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, folder) = place();
    let home = make(&folder);
    for key in ["keys/log.key", "keys/kek.key"] {
        let path = folder.join(key);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(home.open(), Err(NodeError::OpenKey { .. })), "{key}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    home.open().unwrap();
}

#[test]
fn what_the_log_says_is_erased_is_destroyed_at_the_next_start_if_a_stop_came_between() {
    let (_dir, folder) = place();
    let home = make(&folder);
    append(&home, 3);
    let second = comity_tlog::EntryIndex::new(2).unwrap();
    // As a node does that is stopped between the signature and the destroying.
    let mut open = home.open().unwrap();
    let announced = vec![comity_ledger::erasure(second)];
    open.writable().unwrap().append(announced, NOW, &mut SystemEntropy::new()).unwrap();
    assert!(!open.store().is_erased(&home.origin(), second).unwrap());
    drop(open);
    let open = home.open().unwrap();
    let held = |index: u64| {
        let index = comity_tlog::EntryIndex::new(index).unwrap();
        let mut any = false;
        let range = index.size_before()..index.size_through();
        let read = open.store().each_opening(&home.origin(), range, &[Slot::CORE], |_, openings| {
            any = openings[0].is_some();
            Ok::<(), NodeError>(())
        });
        read.unwrap();
        any
    };
    assert!(open.store().is_erased(&home.origin(), second).unwrap());
    assert_eq!([1, 2, 3].map(held), [true, false, true]);
    let OwnLogState::Writable(log) = open.own_log() else { unreachable!("{:?}", open.own_log()) };
    assert_eq!(log.head().size.value(), 5);
}

/// Announces erasures as a node does that is stopped between the signature and the destroying.
fn announce(home: &Home, drafts: Vec<Draft>) {
    let mut open = home.open().unwrap();
    open.writable().unwrap().append(drafts, NOW, &mut SystemEntropy::new()).unwrap();
}

/// Goal: nothing is destroyed by an entry that does not say so in the one form that there is. Way: bodies of one byte more,
/// of another form, and the same map otherwise written.
#[test]
fn an_erase_entry_of_another_form_destroys_nothing() {
    let (_dir, folder) = place();
    let home = make(&folder);
    append(&home, 3);
    let of = comity_tlog::EntryIndex::new(2).unwrap();
    let other = |body: &[u8]| Draft::new(Kind::Erase, Some(of)).with_public_body(body.to_vec());
    announce(&home, [&[0xa1, 0, 1, 0][..], &[0xa1, 0, 2], &[0xa1, 0x18, 0, 1]].map(other).into());
    let open = home.open().unwrap();
    assert!(!open.store().is_erased(&home.origin(), of).unwrap() && open.waiting_erasures().is_empty());
    drop(open);
    announce(&home, vec![other(&[0xa1, 0, 1])]);
    assert!(home.open().unwrap().store().is_erased(&home.origin(), of).unwrap());
}

/// Goal: sealed bytes whose keys are gone do not stay for ever where a stop came before they were removed. Way: the database
/// from before the destroying beside the keyring from after, as that stop leaves it.
#[test]
fn the_bytes_that_an_interrupted_erasure_left_go_at_the_next_start() {
    let (dir, folder) = place();
    let home = make(&folder);
    append(&home, 40);
    let of = |index| comity_ledger::erasure(comity_tlog::EntryIndex::new(index).unwrap());
    announce(&home, [2, 3, 30].map(of).into());
    copy(&folder.join("store"), &dir.path().join("store"));
    let bytes = || {
        let (open, mut count) = (home.open().unwrap(), 0);
        let copied = open.store().copy_rows(&mut |bytes| {
            count += bytes.len();
            Ok::<(), NodeError>(())
        });
        assert!(copied.is_ok());
        count
    };
    let removed = bytes();
    replace(&folder, dir.path(), "store");
    assert_eq!(bytes(), removed, "they are there still");
    assert_eq!(bytes(), removed);
}

/// Goal: a change that does not follow the newest one is kept and told, and changes nothing. Way: a program that asks
/// nobody appends two amendments of one version, and the second is looked for in the answer.
#[test]
fn a_change_out_of_order_is_kept_and_shown_for_review_and_never_applied() {
    use comity_node::{listed, submission};
    use comity_tlog::EntryIndex;
    use comity_watchlist::{
        Change, EntryRef, Handle, ListId, Name, NameKind, Op, Record, RecordKey, Reference,
    };
    use comity_watchlist::{SubjectKind, Text};
    use comity_wire::v1::RecordState;
    use comity_wire::{DraftChange, HandlingChoice};

    let (_dir, folder) = place();
    let home = make(&folder);
    let list = ListId::parse("xa-national").unwrap();
    let record = |name: &str| {
        let key = RecordKey::new(list.clone(), Reference::parse("XA-1").unwrap());
        let mut record = Record::new(key, SubjectKind::Person);
        record.names = vec![Name::new(NameKind::Primary, Text::new(name).unwrap())];
        Box::new(record)
    };
    let append = |about: Option<u64>, op: Op| {
        let sections = Change { handle: Handle::new([1; 16]), op }.encode().unwrap();
        let change = DraftChange::new(about.map(|at| EntryIndex::new(at).unwrap()), sections).unwrap();
        let mut open = home.open().unwrap();
        let view = open.view().unwrap();
        let made = submission(home.config(), HandlingChoice::OwnDesignation, &[change]).unwrap();
        open.append(made, &view).unwrap();
    };
    let found = || {
        let open = home.open().unwrap();
        listed(open.store(), &open.view().unwrap(), &home.origin(), &list).unwrap().remove(0)
    };
    append(None, Op::List { record: record("Rupert Mirage") });
    let first = found();
    assert_eq!((first.state, first.version), (RecordState::Unapproved, 1));
    let amend = |name: &str, prev: EntryRef| Op::Amend { prev, paths: Vec::new(), record: record(name) };
    append(Some(1), amend("Rupert the First", first.leaf));
    append(Some(1), amend("Rupert the Rival", first.leaf));
    let after = found();
    assert_eq!((after.state, after.version, after.newest.value()), (RecordState::Unspecified, 2, 2));
    let said = Change::decode(&(&after.sections).into()).unwrap().change;
    assert_eq!(said.op.record().unwrap().names[0].full.as_str(), "Rupert the First");
    let open = home.open().unwrap();
    let view = open.view().unwrap();
    let log = home.origin().as_str().parse().unwrap();
    let conflicts: Vec<u64> = view.conflicts(&log).map(|(_, index, _)| index.value()).collect();
    assert_eq!(conflicts, [3], "it is kept");
}
