//! The editions of vocabularies that are held: which one a code that is entered names, and how a code of a record stands to
//! the one that it names.
//!
//! Not here: entering and showing an edition (`vocabulary`), and which is the newest (the node).

use std::collections::BTreeMap;

use comity_ledger::Origin;
use comity_node::NodeError;
use comity_watchlist::{
    Change, EntryRef, GoodsCode, GoodsScheme, IdKind, Identifier, OriginName, Record, Reference, Section,
    SectionsRead, TitledCode, VocabularyPart, VocabularyRef,
};
use comity_wire::v1;
use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::plain::plain;
use crate::source::Source;

/// The edition that a code of each scheme names when it is entered now: the newest of the agency's own logs. What others
/// enter decides nothing about own records, and may be under a label that these are not.
#[derive(Debug, Default)]
pub(crate) struct Newest(BTreeMap<GoodsScheme, VocabularyRef>);

impl Newest {
    /// Asks what is held.
    pub(crate) fn of(source: &mut Source) -> Result<Self, Refusal> {
        let own = source.home().origin();
        let is_own =
            |origin: &str| origin.parse::<Origin>().is_ok_and(|origin| origin.agency() == own.agency());
        let mut found: BTreeMap<GoodsScheme, (String, VocabularyRef)> = BTreeMap::new();
        for edition in source.vocabularies(None, None)?.vocabularies {
            let scheme = GoodsScheme::from_word(&edition.scheme);
            let scheme = scheme.filter(|_| edition.newest && is_own(&edition.origin));
            let Some((scheme, named)) = scheme.zip(reference_to(&edition)) else { continue };
            // Of two of one day, the one that is told first stays.
            if found.get(&scheme).is_none_or(|(in_force, _)| *in_force < edition.in_force) {
                found.insert(scheme, (edition.in_force, named));
            }
        }
        Ok(Self(found.into_iter().map(|(scheme, (_, named))| (scheme, named)).collect()))
    }

    /// Has each code of a record name its edition; one that cannot be read as a code names none.
    pub(crate) fn name(&self, record: &mut Record) {
        for identifier in record.identifiers.iter_mut().filter(|known| known.kind == IdKind::Goods) {
            let code = identifier.goods().ok().flatten();
            identifier.vocabulary =
                code.and_then(|code| self.0.get(&code.scheme())).map(|named| Box::new(named.clone()));
        }
    }
}

/// Whether a record has a code of goods, for which editions must be asked.
pub(crate) fn has_codes(record: &Record) -> bool {
    record.identifiers.iter().any(|known| known.kind == IdKind::Goods)
}

/// By what a code names an edition.
fn reference_to(edition: &v1::Vocabulary) -> Option<VocabularyRef> {
    let leaf = <[u8; 32]>::try_from(edition.leaf.as_ref()).ok()?;
    let origin = OriginName::parse(&edition.origin).ok()?;
    Some(VocabularyRef::new(origin, EntryRef::new(leaf), Reference::parse(&edition.edition).ok()?))
}

/// How the codes of a record stand to the editions that they name, one for each code that names one.
pub(crate) fn standings(source: &mut Source, record: &Record) -> Result<Vec<Value>, Refusal> {
    let mut read: BTreeMap<(String, Vec<u8>), Vec<TitledCode>> = BTreeMap::new();
    let mut told = Vec::new();
    for identifier in &record.identifiers {
        let Some((named, code)) = named_by(identifier) else { continue };
        let origin: Origin = named.origin.as_str().parse().map_err(NodeError::Name)?;
        let held = source.vocabularies(Some(code.scheme()), Some(&origin))?.vocabularies;
        let is_named = |one: &&v1::Vocabulary| one.leaf.as_ref() == named.leaf.as_bytes().as_slice();
        let edition = held.iter().filter(|one| one.state() == v1::VocabularyState::Whole).find(is_named);
        let age = |of: &v1::Vocabulary| (of.in_force.clone(), of.entries.first().copied());
        let newer = edition.and_then(|edition| {
            held.iter().find(|other| other.newest && age(other) > age(edition)).map(|other| &other.edition)
        });
        let unlisted = match edition {
            None => false,
            Some(edition) => {
                let place = (edition.origin.clone(), edition.leaf.to_vec());
                if !read.contains_key(&place) {
                    read.insert(place.clone(), codes_of(source, edition)?);
                }
                let codes = read.get(&place).map(Vec::as_slice).unwrap_or_default();
                codes.iter().all(|one| one.code.path() != code.path())
            }
        };
        let name = edition.map_or_else(|| named.edition.as_str(), |edition| &edition.edition);
        told.push(json!({
            "scheme": code.scheme().to_string(), "code": code.to_string(), "edition": name,
            "origin": named.origin.as_str(), "held": edition.is_some(), "newer": newer, "unlisted": unlisted,
        }));
    }
    Ok(told)
}

fn named_by(identifier: &Identifier) -> Option<(&VocabularyRef, GoodsCode)> {
    Some((identifier.vocabulary.as_deref()?, identifier.goods().ok().flatten()?))
}

/// The codes of an edition, read from the entries of its parts.
pub(crate) fn codes_of(source: &mut Source, edition: &v1::Vocabulary) -> Result<Vec<TitledCode>, Refusal> {
    let origin: Origin = edition.origin.parse().map_err(NodeError::Name)?;
    let mut codes = Vec::new();
    for index in &edition.entries {
        let change = part_at(source, &origin, *index)?;
        codes.extend(change.op.vocabulary().into_iter().flat_map(VocabularyPart::codes).cloned());
    }
    Ok(codes)
}

/// The change of an entry that carries a part of a vocabulary.
pub(crate) fn part_at(source: &mut Source, origin: &Origin, index: u64) -> Result<Change, Refusal> {
    let unread = || {
        Refusal::new("damaged", format!("entry {index} of {origin} does not read as a part of a vocabulary"))
    };
    let entry = source.entry(origin, index)?.ok_or_else(unread)?;
    let mut read = SectionsRead::withheld();
    for held in &entry.sections {
        let section = u8::try_from(held.slot).ok().and_then(Section::from_slot);
        if let (Some(section), Some(v1::held_section::Content::Opened(content))) = (section, &held.content) {
            read = read.give(section, content);
        }
    }
    let change = Change::decode(&read).map_err(|_| unread())?.change;
    if change.op.vocabulary().is_none() {
        return Err(unread());
    }
    Ok(change)
}

/// What was written against an edition that is old, as `status` and `export` show it.
pub(crate) fn old_json(old: &v1::OldCodes) -> Value {
    let newer = Some(&old.newer).filter(|newer| !newer.is_empty());
    json!({
        "scheme": old.scheme, "edition": old.edition, "origin": old.origin, "newer": newer,
        "records": old.records, "unlisted": old.unlisted,
    })
}

/// The same for people.
pub(crate) fn old_text(old: &v1::OldCodes) -> String {
    let newer =
        if old.newer.is_empty() { String::new() } else { format!("; the newest is {}", plain(&old.newer)) };
    let unlisted = if old.unlisted == 0 {
        String::new()
    } else {
        format!("; {} of them have a code that it does not have", old.unlisted)
    };
    format!(
        "codes  {} records are written against {} {} of {}{newer}{unlisted}",
        old.records,
        plain(&old.scheme),
        plain(&old.edition),
        plain(&old.origin)
    )
}
