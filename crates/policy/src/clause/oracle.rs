//! A port of the executable model of the rules (`governance_model.py`), and the laws of the label lattice: join is
//! commutative, associative and idempotent, and no join opens what a part closes (G-1).

use std::collections::BTreeSet;

use comity_ledger::{AgencyId, Kind, Slot};
use comity_watchlist::Text;
use proptest::prelude::*;

use super::*;
use crate::audience::{Audience, Membership, StateCode};
use crate::label::{AudienceTerms, LabelDraft};
use crate::marking::{SubjectCategory, Tlp};
use crate::word::Word;
use crate::{Actions, defaults};

const AGENCIES: [&str; 3] = ["a.example", "b.example", "c.example"];
const PURPOSES: [Purpose; 2] = [Purpose::AssetFreeze, Purpose::ExportLicensing];

fn agency(at: usize) -> AgencyId {
    AGENCIES[at].parse().unwrap()
}

fn subset<T: Ord>(bits: u8, of: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    of.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, item)| item).collect()
}

/// A label of the model: sets are bits over three agencies and two purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Model {
    tlp: Tlp,
    onward: Onward,
    actions: Actions,
    rel: u8,
    norel: u8,
    purposes: u8,
    expires: u64,
    originators: u8,
    exercise: bool,
}

/// A question of the model: agencies by number.
#[derive(Clone, Copy, Debug)]
struct Question {
    peer: usize,
    purpose: usize,
    now: u64,
    sender: usize,
    consents: u8,
    drill: bool,
}

impl Model {
    fn join(self, other: Self) -> Option<Self> {
        (self.exercise == other.exercise).then(|| Self {
            tlp: self.tlp.max(other.tlp),
            onward: self.onward.max(other.onward),
            actions: self.actions.max(other.actions),
            rel: self.rel & other.rel,
            norel: self.norel | other.norel,
            purposes: self.purposes & other.purposes,
            expires: self.expires.min(other.expires),
            originators: self.originators | other.originators,
            exercise: self.exercise,
        })
    }

    /// The model's `allow`, clause by clause.
    fn allow(self, q: Question) -> RuleId {
        let has = |set: u8, at: usize| set >> at & 1 == 1;
        let need = self.originators & !(1 << q.sender) & !(1 << q.peer);
        if self.exercise != q.drill {
            RuleId::DenyDrill
        } else if q.now >= self.expires {
            RuleId::DenyExpired
        } else if has(self.norel, q.peer) {
            RuleId::DenyNotReleasable
        } else if !has(self.purposes, q.purpose) {
            RuleId::DenyPurpose
        } else if self.onward == Onward::None && need != 0 {
            RuleId::DenyOnward
        } else if self.onward == Onward::Consent && need & !q.consents != 0 {
            RuleId::DenyConsent
        } else if (self.tlp, self.onward) == (Tlp::Clear, Onward::Free) || has(self.rel, q.peer) {
            RuleId::AllowQuery
        } else {
            RuleId::DenyReleasable
        }
    }

    /// The same label as a real one; `None` where ours refuses it as incoherent (E28).
    fn real(self) -> Option<Label> {
        let words = || (0..3).map(|at| Audience::Agency(agency(at)));
        let mut draft = base();
        draft.handling.tlp = self.tlp;
        draft.handling.onward = self.onward;
        draft.handling.actions = self.actions;
        draft.handling.originators = subset(self.originators, (0..3).map(agency));
        draft.handling.purposes = subset(self.purposes, PURPOSES).into_iter().collect();
        draft.handling.expires_at = Some(Moment::from_unix_secs(self.expires));
        draft.handling.exercise = if self.exercise { ExerciseId::new("0f") } else { None };
        draft.audience.releasable_to = subset(self.rel, words());
        draft.audience.not_releasable_to = subset(self.norel, words());
        Label::new(draft).ok()
    }
}

fn base() -> LabelDraft {
    let set = defaults::imported_official_list(&agency(0), Kind::Record).unwrap();
    let SlotLabel::Understood(label) = set.label(Slot::CORE) else { panic!("no label") };
    label.to_draft()
}

