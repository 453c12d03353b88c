//! Which paths, filters and media types there are, and which there are not.

use super::*;

fn of(part: Part) -> Asked {
    Asked::Of { collection: "c".to_owned(), part }
}

#[test]
fn each_thing_has_one_path() {
    let id = || "identity--1".to_owned();
    assert_eq!(Asked::find("/taxii2/"), Some(Asked::Discovery));
    assert_eq!(Asked::find("/taxii2/logs/"), Some(Asked::ApiRoot));
    assert_eq!(Asked::find("/taxii2/logs/collections/"), Some(Asked::Collections));
    let find = |rest: &str| Asked::find(&format!("/taxii2/logs/collections/{rest}"));
    assert_eq!(find("c/"), Some(of(Part::Itself)));
    assert_eq!(find("c/objects/"), Some(of(Part::Objects)));
    assert_eq!(find("c/manifest/"), Some(of(Part::Manifest)));
    assert_eq!(find("c/objects/identity--1/"), Some(of(Part::Object { id: id() })));
    assert_eq!(find("c/objects/identity--1/versions/"), Some(of(Part::Versions { id: id() })));
    for path in [
        "c",
        "c/objects",
        "c/objects/x",
        "c/objects/x/versions",
        "c/manifest/x/",
        "c/status/",
        "c/objects/x/y/",
    ] {
        assert_eq!(find(path), None, "{path}");
    }
    for path in [
        "/taxii2",
        "/taxii2/logs",
        "/taxii2/other/",
        "/taxii2/logs/status/1/",
        "/taxii2/logs/collections",
        "/",
    ] {
        assert_eq!(Asked::find(path), None, "{path}");
    }
}

#[test]
fn filters_are_read() {
    let read = |query: &str| Filters::parse(Some(query)).unwrap();
    let plain = Filters::parse(None).unwrap();
    assert_eq!(plain, read(""));
    assert_eq!((plain.limit, plain.next, &plain.versions), (PAGE_OBJECTS, Cursor::default(), &Versions::Any));
    let full = read(
        "added_after=2026-11-30T10%3A00%3A00.000001Z&limit=7&next=12.3&match%5Btype%5D=identity,location&x=y",
    );
    assert_eq!(full.added_after.unwrap().to_string(), "2026-11-30T10:00:00.000001Z");
    assert_eq!((full.limit, full.next), (7, Cursor { index: 12, told: 3 }));
    assert_eq!(full.kinds.unwrap().len(), 2);
    assert_eq!(read("limit=99999999999999999999999").limit, PAGE_OBJECTS_MAX);
    assert_eq!(read("next=18446744073709551615").next.index, u64::MAX);
    for word in ["all", "first", "last", "first,last", "first,2026-11-30T10:00:00Z"] {
        assert_eq!(read(&format!("match[version]={word}")).versions, Versions::Any, "{word}");
    }
    let time = Micros::parse("2026-11-30T10:00:00Z").unwrap();
    assert_eq!(read("match[version]=2026-11-30T10:00:00Z").versions, Versions::Exact([time].into()));
    for unknown in ["x=%ff", "%ff=x", "%=1", "y"] {
        assert_eq!(read(unknown), plain, "{unknown}");
    }
    assert!(!read("match[spec_version]=2.0").is_of_this_spec);
    assert!(read("match[spec_version]=2.0,2.1").is_of_this_spec);
    assert_eq!(read("match[id]=a,b").ids.unwrap().len(), 2);
}

#[test]
fn a_malformed_filter_is_refused() {
    for query in [
        "limit=0",
        "limit=-1",
        "limit=",
        "limit=1x",
        "limit=1&limit=1",
        "next=",
        "next=x",
        "next=-1",
        "next=1.",
        "next=.1",
        "next=1.2.3",
        "next=18446744073709551616",
        "added_after=",
        "added_after=now",
        "added_after=2026-11-30",
        "added_after=2026-11-30T10:00:00Z&added_after=2026-11-30T10:00:00Z",
        "match[id]=",
        "match[id]=a,,b",
        "match[id]=a,a",
        "match[version]=all,last",
        "match[version]=newest",
        "match[version]=last,last",
        "match[type]=a&match[type]=b",
        "limit=%",
        "limit=%3",
        "limit=%zz",
        "next=%ff",
    ] {
        assert_eq!(Filters::parse(Some(query)), None, "{query}");
    }
}

#[test]
fn a_cursor_reads_back() {
    for cursor in
        [Cursor { index: 0, told: 0 }, Cursor { index: 5, told: 1 }, Cursor { index: u64::MAX, told: 1_000 }]
    {
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
    }
}

#[test]
fn media_types_are_negotiated() {
    for taken in [
        &[][..],
        &[""],
        &[" , "],
        &["application/taxii+json;version=2.1"],
        &["application/taxii+json; version=2.1"],
        &["application/taxii+json; version=\"2.1\""],
        &["application/taxii+json"],
        &["Application/TAXII+JSON;Version=2.1"],
        &["text/html, */*;q=0.1"],
        &["application/taxii+json;version=2.0, application/taxii+json;version=2.1"],
        &["text/html", "application/*"],
    ] {
        assert!(accepts(taken.iter().copied()), "{taken:?}");
    }
    for refused in [
        &["text/html"][..],
        &["application/json"],
        &["application/taxii+json;version=2.0"],
        &["application/vnd.oasis.taxii+json;version=2.0"],
        &["*/*;q=0"],
        &["application/taxii+json;version=2.1;q=0.000"],
        &["application/taxii+jsonx"],
    ] {
        assert!(!accepts(refused.iter().copied()), "{refused:?}");
    }
}
