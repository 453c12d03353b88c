//! A log that must not be signed, and a store that fails: nothing is acknowledged that is not kept.

use comity_wire::{ErrorCode, v1};

use crate::support::{ORIGIN, Place, append, lists};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_its_sign_lock_is_served_read_only_and_raises_an_alarm() {
    let place = Place::make();
    for entry in std::fs::read_dir(place.path().join("lock")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let node = place.serve().await;
    let mut client = node.operator().await;
    let status = client.status(v1::StatusRequest {}).await.unwrap().into_inner();
    assert_eq!((status.state(), status.read_only), (v1::NodeState::ReadOnly, true));
    let told =
        client.watch(v1::WatchRequest {}).await.unwrap().into_inner().message().await.unwrap().unwrap();
    let alarm = told.alarm.unwrap();
    assert_eq!((alarm.code.as_str(), alarm.origin.as_str(), told.ended), ("read_only", ORIGIN, false));
    assert_eq!(status.alarms, [alarm]);
    let change = [lists(1, "1", "Tomas Velloran")];
    assert_eq!(append(&mut client, &change).await, Err(ErrorCode::ReadOnly));
    assert_eq!(node.size().await, 1);
    assert_eq!(node.screen("Tomas Velloran").await.as_of[0].size, 1, "what is held can still be asked");
    node.stop().await.unwrap();
}

/// Goal: after a failure to keep, nothing is acknowledged and nothing more is tried; the next start tells how the log
/// stands. Way: the folder of the sign-lock is away when a batch is to be signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_to_keep_stops_the_node_without_an_acknowledgement() {
    let place = Place::make();
    let node = place.serve().await;
    let mut client = node.operator().await;
    append(&mut client, &[lists(1, "1", "Tomas Velloran")]).await.unwrap();
    let (lock, away) = (place.path().join("lock"), place.folder.path().join("away"));
    std::fs::rename(&lock, &away).unwrap();
    assert_eq!(append(&mut client, &[lists(2, "2", "Mirela Ostrava")]).await, Err(ErrorCode::Stopping));
    drop(client);
    let ended = node.task.await.unwrap();
    assert!(ended.is_err(), "the node ends by itself and says why");
    assert!(!place.path().join("run/node.json").exists());
    std::fs::rename(&away, &lock).unwrap();

    let node = place.serve().await;
    let mut client = node.operator().await;
    let size = node.size().await;
    assert!(size == 2 || size == 3, "{size}: the first is there, the second may be");
    append(&mut client, &[lists(3, "3", "Ilse Brandt")]).await.unwrap();
    assert_eq!(node.screen("Tomas Velloran").await.hits.len(), 1);
    assert_eq!(node.size().await, size + 1);
    node.stop().await.unwrap();
}
