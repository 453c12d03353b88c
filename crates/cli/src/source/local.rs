//! The home itself, held by this process.

use std::collections::BTreeMap;

use comity_ledger::{AgencyId, Head, Origin};
use comity_node::{
    Home, LogExport, NodeError, OpenHome, OwnLogState, PeersError, Release, SystemEntropy, TakeFile,
    add_peer, bundle_of, listed, logs, now, peer_messages, read_entry, screened, submission,
};
use comity_screening::View;
use comity_store::is_set_aside;
use comity_tlog::EntryIndex;
use comity_watchlist::ListId;
use comity_wire::{DraftChange, ErrorCode, HandlingChoice, ListedRecord, ScreenQuery, v1};

use super::{Progress, Source, head_of};
use crate::answer::{Refusal, sentence};

/// An open home; the view is built when it is first needed.
pub(crate) struct Local {
    open: OpenHome,
    view: Option<View>,
}

impl Local {
    pub(super) fn open(home: &Home) -> Result<Source, Refusal> {
        Ok(Source::Local(Box::new(Self::new(home.open()?))))
    }

    pub(super) fn new(open: OpenHome) -> Self {
        Self { open, view: None }
    }

    pub(super) fn home(&self) -> &Home {
        self.open.home()
    }

    fn view(&mut self) -> Result<&View, Refusal> {
        let view = match self.view.take() {
            Some(view) => view,
            None => self.open.view()?,
        };
        Ok(self.view.insert(view))
    }

    pub(super) fn status(&mut self) -> Result<(v1::StatusResponse, Option<usize>), Refusal> {
        let reason = match self.open.own_log() {
            OwnLogState::Writable(_) => None,
            OwnLogState::ReadOnly { reason } => Some(reason.explain()),
        };
        let state = if reason.is_some() { v1::NodeState::ReadOnly } else { v1::NodeState::Unspecified };
        let alarm = |message| v1::Alarm {
            code: "read_only".to_owned(),
            origin: self.home().origin().to_string(),
            agency: String::new(),
            since: now().unix_secs(),
            message,
        };
        let config = self.open.home().config();
        let status = v1::StatusResponse {
            agency: config.agency.to_string(),
            state: state.into(),
            read_only: reason.is_some(),
            logs: self.logs()?,
            peers: self.peers()?,
            alarms: reason.into_iter().map(alarm).collect(),
            stale: Vec::new(),
            release_to: match config.release {
                Release::Peers => "peers".to_owned(),
                Release::Nobody => "nobody".to_owned(),
            },
        };
        Ok((status, Some(self.view()?.screenable_count())))
    }

    pub(super) fn logs(&self) -> Result<Vec<v1::Log>, Refusal> {
        Ok(logs(self.open.store())?)
    }

    pub(super) fn entry(
        &self,
        origin: &Origin,
        index: u64,
    ) -> Result<Option<v1::ReadEntryResponse>, Refusal> {
        let Ok(index) = EntryIndex::new(index) else { return Ok(None) };
        Ok(read_entry(self.open.store(), origin, index)?)
    }

    pub(super) fn export(&self, origin: &Origin, take: &mut TakeFile<'_>) -> Result<(), Refusal> {
        let key = self.home().log_key_of(self.open.store(), origin)?;
        Ok(LogExport::new(self.open.store(), origin, &key)?.files("", take)?)
    }

    pub(super) fn bundle(&self, take: &mut TakeFile<'_>) -> Result<(), Refusal> {
        Ok(bundle_of(self.home(), self.open.store(), now(), take)?)
    }

    pub(super) fn records(&mut self, origin: &Origin, list: &ListId) -> Result<Vec<ListedRecord>, Refusal> {
        self.view()?;
        let Some(view) = &self.view else { return Ok(Vec::new()) };
        Ok(listed(self.open.store(), view, origin, list)?)
    }

    pub(super) fn append(
        &mut self,
        changes: &[DraftChange],
        progress: Progress<'_>,
    ) -> Result<Head, Refusal> {
        if changes.is_empty() {
            return Ok(self.open.writable()?.head());
        }
        // This process alone holds the home, so that nothing can have changed since it was compared.
        let made = submission(self.home().config(), HandlingChoice::OfficialList, changes)?;
        let signed = self.open.writable()?.append(made.drafts, now(), &mut SystemEntropy::new())?;
        progress(changes.len(), changes.len());
        self.view = None;
        Ok(signed.head())
    }

    pub(super) fn add_peer(&self, request: &v1::AddPeerRequest) -> Result<v1::Peer, Refusal> {
        add_peer(&self.home().peers()?, self.open.store(), request).map_err(|error| refused(&error))
    }

    pub(super) fn peers(&self) -> Result<Vec<v1::Peer>, Refusal> {
        Ok(peer_messages(&self.home().peers()?, &BTreeMap::new()))
    }

    pub(super) fn remove_peer(&self, agency: &AgencyId) -> Result<(), Refusal> {
        if self.home().peers()?.remove(agency).map_err(|error| refused(&error))? {
            return Ok(());
        }
        let code = ErrorCode::UnknownPeer;
        Err(Refusal::new(code.reason(), format!("{agency}: {}", code.meaning())))
    }

    pub(super) fn screen(&mut self, query: &ScreenQuery) -> Result<v1::ScreenResponse, Refusal> {
        let mut as_of = BTreeMap::new();
        for log in self.logs()? {
            let name = log.head.as_ref().map(|head| head.origin.clone()).unwrap_or_default();
            let origin: Origin = name.parse().map_err(NodeError::Name)?;
            if is_set_aside(&origin) {
                continue;
            }
            as_of.insert(origin, head_of(log.head)?);
        }
        let answer = screened(self.view()?, &as_of, query);
        answer.map_err(|error| Refusal::new("bad_query", error.to_string()))
    }
}

fn refused(error: &PeersError) -> Refusal {
    let code = match error {
        PeersError::OtherFingerprint { .. } => ErrorCode::FingerprintMismatch.reason(),
        PeersError::OtherKeys { .. } => ErrorCode::AlreadyExists.reason(),
        PeersError::OtherReplica { .. } => ErrorCode::OtherReplica.reason(),
        _ => ErrorCode::Malformed.reason(),
    };
    Refusal::new(code, sentence(error))
}
