//! `comity record same-as` and `retract`: that two records are about one subject, said and taken back, and what is said so.
//!
//! A statement changes neither record, and is the word of the agency in whose log it stands. Not here: which statements
//! stand and what they join (`screening`).

use std::fmt::Write as _;

use comity_ledger::Origin;
use comity_node::{NodeError, now};
use comity_policy::{Moment, Tlp};
use comity_tlog::EntryIndex;
use comity_watchlist::{Change, EntryRef, Handle, ListingRef, Op, OriginName, Pair, RecordKey};
use comity_wire::{HandlingChoice, v1};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::{Joined, RecordKey as KeyOf};
use crate::import::fresh_handle;
use crate::log::{hex, utc};
use crate::plain::plain;
use crate::record::signed::{draft, handling_words};
use crate::record::standing::{Standing, find_all_in, find_in, handling_behind, label_in, label_of};
use crate::record::{NOTHING, key_of, not_found_in, notice, origin_of};
use crate::source::Source;

/// The two records of a command, each with its log.
struct Both {
    listings: [(Origin, Standing); 2],
    pair: Pair,
}

/// What is said of one record.
pub(super) struct Said {
    asked: (Origin, Handle),
    answer: v1::ListStatementsResponse,
}

/// Says that two records are about one subject.
pub(super) fn state(joined: &Joined) -> Result<Answer, Refusal> {
    let mut source = Source::find(&joined.of.home)?;
    let both = Both::find(&mut source, joined)?;
    if let Some(stated) = own_statement(&mut source, &both.pair, &[v1::StatementState::Stands])? {
        let message = format!("this log says so already (entry {}){NOTHING}", stated.index);
        return Err(Refusal::new("already_exists", message));
    }
    let notice = notice(&joined.grounds, "say so", both.pair.first().key.clone())?;
    let handling = both.handling(&mut source)?;
    let handle = fresh_handle()?;
    let op = Op::SameAs { pair: Box::new(both.pair.clone()), notice: Box::new(notice) };
    sign(&mut source, &both.pair, &Change { handle, op }, None, handling)
}

/// Takes back what this log says of two records.
pub(super) fn retract(joined: &Joined) -> Result<Answer, Refusal> {
    let mut source = Source::find(&joined.of.home)?;
    let stated = to_retract(&mut source, joined)?;
    let unread = || Refusal::new("malformed", "the answer names no statement");
    let about = EntryIndex::new(stated.index).map_err(|_| unread())?;
    let prev = <[u8; 32]>::try_from(stated.leaf.as_ref()).map(EntryRef::new).map_err(|_| unread())?;
    let handle = <[u8; 16]>::try_from(stated.handle.as_ref()).map(Handle::new).map_err(|_| unread())?;
    // The statement names its records as they were called then.
    let pair = pair_of(&stated).ok_or_else(unread)?;
    let notice = notice(&joined.grounds, "take it back", pair.first().key.clone())?;
    // It goes wherever the statement went.
    let handling = handling_behind(&mut source, about)?;
    let op = Op::Retract { prev, notice: Box::new(notice) };
    sign(&mut source, &pair, &Change { handle, op }, Some(about), handling)
}

/// The statement of the own log about two records that can be taken back: of whatever listings were under their keys, the
/// newest ones first, and also of one that was erased.
fn to_retract(source: &mut Source, joined: &Joined) -> Result<v1::SameAsStatement, Refusal> {
    let other = KeyOf { list: joined.other_list.clone(), reference: joined.other_reference.clone() };
    let ones = all_named(source, joined.origin.as_deref(), &key_of(&joined.key)?)?;
    let others = all_named(source, joined.other_origin.as_deref(), &key_of(&other)?)?;
    let open = [v1::StatementState::Stands, v1::StatementState::Erased];
    for one in ones.iter().rev() {
        for other in others.iter().rev() {
            let Some(pair) = Pair::new(reference_to(one)?, reference_to(other)?) else { continue };
            if let Some(stated) = own_statement(source, &pair, &open)? {
                return Ok(stated);
            }
        }
    }
    let message = format!("the own log does not say that they are about one subject{NOTHING}");
    Err(Refusal::new("not_found", message))
}

/// The statement of the own log about two listings that is in one of these states.
fn own_statement(
    source: &mut Source,
    pair: &Pair,
    states: &[v1::StatementState],
) -> Result<Option<v1::SameAsStatement>, Refusal> {
    let own = source.home().origin();
    let first = pair.first();
    let log = first.origin.as_str().parse().map_err(NodeError::Name)?;
    let said = source.statements(&log, first.handle)?;
    Ok(said.statements.into_iter().find(|stated| {
        let names = pair_of(stated).is_some_and(|named| same_listings(&named, pair));
        stated.origin == own.as_str() && states.contains(&stated.state()) && names
    }))
}

