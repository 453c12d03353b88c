//! What can be typed after `comity key`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use comity_ledger::KeyRole;

use super::HomeOf;

#[derive(Debug, Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// The keys of the own log and of the other roles, and for which sizes of the log each is in force.
    List {
        #[command(flatten)]
        of: HomeOf,
    },
    /// Let a new key follow the present one, by an event in the own log. Of the log, both sign until the old is retired.
    Rotate {
        /// What the key is for; of tls-authority this announces the authority that `comity tls ca new` made.
        role: RoleName,
        #[command(flatten)]
        root: RootKey,
        #[command(flatten)]
        of: HomeOf,
    },
    /// End a key; what it signed stays good.
    Retire {
        /// What the key is for.
        role: RoleName,
        /// The key, as `comity key list` names it; the older one of two if left out.
        key: Option<String>,
        #[command(flatten)]
        root: RootKey,
        #[command(flatten)]
        of: HomeOf,
    },
    /// End a key that somebody else may hold: what it signed beyond the last good checkpoint is void.
    Revoke {
        /// What the key is for.
        role: RoleName,
        /// The key, as `comity key list` names it.
        key: String,
        #[command(flatten)]
        root: RootKey,
        /// The size of the last good checkpoint; else the newest that enough witnesses have cosigned.
        #[arg(long, value_name = "SIZE")]
        last_good: Option<u64>,
        /// Revoke a log key although that closes the log for ever, since there are entries behind the last good
        /// checkpoint.
        #[arg(long)]
        close: bool,
        #[command(flatten)]
        of: HomeOf,
    },
    /// Make the log that goes on from the own log, which is closed for ever; while no node runs.
    Succeed {
        #[command(flatten)]
        root: RootKey,
        /// Close the own log by this, if no revocation has: it ends at the last good checkpoint.
        #[arg(long)]
        close: bool,
        /// The size of the last good checkpoint of a log that this closes; else the newest that enough witnesses have
        /// cosigned.
        #[arg(long, value_name = "SIZE", requires = "close")]
        last_good: Option<u64>,
        #[command(flatten)]
        of: HomeOf,
    },
}

/// Where the root key is.
#[derive(Debug, Args)]
pub(crate) struct RootKey {
    /// The root key: the file `offline/root.key` of `comity init`, wherever it was moved to.
    #[arg(long, value_name = "FILE")]
    pub(crate) root: PathBuf,
}

/// A role that a key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleName {
    /// Signs the checkpoints of the own log.
    Log,
    /// Cosigns what it saw to be append-only.
    Witness,
    /// Cosigns what is held in full.
    Mirror,
    /// Signs receipts and transcripts.
    Statement,
    /// Issues TLS certificates.
    TlsAuthority,
}

impl From<RoleName> for KeyRole {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Log => Self::Log,
            RoleName::Witness => Self::Witness,
            RoleName::Mirror => Self::Mirror,
            RoleName::Statement => Self::Statement,
            RoleName::TlsAuthority => Self::TlsAuthority,
        }
    }
}

impl KeyCommand {
    /// The home.
    pub(crate) fn of(&self) -> &HomeOf {
        match self {
            Self::List { of }
            | Self::Rotate { of, .. }
            | Self::Retire { of, .. }
            | Self::Revoke { of, .. }
            | Self::Succeed { of, .. } => of,
        }
    }
}
