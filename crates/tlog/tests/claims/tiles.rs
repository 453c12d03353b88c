//! The vectors of tile paths and of the tiles of some trees.

use comity_tlog::{
    EntryBundle, Hash, TileCoordinate, TileKind, TileLevel, TileWidth, TreeSize, bundles_between, root_at,
    tiles_between,
};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::shared::{documents, hex, number, text, texts, vectors};
use crate::tree::{Tree, size, vector_entry};

/// Digests of the vectors that contradict the roots in the same file, and so are not compared.
///
/// `tile/1/000.p/1` holds one hash, the root over the first 256 entries, and the set of size 256 states that
/// root; the digest given for the tile is not the digest of it. The tile of three hashes begins with the same
/// one. `level_1_tiles_hold_the_roots_that_the_vectors_state` compares these tiles with the stated roots, the
/// sample log has the first of them as a file, and `cross_checks` compares them with another implementation.
const CONTRADICTED: [(&str, &str); 2] = [
    ("tile/1/000.p/1", "827b3e625bd1f4b27ff1deb72d55488f49fd050a732adc9cded3b0ed6fff1102"),
    ("tile/1/000.p/3", "2360d8bb2ee1a5c7e6277444762ec32e02df5af4e7b8ec78e3660b6ba241b63f"),
];

fn check_paths(document: &Value) -> usize {
    let valid = document["valid"].as_array().unwrap();
    for case in valid {
        let width = match number(case, "P") {
            0 => TileWidth::FULL,
            partial => TileWidth::new(u16::try_from(partial).unwrap()).unwrap(),
        };
        let level = TileLevel::new(u8::try_from(number(case, "L")).unwrap()).unwrap();
        for (kind, field) in [(TileKind::Hashes(level), "Path"), (TileKind::Entries, "EntriesPath")] {
            let coordinate = TileCoordinate::new(kind, number(case, "N"), width).unwrap();
            assert_eq!(coordinate.to_string(), text(case, field));
            assert_eq!(text(case, field).parse(), Ok(coordinate));
        }
    }
    let invalid = texts(document, "invalid_per_spec");
    for path in &invalid {
        assert!(path.parse::<TileCoordinate>().is_err(), "{path}");
    }
    assert!(!invalid.is_empty());
    valid.len() + invalid.len()
}

/// The bytes of an entry bundle of the vectors' log.
fn bundle(place: TileCoordinate) -> Vec<u8> {
    let last = place.first() + u64::from(place.width().value());
    let entries: Vec<Vec<u8>> = (place.first()..last).map(vector_entry).collect();
    let borrowed: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let bytes = EntryBundle::from_entries(borrowed.clone()).unwrap().to_bytes();
    assert_eq!(EntryBundle::parse(&bytes, place.width()).unwrap().entries(), borrowed);
    bytes
}

/// Compares one list of expected files with the places and bytes we make.
fn check_files(expected: &Value, made: Vec<(TileCoordinate, Vec<u8>)>) -> usize {
    let expected = expected.as_array().unwrap();
    assert_eq!(expected.len(), made.len());
    let mut compared = 0;
    for (case, (place, bytes)) in expected.iter().zip(made) {
        assert_eq!(place.to_string(), text(case, "path"));
        assert_eq!(u64::try_from(bytes.len()), Ok(number(case, "byte_len")), "{place}");
        if CONTRADICTED.contains(&(text(case, "path"), text(case, "sha256"))) {
            eprintln!("not compared, contradicts the stated roots: digest of {place}");
            continue;
        }
        assert_eq!(hex(digest(&SHA256, &bytes).as_ref()), text(case, "sha256"), "{place}");
        compared += 1;
    }
    compared
}

fn check_sets(document: &Value) -> usize {
    let mut files = 0;
    for set in document["sets"].as_array().unwrap() {
        let newer = size(number(set, "size"));
        let tree = Tree::of_vector_entries(newer.value());
        assert_eq!(root_at(&tree, newer).unwrap().to_base64(), text(set, "root"));
        let tiles = tiles_between(TreeSize::ZERO, newer).map(|place| (place, tree.tile(place).to_bytes()));
        files += check_files(&set["tiles"], tiles.collect());
        let bundles = bundles_between(TreeSize::ZERO, newer).map(|place| (place, bundle(place)));
        files += check_files(&set["entry_bundles"], bundles.collect());
    }
    files
}

#[test]
fn every_tile_vector_holds() {
    let (mut paths, mut files) = (0, 0);
    for (path, document) in documents("tiles") {
        if document.get("valid").is_some() {
            paths += check_paths(&document);
        } else if document.get("sets").is_some() {
            assert_eq!(text(&document, "leaf_rule"), "entry i = \"entry-<i>\\n\" (decimal)");
            files += check_sets(&document);
        } else {
            panic!("no reader for {}", path.display());
        }
    }
    eprintln!("tiles: {paths} paths, {files} files");
    assert!(vectors().is_none() || (paths > 0 && files > 0));
}

#[test]
fn level_1_tiles_hold_the_roots_that_the_vectors_state() {
    let mut compared = 0;
    for (_, document) in documents("tiles") {
        let Some(sets) = document["sets"].as_array() else { continue };
        let root_of = |size: u64| {
            let set = sets.iter().find(|set| number(set, "size") == size).unwrap();
            Hash::parse_base64(text(set, "root")).unwrap()
        };
        let tree = Tree::of_vector_entries(1000);
        let one = tree.tile("tile/1/000.p/1".parse().unwrap());
        assert_eq!(one.hashes(), [root_of(256)]);
        // RFC 6962 §2.1: 1000 entries split at 512, then at 256; what is left is the last tile of level 0.
        let wider = tree.tile("tile/1/000.p/3".parse().unwrap());
        let [first, second, third] = wider.hashes() else { panic!("not three hashes") };
        assert_eq!(*first, root_of(256));
        let last = tree.tile("tile/0/003.p/232".parse().unwrap());
        let rest = Tree::new(last.hashes().iter().copied()).edge.root();
        let root = Hash::node(&Hash::node(first, second), &Hash::node(third, &rest));
        assert_eq!(root, root_of(1000));
        compared += 1;
    }
    assert!(vectors().is_none() || compared > 0);
}
