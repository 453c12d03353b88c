//! Signing one change, and what is said when it is done.

use comity_node::NodeError;
use comity_policy::{Label, Word as _};
use comity_tlog::EntryIndex;
use comity_watchlist::{Change, Op, PackagePlace, Text};
use comity_wire::v1::RecordState;
use comity_wire::{DraftChange, HandlingChoice};
use serde_json::json;

use crate::answer::{Answer, Refusal, sentence};
use crate::plain::plain;
use crate::record::standing::{Standing, label_of, listing_json};
use crate::records::{key_json, state_word};
use crate::source::Source;

/// A change that was signed.
pub(super) struct Signed {
    pub(super) answer: Answer,
    /// Entries of which what they said was destroyed, by this change and those before it.
    pub(super) erased: u64,
}

/// Under which labels a change goes.
pub(super) enum Under {
    /// Those of the handling; of a record that is listed again, together with those of the former listing.
    Former(HandlingChoice),
    /// Those of the handling alone.
    Own(HandlingChoice),
}

impl From<HandlingChoice> for Under {
    fn from(handling: HandlingChoice) -> Self {
        Self::Former(handling)
    }
}

/// Signs a change of a listing as it stands, or one that begins a listing. `erased_before` is what changes of the same
/// command have destroyed.
pub(super) fn sign(
    source: &mut Source,
    before: Option<&Standing>,
    change: &Change,
    handling: impl Into<Under>,
    erased_before: u64,
) -> Result<Signed, Refusal> {
    let about = before.filter(|_| change.op.prev().is_some()).map(|before| before.newest);
    let draft = draft(change, about)?;
    let appended = match handling.into() {
        Under::Former(handling) => source.append(&[draft], handling, None, &|_, _| {})?,
        Under::Own(handling) => source.append_labelled_anew(&draft, handling)?,
    };
    let (state, newest) = (state_after(before, &change.op), appended.first);
    let version = before.map_or(1, |before| before.version.saturating_add(1));
    // With the change that erases a record goes one entry about each of its earlier ones.
    let erased = erased_before + appended.last.value().saturating_sub(appended.first.value());
    let label = label_of(source, appended.first)?;
    let (tlp, onward) = handling_words(label.as_ref());
    let paths: Vec<&str> = match &change.op {
        Op::Amend { paths, .. } | Op::Correct { paths, .. } => paths.iter().map(Text::as_str).collect(),
        _ => Vec::new(),
    };
    let mut json = listing_json(change.key(), change.handle, state, version, newest);
    if let Some(object) = json.as_object_mut() {
        object.insert("change".to_owned(), change.op.word().into());
        object.insert("paths".to_owned(), paths.clone().into());
        if let Op::Rekey { to, .. } = &change.op {
            object.insert("to".to_owned(), key_json(to));
        }
        object.insert("tlp".to_owned(), tlp.into());
        object.insert("onward".to_owned(), onward.into());
        object.insert("erased".to_owned(), json!(erased));
        object.insert("origin".to_owned(), source.home().origin().as_str().into());
        object.insert("size".to_owned(), json!(appended.head.size.value()));
        object.insert("root".to_owned(), appended.head.root.to_base64().into());
    }
    let mut lines = vec![format!(
        "signed    {} {}  (version {version}, {}, entry {newest})",
        change.op.word(),
        plain(&change.key().to_string()),
        state_word(state)
    )];
    if let Op::Rekey { to, .. } = &change.op {
        lines.push(format!("now       {}", plain(&to.to_string())));
    }
    if !paths.is_empty() {
        lines.push(format!("changed   {}", plain(&paths.join(", "))));
    }
    if erased > 0 {
        lines.push(format!(
            "erased    what {erased} earlier entries said; they stay, and so does that there was something"
        ));
    }
    lines.push(format!("handling  TLP:{tlp}, onward {onward}"));
    lines.push(format!(
        "log       {}  size {}  root {}",
        source.home().origin(),
        appended.head.size,
        appended.head.root.to_base64()
    ));
    Ok(Signed { answer: Answer::new(lines.join("\n"), json), erased })
}

/// Where the listing stands with the change.
pub(super) fn state_after(before: Option<&Standing>, op: &Op) -> RecordState {
    match op {
        Op::List { .. } | Op::Relist { .. } | Op::Resume { .. } => RecordState::Unapproved,
        Op::Suspend { .. } => RecordState::Suspended,
        Op::Delist { .. } => RecordState::Delisted,
        Op::Withdraw { .. } => RecordState::Withdrawn,
        Op::Erase { .. } => RecordState::Erased,
        // A statement and a vocabulary change no record, and go another way.
        Op::Amend { .. }
        | Op::Correct { .. }
        | Op::Rekey { .. }
        | Op::Merge { .. }
        | Op::Split { .. }
        | Op::SameAs { .. }
        | Op::Retract { .. }
        | Op::Vocabulary { .. } => before.map_or(RecordState::Unapproved, |before| before.state),
    }
}

/// The words of a label in answers; empty where there is none.
pub(crate) fn handling_words(label: Option<&Label>) -> (&'static str, &'static str) {
    label.map(|label| (label.handling().tlp.name(), label.handling().onward.name())).unwrap_or_default()
}

/// A change as it is handed over, behind the entry that it follows.
pub(crate) fn draft(change: &Change, about: Option<EntryIndex>) -> Result<DraftChange, Refusal> {
    draft_at(change, about, None)
}

/// The same, of a change that may be a member of a package.
pub(super) fn draft_at(
    change: &Change,
    about: Option<EntryIndex>,
    package: Option<PackagePlace>,
) -> Result<DraftChange, Refusal> {
    let refuse = |reason: String| Refusal::from(NodeError::Record { reason });
    let sections = change.encode_at(package).map_err(|error| refuse(sentence(&error)))?;
    DraftChange::new(about, sections).ok_or_else(|| refuse("it says nothing".to_owned()))
}