fn judge_model(label: &Label, q: Question) -> RuleId {
    let text = Text::new("x").unwrap();
    let drill = if q.drill { ExerciseId::new("0f") } else { None };
    let commitment = Commitment::from_bytes([7; 32]);
    let consents: Vec<_> = subset(q.consents, (0..3).map(agency))
        .into_iter()
        .map(|originator| Consent {
            originator,
            commitment,
            target: agency(q.peer),
            purpose: PURPOSES[q.purpose],
            until: Moment::from_unix_secs(u64::MAX),
            uses: 1,
        })
        .collect();
    let (sender, peer) = (agency(q.sender), Peer::new(agency(q.peer)));
    let agreement = Agreement::default_terms(sender.clone(), peer.agency.clone()).ok();
    let at = Circumstances {
        side: Side::Sending,
        sender: &sender,
        peer: &peer,
        agreement: agreement.as_ref(),
        consents: &consents,
        state: RecordState::Active,
        now: Moment::from_unix_secs(q.now),
        drill: drill.as_ref(),
    };
    let matter = Matter { kind: Kind::Record, slot: Slot::CORE, commitment: Some(commitment), bound: None };
    let query = Query { purpose: PURPOSES[q.purpose], officer: &text, case: &text };
    may_release(SlotLabel::Understood(label), &matter, Ask::Query(query), &at)
}

/// The model's whole domain in its normal form: an originator stands in its own releasable-to list.
fn domain() -> Vec<Model> {
    let mut all = Vec::new();
    for &(tlp, _, _) in Tlp::WORDS {
        for &(onward, _, _) in Onward::WORDS {
            for bits in 0..1u32 << 10 {
                let at = |shift: u32, width: u32| u8::try_from(bits >> shift & ((1 << width) - 1)).unwrap();
                let model = Model {
                    tlp,
                    onward,
                    actions: if at(0, 1) == 0 { Actions::Overt } else { Actions::None },
                    rel: at(1, 3),
                    norel: at(4, 2) << 1,
                    purposes: at(6, 2),
                    expires: if at(8, 1) == 0 { 5 } else { 9 },
                    originators: 1 << at(9, 1),
                    exercise: at(0, 1) == 1,
                };
                if model.originators & !model.rel == 0 || (tlp, onward) == (Tlp::Clear, Onward::Free) {
                    all.push(model);
                }
            }
        }
    }
    all
}

fn questions() -> impl Strategy<Value = Question> {
    (0..3usize, 0..3usize, 0..2usize, any::<bool>(), 0..8u8, any::<bool>())
        .prop_filter("a release has two ends", |(peer, sender, ..)| peer != sender)
        .prop_map(|(peer, sender, purpose, late, consents, drill)| Question {
            peer,
            purpose,
            now: if late { 7 } else { 3 },
            sender,
            consents,
            drill,
        })
}

#[test]
fn the_rule_agrees_with_the_model_over_its_whole_domain() {
    let (mut judged, mut refused) = (0, 0);
    for (at, model) in domain().into_iter().enumerate() {
        let Some(label) = model.real() else {
            refused += 1;
            continue;
        };
        // All ends and purposes; the rest cycles, since a full product would take minutes unoptimised.
        for (peer, sender) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
            let bits = at + peer * 3 + sender;
            let q = Question {
                peer,
                sender,
                purpose: bits & 1,
                now: if bits % 5 == 0 { 7 } else { 3 },
                consents: u8::try_from(bits % 8).unwrap(),
                drill: if bits % 11 == 0 { !model.exercise } else { model.exercise },
            };
            assert_eq!(judge_model(&label, q), model.allow(q), "{model:?} {q:?}");
            judged += 1;
        }
    }
    assert!(judged > 20_000 && refused > 1_000, "{judged} judged, {refused} refused");
}

