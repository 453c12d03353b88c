//! The vectors of inclusion, consistency and roots.

use comity_tlog::{
    ConsistencyProof, EntryIndex, Hash, InclusionProof, TreeSize, prove_consistency, prove_inclusion,
    root_at, verify_consistency, verify_inclusion,
};
use serde_json::Value;

use crate::shared::{documents, hex, number, text, texts, unhex, verdict};
use crate::tree::{Tree, size};

/// The proof of a case, unless one of its elements is no hash, which rejects it.
fn hashes(case: &Value) -> Option<Vec<Hash>> {
    texts(case, "proof").into_iter().map(|hash| Hash::parse_base64(hash).ok()).collect()
}

fn inclusion_holds(case: &Value) -> Option<()> {
    let index = EntryIndex::new(number(case, "leafIdx")).ok()?;
    let leaf = Hash::parse_base64(text(case, "leafHash")).ok()?;
    let root = Hash::parse_base64(text(case, "root")).ok()?;
    let proof = InclusionProof::new(hashes(case)?).ok()?;
    verify_inclusion(&leaf, index, TreeSize::new(number(case, "treeSize")).ok()?, &proof, &root).ok()
}

fn consistency_holds(case: &Value) -> Option<()> {
    let older = TreeSize::new(number(case, "size1")).ok()?;
    let newer = TreeSize::new(number(case, "size2")).ok()?;
    let older_root = Hash::parse_base64(text(case, "root1")).ok()?;
    let newer_root = Hash::parse_base64(text(case, "root2")).ok()?;
    let proof = ConsistencyProof::new(hashes(case)?).ok()?;
    verify_consistency(older, &older_root, newer, &newer_root, &proof).ok()
}

/// Checks one case and, if it is of the log that can be rebuilt, that the same proof is made again.
fn check(case: &Value, rebuilt: Option<&Tree>) {
    let is_inclusion = case.get("leafIdx").is_some();
    let holds = if is_inclusion { inclusion_holds(case) } else { consistency_holds(case) };
    assert_eq!(holds.is_none(), verdict(case, "wantErr"), "{case}");
    let Some(tree) = rebuilt else { return };
    let made = if is_inclusion {
        let index = EntryIndex::new(number(case, "leafIdx")).unwrap();
        prove_inclusion(tree, index, size(number(case, "treeSize"))).unwrap().hashes().to_vec()
    } else {
        let (older, newer) = (number(case, "size1"), number(case, "size2"));
        prove_consistency(tree, size(older), size(newer)).unwrap().hashes().to_vec()
    };
    assert_eq!(Some(made), hashes(case), "{case}");
}

#[test]
fn every_merkle_vector_gets_its_verdict() {
    let tree = Tree::of_vector_entries(1000);
    let (mut accepted, mut refused, mut roots) = (0, 0, 0);
    for (path, document) in documents("merkle") {
        let mut count = |case: &Value| if verdict(case, "wantErr") { refused += 1 } else { accepted += 1 };
        if document.get("wantErr").is_some() {
            check(&document, None);
            count(&document);
        } else if document.get("leaf_rule").is_some() {
            assert_eq!(text(&document, "leaf_rule"), "entry-<i>\\n");
            for kind in ["consistency", "inclusion"] {
                for case in document[kind].as_array().unwrap() {
                    check(case, Some(&tree));
                    count(case);
                }
            }
        } else {
            let leaves = texts(&document, "leaf_inputs_hex").into_iter().map(|leaf| Hash::leaf(&unhex(leaf)));
            let small = Tree::new(leaves);
            let expected = texts(&document, "root_hex_by_size");
            assert_eq!(expected.len(), texts(&document, "leaf_inputs_hex").len() + 1, "{}", path.display());
            for (count, root) in (0..).zip(expected) {
                assert_eq!(hex(root_at(&small, size(count)).unwrap().as_bytes()), root);
                roots += 1;
            }
        }
    }
    eprintln!("merkle: {accepted} accepted, {refused} refused, {roots} roots");
    assert!(crate::shared::vectors().is_none() || (accepted > 0 && refused > 0 && roots > 0));
}
