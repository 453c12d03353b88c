//! Writes the corpus: the sample's own bytes and the fixtures of the rooms, one file for each, named by what it is.
//!
//! Run from `fuzz/` whenever a form changes; what a fuzzer found is added by hand. Not here: the sample (`lib`).

use std::fs;
use std::path::Path;

use comity_fuzz::{Nodes, SAMPLE, key, size};
use comity_tlog::{EntryIndex, KeyKind, Policy, TlogProof, VerifierKey, prove_consistency, prove_inclusion};

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
    policies();
    goods();
    vocabularies();
    let config = |to: &str| {
        format!(
            "[agency]\nid = \"a.example\"\nname = \"A\"\n[listen]\npeers = \"0.0.0.0:7443\"\nadmin = \"127.0.0.1:7444\"\n[release]\nto = \"{to}\"\n"
        )
    };
    write("config", "peers", config("peers").as_bytes());
    write("config", "nobody", config("nobody").as_bytes());
}

/// Codes of each scheme as lists write them, some of which cover others.
fn goods() {
    let codes = [
        "1C350.a.12\n1c350 A\n5A002.",
        "3A001.b.2\nEAR99\n0A606",
        "1.C.1.a\n1C001\n5. A. 2.",
        "ML1.a\nml 10 b",
        "ML22\nML8.a.12.b",
        "VIII(h)(1)\nVIII.h\nXI(a)(3)(xxviii)(A)",
        "84\n8471.30",
        "8471 30 00\n84713090",
        "8471 30 00 00\n8471.30.00.90",
    ];
    for ((scheme, codes), number) in comity_watchlist::GoodsScheme::all().zip(codes).zip(0_u8..) {
        write("goods", &scheme.to_string(), &[&[number], codes.as_bytes()].concat());
    }
}

/// Tables of codes and titles, one with the headings of a broader tariff.
fn vocabularies() {
    let eu = "code,title\n1C350,Chemicals\n1C350.a,\"Powder, grey\"\n";
    let taric = "title,code\r\nClockwork,84\r\nSprings,8471 30 00 00\r\n";
    for (number, name, table) in [(0_u8, "eu", eu), (8, "taric", taric)] {
        write("vocabulary", name, &[&[number], table.as_bytes()].concat());
    }
}

/// Two levels of groups, a threshold made in code, and nobody.
fn policies() {
    let witness = |number: u8| {
        key(&format!("w{number}.example/witness"), KeyKind::CosignatureV1, number).verifier().clone()
    };
    let keys: Vec<VerifierKey> = (4..8).map(witness).collect();
    write("policy", "threshold", &Policy::threshold(keys.clone(), 3).unwrap().to_text());
    write("policy", "nobody", b"quorum none\n");
    let mut lines =
        vec!["# who is asked".to_owned(), format!("log {}", SAMPLE.log.verifier()), String::new()];
    lines.extend(
        keys.iter().zip(1..).map(|(key, number)| format!("witness w{number}\t{key} https://w.example/")),
    );
    lines.extend(
        ["group a 2 w1 w2 w3", " group b any w4", "group both all a b", "quorum both\n"].map(str::to_owned),
    );
    write("policy", "groups", lines.join("\n").as_bytes());
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
    // Without its indentation each document is as short as an input may be.
    let document = |name: &str| {
        let text = String::from_utf8(fixture(&format!("ofac-cons/{name}.xml"))).unwrap();
        text.lines().map(str::trim).collect::<Vec<_>>().join("\n").into_bytes()
    };
    for name in ["legacy", "enhanced", "advanced"] {
        write("ofac", name, &document(name));
    }
    write("ofac", "zipped", &zipped(&document("legacy")));
    write("un", "list", &fixture("un.xml"));
    // Denied persons in both forms, and the Entity List.
    for (name, first, file) in
        [("dpl", b"0", "us/dpl.txt"), ("csl-dpl", b"0", "us/csl.csv"), ("csl-el", b"1", "us/csl.csv")]
    {
        write("us", name, &[&first[..], &fixture(file)].concat());
    }
    write("eu", "xml", &fixture("eu.xml"));
    write("eu", "table", &fixture("eu.csv"));
    write("uk", "conlist-old", &fixture("uk-conlist-old.csv"));
    write("uk", "conlist", &fixture("uk-conlist.csv"));
    write("uk", "sanctions-list", &fixture("uk-sl.csv"));
    write("csv", "targets", &fixture("own/targets.csv"));
    let entities = ["ftm/entities.ftm.json", "ftm/delta.json"].map(fixture);
    write("ftm", "entities", &entities[0]);
    write("ftm", "delta", &entities.join(&0));
    write("jsonl", "list", &fixture("own/list.jsonl"));
    write("jsonl", "full", &one_line(&fixture("own/full.json")));
    write("stix", "subjects", &fixture("stix/bundle.json"));
    write("stix", "listings", &fixture("stix/own.json"));
    write("canada", "list", &fixture("canada.xml"));
    write("seco", "whole-list", &fixture("seco.xml"));
    write("seco", "amendment", &fixture("seco-amendment.xml"));
}

/// An object of several lines in one.
fn one_line(bytes: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines().map(str::trim).collect::<String>().into_bytes()
}

/// An archive of one file that is stored and not packed, so that what is in it can be reached (APPNOTE.TXT 6.3.10).
fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    let len = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let name = b"A.XML";
    // Version, flags, method, time and date; CRC, packed and unpacked length; lengths of name and extra field.
    let header =
        [&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..], &crc.sum().to_le_bytes(), &len, &len, &[5, 0, 0, 0]]
            .concat();
    let local = [b"PK\x03\x04", &header[..], name, bytes].concat();
    let entry = [b"PK\x01\x02\x14\0", &header[..], &[0; 14], name].concat();
    let sizes = [entry.len(), local.len()].map(|size| u32::try_from(size).unwrap().to_le_bytes()).concat();
    let end = [b"PK\x05\x06", &[0, 0, 0, 0, 1, 0, 1, 0][..], &sizes, &[0, 0]].concat();
    [local, entry, end].concat()
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
