//! What can be typed, and nothing else: parsing without acting.

mod bench;
mod export;
mod import;
mod key;
mod lists;
mod record;
mod tls;
mod vocabulary;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::bench::{Bench, BenchName};
pub(crate) use self::export::{Export, OutFormatName};
pub(crate) use self::import::{Import, ImportHow, ImportSource};
pub(crate) use self::key::{Key, KeyCommand, RoleName};
pub(crate) use self::lists::UsList;
pub(crate) use self::record::{
    Acted, Confirm, Grounds, Joined, Key as RecordKey, Merged, Packaged, Parted, Record, RecordCommand,
    Written, day, ground,
};
pub(crate) use self::tls::{AuthorityCommand, CrlCommand, Tls, TlsCommand, WhatToRevoke};
pub(crate) use self::vocabulary::{EditionOf, Vocabulary, VocabularyCommand};

/// Watchlists shared between agencies: signed, verifiable, erasable.
#[derive(Debug, Parser)]
#[command(
    name = "comity",
    version,
    about = "Watchlists shared between agencies: signed, verifiable, erasable.",
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the home of an agency: keys, certificates, configuration, and a log with its first entry signed.
    Init(Init),
    /// Run the node of a home until it is told to stop (SIGTERM, SIGINT).
    Serve(Serve),
    /// Print the agency's card, to be handed to peers; its fingerprint goes to standard error.
    Card(CardOf),
    /// Enter what changed in a publication of an official list, signed; all of it or nothing.
    Import(Import),
    /// Write a designation of one's own, or change what is listed, one signed change at a time.
    Record(Record),
    /// The codes of control lists and customs tariffs: enter an edition, list and show what is held.
    Vocabulary(Vocabulary),
    /// Write what a log says of a list in a format that others read: STIX, FollowTheMoney, CSV, a MISP feed.
    Export(Export),
    /// Ask who is listed under a name or a number.
    Screen(Screen),
    /// Look at logs, or export one.
    Log(Log),
    /// Make an audit bundle, or verify one offline.
    #[command(args_conflicts_with_subcommands = true)]
    Bundle(Bundle),
    /// Write a backup of a home, while its node runs or not: the database, and the keyring apart.
    Backup(Backup),
    /// Make a home of a backup, or give one its database back.
    Restore(Restore),
    /// Add, list or remove peers.
    Peer(Peer),
    /// The keys that sign: list them, let one follow the other, end one.
    Key(Key),
    /// Certificates, authorities and revocation lists: renew, revoke, reload, replace.
    Tls(Tls),
    /// Say how the home stands.
    Status(Status),
    /// Tell the alarms of the running node: those that stand, then each that is raised or ends.
    Watch(Watch),
    /// Peer, import, sign, replicate, screen, tamper, audit, two faces, a healed home: three agencies at work on made-up lists.
    Demo(Demo),
    /// Measure this machine with the real program, beside a reference that is measured in the same run.
    Bench(Bench),
}

