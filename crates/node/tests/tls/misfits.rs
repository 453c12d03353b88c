//! Callers whose certificate does not fit: each is refused, for its own reason.

use std::time::Duration;

use comity_node::tls::{AcceptedRole, Caps};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

use crate::support::{Agency, NOW, Port, Stranger, connector, node_params, trust, uri, valid, within};

/// The peer port of A, which trusts B and C, and B.
async fn a_and_b() -> (Port, Agency) {
    let (a, b, c) = (Agency::new("a.example"), Agency::new("b.example"), Agency::new("c.example"));
    let port = Port::peers(&a, &trust(&[&a, &b, &c])).await;
    (port, b)
}

async fn check(forge: impl FnOnce(&Agency) -> Stranger, reason: &str) {
    let (mut port, b) = a_and_b().await;
    port.refuses(&forge(&b), reason).await;
}

async fn check_changed(change: impl FnOnce(&mut CertificateParams), reason: &str) {
    check(|b| b.forge(change), reason).await;
}

#[tokio::test]
async fn the_certificate_that_the_misfits_are_made_from_is_accepted() {
    let (mut port, b) = a_and_b().await;
    let stranger = b.forge(|_| {});
    let (call, accepted) = tokio::join!(stranger.call(port.address), async {
        let connection = within(port.accepted.next()).await.unwrap();
        connection.caller().identity().to_string()
    });
    assert!(call.is_err(), "the connection was dropped without a byte");
    assert_eq!((accepted.as_str(), port.log().as_str()), ("spiffe://b.example/node", ""));
}

#[tokio::test]
async fn another_authority_of_the_same_name_is_refused() {
    check(|_| Stranger::with(&Agency::new("b.example").node()), "wrong_issuer").await;
}

#[tokio::test]
async fn the_authority_of_one_member_cannot_mint_a_certificate_of_another() {
    // B's authority is trusted, and so is C: only not B's for C.
    check_changed(|leaf| leaf.subject_alt_names = vec![uri("spiffe://c.example/node")], "wrong_issuer").await;
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let ended = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(NOW - 1);
    check_changed(|leaf| leaf.not_after = ended, "expired").await;
}

#[tokio::test]
async fn a_certificate_of_tomorrow_is_refused() {
    let begins = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(NOW + 1);
    check_changed(|leaf| leaf.not_before = begins, "not_yet_valid").await;
}

#[tokio::test]
async fn a_leaf_does_not_outlive_its_authority() {
    for (from, to, reason) in [(-90, -1, "expired"), (1, 90, "not_yet_valid")] {
        let (a, b) = (Agency::new("a.example"), Agency::with_validity("b.example", valid(from, to)));
        let mut port = Port::peers(&a, &trust(&[&b])).await;
        port.refuses(&b.forge(|_| {}), reason).await;
    }
}

#[tokio::test]
async fn no_client_certificate_is_refused() {
    check(|_| Stranger::nameless(), "no_certificate").await;
}

#[tokio::test]
async fn a_certificate_for_servers_only_cannot_call() {
    let server = vec![ExtendedKeyUsagePurpose::ServerAuth];
    check_changed(|leaf| leaf.extended_key_usages = server, "wrong_usage").await;
}

#[tokio::test]
async fn a_certificate_without_any_usage_cannot_call() {
    check_changed(|leaf| leaf.extended_key_usages = Vec::new(), "wrong_usage").await;
}

#[tokio::test]
async fn two_uri_names_are_refused() {
    let second = uri("spiffe://c.example/node");
    check_changed(|leaf| leaf.subject_alt_names.push(second), "two_names").await;
    let (mut port, b) = a_and_b().await;
    let first = uri("spiffe://c.example/node");
    port.refuses(&b.forge(|leaf| leaf.subject_alt_names.insert(0, first)), "two_names").await;
}

#[tokio::test]
async fn a_second_name_that_says_something_else_is_refused() {
    use rcgen::SanType;
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let loopback = || SanType::IpAddress([127, 0, 0, 1].into());
    for name in [dns("c.example"), dns("*.example"), loopback()] {
        check_changed(|leaf| leaf.subject_alt_names.push(name), "two_names").await;
    }
    check_changed(|leaf| leaf.subject_alt_names.extend([dns("b.example"), dns("b.example")]), "two_names")
        .await;
    for names in [vec![dns("b.example")], vec![loopback()], Vec::new()] {
        check_changed(|leaf| leaf.subject_alt_names = names, "bad_name").await;
    }
}

