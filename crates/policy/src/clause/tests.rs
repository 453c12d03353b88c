//! Each clause denies alone, and named attempts to get around them fail.

mod world;

use self::world::{World, agency, secs, state};
use super::*;
use crate::audience::{Audience, Membership};
use crate::defaults;
use crate::label_set::LabelSet;
use crate::marking::{SubjectCategory, Tlp};
use crate::word::Word;

/// For every clause a world in which it alone denies.
fn lone_denials() -> Vec<(RuleId, World)> {
    let france = state("FRA");
    let new = World::new;
    vec![
        (RuleId::DenyDrill, new().with(|w| w.drill = ExerciseId::new("0f"))),
        (
            RuleId::DenyExpired,
            new().with(|w| w.now = secs(defaults::REVIEW_SECS)).with(|w| {
                w.label.handling.expires_at = Some(secs(defaults::REVIEW_SECS));
            }),
        ),
        (RuleId::DenyErased, new().with(|w| w.state = RecordState::Erased)),
        (
            RuleId::DenyState,
            new().with(|w| (w.query, w.state) = (Some(Purpose::Customs), RecordState::Suspended)),
        ),
        (
            RuleId::DenyAgreement,
            new().with(|w| w.agreement = Agreement::default_terms(agency("a"), agency("b")).ok()),
        ),
        (RuleId::DenyTerm, new().with(|w| w.terms(|t| t.until = Some(secs(100))))),
        (RuleId::DenyKind, new().with(|w| w.matter.kind = Kind::Tags)),
        (
            RuleId::DenyNotReleasable,
            new().with(|w| {
                assert!(w.label.audience.not_releasable_to.insert(Audience::Agency(agency("c"))));
            }),
        ),
        (
            RuleId::DenyUnconfirmed,
            new().with(|w| {
                assert!(w.label.audience.not_releasable_to.insert(Audience::State(france)));
            }),
        ),
        (RuleId::DenyPurpose, new().with(|w| w.terms(|t| t.purposes = Purposes::of(&[Purpose::Exercise])))),
        (
            RuleId::DenyProtected,
            new().with(|w| {
                w.handling().subject_categories = [SubjectCategory::Victim].into();
                w.handling().purposes = Purposes::ENFORCEMENT;
            }),
        ),
        (RuleId::DenyDisplayOnly, new().with(|w| w.handling().display_only = true)),
        (RuleId::DenyAudienceWithheld, new().with(|w| w.withhold_audience = true)),
        (RuleId::DenyOnward, World::relayed().with(|w| w.handling().onward = Onward::None)),
        (RuleId::DenyConsent, World::relayed().with(|w| w.handling().onward = Onward::Consent)),
        (
            RuleId::DenyReleasable,
            new().with(|w| {
                assert!(w.label.audience.releasable_to.remove(&Audience::Agency(agency("c"))));
            }),
        ),
        (
            RuleId::DenyAudienceSlot,
            new().with(|w| {
                w.matter.slot = Slot::AUDIENCE;
                w.handling().onward = Onward::None;
            }),
        ),
    ]
}

#[test]
fn every_clause_denies_alone_and_dropping_it_would_allow() {
    assert_eq!(World::new().judge(), RuleId::AllowReplicate);
    assert_eq!(World::relayed().judge(), RuleId::AllowRelay);
    let worlds = lone_denials();
    assert!(worlds.iter().map(|(rule, _)| *rule).eq(CLAUSES.iter().map(|clause| clause.denial)));
    for (rule, world) in worlds {
        assert_eq!(world.judge(), rule);
        let without = world.judge_without(Some(rule));
        assert!(without.allows(), "{rule} is not the only clause that denies: {without}");
    }
}

#[test]
fn a_label_that_cannot_be_read_permits_nothing() {
    let World { matter, sender, peer, agreement, .. } = World::new();
    let at = Circumstances {
        side: Side::Sending,
        sender: &sender,
        peer: &peer,
        agreement: agreement.as_ref(),
        consents: &[],
        state: RecordState::Active,
        now: secs(100),
        drill: None,
    };
    let judge = |label| may_release(label, &matter, Ask::Replicate, &at);
    assert_eq!(judge(SlotLabel::Missing), RuleId::DenyLabelMissing);
    assert_eq!(judge(SlotLabel::Foreign), RuleId::DenyLabelForeign);
}

