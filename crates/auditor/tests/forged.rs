//! Bundles that their own agency signed, and that still must not pass: what hashes and signatures do not forbid.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap is a failed test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use comity_auditor::{Report, TrustedKeys, verify};
use comity_ledger::{
    AuthorTime, BUNDLE_FORMAT, Card, CardIdentity, Disclosed, DisclosedSection, Draft, Entry, Genesis, Kind,
    Manifest, ManifestLog, Origin, openings_path,
};
use comity_node::SystemEntropy;
use comity_tlog::{
    Checkpoint, EntryBundle, EntryIndex, Hash, KeyKind, KeyName, RightEdge, SigningKey, TreeSize,
    bundles_between, tiles_between,
};

const ORIGIN: &str = "agency-a.example/pub";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), KeyKind::Ed25519, &[seed; 32]).unwrap()
}

fn genesis() -> Draft {
    let (root, log) = (key(1), key(2));
    Genesis::new("agency-a.example".parse().unwrap(), root.verifier(), log.verifier()).unwrap().draft()
}

fn at(index: u64) -> EntryIndex {
    EntryIndex::new(index).unwrap()
}

fn erase(index: u64) -> Draft {
    Draft::new(Kind::Erase, Some(at(index))).with_public_body(vec![1])
}

/// An agency that writes into its bundle what it likes, with its true key.
struct Forger {
    dir: tempfile::TempDir,
    entries: Vec<Vec<u8>>,
}

