//! What is served over HTTP: the log that was switched on, as c2sp.org/tlog-tiles has it, metrics, and nothing else.

use std::net::SocketAddr;

use comity_tlog::{
    EntryBundle, Hash, RightEdge, SignedCheckpoint, TileKind, TreeSize, bundles_between, tiles_between,
};
use comity_wire::DraftChange;

use crate::http_client::{Answer, ask, get};
use crate::support::{AGENCY, ORIGIN, Place, Running, append, handle, lists, make_home, record};

const HTTP: &str = "[http]\nlisten = \"127.0.0.1:0\"\norigins = [\"agency-a.example/pub\"]\n";

/// A change about an invented person, by number.
fn numbered(n: u16) -> DraftChange {
    use comity_watchlist::{Change, Handle, Op};
    let mut handle = [0; 16];
    handle[..2].copy_from_slice(&n.to_be_bytes());
    let op = Op::List { record: record(&n.to_string(), &format!("Invented Person {n}")) };
    DraftChange::new(None, Change { handle: Handle::new(handle), op }.encode().unwrap()).unwrap()
}

/// Appends until the log has this many entries.
async fn grow(node: &Running, size: u16) {
    let held = u16::try_from(node.size().await).unwrap();
    let changes: Vec<_> = (held..size).map(numbered).collect();
    append(&mut node.operator().await, &changes).await.unwrap();
    assert_eq!(node.size().await, u64::from(size));
}

fn is_long_lived(answer: &Answer) -> bool {
    answer.header("content-type") == Some("application/octet-stream")
        && answer.header("cache-control") == Some("public, max-age=31536000, immutable")
}

async fn tile(to: SocketAddr, tile: &impl std::fmt::Display) -> Vec<u8> {
    let answer = get(to, &format!("/{ORIGIN}/{tile}")).await;
    assert!(answer.status == 200 && is_long_lived(&answer), "{tile}: {answer:?}");
    answer.body
}

/// The root of a tree, hashed by the right edge alone: not by what the store keeps.
fn root_of(leaves: &[Hash]) -> Hash {
    let mut edge = RightEdge::empty();
    for leaf in leaves {
        edge.append(*leaf).unwrap();
    }
    edge.root()
}

