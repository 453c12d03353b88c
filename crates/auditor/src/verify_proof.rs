//! Checking that an entry is in a log by a document that anyone may have made (c2sp.org/tlog-proof).
//!
//! The document itself is `tlog`'s; here stand the keys and the policy of whoever checks it.

use std::path::Path;

use comity_tlog::{Cosignature, CosignatureTime, Hash, TlogProof, TlogProofError, VerifiedInclusion};
use serde::Serialize;

use crate::TrustedKeys;
use crate::log_keys::LogKeys;
use crate::prove::author_of;
use crate::report::{PolicyStanding, WitnessState};
use crate::report_text::plain;
use crate::signed::in_words;
use crate::utc::utc;
use crate::verify::SignedBundle;
use crate::witnesses::Witnesses;

/// What the check of a proof found.
#[derive(Clone, Debug, Serialize)]
pub struct ProofReport {
    /// The entry is in the log, by a checkpoint that the log signed and, where a policy was brought, enough
    /// witnesses cosigned.
    pub ok: bool,
    /// The log that the document speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The place of the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The size of the tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its root, base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// The leaf hash of the entry, base64.
    pub leaf: String,
    /// The key that signed for the log, as a vkey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whose policy says who witnesses the log.
    pub policy: PolicyStanding,
    /// What that policy says.
    pub state: WitnessState,
    /// The witnesses of the policy that cosigned.
    pub cosignatures: Vec<CosignedAt>,
    /// When the entry certainly existed, by so many of them that not all of them lie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existed_by: Option<u64>,
    /// What failed.
    pub failures: Vec<ProofFailure>,
}

/// A witness, and when it says it cosigned.
#[derive(Clone, Debug, Serialize)]
pub struct CosignedAt {
    /// The name of its key.
    pub name: String,
    /// Seconds since 1970.
    pub time: u64,
}

/// One failed check of a proof.
#[derive(Clone, Debug, Serialize)]
pub struct ProofFailure {
    /// Which check: `document`, `key`, `signature`, `inclusion`, `quorum`.
    pub check: &'static str,
    /// What is wrong.
    pub detail: String,
}

/// Checks a document against the leaf hash of an entry, with the keys and the policy that the checker brought.
pub fn verify_proof(document: &[u8], leaf: &Hash, keys: &TrustedKeys) -> ProofReport {
    check_document(document, leaf, keys, None)
}

/// The same, with the key that the log's own key events in a bundle say is in force for the size of the checkpoint. The
/// bundle must pass its audit.
pub fn verify_proof_beside(document: &[u8], leaf: &Hash, keys: &TrustedKeys, bundle: &Path) -> ProofReport {
    check_document(document, leaf, keys, Some(bundle))
}

fn check_document(document: &[u8], leaf: &Hash, keys: &TrustedKeys, bundle: Option<&Path>) -> ProofReport {
    let mut report = ProofReport {
        ok: false,
        origin: None,
        index: None,
        size: None,
        root: None,
        leaf: leaf.to_base64(),
        key: None,
        policy: PolicyStanding::None,
        state: WitnessState::Unjudged,
        cosignatures: Vec::new(),
        existed_by: None,
        failures: Vec::new(),
    };
    match TlogProof::parse(document) {
        Ok(proof) => report.check(&proof, leaf, keys, bundle),
        Err(error) => report.fail("document", in_words(&error)),
    }
    report.ok = report.failures.is_empty();
    report
}

