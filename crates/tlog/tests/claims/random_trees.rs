//! Random trees: proofs made here hold here, damaged ones do not, and tiles carry every node.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use comity_tlog::{
    ConsistencyProof, EntryIndex, Hash, InclusionProof, NodeInTile, ProofError, RightEdge, TileKind,
    TreeSize, bundles_between, prove_consistency, prove_inclusion, right_edge, root_at, tiles_between,
    verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

use crate::tree::{Tree, size};

/// The largest tree of these tests: it has nodes at three levels of tiles, which begin at 1, 256 and 65,536.
const ENTRIES: u64 = 70_000;

static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::of_vector_entries(ENTRIES));

fn config() -> ProptestConfig {
    ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() }
}

/// Sizes near the edges of tiles as often as any others.
fn sizes() -> impl Strategy<Value = u64> {
    let near = proptest::sample::select(vec![
        1u64, 2, 3, 255, 256, 257, 511, 512, 513, 1024, 2047, 2048, 2049, 32_768, 65_279, 65_280, 65_281,
        65_535, 65_536, 65_537, 65_791, 65_792, 65_793,
    ]);
    prop_oneof![1..=ENTRIES, 1..3_000u64, near]
}

/// Every way to damage a list of hashes by one step.
fn damaged(hashes: &[Hash], at: usize, bit: usize) -> Vec<Vec<Hash>> {
    let mut longer = hashes.to_vec();
    longer.push(Hash::EMPTY_ROOT);
    let mut led = hashes.to_vec();
    led.insert(0, Hash::EMPTY_ROOT);
    let mut found = vec![longer, led];
    if !hashes.is_empty() {
        let at = at % hashes.len();
        let mut shorter = hashes.to_vec();
        shorter.remove(at);
        let mut flipped = hashes.to_vec();
        let mut bytes = *flipped[at].as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        flipped[at] = Hash::from_bytes(bytes);
        found.extend([shorter, flipped]);
    }
    found
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn inclusion_proofs_hold_and_damaged_ones_do_not(
        tree_size in sizes(), pick in any::<prop::sample::Index>(), at in 0usize..64, bit in 0usize..256,
    ) {
        let tree_size = size(tree_size);
        let index = EntryIndex::new(u64::try_from(pick.index(usize::try_from(tree_size.value()).unwrap())).unwrap());
        let index = index.unwrap();
        let root = root_at(&*TREE, tree_size).unwrap();
        let leaf = TREE.node(0, index.value());
        let proof = prove_inclusion(&*TREE, index, tree_size).unwrap();
        prop_assert_eq!(verify_inclusion(&leaf, index, tree_size, &proof, &root), Ok(()));
        for bad in damaged(proof.hashes(), at, bit) {
            let bad = InclusionProof::new(bad).unwrap();
            prop_assert!(verify_inclusion(&leaf, index, tree_size, &bad, &root).is_err());
        }
        prop_assert!(verify_inclusion(&Hash::leaf(b"other"), index, tree_size, &proof, &root).is_err());
        let beyond = tree_size.next_index().unwrap();
        prop_assert!(verify_inclusion(&leaf, beyond, tree_size, &proof, &root).is_err());
        prop_assert!(prove_inclusion(&*TREE, beyond, tree_size).is_err());
        if let Some(other) = index.value().checked_sub(1) {
            let other = EntryIndex::new(other).unwrap();
            prop_assert!(verify_inclusion(&leaf, other, tree_size, &proof, &root).is_err());
        }
    }

    #[test]
    fn consistency_proofs_hold_and_damaged_ones_do_not(
        one in sizes(), other in sizes(), at in 0usize..64, bit in 0usize..256,
    ) {
        let (older, newer) = (size(one.min(other)), size(one.max(other)));
        let (older_root, newer_root) = (root_at(&*TREE, older).unwrap(), root_at(&*TREE, newer).unwrap());
        let proof = prove_consistency(&*TREE, older, newer).unwrap();
        prop_assert_eq!(verify_consistency(older, &older_root, newer, &newer_root, &proof), Ok(()));
        for bad in damaged(proof.hashes(), at, bit) {
            let bad = ConsistencyProof::new(bad).unwrap();
            prop_assert!(verify_consistency(older, &older_root, newer, &newer_root, &bad).is_err());
        }
        let wrong = Hash::leaf(b"other");
        prop_assert!(verify_consistency(older, &wrong, newer, &newer_root, &proof).is_err());
        prop_assert!(verify_consistency(older, &older_root, newer, &wrong, &proof).is_err());
        if older < newer {
            prop_assert!(verify_consistency(newer, &newer_root, older, &older_root, &proof).is_err());
            prop_assert!(prove_consistency(&*TREE, newer, older).is_err());
            prop_assert!(verify_consistency(older, &older_root, newer, &newer_root, &ConsistencyProof::default()).is_err());
        }
    }

    #[test]
    fn an_edge_read_back_goes_on_as_if_never_stopped(tree_size in sizes(), more in 0u64..300) {
        let reached = (tree_size + more).min(ENTRIES);
        let mut edge = right_edge(&*TREE, size(tree_size)).unwrap();
        for index in tree_size..reached {
            edge.append(TREE.node(0, index)).unwrap();
        }
        prop_assert_eq!(edge.size(), size(reached));
        prop_assert_eq!(edge.root(), root_at(&*TREE, size(reached)).unwrap());
    }

    #[test]
    fn tiles_made_step_by_step_are_those_of_the_whole(steps in prop::collection::vec(prop_oneof![1u64..700, 1..30_000u64], 1..5)) {
        let mut held = BTreeMap::new();
        let mut reached = TreeSize::ZERO;
        for step in steps {
            let next = size((reached.value() + step).min(ENTRIES));
            for place in tiles_between(reached, next).chain(bundles_between(reached, next)) {
                held.insert((place.kind(), place.index()), place.width());
            }
            reached = next;
        }
        let whole: BTreeMap<_, _> = tiles_between(TreeSize::ZERO, reached)
            .chain(bundles_between(TreeSize::ZERO, reached))
            .map(|place| ((place.kind(), place.index()), place.width()))
            .collect();
        prop_assert_eq!(held, whole);
    }
}

