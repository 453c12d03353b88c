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
}
