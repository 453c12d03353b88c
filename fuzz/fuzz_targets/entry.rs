//! The envelope of an entry: what is read can be written again from its parts, and is then the same bytes.
#![no_main]

use comity_ledger::{ENTRY_VERSION, Entry, EntryBytes, Genesis};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let parsed = Entry::parse(input);
    assert_eq!(EntryBytes::new(input.to_vec()).is_ok(), parsed.is_ok());
    let Ok(entry) = parsed else { return };
    let mut bytes = vec![ENTRY_VERSION, entry.kind().code()];
    bytes.extend(entry.id().as_bytes());
    bytes.extend(entry.author_time().unix_secs().to_be_bytes());
    bytes.extend(entry.about().map_or(0, |index| index.value() + 1).to_be_bytes());
    bytes.push(u8::try_from(entry.commitments().len()).unwrap());
    for (slot, commitment) in entry.commitments() {
        bytes.push(slot.number());
        bytes.extend(commitment.as_bytes());
        assert_eq!(entry.commitment(*slot), Some(*commitment), "no slot stands there twice");
    }
    bytes.extend(u16::try_from(entry.public_body().len()).unwrap().to_be_bytes());
    bytes.extend(entry.public_body());
    assert_eq!(bytes, input, "one spelling for each entry");
    if let Ok(genesis) = Genesis::from_entry(&entry) {
        assert_eq!(Genesis::from_entry(&entry).as_ref(), Ok(&genesis));
    }
});
