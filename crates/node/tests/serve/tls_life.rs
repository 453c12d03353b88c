//! Certificates and revocation lists of a node that runs: read again, exchanged, obeyed, and told of before they expire.

use std::path::Path;
use std::time::{Duration, Instant};

use comity_node::tls::{Authority, Credential, Validity};
use comity_node::{Home, OwnLeaf, RenewedLeaf, Revokee, TlsKeys, now};
use comity_wire::{ErrorCode, v1};
use rustls::pki_types::UnixTime;

use crate::support::{AGENCY, Place, Running, channel_as, make_home};

const PEER: &str = "agency-b.example";
const DAY_SECS: u64 = 86_400;

fn at(secs: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(secs))
}

fn validity(days: u64) -> Validity {
    let now = now().unix_secs();
    Validity::new(at(now - 60), at(now + days * DAY_SECS)).unwrap()
}

/// The authority of a home.
fn authority(folder: &Path, agency: &str) -> Authority {
    let file = |name: &str| std::fs::read_to_string(folder.join("keys").join(name)).unwrap();
    Authority::load(&agency.parse().unwrap(), &file("tls-ca.pem"), &file("tls-ca.key")).unwrap()
}

/// Writes a certificate and its key under a name of the home.
fn write(folder: &Path, name: &str, made: &Credential) {
    use std::os::unix::fs::PermissionsExt as _;
    let file = |kind: &str| folder.join("keys").join(format!("{name}.{kind}"));
    std::fs::write(file("pem"), made.certificate_pem()).unwrap();
    std::fs::write(file("key"), made.key_pem()).unwrap();
    std::fs::set_permissions(file("key"), std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn renew(home: &Home) -> RenewedLeaf {
    TlsKeys::take(home).unwrap().renew(OwnLeaf::Node, None, now()).unwrap()
}

async fn status(node: &Running) -> v1::StatusResponse {
    node.operator().await.status(v1::StatusRequest {}).await.unwrap().into_inner()
}

async fn reload(node: &Running) -> v1::ReloadTlsResponse {
    node.operator().await.reload_tls(v1::ReloadTlsRequest {}).await.unwrap().into_inner()
}

fn alarm<'a>(status: &'a v1::StatusResponse, code: &str, agency: &str) -> Option<&'a str> {
    let found = status.alarms.iter().find(|alarm| alarm.code == code && alarm.agency == agency);
    found.map(|alarm| alarm.message.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_leaf_is_presented_after_a_reload_and_open_calls_go_on() {
    let place = Place::make();
    let node = place.serve().await;
    let mut before = node.operator().await;
    let mut watch = before.watch(v1::WatchRequest {}).await.unwrap().into_inner();
    let renewed = renew(&node.home);
    let told = reload(&node).await;
    assert_eq!(told.serial, renewed.facts.serial.to_string());
    assert!(told.renewed && told.problems.is_empty() && told.cut == 0, "{told:?}");
    assert!(!reload(&node).await.renewed, "it is the same again");
    before.list_logs(v1::ListLogsRequest {}).await.unwrap();
    let quiet = tokio::time::timeout(Duration::from_millis(100), watch.message()).await;
    assert!(quiet.is_err(), "the stream goes on: {quiet:?}");
    // Whoever calls now is shown the new one, and one that knows another authority is not taken in.
    let other = place.folder.path().join("other");
    make_home(&other, AGENCY);
    assert!(channel_as(&place.path(), "tls-operator", &other, node.admin).await.is_err());
    status(&node).await;
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaf_that_is_no_good_is_not_presented_and_the_former_one_is() {
    let place = Place::make();
    let node = place.serve().await;
    let good = reload(&node).await.serial;
    let other = place.folder.path().join("other");
    make_home(&other, AGENCY);
    let own = authority(&place.path(), AGENCY);
    let now_secs = now().unix_secs();
    let over = Validity::new(at(now_secs - 120), at(now_secs - 60)).unwrap();
    let of_another = authority(&other, AGENCY).issue_node(validity(9)).unwrap();
    for bad in [
        of_another,
        own.issue_node(over).unwrap(),
        own.issue_operator(&"someone".parse().unwrap(), validity(9)).unwrap(),
    ] {
        write(&place.path(), "tls-node", &bad);
        let told = reload(&node).await;
        assert!(!told.renewed && told.serial == good && told.problems.len() == 1, "{told:?}");
        assert!(alarm(&status(&node).await, "tls", AGENCY).is_some());
    }
    std::fs::write(place.path().join("keys/tls-node.pem"), "no certificate").unwrap();
    assert_eq!(reload(&node).await.problems.len(), 1);
    write(&place.path(), "tls-node", &own.issue_node(validity(90)).unwrap());
    let told = reload(&node).await;
    assert!(told.renewed && told.problems.is_empty(), "{told:?}");
    assert_eq!(alarm(&status(&node).await, "tls", AGENCY), None);
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_operator_is_cut_off_and_refused_and_others_are_not() {
    let place = Place::make();
    let node = place.serve().await;
    let dismissed =
        authority(&place.path(), AGENCY).issue_operator(&"dismissed".parse().unwrap(), validity(90)).unwrap();
    write(&place.path(), "dismissed", &dismissed);
    let channel = channel_as(&place.path(), "dismissed", &place.path(), node.admin).await.unwrap();
    let mut client = comity_wire::admin_client(channel);
    let mut watch = client.watch(v1::WatchRequest {}).await.unwrap().into_inner();

    let keys = TlsKeys::take(&node.home).unwrap();
    let leaf = Revokee::Leaf(dismissed.certificate_pem().as_bytes().to_vec());
    keys.revoke(&leaf, None, 90, now()).unwrap();
    let begun = Instant::now();
    let told = reload(&node).await;
    assert!(told.cut == 1 && told.problems.is_empty(), "{told:?}");
    assert!(watch.message().await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let again = channel_as(&place.path(), "dismissed", &place.path(), node.admin).await;
    let refused = match again {
        Ok(channel) => comity_wire::admin_client(channel).list_logs(v1::ListLogsRequest {}).await.is_err(),
        Err(_) => true,
    };
    assert!(refused);
    status(&node).await;
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_a_peer_are_taken_by_call_and_by_file_and_a_bad_file_is_told() {
    let place = Place::make();
    let peer = place.folder.path().join("b");
    make_home(&peer, PEER);
    let peer_home = Home::find(&peer).unwrap();
    let card = peer_home.card().unwrap();
    let node = place.serve().await;
    let mut operator = node.operator().await;
    let words = comity_node::fingerprint(card.identity()).unwrap().to_string();
    let add = v1::AddPeerRequest {
        card: card.as_bytes().to_vec().into(),
        fingerprint: words,
        ..Default::default()
    };
    operator.add_peer(add).await.unwrap();

    let keys = TlsKeys::take(&peer_home).unwrap();
    let issue = || {
        let issued = keys.renew_crl(None, 90, now()).unwrap();
        let pem = std::fs::read(&issued.path).unwrap();
        (comity_node::tls::Crl::from_file(&pem).unwrap().der().to_vec(), pem)
    };
    let ((first, _), (second, second_pem)) = (issue(), issue());
    let put =
        |agency: &str, crl: &[u8]| v1::PutCrlRequest { agency: agency.to_owned(), crl: crl.to_vec().into() };
    let taken = operator.put_crl(put(PEER, &second)).await.unwrap().into_inner();
    assert_eq!((taken.number.as_str(), taken.revoked, taken.cut), ("2", 0, 0));
    let huge = vec![0x30; 70_000];
    for (agency, crl, expect) in [
        (PEER, &first[..], ErrorCode::TrustRefused),
        (PEER, &b"no list"[..], ErrorCode::Malformed),
        (PEER, &huge[..], ErrorCode::TooLarge),
        ("agency-c.example", &second[..], ErrorCode::UnknownPeer),
        ("No Agency", &second[..], ErrorCode::Malformed),
    ] {
        let refused = operator.put_crl(put(agency, crl)).await.unwrap_err();
        assert_eq!(ErrorCode::from_status(&refused), expect, "{refused:?}");
    }
    let drop = place.path().join("peers").join(PEER).join("crl.pem");
    std::fs::write(&drop, "no list").unwrap();
    assert_eq!(reload(&node).await.problems[0].agency, PEER);
    let said = status(&node).await;
    assert!(alarm(&said, "crl", PEER).unwrap().contains("crl.pem"), "{said:?}");
    std::fs::write(&drop, second_pem).unwrap();
    assert!(reload(&node).await.problems.is_empty());
    assert_eq!(alarm(&status(&node).await, "crl", PEER), None);

    // The list is in force after a start, and closes the door when it is gone.
    node.stop().await.unwrap();
    std::fs::remove_file(&drop).unwrap();
    let kept = place.path().join("peers").join(PEER).join(format!("crl-{}.der", taken.authority));
    std::fs::remove_file(kept).unwrap();
    let node = place.serve().await;
    assert!(alarm(&status(&node).await, "crl", PEER).unwrap().contains("gone"));
    node.operator().await.put_crl(put(PEER, &second)).await.unwrap();
    assert_eq!(alarm(&status(&node).await, "crl", PEER), None);
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expires_is_told_in_time_and_no_longer_than_it_is_so() {
    let place = Place::make();
    let own = authority(&place.path(), AGENCY);
    write(&place.path(), "tls-node", &own.issue_node(validity(6)).unwrap());
    TlsKeys::take(&place.home()).unwrap().renew_crl(None, 20, now()).unwrap();
    let node = place.serve().await;
    let said = status(&node).await;
    let told = alarm(&said, "expiry", AGENCY).unwrap();
    assert!(told.contains("certificate of the node") && told.contains("within 7 days"), "{told}");
    assert!(told.contains("revocation list") && told.contains("within 30 days"), "{told}");
    assert!(!told.contains("authority") && !told.contains("operator"), "{told}");
    let whats: Vec<_> = said.expiries.iter().map(v1::Expiry::what).collect();
    let expected =
        [v1::Expiring::Node, v1::Expiring::RevocationList, v1::Expiring::Operator, v1::Expiring::Authority];
    assert_eq!(whats, expected, "the soonest first");
    assert!(said.expiries.iter().all(|expiry| expiry.agency == AGENCY && !expiry.name.is_empty()));

    renew(&node.home);
    TlsKeys::take(&node.home).unwrap().renew_crl(None, 90, now()).unwrap();
    reload(&node).await;
    let said = status(&node).await;
    assert_eq!(alarm(&said, "expiry", AGENCY), None, "{said:?}");
    node.stop().await.unwrap();
}

/// Goal: whoever stops in the middle of exchanging two files has a certificate and its key all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_with_both_keys_serves_either_certificate() {
    let place = Place::make();
    let keys = place.path().join("keys");
    let old = std::fs::read_to_string(keys.join("tls-node.key")).unwrap();
    let old_pem = std::fs::read(keys.join("tls-node.pem")).unwrap();
    renew(&place.home());
    let new = std::fs::read_to_string(keys.join("tls-node.key")).unwrap();
    assert!(new != old && new.matches("BEGIN").count() == 1);
    std::fs::write(keys.join("tls-node.key"), new.clone() + &old).unwrap();
    place.serve().await.stop().await.unwrap();
    std::fs::write(keys.join("tls-node.pem"), old_pem).unwrap();
    place.serve().await.stop().await.unwrap();
    // The next renewal goes on from there.
    renew(&place.home());
    place.serve().await.stop().await.unwrap();
    assert_eq!(std::fs::read_to_string(keys.join("tls-node.key")).unwrap().matches("BEGIN").count(), 1);
}
