//! The running node, asked over its admin port with the operator's certificate.

use std::net::SocketAddr;

use comity_feeds::out::OutFormat;
use comity_ledger::{AgencyId, Origin};
use comity_node::{Appended, Exported, Home, KeyList, NodeError, TakeFile, operator_channel};
use comity_tlog::EntryIndex;
use comity_watchlist::{GoodsScheme, Handle, ListId};
use comity_wire::v1::admin_service_client::AdminServiceClient;
use comity_wire::v1::screening_service_client::ScreeningServiceClient;
use comity_wire::{
    AppendHeader, AppendStep, DraftChange, ErrorCode, FilePart, Guarded, HandlingChoice, InvalidMessage,
    ListBasis, ListedRecord, ScreenQuery, admin_client, screening_client, v1,
};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::{Progress, head_of};
use crate::answer::Refusal;

/// Messages of an append made ahead of what the node takes; each has about 1 MiB.
const MESSAGES_AHEAD: usize = 2;

/// Most records that a listing may hold: far more than any official list, and it bounds what an answer can cost.
const RECORDS_MAX: usize = 1 << 20;

/// A connection to the node.
pub(crate) struct Remote {
    home: Home,
    runtime: Runtime,
    admin: AdminServiceClient<Guarded<Channel>>,
    screening: ScreeningServiceClient<Guarded<Channel>>,
}

