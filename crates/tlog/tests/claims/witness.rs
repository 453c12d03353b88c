//! The vectors of witness requests, answered by the smallest witness that follows c2sp.org/tlog-witness.

use comity_tlog::{AddCheckpoint, Checkpoint, TreeSize, VerifierKey};

use crate::shared::{documents, number, text, vectors};

/// What a witness remembers of one log.
struct Remembered {
    log: VerifierKey,
    latest: Option<Checkpoint>,
}

impl Remembered {
    fn size(&self) -> TreeSize {
        self.latest.as_ref().map_or(TreeSize::ZERO, Checkpoint::size)
    }

    /// The status of the answer, in the order of checks of c2sp.org/tlog-witness.
    fn add(&mut self, request: &AddCheckpoint) -> u64 {
        let asked = request.checkpoint().checkpoint().clone();
        if asked.origin() != self.log.name().as_str() {
            return 404;
        }
        if request.checkpoint().verify(&self.log, &[]).is_err() {
            return 403;
        }
        if request.old_size() > asked.size() {
            return 400;
        }
        if request.old_size() != self.size() {
            return 409;
        }
        if let Some(latest) = &self.latest
            && asked.verify_extends(latest, request.proof()).is_err()
        {
            return 422;
        }
        if self.latest.is_none() && !request.proof().hashes().is_empty() {
            return 422;
        }
        self.latest = Some(asked);
        200
    }
}

#[test]
fn every_witness_flow_gets_its_answers() {
    let mut requests = 0;
    for (_, document) in documents("witness") {
        let log = text(&document, "log_vkey").parse().unwrap();
        let mut remembered = Remembered { log, latest: None };
        for step in document["flow"].as_array().unwrap() {
            let body = text(step, "request_body").as_bytes();
            let request = AddCheckpoint::parse(body).unwrap();
            assert_eq!(request.to_bytes(), body);
            let before = remembered.size();
            assert_eq!(remembered.add(&request), number(step, "want_status_spec"), "{step}");
            if number(step, "want_status_spec") == 409 {
                assert!(text(step, "assert").starts_with(&format!("body == \"{before}\\n\"")), "{step}");
            }
            requests += 1;
        }
    }
    eprintln!("witness: {requests} requests");
    assert!(vectors().is_none() || requests > 0);
}
