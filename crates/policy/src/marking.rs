//! The words of a handling label: how open, how far onward, what may be done, how sure.
//!
//! Where a list is ordered, the later word restricts more, and labels combine to the later one.
//! Not for: purposes (`purpose`), audiences (`audience`), or which words go together (`label`).

use std::fmt;

use comity_watchlist::Text;

use crate::word::Word;

/// Traffic Light Protocol 2.0 (first.org/tlp), from open to closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tlp {
    /// No limit on disclosure.
    Clear,
    /// The community.
    Green,
    /// The organisation and its clients.
    Amber,
    /// The organisation only.
    AmberStrict,
    /// The named recipients only.
    Red,
}

/// What a recipient may do towards third parties, from free to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Onward {
    /// May be passed on.
    Free,
    /// May be passed on to whom the label is releasable.
    WithinRel,
    /// May be passed on with the live consent of every originator.
    Consent,
    /// May not be passed on.
    None,
}

/// What may be done on the strength of the section (IEP 2.0 permitted actions), from overt to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actions {
    /// Acts that the subject sees.
    Overt,
    /// Acts that others see only indirectly.
    Passive,
    /// Acts inside the recipient's own organisation.
    Internal,
    /// Ask the originator first.
    Contact,
    /// None.
    None,
}

/// Whether the subject may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Notify {
    /// The subject may be told.
    May,
    /// The subject must not be told.
    MustNot,
}

/// Whether the originator may be named as the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribution {
    /// May be named.
    May,
    /// Must be named.
    Must,
    /// Must not be named.
    MustNot,
}

/// How sensitive the personal data of a section is, from none to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataClass {
    /// No personal data.
    None,
    /// Personal data.
    Personal,
    /// Special categories (LED Art. 10).
    Special,
    /// Data of a minor.
    Minor,
}

/// Whether a section states facts or an assessment (LED Art. 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assertion {
    /// Fact.
    Fact,
    /// Personal assessment.
    Assessment,
}

/// How long a section may be kept at most, from long to short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Retention {
    /// As long as the official list names the subject.
    WhileListed,
    /// Ten years.
    TenYears,
    /// Five years.
    FiveYears,
    /// Three years.
    ThreeYears,
    /// One year.
    OneYear,
}

/// In what role a subject appears (LED Art. 6, and the subjects of lists).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectCategory {
    /// Named on an official list.
    Listed,
    /// Suspected of an offence.
    Suspect,
    /// Convicted of one.
    Convicted,
    /// Victim.
    Victim,
    /// Witness.
    Witness,
    /// Contact or associate.
    Contact,
    /// Missing or at risk.
    Missing,
    /// Whoever reported.
    Reporter,
    /// Craft, goods or another thing.
    Object,
}

impl SubjectCategory {
    /// Whether enforcement may never be answered about a subject in this role (G-16, E33).
    pub const fn is_protected(self) -> bool {
        matches!(self, Self::Victim | Self::Reporter)
    }
}

/// How reliable the source is, from A to X (Europol 4×4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceGrade {
    /// No doubt.
    A,
    /// Mostly reliable.
    B,
    /// Mostly unreliable.
    C,
    /// Cannot be judged.
    X,
}

/// How good the information is, from 1 to 4 (Europol 4×4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InformationGrade {
    /// Known to be true.
    One,
    /// Known to the source, not to the officer.
    Two,
    /// Not known to the source, corroborated.
    Three,
    /// Not known and not corroborated.
    Four,
}

/// The 4×4 grade of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grade {
    /// The source.
    pub source: SourceGrade,
    /// The information.
    pub information: InformationGrade,
}

impl Grade {
    /// The worse of both in each part.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self { source: self.source.max(other.source), information: self.information.max(other.information) }
    }
}

/// A witnessed time, or one that a label names: seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The time of this many seconds since 1970-01-01 UTC.
    pub const fn from_unix_secs(secs: u64) -> Self {
        Self(secs)
    }

    /// Seconds since 1970-01-01 UTC.
    pub const fn unix_secs(self) -> u64 {
        self.0
    }

    /// The time this many seconds later; the last one where there is none.
    #[must_use]
    pub const fn plus_secs(self, secs: u64) -> Self {
        Self(self.0.saturating_add(secs))
    }
}

/// An exercise: the part of its log's origin behind `exercise/`, 1 to 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExerciseId(String);

impl ExerciseId {
    /// Longest identifier, in digits: a 32-byte random number.
    pub const LEN_MAX: usize = 64;

