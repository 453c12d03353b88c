//! One authority of an agency after another: both trusted in between, for that agency alone, and the old one never again.

use std::io::ErrorKind;

use comity_node::tls::{AuthorityId, Credential, CrlError, PeerAuthority, TrustError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::AsyncReadExt as _;

use crate::support::{Agency, Port, Stranger, connector, node_params, now, serial, trust, uri, within};

/// A stranger that sends its authority's certificate after its leaf, as nodes do.
fn with_chain(agency: &Agency, credential: &Credential) -> Stranger {
    let authority = CertificateDer::from(agency.peer_authority().der().to_vec());
    Stranger::with(credential).also_sends(&authority)
}

fn id(agency: &Agency) -> AuthorityId {
    agency.peer_authority().id()
}

#[tokio::test]
async fn a_further_authority_of_one_agency_cannot_vouch_for_another() {
    let (a, b, c) = (Agency::new("a.example"), Agency::new("b.example"), Agency::new("c.example"));
    let second = Agency::new("b.example");
    let register = trust(&[&b, &c]);
    register.add_authority(&b.id, second.peer_authority()).unwrap();
    let mut port = Port::peers(&a, &register).await;
    port.accepts(&Stranger::with(&second.node())).await;
    let minted = second.forge(|leaf| leaf.subject_alt_names = vec![uri("spiffe://c.example/node")]);
    port.refuses(&minted, "wrong_issuer").await;
    let sent = CertificateDer::from(second.peer_authority().der().to_vec());
    port.refuses(&minted.also_sends(&sent), "wrong_issuer").await;
    let refused = register.add_authority(&a.id, second.peer_authority()).unwrap_err();
    assert!(matches!(refused, TrustError::UnknownAgency), "{refused:?}");
}

#[tokio::test]
async fn a_retired_authority_is_refused_its_connections_are_cut_and_it_never_comes_back() {
    let (a, old, new) = (Agency::new("a.example"), Agency::new("b.example"), Agency::new("b.example"));
    let register = trust(&[&old]);
    register.add_authority(&old.id, new.peer_authority()).unwrap();
    let mut port = Port::peers(&a, &register).await;
    let mut held = Vec::new();
    for from in [&old, &new] {
        let connector = connector(&from.node(), &trust(&[&a]), &a);
        held.push(connector.connect("127.0.0.1", port.address.port()).await.unwrap());
    }
    let (mut first, mut second) =
        (within(port.accepted.next()).await.unwrap(), within(port.accepted.next()).await.unwrap());
    assert_eq!(register.retire_authority(&old.id, &id(&old), now()).unwrap(), 1);
    let cut = async {
        tokio::select! {
            ended = first.read_u8() => ended,
            ended = second.read_u8() => ended,
        }
    };
    assert_eq!(within(cut).await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
    assert!(port.log().contains("connection cut"));

    drop((first, second, held, port));
    let mut port = Port::peers(&a, &register).await;
    port.refuses(&Stranger::with(&old.node()), "wrong_issuer").await;
    port.refuses(&with_chain(&old, &old.node()), "wrong_issuer").await;
    port.accepts(&Stranger::with(&new.node())).await;
    for refused in [
        register.add_authority(&old.id, old.peer_authority()),
        register.announce_authority(&old.id, id(&old)),
    ] {
        assert!(matches!(refused, Err(TrustError::Retired { .. })), "{refused:?}");
    }
    port.refuses(&Stranger::with(&old.node()), "wrong_issuer").await;
    // Twice is no harm, and nobody is left when the last one is retired.
    assert_eq!(register.retire_authority(&old.id, &id(&old), now()).unwrap(), 0);
    register.retire_authority(&old.id, &id(&new), now()).unwrap();
    port.refuses(&Stranger::with(&new.node()), "wrong_issuer").await;
}

/// Goal: a log announces the hash of a key and nothing else; the certificate comes with the first handshake.
#[tokio::test]
async fn an_announced_authority_is_known_by_its_key_and_seen_with_its_first_leaf() {
    let (a, old, new) = (Agency::new("a.example"), Agency::new("b.example"), Agency::new("b.example"));
    let register = trust(&[&old]);
    let mut port = Port::peers(&a, &register).await;
    let (leaf, revoked) = (new.node(), new.node());
    port.refuses(&with_chain(&new, &leaf), "wrong_issuer").await;
    register.announce_authority(&old.id, id(&new)).unwrap();
    port.refuses(&Stranger::with(&leaf), "wrong_issuer").await;
    let unknown = register.put_crl(&old.id, &new.crl(1, &[], 60), now()).unwrap_err();
    assert!(matches!(unknown, CrlError::OtherIssuer), "nobody has seen its certificate: {unknown:?}");
    port.accepts(&with_chain(&new, &leaf)).await;
    port.accepts(&Stranger::with(&leaf)).await;
    register.put_crl(&old.id, &new.crl(1, &[serial(&revoked)], 60), now()).unwrap();
    port.refuses(&with_chain(&new, &revoked), "revoked").await;
    port.accepts(&Stranger::with(&leaf)).await;
    port.accepts(&Stranger::with(&old.node())).await;
}

/// Goal: an announcement opens the door to one key, and not to whoever sends a certificate beside its leaf.
#[tokio::test]
async fn a_certificate_that_comes_with_a_leaf_is_no_authority_unless_its_key_was_announced_and_signed_it() {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let (announced, stranger) = (Agency::new("b.example"), Agency::new("b.example"));
    let register = trust(&[&b]);
    register.announce_authority(&b.id, id(&announced)).unwrap();
    let mut port = Port::peers(&a, &register).await;
    port.refuses(&with_chain(&stranger, &stranger.node()), "wrong_issuer").await;
    port.refuses(&with_chain(&announced, &stranger.node()), "wrong_issuer").await;
    // The announced key in a certificate that another key signed.
    let forged = forged_for(&announced, &stranger);
    assert_eq!(PeerAuthority::from_der(&forged).unwrap().id(), id(&announced));
    port.refuses(&Stranger::with(&announced.node()).also_sends(&forged), "wrong_issuer").await;
    port.accepts(&with_chain(&announced, &announced.node())).await;
}

/// An authority's certificate for the key of one agency, signed by the key of another.
fn forged_for(of: &Agency, by: &Agency) -> CertificateDer<'static> {
    let mut params = node_params(&of.id);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    let key = rcgen::KeyPair::from_pem(of.authority.credential().key_pem()).unwrap();
    let forged = params.signed_by(&key, &by.issuer()).unwrap();
    CertificateDer::from_pem_slice(forged.pem().as_bytes()).unwrap()
}

#[tokio::test]
async fn an_agency_has_three_authorities_and_no_more() {
    let b = Agency::new("b.example");
    let others: Vec<Agency> = (0..3).map(|_| Agency::new("b.example")).collect();
    let register = trust(&[&b]);
    register.add_authority(&b.id, others[0].peer_authority()).unwrap();
    register.announce_authority(&b.id, id(&others[1])).unwrap();
    for refused in [
        register.add_authority(&b.id, others[2].peer_authority()),
        register.announce_authority(&b.id, id(&others[2])),
    ] {
        assert!(matches!(refused, Err(TrustError::AuthorityCount { count: 4 })), "{refused:?}");
    }
    // Those that are known again are no harm.
    register.add_authority(&b.id, others[0].peer_authority()).unwrap();
    register.add_authority(&b.id, others[1].peer_authority()).unwrap();
    register.announce_authority(&b.id, id(&b)).unwrap();
    register.retire_authority(&b.id, &id(&b), now()).unwrap();
    register.add_authority(&b.id, others[2].peer_authority()).unwrap();
}