/// Reads the served log whole and compares all of it with its signed checkpoint; gives the leaf hashes.
async fn check(to: SocketAddr, place: &Place, size: u16) -> Vec<Hash> {
    let answer = get(to, &format!("/{ORIGIN}/checkpoint")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let key = place.home().card().unwrap().identity().log.clone();
    let signed = SignedCheckpoint::parse(&answer.body).unwrap().verify(&key, &[]).unwrap();
    let (whole, size) = (signed.checkpoint().size(), TreeSize::new(size.into()).unwrap());
    assert_eq!(whole, size);
    let mut leaves = Vec::new();
    for bundle in bundles_between(TreeSize::ZERO, size) {
        let bytes = tile(to, &bundle).await;
        let entries = EntryBundle::parse(&bytes, bundle.width()).unwrap();
        leaves.extend(entries.entries().iter().map(|entry| Hash::leaf(entry)));
    }
    assert_eq!(root_of(&leaves), signed.checkpoint().root());
    for named in tiles_between(TreeSize::ZERO, size) {
        let TileKind::Hashes(level) = named.kind() else { panic!("{named}") };
        let span = 256_usize.pow(level.value().into());
        let first = usize::try_from(named.first()).unwrap();
        let hashes = (first..first + usize::from(named.width().value()))
            .flat_map(|index| *root_of(&leaves[index * span..(index + 1) * span]).as_bytes());
        assert_eq!(tile(to, &named).await, hashes.collect::<Vec<u8>>(), "{named}");
    }
    leaves
}

/// Goal: a foreign reader finds the log whole at every published size, also with a checkpoint of long ago, and nothing
/// beyond it. Way: sizes around the end of a tile; what one size had is asked for again after the next.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_switched_on_is_served_whole_at_every_published_size() {
    let place = Place::make_with(HTTP);
    let node = place.serve().await;
    let to = node.http.unwrap();
    let mut earlier: Vec<(String, Vec<u8>)> = Vec::new();
    for size in [1_u16, 255, 256, 257, 700] {
        if size > 1 {
            grow(&node, size).await;
        }
        check(to, &place, size).await;
        let published = TreeSize::new(size.into()).unwrap();
        let named =
            tiles_between(TreeSize::ZERO, published).chain(bundles_between(TreeSize::ZERO, published));
        for named in named.map(|named| named.to_string()) {
            earlier.push((named.clone(), tile(to, &named).await));
        }
        for (named, bytes) in &earlier {
            assert_eq!(tile(to, named).await, *bytes, "{named} once there were {size}");
        }
        let full = size / 256;
        let partial = size % 256;
        for beyond in [
            format!("tile/0/{full:03}.p/{}", partial + 1),
            format!("tile/entries/{full:03}.p/{}", partial + 1),
            format!("tile/0/{full:03}"),
            format!("tile/entries/{full:03}"),
            format!("tile/0/{:03}.p/1", full + 1),
            format!("tile/1/000.p/{}", full + 1),
            "tile/1/000".to_owned(),
            "tile/2/000.p/1".to_owned(),
            "tile/63/000.p/1".to_owned(),
            "tile/0/x072/x057/x594/x037/x927/935.p/255".to_owned(),
        ] {
            // A width of 256 has no partial path: it is the full tile, which is asked for as well.
            let answer = get(to, &format!("/{ORIGIN}/{beyond}")).await;
            assert_eq!((answer.status, answer.header("cache-control")), (404, Some("no-store")), "{beyond}");
        }
    }
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_answered_like_a_get_without_the_body() {
    let place = Place::make_with(HTTP);
    let node = place.serve().await;
    let to = node.http.unwrap();
    for path in
        [format!("/{ORIGIN}/checkpoint"), format!("/{ORIGIN}/tile/entries/000.p/1"), "/none".to_owned()]
    {
        // The witness of the node may put its line on the checkpoint meanwhile.
        let (got, head) = loop {
            let (got, head, again) =
                (get(to, &path).await, ask(to, "HEAD", &path).await, get(to, &path).await);
            if got.body == again.body {
                break (got, head);
            }
        };
        assert_eq!((head.status, head.body.len()), (got.status, 0), "{path}");
        assert_eq!(head.header("x-content-type-options"), Some("nosniff"));
        for name in ["content-type", "content-length", "cache-control"] {
            assert!(got.header(name).is_some() && head.header(name) == got.header(name), "{path}: {name}");
        }
    }
    node.stop().await.unwrap();
}

/// Goal: only what is switched on is there. Way: the same node with each switch off, and every method.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_switched_on_is_not_there() {
    let place = Place::make_with("[http]\nlisten = \"127.0.0.1:0\"\nmetrics = false\n");
    let node = place.serve().await;
    let to = node.http.unwrap();
    for path in [format!("/{ORIGIN}/checkpoint"), format!("/{ORIGIN}/tile/0/000.p/1"), "/metrics".to_owned()]
    {
        for method in ["GET", "HEAD", "POST"] {
            assert_eq!(ask(to, method, &path).await.status, 404, "{method} {path}");
        }
    }
    node.stop().await.unwrap();

    let place = Place::make();
    let node = place.serve().await;
    assert_eq!(node.http, None, "without a table there is no port");
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_method_and_no_other_path_is_answered() {
    let place = Place::make_with(HTTP);
    let node = place.serve().await;
    let to = node.http.unwrap();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get"] {
        for path in
            ["/metrics".to_owned(), format!("/{ORIGIN}/checkpoint"), format!("/{ORIGIN}/tile/0/000.p/1")]
        {
            let answer = ask(to, method, &path).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method} {path}");
        }
    }
    for path in [
        "/",
        "/checkpoint",
        "/agency-a.example/acct/checkpoint",
        "/agency-b.example/pub/checkpoint",
        "/agency-a.example/pub/checkpoint?x=1",
        "/agency-a.example/pub/checkpoint/",
        "/agency-a.example/pub/../pub/checkpoint",
        "/agency-a.example/pub/tile/../../../../../../etc/passwd",
        "/agency-a.example/pub/..%2f..%2fkeys%2flog.key",
        "/agency-a.example%2fpub/checkpoint",
        "/agency-a.example/pub/%63heckpoint",
        "/agency-a.example/pub/checkpoint%00",
        "/agency-a.example/pub/tile/0/%30%30%30.p/1",
        "/agency-a.example/pub/VKEYS",
        "//agency-a.example/pub/checkpoint",
        "/keys/log.key",
        "/comity.toml",
    ] {
        let answer = get(to, path).await;
        assert_eq!((answer.status, answer.text()), (404, "nothing is served here\n"), "{path}");
    }
    node.stop().await.unwrap();
}

