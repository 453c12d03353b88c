//! Bundles of STIX 2.1: those of others, and our own, read again.

use std::path::PathBuf;

use comity_feeds::out::{OutFormat, OutState, Outgoing};
use comity_feeds::{FeedError, Format, RejectReason, Scope, Snapshot, detect, stix};
use comity_policy::Tlp;
use comity_watchlist::{CalendarDate, DelistReason, Record, Reference};
use serde_json::{Value, json};

use crate::written::{full, listing, written};
use crate::{compare, file, leaves, list, texts};

const BUNDLE: &str = include_str!("../fixtures/stix/bundle.json");

fn parse(text: &str) -> Result<Snapshot, FeedError> {
    stix::parse(&file("bundle.json", text.as_bytes()), Some(&list("xa-castle")))
}

/// A bundle of these objects.
fn bundle(objects: &[Value]) -> String {
    json!({ "type": "bundle", "id": "bundle--1", "objects": objects }).to_string()
}

/// A subject of others, numbered, with more fields.
fn subject(number: u8, more: &Value) -> Value {
    let mut object = json!({ "type": "identity", "spec_version": "2.1", "id": format!("identity--{number}"),
                             "created": "2026-01-01T00:00:00Z", "modified": "2026-01-01T00:00:00Z",
                             "name": format!("Number {number}"), "identity_class": "individual" });
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

/// Our own bundle, read.
fn own(listings: &[Outgoing]) -> Snapshot {
    stix::parse(&file("bundle.json", written(OutFormat::Stix, listings).as_bytes()), None).unwrap()
}

/// What STIX can hold of a record: neither where it was read, nor what is the agency's own.
fn told(mut record: Record) -> Record {
    record.source = comity_watchlist::Source::default();
    record.reasons_closed.clear();
    record.sightings.clear();
    record.names.iter_mut().for_each(|name| name.row = None);
    record.addresses.iter_mut().for_each(|address| address.row = None);
    record.places.iter_mut().for_each(|place| place.address.row = None);
    record
}

fn numbered(number: u8) -> Record {
    let mut record = full();
    record.key.reference = Reference::parse(&format!("XA-{number}")).unwrap();
    record
}

/// Walks every leaf of the subjects, and of the locations and relationships that are theirs; gives how many.
fn walk(text: &str, snapshot: &Snapshot) -> usize {
    let bundle: Value = serde_json::from_str(text).unwrap();
    let objects = bundle["objects"].as_array().unwrap();
    let mut values = 0;
    for record in &snapshot.records {
        let (id, found) = (record.key.reference.as_str(), texts::texts(record));
        let is_its = |object: &&Value| object["id"] == id || object["source_ref"] == id;
        let mut its: Vec<&Value> = objects.iter().filter(is_its).collect();
        // The older version of a subject says nothing any more.
        its.retain(|object| object["name"] != "An older name");
        let at: Vec<&str> = its
            .iter()
            .filter(|object| object["relationship_type"] == "located-at")
            .filter_map(|object| object["target_ref"].as_str())
            .collect();
        its.extend(objects.iter().filter(|object| at.contains(&object["id"].as_str().unwrap())));
        for object in its {
            let mut all = Vec::new();
            leaves("", object, &mut all);
            for (path, value) in all {
                // The form, the version, and what of a relationship is not of its subject; what is a kind is a code.
                let passed = [".type", ".spec_version", ".modified", ".source_ref"].contains(&path.as_str())
                    || object["type"] == "relationship" && [".id", ".created"].contains(&path.as_str())
                    || path == ".relationship_type"
                    || path == ".identity_class" && matches!(value.as_str(), "individual" | "organization");
                values += 1;
                assert!(passed || found.contains(&value), "{id} {path}: {value}");
            }
        }
    }
    values
}

#[test]
fn subjects_of_others_are_read_as_their_snapshot_says_and_every_leaf_is_kept() {
    let snapshot = parse(BUNDLE).unwrap();
    compare("stix/bundle.json.snapshot", &snapshot);
    let values = walk(BUNDLE, &snapshot);
    assert!(values > 70, "{values}");
    assert_eq!(snapshot.scope, Scope::Changes, "what is not in a bundle has not ended");
    assert_eq!(detect(BUNDLE.as_bytes()), Some(Format::Stix));
}

/// A bundle as pages of a collection give it: the same objects in an envelope.
fn enveloped(text: &str, more: bool) -> String {
    let objects = &text[text.find("\"objects\"").unwrap()..];
    format!("{{\"more\": {more}, \"next\": \"7\", {objects}")
}

#[test]
fn an_envelope_of_taxii_is_read_as_the_bundle_of_its_objects() {
    let listings: Vec<Outgoing> =
        (1..=3).map(|number| listing(numbered(number), number, OutState::Listed)).collect();
    let theirs = list("xa-guild");
    for (text, list) in [(BUNDLE.to_owned(), Some(&theirs)), (written(OutFormat::Stix, &listings), None)] {
        for more in [false, true] {
            let envelope = enveloped(&text, more);
            assert_eq!(detect(envelope.as_bytes()), Some(Format::Stix));
            let read = |text: &str| stix::parse(&file("page.json", text.as_bytes()), list).unwrap();
            let (one, other) = (read(&text), read(&envelope));
            assert_eq!(
                (one.scope, &one.ended, one.rejected.len(), one.records.len()),
                (other.scope, &other.ended, other.rejected.len(), other.records.len())
            );
            assert!(one.records.iter().zip(&other.records).all(|(one, other)| one.same_content(other)));
        }
    }
}

#[test]
fn what_a_marking_says_on_another_page_may_be_strict() {
    let object = |mark: &str| {
        format!(
            "{{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--{mark}\",\"name\":\"Ilse Brandt\",\
             \"identity_class\":\"individual\",\"modified\":\"2026-01-01T00:00:00Z\",\
             \"object_marking_refs\":[\"marking-definition--{mark}\"]}}"
        )
    };
    let (untold, green) = ("00000000-0000-4000-8000-000000000001", "bab4a63c-aed9-4cf5-a766-dfca5abac2bb");
    let objects = format!("[{},{}]", object(untold), object(green));
    let page = parse(&format!("{{\"more\":true,\"objects\":{objects}}}")).unwrap();
    assert_eq!((page.records.len(), page.rejected.len()), (1, 1));
    assert_eq!(page.rejected[0].reason, RejectReason::Marked);
    assert!(page.records[0].key.reference.as_str().ends_with(green));
}

#[test]
fn our_own_bundle_comes_back_as_the_same_records() {
    let listings: Vec<Outgoing> =
        (1..=3).map(|number| listing(numbered(number), number, OutState::Listed)).collect();
    let snapshot = own(&listings);
    assert_eq!((snapshot.rejected.as_slice(), snapshot.list.as_str()), (&[][..], "xa-national"));
    let read: Vec<Record> = snapshot.records.iter().cloned().map(told).collect();
    assert_eq!(read, (1..=3).map(|number| told(numbered(number))).collect::<Vec<_>>());
    assert!(snapshot.records.iter().all(|record| record.source.extra.is_empty()), "nothing is left over");
    let again: Vec<Outgoing> = (1..=3)
        .zip(&snapshot.records)
        .map(|(number, record)| listing(record.clone(), number, OutState::Listed))
        .collect();
    assert_eq!(written(OutFormat::Stix, &again), written(OutFormat::Stix, &listings));
    assert_eq!(detect(written(OutFormat::Stix, &listings).as_bytes()), Some(Format::Stix));
}

#[test]
fn our_own_bundle_is_the_one_that_is_committed_and_is_read_as_its_snapshot_says() {
    let day = CalendarDate::parse("2026-10-05").unwrap();
    let listings = [
        listing(numbered(1), 1, OutState::Listed),
        listing(numbered(2), 2, OutState::Delisted(Some((DelistReason::Annulled, day)))),
    ];
    let text = written(OutFormat::Stix, &listings);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stix/own.json");
    if std::env::var_os("COMITY_WRITE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap());
    compare("stix/own.json.snapshot", &own(&listings));
}

#[test]
fn what_others_added_to_our_listing_is_kept() {
    let text = written(OutFormat::Stix, &[listing(numbered(1), 1, OutState::Listed)]);
    let added = text.replacen(
        "\"extensions\":{",
        "\"confidence\":85,\"extensions\":{\"extension-definition--x\":{\"a\":\"added\"},",
        1,
    );
    let snapshot = stix::parse(&file("bundle.json", added.as_bytes()), None).unwrap();
    let extra = &snapshot.records[0].source.extra;
    let names: Vec<&str> = extra.iter().map(|extra| extra.name.as_str()).collect();
    assert_eq!(names, ["confidence", "extensions.extension-definition--x.a"]);
    assert_eq!(told(snapshot.records[0].clone()), told(numbered(1)));
}

#[test]
fn what_has_ended_ends_here_and_who_is_suspended_or_marked_is_left_as_held() {
    let day = CalendarDate::parse("2026-10-05").unwrap();
    let mut listings = vec![
        listing(numbered(1), 1, OutState::Listed),
        listing(numbered(2), 2, OutState::Delisted(Some((DelistReason::Annulled, day)))),
        listing(numbered(3), 3, OutState::Withdrawn),
        listing(numbered(4), 4, OutState::Suspended),
        listing(numbered(5), 5, OutState::Listed),
        listing(numbered(6), 6, OutState::Listed),
        listing(numbered(7), 7, OutState::Listed),
    ];
    (listings[4].tlp, listings[5].tlp) = (Tlp::Red, Tlp::AmberStrict);
    let snapshot = own(&listings);
    let keys = |records: &[Record]| {
        records.iter().map(|record| record.key.reference.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&snapshot.records), ["XA-1", "XA-7"]);
    let ended: Vec<_> =
        snapshot.ended.iter().map(|ended| (ended.key.reference.as_str(), ended.effective)).collect();
    assert_eq!(ended, [("XA-2", Some(day)), ("XA-3", None)]);
    let rejected: Vec<(String, String)> = snapshot
        .rejected
        .iter()
        .map(|row| (row.key.as_ref().unwrap().reference.to_string(), row.reason.to_string()))
        .collect();
    let marked = "record is marked more strictly than it would be handled here";
    let suspended = "record is suspended there, which a list cannot say";
    let expected = [("XA-4", suspended), ("XA-5", marked), ("XA-6", marked)];
    assert_eq!(rejected, expected.map(|(key, reason)| (key.to_owned(), reason.to_owned())));
}

#[test]
fn a_listing_after_one_that_ended_counts_and_of_two_ends_the_last() {
    let at = |number: u8, handle: u8, state: OutState, modified_ms: u64| Outgoing {
        modified_ms: 1_700_000_000_000 + modified_ms,
        ..listing(numbered(number), handle, state)
    };
    let mut listings = vec![
        at(1, 1, OutState::Listed, 1),
        at(1, 2, OutState::Delisted(None), 2),
        at(2, 3, OutState::Withdrawn, 10),
        at(
            2,
            4,
            OutState::Delisted(Some((DelistReason::Expired, CalendarDate::parse("2026-10-05").unwrap()))),
            11,
        ),
        at(3, 5, OutState::Listed, 1),
    ];
    for _ in 0..2 {
        let snapshot = own(&listings);
        assert_eq!((snapshot.rejected.len(), snapshot.records.len()), (0, 2));
        assert_eq!(snapshot.ended.len(), 1);
        assert_eq!(snapshot.ended[0].effective.unwrap().to_string(), "2026-10-05");
        listings.reverse();
    }
    let twice = [at(1, 1, OutState::Listed, 1), at(2, 2, OutState::Listed, 1), at(2, 3, OutState::Listed, 2)];
    let snapshot = own(&twice);
    assert_eq!(snapshot.rejected.len(), 1);
    assert!(snapshot.rejected[0].reason.to_string().contains("stands twice"), "two lives of one key");
}

#[test]
fn an_older_version_in_the_same_bundle_says_nothing() {
    let older = subject(1, &json!({ "modified": "2026-01-01T00:00:00Z", "name": "Older" }));
    let newer = subject(1, &json!({ "modified": "2026-01-01T00:00:00.001Z", "revoked": true }));
    let other = subject(2, &json!({}));
    for objects in [[&older, &newer, &other], [&newer, &other, &older]] {
        let snapshot = parse(&bundle(&objects.map(Clone::clone))).unwrap();
        assert_eq!((snapshot.records.len(), snapshot.ended.len(), snapshot.rejected.len()), (1, 1, 0));
    }
    let same = subject(1, &json!({ "modified": "2026-01-01T00:00:00.000Z", "name": "At the same time" }));
    let snapshot = parse(&bundle(&[older, other, same])).unwrap();
    assert_eq!((snapshot.records.len(), snapshot.rejected.len()), (2, 1));
    assert_eq!(
        snapshot.rejected[0].reason.to_string(),
        "identity--1 stands twice; the first, at line 1, is kept"
    );
}

#[test]
fn nothing_that_is_marked_strictly_goes_on_wherever_the_mark_stands() {
    let red = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
    let good = [subject(8, &json!({})), subject(9, &json!({}))];
    let own_red = |more: &Value| {
        let mut mark = json!({ "type": "marking-definition", "spec_version": "2.1",
                               "id": "marking-definition--mine" });
        mark.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        vec![subject(1, &json!({ "object_marking_refs": ["marking-definition--mine"] })), mark]
    };
    let location = |more: &Value, of_relation: &Value| {
        let mut place =
            json!({ "type": "location", "spec_version": "2.1", "id": "location--1", "country": "XA" });
        place.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut relation = json!({ "type": "relationship", "spec_version": "2.1", "id": "relationship--1",
                                   "relationship_type": "located-at", "source_ref": "identity--1",
                                   "target_ref": "location--1" });
        relation.as_object_mut().unwrap().extend(of_relation.as_object().unwrap().clone());
        vec![subject(1, &json!({})), place, relation]
    };
    let marked = json!({ "object_marking_refs": [red] });
    for (objects, words) in [
        (vec![subject(1, &marked)], "marked more strictly"),
        (vec![subject(1, &json!({ "object_marking_refs": [red], "revoked": true }))], "marked more strictly"),
        (
            vec![subject(
                1,
                &json!({ "granular_markings": [{ "marking_ref": red, "selectors": ["name"] }] }),
            )],
            "marked more strictly",
        ),
        (vec![subject(1, &json!({ "object_marking_refs": red }))], "object_marking_refs has a value"),
        (vec![subject(1, &json!({ "object_marking_refs": [7] }))], "object_marking_refs has a value"),
        (vec![subject(1, &json!({ "granular_markings": red }))], "granular_markings has a value"),
        (
            own_red(&json!({ "definition_type": "tlp", "definition": { "tlp": "red" } })),
            "marked more strictly",
        ),
        (own_red(&json!({ "name": "TLP:AMBER+STRICT" })), "marked more strictly"),
        (own_red(&json!({ "extensions": { "x": { "tlp_2_0": "red" } } })), "marked more strictly"),
        (location(&marked, &json!({})), "marked more strictly"),
        (location(&json!({}), &marked), "marked more strictly"),
    ] {
        let snapshot = parse(&bundle(&[&objects[..], &good].concat())).unwrap();
        let reasons: Vec<String> = snapshot.rejected.iter().map(|row| row.reason.to_string()).collect();
        assert!(reasons.len() == 1 && reasons[0].contains(words), "{words}: {reasons:?}");
        assert_eq!((snapshot.records.len(), snapshot.ended.len()), (2, 0));
    }
    let snapshot = parse(&bundle(&[&own_red(&json!({ "name": "TLP:GREEN" }))[..], &good].concat())).unwrap();
    assert_eq!((snapshot.records.len(), snapshot.rejected.len()), (3, 0));
}

#[test]
fn a_place_or_relation_that_is_revoked_is_none_any_more() {
    let place = json!({ "type": "location", "id": "location--1", "modified": "2026-01-01T00:00:00Z", "country": "XA" });
    let relation = json!({ "type": "relationship", "id": "relationship--1", "modified": "2026-01-01T00:00:00Z",
                           "relationship_type": "located-at", "source_ref": "identity--1", "target_ref": "location--1" });
    let revoked = |object: &Value| {
        let mut object = object.clone();
        (object["revoked"], object["modified"]) = (true.into(), "2026-02-01T00:00:00Z".into());
        object
    };
    let base = [subject(1, &json!({})), place.clone(), relation.clone()];
    for (more, addresses, related) in [
        (None, 1, None),
        (Some(revoked(&place)), 0, Some("location--1")),
        (Some(revoked(&relation)), 0, None),
    ] {
        let objects: Vec<Value> = base.iter().cloned().chain(more).collect();
        let record = &parse(&bundle(&objects)).unwrap().records[0];
        assert_eq!(record.addresses.len(), addresses);
        let said =
            record.source.extra("relationship.located-at").first().map(comity_watchlist::Prose::as_str);
        assert_eq!(said, related);
    }
}

#[test]
fn who_only_speaks_is_no_subject_and_a_bundle_of_ours_without_a_listing_has_none() {
    let empty = written(OutFormat::Stix, &[]);
    assert!(matches!(parse(&empty), Err(FeedError::MostlyRejected { .. })), "{:?}", parse(&empty));
    let made = subject(1, &json!({ "created_by_ref": "identity--2" }));
    let snapshot = parse(&bundle(&[made, subject(2, &json!({}))])).unwrap();
    assert_eq!(snapshot.records[0].key.reference.as_str(), "identity--1");
    assert_eq!((snapshot.records.len(), snapshot.rows), (1, 1));
}

#[test]
fn a_list_is_named_or_the_one_of_all_listings() {
    let unnamed = |text: &str| stix::parse(&file("b", text.as_bytes()), None);
    let named = |text: &str, id: &str| stix::parse(&file("b", text.as_bytes()), Some(&list(id)));
    assert!(matches!(unnamed(BUNDLE), Err(FeedError::NoList { .. })));
    assert!(matches!(named(BUNDLE, "un-sc"), Err(FeedError::OfficialList { .. })));
    let mut other = numbered(2);
    other.key.list = list("xa-other");
    let both = written(
        OutFormat::Stix,
        &[listing(numbered(1), 1, OutState::Listed), listing(other, 2, OutState::Listed)],
    );
    assert!(matches!(unnamed(&both), Err(FeedError::NoList { .. })), "of two lists, none is chosen");
    let snapshot = named(&both, "xa-other").unwrap();
    assert_eq!((snapshot.records.len(), snapshot.rejected.len()), (1, 0));
    assert!(matches!(named(&both, "xa-third"), Err(FeedError::NoRecords { .. })));
    let official = both.replace("xa-national", "un-sc").replace("xa-other", "un-sc");
    assert!(matches!(unnamed(&official), Err(FeedError::OfficialList { .. })));
}

#[test]
fn the_real_bundles_at_hand_are_read_whole_or_have_no_subject() {
    let start = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let Some(folder) =
        start.ancestors().map(|dir| dir.join("../shared/data/stix")).find(|folder| folder.is_dir())
    else {
        assert!(std::env::var_os("COMITY_REQUIRE_SHARED").is_none(), "the shared data is required");
        eprintln!("skipped: no shared data");
        return;
    };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let text = read("apt1.json");
    let snapshot = parse(&text).unwrap();
    // Counted by another program: 4 identities, which made nothing.
    assert_eq!((snapshot.rejected.as_slice(), snapshot.records.len()), (&[][..], 4));
    let values = walk(&text, &snapshot);
    assert!(values > 30, "{values}");
    for name in ["poisonivy.json", "infrastructure.json", "indicators-for-C2-with-COA.json"] {
        assert!(matches!(parse(&read(name)), Err(FeedError::NoRecords { .. })), "{name}");
    }
    assert!(matches!(parse(&read("interop-objectmarking-test.json")), Err(FeedError::NoBundle { .. })));
}