#[test]
fn rule_names_are_stable() {
    let allows: Vec<_> = RuleId::WORDS.iter().filter(|(rule, _, _)| rule.allows()).collect();
    assert!(allows.iter().all(|(_, code, name)| *code < 32 && name.starts_with("allow.")));
    assert_eq!(allows.len(), 5);
    for &(rule, code, name) in RuleId::WORDS {
        assert_eq!((RuleId::from_code(code), RuleId::from_name(name)), (Some(rule), Some(rule)));
        assert_eq!(name.starts_with("deny."), !rule.allows());
    }
    let names: Vec<_> = CLAUSES.iter().map(|clause| clause.denial.name()).collect();
    assert_eq!(
        names.join(" "),
        "deny.drill deny.expired deny.erased deny.state deny.agreement deny.term deny.kind \
         deny.not-releasable deny.unconfirmed deny.purpose deny.protected deny.display-only \
         deny.audience-withheld deny.onward deny.consent deny.releasable deny.audience-slot"
    );
}

#[test]
fn red_is_never_relayed_whatever_its_audience() {
    let mut world = World::relayed();
    (world.label.handling.tlp, world.label.handling.onward) = (Tlp::Red, Onward::None);
    assert_eq!(world.judge(), RuleId::DenyOnward);
}

#[test]
fn an_official_list_reaches_everyone_with_an_agreement_also_through_a_relay() {
    let set = defaults::imported_official_list(&agency("a"), Kind::Record).unwrap();
    for world in [World::new(), World::relayed()] {
        for slot in set.slots() {
            let SlotLabel::Understood(label) = set.label(slot) else { panic!("no label") };
            let world =
                World { label: label.to_draft(), matter: Matter { slot, ..world.matter }, ..world.clone() };
            assert!(world.judge().allows());
            assert_eq!(World { agreement: None, ..world }.judge(), RuleId::DenyAgreement);
        }
    }
}

#[test]
fn an_own_designation_reaches_peers_and_no_further() {
    let set = defaults::own_designation(&agency("a"), Kind::Record, secs(0)).unwrap();
    let SlotLabel::Understood(label) = set.label(Slot::CORE) else { panic!("no label") };
    let label = label.to_draft();
    assert_eq!(World { label: label.clone(), ..World::new() }.judge(), RuleId::AllowReplicate);
    assert_eq!(World { label: label.clone(), ..World::relayed() }.judge(), RuleId::DenyOnward);
    // Had it been WITHIN_REL: B cannot know whether C is a peer of A.
    let mut world = World { label, ..World::relayed() };
    world.label.handling.onward = Onward::WithinRel;
    assert_eq!(world.judge(), RuleId::DenyReleasable);
}

#[test]
fn what_an_agency_said_is_given_back_to_it_alone_and_under_its_agreement() {
    let set = defaults::own_designation(&agency("a"), Kind::Record, secs(0)).unwrap();
    let SlotLabel::Understood(label) = set.label(Slot::CORE) else { panic!("no label") };
    let label = label.to_draft();
    // B holds it without its audience, and A asks for it.
    let mut back = World { label, ..World::relayed() };
    (back.peer, back.withhold_audience) = (Peer::new(agency("a")), true);
    back.agreement = Agreement::default_terms(agency("b"), agency("a")).ok();
    assert_eq!(back.judge(), RuleId::AllowReturn);
    let slot = Slot::AUDIENCE;
    let audience = World { matter: Matter { slot, ..back.matter }, ..back.clone() };
    assert_eq!(audience.judge(), RuleId::AllowReturn);
    let others = World { peer: Peer::new(agency("c")), ..back.clone() };
    assert!(!others.judge().allows());
    assert_eq!(World { agreement: None, ..back.clone() }.judge(), RuleId::DenyAgreement);
    assert_eq!(World { state: RecordState::Erased, ..back.clone() }.judge(), RuleId::DenyErased);
    assert!(
        !back.clone().with(|w| w.query = Some(Purpose::Customs)).judge().allows(),
        "a query is no return"
    );
    // Of what two agencies said, neither gets all back as its own.
    let joint = back.with(|w| {
        assert!(w.handling().originators.insert(agency("d")));
        assert!(w.label.audience.releasable_to.insert(Audience::Agency(agency("d"))));
    });
    assert!(!joint.judge().allows());
}

#[test]
fn account_entries_stay_at_home() {
    let set = defaults::kept_home(&agency("a"), Kind::Account).unwrap();
    let SlotLabel::Understood(label) = set.label(Slot::CONTROL) else { panic!("no label") };
    let mut world = World { label: label.to_draft(), ..World::new() };
    assert_eq!(world.judge(), RuleId::DenyReleasable);
    (world.matter.kind, world.matter.slot) = (Kind::Account, Slot::CONTROL);
    assert_eq!(world.judge(), RuleId::DenyKind);
}