/// Goal: an operator sees how the node is, and nobody sees who is listed. Way: figures before and after an append.
#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_of_sizes_and_states_and_of_no_record() {
    let place = Place::make_with(HTTP);
    let node = place.serve().await;
    let to = node.http.unwrap();
    append(&mut node.operator().await, &[lists(1, "1", "Tomas Velloran")]).await.unwrap();
    let peer = place.folder.path().join("b");
    make_home(&peer, "agency-b.example");
    let card = comity_node::Home::find(&peer).unwrap().card().unwrap();
    let fingerprint = comity_node::fingerprint(card.identity()).unwrap().to_string();
    let request = comity_wire::v1::AddPeerRequest {
        card: bytes::Bytes::copy_from_slice(card.as_bytes()),
        fingerprint,
        endpoint: "127.0.0.1:1".to_owned(),
        ..Default::default()
    };
    node.operator().await.add_peer(request).await.unwrap();
    let answer = get(to, "/metrics").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    for line in [
        "comity_read_only 0",
        "comity_store_failed 0",
        "comity_log_entries{origin=\"agency-a.example/pub\",role=\"own\"} 2",
        "comity_log_held_entries{origin=\"agency-a.example/pub\",role=\"own\"} 2",
        "comity_peers 1",
        "comity_peer_connected{agency=\"agency-b.example\"} 0",
        "comity_peer_lag_entries{agency=\"agency-b.example\"} 0",
        "comity_http_connections 1",
        "comity_http_connections_refused_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    for told in ["Velloran", "Tomas", "invented-list", &handle(1).to_string(), AGENCY_NAME] {
        assert!(!text.contains(told), "{told} is in\n{text}");
    }
    // Every line is a comment or a name, labels that are known, and a whole number.
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        value.parse::<u64>().unwrap();
        let name = series.split('{').next().unwrap();
        assert!(name.starts_with("comity_") && text.contains(&format!("# TYPE {name} ")), "{line}");
    }
    let again = get(to, "/metrics").await;
    assert!(again.text().contains("comity_http_requests_total{status=\"200\"} 1\n"), "{}", again.text());
    node.stop().await.unwrap();
}

const AGENCY_NAME: &str = "Invented Agency";

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_log_and_its_alarm_are_in_the_metrics() {
    let place = Place::make_with(HTTP);
    for entry in std::fs::read_dir(place.path().join("lock")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let node = place.serve().await;
    let text = get(node.http.unwrap(), "/metrics").await;
    assert!(text.text().contains("comity_read_only 1\n"), "{}", text.text());
    assert!(text.text().contains("comity_alarms{code=\"read_only\"} 1\n"), "{}", text.text());
    let checkpoint = get(node.http.unwrap(), &format!("/{ORIGIN}/checkpoint")).await;
    assert!(checkpoint.text().starts_with(&format!("{AGENCY}/pub\n1\n")), "what is signed is still served");
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let table = format!("[http]\nlisten = \"{}\"\n", taken.local_addr().unwrap());
    let place = Place::make_with(&table);
    let error = comity_node::Serving::bind(place.home().open().unwrap()).await.unwrap_err();
    assert!(matches!(error, comity_node::NodeError::Listen { .. }), "{error:?}");
}
