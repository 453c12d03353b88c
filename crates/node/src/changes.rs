//! Changes that an operator hands in, on their way to drafts: read, checked against each other, and labelled with
//! the handling that the operator chose.
//!
//! Not here: whether they still follow what the log holds when their turn comes (`author_task`).

use comity_ledger::{Draft, Kind, Slot};
use comity_policy::{LabelSet, Moment, defaults};
use comity_watchlist::{Change, Section, SectionsRead};
use comity_wire::{DraftChange, HandlingChoice};

use crate::author_task::{Basis, Submission};
use crate::{Config, NodeError, Release, now, packages};

/// Reads the changes of one append and makes the drafts of them.
///
/// # Errors
/// [`NodeError::Record`] if a change does not read, its envelope and its content do not agree on what it follows, or a
/// package is not whole.
pub fn submission(
    config: &Config,
    handling: HandlingChoice,
    changes: &[DraftChange],
) -> Result<Submission, NodeError> {
    let labels = labels_of(config, handling, Kind::Record)?;
    // Written once: they are the same for all.
    let (told, audience) = (labels.handling_section(), labels.audience_section());
    let mut submission = Submission {
        drafts: Vec::with_capacity(changes.len()),
        bases: Vec::with_capacity(changes.len()),
        labels: None,
        erasures: None,
        list: None,
    };
    for change in changes {
        let basis = basis(change)?;
        if handling == HandlingChoice::OfficialList && closes_reasons(change) {
            let reason = "closed reasons cannot be given with the handling of an official list, under which everybody may \
                          read them";
            return Err(NodeError::Record { reason: reason.to_owned() });
        }
        submission.bases.push(basis);
        let mut draft = Draft::new(Kind::Record, change.about()).with_section(Slot::HANDLING, told.clone());
        if let Some(audience) = &audience {
            draft = draft.with_section(Slot::AUDIENCE, audience.clone());
        }
        for (section, bytes) in change.sections().iter() {
            draft = draft.with_section(Slot::new(section.slot()), bytes.to_vec());
        }
        submission.drafts.push(draft);
    }
    packages::check(&submission.bases)?;
    if submission.bases.iter().any(Basis::may_erase) {
        submission.erasures = Some(labels_of(config, handling, Kind::Erase)?);
    }
    submission.labels = Some(labels);
    Ok(submission)
}

/// What is authored is released as the configuration says; `to = "nobody"` keeps it at home.
fn labels_of(config: &Config, handling: HandlingChoice, kind: Kind) -> Result<LabelSet, NodeError> {
    let agency = &config.agency;
    let labels = match handling {
        _ if config.release == Release::Nobody => defaults::kept_home(agency, kind),
        HandlingChoice::KeptHome => defaults::kept_home(agency, kind),
        HandlingChoice::OfficialList => defaults::imported_official_list(agency, kind),
        HandlingChoice::OwnDesignation => {
            let authored = Moment::from_unix_secs(now().unix_secs());
            defaults::own_designation(agency, kind, authored)
        }
    };
    labels.map_err(|error| NodeError::Record { reason: error.to_string() })
}

fn closes_reasons(change: &DraftChange) -> bool {
    change.sections().iter().any(|(section, bytes)| section == Section::ReasonsClosed && !bytes.is_empty())
}

fn basis(draft: &DraftChange) -> Result<Basis, NodeError> {
    let mut read = SectionsRead::withheld();
    for (section, bytes) in draft.sections().iter() {
        read = read.give(section, bytes);
    }
    // The reason could name a value of the record: it goes no further than the kind of fault.
    let decoded = Change::decode(&read)
        .map_err(|_| NodeError::Record { reason: "its sections do not read as a change".to_owned() })?;
    let follows = match (draft.about(), decoded.change.op.prev()) {
        (None, None) => None,
        (Some(about), Some(prev)) => Some((about, prev)),
        _ => {
            let reason = "the entry that it follows stands in only one of envelope and content".to_owned();
            return Err(NodeError::Record { reason });
        }
    };
    Ok(Basis { handle: decoded.change.handle, key: decoded.change.key().clone(), follows, decoded })
}
