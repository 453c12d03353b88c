//! Who counts as a witness of one log, whether they are enough, and whether their times go forward.
//!
//! The rule itself is `tlog`'s; the auditor's own policy decides, and the copy in a bundle is a hint.

use comity_tlog::{
    Cosignature, CosignatureTime, POLICY_BYTES_MAX, Policy, Threshold, TreeSize, VerifiedCheckpoint,
    VerifierKey, existed_by,
};

use crate::folder::Folder;
use crate::report::{Failure, Note, PolicyStanding, Report, WitnessState};
use crate::signed::SignedHead;

/// The witnesses of a log by one policy.
pub(crate) struct Witnesses {
    policy: Option<Policy>,
    standing: PolicyStanding,
    /// Those who count: the author's own keys never do.
    keys: Vec<VerifierKey>,
    /// How many of them may say anything.
    lying: usize,
}

impl Witnesses {
    /// The bundle's own copy of a policy, within the folder of the log.
    pub(crate) const HINT: &'static str = "policy";

    /// By the policy that the auditor brought.
    pub(crate) fn brought(policy: Policy, author: &str, own: &[VerifierKey]) -> Self {
        Self::new(policy, PolicyStanding::Brought, author, own)
    }

    /// By the copy in the bundle, if there is one; says in words why it is of no use.
    pub(crate) fn hinted(
        folder: &Folder,
        log: &str,
        author: &str,
        own: &[VerifierKey],
    ) -> Result<Self, String> {
        let path = format!("{log}/{}", Self::HINT);
        if !folder.has(&path) {
            return Ok(Self::nobody());
        }
        let bytes = folder.read(&path, u64::try_from(POLICY_BYTES_MAX).unwrap_or(u64::MAX))?;
        let policy = Policy::parse(bytes).map_err(|error| error.to_string())?;
        Ok(Self::new(policy, PolicyStanding::Hint, author, own))
    }

    /// Without a policy there is nobody to count.
    pub(crate) fn nobody() -> Self {
        Self { policy: None, standing: PolicyStanding::None, keys: Vec::new(), lying: 0 }
    }

    fn new(policy: Policy, standing: PolicyStanding, author: &str, own: &[VerifierKey]) -> Self {
        let keys: Vec<VerifierKey> =
            policy.witnesses().filter(|key| !is_the_authors(key, author, own)).cloned().collect();
        let lying = Threshold::of(keys.len()).lying();
        Self { policy: Some(policy), standing, keys, lying }
    }

    pub(crate) const fn standing(&self) -> PolicyStanding {
        self.standing
    }

    pub(crate) fn are_hinted(&self) -> bool {
        self.standing == PolicyStanding::Hint
    }

    /// The keys whose lines are to be verified.
    pub(crate) fn keys(&self) -> &[VerifierKey] {
        &self.keys
    }

    /// Whether these cosignatures are enough; without a policy nothing is.
    pub(crate) fn are_enough(&self, cosignatures: &[Cosignature]) -> bool {
        let policy = self.policy.as_ref();
        policy.is_some_and(|policy| policy.is_met_by(cosignatures.iter().map(Cosignature::key)))
    }

    /// When what is under these cosignatures certainly existed.
    pub(crate) fn existed_by(&self, cosignatures: &[Cosignature]) -> Option<CosignatureTime> {
        let times: Vec<CosignatureTime> = cosignatures.iter().map(Cosignature::time).collect();
        existed_by(&times, self.lying)
    }

    /// Keeps of a verified checkpoint what the audit goes on with.
    pub(crate) fn judge(&self, path: String, verified: &VerifiedCheckpoint) -> SignedHead {
        let cosignatures = verified.cosignatures();
        let number = |one: &Cosignature| self.keys.iter().position(|key| key == one.key());
        SignedHead {
            path,
            checkpoint: verified.checkpoint().clone(),
            times: cosignatures.iter().filter_map(|one| Some((number(one)?, one.time()))).collect(),
            existed_by: self.existed_by(&cosignatures),
            witnessed: self.are_enough(&cosignatures),
        }
    }