impl Remote {
    pub(crate) fn connect(home: Home, address: SocketAddr) -> Result<Self, NodeError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| NodeError::Thread { source })?;
        let channel = runtime.block_on(operator_channel(&home, address))?;
        let (admin, screening) = (admin_client(channel.clone()), screening_client(channel));
        Ok(Self { home, runtime, admin, screening })
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    pub(super) fn status(&mut self) -> Result<v1::StatusResponse, Refusal> {
        let answer = self.runtime.block_on(self.admin.status(v1::StatusRequest {}));
        Ok(answer.map_err(|status| refused(&status))?.into_inner())
    }

    pub(super) fn logs(&mut self) -> Result<Vec<v1::Log>, Refusal> {
        let answer = self.runtime.block_on(self.admin.list_logs(v1::ListLogsRequest {}));
        Ok(answer.map_err(|status| refused(&status))?.into_inner().logs)
    }

    pub(super) fn entry(
        &mut self,
        origin: &Origin,
        index: u64,
    ) -> Result<Option<v1::ReadEntryResponse>, Refusal> {
        let request = v1::ReadEntryRequest { origin: origin.to_string(), index };
        match self.runtime.block_on(self.admin.read_entry(request)) {
            Ok(answer) => Ok(Some(answer.into_inner())),
            Err(status) if ErrorCode::from_status(&status) == ErrorCode::NotFound => Ok(None),
            Err(status) => Err(refused(&status)),
        }
    }

    pub(super) fn export(&mut self, origin: &Origin, take: &mut TakeFile<'_>) -> Result<(), Refusal> {
        let request = v1::ExportLogRequest { origin: origin.to_string() };
        let Self { runtime, admin, .. } = self;
        runtime.block_on(async {
            let answer = admin.export_log(request).await.map_err(|status| refused(&status))?;
            take_files(answer.into_inner(), |message| message.part, take).await
        })
    }

    pub(super) fn export_records(
        &mut self,
        origin: &Origin,
        list: Option<&ListId>,
        format: OutFormat,
        take: &mut TakeFile<'_>,
    ) -> Result<Exported, Refusal> {
        use v1::export_records_response::Step;
        let format = match format {
            OutFormat::Stix => v1::OutFormat::Stix,
            OutFormat::Ftm => v1::OutFormat::Ftm,
            OutFormat::Csv => v1::OutFormat::Csv,
            OutFormat::Misp => v1::OutFormat::Misp,
        };
        let list = list.map(|list| list.as_str().to_owned()).unwrap_or_default();
        let request = v1::ExportRecordsRequest { origin: origin.to_string(), list, format: format.into() };
        let Self { runtime, admin, .. } = self;
        runtime.block_on(async {
            let answer = admin.export_records(request).await.map_err(|status| refused(&status))?;
            let mut stream = answer.into_inner();
            while let Some(message) = stream.message().await.map_err(|status| refused(&status))? {
                match message.step {
                    Some(Step::Part(part)) => {
                        let part = FilePart::try_from(part).map_err(|error| unread(&error))?;
                        take(part.path().as_str(), part.content())?;
                    }
                    Some(Step::Done(done)) => {
                        let (records, left_out) = (done.records, done.left_out);
                        return Ok(Exported { head: head_of(done.head)?, records, left_out });
                    }
                    None => return Err(Refusal::new("malformed", "the node sent no file")),
                }
            }
            Err(Refusal::new("unreachable", "the running node ended before the export was whole"))
        })
    }

    pub(super) fn bundle(&mut self, take: &mut TakeFile<'_>) -> Result<(), Refusal> {
        let Self { runtime, admin, .. } = self;
        runtime.block_on(async {
            let answer = admin.bundle(v1::BundleRequest {}).await.map_err(|status| refused(&status))?;
            take_files(answer.into_inner(), |message| message.part, take).await
        })
    }

    pub(super) fn backup(&mut self, keyring: bool, take: &mut TakeFile<'_>) -> Result<(), Refusal> {
        let Self { runtime, admin, .. } = self;
        runtime.block_on(async {
            let answer = admin.backup(v1::BackupRequest { keyring }).await;
            let answer = answer.map_err(|status| refused(&status))?;
            take_files(answer.into_inner(), |message| message.part, take).await
        })
    }

    pub(super) fn records(&mut self, origin: &Origin, list: &ListId) -> Result<Vec<ListedRecord>, Refusal> {
        let request = v1::ListRecordsRequest { list: list.as_str().to_owned(), origin: origin.to_string() };
        let Self { runtime, admin, .. } = self;
        runtime.block_on(async {
            let answer = admin.list_records(request).await.map_err(|status| refused(&status))?;
            let mut stream = answer.into_inner();
            let mut records = Vec::new();
            while let Some(message) = stream.message().await.map_err(|status| refused(&status))? {
                if records.len().saturating_add(message.records.len()) > RECORDS_MAX {
                    return Err(Refusal::new("too_large", "the list has more records than can be held"));
                }
                for record in message.records {
                    records.push(ListedRecord::try_from(record).map_err(|error| unread(&error))?);
                }
            }
            Ok(records)
        })
    }

    pub(super) fn statements(
        &mut self,
        origin: &Origin,
        handle: Handle,
    ) -> Result<v1::ListStatementsResponse, Refusal> {
        let handle = handle.as_bytes().to_vec().into();
        let request = v1::ListStatementsRequest { origin: origin.to_string(), handle };
        let answer = self.runtime.block_on(self.admin.list_statements(request));
        answer.map(tonic::Response::into_inner).map_err(|status| refused(&status))
    }

    pub(super) fn vocabularies(
        &mut self,
        scheme: Option<GoodsScheme>,
        origin: Option<&Origin>,
    ) -> Result<v1::ListVocabulariesResponse, Refusal> {
        let request = v1::ListVocabulariesRequest {
            scheme: scheme.map(|scheme| scheme.to_string()).unwrap_or_default(),
            origin: origin.map(ToString::to_string).unwrap_or_default(),
        };
        let answer = self.runtime.block_on(self.admin.list_vocabularies(request));
        answer.map(tonic::Response::into_inner).map_err(|status| refused(&status))
    }

    pub(super) fn append(
        &mut self,
        changes: &[DraftChange],
        (handling, label_anew): (HandlingChoice, bool),
        basis: Option<&ListBasis>,
        progress: Progress<'_>,
    ) -> Result<Appended, Refusal> {
        let count = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        let header = AppendHeader::new(count, handling).ok_or_else(|| {
            let max = comity_wire::APPEND_CHANGES_MAX;
            Refusal::new("too_large", format!("{count} changes are more than one append takes ({max})"))
        })?;
        let header = header.over(basis.cloned()).labelled(label_anew);
        let messages = AppendStep::pack(changes);
        let (sender, receiver) = mpsc::channel(MESSAGES_AHEAD);
        let Self { runtime, admin, .. } = self;
        let answer = runtime.block_on(async {
            let send = async {
                let mut sent = 0;
                for message in std::iter::once(v1::AppendRequest::from(header)).chain(messages) {
                    let more = match &message.step {
                        Some(v1::append_request::Step::Changes(packed)) => packed.changes.len(),
                        _ => 0,
                    };
                    // If the node ended the call early, its answer says why.
                    if sender.send(message).await.is_err() {
                        break;
                    }
                    sent += more;
                    progress(sent, changes.len());
                }
                drop(sender);
            };
            tokio::join!(admin.append(ReceiverStream::new(receiver)), send).0
        });
        let v1::AppendResponse { first, last, head } =
            answer.map_err(|status| refused(&status))?.into_inner();
        let place = |index| EntryIndex::new(index).map_err(|_| Refusal::new("malformed", "no such place"));
        Ok(Appended { first: place(first)?, last: place(last)?, head: head_of(head)? })
    }

    pub(super) fn add_peer(&mut self, request: v1::AddPeerRequest) -> Result<v1::Peer, Refusal> {
        let answer = self.runtime.block_on(self.admin.add_peer(request));
        let peer = answer.map_err(|status| refused(&status))?.into_inner().peer;
        peer.ok_or_else(|| Refusal::new("malformed", "the node's answer names no peer"))
    }

    pub(super) fn peers(&mut self) -> Result<Vec<v1::Peer>, Refusal> {
        let answer = self.runtime.block_on(self.admin.list_peers(v1::ListPeersRequest {}));
        Ok(answer.map_err(|status| refused(&status))?.into_inner().peers)
    }

    pub(super) fn remove_peer(&mut self, agency: &AgencyId) -> Result<(), Refusal> {
        let request = v1::RemovePeerRequest { agency: agency.to_string() };
        let answer = self.runtime.block_on(self.admin.remove_peer(request));
        answer.map(drop).map_err(|status| refused(&status))
    }

    pub(super) fn keys(&mut self, asked: Option<u64>) -> Result<KeyList, Refusal> {
        let request = v1::ListKeysRequest { checkpoint_size: asked };
        let answer = self.runtime.block_on(self.admin.list_keys(request));
        let list = answer.map_err(|status| refused(&status))?.into_inner();
        KeyList::try_from(list).map_err(|error| unread(&error))
    }

    pub(super) fn enter_key_events(
        &mut self,
        request: v1::EnterKeyEventsRequest,
    ) -> Result<v1::EnterKeyEventsResponse, Refusal> {
        let answer = self.runtime.block_on(self.admin.enter_key_events(request));
        answer.map(tonic::Response::into_inner).map_err(|status| refused(&status))
    }

    pub(super) fn put_crl(&mut self, request: v1::PutCrlRequest) -> Result<v1::PutCrlResponse, Refusal> {
        let answer = self.runtime.block_on(self.admin.put_crl(request));
        answer.map(tonic::Response::into_inner).map_err(|status| refused(&status))
    }

    pub(super) fn add_authority(
        &mut self,
        request: v1::AddAuthorityRequest,
    ) -> Result<v1::AddAuthorityResponse, Refusal> {
        let answer = self.runtime.block_on(self.admin.add_authority(request));
        answer.map(tonic::Response::into_inner).map_err(|status| refused(&status))
    }

    pub(super) fn retire_authority(
        &mut self,
        request: v1::RetireAuthorityRequest,
    ) -> Result<v1::RetireAuthorityResponse, Refusal> {
        let answer = self.runtime.block_on(self.admin.retire_authority(request));
        answer.map(tonic::Response::into_inner).map_err(|status| refused(&status))
    }

    /// Has the node read its certificates and revocation lists again.
    pub(crate) fn reload_tls(&mut self) -> Result<v1::ReloadTlsResponse, Refusal> {
        let answer = self.runtime.block_on(self.admin.reload_tls(v1::ReloadTlsRequest {}));
        answer.map(tonic::Response::into_inner).map_err(|status| refused(&status))
    }

    pub(super) fn screen(&mut self, query: &ScreenQuery) -> Result<v1::ScreenResponse, Refusal> {
        let answer = self.runtime.block_on(self.screening.screen(v1::ScreenRequest::from(query)));
        answer.map(tonic::Response::into_inner).map_err(|status| refused(&status))
    }
}