#[test]
fn every_node_is_found_in_the_tiles() {
    for tree_size in [1, 255, 256, 257, 300, 512, 2_999] {
        let tree_size = size(tree_size);
        let mut found = 0;
        for level in 0..12u8 {
            for index in 0..tree_size.value() >> level {
                let place = NodeInTile::locate(level, index, tree_size).unwrap();
                assert!(tiles_between(TreeSize::ZERO, tree_size).any(|tile| tile == place.tile()));
                assert_eq!(TREE.tile(place.tile()).node(place).unwrap(), TREE.node(level, index));
                found += 1;
            }
            assert!(NodeInTile::locate(level, tree_size.value() >> level, tree_size).is_err());
        }
        // A tree of n leaves has 2n − popcount(n) complete nodes.
        assert_eq!(found, 2 * tree_size.value() - u64::from(tree_size.value().count_ones()));
    }
}

#[test]
fn full_tiles_hash_to_the_level_above() {
    let (older, newer) = (TreeSize::ZERO, size(ENTRIES));
    let full: Vec<_> = tiles_between(older, newer).filter(|tile| tile.width().is_full()).collect();
    assert!(full.len() > 1);
    for tile in full {
        let TileKind::Hashes(level) = tile.kind() else { panic!("tiles hold hashes") };
        let above = TREE.node(8 * level.value() + 8, tile.index());
        assert_eq!(TREE.tile(tile).full_root(), Some(above));
    }
}

#[test]
fn the_third_tile_level_begins_at_65536_entries() {
    let mut edge = RightEdge::empty();
    let mut reported = [0u64; 17];
    for index in 0..65_537u64 {
        let report = |level: u8, _, _| reported[usize::from(level)] += 1;
        edge.append_reporting(Hash::leaf(&index.to_be_bytes()), report).unwrap();
        if index == 65_534 {
            assert_eq!(
                tiles_between(TreeSize::ZERO, edge.size()).map(|tile| tile.to_string()).last().unwrap(),
                "tile/1/000.p/255"
            );
        }
    }
    assert_eq!((reported[0], reported[8], reported[16]), (65_537, 256, 1));
    let last: Vec<String> = tiles_between(TreeSize::ZERO, edge.size()).map(|tile| tile.to_string()).collect();
    assert_eq!(last[255..], ["tile/0/255", "tile/0/256.p/1", "tile/1/000", "tile/2/000.p/1"]);
}

#[test]
fn the_empty_tree_grows_into_any_and_from_none() {
    let (zero, some) = (TreeSize::ZERO, size(7));
    let root = root_at(&*TREE, some).unwrap();
    let none = ConsistencyProof::default();
    assert_eq!(verify_consistency(zero, &Hash::EMPTY_ROOT, some, &root, &none), Ok(()));
    assert_eq!(verify_consistency(zero, &Hash::EMPTY_ROOT, zero, &Hash::EMPTY_ROOT, &none), Ok(()));
    assert_eq!(
        verify_consistency(zero, &root, some, &root, &none),
        Err(ProofError::RootMismatch { size: zero })
    );
    let some_hash = ConsistencyProof::new(vec![root]).unwrap();
    assert!(verify_consistency(zero, &Hash::EMPTY_ROOT, some, &root, &some_hash).is_err());
    assert!(verify_inclusion(&root, EntryIndex::ZERO, zero, &InclusionProof::default(), &root).is_err());
}

#[test]
fn longer_proofs_than_any_tree_needs_are_refused_unread() {
    assert!(InclusionProof::new(vec![Hash::EMPTY_ROOT; 63]).is_ok());
    assert!(InclusionProof::new(vec![Hash::EMPTY_ROOT; 64]).is_err());
    assert!(ConsistencyProof::new(vec![Hash::EMPTY_ROOT; 64]).is_ok());
    assert!(ConsistencyProof::new(vec![Hash::EMPTY_ROOT; 65]).is_err());
}

#[test]
fn the_largest_positions_are_judged_without_overflow() {
    let hash = Hash::leaf(b"x");
    let long = InclusionProof::new(vec![hash; 63]).unwrap();
    for index in [EntryIndex::ZERO, EntryIndex::MAX, EntryIndex::new(1 << 62).unwrap()] {
        for proof in [&long, &InclusionProof::default()] {
            assert!(verify_inclusion(&hash, index, TreeSize::MAX, proof, &hash).is_err());
        }
    }
    let top = TreeSize::MAX.value();
    for older in [1, 2, 3, 1 << 62, (1 << 62) + 1, top - 1, top] {
        for count in [1, 2, 63, 64] {
            let proof = ConsistencyProof::new(vec![hash; count]).unwrap();
            assert!(verify_consistency(size(older), &hash, TreeSize::MAX, &hash, &proof).is_err());
        }
    }
}
