//! What is served over TAXII 2.1: the objects of an export, page by page, and nothing that could be written.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use comity_feeds::out::OutFormat;
use comity_node::{wanted_out, write_out};
use comity_watchlist::{Address, Change, Country, EntryRef, Notice, Op, Text};
use comity_wire::DraftChange;
use serde_json::Value;

use crate::http_client::{Answer, ask, connect, get, send};
use crate::support::{ORIGIN, Place, Running, amends, append, handle, lists, record, records, rekeys};

pub(crate) const HTTP: &str = "[http]\nlisten = \"127.0.0.1:0\"\ntaxii = [\"agency-a.example/pub\"]\n";
const TAXII: &str = "application/taxii+json;version=2.1";
const ROOT: &str = "/taxii2/logs/";

/// The collection of the log under test.
pub(crate) async fn collection(to: SocketAddr) -> String {
    let found = json_of(&get(to, &format!("{ROOT}collections/")).await);
    assert_eq!(found["collections"].as_array().unwrap().len(), 1);
    format!("{ROOT}collections/{}/", found["collections"][0]["id"].as_str().unwrap())
}

pub(crate) fn json_of(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(TAXII)), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    serde_json::from_slice(&answer.body).unwrap()
}

/// Every object of a collection, page by page, with how many pages it took.
pub(crate) async fn all(to: SocketAddr, path: &str, query: &str) -> (Vec<Value>, usize) {
    let (mut objects, mut pages, mut next) = (Vec::new(), 0, String::new());
    loop {
        let page = json_of(&get(to, &format!("{path}?{query}{next}")).await);
        objects.extend(page["objects"].as_array().cloned().unwrap_or_default());
        pages += 1;
        assert!(pages < 10_000, "pages without end");
        if page["more"] != true {
            assert_eq!(page.get("next"), None);
            return (objects, pages);
        }
        next = format!("&next={}", page["next"].as_str().unwrap());
    }
}

/// What an export of the home writes, by id.
async fn exported(place: &Place) -> BTreeMap<String, String> {
    let open = place.open().await;
    let view = open.view().unwrap();
    let wanted = wanted_out(open.store(), &view, &open.home().origin(), None).unwrap();
    let mut bytes = Vec::new();
    write_out(open.store(), &wanted, OutFormat::Stix, &mut |_, part| {
        bytes.extend_from_slice(part);
        Ok(())
    })
    .unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let lines = text.lines().skip(1).map(|line| line.trim_end_matches(',')).filter(|line| line.len() > 2);
    lines
        .map(|line| {
            (serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned(), line.to_owned())
        })
        .collect()
}

/// The lines of a page, by id.
fn lines_of(answer: &Answer) -> BTreeMap<String, String> {
    let lines = answer.text().lines().map(|line| line.trim_end_matches(','));
    let objects = lines.filter(|line| line.starts_with("{\"") && line.contains("\"spec_version\""));
    objects
        .map(|line| {
            (serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned(), line.to_owned())
        })
        .collect()
}

fn housed(n: u8, reference: &str, name: &str, cities: &[&str]) -> DraftChange {
    let mut record = record(reference, name);
    for city in cities {
        let mut address = Address::default();
        address.city = Some(Text::new(*city).unwrap());
        address.country = Some(Country::new(Text::new("France").unwrap()));
        record.addresses.push(address);
    }
    DraftChange::new(None, Change { handle: handle(n), op: Op::List { record } }.encode().unwrap()).unwrap()
}

/// The newest entry of a record: its index and its leaf hash.
async fn newest(node: &Running, reference: &str) -> (u64, EntryRef) {
    let records = records(&mut node.operator().await).await;
    let found = records.iter().find(|record| record.reference == reference).unwrap();
    (found.newest_index, EntryRef::new(found.newest_leaf.as_ref().try_into().unwrap()))
}

fn ends(n: u8, reference: &str, about: u64, op: impl FnOnce(Box<Notice>) -> Op) -> DraftChange {
    let notice = Notice::new(record(reference, "Nobody").key);
    let sections = Change { handle: handle(n), op: op(Box::new(notice)) }.encode().unwrap();
    DraftChange::new(Some(comity_tlog::EntryIndex::new(about).unwrap()), sections).unwrap()
}

