//! Where answers come from: the running node of a home, or the home itself if nobody holds it.
//!
//! Both answer in the messages of `comity.v1`, so that what is shown does not depend on who was asked. Not here: how
//! anything is shown (the commands).

mod local;
mod remote;

use std::path::Path;

use comity_feeds::out::OutFormat;
use comity_ledger::{AgencyId, Head, Origin};
pub(crate) use comity_node::Exported;
use comity_node::{Appended, Home, KeyList, NodeError, OpenHome, RunFile, TakeFile};
use comity_store::StoreError;
use comity_watchlist::{GoodsScheme, Handle, ListId};
use comity_wire::{DraftChange, HandlingChoice, ListBasis, ListedRecord, ScreenQuery, v1};

use crate::answer::Refusal;
use crate::source::local::Local;
pub(crate) use crate::source::remote::Remote;

/// Hears how much of an append was handed over: changes so far, and of how many.
pub(crate) type Progress<'a> = &'a dyn Fn(usize, usize);

/// Who answers.
pub(crate) enum Source {
    /// The home itself, held by this process.
    Local(Box<Local>),
    /// The running node.
    Remote(Box<Remote>),
}

impl Source {
    /// Finds who holds the home: the node that its run file names, if it answers; else this process takes it.
    pub(crate) fn find(folder: &Path) -> Result<Self, Refusal> {
        Self::find_at(&Home::find(folder)?)
    }