impl Forger {
    /// At most 255 entries.
    fn new(drafts: Vec<Draft>) -> Self {
        let origin: Origin = ORIGIN.parse().unwrap();
        let seal = |draft: Draft| {
            let now = AuthorTime::from_unix_secs(1_780_000_000);
            draft.seal(&origin, now, &mut SystemEntropy::new()).unwrap().bytes().as_bytes().to_vec()
        };
        Self { dir: tempfile::tempdir().unwrap(), entries: drafts.into_iter().map(seal).collect() }
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("bundle")
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.folder().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn size(&self) -> TreeSize {
        TreeSize::new(u64::try_from(self.entries.len()).unwrap()).unwrap()
    }

    fn note(size: TreeSize, root: Hash) -> Vec<u8> {
        Checkpoint::new(ORIGIN, size, root).unwrap().sign(&key(2)).unwrap().as_bytes().to_vec()
    }

    /// Writes the bundle; every section of an entry is given as `disclosed` says.
    fn bundle(&self, disclosed: impl Fn(u64) -> Disclosed) {
        let mut leaves = Vec::new();
        for entry in &self.entries {
            leaves.extend_from_slice(Hash::leaf(entry).as_bytes());
        }
        let size = self.size();
        for tile in tiles_between(TreeSize::ZERO, size).filter(|tile| tile.to_string().starts_with("tile/0"))
        {
            self.write(&format!("logs/000/{tile}"), &leaves);
        }
        for bundle in bundles_between(TreeSize::ZERO, size) {
            let whole = EntryBundle::from_entries(self.entries.iter().map(Vec::as_slice).collect()).unwrap();
            self.write(&format!("logs/000/{bundle}"), &whole.to_bytes());
            let mut openings = Vec::new();
            for (entry, position) in self.entries.iter().zip(0..=u8::MAX) {
                for (slot, _) in Entry::parse(entry).unwrap().commitments() {
                    let disclosed = disclosed(u64::from(position));
                    DisclosedSection { position, slot: *slot, disclosed }.write(&mut openings);
                }
            }
            self.write(&format!("logs/000/{}", openings_path(&bundle)), &openings);
        }
        self.write("logs/000/VKEYS", format!("{}\n", key(2).verifier()).as_bytes());
        self.write("logs/000/checkpoint", &Self::note(size, self.root()));
        self.contents(ORIGIN, &self.root().to_base64());
    }

    fn contents(&self, origin: &str, root: &str) {
        self.contents_of("agency-a.example", origin, root);
    }

    fn contents_of(&self, agency: &str, origin: &str, root: &str) {
        let log = ManifestLog {
            origin: origin.to_owned(),
            folder: "logs/000".to_owned(),
            size: self.size().value(),
            root: root.to_owned(),
        };
        let manifest = Manifest {
            format: BUNDLE_FORMAT.to_owned(),
            agency: agency.to_owned(),
            made_at: 1_780_000_000,
            logs: vec![log],
        };
        self.write("bundle.json", &serde_json::to_vec(&manifest).unwrap());
    }

    /// The root over all entries.
    fn root(&self) -> Hash {
        let mut edge = RightEdge::empty();
        for entry in &self.entries {
            edge.append(Hash::leaf(entry)).unwrap();
        }
        edge.root()
    }

    fn verify(&self) -> Report {
        let mut keys = TrustedKeys::none();
        keys.add_file(key(2).verifier().to_string().as_bytes()).unwrap();
        verify(&self.folder(), &keys)
    }
}

fn failed(report: &Report) -> Vec<(&'static str, Option<u64>)> {
    report.failures.iter().map(|failure| (failure.check, failure.index)).collect()
}

fn three() -> Forger {
    let record = |about| Draft::new(Kind::Record, about);
    Forger::new(vec![genesis(), record(None), record(None)])
}

#[test]
fn what_no_later_entry_announces_cannot_be_passed_off_as_erased() {
    let only = |erased: u64| move |at| if at == erased { Disclosed::Erased } else { Disclosed::Withheld };
    let silent = three();
    silent.bundle(only(1));
    let report = silent.verify();
    assert_eq!(failed(&report), [("opening", Some(1))], "{}", report.to_text());
    assert!(report.failures[0].path.ends_with("openings/000.p/3"), "{}", report.to_text());
    let other = Forger::new(vec![genesis(), Draft::new(Kind::Record, None), erase(0)]);
    other.bundle(only(1));
    assert_eq!(failed(&other.verify()), [("opening", Some(1))], "another entry's erasure");
    let amended =
        Forger::new(vec![genesis(), Draft::new(Kind::Record, None), Draft::new(Kind::Record, Some(at(1)))]);
    amended.bundle(only(1));
    assert_eq!(failed(&amended.verify()), [("opening", Some(1))], "a later entry of another kind");
    let announced = Forger::new(vec![genesis(), Draft::new(Kind::Record, None), erase(1)]);
    announced.bundle(only(1));
    let report = announced.verify();
    assert!(report.ok && report.checks.openings_erased == 8, "{}", report.to_text());
}

/// A card of the agency with its true log key, and a root key.
fn card(root: u8) -> Vec<u8> {
    let named = |name: &str, seed: u8, kind| {
        let name = KeyName::new(&format!("agency-a.example/{name}")).unwrap();
        SigningKey::from_seed(name, kind, &[seed; 32]).unwrap()
    };
    let plain = |name, seed| named(name, seed, KeyKind::Ed25519);
    let cosigning = |name, seed| named(name, seed, KeyKind::CosignatureV1).verifier().clone();
    let (root, log) = (plain("root", root), key(2));
    let identity = CardIdentity {
        agency: "agency-a.example".parse().unwrap(),
        root: root.verifier().clone(),
        log: log.verifier().clone(),
        witness: cosigning("witness", 3),
        mirror: cosigning("mirror", 4),
        statement: plain("statement", 5).verifier().clone(),
        roster_admins: [6, 7].map(|n| plain("roster-admin", n).verifier().clone()).to_vec(),
        ca: vec![0x30, 0],
    };
    let note = identity.sign(&root, &log).unwrap();
    Card::issue(&note, &["127.0.0.1:7443".to_owned()], &log).unwrap().as_bytes().to_vec()
}

#[test]
fn a_log_cannot_be_passed_off_under_the_card_of_another_root_key() {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    let with_card = |root| {
        let mut keys = TrustedKeys::none();
        keys.add_file(&card(root)).unwrap();
        verify(&forger.folder(), &keys)
    };
    let report = with_card(1);
    assert!(report.ok && report.trusted, "{}", report.to_text());
    let report = with_card(9);
    assert_eq!(failed(&report), [("entry", Some(0))], "{}", report.to_text());
    assert!(report.failures[0].detail.contains("root key"), "{}", report.to_text());
}

#[test]
fn a_bundle_cannot_name_an_agency_as_its_maker_of_which_it_has_no_log() {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    for maker in ["agency-b.example", "agency-a.exampl", ""] {
        forger.contents_of(maker, ORIGIN, &forger.root().to_base64());
        let report = forger.verify();
        assert_eq!(failed(&report), [("manifest", None)], "{}", report.to_text());
        assert!(report.failures[0].detail.contains(maker), "{}", report.to_text());
    }
    forger.contents(ORIGIN, &forger.root().to_base64());
    assert!(forger.verify().ok);
}

#[test]
fn what_is_withheld_cannot_be_passed_off_as_lost() {
    let forger = three();
    forger.bundle(|at| if at == 2 { Disclosed::Lost } else { Disclosed::Withheld });
    let report = forger.verify();
    assert_eq!(failed(&report), [("opening", Some(2)); 8], "{}", report.to_text());
    assert_eq!(report.checks.openings_lost, 8);
    forger.bundle(|_| Disclosed::Withheld);
    assert!(forger.verify().ok, "withheld is lawful, and counted");
}

#[test]
fn a_signed_log_without_entries_does_not_pass() {
    let forger = Forger::new(Vec::new());
    forger.bundle(|_| Disclosed::Withheld);
    assert_eq!(failed(&forger.verify()), [("entry", None)]);
}

#[test]
fn a_second_root_of_one_size_and_a_checkpoint_over_the_newest_do_not_pass() {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    forger.write("logs/000/checkpoints/3", &Forger::note(forger.size(), Hash::leaf(b"other")));
    let report = forger.verify();
    assert_eq!(failed(&report), [("root", None)], "{}", report.to_text());
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    forger.write("logs/000/checkpoints/9", &Forger::note(TreeSize::new(9).unwrap(), Hash::leaf(b"other")));
    let report = forger.verify();
    assert_eq!(failed(&report), [("root", None)], "{}", report.to_text());
    assert!(report.failures[0].path.ends_with("checkpoints/9") && report.checks.roots == 1);
}

#[test]
fn a_folder_of_checkpoints_that_cannot_be_listed_is_not_taken_for_none() {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    forger.write("logs/000/checkpoints", b"a file in its place");
    assert_eq!(failed(&forger.verify()), [("checkpoint", None)]);
}

#[test]
fn another_key_of_the_same_name_does_not_hide_the_right_one() {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    let mut keys = TrustedKeys::none();
    for seed in [7, 2, 8] {
        keys.add_file(key(seed).verifier().to_string().as_bytes()).unwrap();
    }
    let report = verify(&forger.folder(), &keys);
    assert!(report.ok && report.trusted, "{}", report.to_text());
    let mut wrong = TrustedKeys::none();
    wrong.add_file(key(7).verifier().to_string().as_bytes()).unwrap();
    assert_eq!(failed(&verify(&forger.folder(), &wrong)), [("signature", None)]);
}

#[test]
fn the_text_report_cannot_be_made_to_move_the_cursor() {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    forger.write("logs/000/checkpoints/\u{1b}[2Jok", b"");
    let hostile = forger.verify();
    forger.contents("agency\u{1b}[1A\u{202e}\nok", "");
    let unparsed = forger.verify();
    assert_eq!(unparsed.failures[0].origin, None, "what is no origin is not reported as one");
    for report in [hostile, unparsed] {
        let text = report.to_text();
        assert!(!report.ok && text.contains("\\u{1b}"), "{text:?}");
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()) && !text.contains('\u{202e}'), "{text:?}");
        let endings = text.lines().filter(|line| *line == "ok").count();
        assert_eq!(endings, 0, "{text:?}");
    }
}

