//! The changes that the commands sign, each checked against the record as it stands.
//!
//! Not here: what they say when they are signed (`signed`), and several in one package (`package`).

use comity_feeds::own::{self, OwnAct, OwnRecord, OwnWriting};
use comity_watchlist::limits::PATHS_MAX;
use comity_watchlist::{Change, Notice, Op, Record, RecordKey, Text};
use comity_wire::HandlingChoice;
use comity_wire::v1::RecordState;

use crate::answer::{Answer, Refusal};
use crate::editions::{Newest, has_codes};
use crate::import::fresh_handle;
use crate::record::signed::{Under, sign};
use crate::record::standing::{Standing, find};
use crate::record::{LIVING, NOTHING, not_found};
use crate::source::Source;

/// A change that may be signed.
pub(super) struct Made {
    /// The listing that it changes; none of one that it begins.
    pub(super) before: Option<Standing>,
    pub(super) change: Change,
    pub(super) handling: HandlingChoice,
}

impl Made {
    /// Signs it alone.
    pub(super) fn sign(self, source: &mut Source) -> Result<Answer, Refusal> {
        Ok(sign(source, self.before.as_ref(), &self.change, self.handling, 0)?.answer)
    }

    /// The same under its own label alone, whatever that of the former listing was.
    pub(super) fn sign_labelled_anew(self, source: &mut Source) -> Result<Answer, Refusal> {
        let under = Under::Own(self.handling);
        Ok(sign(source, self.before.as_ref(), &self.change, under, 0)?.answer)
    }
}

/// A record that is written whole, from a version of a listing if it is amended. Its codes name the newest editions held.
pub(super) fn written(source: &mut Source, writing: OwnWriting, own: OwnRecord) -> Result<Made, Refusal> {
    let OwnRecord { mut record, version, handle } = own;
    if has_codes(&record) {
        Newest::of(source)?.name(&mut record);
    }
    let before = find(source, &record.key)?;
    if matches!(writing, OwnWriting::Add | OwnWriting::Relist) {
        return begin(writing, record, before);
    }
    let Some(before) = before else { return Err(not_found(&record.key)) };
    before.must_be(&LIVING, "what has ended can only be relisted")?;
    let Some(version) = version else {
        let message = "an amendment says which version of the record it was made from: `comity record show` gives a file \
             that does, or name it with --version";
        return Err(Refusal::new("usage", format!("{message}{NOTHING}")));
    };
    if let Some(handle) = handle {
        before.must_be_listing(handle)?;
    }
    before.must_have(version)?;
    amend(source, writing, record, before)
}

/// Begins a listing.
fn begin(writing: OwnWriting, record: Record, before: Option<Standing>) -> Result<Made, Refusal> {
    complete(&record)?;
    let is_official = comity_feeds::is_official(&record.key.list);
    if is_official && writing == OwnWriting::Add {
        let message = format!(
            "{} is entered by `comity import`, and the next publication would end what it does not have; designate on a \
             list of your own{NOTHING}",
            record.key.list
        );
        return Err(Refusal::new("official_list", message));
    }
    let handle = fresh_handle()?;
    let op = match (writing, before) {
        (OwnWriting::Relist, Some(before)) => {
            if LIVING.contains(&before.state) {
                return Err(before.refused("only what has ended is listed again"));
            }
            if before.record.as_ref().is_some_and(|former| same_grounds(former, &record)) {
                let message = "it has the legal acts and the reasons that the listing had that ended; a new listing needs new \
                     grounds";
                return Err(Refusal::new("same_grounds", format!("{message}{NOTHING}")));
            }
            Op::Relist { relist_of: before.handle, record: Box::new(record) }
        }
        (OwnWriting::Relist, None) => return Err(not_found(&record.key)),
        (_, Some(before)) if LIVING.contains(&before.state) => {
            let message = format!(
                "{} is listed already, version {} (entry {}): `comity record amend` says something new of it{NOTHING}",
                before.key, before.version, before.newest
            );
            return Err(Refusal::new("already_exists", message));
        }
        (_, Some(before)) => {
            return Err(before.refused("`comity record relist` lists it again, on new grounds"));
        }
        (_, None) => Op::List { record: Box::new(record) },
    };
    let handling = if is_official { HandlingChoice::OfficialList } else { HandlingChoice::OwnDesignation };
    Ok(Made { before: None, change: Change { handle, op }, handling })
}

