//! The whole log directory of the vectors: read as an auditor would, and rebuilt byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use comity_tlog::{
    EntryBundle, EntryIndex, Hash, HashReader, HashTile, KeyKind, NodeInTile, SignedCheckpoint,
    TileCoordinate, TileError, TreeSize, VerifierKey, bundles_between, prove_inclusion, right_edge, root_at,
    tiles_between, verify_inclusion,
};

use crate::cosignatures::ml_dsa_line_holds;
use crate::shared::{files, vectors};
use crate::tree::{Tree, vector_entry};

/// Reads nodes out of the tiles of a directory.
struct TileFolder {
    root: PathBuf,
    size: TreeSize,
}

impl HashReader for TileFolder {
    type Error = TileError;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, TileError> {
        let place = NodeInTile::locate(level, index, self.size)?;
        let bytes = fs::read(self.root.join(place.tile().to_string())).unwrap();
        HashTile::parse(&bytes, place.tile().width())?.node(place)
    }
}

#[test]
fn the_sample_log_is_verified_and_rebuilt() {
    let Some(root) = vectors().map(|vectors| vectors.join("tlog-sample")) else { return };
    let keys: Vec<VerifierKey> = fs::read_to_string(root.join("VKEYS"))
        .unwrap()
        .lines()
        .map(|vkey| {
            let key: VerifierKey = vkey.parse().unwrap();
            assert_eq!(key.to_string(), vkey);
            key
        })
        .collect();
    let (logs, cosigners): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|key| key.kind() == KeyKind::Ed25519);
    let note = fs::read(root.join("checkpoint")).unwrap();
    let signed = SignedCheckpoint::parse(&note).unwrap();
    let verified = signed.verify(&logs[0], &cosigners).unwrap();
    assert_eq!(verified.as_bytes(), note);
    assert_eq!(verified.cosignatures().len(), 1);
    let unverified = verified.note().unverified();
    let post_quantum = cosigners.iter().find(|key| key.kind() == KeyKind::MlDsa44).unwrap();
    assert_eq!(unverified.len(), 1);
    assert!(ml_dsa_line_holds(&unverified[0], post_quantum, verified.checkpoint()));

    let size = verified.checkpoint().size();
    let mut expected: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    let mut entries = Vec::new();
    for place in bundles_between(TreeSize::ZERO, size) {
        let bytes = fs::read(root.join(place.to_string())).unwrap();
        let bundle = EntryBundle::parse(&bytes, place.width()).unwrap();
        entries.extend(bundle.entries().iter().map(|entry| entry.to_vec()));
        expected.insert(root.join(place.to_string()), bundle.to_bytes());
    }
    assert_eq!(entries, (0..size.value()).map(vector_entry).collect::<Vec<_>>());
    let tree = Tree::new(entries.iter().map(|entry| Hash::leaf(entry)));
    assert_eq!(tree.edge.root(), verified.checkpoint().root());
    for place in tiles_between(TreeSize::ZERO, size) {
        expected.insert(root.join(place.to_string()), tree.tile(place).to_bytes());
    }
    for file in files("tlog-sample") {
        match expected.remove(&file) {
            Some(bytes) => assert_eq!(fs::read(&file).unwrap(), bytes, "{}", file.display()),
            None => assert!(file.ends_with("checkpoint") || file.ends_with("VKEYS"), "{}", file.display()),
        }
    }
    assert!(expected.is_empty());

    let folder = TileFolder { root, size };
    assert_eq!(root_at(&folder, size).unwrap(), tree.edge.root());
    assert_eq!(right_edge(&folder, size).unwrap(), tree.edge);
    for (index, entry) in (0..).zip(&entries) {
        let index = EntryIndex::new(index).unwrap();
        let proof = prove_inclusion(&folder, index, size).unwrap();
        verify_inclusion(&Hash::leaf(entry), index, size, &proof, &tree.edge.root()).unwrap();
    }
}

#[test]
fn a_full_tile_stands_in_for_a_partial_one() {
    let tree = Tree::of_vector_entries(256);
    let full: TileCoordinate = "tile/0/000".parse().unwrap();
    let partial: TileCoordinate = "tile/0/000.p/44".parse().unwrap();
    assert_eq!(partial.full(), full);
    assert_eq!(tree.tile(full).truncated(partial.width()).unwrap(), tree.tile(partial));
    assert!(tree.tile(partial).truncated(full.width()).is_err());
}