/// Replaces a file or folder of a sound bundle, and wants the audit to end, and to fail.
fn replaced(path: &str, by: impl Fn(&Path, &Path)) -> Report {
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    assert!(forger.verify().ok);
    let (inside, outside) = (forger.folder().join(path), forger.dir.path().join("outside"));
    std::fs::rename(&inside, &outside).unwrap();
    by(&outside, &inside);
    forger.verify()
}

#[test]
fn no_link_leads_the_auditor_out_of_the_bundle() {
    let link = |outside: &Path, inside: &Path| std::os::unix::fs::symlink(outside, inside).unwrap();
    for path in ["bundle.json", "logs", "logs/000", "logs/000/checkpoint", "logs/000/openings/000.p"] {
        assert!(!replaced(path, link).ok, "{path}");
    }
    let forger = three();
    forger.bundle(|_| Disclosed::Withheld);
    std::os::unix::fs::symlink("/", forger.folder().join("logs/000/checkpoints")).unwrap();
    assert_eq!(failed(&forger.verify()), [("checkpoint", None)]);
}

#[test]
fn a_pipe_in_a_bundle_does_not_hold_the_auditor_up() {
    let pipe = |_: &Path, inside: &Path| {
        assert!(Command::new("mkfifo").arg(inside).status().unwrap().success());
    };
    for path in ["bundle.json", "logs/000/checkpoint", "logs/000/tile/entries/000.p/3"] {
        assert!(!replaced(path, pipe).ok, "{path}");
    }
}

#[test]
fn an_endless_file_of_keys_is_refused() {
    let refused = TrustedKeys::none().add_path(Path::new("/dev/zero")).unwrap_err();
    assert!(refused.to_string().contains("larger"), "{refused}");
}
