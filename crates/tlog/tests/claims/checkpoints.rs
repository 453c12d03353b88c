//! The vectors of checkpoint bodies.

use comity_tlog::Checkpoint;

use crate::shared::{cases, text, vectors};

#[test]
fn every_checkpoint_body_gets_the_verdict_of_the_format() {
    let (mut accepted, mut refused) = (0, 0);
    for case in cases("checkpoints") {
        let body = text(&case, "body");
        let parsed = Checkpoint::parse(body);
        match text(&case, "spec_verdict") {
            "accept" => {
                let checkpoint = parsed.unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(checkpoint.to_text(), body);
                assert_eq!(checkpoint.origin(), text(&case, "origin"));
                if let Some(size) = case["size"].as_u64() {
                    assert_eq!(checkpoint.size().value(), size);
                }
                accepted += 1;
            }
            "reject" => {
                assert!(parsed.is_err(), "{case}");
                refused += 1;
            }
            other => panic!("unknown verdict {other}"),
        }
    }
    eprintln!("checkpoints: {accepted} accepted, {refused} refused");
    assert!(vectors().is_none() || (accepted > 0 && refused > 0));
}