#[tokio::test]
async fn names_of_another_form_are_refused() {
    for name in ["spiffe://*.example/node", "https://b.example/node", "spiffe://b.example/nodes"] {
        let name = uri(name);
        check_changed(|leaf| leaf.subject_alt_names = vec![name], "bad_name").await;
    }
}

#[tokio::test]
async fn an_unknown_agency_is_refused() {
    check(|_| Stranger::with(&Agency::new("d.example").node()), "unknown_agency").await;
}

#[tokio::test]
async fn an_operator_on_the_peer_port_is_refused() {
    check(|b| Stranger::with(&b.operator()), "role_not_allowed").await;
}

#[tokio::test]
async fn a_node_on_the_admin_port_is_refused() {
    let a = Agency::new("a.example");
    let mut port = Port::admin(&a, &trust(&[&a])).await;
    port.refuses(&Stranger::with(&a.node()), "role_not_allowed").await;
}

#[tokio::test]
async fn an_operator_of_another_agency_is_refused() {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let mut port = Port::admin(&a, &trust(&[&a, &b])).await;
    port.refuses(&Stranger::with(&b.operator()), "wrong_agency").await;
}

#[tokio::test]
async fn the_own_node_is_a_peer_only_where_that_is_asked_for() {
    let a = Agency::new("a.example");
    let own = trust(&[&a]);
    let mut port = Port::peers(&a, &own).await;
    port.refuses(&Stranger::with(&a.node()), "own_agency").await;
    drop(port);

    let accepts = AcceptedRole::Nodes { except: None };
    let mut port = Port::open(&a.node(), &own, accepts, Caps::PEER_PORT).await;
    let connector = connector(&a.node(), &own, &a);
    let _stream = connector.connect("127.0.0.1", port.address.port()).await.unwrap();
    assert_eq!(within(port.accepted.next()).await.unwrap().caller().identity().agency(), &a.id);
}

#[tokio::test]
async fn an_intermediate_authority_is_refused() {
    let (mut port, b) = a_and_b().await;
    let mut params = node_params(&b.id);
    params.subject_alt_names = Vec::new();
    params.extended_key_usages = Vec::new();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.distinguished_name.push(rcgen::DnType::OrganizationName, "Intermediate");
    let between_key = KeyPair::generate().unwrap();
    let between = params.signed_by(&between_key, &b.issuer()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = node_params(&b.id).signed_by(&key, &Issuer::new(params, between_key)).unwrap();
    let stranger = Stranger::new(vec![leaf.der().clone()], &key.serialize_pem()).also_sends(between.der());
    port.refuses(&stranger, "wrong_issuer").await;
}

#[tokio::test]
async fn an_authority_used_as_a_leaf_is_refused() {
    let authority = IsCa::Ca(BasicConstraints::Unconstrained);
    check_changed(|leaf| leaf.is_ca = authority, "bad_certificate").await;
}

#[tokio::test]
async fn a_certificate_without_its_key_is_refused() {
    let (mut port, b) = a_and_b().await;
    let (chain, _) = b.forge(|_| {}).parts();
    port.refuses(&Stranger::new(chain, &KeyPair::generate().unwrap().serialize_pem()), "bad_certificate")
        .await;
}

/// See `refusal.rs`: the alert must not tell a stranger who our peers are.
#[tokio::test]
async fn a_stranger_cannot_tell_a_peer_from_an_unknown_agency() {
    let (port, b) = a_and_b().await;
    let mut answers = Vec::new();
    for (agency, reason) in [("b.example", "wrong_issuer"), ("d.example", "unknown_agency")] {
        let stranger = Stranger::with(&Agency::new(agency).node());
        answers.push(stranger.call(port.address).await.unwrap_err().to_string());
        assert_eq!(port.refusal().await, reason);
    }
    let ended = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(NOW - 1);
    answers.push(b.forge(|leaf| leaf.not_after = ended).call(port.address).await.unwrap_err().to_string());
    assert!(answers.iter().all(|answer| answer.contains("CertificateUnknown")), "{answers:?}");
    assert_eq!(port.refusal().await, "expired");
}
