//! Agencies, ports and strangers for the tests. Not here: any claim.

use std::fmt::Debug;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comity_ledger::AgencyId;
use comity_node::tls::{
    Accepted, AcceptedRole, AgencyTrust, Authority, Caps, CertificateFacts, Credential, PeerAuthority,
    PeerConnector, PeerListener, PeerTrust, Serial, TlsMaterial, Validity,
};
use rcgen::{
    CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    Issuer, KeyIdMethod, KeyPair, RevokedCertParams, SanType, SerialNumber,
};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::subscriber::DefaultGuard;

/// The time of every test, seconds since 1970.
pub(crate) const NOW: u64 = 1_800_000_000;
/// Longest a test waits for what must come; above the 5 s limits that some tests run into.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
struct FixedClock;

impl TimeProvider for FixedClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(at(NOW))
    }
}

pub(crate) fn clock() -> Arc<dyn TimeProvider> {
    Arc::new(FixedClock)
}

/// The time of every test.
pub(crate) fn now() -> UnixTime {
    at(NOW)
}

/// A certificate in DER.
pub(crate) fn leaf(credential: &Credential) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(credential.certificate_pem().as_bytes()).unwrap()
}

/// The number of a certificate.
pub(crate) fn serial(credential: &Credential) -> Serial {
    CertificateFacts::read(&leaf(credential)).unwrap().serial
}

pub(crate) fn at(secs: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(secs))
}

/// A validity given as seconds before and after [`NOW`].
pub(crate) fn valid(from: i64, to: i64) -> Validity {
    let secs = |offset| at(NOW.checked_add_signed(offset).unwrap());
    Validity::new(secs(from), secs(to)).unwrap()
}

pub(crate) fn now_valid() -> Validity {
    valid(-3_600, 3_600)
}

/// An agency with an authority of its own.
pub(crate) struct Agency {
    pub(crate) id: AgencyId,
    pub(crate) authority: Authority,
}

impl Agency {
    pub(crate) fn new(id: &str) -> Self {
        Self::with_validity(id, now_valid())
    }

    pub(crate) fn with_validity(id: &str, validity: Validity) -> Self {
        let id: AgencyId = id.parse().unwrap();
        let authority = Authority::generate(&id, validity).unwrap();
        Self { id, authority }
    }

    pub(crate) fn peer_authority(&self) -> PeerAuthority {
        PeerAuthority::from_pem(self.authority.credential().certificate_pem()).unwrap()
    }

    pub(crate) fn trust(&self) -> AgencyTrust {
        AgencyTrust::new(vec![self.peer_authority()]).unwrap()
    }

    pub(crate) fn node(&self) -> Credential {
        self.authority.issue_node(now_valid()).unwrap()
    }

    pub(crate) fn operator(&self) -> Credential {
        self.authority.issue_operator(&"j.doe".parse().unwrap(), now_valid()).unwrap()
    }

    /// A revocation list of its authority: its number, and the serial numbers in it; made a minute ago, valid until so
    /// many seconds from now.
    pub(crate) fn crl(&self, number: u64, serials: &[Serial], next_update_secs: i64) -> Vec<u8> {
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        let at = |offset| epoch + Duration::from_secs(NOW.checked_add_signed(offset).unwrap());
        let revoked = |serial: &Serial| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial.as_be_bytes()),
            revocation_time: at(-60),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: at(next_update_secs.min(0) - 60),
            next_update: at(next_update_secs),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer()).unwrap().der().to_vec()
    }

    /// The key and name that sign for this authority, to issue what it never would.
    pub(crate) fn issuer(&self) -> Issuer<'static, KeyPair> {
        let own = self.authority.credential();
        Issuer::from_ca_cert_pem(own.certificate_pem(), KeyPair::from_pem(own.key_pem()).unwrap()).unwrap()
    }

    /// A leaf like that of the node, changed before this authority signs it.
    pub(crate) fn forge(&self, change: impl FnOnce(&mut CertificateParams)) -> Stranger {
        let mut params = node_params(&self.id);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer()).unwrap();
        Stranger::new(vec![leaf.der().clone()], &key.serialize_pem())
    }
}

pub(crate) fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

pub(crate) fn node_params(agency: &AgencyId) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, agency.as_str());
    params.subject_alt_names = vec![uri(&format!("spiffe://{agency}/node"))];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(NOW - 60);
    params.not_after = epoch + Duration::from_secs(NOW + 60);
    params
}

pub(crate) fn material(credential: &Credential) -> TlsMaterial {
    TlsMaterial::from_pem(credential.certificate_pem().as_bytes(), credential.key_pem().as_bytes()).unwrap()
}

/// A register that trusts these agencies.
pub(crate) fn trust(agencies: &[&Agency]) -> PeerTrust {
    let trust = PeerTrust::new();
    for agency in agencies {
        trust.insert(agency.id.clone(), agency.trust());
    }
    trust
}

pub(crate) fn connector(from: &Credential, trusting: &PeerTrust, to: &Agency) -> PeerConnector {
    PeerConnector::new(&material(from), trusting.clone(), to.id.clone(), clock()).unwrap()
}

/// A port on loopback with its log, both gone when dropped.
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    pub(crate) accepted: Accepted,
    log: Arc<Mutex<Vec<u8>>>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: DropGuard,
    _logging: DefaultGuard,
}

impl Port {
    /// The peer port of `home`.
    pub(crate) async fn peers(home: &Agency, trust: &PeerTrust) -> Self {
        let accepts = AcceptedRole::Nodes { except: Some(home.id.clone()) };
        Self::open(&home.node(), trust, accepts, Caps::PEER_PORT).await
    }

