//! Servers that are not whom we called: the connector refuses each for its own reason.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use comity_node::tls::{ConnectError, PeerTrust, Refusal};
use rcgen::ExtendedKeyUsagePurpose;
use rustls::ServerConfig;
use rustls::crypto::ring;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::{Agency, NOW, Stranger, clock, connector, trust, uri};

/// A TLS server that presents what it likes and asks nobody for anything.
async fn server(presents: &Stranger, alpn: &[&str]) -> SocketAddr {
    let (chain, key) = presents.parts();
    let mut config = ServerConfig::builder_with_details(Arc::new(ring::default_provider()), clock())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(10)).await;
                    drop(stream);
                });
            }
        }
    });
    address
}

async fn call(address: SocketAddr, to: &Agency, trusting: &PeerTrust) -> Result<(), Refusal> {
    let own = Agency::new("a.example");
    match connector(&own.node(), trusting, to).connect("127.0.0.1", address.port()).await {
        Ok(_) => Ok(()),
        Err(ConnectError::Refused { source }) => Err(source),
        Err(other) => panic!("{other:?}"),
    }
}

/// B is called; what answers is made by `forge`.
async fn check(forge: impl FnOnce(&Agency) -> Stranger, expect: Result<(), Refusal>) {
    let (b, c) = (Agency::new("b.example"), Agency::new("c.example"));
    let address = server(&forge(&b), &["h2"]).await;
    assert_eq!(call(address, &b, &trust(&[&b, &c])).await, expect);
}

#[tokio::test]
async fn the_agency_that_was_called_is_taken() {
    check(|b| b.forge(|_| {}), Ok(())).await;
}

#[tokio::test]
async fn another_agency_at_the_address_is_refused() {
    check(|_| Stranger::with(&Agency::new("c.example").node()), Err(Refusal::WrongAgency)).await;
}

#[tokio::test]
async fn another_authority_of_the_same_name_is_refused() {
    check(|_| Stranger::with(&Agency::new("b.example").node()), Err(Refusal::WrongIssuer)).await;
}

#[tokio::test]
async fn the_authority_of_another_member_cannot_answer_for_the_called_one() {
    let (b, c) = (Agency::new("b.example"), Agency::new("c.example"));
    let minted = c.forge(|leaf| leaf.subject_alt_names = vec![uri("spiffe://b.example/node")]);
    let address = server(&minted, &["h2"]).await;
    assert_eq!(call(address, &b, &trust(&[&b, &c])).await, Err(Refusal::WrongIssuer));
}

#[tokio::test]
async fn an_operator_cannot_pose_as_a_node() {
    check(|b| Stranger::with(&b.operator()), Err(Refusal::RoleNotAllowed)).await;
}

#[tokio::test]
async fn a_certificate_for_clients_only_cannot_answer() {
    let client = vec![ExtendedKeyUsagePurpose::ClientAuth];
    check(|b| b.forge(|leaf| leaf.extended_key_usages = client), Err(Refusal::WrongUsage)).await;
}

#[tokio::test]
async fn an_expired_server_is_refused() {
    let ended = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(NOW - 1);
    check(|b| b.forge(|leaf| leaf.not_after = ended), Err(Refusal::Expired)).await;
}

#[tokio::test]
async fn a_server_with_a_domain_name_only_is_refused() {
    let name = vec![rcgen::SanType::DnsName("b.example".try_into().unwrap())];
    check(|b| b.forge(|leaf| leaf.subject_alt_names = name), Err(Refusal::BadName)).await;
}

#[tokio::test]
async fn a_server_that_does_not_speak_http_2_is_refused() {
    let b = Agency::new("b.example");
    let address = server(&b.forge(|_| {}), &[]).await;
    assert_eq!(call(address, &b, &trust(&[&b])).await, Err(Refusal::NoAlpn));
    let address = server(&b.forge(|_| {}), &["http/1.1"]).await;
    assert_eq!(call(address, &b, &trust(&[&b])).await, Err(Refusal::RefusedByPeer));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let b = Agency::new("b.example");
    let address = listener.local_addr().unwrap();
    assert_eq!(call(address, &b, &trust(&[&b])).await, Err(Refusal::Timeout));
}

#[tokio::test]
async fn a_closed_port_is_no_refusal() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let connector = connector(&a.node(), &trust(&[&b]), &b);
    assert!(matches!(connector.connect("127.0.0.1", port).await, Err(ConnectError::Dial { .. })));
}
