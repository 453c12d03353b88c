//! Callers that speak another protocol, version or pace: refused, whoever they are.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use comity_node::tls::Credential;
use rustls::client::{ClientSessionMemoryCache, ClientSessionStore, Resumption};
use rustls::pki_types::ServerName;
use rustls::{HandshakeKind, NamedGroup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Agency, Port, Stranger, dial, trust, within};

async fn a_and_b() -> (Port, Agency) {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    (Port::peers(&a, &trust(&[&b])).await, b)
}

#[tokio::test]
async fn a_caller_without_alpn_is_refused() {
    let (mut port, b) = a_and_b().await;
    port.refuses(&Stranger::with(&b.node()).alpn(&[]), "no_alpn").await;
}

#[tokio::test]
async fn a_caller_that_speaks_http_1_is_refused() {
    let (mut port, b) = a_and_b().await;
    port.refuses(&Stranger::with(&b.node()).alpn(&["http/1.1"]), "no_alpn").await;
}

#[tokio::test]
async fn plain_http_2_is_refused() {
    let (port, _) = a_and_b().await;
    let mut tcp = TcpStream::connect(port.address).await.unwrap();
    tcp.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    assert_eq!(port.refusal().await, "bad_handshake");
}

#[tokio::test]
async fn a_caller_that_leaves_early_is_noted() {
    let (port, _) = a_and_b().await;
    drop(TcpStream::connect(port.address).await.unwrap());
    assert_eq!(port.refusal().await, "closed_early");
}

/// What `openssl s_client` says of a port, or `None` where there is no openssl.
fn openssl(version: &'static str, port: u16, credential: &Credential) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("leaf.pem"), folder.path().join("leaf.key"));
    std::fs::write(&certificate, credential.certificate_pem()).unwrap();
    std::fs::write(&key, credential.key_pem()).unwrap();
    let mut child = Command::new("openssl")
        .args(["s_client", version, "-alpn", "h2", "-ign_eof", "-connect"])
        .arg(format!("127.0.0.1:{port}"))
        .arg("-cert")
        .arg(certificate)
        .arg("-key")
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take().unwrap().write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").ok();
    let output = child.wait_with_output().unwrap();
    Some(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[tokio::test]
async fn tls_1_2_is_refused_and_tls_1_3_of_the_same_client_is_not() {
    let (mut port, b) = a_and_b().await;
    let (number, node) = (port.address.port(), b.node());
    let old = tokio::task::spawn_blocking(move || openssl("-tls1_2", number, &node));
    let Some(said) = within(old).await.unwrap() else {
        eprintln!("skipped: tls_1_2_is_refused: no openssl on this machine");
        return;
    };
    assert_eq!(port.refusal().await, "protocol_version", "{said}");
    assert!(said.contains("alert protocol version"), "{said}");

    let node = b.node();
    let new = tokio::task::spawn_blocking(move || openssl("-tls1_3", number, &node));
    let mut connection = within(port.accepted.next()).await.unwrap();
    let mut preface = [0; 24];
    connection.read_exact(&mut preface).await.unwrap();
    assert!(preface.starts_with(b"PRI * HTTP/2.0"));
    connection.shutdown().await.unwrap();
    drop(connection);
    let said = within(new).await.unwrap().unwrap();
    assert!(said.contains("TLS_AES_256_GCM_SHA384") && said.contains("ALPN protocol: h2"), "{said}");
    assert!(!said.contains("New Session Ticket"), "{said}");
}

/// Counts the tickets that a server sends.
#[derive(Debug)]
struct TicketCount {
    tickets: AtomicUsize,
    inner: ClientSessionMemoryCache,
}

impl ClientSessionStore for TicketCount {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: NamedGroup) {
        self.inner.set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<NamedGroup> {
        self.inner.kx_hint(server_name)
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: rustls::client::Tls12ClientSessionValue) {
        panic!("a TLS 1.2 session");
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<rustls::client::Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(
        &self,
        server_name: ServerName<'static>,
        value: rustls::client::Tls13ClientSessionValue,
    ) {
        self.tickets.fetch_add(1, Ordering::Relaxed);
        self.inner.insert_tls13_ticket(server_name, value);
    }

    fn take_tls13_ticket(
        &self,
        server_name: &ServerName<'static>,
    ) -> Option<rustls::client::Tls13ClientSessionValue> {
        self.inner.take_tls13_ticket(server_name)
    }
}

#[tokio::test]
async fn no_ticket_is_sent_and_nothing_is_resumed() {
    let (mut port, b) = a_and_b().await;
    let store = Arc::new(TicketCount { tickets: 0.into(), inner: ClientSessionMemoryCache::new(8) });
    let shared: Arc<dyn ClientSessionStore> = Arc::<TicketCount>::clone(&store);
    let mut config = Stranger::with(&b.node()).config(Resumption::store(shared));
    config.enable_early_data = true;
    for _ in 0..2 {
        let mut stream = dial(config.clone(), port.address).await.unwrap();
        let mut connection = within(port.accepted.next()).await.unwrap();
        connection.write_all(b"x").await.unwrap();
        connection.flush().await.unwrap();
        // A ticket would come before the first byte.
        assert_eq!(within(stream.read_u8()).await.unwrap(), b'x');
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
        assert!(!stream.get_ref().1.is_early_data_accepted());
    }
    assert_eq!(store.tickets.load(Ordering::Relaxed), 0);
}
