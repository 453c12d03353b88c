//! Rows that are left out: the first of them are kept with line and reason, the others are counted, and nothing that is held
//! ends while it is not known whose rows those were.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use comity_feeds::{
    Current, Held, InputFile, Options, REJECTED_KEPT_MAX, Refusal, Snapshot, diff, ftm, ofac, own, simple, us,
};
use comity_watchlist::{CalendarDate, EntryRef, FileHash, Handle, ListId};

/// Bad rows beyond those that are kept.
const MORE: usize = 5;
const BAD: usize = REJECTED_KEPT_MAX + MORE;
const GOOD: usize = BAD + 10;

fn list() -> ListId {
    ListId::parse("xa-castle").unwrap()
}

fn table(good: usize, bad: usize) -> String {
    let mut text = "id,schema,name\n".to_owned();
    (0..good).for_each(|number| writeln!(text, "good-{number},Person,Ilse Brandt").unwrap());
    (0..bad).for_each(|number| writeln!(text, "bad-{number},Castle,Zenda").unwrap());
    text
}

fn lines(good: &str, bad: &str) -> String {
    let mut text = String::new();
    (0..GOOD).for_each(|number| writeln!(text, "{}", good.replace('#', &number.to_string())).unwrap());
    (0..BAD).for_each(|_| writeln!(text, "{bad}").unwrap());
    text
}

fn read(text: &str) -> Snapshot {
    simple::parse(&file(text), Some(&list())).unwrap()
}

fn file(text: &str) -> InputFile<'_> {
    InputFile::of_bytes("list", FileHash::new([7; 32]), text.as_bytes())
}

/// A document of OFAC whose subjects without a number cannot be read.
fn legacy() -> String {
    let document = include_str!("fixtures/ofac-cons/legacy.xml");
    let (head, rest) = document.split_once("<sdnEntry>").unwrap();
    let programmes = "<programList><program>ZENDA</program></programList>";
    let entry = |uid: &str| {
        format!(
            "<sdnEntry>{uid}<lastName>Brandt</lastName><sdnType>Individual</sdnType>{programmes}</sdnEntry>\n"
        )
    };
    assert!(rest.contains("</sdnList>"));
    let entries = lines(&entry("<uid>#</uid>"), &entry(""));
    let head = head.replace(count(head), &format!("<Record_Count>{}</Record_Count>", GOOD + BAD));
    [&head, entries.as_str(), "</sdnList>\n"].concat()
}

/// The element that says how many records a document has.
fn count(head: &str) -> &str {
    let from = head.find("<Record_Count>").unwrap();
    let end = "</Record_Count>";
    &head[from..head.find(end).unwrap() + end.len()]
}

#[test]
fn the_first_rejected_rows_are_kept_and_the_rest_is_counted_in_each_form() {
    let own = "{\"list\":\"xa-castle\",\"reference\":\"r#\",\"kind\":\"person\",\"names\":[{\"full\":\"Ilse Brandt\",\"kind\":\"primary\"}]}";
    let entity =
        "{\"id\":\"e#\",\"schema\":\"Person\",\"target\":true,\"properties\":{\"name\":[\"Ilse Brandt\"]}}";
    let subject = "#,\"BRANDT, Ilse\",\"individual\",\"ZENDA\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ";
    let denied = "Brandt #\t1 Castle Bridge\tZenda\t\tXA\t\t1/1/2020\t1/1/2030\tY\t2020-01-01\t\t";
    let columns = "Name\tStreet_Address\tCity\tState\tCountry\tPostal_Code\tEffective_Date\tExpiration_Date\t\
                   Standard_Order\tLast_Update\tAction\tFR_Citation\n";
    let entities = lines(entity, "1");
    let subjects = lines(subject, "none,a,b,c,d,e,f,g,h,i,j,k");
    let denied = [columns, &lines(denied, "1\t2")].concat();
    let legacy = legacy();
    for (form, snapshot) in [
        ("table", read(&table(GOOD, BAD))),
        ("lines", own::parse_lines(&file(&lines(own, "1")), None).unwrap()),
        ("entities", ftm::parse(&[file(&entities)], Some(&list())).unwrap()),
        ("ofac", ofac::parse(&[file(&subjects)]).unwrap()),
        ("ofac in xml", ofac::parse(&[file(&legacy)]).unwrap()),
        ("denied persons", us::parse(us::List::DeniedPersons, &file(&denied)).unwrap()),
    ] {
        assert_eq!((snapshot.records.len(), snapshot.rejected.len()), (GOOD, REJECTED_KEPT_MAX), "{form}");
        assert_eq!(snapshot.rejected_more, u64::try_from(MORE).unwrap(), "{form}");
        assert_eq!(snapshot.rows, u64::try_from(GOOD + BAD).unwrap(), "{form}");
    }
}

#[test]
fn nothing_that_is_held_ends_while_rejected_rows_are_only_counted() {
    let held = read(&table(GOOD + 2, 0)).records;
    let mut current = Current::new();
    for record in &held {
        current.hold(Held { handle: Handle::new([1; 16]), last: EntryRef::new([1; 32]), record });
    }
    let options =
        |accept_removals| Options { accept_removals, today: CalendarDate::parse("2026-01-31").unwrap() };
    let fresh = || Handle::new([2; 16]);
    // Two records are absent, and the row of one of them is among those behind the last that is kept.
    let behind = |number| format!("good-{number},Castle,Zenda\n");
    let one = [table(GOOD, BAD), behind(GOOD)].concat();
    let refused = diff(&current, read(&one), options(false), fresh);
    assert_eq!(refused, Err(Refusal::Uncertain { removed: 2, rows: MORE + 1 }));
    let difference = diff(&current, read(&one), options(true), fresh).unwrap();
    assert_eq!((difference.removed.len(), difference.changes.len(), difference.unread.len()), (0, 0, 2));
    // With no more rejected rows than are kept it is known whose they are.
    let known = [table(GOOD, 1), behind(GOOD)].concat();
    let difference = diff(&current, read(&known), options(true), fresh).unwrap();
    let references = |keys: &[comity_watchlist::RecordKey]| {
        keys.iter().map(|key| key.reference.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(references(&difference.removed), [format!("good-{}", GOOD + 1)]);
    assert_eq!(references(&difference.unread), [format!("good-{GOOD}")]);
}
