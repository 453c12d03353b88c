//! Changes and records travel unchanged, and every field of them is checked.

use comity_watchlist::{ListId, RecordKey, Reference};

use super::*;

fn sections(core: usize) -> Sections {
    let mut sections = Sections::default();
    sections.set(Section::Core, vec![1; core]);
    sections.set(Section::Sources, vec![2; 5]);
    sections
}

fn change(core: usize) -> DraftChange {
    DraftChange::new(Some(EntryIndex::new(4).unwrap()), sections(core)).unwrap()
}

fn unpack(messages: Vec<v1::AppendRequest>) -> Vec<DraftChange> {
    let steps = messages.into_iter().map(|message| match AppendStep::try_from(message).unwrap() {
        AppendStep::Changes(changes) => changes,
        AppendStep::Header(_) => panic!("no header was sent"),
    });
    steps.flatten().collect()
}

#[test]
fn changes_travel_in_messages_under_their_limits() {
    let many = vec![change(10); 2_500];
    assert_eq!(unpack(AppendStep::pack(&many)), many);
    assert_eq!(AppendStep::pack(&many).len(), 3);
    let large = vec![change(65_500); 40];
    assert_eq!(unpack(AppendStep::pack(&large)), large);
    assert_eq!(AppendStep::pack(&large).len(), 3);
    assert!(AppendStep::pack(&[]).is_empty());
}

#[test]
fn a_header_travels() {
    let header = AppendHeader::new(9, HandlingChoice::OwnDesignation).unwrap();
    let list = ListId::parse("invented-list").unwrap();
    let none = ListBasis { list: list.clone(), listings: 0, newest: None };
    let some = ListBasis { list, listings: 3, newest: Some(EntryIndex::new(7).unwrap()) };
    for (basis, label_anew) in [(None, true), (Some(none), false), (Some(some), true)] {
        let header = header.clone().over(basis).labelled(label_anew);
        let message = v1::AppendRequest::from(header.clone());
        assert_eq!(AppendStep::try_from(message), Ok(AppendStep::Header(header)));
    }
    assert_eq!(AppendHeader::new(0, HandlingChoice::OfficialList), None);
    assert_eq!(AppendHeader::new(APPEND_CHANGES_MAX + 1, HandlingChoice::OfficialList), None);
}

#[test]
fn each_field_of_a_header_is_checked() {
    let check = |field: &str, changes, handling| {
        let step = Step::Header(v1::AppendHeader { changes, handling, basis: None, label_anew: false });
        assert_eq!(AppendStep::try_from(request(step)).unwrap_err().field(), field);
    };
    check("append_header.changes", 0, 1);
    check("append_header.changes", u64::MAX, 1);
    check("append_header.handling", 1, 0);
    check("append_header.handling", 1, 77);
    let check = |field: &str, list: &str, listings, newest_index| {
        let basis = Some(v1::ListBasis { list: list.to_owned(), listings, newest_index });
        let step = Step::Header(v1::AppendHeader { changes: 1, handling: 1, basis, label_anew: false });
        assert_eq!(AppendStep::try_from(request(step)).unwrap_err().field(), field);
    };
    check("list_basis.list", "no list", 0, None);
    check("list_basis.newest_index", "invented-list", 1, Some(u64::MAX));
    check("list_basis.listings", "invented-list", 1, None);
    check("list_basis.listings", "invented-list", 0, Some(4));
    assert_eq!(
        AppendStep::try_from(v1::AppendRequest::default()).unwrap_err().field(),
        "append_request.step"
    );
}

#[test]
fn each_field_of_a_change_is_checked() {
    let check = |field: &str, spoil: &dyn Fn(&mut Vec<v1::ChangeDraft>)| {
        let mut changes = vec![change(10).to_message()];
        spoil(&mut changes);
        let step = Step::Changes(v1::AppendChanges { changes });
        assert_eq!(AppendStep::try_from(request(step)).unwrap_err().field(), field);
    };
    let full = || Bytes::from(vec![0; 65_501]);
    check(CHANGES, &|changes| changes.clear());
    check(CHANGES, &|changes| changes.resize(1_025, v1::ChangeDraft::default()));
    check(CHANGES, &|changes| changes[0].sections[0].content = Bytes::from(vec![0; (1 << 20) + 1]));
    check("change_draft.about", &|changes| changes[0].about = Some(u64::MAX));
    check("change_draft.sections", &|changes| changes[0].sections.clear());
    check("change_draft.sections", &|changes| changes[0].sections[0].slot = 3);
    check("sections", &|changes| changes[0].sections = vec![v1::Section::default(); 7]);
    check(SECTIONS, &|changes| changes[0].sections[0].slot = 0);
    check(SECTIONS, &|changes| changes[0].sections[0].slot = 8);
    check(SECTIONS, &|changes| changes[0].sections[0].slot = 258);
    check(SECTIONS, &|changes| changes[0].sections.reverse());
    check(SECTIONS, &|changes| changes[0].sections[1].slot = 2);
    check(CONTENT, &|changes| changes[0].sections[0].content.clear());
    check(CONTENT, &|changes| changes[0].sections[0].content = full());
}

#[test]
fn a_record_travels_and_each_field_of_it_is_checked() {
    let record = ListedRecord {
        handle: Handle::new([6; 16]),
        newest: EntryIndex::new(3).unwrap(),
        leaf: EntryRef::new([7; 32]),
        state: v1::RecordState::Active,
        sections: sections(30),
        version: 4,
        reference: Reference::parse("R-1").unwrap(),
        merged_into: Some(RecordKey::new(ListId::parse("xa").unwrap(), Reference::parse("2").unwrap())),
        split_into: vec![RecordKey::new(ListId::parse("xa").unwrap(), Reference::parse("3").unwrap())],
    };
    assert_eq!(ListedRecord::try_from(v1::CurrentRecord::from(&record)), Ok(record.clone()));
    let check = |field: &str, spoil: &dyn Fn(&mut v1::CurrentRecord)| {
        let mut bad = v1::CurrentRecord::from(&record);
        spoil(&mut bad);
        assert_eq!(ListedRecord::try_from(bad).unwrap_err().field(), field);
    };
    check("current_record.handle", &|record| record.handle.clear());
    check("current_record.reference", &|record| record.reference.clear());
    check("current_record.newest_index", &|record| record.newest_index = u64::MAX);
    check("current_record.newest_leaf", &|record| record.newest_leaf = Bytes::from_static(&[0; 33]));
    check("current_record.state", &|record| record.state = -1);
    check(SECTIONS, &|record| record.sections[0].slot = 9);
}

/// Debug output ends in log lines and panics.
#[test]
fn no_section_is_shown_by_debug() {
    let mut sections = Sections::default();
    sections.set(Section::Core, b"Invented Person".to_vec());
    let draft = DraftChange::new(None, sections).unwrap();
    let step = v1::AppendRequest::clone(&AppendStep::pack(std::slice::from_ref(&draft))[0]);
    let shown = format!("{draft:?} {step:?}");
    assert!(!shown.contains("Invented") && !shown.contains("73, 110"), "{shown}");
}
