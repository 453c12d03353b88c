//! Mistakes that are planted, to show that a simulation can fail; each must break the claim that it is said to break.
//!
//! Those of the product itself are planted elsewhere, and can be had here too (`.ci/planted`, COMITY_PLANTED).

use std::fs;
use std::path::Path;
use std::time::Duration;

use comity_tlog::{KeyKind, KeyName, SigningKey};
use turmoil::Sim;

use crate::agency::AGENCIES;
use crate::faults::Faults;
use crate::stage::Stage;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    /// C crashes and comes back without all that it has shown.
    PutBackAFollower,
    /// A crashes and comes back, lock and all, as it was before it signed anything.
    PutBackAnAuthor,
    /// B is cut off for ever.
    NeverMended,
    /// A's log is to be witnessed by somebody who is not there.
    NobodysWitness,
    /// Chance comes from the system, so that no run is like another.
    OtherChance,
}

const ALL: [(&str, Plant); 5] = [
    ("put-back-a-follower", Plant::PutBackAFollower),
    ("put-back-an-author", Plant::PutBackAnAuthor),
    ("never-mended", Plant::NeverMended),
    ("nobodys-witness", Plant::NobodysWitness),
    ("other-chance", Plant::OtherChance),
];

/// When it comes: by then something was shown.
const AT: Duration = Duration::from_secs(25);

impl Plant {
    pub(crate) fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|(known, _)| *known == name).map(|(_, plant)| *plant)
    }

    pub(crate) fn names() -> String {
        ALL.map(|(name, _)| name).join("|")
    }

    pub(crate) fn at(self) -> Duration {
        AT
    }

    /// Before anything runs: the homes as they are to be put back.
    pub(crate) fn prepare(self, folder: &Path) {
        for agency in &AGENCIES {
            copy(&agency.home(folder), &before(folder, agency.host));
        }
        if self == Self::NobodysWitness {
            let name = KeyName::new("nobody.example/witness").unwrap();
            let nobody = SigningKey::from_seed(name, KeyKind::CosignatureV1, &[7; 32]).unwrap();
            let policy = format!("witness nobody {}\nquorum nobody\n", nobody.verifier());
            fs::write(AGENCIES[0].home(folder).join("policy"), policy).unwrap();
        }
    }

    /// It comes.
    pub(crate) fn begin(self, sim: &mut Sim<'_>, faults: &mut Faults, stage: &Stage) {
        match self {
            Self::PutBackAFollower => put_back(sim, faults, stage, "host-c"),
            Self::PutBackAnAuthor => put_back(sim, faults, stage, "host-a"),
            Self::NeverMended => sim.partition("host-b", "host-c"),
            Self::NobodysWitness | Self::OtherChance => {}
        }
    }
}

fn put_back(sim: &mut Sim<'_>, faults: &mut Faults, stage: &Stage, host: &'static str) {
    faults.crash(sim, stage, host);
    let folder = &stage.folder;
    fs::remove_dir_all(folder.join(host)).unwrap();
    copy(&before(folder, host), &folder.join(host));
}

fn before(folder: &Path, host: &str) -> std::path::PathBuf {
    folder.join(format!("before-{host}"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}