/// A log with a record of each fate.
async fn fill(node: &Running) {
    let mut operator = node.operator().await;
    let first = [
        lists(1, "1", "Tomas Velloran"),
        housed(2, "2", "Invented Person 2", &["Zenda", "Hentzau"]),
        lists(3, "3", "Invented Person 3"),
        lists(4, "4", "Invented Person 4"),
        lists(5, "5", "Invented Person 5"),
    ];
    append(&mut operator, &first).await.unwrap();
    let (about, prev) = newest(node, "1").await;
    append(&mut operator, &[amends(1, "1", "Tomas Velloran the Second", about, prev)]).await.unwrap();
    let (about, prev) = newest(node, "3").await;
    append(&mut operator, &[ends(3, "3", about, |notice| Op::Suspend { prev, notice })]).await.unwrap();
    let (about, prev) = newest(node, "4").await;
    append(&mut operator, &[ends(4, "4", about, |notice| Op::Withdraw { prev, notice })]).await.unwrap();
    let (about, prev) = newest(node, "5").await;
    append(&mut operator, &[rekeys(5, "5", "5b", about, prev)]).await.unwrap();
}

/// Goal: a reader gets exactly the objects of an export, each once, whatever the size of its pages, and the manifest
/// names the same. Way: records of each fate; every page size up to beyond all of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_collection_is_what_an_export_writes_whatever_the_pages() {
    let place = Place::make_with(HTTP);
    let node = place.serve().await;
    let to = node.http.unwrap();
    fill(&node).await;
    let path = collection(to).await;
    let objects = format!("{path}objects/");
    let whole = get(to, &objects).await;
    let lines = lines_of(&whole);
    let (found, pages) = all(to, &objects, "limit=1000").await;
    assert_eq!((found.len(), pages), (lines.len(), 1));
    let dates =
        ["first", "last"].map(|end| whole.header(&format!("x-taxii-date-added-{end}")).unwrap().to_owned());
    assert!(
        dates[0] < dates[1] && dates.iter().all(|date| date.len() == "2026-11-30T10:00:00.000000Z".len())
    );
    for limit in 1..=found.len() + 1 {
        let (paged, pages) = all(to, &objects, &format!("limit={limit}")).await;
        assert_eq!(paged, found, "pages of {limit}");
        assert_eq!(pages, found.len().div_ceil(limit), "pages of {limit}");
    }
    let (manifest, _) = all(to, &format!("{path}manifest/"), "limit=3").await;
    for (entry, object) in manifest.iter().zip(&found) {
        let version = object.get("modified").or(object.get("created"));
        assert_eq!((&entry["id"], Some(&entry["version"])), (&object["id"], version));
        assert_eq!(entry["media_type"], "application/stix+json;version=2.1");
    }
    assert_eq!(manifest.len(), found.len());
    let dates: Vec<&str> = manifest.iter().map(|entry| entry["date_added"].as_str().unwrap()).collect();
    assert!(dates.is_sorted_by(|a, b| a < b), "no two objects are added at one time: {dates:?}");
    for (date, left) in dates.iter().zip((0..dates.len()).rev()) {
        let (after, _) = all(to, &objects, &format!("added_after={date}&limit=2")).await;
        assert_eq!(after, found[found.len() - left..], "after {date}");
    }
    let revoked = found.iter().filter(|object| object["revoked"] == true).count();
    assert_eq!(revoked, 1, "the one that was withdrawn");
    node.stop().await.unwrap();
    // Of what has ended an export says where it was listed; here there is only what STIX asks of what is revoked.
    let (mut lines, mut exported) = (lines, exported(&place).await);
    let id = found.iter().find(|object| object["revoked"] == true).unwrap()["id"].as_str().unwrap();
    let [ended, written]: [Value; 2] =
        [&mut lines, &mut exported].map(|of| serde_json::from_str(&of.remove(id).unwrap()).unwrap());
    let names: Vec<&String> = ended.as_object().unwrap().keys().collect();
    let said = "created created_by_ref id modified name object_marking_refs revoked spec_version type";
    assert_eq!(names, said.split(' ').collect::<Vec<_>>());
    assert!(ended.as_object().unwrap().iter().all(|(name, value)| written[name] == *value));
    assert_eq!(lines, exported);
}

