//! Writes the corpus: the sample's own bytes and the fixtures of the rooms, one file for each, named by what it is.
//!
//! Run from `fuzz/` whenever a form changes; what a fuzzer found is added by hand. Not here: the sample (`lib`).

use std::fs;
use std::path::Path;

use comity_fuzz::{Nodes, SAMPLE, size};
use comity_tlog::{EntryIndex, TlogProof, prove_consistency, prove_inclusion};

fn main() {
    let sample = &*SAMPLE;
    let note = sample.checkpoint.as_bytes();
    write("note", "checkpoint", note);
    write("note", "blank-lines", b"a\n\nb\n\n\xe2\x80\x94 b.example/x AAAAAAE=\n");
    write("checkpoint", "cosigned", note);
    write("checkpoint", "text", sample.checkpoint.checkpoint().to_text().as_bytes());
    write("card", "whole", sample.card.as_bytes());
    let count = sample.entries.len();
    for index in [0, 7, 10] {
        let index = EntryIndex::new(index).unwrap();
        let proof = prove_inclusion(&Nodes, index, size(count)).unwrap();
        let proof = TlogProof::new(index, proof, sample.checkpoint.clone());
        write("proof", &format!("index-{index}"), &proof.to_bytes());
        write("proof", &format!("extra-{index}"), &proof.with_extra(b"extra").unwrap().to_bytes());
    }
    for (name, at) in [("genesis", 0), ("record", 1)] {
        write("entry", name, sample.entries[at].bytes().as_bytes());
        for (slot, opening) in sample.entries[at].openings() {
            write("opening", &format!("{name}-{}", slot.number()), &opening.to_padded());
        }
    }
    for (start, end) in [(0, 1), (0, 4), (0, 11), (1, 8), (4, 11), (8, 9)] {
        let mut bytes = u64::try_from(start).unwrap().to_be_bytes().to_vec();
        bytes.push(u8::try_from(end - start).unwrap());
        for entry in &sample.entries[start..end] {
            let entry = entry.bytes().as_bytes();
            bytes.extend(u16::try_from(entry.len()).unwrap().to_be_bytes());
            bytes.extend(entry);
        }
        let proof = prove_consistency(&Nodes, size(end), size(count)).unwrap();
        proof.hashes().iter().for_each(|hash| bytes.extend(hash.as_bytes()));
        write("frame", &format!("{start}-{end}"), &bytes);
    }
    changes();
    lists();
    let config = |to: &str| {
        format!(
            "[agency]\nid = \"a.example\"\nname = \"A\"\n[listen]\npeers = \"0.0.0.0:7443\"\nadmin = \"127.0.0.1:7444\"\n[release]\nto = \"{to}\"\n"
        )
    };
    write("config", "peers", config("peers").as_bytes());
    write("config", "nobody", config("nobody").as_bytes());
}

/// The pinned changes of the record model.
fn changes() {
    let pinned = fs::read_to_string("../crates/watchlist/tests/vectors/changes.hex").unwrap();
    for change in pinned.split("# ").filter(|change| !change.is_empty()) {
        let (name, sections) = change.split_once('\n').unwrap();
        let mut bytes = Vec::new();
        for section in comity_watchlist::Section::ALL {
            let line = sections.lines().find_map(|line| line.strip_prefix(&format!("{} ", section.name())));
            let section = unhex(line.unwrap_or_default());
            bytes.extend(u16::try_from(section.len()).unwrap().to_be_bytes());
            bytes.extend(section);
        }
        write("change", &name.replace(' ', "-"), &bytes);
    }
}

/// The invented lists of the importers.
fn lists() {
    let fixture = |name: &str| fs::read(format!("../crates/feeds/tests/fixtures/{name}")).unwrap();
    let tables = ["ofac-sdn.csv", "ofac-alt.csv", "ofac-add.csv", "ofac-comments.csv"].map(fixture);
    write("ofac", "subjects", &tables[0]);
    write("ofac", "all", &tables.join(&0));
    write("un", "list", &fixture("un.xml"));
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.trim().as_bytes().as_chunks::<2>().0;
    digits.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn write(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new("corpus").join(target);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
}
