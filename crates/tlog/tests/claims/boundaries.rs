//! Whole trees against the definition, read through their tiles, where the levels of tiles begin and end.

use comity_tlog::{
    ConsistencyProof, EntryIndex, Hash, HashReader, NodeInTile, TileCoordinate, TileError, TileKind,
    TreeSize, bundles_between, prove_consistency, prove_inclusion, right_edge, root_at, tiles_between,
    verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

use crate::tree::{Tree, size};

/// Where the first and the second level of tiles are one short of full, full, and one over.
const EDGES: [u64; 6] = [255, 256, 257, 65_535, 65_536, 65_537];

/// Reads nodes as whoever has only the tiles of a published size does.
struct Tiles<'a> {
    tree: &'a Tree,
    size: TreeSize,
}

impl HashReader for Tiles<'_> {
    type Error = TileError;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, TileError> {
        let place = NodeInTile::locate(level, index, self.size)?;
        self.tree.tile(place.tile()).node(place)
    }
}

/// MTH of RFC 6962 §2.1, as it is written there.
fn root_by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            Hash::node(&root_by_definition(left), &root_by_definition(right))
        }
    }
}

fn leaves_of(seed: u64, count: u64) -> Vec<Hash> {
    let leaf = |index: u64| Hash::leaf(&[seed.to_be_bytes(), index.to_be_bytes()].concat());
    (0..count).map(leaf).collect()
}

fn count_of(size: TreeSize) -> usize {
    usize::try_from(size.value()).unwrap()
}

/// Proves one tree to be the beginning of another through the tiles of the larger, and checks it.
fn check_pair(tree: &Tree, leaves: &[Hash], older: TreeSize, newer: TreeSize) {
    let roots = [older, newer].map(|size| root_by_definition(&leaves[..count_of(size)]));
    let tiles = Tiles { tree, size: newer };
    assert_eq!(root_at(&tiles, older).unwrap(), roots[0], "root of {older} by the tiles of {newer}");
    let proof = prove_consistency(&tiles, older, newer).unwrap();
    assert_eq!(verify_consistency(older, &roots[0], newer, &roots[1], &proof), Ok(()), "{older} to {newer}");
    if older == newer {
        return;
    }
    // One hash too few or too many at either end never proves anything.
    let hashes = proof.hashes();
    let with = |led: &[Hash], rest: &[Hash]| ConsistencyProof::new([led, rest].concat());
    let damaged = [
        with(&[], hashes.get(1..).unwrap_or_default()),
        with(&[], hashes.split_last().map_or(&[], |(_, rest)| rest)),
        with(&[roots[0]], hashes),
        with(hashes, &[roots[1]]),
    ];
    for bad in damaged.into_iter().flatten().filter(|bad| *bad != proof) {
        assert!(verify_consistency(older, &roots[0], newer, &roots[1], &bad).is_err(), "{older} to {newer}");
    }
}

fn check_entry(tree: &Tree, leaves: &[Hash], index: u64, whole: TreeSize) {
    let at = EntryIndex::new(index).unwrap();
    let proof = prove_inclusion(&Tiles { tree, size: whole }, at, whole).unwrap();
    let (leaf, root) =
        (leaves[usize::try_from(index).unwrap()], root_by_definition(&leaves[..count_of(whole)]));
    assert_eq!(verify_inclusion(&leaf, at, whole, &proof, &root), Ok(()), "entry {index} of {whole}");
}

/// Every complete node lies in exactly one tile, and no tile is empty or wider than the tree.
fn check_tiles(tree: &Tree, whole: TreeSize) {
    let mut hashes = [0u64; 3];
    for place in tiles_between(TreeSize::ZERO, whole) {
        let TileKind::Hashes(level) = place.kind() else { panic!("tiles hold hashes") };
        hashes[usize::from(level.value())] += u64::from(place.width().value());
        assert_eq!(place.to_string().parse::<TileCoordinate>(), Ok(place));
        assert_eq!(tree.tile(place).to_bytes().len(), usize::from(place.width().value()) * 32);
    }
    assert_eq!(hashes, [whole.value(), whole.value() >> 8, whole.value() >> 16]);
    let entries: u64 =
        bundles_between(TreeSize::ZERO, whole).map(|place| u64::from(place.width().value())).sum();
    assert_eq!(entries, whole.value());
}

#[test]
fn trees_are_proved_through_their_tiles_where_tile_levels_begin() {
    let leaves = leaves_of(1, 65_537);
    let tree = Tree::new(leaves.iter().copied());
    for newer in EDGES.map(size) {
        check_tiles(&tree, newer);
        let edge = right_edge(&Tiles { tree: &tree, size: newer }, newer).unwrap();
        assert_eq!(edge.root(), root_by_definition(&leaves[..count_of(newer)]));
        for index in [0, 254, 255, 256, 65_534, 65_535, 65_536] {
            if index < newer.value() {
                check_entry(&tree, &leaves, index, newer);
            } else {
                let tiles = Tiles { tree: &tree, size: newer };
                assert!(prove_inclusion(&tiles, EntryIndex::new(index).unwrap(), newer).is_err());
            }
        }
        for older in [0, 1, 2, 128].into_iter().chain(EDGES).map(size).filter(|older| *older <= newer) {
            check_pair(&tree, &leaves, older, newer);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_of_any_entries_is_that_of_the_definition(
        seed in any::<u64>(),
        count in prop_oneof![1u64..=70_000, prop::sample::select(EDGES.to_vec())],
        picks in prop::collection::vec(any::<prop::sample::Index>(), 4),
    ) {
        let leaves = leaves_of(seed, count);
        let tree = Tree::new(leaves.iter().copied());
        let whole = size(count);
        check_tiles(&tree, whole);
        for pick in picks {
            let index = u64::try_from(pick.index(leaves.len())).unwrap();
            check_entry(&tree, &leaves, index, whole);
            check_pair(&tree, &leaves, size(index), whole);
            let edge = right_edge(&tree, size(index)).unwrap();
            prop_assert_eq!(edge.root(), root_by_definition(&leaves[..count_of(size(index))]));
        }
    }
}