fn labels() -> impl Strategy<Value = Label> {
    let handling = (0..5usize, 0..4usize, any::<[bool; 3]>(), 1..8u8, any::<u16>(), 0..8u8);
    let rest = (0..8u8, 0..4u8, proptest::option::of(3..9u64), proptest::option::of(0..3u64), any::<bool>());
    let audience = (any::<u16>(), (any::<u16>(), any::<u16>()), 0..8u8);
    (handling, rest, audience).prop_filter_map("coherent", |(handling, rest, audience)| {
        let (tlp, onward, [display_only, h1, h2], originators, purposes, drill) = handling;
        let (categories, bases, expires, review, withheld) = rest;
        let mut draft = base();
        let terms = &mut draft.handling;
        terms.tlp = Tlp::WORDS[tlp].0;
        // Coherence is met rather than filtered for, so that few cases are thrown away.
        terms.onward = if terms.tlp >= Tlp::AmberStrict { Onward::None } else { Onward::WORDS[onward].0 };
        (terms.caveats.h1, terms.caveats.h2) = (h1, h2 && terms.onward >= Onward::Consent);
        terms.display_only = display_only && h1;
        terms.originators = subset(originators, (0..3).map(agency));
        terms.purposes = Purposes::from_bits(purposes & 0x7ffe)?.union(Purposes::of(&[Purpose::Customs]));
        terms.exercise = if drill == 0 { ExerciseId::new("0f") } else { None };
        let roles = [SubjectCategory::Listed, SubjectCategory::Victim, SubjectCategory::Object];
        terms.subject_categories = subset(categories & 5 | (categories & bases & 2), roles);
        terms.national_markings = subset(bases, ["M1", "M2"].map(|text| Text::new(text).unwrap()));
        terms.expires_at = expires.map(Moment::from_unix_secs);
        terms.review_by = review.map(Moment::from_unix_secs);
        let (rel, (norel, thinned), protect) = audience;
        draft.audience = AudienceTerms {
            releasable_to: &words(rel) | &subset(originators, (0..3).map(|at| Audience::Agency(agency(at)))),
            not_releasable_to: words(norel & thinned)
                .into_iter()
                .filter(|word| !matches!(word, Audience::PeersOf(_) | Audience::Agency(_)))
                .collect(),
            protection_states: BTreeSet::new(),
            decision_refs: BTreeSet::new(),
        };
        if protect == 0 {
            let states = draft.audience.not_releasable_to.iter();
            draft.audience.protection_states = states
                .filter_map(|word| if let Audience::State(s) = word { Some(*s) } else { None })
                .collect();
        }
        let label = Label::new(draft).ok()?;
        if withheld { Label::withheld(label.handling().clone()).ok() } else { Some(label) }
    })
}

fn states() -> [StateCode; 2] {
    ["FRA", "DEU"].map(|code| code.parse().unwrap())
}

fn words(bits: u16) -> BTreeSet<Audience> {
    let agencies = (0..3).map(|at| Audience::Agency(agency(at)));
    let peers = (0..3).map(|at| Audience::PeersOf(agency(at)));
    let community = Audience::Community("a.example/core".parse().unwrap());
    let all = agencies.chain(peers).chain(states().map(Audience::State)).chain([community]);
    all.enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, word)| word).collect()
}

/// What may be asked about a label, drawn wide: every state, side, ask, agreement and consent.
#[derive(Debug, Clone)]
struct Wide {
    sender: AgencyId,
    peer: Peer,
    agreement: Option<Agreement>,
    consents: Vec<Consent>,
    state: RecordState,
    side: Side,
    query: Option<Purpose>,
    matter: Matter,
    now: Moment,
    drill: Option<ExerciseId>,
}

