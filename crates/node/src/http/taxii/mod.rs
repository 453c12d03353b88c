//! TAXII 2.1 (OASIS Standard, 2021-06-10), to be read alone: for each log that was switched on by name a collection of
//! what is for everybody in it.
//!
//! Whoever asks is known to nobody, so that nothing is told here but what the labels give to everybody, nothing can be
//! written, and each request has the same bounds. Not here: connections and turns (`listener`, `service`).

mod ask;
mod catalogue;
mod listings;
mod page;
mod resources;
mod timestamp;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use comity_feeds::out::StixObjects;
use comity_ledger::{Entry, Origin};
use comity_policy::Moment;
use comity_screening::LogOrigin;
use comity_tlog::EntryIndex;
use hyper::header::ACCEPT;
use hyper::{HeaderMap, Method, StatusCode};

use self::ask::{Asked, Filters, Part, Versions};
use self::catalogue::Catalogue;
use self::listings::Listings;
use self::page::{Entries, Page, page};
use super::answer::Answer;
use crate::outgoing::sha256;
use crate::{Node, NodeError, ReadOnlyReason};

/// Entries that are gone through in one turn, so that requests come between. Those that are read for them count as well.
const SLICE: usize = 512;

/// The logs that are served.
#[derive(Debug)]
pub(super) struct Taxii {
    collections: Vec<Collection>,
}

/// One of them.
#[derive(Debug)]
struct Collection {
    id: String,
    origin: Origin,
    log: LogOrigin,
    catalogue: Mutex<Catalogue>,
}

/// A request that was understood, on its way to its turn.
#[derive(Debug)]
pub(super) struct TaxiiRequest {
    asked: Asked,
    filters: Filters,
}

impl Taxii {
    /// Serves these logs.
    pub(super) fn new(origins: &BTreeSet<Origin>) -> Self {
        let objects = StixObjects::new(sha256);
        let collection = |origin: &Origin| {
            let log = origin.as_str().parse().ok()?;
            let id = objects.collection_id(origin.as_str());
            Some(Collection { id, origin: origin.clone(), log, catalogue: Mutex::default() })
        };
        Self { collections: origins.iter().filter_map(collection).collect() }
    }

    /// Whether no log is served.
    pub(super) fn is_off(&self) -> bool {
        self.collections.is_empty()
    }

