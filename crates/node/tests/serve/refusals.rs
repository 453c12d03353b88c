//! Bad input gets its code, in the words of the closed table, and changes nothing.

use bytes::Bytes;
use comity_wire::v1::admin_service_client::AdminServiceClient;
use comity_wire::v1::screening_service_client::ScreeningServiceClient;
use comity_wire::{CHANGES_PER_MESSAGE_MAX, ErrorCode, v1};
use tonic::Status;

use crate::support::{LIST, ORIGIN, Place, append_of, lists};

/// The code of a refusal, which must be of the table, words and all.
fn code(status: &Status) -> ErrorCode {
    let code = ErrorCode::from_status(status);
    assert!(status.message().starts_with(code.reason()), "{status:?}");
    assert!(status.details().is_empty() && status.code() == code.grpc_code(), "{status:?}");
    code
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_append_changes_nothing() {
    let place = Place::make();
    let node = place.serve().await;
    // A client without the limits of ours: it sends whatever it likes.
    let mut client = AdminServiceClient::new(node.channel().await);
    let good = append_of(&[lists(1, "1", "Tomas Velloran"), lists(2, "2", "Mirela Ostrava")]);
    let header = |changes, handling: v1::HandlingChoice| v1::AppendRequest {
        step: Some(v1::append_request::Step::Header(v1::AppendHeader {
            changes,
            handling: handling.into(),
            basis: None,
            label_anew: false,
        })),
    };
    let changes = |changes| v1::AppendRequest {
        step: Some(v1::append_request::Step::Changes(v1::AppendChanges { changes })),
    };
    let core = |content: Vec<u8>| v1::ChangeDraft {
        about: None,
        sections: vec![v1::Section { slot: 2, content: Bytes::from(content) }],
    };
    let official = v1::HandlingChoice::OfficialList;
    let many = vec![core(vec![0xa0]); CHANGES_PER_MESSAGE_MAX + 1];
    for (what, messages, expect) in [
        ("nothing", vec![], ErrorCode::Malformed),
        ("no step", vec![v1::AppendRequest::default()], ErrorCode::Malformed),
        ("no header", good[1..].to_vec(), ErrorCode::Malformed),
        ("two headers", vec![good[0].clone(), good[0].clone()], ErrorCode::Malformed),
        ("no changes", vec![good[0].clone()], ErrorCode::Malformed),
        ("one change too few", vec![header(3, official), good[1].clone()], ErrorCode::Malformed),
        ("one change too many", vec![header(1, official), good[1].clone()], ErrorCode::Malformed),
        ("a batch over its limit", vec![header(65_537, official)], ErrorCode::Malformed),
        (
            "no handling",
            vec![header(2, v1::HandlingChoice::Unspecified), good[1].clone()],
            ErrorCode::Malformed,
        ),
        ("no change in it", vec![header(1, official), changes(vec![core(vec![0x80])])], ErrorCode::Malformed),
        ("a message of too many", vec![header(1_025, official), changes(many)], ErrorCode::TooLarge),
        (
            "a message over its limit",
            vec![header(1, official), changes(vec![core(vec![0; 5 << 20])])],
            ErrorCode::TooLarge,
        ),
        (
            "a section over its limit",
            vec![header(1, official), changes(vec![core(vec![0; 65_501])])],
            ErrorCode::TooLarge,
        ),
    ] {
        let status = client.append(tokio_stream::iter(messages)).await.unwrap_err();
        assert_eq!(code(&status), expect, "{what}");
    }
    assert_eq!(node.size().await, 1);
    client.append(tokio_stream::iter(good)).await.unwrap();
    assert_eq!(node.size().await, 3);
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_question_gets_its_code() {
    let place = Place::make();
    let node = place.serve().await;
    let channel = node.channel().await;
    let mut admin = AdminServiceClient::new(channel.clone());
    let read = |origin: &str, index| v1::ReadEntryRequest { origin: origin.to_owned(), index };
    for (request, expect) in [
        (read(ORIGIN, 1), ErrorCode::NotFound),
        (read(ORIGIN, u64::MAX), ErrorCode::NotFound),
        (read("b.example/pub", 0), ErrorCode::UnknownOrigin),
        (read("no origin", 0), ErrorCode::Malformed),
    ] {
        let status = admin.read_entry(request.clone()).await.unwrap_err();
        assert_eq!(code(&status), expect, "{request:?}");
    }
    let request = v1::ExportLogRequest { origin: "b.example/pub".to_owned() };
    let status = admin.export_log(request).await.unwrap().into_inner().message().await.unwrap_err();
    assert_eq!(code(&status), ErrorCode::UnknownOrigin);
    for (list, origin, expect) in [
        ("No List!", "", ErrorCode::Malformed),
        (LIST, "no origin", ErrorCode::Malformed),
        (LIST, "b.example/pub", ErrorCode::UnknownOrigin),
    ] {
        let request = v1::ListRecordsRequest { list: list.to_owned(), origin: origin.to_owned() };
        assert_eq!(code(&admin.list_records(request).await.unwrap_err()), expect, "{list} of {origin:?}");
    }
    let list = v1::ListRecordsRequest { list: LIST.to_owned(), origin: String::new() };
    let mut none = admin.list_records(list).await.unwrap().into_inner();
    assert_eq!(none.message().await.unwrap(), None, "a list that is not held has no records");

    let mut screening = ScreeningServiceClient::new(channel);
    let name = |name: String| Some(v1::screen_request::Query::Name(name));
    let imo = |value: &str| {
        Some(v1::screen_request::Query::Identifier(v1::IdentifierQuery {
            r#type: "imo".to_owned(),
            scope: String::new(),
            value: value.to_owned(),
        }))
    };
    for (query, expect) in [
        (None, ErrorCode::Malformed),
        (name(String::new()), ErrorCode::Malformed),
        (name(" - ".to_owned()), ErrorCode::Malformed),
        (imo("12"), ErrorCode::Malformed),
        (name("x".repeat(60 << 10)), ErrorCode::Malformed),
        (name("x".repeat(70 << 10)), ErrorCode::TooLarge),
    ] {
        let status = screening.screen(v1::ScreenRequest { query }).await.unwrap_err();
        assert_eq!(code(&status), expect);
    }
    node.stop().await.unwrap();
}

/// Goal: a stopping node tells watchers the end instead of being held up by them, and takes nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_watch_does_not_hold_up_the_stop() {
    let place = Place::make();
    let node = place.serve().await;
    let mut watch = node.operator().await.watch(v1::WatchRequest {}).await.unwrap().into_inner();
    let begun = std::time::Instant::now();
    let mut client = node.operator().await;
    node.stop().await.unwrap();
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(matches!(watch.message().await, Ok(None) | Err(_)));
    assert!(client.append(tokio_stream::iter(append_of(&[lists(1, "1", "Late Person")]))).await.is_err());
    let home = place.home();
    assert!(comity_node::RunFile::find(&home).is_none(), "the run file is gone");
}
