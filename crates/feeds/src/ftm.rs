//! Entities of `FollowTheMoney`, one JSON object a line, as `OpenSanctions` and `comity export ftm` write them; and deltas of
//! them, which tell line by line what was added, changed and deleted.
//!
//! A listed subject is one entity; its sanctions, addresses, documents and relations are others that point at it or that
//! it points at, on lines of their own or within its properties. A delta says nothing of these, so it is read only behind the files that it follows: what comes out is
//! always the whole list. Not for: what becomes of a subject (`subject`) and of what stands beside it (`beside`).

mod beside;
mod entity;
mod subject;
mod words;

use std::collections::{BTreeMap, HashMap};

use comity_watchlist::limits::FILES_MAX;
use comity_watchlist::{ListId, Record};
use serde::Deserialize;

use self::beside::Graph;
use self::entity::Entity;
use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::gather::{Gathering, Refused};
use crate::json;
use crate::rejected::Rejected;
use crate::simple::kind_of;
use crate::snapshot::{Snapshot, Take};

/// A line: an entity, or a change of one.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    op: Option<String>,
    #[serde(default)]
    entity: Option<Changed>,
}

/// The entity of a change, of which a deletion says the id alone.
#[derive(Deserialize)]
struct Changed {
    id: String,
}

/// Where the newest line about an entity stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    file: usize,
    line: u64,
    text: &'a str,
    /// Whether the entity stands within a change.
    within: bool,
}

/// What is left when all files were read.
#[derive(Default)]
struct State<'a> {
    places: HashMap<String, Place<'a>>,
    /// Lines that cannot be read, by their file.
    bad: BTreeMap<usize, Rejected<(u64, Refused)>>,
}