/// Goal: of each listing there is one version, the newest, whichever is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn the_newest_version_is_the_only_one_there_is() {
    let place = Place::make_with(HTTP);
    let node = place.serve().await;
    let to = node.http.unwrap();
    fill(&node).await;
    let path = collection(to).await;
    let objects = format!("{path}objects/");
    let (found, _) = all(to, &objects, "").await;
    for word in ["all", "first", "last", "first,last"] {
        assert_eq!(all(to, &objects, &format!("match%5Bversion%5D={word}&limit=2")).await.0, found, "{word}");
    }
    let amended = found.iter().find(|one| one["name"] == "Tomas Velloran the Second").unwrap();
    let (id, version) = (amended["id"].as_str().unwrap(), amended["modified"].as_str().unwrap());
    assert_ne!(amended["created"], amended["modified"], "there was one before it");
    let versions = json_of(&get(to, &format!("{objects}{id}/versions/")).await);
    assert_eq!(versions["versions"], serde_json::json!([version]));
    for (asked, is_it) in [(version, true), (amended["created"].as_str().unwrap(), false)] {
        for path in [format!("{objects}{id}/"), objects.clone()] {
            let (given, _) = all(to, &path, &format!("match[version]={asked}&match[id]={id}")).await;
            assert_eq!(given.contains(amended), is_it && given.len() == 1, "{path} {asked}");
            assert!(given.is_empty() != is_it);
        }
    }
    node.stop().await.unwrap();
}

/// Goal: whoever goes on by the time of the last object gets each once, and then nothing for as long as nothing is new.
/// Way: a newest entry of several objects, and five polls.
#[tokio::test(flavor = "multi_thread")]
async fn who_goes_on_by_the_time_of_the_last_object_gets_nothing_twice() {
    let place = Place::make_with(HTTP);
    let node = place.serve().await;
    let to = node.http.unwrap();
    let changes = [
        lists(1, "1", "Invented Person 1"),
        housed(2, "2", "Invented Person 2", &["Zenda", "Hentzau", "Strelsau"]),
    ];
    append(&mut node.operator().await, &changes).await.unwrap();
    let objects = format!("{}objects/", collection(to).await);
    let (mut seen, mut after) = (Vec::new(), "1970-01-01T00:00:00.000000Z".to_owned());
    for poll in 0..5 {
        let answer = get(to, &format!("{objects}?added_after={after}")).await;
        let given = json_of(&answer)["objects"].as_array().cloned().unwrap_or_default();
        assert_eq!(given.is_empty(), poll > 0, "{poll}: {given:?}");
        let last = answer.header("x-taxii-date-added-last").map(str::to_owned);
        assert_eq!(last.is_none(), given.is_empty(), "a page of nothing tells no time");
        after = last.unwrap_or(after);
        seen.extend(given);
    }
    assert_eq!(seen, all(to, &objects, "").await.0);
    assert!(seen.last().unwrap()["type"] == "relationship" && seen.len() > 8);
    node.stop().await.unwrap();
}