    /// The exercise of this identifier; `None` if it is not one.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let good = (1..=Self::LEN_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        good.then_some(Self(text))
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExerciseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The handling codes of a provider (Europol): H1, H2 and any number of H3 in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caveats {
    /// H1: not in judicial proceedings without the provider's permission.
    pub h1: bool,
    /// H2: no dissemination without the provider's permission.
    pub h2: bool,
    /// H3: other restrictions, each in the provider's words.
    pub h3: std::collections::BTreeSet<Text>,
}

/// The law that a section rests on; the decision itself is named in the audience section.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Basis {
    /// Whose law.
    pub jurisdiction: Text,
    /// The act.
    pub instrument: Text,
    /// The provision of it.
    pub provision: Option<Text>,
    /// The authority that decided.
    pub authority: Option<Text>,
    /// When it decided.
    pub decided: Option<Moment>,
}

impl Word for Tlp {
    const WORDS: &'static [(Self, u64, &'static str)] = &[
        (Self::Clear, 0, "CLEAR"),
        (Self::Green, 1, "GREEN"),
        (Self::Amber, 2, "AMBER"),
        (Self::AmberStrict, 3, "AMBER+STRICT"),
        (Self::Red, 4, "RED"),
    ];
}

impl Word for Onward {
    const WORDS: &'static [(Self, u64, &'static str)] = &[
        (Self::Free, 0, "FREE"),
        (Self::WithinRel, 1, "WITHIN_REL"),
        (Self::Consent, 2, "CONSENT"),
        (Self::None, 3, "NONE"),
    ];
}

impl Word for Actions {
    const WORDS: &'static [(Self, u64, &'static str)] = &[
        (Self::Overt, 0, "OVERT"),
        (Self::Passive, 1, "PASSIVE"),
        (Self::Internal, 2, "INTERNAL"),
        (Self::Contact, 3, "CONTACT"),
        (Self::None, 4, "NO_ACTION"),
    ];
}

impl Word for Notify {
    const WORDS: &'static [(Self, u64, &'static str)] =
        &[(Self::May, 0, "MAY_NOTIFY"), (Self::MustNot, 1, "MUST_NOT_NOTIFY")];
}

impl Word for Attribution {
    const WORDS: &'static [(Self, u64, &'static str)] = &[
        (Self::May, 0, "MAY_ATTRIBUTE"),
        (Self::Must, 1, "MUST_ATTRIBUTE"),
        (Self::MustNot, 2, "MUST_NOT_ATTRIBUTE"),
    ];
}

impl Word for DataClass {
    const WORDS: &'static [(Self, u64, &'static str)] = &[
        (Self::None, 0, "NO_PERSONAL_DATA"),
        (Self::Personal, 1, "PERSONAL"),
        (Self::Special, 2, "SPECIAL"),
        (Self::Minor, 3, "MINOR"),
    ];
}

impl Word for Assertion {
    const WORDS: &'static [(Self, u64, &'static str)] =
        &[(Self::Fact, 0, "FACT"), (Self::Assessment, 1, "ASSESSMENT")];
}

impl Word for Retention {
    const WORDS: &'static [(Self, u64, &'static str)] = &[
        (Self::WhileListed, 0, "WHILE_LISTED"),
        (Self::TenYears, 1, "TEN_YEARS"),
        (Self::FiveYears, 2, "FIVE_YEARS"),
        (Self::ThreeYears, 3, "THREE_YEARS"),
        (Self::OneYear, 4, "ONE_YEAR"),
    ];
}

impl Word for SubjectCategory {
    const WORDS: &'static [(Self, u64, &'static str)] = &[
        (Self::Listed, 1, "LISTED"),
        (Self::Suspect, 2, "SUSPECT"),
        (Self::Convicted, 3, "CONVICTED"),
        (Self::Victim, 4, "VICTIM"),
        (Self::Witness, 5, "WITNESS"),
        (Self::Contact, 6, "CONTACT_PERSON"),
        (Self::Missing, 7, "MISSING"),
        (Self::Reporter, 8, "REPORTER"),
        (Self::Object, 9, "OBJECT"),
    ];
}

impl Word for SourceGrade {
    const WORDS: &'static [(Self, u64, &'static str)] =
        &[(Self::A, 1, "A"), (Self::B, 2, "B"), (Self::C, 3, "C"), (Self::X, 4, "X")];
}

impl Word for InformationGrade {
    const WORDS: &'static [(Self, u64, &'static str)] =
        &[(Self::One, 1, "1"), (Self::Two, 2, "2"), (Self::Three, 3, "3"), (Self::Four, 4, "4")];
}
