//! Trust that changes while the port is open: agencies come and go, authorities succeed each other.

use comity_node::tls::{AgencyTrust, PeerAuthority, TrustError};
use rcgen::{KeyPair, PKCS_ED25519};

use crate::support::{Agency, Port, Stranger, connector, node_params, trust};

#[tokio::test]
async fn an_agency_added_or_removed_while_running_counts_from_the_next_handshake() {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let register = trust(&[]);
    let mut port = Port::peers(&a, &register).await;
    let stranger = Stranger::with(&b.node());
    port.refuses(&stranger, "unknown_agency").await;
    register.insert(b.id.clone(), b.trust());
    port.accepts(&stranger).await;
    assert!(register.remove(&b.id) && !register.contains(&b.id));
    port.refuses(&stranger, "unknown_agency").await;
}

#[tokio::test]
async fn a_connector_forgets_a_removed_agency_too() {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let port = Port::peers(&a, &trust(&[&b])).await;
    let register = trust(&[&a]);
    let connector = connector(&b.node(), &register, &a);
    connector.connect("127.0.0.1", port.address.port()).await.unwrap();
    register.remove(&a.id);
    let error = connector.connect("127.0.0.1", port.address.port()).await.unwrap_err();
    assert!(format!("{error:?}").contains("UnknownAgency"), "{error:?}");
}

#[tokio::test]
async fn an_authority_and_its_successor_hold_side_by_side() {
    let (a, old, new) = (Agency::new("a.example"), Agency::new("b.example"), Agency::new("b.example"));
    let register = trust(&[&old]);
    let mut port = Port::peers(&a, &register).await;
    port.refuses(&Stranger::with(&new.node()), "wrong_issuer").await;
    let both = AgencyTrust::new(vec![old.peer_authority(), new.peer_authority()]).unwrap();
    register.insert(old.id.clone(), both);
    port.accepts(&Stranger::with(&new.node())).await;
    port.accepts(&Stranger::with(&old.node())).await;
    port.refuses(&Stranger::with(&Agency::new("b.example").node()), "wrong_issuer").await;
}

#[test]
fn what_is_no_authority_cannot_be_trusted() {
    let b = Agency::new("b.example");
    let node = b.node();
    let pem = |pem: &str| PeerAuthority::from_pem(pem).unwrap_err();
    let der = |der: &[u8]| PeerAuthority::from_der(der).unwrap_err();
    assert!(matches!(pem(node.certificate_pem()), TrustError::NotAnAuthority));
    assert!(matches!(pem(node.key_pem()), TrustError::Certificate));
    assert!(matches!(der(&[0x30; 5_000]), TrustError::Certificate));

    let mut longer = b.peer_authority().der().to_vec();
    longer.push(0);
    assert!(matches!(der(&longer), TrustError::Certificate));

    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut params = node_params(&b.id);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let other_kind = params.self_signed(&key).unwrap();
    assert!(matches!(der(other_kind.der()), TrustError::KeyType));

    for count in [0, 4] {
        let refused = AgencyTrust::new((0..count).map(|_| b.peer_authority()).collect()).unwrap_err();
        assert!(matches!(refused, TrustError::AuthorityCount { count: told } if told == count));
    }
}