    /// Whether a path is one of these, or would be if it were spelled so.
    pub(super) fn has(&self, path: &str) -> bool {
        let rest = path.strip_prefix("/taxii2");
        !self.is_off() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Reads a request.
    ///
    /// # Errors
    /// The answer, if nothing has to be looked up for it.
    pub(super) fn read(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<TaxiiRequest, Answer> {
        let asked = Asked::find(path).ok_or(Answer::MISSING)?;
        if let Asked::Of { collection, .. } = &asked {
            self.collection(collection).ok_or(Answer::MISSING)?;
        }
        match (method, &asked) {
            (&Method::GET | &Method::HEAD, _) => {}
            // Sections 5.5 and 5.7: nobody may write here.
            (&Method::POST, Asked::Of { part: Part::Objects, .. })
            | (&Method::DELETE, Asked::Of { part: Part::Object { .. }, .. }) => {
                return Err(Answer::Unread {
                    status: StatusCode::FORBIDDEN,
                    words: "nothing can be written here",
                });
            }
            _ => return Err(Answer::OtherMethod { allowed: "GET, HEAD" }),
        }
        // One that is no text takes nothing.
        let accepted = headers.get_all(ACCEPT).iter().map(|value| value.to_str().unwrap_or("-"));
        if !ask::accepts(accepted) {
            return Err(Answer::says(
                StatusCode::NOT_ACCEPTABLE,
                "only application/taxii+json;version=2.1 is spoken",
            ));
        }
        let filters = Filters::parse(query);
        let filters =
            filters.ok_or(Answer::says(StatusCode::BAD_REQUEST, "a filter is malformed or stands twice"))?;
        Ok(TaxiiRequest { asked, filters })
    }

    /// Answers a request. Blocking.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails or is damaged.
    pub(super) fn look_up(&self, node: &Node, request: TaxiiRequest) -> Result<Answer, NodeError> {
        let TaxiiRequest { asked, filters } = request;
        let agency = node.home().config().agency.as_str();
        match asked {
            Asked::Discovery => Ok(resources::discovery(agency)),
            Asked::ApiRoot => Ok(resources::api_root(agency)),
            Asked::Collections => {
                let of = |collection: &Collection| collection.resource(node);
                let all: Vec<_> = self.collections.iter().map(of).collect();
                Ok(resources::collections(&all))
            }
            Asked::Of { collection, part } => match self.collection(&collection) {
                Some(collection) => collection.look_up(node, &part, filters),
                None => Ok(Answer::MISSING),
            },
        }
    }

    /// Goes through some of what is new of each log; whether there is more. Blocking.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails or is damaged, when all other logs were gone through.
    pub(super) fn catch_up(&self, node: &Node) -> Result<bool, NodeError> {
        let (mut more, mut failed) = (false, None);
        for collection in self.collections.iter().filter(|collection| collection.refusal(node).is_none()) {
            match collection.catch_up(node) {
                Ok(has_more) => more |= has_more,
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if !more => Err(error),
            _ => Ok(more),
        }
    }

    fn collection(&self, id: &str) -> Option<&Collection> {
        self.collections.iter().find(|collection| collection.id == id)
    }
}

impl Collection {
    fn resource(&self, node: &Node) -> serde_json::Value {
        resources::collection(&self.id, self.origin.as_str(), self.refusal(node).is_none())
    }

    /// What is asked of the collection.
    fn look_up(&self, node: &Node, part: &Part, mut filters: Filters) -> Result<Answer, NodeError> {
        let resource: fn(&Page) -> Answer = match part {
            Part::Itself => return Ok(Answer::taxii(&self.resource(node))),
            Part::Objects => resources::envelope,
            Part::Manifest => resources::manifest,
            Part::Object { id } => {
                (filters.ids, filters.kinds) = (Some([id.clone()].into()), None);
                resources::envelope
            }
            Part::Versions { id } => {
                (filters.ids, filters.kinds) = (Some([id.clone()].into()), None);
                filters.versions = Versions::Any;
                resources::versions
            }
        };
        if let Some(refusal) = self.refusal(node) {
            return Ok(refusal);
        }
        let Some(found) = self.page(node, &filters)? else { return Ok(Answer::Busy) };
        let is_of_one = matches!(part, Part::Object { .. } | Part::Versions { .. });
        // Filters that leave nothing of an object that is there are answered by nothing.
        if is_of_one && found.objects.is_empty() && !self.tells(node, &filters)? {
            return Ok(Answer::MISSING);
        }
        Ok(resource(&found))
    }

    /// Why nothing of the log is told now.
    fn refusal(&self, node: &Node) -> Option<Answer> {
        let is_in_doubt = node.is_halted() || node.is_in_doubt(&self.origin);
        if node.store().held_back().any_of(&self.origin) {
            // Whoever goes on by places would never come back to what is left out now.
            return Some(Answer::Later { words: "an erasure waits for an operator's word" });
        }
        refusal(is_in_doubt, node.is_compared(), node.read_only())
    }

    /// The entries of the log that the view has taken in; of one that is closed no more than its good part.
    fn size(&self, node: &Node) -> u64 {
        node.taken_in().get(&self.origin).map_or(0, |head| head.size.value())
    }

    fn listings<'a>(&'a self, node: &'a Node) -> Listings<'a> {
        Listings {
            node,
            origin: &self.origin,
            log: &self.log,
            objects: StixObjects::new(sha256),
            now: Moment::from_unix_secs(node.time().for_rules_secs()),
        }
    }

    /// A page of what is known; `None` as long as not all of the log was gone through once.
    fn page(&self, node: &Node, filters: &Filters) -> Result<Option<Page>, NodeError> {
        self.catch_up(node)?;
        let catalogue = self.lock();
        if !catalogue.is_whole {
            return Ok(None);
        }
        let size = self.size(node).min(catalogue.size());
        let found = page(&self.listings(node), &catalogue, size, filters)?;
        node.store().sync_what_was_read()?;
        Ok(Some(found))
    }

    /// Whether an object is told at all, whatever else the filters say.
    fn tells(&self, node: &Node, filters: &Filters) -> Result<bool, NodeError> {
        let ids = filters.ids.clone();
        let plain = Filters { ids, limit: 1, ..Filters::plain() };
        Ok(self.page(node, &plain)?.is_some_and(|page| !page.objects.is_empty()))
    }

    /// Goes through some of what is new; whether there is more. Blocking.
    fn catch_up(&self, node: &Node) -> Result<bool, NodeError> {
        let mut catalogue = self.lock();
        catalogue.begin(node.told_anew());
        let (size, store) = (self.size(node), node.store());
        let listings = self.listings(node);
        let mut entries = Entries::new(&listings, size);
        let mut looked = 0_usize;
        while catalogue.size() < size && looked < SLICE {
            let index = catalogue.size();
            let place = EntryIndex::new(index).unwrap_or(EntryIndex::MAX);
            let bytes = store.shared_entries(&self.origin, place.size_before(), place.size_through())?;
            let secs = bytes.first().map(|bytes| Entry::parse(bytes)).transpose()?;
            let secs = secs.map_or(0, |entry| entry.author_time().unix_secs());
            let told = entries.told_by(index)?;
            looked = looked.saturating_add(told.looked);
            catalogue.push(secs, told.objects.iter().map(|object| object.id.as_str()));
        }
        catalogue.is_whole |= catalogue.size() >= size;
        Ok(catalogue.size() < size)
    }

    fn lock(&self) -> MutexGuard<'_, Catalogue> {
        // An entry is taken in whole or not at all.
        self.catalogue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why nothing of a log is told: its history is in doubt, or it is not known whether what is held of it is all that was
/// said; then what has been erased or withdrawn since might be told again. A home that is too old to know the successor
/// of its log may be too old for the end of that log too.
fn refusal(is_in_doubt: bool, is_compared: bool, read_only: Option<ReadOnlyReason>) -> Option<Answer> {
    if is_in_doubt {
        return Some(Answer::says(StatusCode::FORBIDDEN, "the history of this log is in doubt"));
    }
    match read_only {
        None | Some(ReadOnlyReason::Closed { .. }) if is_compared => None,
        None | Some(ReadOnlyReason::Closed { .. }) => {
            Some(Answer::Later { words: "peers have not said yet how far the log goes" })
        }
        Some(_) => Some(Answer::Later { words: "the log may lack its newest entries" }),
    }
}

#[cfg(test)]
mod tests {
    use comity_tlog::TreeSize;

    use super::*;

    fn status(is_compared: bool, read_only: Option<ReadOnlyReason>) -> Option<u16> {
        refusal(false, is_compared, read_only).map(|answer| answer.status().as_u16())
    }

    #[test]
    fn a_log_is_told_only_where_all_of_it_is_known_to_be_held() {
        let size = TreeSize::new(3).unwrap();
        assert_eq!(status(true, None), None);
        assert_eq!(status(true, Some(ReadOnlyReason::Closed { last_good: size })), None);
        for reason in [
            ReadOnlyReason::Succeeded { last_good: size },
            ReadOnlyReason::StoreBehindLock { held: size, locked: size },
            ReadOnlyReason::LockBehindStore,
            ReadOnlyReason::BehindPeers { held: size, shown: size },
            ReadOnlyReason::Returning { from: size },
            ReadOnlyReason::Conflict { locked: size },
            ReadOnlyReason::NoKey { held: size },
        ] {
            assert_eq!(status(true, Some(reason)), Some(503), "{reason:?}");
        }
    }

    #[test]
    fn a_log_is_told_only_when_peers_were_heard() {
        let closed = ReadOnlyReason::Closed { last_good: TreeSize::ZERO };
        assert_eq!((status(false, None), status(false, Some(closed))), (Some(503), Some(503)));
        assert_eq!(refusal(true, true, None).map(|answer| answer.status().as_u16()), Some(403));
    }
}