fn wide() -> impl Strategy<Value = Wide> {
    let ends = (0..3usize, 0..3usize, 0..3usize, 0..3usize, any::<bool>(), 0..8u8);
    let rest = (0..6usize, proptest::option::of(0..14usize), 0..3usize, 0..9u64, 0..8u8, any::<u16>());
    (ends, rest).prop_map(|((sender, peer, state, community, receiving, agreed), rest)| {
        let (life, query, slot, now, consents, bound) = rest;
        let lives =
            [RecordState::Active, RecordState::Suspended, RecordState::Restricted, RecordState::Erased];
        let commitment = Commitment::from_bytes([7; 32]);
        let mut target = Peer::new(agency(peer));
        target.state = states().get(state).copied();
        if let Some(membership) = [Membership::Member, Membership::Stranger].get(community) {
            target.communities.insert("a.example/core".parse().unwrap(), *membership);
        }
        let consents = subset(consents, (0..3).map(agency)).into_iter();
        let consents = consents.map(|originator| Consent {
            originator,
            commitment,
            target: agency(peer),
            purpose: Purpose::Customs,
            until: Moment::from_unix_secs(6),
            uses: 1,
        });
        // Mostly the agreement of the two ends, for own use that with another agency; seldom none or a wrong one.
        let other = if sender == peer || agreed == 1 { (peer + 1) % 3 } else { peer };
        Wide {
            sender: agency(sender),
            peer: target,
            agreement: if agreed > 0 {
                Agreement::default_terms(agency(sender), agency(other)).ok()
            } else {
                None
            },
            consents: consents.collect(),
            state: *lives.get(life).unwrap_or(&RecordState::Active),
            side: if receiving { Side::Receiving } else { Side::Sending },
            query: query.map(|at| Purpose::WORDS[at].0),
            matter: Matter {
                kind: Kind::Record,
                slot: [Slot::CORE, Slot::HANDLING, Slot::AUDIENCE][slot],
                commitment: Some(commitment),
                bound: Purposes::from_bits(bound),
            },
            now: Moment::from_unix_secs(now),
            drill: if now == 0 { ExerciseId::new("0f") } else { None },
        }
    })
}

fn judge_wide(label: &Label, wide: &Wide) -> (RuleId, Purposes) {
    let text = Text::new("x").unwrap();
    let ask = wide
        .query
        .map_or(Ask::Replicate, |purpose| Ask::Query(Query { purpose, officer: &text, case: &text }));
    let at = Circumstances {
        side: wide.side,
        sender: &wide.sender,
        peer: &wide.peer,
        agreement: wide.agreement.as_ref(),
        consents: &wide.consents,
        state: wide.state,
        now: wide.now,
        drill: wide.drill.as_ref(),
    };
    let rule = may_release(SlotLabel::Understood(label), &wide.matter, ask, &at);
    (rule, bound_purposes(label, &wide.matter, ask, &at))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn join_is_commutative_associative_and_idempotent(x in labels(), y in labels(), z in labels()) {
        prop_assert_eq!(x.join(&x), Some(x.clone()));
        let xy = x.join(&y);
        prop_assert_eq!(&xy, &y.join(&x));
        let left = xy.and_then(|xy| xy.join(&z));
        let right = y.join(&z).and_then(|yz| x.join(&yz));
        // Undefined is absorbing: whichever pair mixes drill and real first, the whole is undefined.
        prop_assert_eq!(left, right);
    }

    #[test]
    fn no_join_opens_what_a_part_closes(x in labels(), y in labels(), wide in proptest::collection::vec(wide(), 16)) {
        let Some(joined) = x.join(&y) else { return Ok(()) };
        for wide in wide {
            let (rule, purposes) = judge_wide(&joined, &wide);
            for part in [&x, &y] {
                let (part_rule, part_purposes) = judge_wide(part, &wide);
                prop_assert!(!rule.allows() || part_rule.allows(), "{} yet {}: {:?} {:?}", rule, part_rule, part, wide);
                prop_assert_eq!(purposes.without(part_purposes), Purposes::NONE);
            }
            prop_assert!(!rule.allows() || !purposes.is_empty());
        }
    }

    #[test]
    fn the_model_and_the_real_join_agree(one in 0..1_000_000usize, two in 0..1_000_000usize, q in questions()) {
        use std::sync::OnceLock;
        static DOMAIN: OnceLock<Vec<Model>> = OnceLock::new();
        let domain = DOMAIN.get_or_init(domain);
        let (x, y) = (domain[one % domain.len()], domain[two % domain.len()]);
        let (Some(a), Some(b)) = (x.real(), y.real()) else { return Ok(()) };
        match (x.join(y), a.join(&b)) {
            (Some(model), Some(real)) => prop_assert_eq!(judge_model(&real, q), model.allow(q)),
            (model, real) => prop_assert!(model.is_none() && real.is_none()),
        }
    }
}
