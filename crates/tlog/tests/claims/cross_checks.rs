//! Two implementations no one here wrote must agree about trees: each side's proofs hold on the other.

use comity_tlog::{
    Checkpoint, ConsistencyProof, EntryIndex, Hash, InclusionProof, TreeSize, prove_consistency,
    prove_inclusion, root_at, tiles_between, verify_consistency, verify_inclusion,
};
use ct_merkle::RootHash;
use ct_merkle::array::Array;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;

use crate::tree::{Tree, size, vector_entry};

const SIZES: [u64; 14] = [1, 2, 3, 7, 8, 255, 256, 257, 258, 511, 512, 1000, 1023, 1300];

/// The nodes of the largest tree, for the other side's readers.
struct Theirs(Tree);

impl tlog_tiles::HashReader for Theirs {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let place = |index: &u64| tlog_tiles::split_stored_hash_index(*index);
        Ok(indexes.iter().map(place).map(|(level, index)| foreign(self.0.node(level, index))).collect())
    }
}

fn foreign(hash: Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(*hash.as_bytes())
}

fn ours(hashes: Vec<tlog_tiles::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|hash| Hash::from_bytes(hash.0)).collect()
}

/// Some indexes of a tree, always its ends.
fn indexes(tree_size: u64) -> impl Iterator<Item = u64> {
    (0..tree_size).filter(move |index| *index < 3 || *index + 3 > tree_size || index % 17 == 0)
}

#[test]
fn tlog_tiles_agrees_on_hashes_roots_and_proofs() {
    let theirs = Theirs(Tree::of_vector_entries(1300));
    let tree = &theirs.0;
    assert!(tlog_tiles::record_hash(&vector_entry(9)) == foreign(tree.node(0, 9)));
    let mut proofs = 0;
    for tree_size in SIZES {
        let newer = size(tree_size);
        let root = root_at(tree, newer).unwrap();
        assert!(tlog_tiles::tree_hash(tree_size, &theirs).unwrap() == foreign(root));
        for index in indexes(tree_size) {
            let (entry, leaf) = (EntryIndex::new(index).unwrap(), tree.node(0, index));
            let made = prove_inclusion(tree, entry, newer).unwrap();
            let given: Vec<_> = made.hashes().iter().copied().map(foreign).collect();
            tlog_tiles::check_record(&given, tree_size, foreign(root), index, foreign(leaf)).unwrap();
            let got = ours(tlog_tiles::prove_record(tree_size, index, &theirs).unwrap());
            verify_inclusion(&leaf, entry, newer, &InclusionProof::new(got).unwrap(), &root).unwrap();

            let older = size(index + 1);
            let older_root = root_at(tree, older).unwrap();
            let made = prove_consistency(tree, older, newer).unwrap();
            let given: Vec<_> = made.hashes().iter().copied().map(foreign).collect();
            tlog_tiles::check_tree(&given, tree_size, foreign(root), index + 1, foreign(older_root)).unwrap();
            let got = ours(tlog_tiles::prove_tree(tree_size, index + 1, &theirs).unwrap());
            let got = ConsistencyProof::new(got).unwrap();
            verify_consistency(older, &older_root, newer, &root, &got).unwrap();
            proofs += 2;
        }
    }
    assert!(proofs > 500, "{proofs}");
}

#[test]
fn tlog_tiles_agrees_on_false_proofs() {
    // Proofs between other sizes than they were made for: both sides must give the same verdict.
    let theirs = Theirs(Tree::of_vector_entries(40));
    let tree = &theirs.0;
    let (mut held, mut failed) = (0, 0);
    for made_older in 1..20u64 {
        for made_newer in made_older..20 {
            let proof = prove_consistency(tree, size(made_older), size(made_newer)).unwrap();
            let given: Vec<_> = proof.hashes().iter().copied().map(foreign).collect();
            for asked in 1..=20u64 {
                let (older_root, root) =
                    (root_at(tree, size(made_older)).unwrap(), root_at(tree, size(asked)).unwrap());
                let here =
                    verify_consistency(size(made_older), &older_root, size(asked), &root, &proof).is_ok();
                let there =
                    tlog_tiles::check_tree(&given, asked, foreign(root), made_older, foreign(older_root))
                        .is_ok();
                assert_eq!(here, there, "{made_older} to {made_newer}, asked for {asked}");
                if here { held += 1 } else { failed += 1 }
            }
        }
    }
    assert!(held > 0 && failed > held);
}

