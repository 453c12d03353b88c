//! The service for operators of the own agency: how the node is, what it holds, what is appended, what is exported.
//!
//! Not here: who may call (the admin listener takes operators of the own agency only), peers (their register).

use std::sync::Arc;

use comity_feeds::out::OutFormat;
use comity_ledger::{AgencyId, Origin};
use comity_tlog::{CosignatureTime, EntryIndex};
use comity_watchlist::{GoodsScheme, Handle, ListId};
use comity_wire::v1::admin_service_server::AdminService;
use comity_wire::{
    CHANGES_PER_MESSAGE_MAX, ErrorCode, ListedRecord, LogHead, SECTION_BYTES_PER_MESSAGE_MAX, v1,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::peers::{add_peer, peer_messages, status_of_peers};
use super::refusal::{blocking, status_of_append};
use super::tls::{
    TlsRefusal, add_authority, expiry_messages, put_crl, reloaded_message, retire_authority, status_of_tls,
};
use super::{append, files, keys};
use crate::alarms::Alarm;
use crate::author_task::AuthorTask;
use crate::changes::submission;
use crate::tls::PeerTrust;
use crate::{
    Followers, Gossiping, Node, Peers, PeersError, Release, TlsLife, listed, logs, now, old_codes,
    read_entry, statements_about, vocabularies, waiting_messages,
};

/// Appends, exports and listings under way at a time: each holds memory for all that it carries, and one operator
/// does one after the other.
const HEAVY_CALLS_MAX: usize = 4;

/// Messages of a stream made ahead of its reader.
const MESSAGES_AHEAD: usize = 4;

/// What the service works with.
#[derive(Debug)]
pub(crate) struct AdminParts {
    /// The node.
    pub(crate) node: Arc<Node>,
    /// The task of the own log.
    pub(crate) author: AuthorTask,
    /// The register of peers.
    pub(crate) peers: Arc<Peers>,
    /// What is known of checkpoints and those who cosign them.
    pub(crate) gossiping: Arc<Gossiping>,
    /// How following each stands.
    pub(crate) followers: Followers,
    /// Certificates and revocation lists.
    pub(crate) tls: Arc<TlsLife>,
    /// Cancelled when the node is to stop.
    pub(crate) stop: CancellationToken,
}

/// The service.
#[derive(Debug)]
pub(crate) struct Admin {
    parts: AdminParts,
    heavy: Arc<Semaphore>,
}

type Answer<T> = Result<Response<T>, Status>;

impl Admin {
    pub(crate) fn new(parts: AdminParts) -> Self {
        Self { parts, heavy: Arc::new(Semaphore::new(HEAVY_CALLS_MAX)) }
    }

    fn node(&self) -> Arc<Node> {
        Arc::clone(&self.parts.node)
    }

    fn heavy_call(&self) -> Result<OwnedSemaphorePermit, Status> {
        if self.parts.stop.is_cancelled() {
            return Err(ErrorCode::Stopping.to_status());
        }
        Arc::clone(&self.heavy).try_acquire_owned().map_err(|_| ErrorCode::Busy.to_status())
    }

    /// The answer to a change of the register that failed; the node stops if it was not confirmed to be kept.
    fn refuse(&self, error: &PeersError) -> Status {
        if error.is_unsynced() {
            self.parts.node.store().give_up();
        }
        status_of_peers(error)
    }

    /// Changes whom the node trusts, and tells at once what came of it.
    async fn change_trust<T: Send + 'static>(
        &self,
        change: impl FnOnce(&PeerTrust) -> Result<T, TlsRefusal> + Send + 'static,
    ) -> Answer<T> {
        let (node, tls) = (self.node(), Arc::clone(&self.parts.tls));
        let changed = blocking(move || {
            let changed = change(node.trust());
            tls.look_now();
            // Peers are told what was revoked.
            node.tell_news();
            Ok(changed)
        });
        let changed = changed.await?.map_err(|refusal| status_of_tls(&self.parts.node, &refusal));
        changed.map(Response::new)
    }

    fn state(&self) -> v1::NodeState {
        match (self.parts.node.read_only(), self.parts.stop.is_cancelled()) {
            (_, true) => v1::NodeState::Stopping,
            (_, false) if self.parts.node.is_halted() => v1::NodeState::Halted,
            (Some(_), false) => v1::NodeState::ReadOnly,
            (None, false) => v1::NodeState::Serving,
        }
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn status(&self, _: Request<v1::StatusRequest>) -> Answer<v1::StatusResponse> {
        let (node, tls) = (self.node(), Arc::clone(&self.parts.tls));
        let node_is_closed = node.read_only().is_some() || node.is_halted();
        let states = self.parts.gossiping.log_states();
        let stale = states.iter().filter(|(_, state)| state.stale).map(|(origin, _)| origin.to_string());
        let stale = stale.collect();
        let peers = peer_messages(&self.parts.peers, &self.parts.followers.states(), &states);
        let look = move || {
            let waiting = waiting_messages(node.store(), &node.waiting_erasures())?;
            let old = old_codes(&node.view(), &node.home().origin());
            Ok((logs(node.store(), &states)?, expiry_messages(&tls.expiries()), waiting, old))
        };
        let (logs, expiries, waiting_erasures, old_codes) = blocking(look).await?;
        let config = self.parts.node.home().config();
        Ok(Response::new(v1::StatusResponse {
            agency: config.agency.to_string(),
            state: self.state().into(),
            read_only: node_is_closed,
            logs,
            peers,
            alarms: self.parts.node.alarms().standing().iter().map(alarm_message).collect(),
            stale,
            waiting_erasures,
            old_codes,
            release_to: match config.release {
                Release::Peers => "peers".to_owned(),
                Release::Nobody => "nobody".to_owned(),
            },
            expiries,
            witnessed_time: self.parts.node.witnessed_time().map_or(0, CosignatureTime::value),
        }))
    }

    async fn list_logs(&self, _: Request<v1::ListLogsRequest>) -> Answer<v1::ListLogsResponse> {
        let (node, states) = (self.node(), self.parts.gossiping.log_states());
        let logs = blocking(move || logs(node.store(), &states)).await?;
        Ok(Response::new(v1::ListLogsResponse { logs }))
    }

    type ListRecordsStream = ReceiverStream<Result<v1::ListRecordsResponse, Status>>;

    async fn list_records(
        &self,
        request: Request<v1::ListRecordsRequest>,
    ) -> Answer<Self::ListRecordsStream> {
        let malformed = |field| ErrorCode::Malformed.to_status_about(field);
        let v1::ListRecordsRequest { list, origin } = request.into_inner();
        let list = ListId::parse(&list).map_err(|_| malformed("list_records_request.list"))?;
        let (node, permit) = (self.node(), self.heavy_call()?);
        let origin = if origin.is_empty() {
            node.home().origin()
        } else {
            origin.parse().map_err(|_| malformed("list_records_request.origin"))?
        };
        let records = blocking(move || listed(node.store(), &node.view(), &origin, &list)).await?;
        let (sender, receiver) = mpsc::channel(MESSAGES_AHEAD);
        tokio::spawn(async move {
            let _permit = permit;
            for message in pack(&records) {
                if sender.send(Ok(message)).await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn list_statements(
        &self,
        request: Request<v1::ListStatementsRequest>,
    ) -> Answer<v1::ListStatementsResponse> {
        let malformed = |field| ErrorCode::Malformed.to_status_about(field);
        let v1::ListStatementsRequest { origin, handle } = request.into_inner();
        let origin = origin.parse().map_err(|_| malformed("list_statements_request.origin"))?;
        let handle = <[u8; 16]>::try_from(handle.as_ref()).map(Handle::new);
        let handle = handle.map_err(|_| malformed("list_statements_request.handle"))?;
        let node = self.node();
        let told = blocking(move || {
            let own = node.home().origin();
            statements_about(node.store(), &node.view(), own.agency(), &origin, handle)
        });
        let told = told.await?;
        Ok(Response::new(told))
    }

    async fn list_vocabularies(
        &self,
        request: Request<v1::ListVocabulariesRequest>,
    ) -> Answer<v1::ListVocabulariesResponse> {
        let malformed = |field| ErrorCode::Malformed.to_status_about(field);
        let v1::ListVocabulariesRequest { scheme, origin } = request.into_inner();
        let scheme = (!scheme.is_empty()).then(|| {
            GoodsScheme::from_word(&scheme).ok_or_else(|| malformed("list_vocabularies_request.scheme"))
        });
        let origin = (!origin.is_empty()).then(|| origin.parse::<Origin>());
        let origin = origin.transpose().map_err(|_| malformed("list_vocabularies_request.origin"))?;
        let (node, scheme) = (self.node(), scheme.transpose()?);
        let told = blocking(move || {
            let view = node.view();
            Ok(vocabularies(&view, &node.store().held_back(), scheme, origin.as_ref()))
        });
        told.await.map(Response::new)
    }

    async fn append(&self, request: Request<Streaming<v1::AppendRequest>>) -> Answer<v1::AppendResponse> {
        let author = &self.parts.author;
        if self.parts.node.read_only().is_some() {
            return Err(ErrorCode::ReadOnly.to_status());
        }
        let _permit = self.heavy_call()?;
        let (header, changes) = append::read(request.into_inner()).await?;
        let (origin, node) = (self.parts.node.home().origin(), self.node());
        let handling = header.handling();
        let mut made = blocking(move || submission(node.home().config(), handling, &changes)).await?;
        if header.label_anew() {
            made.label_anew();
        }
        made.list = header.into_basis();
        let appended = author.append(made).await.map_err(|error| status_of_append(&error))?;
        Ok(Response::new(v1::AppendResponse {
            first: appended.first.value(),
            last: appended.last.value(),
            head: Some(v1::LogHead::from(&LogHead { origin, head: appended.head })),
        }))
    }

    async fn read_entry(&self, request: Request<v1::ReadEntryRequest>) -> Answer<v1::ReadEntryResponse> {
        let v1::ReadEntryRequest { origin, index } = request.into_inner();
        let origin: Origin =
            origin.parse().map_err(|_| ErrorCode::Malformed.to_status_about("read_entry_request.origin"))?;
        let index = EntryIndex::new(index).map_err(|_| ErrorCode::NotFound.to_status())?;
        let node = self.node();
        let entry = blocking(move || read_entry(node.store(), &origin, index)).await?;
        entry.map(Response::new).ok_or_else(|| ErrorCode::NotFound.to_status())
    }

    type ExportRecordsStream = files::Stream<v1::ExportRecordsResponse>;

    async fn export_records(
        &self,
        request: Request<v1::ExportRecordsRequest>,
    ) -> Answer<Self::ExportRecordsStream> {
        let malformed = |field| ErrorCode::Malformed.to_status_about(field);
        let request = request.into_inner();
        let format = match request.format() {
            v1::OutFormat::Stix => OutFormat::Stix,
            v1::OutFormat::Ftm => OutFormat::Ftm,
            v1::OutFormat::Csv => OutFormat::Csv,
            v1::OutFormat::Misp => OutFormat::Misp,
            v1::OutFormat::Unspecified => return Err(malformed("export_records_request.format")),
        };
        let origin = request.origin.parse().map_err(|_| malformed("export_records_request.origin"))?;
        let list = (!request.list.is_empty()).then(|| ListId::parse(&request.list)).transpose();
        let list = list.map_err(|_| malformed("export_records_request.list"))?;
        Ok(Response::new(files::export_records(self.node(), origin, list, format, self.heavy_call()?)))
    }

    type ExportLogStream = files::Stream<v1::ExportLogResponse>;

    async fn export_log(&self, request: Request<v1::ExportLogRequest>) -> Answer<Self::ExportLogStream> {
        let malformed = || ErrorCode::Malformed.to_status_about("export_log_request.origin");
        let origin: Origin = request.into_inner().origin.parse().map_err(|_| malformed())?;
        let wrap = |part| v1::ExportLogResponse { part: Some(part) };
        Ok(Response::new(files::export_log(self.node(), origin, self.heavy_call()?, wrap)))
    }

    type BundleStream = files::Stream<v1::BundleResponse>;

    async fn bundle(&self, _: Request<v1::BundleRequest>) -> Answer<Self::BundleStream> {
        let wrap = |part| v1::BundleResponse { part: Some(part) };
        Ok(Response::new(files::export_bundle(self.node(), self.heavy_call()?, wrap)))
    }

    type BackupStream = files::Stream<v1::BackupResponse>;

    async fn backup(&self, request: Request<v1::BackupRequest>) -> Answer<Self::BackupStream> {
        let wrap = |part| v1::BackupResponse { part: Some(part) };
        let keyring = request.into_inner().keyring;
        Ok(Response::new(files::export_backup(self.node(), keyring, self.heavy_call()?, wrap)))
    }

    async fn add_peer(&self, request: Request<v1::AddPeerRequest>) -> Answer<v1::AddPeerResponse> {
        let (peers, node, request) = (Arc::clone(&self.parts.peers), self.node(), request.into_inner());
        let added = blocking(move || Ok(add_peer(&peers, node.store(), &request))).await?;
        let peer = added.map_err(|error| self.refuse(&error))?;
        Ok(Response::new(v1::AddPeerResponse { peer: Some(peer) }))
    }

    async fn list_peers(&self, _: Request<v1::ListPeersRequest>) -> Answer<v1::ListPeersResponse> {
        let peers = peer_messages(
            &self.parts.peers,
            &self.parts.followers.states(),
            &self.parts.gossiping.log_states(),
        );
        Ok(Response::new(v1::ListPeersResponse { peers }))
    }

    async fn remove_peer(&self, request: Request<v1::RemovePeerRequest>) -> Answer<v1::RemovePeerResponse> {
        let agency: AgencyId = request
            .into_inner()
            .agency
            .parse()
            .map_err(|_| ErrorCode::Malformed.to_status_about("agency"))?;
        let peers = Arc::clone(&self.parts.peers);
        let removed = blocking(move || Ok(peers.remove(&agency))).await?;
        if removed.map_err(|error| self.refuse(&error))? {
            Ok(Response::new(v1::RemovePeerResponse {}))
        } else {
            Err(ErrorCode::UnknownPeer.to_status())
        }
    }

    async fn list_keys(&self, request: Request<v1::ListKeysRequest>) -> Answer<v1::ListKeysResponse> {
        keys::list(&self.parts, request.get_ref()).await.map(Response::new)
    }

    async fn enter_key_events(
        &self,
        request: Request<v1::EnterKeyEventsRequest>,
    ) -> Answer<v1::EnterKeyEventsResponse> {
        let _permit = self.heavy_call()?;
        keys::enter(&self.parts, request.get_ref()).await.map(Response::new)
    }

    async fn reload_tls(&self, _: Request<v1::ReloadTlsRequest>) -> Answer<v1::ReloadTlsResponse> {
        Ok(Response::new(reloaded_message(self.parts.tls.reload().await)))
    }

    async fn put_crl(&self, request: Request<v1::PutCrlRequest>) -> Answer<v1::PutCrlResponse> {
        let request = request.into_inner();
        self.change_trust(move |trust| put_crl(trust, &request, now())).await
    }

    async fn add_authority(
        &self,
        request: Request<v1::AddAuthorityRequest>,
    ) -> Answer<v1::AddAuthorityResponse> {
        let request = request.into_inner();
        self.change_trust(move |trust| add_authority(trust, &request)).await
    }

    async fn retire_authority(
        &self,
        request: Request<v1::RetireAuthorityRequest>,
    ) -> Answer<v1::RetireAuthorityResponse> {
        let request = request.into_inner();
        self.change_trust(move |trust| retire_authority(trust, &request, now())).await
    }

    type WatchStream = ReceiverStream<Result<v1::WatchResponse, Status>>;

    async fn watch(&self, _: Request<v1::WatchRequest>) -> Answer<Self::WatchStream> {
        let (sender, receiver) = mpsc::channel(MESSAGES_AHEAD);
        let watching = tell_alarms(self.node(), sender);
        let stop = self.parts.stop.clone();
        tokio::spawn(async move { stop.run_until_cancelled(watching).await });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

/// Tells the alarms that stand, then each that is raised or ended, until nobody listens.
async fn tell_alarms(node: Arc<Node>, sender: mpsc::Sender<Result<v1::WatchResponse, Status>>) {
    let mut watching = node.alarms().watch();
    let mut told = std::collections::BTreeMap::new();
    loop {
        let standing = watching.borrow_and_update().clone();
        let ended =
            told.iter().filter(|(key, _)| !standing.contains_key(*key)).map(|(_, alarm)| (alarm, true));
        let raised =
            standing.iter().filter(|(key, _)| !told.contains_key(*key)).map(|(_, alarm)| (alarm, false));
        for (alarm, ended) in ended.chain(raised) {
            let message = v1::WatchResponse { alarm: Some(alarm_message(alarm)), ended };
            if sender.send(Ok(message)).await.is_err() {
                return;
            }
        }
        told = standing;
        tokio::select! {
            () = sender.closed() => return,
            changed = watching.changed() => if changed.is_err() { return },
        }
    }
}

fn alarm_message(alarm: &Alarm) -> v1::Alarm {
    v1::Alarm {
        code: alarm.key.code.to_owned(),
        origin: alarm.key.origin.clone(),
        agency: alarm.key.agency.clone(),
        since: alarm.since.unix_secs(),
        message: alarm.message.clone(),
    }
}

/// Records as messages, each under its limits.
fn pack(records: &[ListedRecord]) -> impl Iterator<Item = v1::ListRecordsResponse> + '_ {
    let mut rest = records;
    std::iter::from_fn(move || {
        let mut bytes = 0_usize;
        let mut fits = |record: &ListedRecord| {
            bytes =
                record.sections.iter().map(|(_, content)| content.len()).fold(bytes, usize::saturating_add);
            bytes <= SECTION_BYTES_PER_MESSAGE_MAX
        };
        let count =
            rest.iter().take(CHANGES_PER_MESSAGE_MAX).map_while(|record| fits(record).then_some(())).count();
        // One record alone is always within the limit, so that every message carries at least one.
        let (packed, left) = rest.split_at_checked(count.max(1))?;
        rest = left;
        Some(v1::ListRecordsResponse { records: packed.iter().map(v1::CurrentRecord::from).collect() })
    })
}