#[test]
fn the_receiver_keeps_what_the_originator_sent_without_its_audience_but_not_what_a_relay_did() {
    let received =
        |world: World| world.with(|w| (w.side, w.withhold_audience) = (Side::Receiving, true)).judge();
    assert_eq!(received(World::new()), RuleId::AllowReplicate);
    assert_eq!(received(World::relayed()), RuleId::DenyAudienceWithheld);
    let told = World::relayed().with(|w| w.side = Side::Receiving);
    assert_eq!(told.judge(), RuleId::AllowRelay);
}

#[test]
fn own_use_needs_no_onward_permission_but_obeys_purpose_state_and_audience() {
    let own = |change: fn(&mut World)| {
        let mut world = World::new().with(|w| {
            w.sender = agency("c");
            w.query = Some(Purpose::Customs);
            w.handling().onward = Onward::None;
        });
        change(&mut world);
        world.judge()
    };
    assert_eq!(own(|_| ()), RuleId::AllowOwnUse);
    assert_eq!(own(|w| w.withhold_audience = true), RuleId::AllowOwnUse);
    assert_eq!(own(|w| w.terms(|t| t.until = Some(secs(1)))), RuleId::AllowOwnUse);
    assert_eq!(own(|w| w.agreement = None), RuleId::DenyAgreement);
    assert_eq!(own(|w| w.query = Some(Purpose::Exercise)), RuleId::DenyPurpose);
    assert_eq!(own(|w| w.matter.bound = Some(Purposes::PROTECTION)), RuleId::DenyPurpose);
    assert_eq!(own(|w| w.state = RecordState::Suspended), RuleId::DenyState);
    assert_eq!(
        own(|w| w.label.audience.releasable_to.retain(|a| *a == Audience::Agency(agency("a")))),
        RuleId::DenyReleasable
    );
}

#[test]
fn consent_is_for_one_section_one_target_one_purpose_and_a_time() {
    let judge = |change: fn(&mut World)| {
        let mut world = World::relayed().with(World::consent);
        change(&mut world);
        world.judge()
    };
    assert_eq!(judge(|_| ()), RuleId::AllowRelay);
    assert_eq!(judge(|w| w.query = Some(Purpose::Customs)), RuleId::AllowQuery);
    assert_eq!(judge(|w| w.query = Some(Purpose::BorderCheck)), RuleId::DenyConsent);
    assert_eq!(judge(|w| w.now = secs(200)), RuleId::DenyConsent);
    assert_eq!(judge(|w| w.consents[0].uses = 0), RuleId::DenyConsent);
    assert_eq!(judge(|w| w.consents[0].target = agency("d")), RuleId::DenyConsent);
    assert_eq!(judge(|w| w.consents[0].originator = agency("b")), RuleId::DenyConsent);
    assert_eq!(judge(|w| w.consents[0].commitment = Commitment::from_bytes([8; 32])), RuleId::DenyConsent);
    assert_eq!(judge(|w| w.matter.commitment = None), RuleId::DenyConsent);
    assert_eq!(judge(|w| w.matter.slot = Slot::AUDIENCE), RuleId::AllowRelay);
    // Every originator of a product must consent, not one.
    assert_eq!(
        judge(|w| {
            w.label.handling.originators.insert(agency("d"));
            w.label.audience.releasable_to.insert(Audience::Agency(agency("d")));
        }),
        RuleId::DenyConsent
    );
}

#[test]
fn consented_release_is_bound_to_the_consented_purpose() {
    let world = World::relayed().with(World::consent);
    let at = Circumstances {
        side: world.side,
        sender: &world.sender,
        peer: &world.peer,
        agreement: world.agreement.as_ref(),
        consents: &world.consents,
        state: world.state,
        now: world.now,
        drill: None,
    };
    let bound = bound_purposes(&world.label(), &world.matter, Ask::Replicate, &at);
    assert_eq!(bound, Purposes::of(&[Purpose::Customs]));
}

#[test]
fn an_agreement_can_keep_relayed_sections_out_but_not_the_senders_own() {
    let closed = |mut world: World| {
        world.terms(|terms| terms.onward = Onward::None);
        world.judge()
    };
    assert_eq!(closed(World::relayed()), RuleId::DenyOnward);
    assert_eq!(closed(World::new()), RuleId::AllowReplicate);
}

#[test]
fn a_protected_subject_is_not_found_by_enforcement() {
    let victim = |query| {
        let world = World::new().with(|w| {
            w.handling().subject_categories = [SubjectCategory::Listed, SubjectCategory::Victim].into();
            w.query = query;
        });
        world.judge()
    };
    for purpose in Purposes::ALL_BUT_EXERCISE.iter() {
        let expected =
            if Purposes::ENFORCEMENT.contains(purpose) { RuleId::DenyProtected } else { RuleId::AllowQuery };
        assert_eq!(victim(Some(purpose)), expected, "{}", purpose.name());
    }
    assert_eq!(victim(None), RuleId::AllowReplicate);
}