    /// How the log stands: by its newest checkpoint, or by another note of the same size.
    pub(crate) fn state_of(&self, heads: &[SignedHead], size: TreeSize) -> WitnessState {
        if self.policy.is_none() {
            return WitnessState::Unjudged;
        }
        let witnessed = heads.iter().any(|head| head.witnessed && head.checkpoint.size() == size);
        if witnessed { WitnessState::Witnessed } else { WitnessState::Unwitnessed }
    }

    /// Counts the checkpoints judged. Earlier ones are often not witnessed, as the next came first, and are
    /// covered by a later one that is; what no witnessed checkpoint covers is a failure of a policy that the
    /// auditor brought.
    pub(crate) fn check_quorums(
        &self,
        heads: &[SignedHead],
        size: TreeSize,
        (origin, folder): (&str, &str),
        report: &mut Report,
    ) {
        if self.policy.is_none() {
            return;
        }
        report.checks.quorums += u64::try_from(heads.len()).unwrap_or(u64::MAX);
        if self.state_of(heads, size) == WitnessState::Witnessed {
            return;
        }
        let detail = match witnessed_size(heads) {
            0 => "no checkpoint has the cosignatures that the policy asks for".to_owned(),
            reached => format!(
                "the newest checkpoint lacks cosignatures that the policy asks for: entries from {reached} on are \
                 unwitnessed"
            ),
        };
        self.tell("quorum", (origin, folder), "checkpoint", detail, report);
    }

    /// The time of a witness never goes back from one size to a larger one: it cosigns the largest tree that it
    /// has seen (c2sp.org/tlog-cosignature).
    pub(crate) fn check_clocks(
        &self,
        heads: &[SignedHead],
        (origin, folder): (&str, &str),
        report: &mut Report,
    ) {
        for (number, key) in self.keys.iter().enumerate() {
            let mut last: Option<(TreeSize, CosignatureTime)> = None;
            for head in heads {
                let Some((_, time)) = head.times.iter().find(|(witness, _)| *witness == number) else {
                    continue;
                };
                let size = head.checkpoint.size();
                if let Some((before, reached)) = last.filter(|(before, _)| *before < size) {
                    report.checks.clocks += 1;
                    if *time < reached {
                        let detail = format!(
                            "{} cosigned size {size} at {time}, before it cosigned size {before} at {reached}",
                            key.name()
                        );
                        self.tell("clock", (origin, folder), &head.path, detail, report);
                    }
                }
                let latest = last.map_or(*time, |(_, reached)| reached.max(*time));
                last = Some((size, latest));
            }
        }
    }

    /// A failure by the auditor's own policy; by the bundle's, which could name anyone, a note.
    fn tell(
        &self,
        check: &'static str,
        (origin, folder): (&str, &str),
        path: &str,
        detail: String,
        report: &mut Report,
    ) {
        let (origin, path) = (origin.to_owned(), format!("{folder}/{path}"));
        if self.are_hinted() {
            let detail = format!("by the bundle's own policy, which is a hint: {detail}");
            report.note(Note { origin, index: None, path, detail });
        } else {
            report.fail(Failure { check, origin: Some(origin), index: None, path, detail });
        }
    }
}

/// The size of the largest checkpoint that is witnessed; 0 if none is.
pub(crate) fn witnessed_size(heads: &[SignedHead]) -> u64 {
    let sizes = heads.iter().filter(|head| head.witnessed).map(|head| head.checkpoint.size().value());
    sizes.max().unwrap_or_default()
}

/// Whether a key is of the author of the log, by its name or as his card gives it: nobody is his own witness.
fn is_the_authors(key: &VerifierKey, author: &str, own: &[VerifierKey]) -> bool {
    let named =
        key.name().as_str().strip_prefix(author).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    named || own.iter().any(|own| own.public_key() == key.public_key())
}
