//! The ids of the rules by which a release is allowed or denied, as they stand in the accounts.
//!
//! Not for: the rules themselves (`clause`).

use std::fmt;

use crate::word::Word;

/// The rule that decided. Codes and names stand in accountability logs and are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleId {
    /// Replicated by its only originator.
    AllowReplicate,
    /// Passed on by another agency than its only originator.
    AllowRelay,
    /// Answered to a query of another agency.
    AllowQuery,
    /// Used by the agency that holds it.
    AllowOwnUse,
    /// Given back to its only originator, who has lost it.
    AllowReturn,
    /// No label, or none that can be read (G-2).
    DenyLabelMissing,
    /// A label of a later version (G-2).
    DenyLabelForeign,
    /// An exercise and real data, or two exercises (G-51).
    DenyDrill,
    /// The label has expired.
    DenyExpired,
    /// The record is erased, or kept as evidence only.
    DenyErased,
    /// The record is not in effect, and the purpose is neither oversight nor redress.
    DenyState,
    /// No agreement of the two agencies.
    DenyAgreement,
    /// The agreement does not hold at this time.
    DenyTerm,
    /// The agreement does not cover the kind of entry.
    DenyKind,
    /// Not releasable to the recipient.
    DenyNotReleasable,
    /// Whether the recipient is excluded is not known.
    DenyUnconfirmed,
    /// No purpose that label, agreement and question share.
    DenyPurpose,
    /// Enforcement asks about a protected subject (G-16).
    DenyProtected,
    /// For display only: never replicated.
    DenyDisplayOnly,
    /// The audience is withheld from the sender.
    DenyAudienceWithheld,
    /// May not be passed on.
    DenyOnward,
    /// An originator's live consent is lacking.
    DenyConsent,
    /// Releasable, but not to the recipient.
    DenyReleasable,
    /// The audience section goes only where the section may be passed on (B7).
    DenyAudienceSlot,
    /// The section is absent; opening it would tell so (B7).
    DenyAbsent,
    /// Handling and audience go with a released section only, and a relayed section with them only (C16).
    DenyCompanion,
}

impl RuleId {
    /// Whether the rule allows.
    pub const fn allows(self) -> bool {
        matches!(
            self,
            Self::AllowReplicate
                | Self::AllowRelay
                | Self::AllowQuery
                | Self::AllowOwnUse
                | Self::AllowReturn
        )
    }
}

impl Word for RuleId {
    const WORDS: &'static [(Self, u64, &'static str)] = &[
        (Self::AllowReplicate, 1, "allow.replicate"),
        (Self::AllowRelay, 2, "allow.relay"),
        (Self::AllowQuery, 3, "allow.query"),
        (Self::AllowOwnUse, 4, "allow.own-use"),
        (Self::AllowReturn, 5, "allow.return"),
        (Self::DenyLabelMissing, 32, "deny.label-missing"),
        (Self::DenyLabelForeign, 33, "deny.label-foreign"),
        (Self::DenyDrill, 34, "deny.drill"),
        (Self::DenyExpired, 35, "deny.expired"),
        (Self::DenyErased, 36, "deny.erased"),
        (Self::DenyState, 37, "deny.state"),
        (Self::DenyAgreement, 38, "deny.agreement"),
        (Self::DenyTerm, 39, "deny.term"),
        (Self::DenyKind, 40, "deny.kind"),
        (Self::DenyNotReleasable, 41, "deny.not-releasable"),
        (Self::DenyUnconfirmed, 42, "deny.unconfirmed"),
        (Self::DenyPurpose, 43, "deny.purpose"),
        (Self::DenyProtected, 44, "deny.protected"),
        (Self::DenyDisplayOnly, 45, "deny.display-only"),
        (Self::DenyAudienceWithheld, 46, "deny.audience-withheld"),
        (Self::DenyOnward, 47, "deny.onward"),
        (Self::DenyConsent, 48, "deny.consent"),
        (Self::DenyReleasable, 49, "deny.releasable"),
        (Self::DenyAudienceSlot, 50, "deny.audience-slot"),
        (Self::DenyAbsent, 51, "deny.absent"),
        (Self::DenyCompanion, 52, "deny.companion"),
    ];
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
