//! What can be typed after `comity tls`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use comity_node::TlsKeys;

use super::HomeOf;

#[derive(Debug, Args)]
pub(crate) struct Tls {
    #[command(subcommand)]
    pub(crate) command: TlsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TlsCommand {
    /// Issue the certificate of the node anew, with a fresh key; a running node presents it at once.
    Renew {
        /// The certificate of the operator instead, by which commands reach the node.
        #[arg(long)]
        operator: bool,
        #[command(flatten)]
        ca_key: CaKey,
        #[command(flatten)]
        of: HomeOf,
    },
    /// Have the running node read its certificates and all revocation lists again; connections go on.
    Reload {
        #[command(flatten)]
        of: HomeOf,
    },
    /// Revoke a certificate of this agency: sign the next revocation list, to be handed to peers.
    Revoke {
        #[command(flatten)]
        what: WhatToRevoke,
        #[command(flatten)]
        days: Days,
        #[command(flatten)]
        ca_key: CaKey,
        #[command(flatten)]
        of: HomeOf,
    },
    /// Revocation lists, own and of peers.
    Crl {
        #[command(subcommand)]
        command: CrlCommand,
    },
    /// Authorities, own and of peers: one after another, with both trusted in between.
    Ca {
        #[command(subcommand)]
        command: AuthorityCommand,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct WhatToRevoke {
    /// The serial number of the certificate, in hex.
    #[arg(value_name = "SERIAL")]
    pub(crate) serial: Option<String>,
    /// The certificate, PEM or DER.
    #[arg(long, value_name = "FILE")]
    pub(crate) leaf: Option<PathBuf>,
}

/// How long a revocation list holds.
#[derive(Debug, Args)]
pub(crate) struct Days {
    /// For how many days the list holds; peers let nobody of this agency in after that.
    #[arg(long, value_name = "N", default_value_t = TlsKeys::CRL_DAYS,
        value_parser = clap::value_parser!(u32).range(1..=400))]
    pub(crate) days: u32,
}

/// Where the key of the authority is.
#[derive(Debug, Args)]
pub(crate) struct CaKey {
    /// The key of the authority, if it was moved away from the home.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_key: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CrlCommand {
    /// Sign the own list anew, with the next number and a later end.
    Renew {
        #[command(flatten)]
        days: Days,
        #[command(flatten)]
        ca_key: CaKey,
        #[command(flatten)]
        of: HomeOf,
    },
    /// Take a list of a peer: verified, newer than the one in force, kept, in force at once.
    Add {
        /// The list, PEM or DER.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The agency whose it is.
        #[arg(long, value_name = "AGENCY")]
        peer: String,
        #[command(flatten)]
        of: HomeOf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuthorityCommand {
    /// Make the authority that is to follow the present one; it issues nothing yet.
    New {
        #[command(flatten)]
        of: HomeOf,
    },
    /// Issue by the next authority from now on; peers must know it by then.
    Use {
        #[command(flatten)]
        of: HomeOf,
    },
    /// Trust a further authority of a peer, for that peer alone.
    Add {
        /// Its certificate, PEM or DER.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The agency whose it is.
        #[arg(long, value_name = "AGENCY")]
        peer: String,
        #[command(flatten)]
        of: HomeOf,
    },
    /// Trust an authority no more, for ever.
    Retire {
        /// The authority: the SHA-256 of its public key, in hex.
        #[arg(value_name = "ID")]
        id: String,
        /// The agency whose it is; this one if left out.
        #[arg(long, value_name = "AGENCY")]
        peer: Option<String>,
        #[command(flatten)]
        of: HomeOf,
    },
}

impl TlsCommand {
    /// The home.
    pub(crate) fn of(&self) -> &HomeOf {
        match self {
            Self::Renew { of, .. }
            | Self::Reload { of }
            | Self::Revoke { of, .. }
            | Self::Crl { command: CrlCommand::Renew { of, .. } | CrlCommand::Add { of, .. } }
            | Self::Ca {
                command:
                    AuthorityCommand::New { of }
                    | AuthorityCommand::Use { of }
                    | AuthorityCommand::Add { of, .. }
                    | AuthorityCommand::Retire { of, .. },
            } => of,
        }
    }
}
