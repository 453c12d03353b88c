//! What is written, of every field of a record and of every state of a listing.

mod walk;

use comity_watchlist::{ListId, Name, NameKind, Prose, Reference, SubjectKind, Text};
use serde_json::Value;

use super::*;

/// No hash, but as good as one for what is asked here: other bytes give another result.
fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0_u8; 32];
    for (byte, place) in bytes.iter().zip(0_usize..) {
        sum[place % 32] = sum[place % 32].rotate_left(3).wrapping_add(*byte);
        sum[(place + 7) % 32] ^= sum[place % 32];
    }
    sum
}

fn listing(record: Record, state: OutState) -> Outgoing {
    Outgoing {
        origin: "agency-a.example/pub".to_owned(),
        agency: "agency-a.example".to_owned(),
        handle: Handle::new([7; 16]),
        key: record.key.clone(),
        record: Some(record),
        state,
        created_ms: 1_700_000_000_000,
        modified_ms: 1_700_000_100_001,
        index: 3,
        tlp: Tlp::Clear,
        merged_into: None,
    }
}

fn record(kind: SubjectKind, name: &str) -> Record {
    let key = RecordKey::new(ListId::parse("list").unwrap(), Reference::parse("R1").unwrap());
    let mut record = Record::new(key, kind);
    record.names.push(Name::new(NameKind::Primary, Text::new(name).unwrap()));
    record
}

/// All files of an export, one after the other.
fn written(format: OutFormat, listings: &[Outgoing]) -> String {
    let source = OutSource {
        origin: "agency-a.example/pub".to_owned(),
        agency: "agency-a.example".to_owned(),
        list: Some("list".to_owned()),
        size: 4,
    };
    let (mut writer, mut text) = (OutWriter::new(format, source, digest), Vec::new());
    for pass in 0..format.passes() {
        let mut parts = writer.begin(pass);
        for listing in listings {
            parts.extend(writer.record(pass, listing));
        }
        parts.extend(writer.end(pass));
        for part in parts {
            text.extend(part.bytes);
        }
    }
    String::from_utf8(text).unwrap()
}

fn stix_of(listing: &Outgoing) -> Value {
    let bundle: Value =
        serde_json::from_str(&written(OutFormat::Stix, std::slice::from_ref(listing))).unwrap();
    bundle["objects"][0].clone()
}

#[test]
fn times_are_written_in_utc_and_never_beyond_what_can_be_written() {
    assert_eq!(rfc3339(1_700_000_000_123, true), "2023-11-14T22:13:20.123Z");
    assert_eq!(rfc3339(0, false), "1970-01-01T00:00:00");
    assert_eq!(rfc3339(u64::MAX, true), "9999-12-31T23:59:59.999Z");
}

#[test]
fn what_has_ended_is_revoked_deleted_or_left_out_and_keeps_its_name_elsewhere() {
    let listed = listing(record(SubjectKind::Person, "MIRAGE"), OutState::Listed);
    let ended =
        Outgoing { state: OutState::Delisted(None), modified_ms: 1_700_000_200_000, ..listed.clone() };
    let (before, after) = (stix_of(&listed), stix_of(&ended));
    assert_eq!((&before["id"], before.get("revoked")), (&after["id"], None));
    assert_eq!((&after["revoked"], &after["name"]), (&Value::Bool(true), &"MIRAGE".into()));
    assert!(after["modified"].as_str() > before["modified"].as_str());
    let misp = written(OutFormat::Misp, std::slice::from_ref(&ended));
    assert!(misp.contains("\"deleted\":true") && !misp.contains("\"deleted\":false"));
    assert!(!misp.lines().last().unwrap().contains(','), "no hash of what has ended: {misp}");
    for format in [OutFormat::Ftm, OutFormat::Csv] {
        assert!(!written(format, std::slice::from_ref(&ended)).contains("MIRAGE"));
        assert!(written(format, std::slice::from_ref(&listed)).contains("MIRAGE"));
    }
}

