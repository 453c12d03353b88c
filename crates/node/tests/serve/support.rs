//! An agency whose node runs in this process, and changes about invented people. Not here: any claim.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use comity_node::tls::{AgencyTrust, PeerAuthority, PeerConnector, PeerTrust, TlsMaterial};
use comity_node::{Home, NewHome, NodeError, OpenHome, Serving, SystemEntropy, now, operator_channel};
use comity_tlog::EntryIndex;
use comity_watchlist::{
    Change, EntryRef, Handle, ListId, Name, NameKind, Op, Record, RecordKey, Reference, SubjectKind, Text,
};
use comity_wire::v1::admin_service_client::AdminServiceClient;
use comity_wire::{
    AppendHeader, AppendStep, DraftChange, ErrorCode, Guarded, HandlingChoice, ListBasis, admin_client,
    screening_client, v1,
};
use rustls::time_provider::DefaultTimeProvider;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

pub(crate) const AGENCY: &str = "agency-a.example";
pub(crate) const ORIGIN: &str = "agency-a.example/pub";
pub(crate) const LIST: &str = "invented-list";

pub(crate) type AdminClient = AdminServiceClient<Guarded<Channel>>;

/// A home in a temporary folder.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn make() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        make_home(&place.path(), AGENCY);
        place
    }

    /// A home with more in its configuration.
    pub(crate) fn make_with(table: &str) -> Self {
        let place = Self::make();
        let path = place.path().join("comity.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}\n{table}")).unwrap();
        place
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("a")
    }

    pub(crate) fn home(&self) -> Home {
        Home::find(&self.path()).unwrap()
    }

    /// Opens the home, at rest.
    pub(crate) async fn open(&self) -> OpenHome {
        let home = self.home();
        // A node that has just stopped may still be closing its store.
        let mut open = home.open();
        for _ in 0..100 {
            if open.is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            open = home.open();
        }
        open.unwrap()
    }

    /// Serves the home in this process.
    pub(crate) async fn serve(&self) -> Running {
        let home = self.home();
        let serving = Serving::bind(self.open().await).await.unwrap();
        let (admin, peers) = (serving.addresses().admin_addr, serving.addresses().peer_addr);
        let http = serving.addresses().http_addr;
        let stop = CancellationToken::new();
        let task = tokio::spawn(serving.run(stop.clone()));
        Running { home, admin, peers, http, stop, task }
    }
}

pub(crate) fn make_home(folder: &Path, agency: &str) {
    let new = NewHome {
        folder: folder.to_owned(),
        agency: agency.parse().unwrap(),
        name: "Invented Agency".to_owned(),
        listen: "127.0.0.1:0".to_owned(),
        admin: "127.0.0.1:0".to_owned(),
    };
    new.create(now(), &mut SystemEntropy::new()).unwrap();
}

/// A node that runs.
pub(crate) struct Running {
    pub(crate) home: Home,
    pub(crate) admin: std::net::SocketAddr,
    pub(crate) peers: std::net::SocketAddr,
    pub(crate) http: Option<std::net::SocketAddr>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), NodeError>>,
}

impl Running {
    pub(crate) async fn channel(&self) -> Channel {
        operator_channel(&self.home, self.admin).await.unwrap()
    }

    pub(crate) async fn operator(&self) -> AdminClient {
        admin_client(self.channel().await)
    }

    pub(crate) async fn screen(&self, name: &str) -> v1::ScreenResponse {
        let query = v1::screen_request::Query::Name(name.to_owned());
        let mut client = screening_client(self.channel().await);
        client.screen(v1::ScreenRequest { query: Some(query) }).await.unwrap().into_inner()
    }

    pub(crate) async fn size(&self) -> u64 {
        let logs = self.operator().await.list_logs(v1::ListLogsRequest {}).await.unwrap().into_inner().logs;
        logs[0].head.as_ref().unwrap().size
    }

    pub(crate) async fn stop(self) -> Result<(), NodeError> {
        self.stop.cancel();
        self.task.await.unwrap()
    }
}

