//! Asking the view: exact identifier, code of goods or normalised name, in a fixed order, shared out fairly.
//!
//! Not for: similar names, birth dates or scores. A record that is suspended or has ended is not in the indexes, so
//! it can never hit.

use std::collections::{BTreeMap, BTreeSet};

use comity_watchlist::{Checksum, GoodsCode, Handle, Identifier, Name, Record, RecordKey};

use crate::chain::{Listing, Said, Standing};
use crate::hit::{Answer, GoodsRelation, Hit, HitState, Matched, NameOrder, ScopeMatch};
use crate::index::{ListingId, Posting};
use crate::limits::HITS_MAX;
use crate::name_key::{NameKey, words};
use crate::origin::LogOrigin;
use crate::query::{Asked, IdQuery, NameQuery, Query, goods_key, id_key};
use crate::view::View;

/// What sorts hits, the surer ones first; the listing's number only leads back to it and never decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate<'a> {
    rank: Rank,
    origin: &'a LogOrigin,
    key: &'a RecordKey,
    handle: Handle,
    place: u16,
    listing: ListingId,
}

/// How sure a match is: what is doubtful sorts behind what is not, then the order or scope that fits less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    doubtful: bool,
    misfit: u8,
}

/// The best hits of each origin, and whether there were others.
#[derive(Default)]
struct Best<'a> {
    by_origin: BTreeMap<&'a LogOrigin, BTreeSet<Candidate<'a>>>,
    more: bool,
}

impl View {
    /// All records that have the name or the identifier asked for. Each record hits once, by what matches best.
    pub fn screen(&self, query: &Query) -> Answer {
        let best = match query {
            Query::Name(query) => {
                let postings = self.names().find(query.key().sorted());
                self.best(postings, |record, place| name_rank(record, place, query))
            }
            Query::Id(query) => {
                let postings = self.postings_of(query).into_iter();
                self.best(postings, |record, place| id_rank(record, place, query))
            }
        };
        let (chosen, more) = best.shared_out();
        let hits = chosen.iter().filter_map(|candidate| self.hit(candidate, query)).collect();
        Answer { hits, more }
    }

    /// The postings of an identifier: of a code of goods, those of every code that covers it or that it covers.
    fn postings_of(&self, query: &IdQuery) -> BTreeSet<Posting> {
        match query.asked() {
            Asked::Value { canonical, .. } => self.ids().find(&id_key(query.kind(), canonical)).collect(),
            Asked::Goods(code) => {
                let depth = code.path().len();
                let mut found: BTreeSet<Posting> = self.ids().find_below(&goods_key(code, depth)).collect();
                for above in 1..depth {
                    found.extend(self.ids().find(&goods_key(code, above)));
                }
                found
            }
        }
    }

    /// The best match of each listing, of postings that come by listing.
    fn best<'a>(
        &'a self,
        postings: impl Iterator<Item = Posting>,
        rank: impl Fn(&Record, usize) -> Option<Rank>,
    ) -> Best<'a> {
        let mut best = Best::default();
        let mut current: Option<Candidate<'a>> = None;
        // One look back is enough to keep the best match of each.
        for posting in postings {
            let found = self.listing(posting.listing).and_then(|listing| {
                let (standing, said) = (listing.standing.as_ref()?, listing.screenable()?);
                let rank = rank(said.record, usize::from(posting.place))?;
                let (origin, key, handle) = (&listing.origin, &*standing.key, listing.handle);
                Some(Candidate { rank, origin, key, handle, place: posting.place, listing: posting.listing })
            });
            let Some(found) = found else { continue };
            match current {
                Some(held) if held.listing == found.listing => current = Some(held.min(found)),
                _ => {
                    best.add(current.replace(found));
                }
            }
        }
        best.add(current);
        best
    }

    fn hit(&self, candidate: &Candidate<'_>, query: &Query) -> Option<Hit> {
        let listing = self.listing(candidate.listing)?;
        let (standing, said) = (listing.standing.as_ref()?, listing.screenable()?);
        let place = usize::from(candidate.place);
        let matched = match query {
            Query::Name(query) => {
                let name = said.record.names.get(place)?;
                let order = name_order(name, query)?;
                Matched::Name { name: name.full.clone(), kind: name.kind, weak: name.is_weak(), order }
            }
            Query::Id(query) => {
                let known = said.record.identifiers.get(place)?;
                match query.asked() {
                    Asked::Value { scope, .. } => Matched::Identifier {
                        kind: known.kind,
                        value: known.value.clone(),
                        former: known.former,
                        scope: scope_match(known, scope.as_deref())?,
                    },
                    Asked::Goods(asked) => {
                        let (code, relation) = goods_match(known, asked)?;
                        Matched::Goods {
                            code,
                            former: known.former,
                            relation,
                            against: known.vocabulary.clone(),
                        }
                    }
                }
            }
        };
        let mut hit = told(listing, standing, said, matched);
        hit.merged_into = self.merged_into(&listing.origin, listing.handle).cloned();
        if hit.state == HitState::NotActionable && self.waits_for_package(&listing.origin, listing.unopened())
        {
            hit.state = HitState::PackageIncomplete;
        }
        Some(hit)
    }
}