#[test]
fn of_what_is_withdrawn_no_format_tells_more_than_that() {
    let withdrawn = listing(record(SubjectKind::Person, "MIRAGE"), OutState::Withdrawn);
    for format in OutFormat::ALL {
        assert!(!written(format, std::slice::from_ref(&withdrawn)).contains("MIRAGE"), "{}", format.word());
    }
    assert_eq!(stix_of(&withdrawn)["revoked"], true);
    assert_eq!(stix_of(&withdrawn)["name"], "withdrawn");
}

#[test]
fn who_is_suspended_is_in_no_table_of_those_who_are_listed() {
    let suspended = listing(record(SubjectKind::Person, "MIRAGE"), OutState::Suspended);
    assert!(!written(OutFormat::Csv, std::slice::from_ref(&suspended)).contains("MIRAGE"));
    assert!(written(OutFormat::Ftm, std::slice::from_ref(&suspended)).contains("\"status\":[\"suspended\"]"));
    assert_eq!(stix_of(&suspended).get("revoked"), None);
}

#[test]
fn the_same_listings_give_the_same_bytes_and_another_log_other_names() {
    let listed = listing(record(SubjectKind::Vessel, "FATA MORGANA"), OutState::Listed);
    let elsewhere = Outgoing { origin: "agency-b.example/pub".to_owned(), ..listed.clone() };
    for format in OutFormat::ALL {
        let once = written(format, std::slice::from_ref(&listed));
        assert_eq!(once, written(format, std::slice::from_ref(&listed)), "{}", format.word());
        assert_ne!(once, written(format, std::slice::from_ref(&elsewhere)), "{}", format.word());
    }
    assert_ne!(stix_of(&listed)["id"], stix_of(&elsewhere)["id"]);
}

#[test]
fn hashes_tell_of_what_is_clear_or_green_alone() {
    let listed = listing(record(SubjectKind::Person, "MIRAGE"), OutState::Listed);
    let mut feed = misp::Feed::new(
        OutSource { origin: String::new(), agency: "a.example".to_owned(), list: None, size: 1 },
        digest,
    );
    let mut hashes = |tlp| feed.record(2, &Outgoing { tlp, ..listed.clone() })[0].bytes.len();
    assert!(hashes(Tlp::Clear) > 0 && hashes(Tlp::Green) > 0);
    assert_eq!([hashes(Tlp::Amber), hashes(Tlp::AmberStrict), hashes(Tlp::Red)], [0, 0, 0]);
}

#[test]
fn closed_reasons_are_in_no_format_and_a_name_makes_no_line() {
    let bad = "MIRAGE\r\n{\"id\":\"x\"}\u{9b}2J\u{202e},=1";
    for format in OutFormat::ALL {
        let listed = |name: &str| {
            let mut record = record(SubjectKind::Person, name);
            record.reasons_closed.push(Prose::new("closed reason").unwrap());
            written(format, &[listing(record, OutState::Listed)])
        };
        let found = listed(bad);
        assert!(!found.contains("closed reason"), "{}", format.word());
        assert!(!found.chars().any(|c| matches!(c, '\u{9b}' | '\u{202e}')), "{}", format.word());
        assert_eq!(found.lines().count(), listed("MIRAGE").lines().count(), "{}", format.word());
    }
}

/// Goal: a code of goods says in which list it stands, wherever it goes: two lists have the same codes for other goods.
#[test]
fn a_code_of_goods_keeps_its_scheme() {
    let mut told = record(SubjectKind::Good, "Toxic weeds");
    for scheme in ["eu", "eccn"] {
        let code = Text::new("1C350").unwrap();
        let mut code = comity_watchlist::Identifier::new(comity_watchlist::IdKind::Goods, code);
        code.scope = Some(Text::new(scheme).unwrap());
        told.identifiers.push(code);
    }
    told.kind = SubjectKind::Organisation;
    for format in [OutFormat::Ftm, OutFormat::Misp] {
        let text = written(format, &[listing(told.clone(), OutState::Listed)]);
        for scheme in ["eu", "eccn"] {
            let both = [format!("goods {scheme}: 1C350"), format!("{scheme} 1C350")];
            assert!(both.iter().any(|said| text.contains(said)), "{scheme}: {text}");
        }
    }
}