/// What is said of a record in all logs that are held.
pub(super) fn said_of(source: &mut Source, origin: &Origin, standing: &Standing) -> Result<Said, Refusal> {
    let answer = source.statements(origin, standing.handle)?;
    Ok(Said { asked: (origin.clone(), standing.handle), answer })
}

impl Both {
    fn find(source: &mut Source, joined: &Joined) -> Result<Self, Refusal> {
        let other = KeyOf { list: joined.other_list.clone(), reference: joined.other_reference.clone() };
        let one = find_named(source, joined.origin.as_deref(), &key_of(&joined.key)?)?;
        let other = find_named(source, joined.other_origin.as_deref(), &key_of(&other)?)?;
        let pair = Pair::new(reference_to(&one)?, reference_to(&other)?);
        let message = || format!("both are the same record{NOTHING}");
        let pair = pair.ok_or_else(|| Refusal::new("same_record", message()))?;
        Ok(Self { listings: [one, other], pair })
    }

    /// The handling of a statement: it tells that both records are there, so that it goes nowhere that either may not go.
    fn handling(&self, source: &mut Source) -> Result<HandlingChoice, Refusal> {
        let own = source.home().origin();
        let mut choice = HandlingChoice::OfficialList;
        for (origin, standing) in &self.listings {
            let label = label_in(source, origin, standing.newest)?;
            let now = Moment::from_unix_secs(now().unix_secs());
            if label.as_ref().is_some_and(|label| label.is_for_everybody(now)) {
                continue;
            }
            let is_kept_home = label.is_some_and(|label| label.handling().tlp == Tlp::Red);
            if *origin != own || is_kept_home {
                // What a peer gave under a label that binds is not told of to others, nor what never left.
                return Ok(HandlingChoice::KeptHome);
            }
            choice = HandlingChoice::OwnDesignation;
        }
        Ok(choice)
    }
}

fn find_named(
    source: &mut Source,
    origin: Option<&str>,
    key: &RecordKey,
) -> Result<(Origin, Standing), Refusal> {
    let origin = origin_of(source, origin)?;
    let standing = find_in(source, &origin, key)?.ok_or_else(|| not_found_in(&origin, key))?;
    standing.must_not_be(v1::RecordState::Erased, "nothing is left of it to say something about")?;
    Ok((origin, standing))
}

/// All listings of a key, whatever has become of them, the newest last.
fn all_named(
    source: &mut Source,
    origin: Option<&str>,
    key: &RecordKey,
) -> Result<Vec<(Origin, Standing)>, Refusal> {
    let origin = origin_of(source, origin)?;
    let found = find_all_in(source, &origin, key)?;
    if found.is_empty() {
        return Err(not_found_in(&origin, key));
    }
    Ok(found.into_iter().map(|standing| (origin.clone(), standing)).collect())
}

fn reference_to((origin, standing): &(Origin, Standing)) -> Result<ListingRef, Refusal> {
    let name = OriginName::parse(origin.as_str());
    let name = name.map_err(|error| Refusal::new("name", format!("{origin}: {error}{NOTHING}")))?;
    Ok(ListingRef::new(name, standing.handle, standing.key.clone()))
}

/// Signs a statement or a retraction.
fn sign(
    source: &mut Source,
    pair: &Pair,
    change: &Change,
    about: Option<EntryIndex>,
    handling: HandlingChoice,
) -> Result<Answer, Refusal> {
    let appended = source.append(&[draft(change, about)?], handling, None, &|_, _| {})?;
    let label = label_of(source, appended.first)?;
    let (tlp, onward) = handling_words(label.as_ref());
    let (word, index) = (change.op.word(), appended.first);
    // With what takes back a statement about a record that was erased goes an erase entry about each entry of it.
    let erased = appended.last.value().saturating_sub(appended.first.value());
    let json = json!({
        "change": word,
        "handle": hex(change.handle.as_bytes()),
        "index": index.value(),
        "first": listing_json(&name_of(pair.first())),
        "second": listing_json(&name_of(pair.second())),
        "tlp": tlp,
        "onward": onward,
        "erased": erased,
        "origin": source.home().origin().as_str(),
        "size": appended.head.size.value(),
        "root": appended.head.root.to_base64(),
    });
    let [first, second] = pair.listings().each_ref().map(|listing| listing_text(&name_of(listing)));
    let gone = match erased {
        0 => String::new(),
        _ => format!("erased    what {erased} earlier entries said of it; they stay\n"),
    };
    let text = format!(
        "signed    {word} {first}\n          and {second}  (entry {index})\n{gone}handling  TLP:{tlp}, onward {onward}\nlog       {}  \
         size {}  root {}",
        source.home().origin(),
        appended.head.size,
        appended.head.root.to_base64()
    );
    Ok(Answer::new(text, json))
}