    /// The admin port of `home`.
    pub(crate) async fn admin(home: &Agency, trust: &PeerTrust) -> Self {
        let accepts = AcceptedRole::Operators { of: home.id.clone() };
        Self::open(&home.node(), trust, accepts, Caps::ADMIN_PORT).await
    }

    pub(crate) async fn open(
        node: &Credential,
        trust: &PeerTrust,
        accepts: AcceptedRole,
        caps: Caps,
    ) -> Self {
        Self::open_with(&material(node), trust, accepts, caps).await
    }

    /// The same with what is presented in the caller's hands.
    pub(crate) async fn open_with(
        node: &TlsMaterial,
        trust: &PeerTrust,
        accepts: AcceptedRole,
        caps: Caps,
    ) -> Self {
        let loopback = (Ipv4Addr::LOCALHOST, 0).into();
        let (log, logging) = LogWriter::begin();
        let bind = PeerListener::bind(loopback, node, trust.clone(), accepts, caps, clock());
        let listener = bind.await.unwrap();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        Self {
            address: listener.local_addr().unwrap(),
            accepted: listener.start(&tasks, stop.clone()),
            log,
            tasks,
            stop: stop.drop_guard(),
            _logging: logging,
        }
    }

    /// Waits for a refusal and says its reason. Fails if there were several lines, or anything but the address
    /// and the reason in them.
    pub(crate) async fn refusal(&self) -> String {
        let line = within(async {
            loop {
                let text = String::from_utf8(self.log.lock().unwrap().clone()).unwrap();
                if let Some(line) = text.strip_suffix('\n') {
                    return line.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
        self.log.lock().unwrap().clear();
        assert!(!line.contains('\n'), "one line for one refusal:\n{line}");
        let (head, fields) = line.split_once("connection refused remote=127.0.0.1:").expect(&line);
        assert!(head.contains(" WARN "), "{line}");
        let (_, reason) = fields.split_once(" reason=\"").expect(&line);
        reason.strip_suffix('"').expect(&line).to_owned()
    }

    /// Checks that this stranger is handed on, and nothing is logged.
    pub(crate) async fn accepts(&mut self, stranger: &Stranger) {
        let (_, connection) =
            tokio::join!(stranger.call(self.address), async { within(self.accepted.next()).await.is_some() });
        assert!(connection);
        assert_eq!(self.log(), "");
    }

    /// Checks that this stranger is refused for this reason and never handed on.
    pub(crate) async fn refuses(&mut self, stranger: &Stranger, reason: &str) {
        let outcome = stranger.call(self.address).await;
        assert_eq!(self.refusal().await, reason, "{outcome:?}");
        assert!(outcome.is_err(), "the stranger was served");
        let next = tokio::time::timeout(Duration::from_millis(20), self.accepted.next()).await;
        assert!(next.is_err(), "a refused connection was handed on");
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8(self.log.lock().unwrap().clone()).unwrap()
    }
}

struct LogWriter(Arc<Mutex<Vec<u8>>>);

impl LogWriter {
    /// Catches the log of this thread until the guard is dropped.
    fn begin() -> (Arc<Mutex<Vec<u8>>>, DefaultGuard) {
        let log = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&log);
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || Self(Arc::clone(&writer)))
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Fails the test when something does not come in time.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("waited in vain")
}

/// A client that trusts any server and presents what it likes.
pub(crate) struct Stranger {
    chain: Vec<CertificateDer<'static>>,
    key: Option<PrivateKeyDer<'static>>,
    alpn: Vec<Vec<u8>>,
}

impl Stranger {
    pub(crate) fn new(chain: Vec<CertificateDer<'static>>, key_pem: &str) -> Self {
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).unwrap();
        Self { chain, key: Some(key), alpn: vec![b"h2".to_vec()] }
    }

    /// One with a certificate as an agency issues it.
    pub(crate) fn with(credential: &Credential) -> Self {
        let leaf = CertificateDer::from_pem_slice(credential.certificate_pem().as_bytes()).unwrap();
        Self::new(vec![leaf], credential.key_pem())
    }

    /// One without a certificate.
    pub(crate) fn nameless() -> Self {
        Self { chain: Vec::new(), key: None, alpn: vec![b"h2".to_vec()] }
    }

    pub(crate) fn alpn(mut self, protocols: &[&str]) -> Self {
        self.alpn = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        self
    }

    pub(crate) fn also_sends(mut self, certificate: &CertificateDer<'static>) -> Self {
        self.chain.push(certificate.clone());
        self
    }

    /// As PEM-less DER: the chain and the key, for a server of the test's own.
    pub(crate) fn parts(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (self.chain.clone(), self.key.as_ref().unwrap().clone_key())
    }

    pub(crate) fn config(&self, resumption: Resumption) -> ClientConfig {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_details(Arc::clone(&provider), clock())
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyServer(provider)));
        let mut config = match &self.key {
            Some(key) => {
                // Unchecked: a stranger may show a certificate whose key it does not have.
                let key = ring::default_provider().key_provider.load_private_key(key.clone_key()).unwrap();
                let pair = SingleCertAndKey::from(CertifiedKey::new(self.chain.clone(), key));
                builder.with_client_cert_resolver(Arc::new(pair))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&self.alpn);
        config.resumption = resumption;
        config
    }

    /// Calls, and waits for the first byte of the server: in TLS 1.3 a refusal shows only there.
    pub(crate) async fn call(&self, address: SocketAddr) -> io::Result<()> {
        let mut stream = dial(self.config(Resumption::disabled()), address).await?;
        within(stream.read_u8()).await.map(drop)
    }
}

pub(crate) async fn dial(config: ClientConfig, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::IpAddress(address.ip().into());
    within(TlsConnector::from(Arc::new(config)).connect(name, tcp)).await
}

/// The verifier of an attacker, who does not care whom it talks to.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