impl ProofReport {
    fn check(&mut self, proof: &TlogProof, leaf: &Hash, keys: &TrustedKeys, bundle: Option<&Path>) {
        let checkpoint = proof.checkpoint().checkpoint();
        let origin = checkpoint.origin();
        self.origin = Some(origin.to_owned());
        self.index = Some(proof.index().value());
        self.size = Some(checkpoint.size().value());
        self.root = Some(checkpoint.root().to_base64());
        let author = author_of(origin);
        let own = keys.own_cosigners(author);
        let policy = keys.policy_for(origin);
        let witnesses =
            policy.map_or_else(Witnesses::nobody, |policy| Witnesses::brought(policy.clone(), author, &own));
        self.policy = witnesses.standing();
        let Some(included) = self.verify(proof, leaf, keys, bundle, &witnesses) else { return };
        self.key = Some(included.checkpoint().log_key().to_string());
        let cosignatures = included.checkpoint().cosignatures();
        self.cosignatures = cosignatures.iter().map(cosigned_at).collect();
        self.existed_by = witnesses.existed_by(&cosignatures).map(CosignatureTime::value);
        if policy.is_none() {
            return;
        }
        if witnesses.are_enough(&cosignatures) {
            self.state = WitnessState::Witnessed;
        } else {
            self.state = WitnessState::Unwitnessed;
            let detail = "the checkpoint lacks cosignatures that the policy asks for".to_owned();
            self.fail("quorum", detail);
        }
    }

    /// Tries the keys that are named after the log, or those that its key events say; of what they say the first is
    /// told.
    fn verify(
        &mut self,
        proof: &TlogProof,
        leaf: &Hash,
        keys: &TrustedKeys,
        bundle: Option<&Path>,
        witnesses: &Witnesses,
    ) -> Option<VerifiedInclusion> {
        let signed = proof.checkpoint();
        let origin = signed.checkpoint().origin();
        let log = match bundle.map(|bundle| keys_beside(bundle, origin, keys)).transpose() {
            Ok(log) => log,
            Err(detail) => {
                self.fail("key", detail);
                return None;
            }
        };
        let named = match &log {
            Some(log) => log.history.log_keys(signed.checkpoint().size()),
            None => keys.named(origin),
        };
        let mut refused = None;
        for key in &named {
            match proof.verify(leaf, key, witnesses.keys()) {
                Ok(included) => return Some(included),
                // A bad path is bad under every key; that it was reached says that this key signed.
                Err(error @ TlogProofError::Proof { .. }) => {
                    self.key = Some(key.to_string());
                    self.fail("inclusion", in_words(&error));
                    return None;
                }
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        if let Some(detail) = log.and_then(|log| log.out_of_force(signed)) {
            self.fail("signature", detail);
            return None;
        }
        match refused {
            Some(error) => self.fail("signature", in_words(&error)),
            None => self.fail("key", "none of the keys given is named after the log".to_owned()),
        }
        None
    }

    fn fail(&mut self, check: &'static str, detail: String) {
        self.failures.push(ProofFailure { check, detail });
    }

    /// The report as people read it.
    pub fn to_text(&self) -> String {
        let mut lines = Vec::new();
        if let (Some(origin), Some(index), Some(size), Some(root)) =
            (&self.origin, self.index, self.size, &self.root)
        {
            lines
                .push(format!("entry {index} of {}, in the tree of size {size}, root {root}", plain(origin)));
        }
        lines.push(format!("    leaf {}", self.leaf));
        if let Some(key) = &self.key {
            lines.push(format!("    signed by the log with {}", plain(key)));
        }
        for CosignedAt { name, time } in &self.cosignatures {
            lines.push(format!("    cosigned by {} at {}", plain(name), utc(*time)));
        }
        if let Some(existed) = self.existed_by {
            lines.push(format!("    existed no later than {}", utc(existed)));
        }
        if self.policy == PolicyStanding::None {
            lines.push("    no policy to judge witnesses by (--policy)".to_owned());
        } else if self.state != WitnessState::Unjudged {
            lines.push(format!("    {} by your policy", self.state.name()));
        }
        for ProofFailure { check, detail } in &self.failures {
            lines.push(format!("FAILED {check}: {}", plain(detail)));
        }
        lines.push(if self.ok { "ok" } else { "NOT OK" }.to_owned());
        lines.join("\n")
    }
}

/// The keys of the log of a document, by the bundle that was given with it.
fn keys_beside(bundle: &Path, origin: &str, keys: &TrustedKeys) -> Result<LogKeys, String> {
    let origin = origin.parse().map_err(|_| format!("{origin:?} is not an origin"))?;
    SignedBundle::keys_of(bundle, &origin, keys)
}

fn cosigned_at(one: &Cosignature) -> CosignedAt {
    CosignedAt { name: one.key().name().to_string(), time: one.time().value() }
}
