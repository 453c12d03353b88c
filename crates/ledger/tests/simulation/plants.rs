//! Faults of a program, planted at the seams of the model, to show that the simulator sees them.

/// A mistake that every agency of a world makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    /// Lock and signature come before the entries are synced, and the note is never.
    SignsBeforeTheSync,
    /// A start makes the lock anew from what the store holds.
    ForgetsTheLock,
    /// A start drops a tree that the lock has permitted, and goes on from the note.
    DropsWhatIsPending,
    /// The sections of entries that were never signed stay under those of the entries that take their places.
    LeavesWhatWasNeverSigned,
    /// A follower shows what is not synced.
    ShowsBeforeTheSync,
    /// A follower passes over a second checkpoint of one size.
    TakesAnEqualSize,
    /// A follower keeps frames that were rejected.
    KeepsRejectedFrames,
    /// A follower keeps openings that do not open.
    KeepsWrongOpenings,
    /// A follower moves its cursor before the openings that it passes.
    MovesTheCursorFirst,
    /// A relay keeps openings, and apart from them what tells it to pass them on. This was once so.
    KeepsOpeningsBeforeTheirArrival,
    /// A follower that was refused never calls again.
    NeverCallsAgain,
    /// A cosigner signs before its lock is synced.
    CosignsBeforeTheLock,
    /// A start makes the lock of a cosigner anew.
    ForgetsTheLockOfACosigner,
    /// A witness cosigns whatever larger checkpoint its author signed.
    SkipsTheProof,
    /// A cosigner states the time of its clock, wherever that has gone.
    StatesWhatTheClockSays,
    /// A mirror states what it was shown.
    MirrorsWhatItDoesNotHold,
    /// Lines are kept as they come.
    TakesLinesUnverified,
    /// Of logs that are of neither side nothing is said.
    ComparesNoThirdParties,
    /// What a peer leaves unsaid counts as seen. This was once so.
    SeesWhatWasNotSaid,
    /// What does not fit is taken for evidence against the author.
    TakesABadProofForEvidence,
    /// The log names a key whose file is not synced.
    EntersAKeyBeforeItsFile,
    /// A start takes up the key in the present file, whatever the log says.
    SignsWithTheFirstFileAlone,
    /// A follower takes what any key of the author signed, whether or not it has ended.
    TakesKeysThatHaveEnded,
    /// Followers are served the newest checkpoint, whether or not they know the keys that signed it.
    LeadsNobodyThrough,
    /// A checkpoint whose entries came with those of a later one is forgotten, so that a relay can lead nobody to its keys.
    /// This was once so.
    ForgetsWhatWasPassed,
    /// An author whose successor was cut off begins it anew.
    BeginsTheSuccessorAnew,
    /// A follower never asks whether a log goes on in another.
    NeverAsksForASuccessor,
    /// A follower begins whatever is called a successor.
    TakesAnySuccessor,
    /// A follower keeps what it holds of a log that has ended in another tree.
    KeepsAThiefsTree,
    /// What a successor has made void is still spoken of.
    SpeaksOfWhatIsVoid,
    /// A cosigner does not look again at what it was to state before the log ended.
    CosignsWhatIsVoid,
    /// Two beginnings of one successor are never compared.
    OverlooksTwoSuccessors,
    /// A cosigner goes on with a log of which evidence is held.
    CosignsForTheConvicted,
}

impl Plant {
    /// Whether it shows in gossip alone.
    pub(crate) fn is_of_gossip(self) -> bool {
        matches!(
            self,
            Self::CosignsBeforeTheLock
                | Self::ForgetsTheLockOfACosigner
                | Self::SkipsTheProof
                | Self::StatesWhatTheClockSays
                | Self::MirrorsWhatItDoesNotHold
                | Self::TakesLinesUnverified
                | Self::ComparesNoThirdParties
                | Self::SeesWhatWasNotSaid
                | Self::TakesABadProofForEvidence
                | Self::SpeaksOfWhatIsVoid
                | Self::CosignsWhatIsVoid
                | Self::OverlooksTwoSuccessors
                | Self::CosignsForTheConvicted
        )
    }
}
