//! Trust that changes while the port is open: agencies come and go, authorities succeed each other, leaves are
//! revoked.

use std::time::Duration;

use comity_node::tls::{AgencyTrust, PeerAuthority, TrustError};
use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, KeyPair, PKCS_ED25519, RevokedCertParams, SerialNumber,
};

use crate::support::{Agency, NOW, Port, Stranger, connector, node_params, trust, within};

async fn accepts(port: &mut Port, stranger: &Stranger) {
    let (_, connection) =
        tokio::join!(stranger.call(port.address), async { within(port.accepted.next()).await.is_some() });
    assert!(connection);
    assert_eq!(port.log(), "");
}

#[tokio::test]
async fn an_agency_added_or_removed_while_running_counts_from_the_next_handshake() {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let register = trust(&[]);
    let mut port = Port::peers(&a, &register).await;
    let stranger = Stranger::with(&b.node());
    port.refuses(&stranger, "unknown_agency").await;
    register.insert(b.id.clone(), b.trust());
    accepts(&mut port, &stranger).await;
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
    accepts(&mut port, &Stranger::with(&new.node())).await;
    accepts(&mut port, &Stranger::with(&old.node())).await;
    port.refuses(&Stranger::with(&Agency::new("b.example").node()), "wrong_issuer").await;
}

const REVOKED: u64 = 7;

/// A list of `issuer` in which serial 7 is revoked, valid from a minute ago until `next_update` from now.
fn crl(issuer: &Agency, next_update_secs: i64) -> Vec<u8> {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let at = |offset| epoch + Duration::from_secs(NOW.checked_add_signed(offset).unwrap());
    let params = CertificateRevocationListParams {
        this_update: at(-60),
        next_update: at(next_update_secs),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(REVOKED),
            revocation_time: at(-60),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&issuer.issuer()).unwrap().der().to_vec()
}

#[tokio::test]
async fn a_revoked_leaf_is_refused_and_a_list_that_cannot_tell_closes_the_door() {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let register = trust(&[]);
    let mut port = Port::peers(&a, &register).await;
    let leaf = |serial: u64| b.forge(|leaf| leaf.serial_number = Some(serial.into()));
    let (good, revoked) = (leaf(6), leaf(REVOKED));
    let trust_with = |list: Vec<u8>| {
        let authority = b.peer_authority().with_crls(&[&list]).unwrap();
        register.insert(b.id.clone(), AgencyTrust::new(vec![authority]).unwrap());
    };
    trust_with(crl(&b, 60));
    accepts(&mut port, &good).await;
    port.refuses(&revoked, "revoked").await;
    trust_with(crl(&b, -1));
    port.refuses(&good, "revoked").await;
    trust_with(crl(&Agency::new("b.example"), 60));
    port.refuses(&good, "revoked").await;
    trust_with(crl(&a, 60));
    port.refuses(&good, "revoked").await;
}

#[test]
fn what_is_no_authority_cannot_be_trusted() {
    let b = Agency::new("b.example");
    let node = b.node();
    assert_eq!(PeerAuthority::from_pem(node.certificate_pem()).unwrap_err(), TrustError::NotAnAuthority);
    assert_eq!(PeerAuthority::from_pem(node.key_pem()).unwrap_err(), TrustError::Certificate);
    assert_eq!(PeerAuthority::from_der(&[0x30; 5_000]).unwrap_err(), TrustError::Certificate);

    let mut longer = b.peer_authority().der().to_vec();
    longer.push(0);
    assert_eq!(PeerAuthority::from_der(&longer).unwrap_err(), TrustError::Certificate);

    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut params = node_params(&b.id);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let other_kind = params.self_signed(&key).unwrap();
    assert_eq!(PeerAuthority::from_der(other_kind.der()).unwrap_err(), TrustError::KeyType);

    assert_eq!(AgencyTrust::new(Vec::new()).unwrap_err(), TrustError::AuthorityCount { count: 0 });
    let four = (0..4).map(|_| b.peer_authority()).collect();
    assert_eq!(AgencyTrust::new(four).unwrap_err(), TrustError::AuthorityCount { count: 4 });
    let no_list = b.peer_authority().with_crls(&[&[0x30, 0x00]]);
    assert_eq!(no_list.unwrap_err(), TrustError::RevocationList);
}
