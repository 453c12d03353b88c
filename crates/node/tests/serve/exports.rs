//! What a running node exports is byte for byte what the home exports when no node runs.

use std::collections::BTreeMap;

use comity_ledger::AuthorTime;
use comity_node::{LogExport, bundle};
use comity_wire::{FilePart, v1};

use crate::support::{AdminClient, ORIGIN, Place, append};

type Files = BTreeMap<String, Vec<u8>>;

fn join(files: &mut Files, part: Option<v1::FilePart>) {
    let part = FilePart::try_from(part.unwrap()).unwrap();
    files.entry(part.path().to_string()).or_default().extend_from_slice(part.content());
}

async fn log_of(client: &mut AdminClient) -> Files {
    let mut exported = Files::new();
    let request = v1::ExportLogRequest { origin: ORIGIN.to_owned() };
    let mut stream = client.export_log(request).await.unwrap().into_inner();
    while let Some(message) = stream.message().await.unwrap() {
        join(&mut exported, message.part);
    }
    exported
}

/// Whether the own witness has signed the newest checkpoint.
async fn is_witnessed(client: &mut AdminClient) -> bool {
    let exported = log_of(client).await;
    let note = String::from_utf8(exported["checkpoint"].clone()).unwrap();
    note.contains("\n301\n") && note.contains(" agency-a.example/witness ")
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_of_the_running_node_are_those_of_the_home() {
    let place = Place::make();
    let node = place.serve().await;
    let mut client = node.operator().await;
    // Over the end of a tile, and in two batches, so that there is an earlier checkpoint.
    for batch in [0..200_u16, 200..300] {
        let changes: Vec<_> = batch.map(lists_numbered).collect();
        append(&mut client, &changes).await.unwrap();
    }
    // The line of the own witness comes after the answer, and stays.
    while !is_witnessed(&mut client).await {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let mut bundled = Files::new();
    let mut stream = client.bundle(v1::BundleRequest {}).await.unwrap().into_inner();
    while let Some(message) = stream.message().await.unwrap() {
        join(&mut bundled, message.part);
    }
    let exported = log_of(&mut client).await;
    drop(client);
    node.stop().await.unwrap();

    let open = loop {
        // The node's last connection may still hold the store.
        match place.home().open() {
            Ok(open) => break open,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    };
    let origin = open.home().origin();
    let key = open.home().log_key_of(open.store(), &origin).unwrap();
    let log = LogExport::new(open.store(), &origin, &key).unwrap();
    let mut expected = Files::new();
    log.files("", &mut |path, bytes| {
        expected.insert(path.to_owned(), bytes.to_vec());
        Ok(())
    })
    .unwrap();
    assert_eq!(exported, expected);

    let manifest: serde_json::Value = serde_json::from_slice(&bundled["bundle.json"]).unwrap();
    let made_at = AuthorTime::from_unix_secs(manifest["made_at"].as_u64().unwrap());
    let mut expected = Files::new();
    bundle(open.home().config().agency.as_str(), &[log], made_at, &mut |path, bytes| {
        expected.insert(path.to_owned(), bytes.to_vec());
        Ok(())
    })
    .unwrap();
    assert_eq!(bundled.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    assert_eq!(bundled, expected);
}

fn lists_numbered(n: u16) -> comity_wire::DraftChange {
    use comity_watchlist::{Change, Handle, Op};
    let mut handle = [0; 16];
    handle[..2].copy_from_slice(&n.to_be_bytes());
    let op = Op::List { record: crate::support::record(&n.to_string(), &format!("Invented Person {n}")) };
    let sections = Change { handle: Handle::new(handle), op }.encode().unwrap();
    comity_wire::DraftChange::new(None, sections).unwrap()
}