/// The home to work on.
#[derive(Debug, Args)]
pub(crate) struct HomeOf {
    /// The home of the agency.
    #[arg(long, value_name = "DIR", env = "COMITY_HOME", default_value = ".")]
    pub(crate) home: PathBuf,
    /// Print one JSON object on standard output, errors too.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder to make; missing or empty.
    pub(crate) folder: PathBuf,
    /// The agency's identifier: its trust domain, 3 to 63 of a-z, 0-9, '.', '-'. It can never be changed.
    #[arg(long, value_name = "ID")]
    pub(crate) agency: String,
    /// What people call the agency.
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// Where peers will connect; the card names it too.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7443")]
    pub(crate) listen: String,
    /// Where operators will connect; a loopback address.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7444")]
    pub(crate) admin: String,
    /// Print one JSON object on standard output, errors too.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) of: HomeOf,
    /// How much to log to standard error, such as "info" or "comity_node=debug".
    #[arg(long, value_name = "FILTER", env = "COMITY_LOG", default_value = "info")]
    pub(crate) log: String,
    /// Sign on at this size although the sign-lock does not fit, and no peer gives back what is missing. If anybody has
    /// seen a larger log of this agency, this convicts it of two histories.
    #[arg(long, value_name = "SIZE")]
    pub(crate) i_accept_the_risk: Option<u64>,
    /// Stop as well when standard input ends: for a parent that is not to be outlived, however it dies.
    #[arg(long, hide = true)]
    pub(crate) until_stdin_ends: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Screen {
    #[command(flatten)]
    pub(crate) of: HomeOf,
    #[command(flatten)]
    pub(crate) query: ScreenFor,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ScreenFor {
    /// An exact identifier, such as imo:9074729 or passport/XA:A1234, or a code of goods, such as goods/eu:1C350.a.
    #[arg(long, value_name = "TYPE[/SCOPE]:VALUE")]
    pub(crate) id: Option<String>,
    /// A name, its words in any order.
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CardOf {
    #[command(flatten)]
    pub(crate) of: HomeOf,
    /// Write the card to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// The root key, if the identity is to be signed again; `offline/root.key` of the home if it still lies there.
    #[arg(long, value_name = "FILE")]
    pub(crate) root: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    #[command(subcommand)]
    pub(crate) command: LogCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// The logs of this home.
    List {
        #[command(flatten)]
        of: HomeOf,
    },
    /// One entry: its envelope, and what of its content is opened to this node.
    Show {
        /// The index of the entry, from 0.
        index: u64,
        /// The log; the own publication log if left out.
        #[arg(long, value_name = "ORIGIN")]
        origin: Option<String>,
        #[command(flatten)]
        of: HomeOf,
    },
    /// What a log says of a list now, record by record.
    Records {
        /// The list, such as us-ofac-sdn.
        list: String,
        /// The log; the own publication log if left out.
        #[arg(long, value_name = "ORIGIN")]
        origin: Option<String>,
        #[command(flatten)]
        of: HomeOf,
    },
    /// Hash, open and read all of this home again; replicas that are damaged are fetched anew by the next node that runs.
    Scrub {
        #[command(flatten)]
        of: HomeOf,
    },
    /// Write a log as a plain folder of tiles (C2SP tlog-tiles), which foreign tools can check.
    Export {
        /// The log; the own publication log if left out.
        #[arg(long, value_name = "ORIGIN")]
        origin: Option<String>,
        /// The folder to write; missing or empty.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        of: HomeOf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Bundle {
    #[command(subcommand)]
    pub(crate) command: Option<BundleCommand>,
    #[command(flatten)]
    pub(crate) make: BundleMake,
}

#[derive(Debug, Args)]
pub(crate) struct BundleMake {
    #[command(flatten)]
    pub(crate) of: HomeOf,
    /// The folder to write; missing or empty.
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    /// Verify a bundle offline, as comity-audit does.
    Verify {
        /// The folder of the bundle.
        folder: PathBuf,
        /// A card, or a file with one vkey a line, got by another way than the bundle; may be repeated.
        #[arg(long, value_name = "FILE|CARD")]
        keys: Vec<PathBuf>,
        /// A policy (c2sp.org/tlog-policy) that says which witnesses are enough; may be repeated.
        #[arg(long, value_name = "FILE")]
        policy: Vec<PathBuf>,
        /// Print one JSON object on standard output, errors too.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    pub(crate) of: HomeOf,
    /// The folder to write; missing or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The folder to write the keyring and the keys of the node to; missing or empty. Keep it apart.
    #[arg(long, value_name = "DIR")]
    pub(crate) keyring_out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// The newest keyring and keys that there are.
    #[arg(long, value_name = "DIR")]
    pub(crate) keyring: PathBuf,
    /// The home to make, missing or empty; or one that has lost its database.
    #[command(flatten)]
    pub(crate) of: HomeOf,
}

#[derive(Debug, Args)]
pub(crate) struct Peer {
    #[command(subcommand)]
    pub(crate) command: PeerCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeerCommand {
    /// Add a peer by its card. Both sides add each other: that is the agreement, on default terms.
    Add {
        /// The card of the other agency.
        #[arg(value_name = "CARD")]
        card: PathBuf,
        /// The twelve words that the other agency's people said; case, spaces and hyphens do not matter.
        #[arg(long, value_name = "WORDS")]
        fingerprint: String,
        /// Where it is reached, if not where its card says.
        #[arg(long, value_name = "HOST:PORT")]
        endpoint: Option<String>,
        /// Follow its log through this peer instead of directly.
        #[arg(long, value_name = "AGENCY")]
        via: Option<String>,
        /// Which witnesses must stand behind its log: a file of c2sp.org/tlog-policy. Without it enough of all known
        /// witnesses must, as `docs/protocol.md` says.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// If what is held of its log is of another log key: keep it apart, and follow the new log.
        #[arg(long)]
        set_aside_replica: bool,
        #[command(flatten)]
        of: HomeOf,
    },
    /// The peers, and how following each stands.
    List {
        #[command(flatten)]
        of: HomeOf,
    },
    /// End a peering; what was received stays.
    Remove {
        /// The other agency.
        #[arg(value_name = "AGENCY")]
        agency: String,
        #[command(flatten)]
        of: HomeOf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) of: HomeOf,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) of: HomeOf,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Official OFAC tables instead of the made-up ones.
    #[arg(long, num_args = 1..=4, value_name = "FILE")]
    pub(crate) ofac: Vec<PathBuf>,
    /// An official UN list instead of the made-up one.
    #[arg(long, value_name = "FILE")]
    pub(crate) un: Option<PathBuf>,
    /// Print one JSON object on standard output, errors too.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Command {
    /// Whether the answer is to be one JSON object.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Init(init) => init.json,
            Self::Serve(serve) => serve.of.json,
            Self::Export(export) => export.of.json,
            Self::Screen(screen) => screen.of.json,
            Self::Card(card) => card.of.json,
            Self::Import(import) => match &import.source {
                ImportSource::Auto { how, .. }
                | ImportSource::Ofac { how, .. }
                | ImportSource::Un { how, .. }
                | ImportSource::Eu { how, .. }
                | ImportSource::Uk { how, .. }
                | ImportSource::Canada { how, .. }
                | ImportSource::Seco { how, .. }
                | ImportSource::Us { how, .. }
                | ImportSource::Csv { how, .. }
                | ImportSource::Ftm { how, .. }
                | ImportSource::Stix { how, .. }
                | ImportSource::Jsonl { how, .. } => how.of.json,
            },
            Self::Record(record) => record.command.of().json,
            Self::Vocabulary(vocabulary) => vocabulary.command.of().json,
            Self::Log(log) => match &log.command {
                LogCommand::List { of }
                | LogCommand::Show { of, .. }
                | LogCommand::Records { of, .. }
                | LogCommand::Scrub { of }
                | LogCommand::Export { of, .. } => of.json,
            },
            Self::Bundle(bundle) => match &bundle.command {
                Some(BundleCommand::Verify { json, .. }) => *json,
                None => bundle.make.of.json,
            },
            Self::Backup(backup) => backup.of.json,
            Self::Restore(restore) => restore.of.json,
            Self::Peer(peer) => match &peer.command {
                PeerCommand::Add { of, .. } | PeerCommand::List { of } | PeerCommand::Remove { of, .. } => {
                    of.json
                }
            },
            Self::Key(key) => key.command.of().json,
            Self::Tls(tls) => tls.command.of().json,
            Self::Status(status) => status.of.json,
            Self::Watch(watch) => watch.of.json,
            Self::Demo(demo) => demo.json,
            Self::Bench(bench) => bench.json,
        }
    }
}
