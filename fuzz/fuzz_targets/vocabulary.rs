//! Tables of codes: what is read of one is parted, entered and read again as the same codes in their order.
#![no_main]

use comity_feeds::{InputFile, vocabulary};
use comity_watchlist::{
    CalendarDate, Change, FileHash, GoodsScheme, Handle, Notice, Op, RecordKey, Reference, VocabularyPart,
    vocabulary_list,
};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let schemes: Vec<GoodsScheme> = GoodsScheme::all().collect();
    let scheme = schemes[usize::from(*first) % schemes.len()];
    let file = InputFile::of_bytes("codes.csv", FileHash::new([1; 32]), rest);
    let Ok(codes) = vocabulary::read(&file, scheme) else { return };
    let day = CalendarDate::parse("2026-01-01").unwrap();
    let parts = VocabularyPart::of(scheme, day, codes.clone()).expect("what is read can be entered");
    let key = RecordKey::new(vocabulary_list(scheme).unwrap(), Reference::parse("2026").unwrap());
    let mut again = Vec::new();
    for part in parts {
        let op = Op::Vocabulary { part: Box::new(part), notice: Box::new(Notice::new(key.clone())) };
        let change = Change { handle: Handle::new([1; 16]), op };
        let sections = change.encode().expect("each part fits its section");
        let read = Change::decode(&(&sections).into()).expect("what was written reads").change;
        assert_eq!(read, change);
        again.extend(read.op.vocabulary().unwrap().codes().iter().cloned());
    }
    let mut sorted = codes;
    sorted.sort_by(|one, other| one.code.path().cmp(other.code.path()));
    assert_eq!(again, sorted);
});