    /// The same for a home that was looked at.
    pub(crate) fn find_at(home: &Home) -> Result<Self, Refusal> {
        let Some(run) = RunFile::find(home) else { return Local::open(home) };
        match Remote::connect(home.clone(), run.admin_addr) {
            Ok(remote) => Ok(Self::Remote(Box::new(remote))),
            // What a node that was killed left behind: then the lock of the home is free.
            Err(unreachable @ NodeError::Unreachable { .. }) => match home.open() {
                Ok(open) => Ok(Self::Local(Box::new(Local::new(open)))),
                Err(NodeError::Store(StoreError::InUse { .. })) => Err(unreachable.into()),
                Err(error) => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The home.
    pub(crate) fn home(&self) -> &Home {
        match self {
            Self::Local(local) => local.home(),
            Self::Remote(remote) => remote.home(),
        }
    }

    /// The home, if this process holds it.
    pub(crate) fn held(&self) -> Option<&OpenHome> {
        match self {
            Self::Local(local) => Some(local.open_home()),
            Self::Remote(_) => None,
        }
    }

    /// The same, to change what only this process can.
    pub(crate) fn held_mut(&mut self) -> Option<&mut OpenHome> {
        match self {
            Self::Local(local) => Some(local.open_home_mut()),
            Self::Remote(_) => None,
        }
    }

    /// How the node is, and how many records can be screened if that can be told.
    pub(crate) fn status(&mut self) -> Result<(v1::StatusResponse, Option<usize>), Refusal> {
        match self {
            Self::Local(local) => local.status(),
            Self::Remote(remote) => remote.status().map(|status| (status, None)),
        }
    }

    /// The logs.
    pub(crate) fn logs(&mut self) -> Result<Vec<v1::Log>, Refusal> {
        match self {
            Self::Local(local) => local.logs(),
            Self::Remote(remote) => remote.logs(),
        }
    }

    /// The head of one of the logs.
    pub(crate) fn head(&mut self, origin: &Origin) -> Result<Head, Refusal> {
        let mut heads = self.logs()?.into_iter().filter_map(|log| log.head);
        head_of(heads.find(|head| head.origin == origin.as_str()))
    }

    /// One entry; `None` if the log has no such.
    pub(crate) fn entry(
        &mut self,
        origin: &Origin,
        index: u64,
    ) -> Result<Option<v1::ReadEntryResponse>, Refusal> {
        match self {
            Self::Local(local) => local.entry(origin, index),
            Self::Remote(remote) => remote.entry(origin, index),
        }
    }

    /// A log as a folder of tiles, file by file; a file may come in several pieces, one after the other.
    pub(crate) fn export(&mut self, origin: &Origin, take: &mut TakeFile<'_>) -> Result<(), Refusal> {
        match self {
            Self::Local(local) => local.export(origin, take),
            Self::Remote(remote) => remote.export(origin, take),
        }
    }

    /// Listings of a log in a format of others, as [`Source::export`]; of one list, or of all.
    pub(crate) fn export_records(
        &mut self,
        origin: &Origin,
        list: Option<&ListId>,
        format: OutFormat,
        take: &mut TakeFile<'_>,
    ) -> Result<Exported, Refusal> {
        match self {
            Self::Local(local) => local.export_records(origin, list, format, take),
            Self::Remote(remote) => remote.export_records(origin, list, format, take),
        }
    }

    /// The audit bundle, as [`Source::export`].
    pub(crate) fn bundle(&mut self, take: &mut TakeFile<'_>) -> Result<(), Refusal> {
        match self {
            Self::Local(local) => local.bundle(take),
            Self::Remote(remote) => remote.bundle(take),
        }
    }

    /// A backup, as [`Source::export`].
    pub(crate) fn backup(&mut self, take: &mut TakeFile<'_>) -> Result<(), Refusal> {
        match self {
            Self::Local(local) => local.backup(take),
            Self::Remote(remote) => remote.backup(false, take),
        }
    }

    /// The keyring that goes with the backup taken before, as [`Source::export`].
    pub(crate) fn keyring(&mut self, take: &mut TakeFile<'_>) -> Result<(), Refusal> {
        match self {
            Self::Local(local) => local.keyring(take),
            Self::Remote(remote) => remote.backup(true, take),
        }
    }

    /// The listings of a list as a log that is held says them, living and ended.
    pub(crate) fn records(&mut self, origin: &Origin, list: &ListId) -> Result<Vec<ListedRecord>, Refusal> {
        match self {
            Self::Local(local) => local.records(origin, list),
            Self::Remote(remote) => remote.records(origin, list),
        }
    }

    /// What is said in any log of a listing being about one subject with another.
    pub(crate) fn statements(
        &mut self,
        origin: &Origin,
        handle: Handle,
    ) -> Result<v1::ListStatementsResponse, Refusal> {
        match self {
            Self::Local(local) => local.statements(origin, handle),
            Self::Remote(remote) => remote.statements(origin, handle),
        }
    }

    /// The editions of control lists and tariffs; of one scheme or all, of one log or all that are held.
    pub(crate) fn vocabularies(
        &mut self,
        scheme: Option<GoodsScheme>,
        origin: Option<&Origin>,
    ) -> Result<v1::ListVocabulariesResponse, Refusal> {
        match self {
            Self::Local(local) => local.vocabularies(scheme, origin),
            Self::Remote(remote) => remote.vocabularies(scheme, origin),
        }
    }

    /// Appends changes under one handling, at least one, all or none; those that were found by comparing with a list only
    /// while the list stands as it stood then, or else they are refused with `base_changed`.
    pub(crate) fn append(
        &mut self,
        changes: &[DraftChange],
        handling: HandlingChoice,
        basis: Option<&ListBasis>,
        progress: Progress<'_>,
    ) -> Result<Appended, Refusal> {
        match self {
            // This process alone holds the home, so that nothing can have changed since it was compared.
            Self::Local(local) => local.append(changes, handling, false, progress),
            Self::Remote(remote) => remote.append(changes, (handling, false), basis, progress),
        }
    }

    /// Appends a change that lists a record again, under its own label alone whatever the former listing's was.
    pub(crate) fn append_labelled_anew(
        &mut self,
        change: &DraftChange,
        handling: HandlingChoice,
    ) -> Result<Appended, Refusal> {
        let changes = std::slice::from_ref(change);
        match self {
            Self::Local(local) => local.append(changes, handling, true, &|_, _| {}),
            Self::Remote(remote) => remote.append(changes, (handling, true), None, &|_, _| {}),
        }
    }

    /// Adds a peer.
    pub(crate) fn add_peer(&mut self, request: v1::AddPeerRequest) -> Result<v1::Peer, Refusal> {
        match self {
            Self::Local(local) => local.add_peer(&request),
            Self::Remote(remote) => remote.add_peer(request),
        }
    }

    /// The peers; connected only as far as a running node is asked.
    pub(crate) fn peers(&mut self) -> Result<Vec<v1::Peer>, Refusal> {
        match self {
            Self::Local(local) => local.peers(),
            Self::Remote(remote) => remote.peers(),
        }
    }

    /// Ends a peering.
    pub(crate) fn remove_peer(&mut self, agency: &AgencyId) -> Result<(), Refusal> {
        match self {
            Self::Local(local) => local.remove_peer(agency),
            Self::Remote(remote) => remote.remove_peer(agency),
        }
    }

    /// The keys of the own log and of the other roles; `asked` is the size of a checkpoint that is asked for as well.
    pub(crate) fn keys(&mut self, asked: Option<u64>) -> Result<KeyList, Refusal> {
        match self {
            Self::Local(local) => local.keys(asked),
            Self::Remote(remote) => remote.keys(asked),
        }
    }

    /// Enters key events that are signed already, all or none.
    pub(crate) fn enter_key_events(
        &mut self,
        request: v1::EnterKeyEventsRequest,
    ) -> Result<v1::EnterKeyEventsResponse, Refusal> {
        match self {
            Self::Local(local) => local.enter_key_events(&request),
            Self::Remote(remote) => remote.enter_key_events(request),
        }
    }

    /// Takes a revocation list of a peer's authority.
    pub(crate) fn put_crl(&mut self, request: v1::PutCrlRequest) -> Result<v1::PutCrlResponse, Refusal> {
        match self {
            Self::Local(local) => local.put_crl(&request),
            Self::Remote(remote) => remote.put_crl(request),
        }
    }

    /// Takes a further authority of a peer.
    pub(crate) fn add_authority(
        &mut self,
        request: v1::AddAuthorityRequest,
    ) -> Result<v1::AddAuthorityResponse, Refusal> {
        match self {
            Self::Local(local) => local.add_authority(&request),
            Self::Remote(remote) => remote.add_authority(request),
        }
    }

    /// Takes no certificate of a peer's authority any more.
    pub(crate) fn retire_authority(
        &mut self,
        request: v1::RetireAuthorityRequest,
    ) -> Result<v1::RetireAuthorityResponse, Refusal> {
        match self {
            Self::Local(local) => local.retire_authority(&request),
            Self::Remote(remote) => remote.retire_authority(request),
        }
    }

    /// Screens.
    pub(crate) fn screen(&mut self, query: &ScreenQuery) -> Result<v1::ScreenResponse, Refusal> {
        match self {
            Self::Local(local) => local.screen(query),
            Self::Remote(remote) => remote.screen(query),
        }
    }
}

/// The head of a message, checked.
fn head_of(head: Option<v1::LogHead>) -> Result<Head, Refusal> {
    let head = head.ok_or_else(|| Refusal::new("malformed", "the node's answer names no head"))?;
    let head = comity_wire::LogHead::try_from(head);
    Ok(head.map_err(|error| Refusal::new("malformed", format!("the node's answer: {error}")))?.head)
}