#[test]
fn tlog_tiles_agrees_on_tiles_and_checkpoints() {
    let theirs = Theirs(Tree::of_vector_entries(1300));
    let tree = &theirs.0;
    for (older, newer) in SIZES.iter().zip(SIZES.iter().skip(1)).chain(SIZES.iter().map(|newer| (&0, newer)))
    {
        let expected = tlog_tiles::Tile::new_tiles(8, *older, *newer);
        let made: Vec<_> = tiles_between(size(*older), size(*newer)).collect();
        assert_eq!(made.len(), expected.len());
        for (tile, expected) in made.into_iter().zip(expected) {
            // Go's path names the tile height, C2SP's does not.
            assert_eq!(tile.to_string().replacen("tile/", "tile/8/", 1), expected.path());
            assert_eq!(tree.tile(tile).to_bytes(), expected.read_data(&theirs).unwrap());
        }
    }
    let checkpoint = Checkpoint::new("agency.example/pub", size(1300), tree.edge.root()).unwrap();
    let text = checkpoint.to_text();
    let read = tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).unwrap();
    assert_eq!((read.origin(), read.size()), ("agency.example/pub", 1300));
    assert!(*read.hash() == foreign(tree.edge.root()));
    assert_eq!(Checkpoint::parse(std::str::from_utf8(&read.to_bytes()).unwrap()), Ok(checkpoint));
}

#[test]
fn ct_merkle_agrees_on_roots_and_proofs() {
    let tree = Tree::of_vector_entries(1300);
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let digest = |hash: &Hash| Array::from(*hash.as_bytes());
    let split = |bytes: &[u8]| -> Vec<Hash> {
        bytes.as_chunks::<32>().0.iter().map(|chunk| Hash::from_bytes(*chunk)).collect()
    };
    for tree_size in SIZES {
        for index in theirs.len()..tree_size {
            theirs.push(vector_entry(index));
        }
        let newer = size(tree_size);
        let root = root_at(&tree, newer).unwrap();
        assert_eq!(theirs.root().as_bytes().as_slice(), root.as_bytes());
        let their_root = RootHash::<Sha256>::new(digest(&root), tree_size);
        for index in indexes(tree_size) {
            let (entry, leaf) = (EntryIndex::new(index).unwrap(), tree.node(0, index));
            let made = prove_inclusion(&tree, entry, newer).unwrap();
            let digests: Vec<_> = made.hashes().iter().map(digest).collect();
            let given = ct_merkle::InclusionProof::<Sha256>::from_digests(&digests);
            their_root.verify_inclusion(&vector_entry(index), index, &given).unwrap();
            let got = split(theirs.prove_inclusion(usize::try_from(index).unwrap()).as_bytes());
            verify_inclusion(&leaf, entry, newer, &InclusionProof::new(got).unwrap(), &root).unwrap();

            let (older, added) = (index + 1, tree_size - index - 1);
            let older_root = root_at(&tree, size(older)).unwrap();
            let made = prove_consistency(&tree, size(older), newer).unwrap();
            let digests: Vec<_> = made.hashes().iter().map(digest).collect();
            let given = ct_merkle::ConsistencyProof::<Sha256>::from_digests(&digests);
            their_root.verify_consistency(&RootHash::new(digest(&older_root), older), &given).unwrap();
            let got = split(theirs.prove_consistency(usize::try_from(added).unwrap()).as_bytes());
            let got = ConsistencyProof::new(got).unwrap();
            verify_consistency(size(older), &older_root, newer, &root, &got).unwrap();
        }
    }
    assert_eq!(tree.size(), TreeSize::new(1300).unwrap());
}