/// A channel with a certificate and a trust of the caller's choice, to whatever listens there.
pub(crate) async fn channel_as(
    certificate_of: &Path,
    certificate: &str,
    trust_of: &Path,
    to: std::net::SocketAddr,
) -> Result<Channel, tonic::transport::Error> {
    let file = |name: &str| certificate_of.join("keys").join(name);
    let material =
        TlsMaterial::load(&file(&format!("{certificate}.pem")), &file(&format!("{certificate}.key")))
            .unwrap();
    let ca = std::fs::read_to_string(trust_of.join("keys/tls-ca.pem")).unwrap();
    let trust = PeerTrust::new();
    let authority = PeerAuthority::from_pem(&ca).unwrap();
    trust.insert(AGENCY.parse().unwrap(), AgencyTrust::new(vec![authority]).unwrap());
    let time = Arc::new(DefaultTimeProvider);
    let connector = PeerConnector::new(&material, trust, AGENCY.parse().unwrap(), time).unwrap();
    Endpoint::try_from(format!("http://{to}")).unwrap().connect_with_connector(connector).await
}

pub(crate) fn handle(n: u8) -> Handle {
    Handle::new([n; 16])
}

pub(crate) fn record(reference: &str, name: &str) -> Box<Record> {
    let key = RecordKey::new(ListId::parse(LIST).unwrap(), Reference::parse(reference).unwrap());
    let mut record = Record::new(key, SubjectKind::Person);
    record.names.push(Name::new(NameKind::Primary, Text::new(name).unwrap()));
    Box::new(record)
}

pub(crate) fn lists(n: u8, reference: &str, name: &str) -> DraftChange {
    let op = Op::List { record: record(reference, name) };
    DraftChange::new(None, Change { handle: handle(n), op }.encode().unwrap()).unwrap()
}

pub(crate) fn amends(n: u8, reference: &str, name: &str, about: u64, prev: EntryRef) -> DraftChange {
    let op = Op::Amend { prev, paths: Vec::new(), record: record(reference, name) };
    let sections = Change { handle: handle(n), op }.encode().unwrap();
    DraftChange::new(Some(EntryIndex::new(about).unwrap()), sections).unwrap()
}

/// Gives a record another reference.
pub(crate) fn rekeys(n: u8, from: &str, to: &str, about: u64, prev: EntryRef) -> DraftChange {
    let notice = comity_watchlist::Notice::new(record(from, "Nobody").key);
    let op = Op::Rekey { prev, to: record(to, "Nobody").key, notice: Box::new(notice) };
    let sections = Change { handle: handle(n), op }.encode().unwrap();
    DraftChange::new(Some(EntryIndex::new(about).unwrap()), sections).unwrap()
}

/// The messages of an append.
pub(crate) fn append_of(changes: &[DraftChange]) -> Vec<v1::AppendRequest> {
    append_over(changes, None)
}

/// The messages of an append that was found by comparing with a list.
pub(crate) fn append_over(changes: &[DraftChange], basis: Option<ListBasis>) -> Vec<v1::AppendRequest> {
    let count = u64::try_from(changes.len()).unwrap();
    let header = AppendHeader::new(count, HandlingChoice::OfficialList).unwrap().over(basis);
    std::iter::once(v1::AppendRequest::from(header)).chain(AppendStep::pack(changes)).collect()
}

pub(crate) async fn append(
    client: &mut AdminClient,
    changes: &[DraftChange],
) -> Result<v1::AppendResponse, ErrorCode> {
    send(client, append_of(changes)).await
}

/// Hands over the messages of an append.
pub(crate) async fn send(
    client: &mut AdminClient,
    messages: Vec<v1::AppendRequest>,
) -> Result<v1::AppendResponse, ErrorCode> {
    let answer = client.append(tokio_stream::iter(messages)).await;
    answer.map(tonic::Response::into_inner).map_err(|status| ErrorCode::from_status(&status))
}

pub(crate) async fn records(client: &mut AdminClient) -> Vec<v1::CurrentRecord> {
    let request = v1::ListRecordsRequest { list: LIST.to_owned(), origin: String::new() };
    let mut stream = client.list_records(request).await.unwrap().into_inner();
    let mut records = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        records.extend(message.records);
    }
    records
}
