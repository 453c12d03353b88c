//! The home itself, held by this process.

use std::collections::BTreeMap;

use comity_feeds::out::OutFormat;
use comity_ledger::{AgencyId, Origin};
use comity_node::tls::PeerTrust;
use comity_node::{
    Alarm, Appended, Exported, Home, KeyList, LogExport, NodeError, OpenHome, OwnLogState, Peers, PeersError,
    Release, SystemEntropy, TakeFile, TlsOutlook, add_authority, add_peer, backup_of, bundle_of,
    expiry_messages, key_events, key_list, keyring_of, listed, log_states_at_rest, logs, now, old_codes,
    peer_messages, policy_alarms, put_crl, read_entry, retire_authority, screened, statements_about,
    submission, vocabularies, waiting_alarms, waiting_messages, wanted_out, write_out,
};
use comity_screening::View;
use comity_store::is_set_aside;
use comity_tlog::{CosignatureTime, EntryIndex, TreeSize};
use comity_watchlist::{GoodsScheme, Handle, ListId};
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

    pub(super) fn open_home(&self) -> &OpenHome {
        &self.open
    }

    pub(super) fn open_home_mut(&mut self) -> &mut OpenHome {
        &mut self.open
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
        let tls = TlsOutlook::of(self.home())?;
        let config = self.open.home().config();
        let states = log_states_at_rest(self.open.store(), self.open.home())?;
        let policies = policy_alarms(self.open.store(), self.open.home())?;
        let stale = states.iter().filter(|(_, state)| state.stale).map(|(origin, _)| origin.to_string());
        let status = v1::StatusResponse {
            agency: config.agency.to_string(),
            state: state.into(),
            read_only: reason.is_some(),
            logs: self.logs()?,
            peers: self.peers()?,
            alarms: reason
                .into_iter()
                .map(alarm)
                .chain(tls.alarms.iter().map(alarm_at_rest))
                .chain(waiting_alarms(self.open.waiting_erasures()).iter().map(alarm_at_rest))
                .chain(policies.iter().map(alarm_at_rest))
                .collect(),
            stale: stale.collect(),
            release_to: match config.release {
                Release::Peers => "peers".to_owned(),
                Release::Nobody => "nobody".to_owned(),
            },
            expiries: expiry_messages(&tls.expiries),
            witnessed_time: self.open.store().witnessed_time()?.map_or(0, CosignatureTime::value),
            waiting_erasures: waiting_messages(self.open.store(), self.open.waiting_erasures())?,
            old_codes: Vec::new(),
        };
        let own = self.home().origin();
        let view = self.view()?;
        let status = v1::StatusResponse { old_codes: old_codes(view, &own), ..status };
        Ok((status, Some(view.screenable_count())))
    }

    pub(super) fn logs(&self) -> Result<Vec<v1::Log>, Refusal> {
        Ok(logs(self.open.store(), &log_states_at_rest(self.open.store(), self.open.home())?)?)
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

    pub(super) fn export_records(
        &mut self,
        origin: &Origin,
        list: Option<&ListId>,
        format: OutFormat,
        take: &mut TakeFile<'_>,
    ) -> Result<Exported, Refusal> {
        self.view()?;
        let view = self.view.take().unwrap_or_default();
        let wanted = wanted_out(self.open.store(), &view, origin, list);
        self.view = Some(view);
        Ok(write_out(self.open.store(), &wanted?, format, take)?)
    }

    pub(super) fn bundle(&self, take: &mut TakeFile<'_>) -> Result<(), Refusal> {
        Ok(bundle_of(self.home(), self.open.store(), now(), take)?)
    }

    pub(super) fn backup(&self, take: &mut TakeFile<'_>) -> Result<(), Refusal> {
        Ok(backup_of(self.home(), self.open.store(), now(), take)?)
    }

    pub(super) fn keyring(&self, take: &mut TakeFile<'_>) -> Result<(), Refusal> {
        Ok(keyring_of(self.open.store(), take)?)
    }

    pub(super) fn records(&mut self, origin: &Origin, list: &ListId) -> Result<Vec<ListedRecord>, Refusal> {
        self.view()?;
        let Some(view) = &self.view else { return Ok(Vec::new()) };
        Ok(listed(self.open.store(), view, origin, list)?)
    }

    pub(super) fn statements(
        &mut self,
        origin: &Origin,
        handle: Handle,
    ) -> Result<v1::ListStatementsResponse, Refusal> {
        self.view()?;
        let Some(view) = &self.view else { return Ok(v1::ListStatementsResponse::default()) };
        let own = self.open.home().origin();
        Ok(statements_about(self.open.store(), view, own.agency(), origin, handle)?)
    }

    pub(super) fn vocabularies(
        &mut self,
        scheme: Option<GoodsScheme>,
        origin: Option<&Origin>,
    ) -> Result<v1::ListVocabulariesResponse, Refusal> {
        let held_back = self.open.store().held_back();
        Ok(vocabularies(self.view()?, &held_back, scheme, origin))
    }

    pub(super) fn append(
        &mut self,
        changes: &[DraftChange],
        handling: HandlingChoice,
        label_anew: bool,
        progress: Progress<'_>,
    ) -> Result<Appended, Refusal> {
        let mut made = submission(self.home().config(), handling, changes)?;
        if label_anew {
            made.label_anew();
        }
        let view = match self.view.take() {
            Some(view) => view,
            None => self.open.view()?,
        };
        let appended = self.open.append(made, &view)?;
        progress(changes.len(), changes.len());
        Ok(appended)
    }

    pub(super) fn add_peer(&self, request: &v1::AddPeerRequest) -> Result<v1::Peer, Refusal> {
        add_peer(&self.home().peers()?, self.open.store(), request).map_err(|error| refused(&error))
    }

    pub(super) fn peers(&self) -> Result<Vec<v1::Peer>, Refusal> {
        let states = log_states_at_rest(self.open.store(), self.home())?;
        Ok(peer_messages(&self.home().peers()?, &BTreeMap::new(), &states))
    }

    pub(super) fn remove_peer(&self, agency: &AgencyId) -> Result<(), Refusal> {
        if self.home().peers()?.remove(agency).map_err(|error| refused(&error))? {
            return Ok(());
        }
        let code = ErrorCode::UnknownPeer;
        Err(Refusal::new(code.reason(), format!("{agency}: {}", code.meaning())))
    }

    pub(super) fn keys(&self, asked: Option<u64>) -> Result<KeyList, Refusal> {
        let asked = asked.map(TreeSize::new).transpose();
        let asked = asked.map_err(|_| Refusal::new("malformed", "no log has so many entries"))?;
        let states = log_states_at_rest(self.open.store(), self.home())?;
        let witnessed = states.get(&self.home().origin()).map_or(TreeSize::ZERO, |state| state.witnessed);
        Ok(key_list(self.home(), self.open.store(), witnessed, asked)?)
    }

    pub(super) fn enter_key_events(
        &mut self,
        request: &v1::EnterKeyEventsRequest,
    ) -> Result<v1::EnterKeyEventsResponse, Refusal> {
        let events = key_events(request).map_err(|code| Refusal::new(code.reason(), code.meaning()))?;
        let log = self.open.writable()?;
        let (origin, first) = (log.origin().clone(), log.head().size);
        let (signed, _) = log.enter_key_events(&events, now(), &mut SystemEntropy::new())?;
        self.open.settle_keys()?;
        let head = signed.head();
        Ok(v1::EnterKeyEventsResponse {
            first: first.value(),
            last: head.size.value().saturating_sub(1),
            head: Some(v1::LogHead::from(&comity_wire::LogHead { origin, head })),
        })
    }

    pub(super) fn put_crl(&self, request: &v1::PutCrlRequest) -> Result<v1::PutCrlResponse, Refusal> {
        Ok(put_crl(self.register()?.trust(), request, now())?)
    }

    pub(super) fn add_authority(
        &self,
        request: &v1::AddAuthorityRequest,
    ) -> Result<v1::AddAuthorityResponse, Refusal> {
        Ok(add_authority(self.register()?.trust(), request)?)
    }

    pub(super) fn retire_authority(
        &self,
        request: &v1::RetireAuthorityRequest,
    ) -> Result<v1::RetireAuthorityResponse, Refusal> {
        Ok(retire_authority(self.register()?.trust(), request, now())?)
    }

    /// The register, of which this process keeps what changes: it holds the home.
    fn register(&self) -> Result<Peers, Refusal> {
        Peers::load(self.home(), PeerTrust::new()).map_err(|error| refused(&error))
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
        let states = log_states_at_rest(self.open.store(), self.open.home())?;
        let held_back = self.open.store().held_back();
        let answer = screened(self.view()?, &held_back, (&as_of, &states), query);
        answer.map_err(|error| Refusal::new("bad_query", error.to_string()))
    }
}

fn alarm_at_rest(alarm: &Alarm) -> v1::Alarm {
    v1::Alarm {
        code: alarm.key.code.to_owned(),
        origin: alarm.key.origin.clone(),
        agency: alarm.key.agency.clone(),
        since: alarm.since.unix_secs(),
        message: alarm.message.clone(),
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