/// Amends or corrects a record.
fn amend(
    source: &mut Source,
    writing: OwnWriting,
    record: Record,
    before: Standing,
) -> Result<Made, Refusal> {
    let handling = before.handling(source)?;
    if handling == HandlingChoice::OwnDesignation {
        complete(&record)?;
    }
    let former = before.record.as_ref().ok_or_else(|| not_found(&before.key))?;
    // Paths are for people: one that is too long for a text, or beyond the limit, is left out.
    let paths = Record::changed_paths(former, &record);
    if paths.is_empty() {
        let message = format!("{} says all of this already{NOTHING}", before.key);
        return Err(Refusal::new("unchanged", message));
    }
    let paths = paths.into_iter().filter_map(|path| Text::new(path).ok()).take(PATHS_MAX).collect();
    let (prev, record) = (before.leaf, Box::new(record));
    let op = match writing {
        OwnWriting::Correct => Op::Correct { prev, paths, record },
        _ => Op::Amend { prev, paths, record },
    };
    Ok(Made { change: Change { handle: before.handle, op }, before: Some(before), handling })
}

/// A change that says nothing new of the subject, if the record is in a state for it.
pub(super) fn acted(
    source: &mut Source,
    act: OwnAct,
    notice: Box<Notice>,
    version: Option<u64>,
) -> Result<Made, Refusal> {
    let before = find(source, &notice.key)?.ok_or_else(|| not_found(&notice.key))?;
    if let Some(version) = version {
        before.must_have(version)?;
    }
    let prev = before.leaf;
    let op = match act {
        OwnAct::Suspend => {
            before.must_be(&[RecordState::Unapproved], "only a record in effect is suspended")?;
            Op::Suspend { prev, notice }
        }
        OwnAct::Resume => {
            before.must_be(&[RecordState::Suspended], "only a suspended record is resumed")?;
            Op::Resume { prev, notice }
        }
        OwnAct::Delist { ground: reason, effective } => {
            before.must_be(&LIVING, "only a living record is delisted")?;
            Op::Delist { prev, reason, effective, notice }
        }
        OwnAct::Withdraw => {
            before.must_not_be(RecordState::Withdrawn, "it is taken back already")?;
            before.must_not_be(RecordState::Erased, "nothing is left of it to take back")?;
            Op::Withdraw { prev, notice }
        }
        OwnAct::Rekey { to } => {
            before.must_be(&LIVING, "only a living record can go on otherwise")?;
            may_be_called(source, &before.key, &to)?;
            Op::Rekey { prev, to, notice }
        }
    };
    let handling = before.handling(source)?;
    Ok(Made { change: Change { handle: before.handle, op }, before: Some(before), handling })
}

/// Whether a record may be given another list and reference.
fn may_be_called(source: &mut Source, key: &RecordKey, to: &RecordKey) -> Result<(), Refusal> {
    if to == key {
        return Err(Refusal::new("unchanged", format!("{key} is what it is called already{NOTHING}")));
    }
    let official = [&to.list, &key.list].into_iter().find(|list| comity_feeds::is_official(list));
    if let Some(list) = official.filter(|_| to.list != key.list) {
        let message = format!("what {list} has is entered and ended by `comity import` alone{NOTHING}");
        return Err(Refusal::new("official_list", message));
    }
    if let Some(taken) = find(source, to)?.filter(|taken| LIVING.contains(&taken.state)) {
        let message = format!("{to} is another record (entry {}){NOTHING}", taken.newest);
        return Err(Refusal::new("already_exists", message));
    }
    Ok(())
}

fn complete(record: &Record) -> Result<(), Refusal> {
    own::lacks(record).map_err(|lack| Refusal::new("record", format!("{lack}{NOTHING}")))
}

fn same_grounds(former: &Record, new: &Record) -> bool {
    former.legal == new.legal
        && former.reasons_public == new.reasons_public
        && former.reasons_closed == new.reasons_closed
}