#[test]
fn states_and_communities_count_only_as_confirmed() {
    let france = state("FRA");
    let core: crate::CommunityId = "a.example/core".parse().unwrap();
    let words = [Audience::State(france), Audience::Community(core.clone())];
    for word in words {
        let rel = |change: &dyn Fn(&mut Peer)| {
            let mut world = World::new();
            world.label.audience.releasable_to = [Audience::Agency(agency("a")), word.clone()].into();
            change(&mut world.peer);
            world.judge()
        };
        let norel = |change: &dyn Fn(&mut Peer)| {
            let mut world = World::new();
            world.label.audience.not_releasable_to = [word.clone()].into();
            change(&mut world.peer);
            world.judge()
        };
        let belongs = |peer: &mut Peer| {
            peer.state = Some(france);
            peer.communities.insert(core.clone(), Membership::Member);
        };
        let does_not = |peer: &mut Peer| {
            peer.state = Some(state("DEU"));
            peer.communities.insert(core.clone(), Membership::Stranger);
        };
        assert_eq!(rel(&belongs), RuleId::AllowReplicate);
        assert_eq!(rel(&does_not), RuleId::DenyReleasable);
        assert_eq!(rel(&|_| ()), RuleId::DenyReleasable);
        assert_eq!(norel(&belongs), RuleId::DenyNotReleasable);
        assert_eq!(norel(&does_not), RuleId::AllowReplicate);
        assert_eq!(norel(&|_| ()), RuleId::DenyUnconfirmed);
    }
}

#[test]
fn relief_travels_in_every_state_but_erasure() {
    let states = [
        RecordState::Proposed,
        RecordState::Active,
        RecordState::UnderReview,
        RecordState::Provisional,
        RecordState::Suspended,
        RecordState::Rejected,
        RecordState::Delisted,
        RecordState::Expired,
        RecordState::Restricted,
        RecordState::Erased,
    ];
    let judge = |state, query| World::new().with(|w| (w.state, w.query) = (state, query)).judge();
    for state in states {
        let ended = matches!(state, RecordState::Restricted | RecordState::Erased);
        assert_eq!(judge(state, None).allows(), !ended, "{state:?}");
        assert_eq!(judge(state, Some(Purpose::Customs)).allows(), state.is_in_effect(), "{state:?}");
        assert_eq!(judge(state, Some(Purpose::Redress)).allows(), state != RecordState::Erased, "{state:?}");
    }
}

#[test]
fn a_drill_label_is_for_its_own_drill_alone() {
    let judge = |label: &str, drill: Option<&str>| {
        let world = World::new().with(|w| {
            w.handling().exercise = ExerciseId::new(label);
            w.drill = drill.and_then(ExerciseId::new);
        });
        world.judge()
    };
    assert_eq!(judge("0f", Some("0f")), RuleId::AllowReplicate);
    assert_eq!(judge("0f", Some("0e")), RuleId::DenyDrill);
    assert_eq!(judge("0f", None), RuleId::DenyDrill);
}

#[test]
fn labels_of_one_entry_kind_cannot_be_had_for_another_from_the_same_bytes() {
    let set = defaults::imported_official_list(&agency("a"), Kind::Record).unwrap();
    let bytes = set.handling_section();
    assert!(LabelSet::from_sections(Kind::Tags, &bytes, None).is_err());
}

/// What travels with a section that came without an agreement binds whoever passes it on.
#[test]
fn without_an_agreement_there_is_no_purpose_but_for_what_is_ones_own() {
    let bound = |world: &World| {
        let at = Circumstances {
            side: world.side,
            sender: &world.sender,
            peer: &world.peer,
            agreement: world.agreement.as_ref(),
            consents: &[],
            state: world.state,
            now: world.now,
            drill: None,
        };
        bound_purposes(&world.label(), &world.matter, Ask::Replicate, &at)
    };
    for world in [World::new(), World::relayed()] {
        assert_ne!(bound(&world), Purposes::NONE);
        for side in [Side::Sending, Side::Receiving] {
            let without = World { agreement: None, side, ..world.clone() };
            assert_eq!(bound(&without), Purposes::NONE);
            for dropped in [None, Some(RuleId::DenyAgreement)] {
                assert!(!without.judge_without(dropped).allows(), "not even without the clause");
            }
        }
    }
    let own = World { agreement: None, peer: Peer::new(agency("a")), ..World::new() };
    assert_eq!(bound(&own), World::new().label().handling().purposes);
    let held = World { sender: agency("c"), agreement: None, ..World::new() };
    assert_eq!(bound(&held), Purposes::NONE, "own use of another's word");
}