/// Goal: pages of a reader who is slow lose nothing while the log grows, and what was replaced comes again later.
#[tokio::test(flavor = "multi_thread")]
async fn pages_are_stable_while_the_log_grows() {
    let place = Place::make_with(HTTP);
    let node = place.serve().await;
    let to = node.http.unwrap();
    let changes: Vec<_> = (1..=20).map(|n| lists(n, &n.to_string(), "Invented Person")).collect();
    append(&mut node.operator().await, &changes).await.unwrap();
    let objects = format!("{}objects/", collection(to).await);
    let first = json_of(&get(to, &format!("{objects}?limit=10&match[type]=identity")).await);
    let next = first["next"].as_str().unwrap().to_owned();
    let rest = async |next: &str| {
        let (found, _) = all(to, &objects, &format!("limit=1000&match[type]=identity&next={next}")).await;
        found
            .iter()
            .map(|one| one["external_references"][0]["external_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let before = rest(&next).await;
    let (about, prev) = newest(&node, before.last().unwrap()).await;
    let (amended, n) = (before.last().unwrap().clone(), before.last().unwrap().parse().unwrap());
    append(
        &mut node.operator().await,
        &[amends(n, &amended, "Another Name", about, prev), lists(21, "21", "New")],
    )
    .await
    .unwrap();
    let after = rest(&next).await;
    assert_eq!(after[..before.len() - 1], before[..before.len() - 1]);
    assert_eq!(after[before.len() - 1..], [amended.as_str(), "21"]);
    assert!(rest("18446744073709551615").await.is_empty(), "a place that no log has");
    node.stop().await.unwrap();
}

/// Goal: each error of the standard has its status and its message. Way: one request of each kind.
#[tokio::test(flavor = "multi_thread")]
async fn errors_are_those_of_the_standard() {
    let place = Place::make_with(HTTP);
    let node = place.serve().await;
    let to = node.http.unwrap();
    fill(&node).await;
    let path = collection(to).await;
    let (objects, unknown) = (format!("{path}objects/"), "identity--00000000-0000-4000-8000-000000000000");
    let is = |answer: &Answer, status: u16| {
        assert_eq!((answer.status, answer.header("content-type")), (status, Some(TAXII)), "{answer:?}");
        let error: Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(
            error["title"].as_str().unwrap().len() > 5 && error["http_status"] == status.to_string().as_str(),
            "{error}"
        );
    };
    for missing in [
        "/taxii2".to_owned(),
        "/taxii2/x/".to_owned(),
        format!("{ROOT}collections"),
        format!("{ROOT}status/1/"),
        format!("{ROOT}collections/{ORIGIN}/"),
        format!("{ROOT}collections/00000000-0000-4000-8000-000000000000/objects/"),
        format!("{objects}{unknown}/"),
        format!("{objects}{unknown}/versions/"),
        format!("{objects}../objects/"),
    ] {
        is(&get(to, &missing).await, 404);
    }
    for malformed in [
        "limit=0",
        "limit=x",
        "next=x",
        "added_after=yesterday",
        "match[version]=all,last",
        "limit=1&limit=2",
    ] {
        is(&get(to, &format!("{objects}?{malformed}")).await, 400);
    }
    for accept in ["text/html", "application/taxii+json;version=2.0", "application/vnd.oasis.stix+json"] {
        let request = format!("GET {objects} HTTP/1.1\r\nHost: {to}\r\nAccept: {accept}\r\n\r\n");
        is(&send(to, request.as_bytes()).await.unwrap(), 406);
    }
    is(&ask(to, "POST", &objects).await, 403);
    is(&ask(to, "DELETE", &format!("{objects}{unknown}/")).await, 403);
    for (method, path) in [("PUT", &objects), ("DELETE", &objects), ("POST", &path), ("PATCH", &path)] {
        let answer = ask(to, method, path).await;
        is(&answer, 405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
    let body = format!(
        "POST {objects} HTTP/1.1\r\nHost: {to}\r\nContent-Type: {TAXII}\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    let answer = send(to, body.as_bytes()).await.unwrap();
    is(&answer, 403);
    assert_eq!(answer.header("connection"), Some("close"));
    let body = format!("GET {objects} HTTP/1.1\r\nHost: {to}\r\nContent-Length: 2\r\n\r\n{{}}");
    is(&send(to, body.as_bytes()).await.unwrap(), 400);
    let head = ask(to, "HEAD", &objects).await;
    assert!(head.status == 200 && head.body.is_empty() && head.header("x-taxii-date-added-last").is_some());
    let other_spec = json_of(&get(to, &format!("{objects}?match[spec_version]=2.0")).await);
    assert_eq!(other_spec, serde_json::json!({ "more": false }));
    drop(connect(to).await);
    node.stop().await.unwrap();
}

/// Goal: discovery leads to the log that is switched on, by names that stay; nothing of it is there without the switch.
#[tokio::test(flavor = "multi_thread")]
async fn discovery_leads_to_what_is_switched_on_alone() {
    let place = Place::make_with(HTTP);
    let node = place.serve().await;
    let to = node.http.unwrap();
    let discovery = json_of(&get(to, "/taxii2/").await);
    assert_eq!((&discovery["default"], &discovery["api_roots"]), (&ROOT.into(), &serde_json::json!([ROOT])));
    let root = json_of(&get(to, ROOT).await);
    assert_eq!(root["versions"], serde_json::json!([TAXII]));
    let path = collection(to).await;
    let one = json_of(&get(to, &path).await);
    assert_eq!(
        (&one["title"], &one["can_read"], &one["can_write"]),
        (&ORIGIN.into(), &true.into(), &false.into())
    );
    // Drawn from the origin alone: whoever serves the log anew has the same.
    assert_eq!(one["id"], "ded439a2-1e6f-4f19-bb2b-ad3335a6d678");
    assert_eq!(
        get(to, &format!("/{ORIGIN}/checkpoint")).await.status,
        404,
        "tiles have a switch of their own"
    );
    node.stop().await.unwrap();
    let place = Place::make_with("[http]\nlisten = \"127.0.0.1:0\"\norigins = [\"agency-a.example/pub\"]\n");
    let node = place.serve().await;
    for path in ["/taxii2/", ROOT, &path] {
        assert_eq!(get(node.http.unwrap(), path).await.text(), "nothing is served here\n", "{path}");
    }
    node.stop().await.unwrap();
}