impl Said {
    /// The fields that it adds to what is shown of a record.
    pub(super) fn json(&self) -> Map<String, Value> {
        let statements: Vec<Value> =
            self.answer.statements.iter().map(|one| self.statement_json(one)).collect();
        let subject = |subject: &v1::Subject| {
            let listings: Vec<Value> = subject.listings.iter().map(listing_json).collect();
            json!({ "agency": subject.agency, "listings": listings, "more": subject.more })
        };
        let subjects: Vec<Value> = self.answer.subjects.iter().map(subject).collect();
        let mut fields = Map::new();
        fields.insert("same_as".to_owned(), statements.into());
        fields.insert("subjects".to_owned(), subjects.into());
        fields.insert("more_statements".to_owned(), self.answer.more.into());
        fields
    }

    fn statement_json(&self, stated: &v1::SameAsStatement) -> Value {
        json!({
            "agency": agency_of(stated),
            "origin": stated.origin,
            "index": stated.index,
            "handle": hex(&stated.handle),
            "since": stated.since,
            "state": state_word(stated.state()),
            "retracted_index": stated.retracted_index,
            "other": self.other(stated).map(listing_json),
        })
    }

    /// The same for people: each line names whose word it is.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for stated in &self.answer.statements {
            let other = self.other(stated).map(listing_text).unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{} says since {} that it is about one subject with {other}: {} (entry {} of {})",
                plain(agency_of(stated)),
                utc(stated.since),
                state_word(stated.state()),
                stated.index,
                plain(&stated.origin),
            );
        }
        for subject in &self.answer.subjects {
            let listings: Vec<String> = subject.listings.iter().map(listing_text).collect();
            let _ = writeln!(text, "one subject to {}: {}", plain(&subject.agency), listings.join("; "));
        }
        if self.answer.more {
            text.push_str("there are more statements than are shown\n");
        }
        if text.is_empty() {
            "nobody says that it is about one subject with another".clone_into(&mut text);
        }
        text.trim_end().to_owned()
    }

    /// The listing that a statement names beside the one that is shown.
    fn other<'a>(&self, stated: &'a v1::SameAsStatement) -> Option<&'a v1::ListingName> {
        let (origin, handle) = &self.asked;
        let is_asked = |name: &&v1::ListingName| {
            name.origin == origin.as_str() && name.handle.as_ref() == handle.as_bytes().as_slice()
        };
        let both = [stated.first.as_ref(), stated.second.as_ref()];
        both.into_iter().flatten().find(|name| !is_asked(name))
    }
}

/// The agency whose word a statement is, and nobody else's: that of the log in which it stands.
fn agency_of(stated: &v1::SameAsStatement) -> &str {
    stated.origin.split_once('/').map_or(stated.origin.as_str(), |(agency, _)| agency)
}

const fn state_word(state: v1::StatementState) -> &'static str {
    match state {
        v1::StatementState::Stands => "stands",
        v1::StatementState::Retracted => "retracted",
        v1::StatementState::Conflict => "conflict",
        v1::StatementState::Erased => "erased",
        v1::StatementState::Review | v1::StatementState::Unspecified => "review",
    }
}

fn pair_of(stated: &v1::SameAsStatement) -> Option<Pair> {
    let read = |name: &v1::ListingName| {
        let origin = OriginName::parse(&name.origin).ok()?;
        let handle = Handle::new(<[u8; 16]>::try_from(name.handle.as_ref()).ok()?);
        let key = KeyOf { list: name.list.clone(), reference: name.reference.clone() };
        Some(ListingRef::new(origin, handle, key_of(&key).ok()?))
    };
    Pair::new(read(stated.first.as_ref()?)?, read(stated.second.as_ref()?)?)
}

fn same_listings(one: &Pair, other: &Pair) -> bool {
    let names = |pair: &Pair| pair.listings().each_ref().map(|named| (named.origin.clone(), named.handle));
    names(one) == names(other)
}

fn name_of(listing: &ListingRef) -> v1::ListingName {
    v1::ListingName {
        origin: listing.origin.as_str().to_owned(),
        handle: listing.handle.as_bytes().to_vec().into(),
        list: listing.key.list.as_str().to_owned(),
        reference: listing.key.reference.as_str().to_owned(),
    }
}

fn listing_json(name: &v1::ListingName) -> Value {
    json!({
        "origin": name.origin, "list": name.list, "reference": name.reference, "handle": hex(&name.handle),
    })
}

fn listing_text(name: &v1::ListingName) -> String {
    format!("{} of {}", plain(&format!("{} {}", name.list, name.reference)), plain(&name.origin))
}