/// Reads a list: its entities, and behind them any deltas in their order. It is the list named, or else the one data set
/// that all subjects name.
///
/// # Errors
/// [`FeedError`] if there are no files or too many, one is empty, a web page, not UTF-8, not JSON, or does not follow those
/// before it, if they are of no one list or of one that is read from its publisher, hold no listed subject, or if more
/// than half of the lines cannot be read. Single bad lines are in [`Snapshot::rejected`].
pub fn parse(files: &[InputFile<'_>], named: Option<&ListId>) -> Result<Snapshot, FeedError> {
    Snapshot::collect(|take| read(files, named, take))
}

/// As [`parse`], handing each record over as it is read: none stays in the snapshot.
///
/// # Errors
/// As [`parse`]. Records may have been handed over before: they are of no publication then.
pub fn read(files: &[InputFile<'_>], named: Option<&ListId>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    let (count, max) = (files.len(), FILES_MAX);
    let first = files.first().filter(|_| count <= max).ok_or(FeedError::FileCount { count, max })?;
    let texts = files.iter().map(json::text).collect::<Result<Vec<_>, _>>()?;
    let mut state = State::default();
    for (number, (file, text)) in files.iter().zip(&texts).enumerate() {
        state.read(number, file.name, text)?;
    }
    let (graph, mut subjects) = state.graph();
    let list =
        named.cloned().or_else(|| list_of(subjects.values().filter_map(|(_, read)| read.as_ref().ok())));
    let mut gathering = Gathering::of(first, list, "entities", take)?;
    let list = gathering.list().clone();
    let graph = graph.on(&list);
    for (number, file) in files.iter().enumerate() {
        if number > 0 {
            gathering.turn(file);
        }
        let behind = subjects.split_off(&(number + 1, 0));
        for ((_, line), (id, read)) in std::mem::replace(&mut subjects, behind) {
            let read = read.map_err(|reason| (gathering.key("id", &id).ok(), reason));
            let read = read.and_then(|entity| record(&gathering, &graph, entity));
            gathering.take(line, read);
        }
        let (bad, more) = state.bad.remove(&number).unwrap_or_default().into_parts();
        for (line, refused) in bad {
            gathering.take(line, Err(refused));
        }
        gathering.count_rejected(more);
    }
    gathering.finish(None, Encoding::Utf8)
}

fn record(gathering: &Gathering<'_>, graph: &Graph<'_>, entity: Entity) -> Result<Record, Refused> {
    let key = gathering.key("id", &entity.id).map_err(|reason| (None, reason))?;
    subject::record(key.clone(), graph, entity).map_err(|reason| (Some(key), reason))
}

/// The one data set of all subjects, if its name is that of a list.
fn list_of<'a>(mut subjects: impl Iterator<Item = &'a Entity>) -> Option<ListId> {
    let first = subjects.next()?.dataset()?.to_owned();
    let same = subjects.all(|subject| subject.dataset() == Some(first.as_str()));
    same.then(|| ListId::parse(&first).ok()).flatten()
}

/// Subjects by their place: each with its id, or why it cannot be read.
type Subjects = BTreeMap<(usize, u64), (String, Result<Entity, RejectReason>)>;

impl<'a> State<'a> {
    /// Puts the lines of a file to what the files before it said.
    fn read(&mut self, number: usize, file: &str, text: &'a str) -> Result<(), FeedError> {
        let bad = self.bad.entry(number).or_default();
        for (line, text) in json::lines(text) {
            let gap = || FeedError::Gap { file: file.to_owned(), line };
            let refuse = |reason| (line, (None, reason));
            let read: Line = match serde_json::from_str(text) {
                Ok(read) if text.len() <= json::OBJECT_BYTES_MAX => read,
                // The words of this reader could name a value; those of the other do not.
                _ => {
                    let reason =
                        json::read(text).err().unwrap_or(RejectReason::Vocabulary { column: "entity" });
                    bad.push(refuse(reason));
                    continue;
                }
            };
            let place = Place { file: number, line, text, within: read.op.is_some() };
            match (read.op.as_deref(), read.entity, read.id) {
                (None, None, Some(id)) => {
                    if let Some(first) = self.places.get(&id) {
                        let reason = RejectReason::Repeated { id, first: first.line };
                        bad.push((line, (None, reason)));
                        continue;
                    }
                    self.places.insert(id, place);
                }
                (Some("ADD"), Some(Changed { id }), None) => {
                    if self.places.insert(id, place).is_some() {
                        return Err(gap());
                    }
                }
                (Some("MOD"), Some(Changed { id }), None) => {
                    self.places.insert(id, place).ok_or_else(gap)?;
                }
                (Some("DEL"), Some(Changed { id }), None) => {
                    self.places.remove(&id).ok_or_else(gap)?;
                }
                (Some(_), Some(_), None) => bad.push(refuse(RejectReason::Vocabulary { column: "op" })),
                _ => bad.push(refuse(RejectReason::Missing { column: "id" })),
            }
        }
        Ok(())
    }

    /// The listed subjects, and all else by its ids. Who stands within another entity is listed if a line says so.
    fn graph(&mut self) -> (Graph<'static>, Subjects) {
        let (mut graph, mut subjects) = (Graph::default(), Subjects::new());
        let places = std::mem::take(&mut self.places);
        // In the order of the files: of what two say of one entity, the first word is the same each time.
        let mut in_order: Vec<_> =
            places.iter().map(|(id, place)| ((place.file, place.line), id, place)).collect();
        in_order.sort_unstable_by_key(|(at, ..)| *at);
        for (at, id, place) in in_order {
            let read = Entity::read(place.text, place.within).and_then(|(entity, nested)| {
                for entity in nested.into_iter().filter(|entity| !places.contains_key(&entity.id)) {
                    graph.put(entity)?;
                }
                Ok(entity)
            });
            match read {
                Ok(entity) if entity.is_target == Some(false) || kind_of(&entity.schema).is_none() => {
                    if entity.is_target == Some(true) {
                        let reason = RejectReason::Vocabulary { column: "schema" };
                        subjects.insert(at, (id.clone(), Err(reason)));
                    } else if let Err(reason) = graph.put(entity) {
                        subjects.insert(at, (id.clone(), Err(reason)));
                    }
                }
                Ok(entity) => {
                    graph.list(id);
                    subjects.insert(at, (id.clone(), Ok(entity)));
                }
                Err(reason) => {
                    subjects.insert(at, (id.clone(), Err(reason)));
                }
            }
        }
        graph.join();
        (graph, subjects)
    }
}