impl Remote {
    /// Hands each alarm over as it is raised or ends, until the node ends, or `tell` hears no more.
    pub(crate) fn watch(&mut self, tell: &dyn Fn(&v1::Alarm, bool) -> bool) -> Result<(), Refusal> {
        let Self { runtime, admin, .. } = self;
        runtime.block_on(async {
            let answer = admin.watch(v1::WatchRequest {}).await.map_err(|status| refused(&status))?;
            let mut stream = answer.into_inner();
            while let Some(message) = stream.message().await.map_err(|status| refused(&status))? {
                if let Some(alarm) = &message.alarm
                    && !tell(alarm, message.ended)
                {
                    break;
                }
            }
            Ok(())
        })
    }
}

/// Takes the pieces of an export; their paths are checked, since they become files here.
async fn take_files<T>(
    mut stream: Streaming<T>,
    part: fn(T) -> Option<v1::FilePart>,
    take: &mut TakeFile<'_>,
) -> Result<(), Refusal> {
    while let Some(message) = stream.message().await.map_err(|status| refused(&status))? {
        let part = part(message).ok_or_else(|| Refusal::new("malformed", "the node sent no file"))?;
        let part = FilePart::try_from(part).map_err(|error| unread(&error))?;
        take(part.path().as_str(), part.content())?;
    }
    Ok(())
}

fn refused(status: &Status) -> Refusal {
    let code = ErrorCode::from_status(status);
    if code == ErrorCode::Unreachable {
        let message = "the running node ended before it answered; what it was to change is changed whole or not at \
                       all, and may be asked for again (`comity status` tells how the home stands)";
        return Refusal::new(code.reason(), message);
    }
    let field = status.message().split_once(": ").filter(|_| status.message().starts_with(code.reason()));
    let about = field.map(|(_, field)| format!(" ({field})")).unwrap_or_default();
    // The word that a home without a node has for it, too.
    let word = if code == ErrorCode::UnknownOrigin { "no_such_log" } else { code.reason() };
    Refusal::new(word, format!("the node answers: {}{about}", code.meaning()))
}

fn unread(error: &InvalidMessage) -> Refusal {
    Refusal::new("malformed", format!("the node's answer: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_went_away_is_not_said_to_have_answered() {
        let gone = refused(&Status::unavailable("broken pipe"));
        assert_eq!(gone.code, "unreachable");
        assert!(!gone.message.contains("answers") && gone.message.contains("comity status"), "{gone:?}");
        let answered = refused(&ErrorCode::Stopping.to_status());
        assert_eq!((answered.code, answered.message.contains("answers")), ("stopping", true));
    }
}