impl<'a> Best<'a> {
    /// Keeps no more of an origin than an answer can hold.
    fn add(&mut self, candidate: Option<Candidate<'a>>) {
        let Some(candidate) = candidate else { return };
        let kept = self.by_origin.entry(candidate.origin).or_default();
        kept.insert(candidate);
        if kept.len() > HITS_MAX {
            kept.pop_last();
            self.more = true;
        }
    }

    /// Takes the best of each origin in turn, so that a flood from one hides no hit of another.
    fn shared_out(self) -> (BTreeSet<Candidate<'a>>, bool) {
        let mut chosen = BTreeSet::new();
        let found: usize = self.by_origin.values().map(BTreeSet::len).sum();
        let mut turns: Vec<_> = self.by_origin.into_values().map(BTreeSet::into_iter).collect();
        for _ in 0..HITS_MAX {
            for candidates in &mut turns {
                if chosen.len() < HITS_MAX {
                    chosen.extend(candidates.next());
                }
            }
        }
        let more = self.more || found > chosen.len();
        (chosen, more)
    }
}

fn told(listing: &Listing, standing: &Standing, said: Said<'_>, matched: Matched) -> Hit {
    let state = if !listing.is_actionable() {
        HitState::NotActionable
    } else if listing.is_disputed() {
        HitState::Conflict
    } else {
        HitState::Unapproved
    };
    Hit {
        agency: listing.origin.agency().to_owned(),
        list: standing.key.list.clone(),
        reference: standing.key.reference.clone(),
        version: standing.version,
        kind: said.record.kind,
        name: said.record.primary_name().map(|name| name.full.clone()),
        matched,
        origin: listing.origin.clone(),
        handle: listing.handle,
        index: said.index,
        leaf: said.leaf,
        state,
        merged_into: None,
    }
}

fn name_rank(record: &Record, place: usize, query: &NameQuery) -> Option<Rank> {
    let name = record.names.get(place)?;
    let misfit = u8::from(name_order(name, query)? == NameOrder::Other);
    Some(Rank { doubtful: name.is_weak(), misfit })
}

fn name_order(name: &Name, query: &NameQuery) -> Option<NameOrder> {
    let key = NameKey::of(name.full.as_str())?;
    Some(if key.same_order(query.key()) { NameOrder::Same } else { NameOrder::Other })
}

fn id_rank(record: &Record, place: usize, query: &IdQuery) -> Option<Rank> {
    let known = record.identifiers.get(place)?;
    match query.asked() {
        Asked::Value { scope, .. } => {
            let scope = scope_match(known, scope.as_deref())?;
            // A number that cannot be one is kept, and never a sure match.
            let doubtful = scope == ScopeMatch::Unknown || known.checksum == Some(Checksum::Invalid);
            Some(Rank { doubtful, misfit: u8::from(known.former) })
        }
        Asked::Goods(asked) => {
            let misfit = match goods_match(known, asked)?.1 {
                GoodsRelation::Same => 0,
                GoodsRelation::Covers => 1,
                GoodsRelation::Covered => 2,
            };
            Some(Rank { doubtful: known.former, misfit })
        }
    }
}

/// The code of goods of a record and how it lies to the one asked for.
fn goods_match(known: &Identifier, asked: &GoodsCode) -> Option<(GoodsCode, GoodsRelation)> {
    let code = known.goods().ok()??;
    let relation = GoodsRelation::of(&code, asked)?;
    Some((code, relation))
}

/// `None` if the record says another scope. Only two country codes can be told apart for certain: a country has many
/// names, and one wallet address serves many currencies.
fn scope_match(known: &Identifier, asked: Option<&str>) -> Option<ScopeMatch> {
    let Some(asked) = asked else { return Some(ScopeMatch::NotAsked) };
    let country = known.country.as_ref();
    let code = country.and_then(|country| country.code.as_ref()).map(|code| words(code.as_str()));
    let name = country.map(|country| words(country.name.as_str()));
    let scope = known.scope.as_ref().map(|scope| words(scope.as_str()));
    if [&code, &name, &scope].into_iter().flatten().any(|said| said == asked) {
        return Some(ScopeMatch::Same);
    }
    let is_code = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_lowercase());
    let other = is_code(asked) && code.is_some_and(|code| is_code(&code));
    (!other).then_some(ScopeMatch::Unknown)
}
