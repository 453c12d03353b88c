//! Whatever can be said in a change, for property tests.

use comity_watchlist::{
    Address, CalendarDate, Change, Country, CountryTie, DatedFact, DelistReason, EntryRef, FactKind,
    FuzzyDate, Gender, Handle, IdKind, Identifier, LegalBasis, Link, LinkTarget, ListId, ListingRef, Measure,
    Name, NameKind, NamePart, NameQuality, Notice, Op, OriginName, Pair, PartRole, PartialDate, Place,
    PlaceKind, Prose, Record, RecordKey, Reference, Relation, Sighting, Span, SubjectKind, Text, Tie, Vessel,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = Text> {
    // Letters of several scripts, marks that deceive, and digits.
    "[a-zA-Z0-9 .,'\\-éßñабвгд日本語عربي\u{200f}\u{202e}]{1,24}".prop_map(|value| Text::new(value).unwrap())
}

fn prose() -> impl Strategy<Value = Prose> {
    "[ -~\n\täöü]{1,60}".prop_map(|value| Prose::new(value).unwrap())
}

fn day() -> impl Strategy<Value = PartialDate> {
    (1_u16..=9_999, option::of(1_u8..=12), 1_u8..=28, any::<bool>()).prop_map(|(year, month, day, exact)| {
        match month {
            None => PartialDate::year(year).unwrap(),
            Some(month) if exact => PartialDate::day(year, month, day).unwrap(),
            Some(month) => PartialDate::month(year, month).unwrap(),
        }
    })
}

fn date() -> impl Strategy<Value = FuzzyDate> {
    let span = prop_oneof![
        day().prop_map(Span::On),
        day().prop_map(Span::Before),
        day().prop_map(Span::After),
        (day(), day()).prop_map(|(a, b)| Span::between(a, b).or_else(|_| Span::between(b, a)).unwrap()),
    ];
    (span, any::<bool>(), option::of(text())).prop_map(|(span, circa, verbatim)| {
        let mut date = FuzzyDate::new(span);
        date.circa = circa;
        date.verbatim = verbatim;
        date
    })
}

fn country() -> impl Strategy<Value = Country> {
    text().prop_map(Country::new)
}

fn address() -> impl Strategy<Value = Address> {
    (text(), option::of(text()), option::of(text()), option::of(country())).prop_map(
        |(street, city, postal_code, country)| {
            let mut address = Address::default();
            address.street = Some(street);
            address.city = city;
            address.postal_code = postal_code;
            address.country = country;
            address
        },
    )
}

fn name() -> impl Strategy<Value = Name> {
    (text(), 1_u64..8, option::of(1_u64..5), vec((1_u64..9, text()), 0..4), option::of(text())).prop_map(
        |(full, kind, quality, parts, script)| {
            let mut name = Name::new(NameKind::from_code(kind), full);
            name.quality = quality.map(NameQuality::from_code);
            name.parts = parts
                .into_iter()
                .map(|(role, value)| NamePart::new(PartRole::from_code(role), value))
                .collect();
            name.script = script;
            name
        },
    )
}

fn identifier() -> impl Strategy<Value = Identifier> {
    (any::<u16>(), text(), option::of(text()), option::of(country()), option::of(date()), any::<bool>())
        .prop_map(|(kind, value, label, country, issued, former)| {
            let mut identifier = Identifier::new(IdKind::from_code(u64::from(kind % 60)), value);
            identifier.label = label;
            identifier.country = country;
            identifier.issued = issued;
            identifier.former = former;
            identifier
        })
}

fn key() -> impl Strategy<Value = RecordKey> {
    ("[a-z][a-z0-9./-]{0,20}", "[A-Za-z0-9. /]{1,20}").prop_map(|(list, reference)| {
        RecordKey::new(ListId::parse(&list).unwrap(), Reference::parse(&reference).unwrap())
    })
}

fn record() -> impl Strategy<Value = Box<Record>> {
    let who = (key(), any::<u8>(), vec(name(), 0..4), vec((1_u64..9, date()), 0..3), vec(address(), 0..3));
    let what =
        (vec(identifier(), 0..4), vec(prose(), 0..3), vec(prose(), 0..2), vec((text(), prose()), 0..4));
    let more = (vec((1_u64..9, country()), 0..3), vec(1_u64..5, 0..2), vec(text(), 0..3), vec(prose(), 0..2));
    let rest = (
        option::of(date()),
        vec((1_u64..9, key()), 0..2),
        option::of((text(), country())),
        vec(prose(), 0..2),
    );
    (who, what, more, rest).prop_map(|(who, what, more, rest)| {
        let (key, kind, names, facts, addresses) = who;
        let mut record = Record::new(key, SubjectKind::from_code(kind));
        record.names = names;
        record.facts =
            facts.into_iter().map(|(kind, date)| DatedFact::new(FactKind::from_code(kind), date)).collect();
        record.places =
            addresses.iter().cloned().map(|address| Place::new(PlaceKind::Birth, address)).collect();
        record.addresses = addresses;
        (record.identifiers, record.reasons_public, record.reasons_closed) = (what.0, what.1, what.2);
        for (name, value) in what.3 {
            record.source.keep(&name, value);
        }
        record.ties = more.0.into_iter().map(|(tie, to)| CountryTie::new(Tie::from_code(tie), to)).collect();
        record.genders = more.1.into_iter().map(Gender::from_code).collect();
        record.legal = more.2.iter().cloned().map(LegalBasis::new).collect();
        record.programmes = more.2;
        record.measures = more.3.into_iter().map(Measure::new).collect();
        record.listed_on = rest.0;
        record.links = rest
            .1
            .into_iter()
            .map(|(relation, key)| Link::new(Relation::from_code(relation), LinkTarget::Key(key)))
            .collect();
        record.vessel = rest.2.map(|(owner, flag)| {
            let mut vessel = Vessel::default();
            vessel.owner = Some(owner);
            vessel.flag = Some(flag);
            vessel
        });
        record.sightings = rest.3.into_iter().map(Sighting::new).collect();
        record.judge_checksums();
        record.handling_reference = record.programmes.first().cloned();
        if let Some(act) = record.legal.first_mut() {
            act.criteria.clone_from(&record.reasons_public);
        }
        Box::new(record)
    })
}

fn notice() -> impl Strategy<Value = Box<Notice>> {
    (key(), vec(prose(), 0..3), vec(prose(), 0..2), vec(text(), 0..2)).prop_map(
        |(key, public, closed, legal)| {
            let mut notice = Notice::new(key);
            notice.reasons_public = public;
            notice.reasons_closed = closed;
            notice.legal = legal.into_iter().map(LegalBasis::new).collect();
            Box::new(notice)
        },
    )
}

/// Any change of any operation.
pub(crate) fn change() -> impl Strategy<Value = Change> {
    let prev = || any::<[u8; 32]>().prop_map(EntryRef::new);
    let handle = || any::<[u8; 16]>().prop_map(Handle::new);
    let handles = || vec(any::<[u8; 16]>().prop_map(Handle::new), 1..4);
    let effective = (1_u16..=9_999, 1_u8..=12, 1_u8..=28);
    let op = prop_oneof![
        record().prop_map(|record| Op::List { record }),
        (prev(), vec(text(), 0..4), record()).prop_map(|(prev, paths, record)| Op::Amend {
            prev,
            paths,
            record
        }),
        (prev(), vec(text(), 0..4), record()).prop_map(|(prev, paths, record)| Op::Correct {
            prev,
            paths,
            record
        }),
        (prev(), notice()).prop_map(|(prev, notice)| Op::Suspend { prev, notice }),
        (prev(), notice()).prop_map(|(prev, notice)| Op::Resume { prev, notice }),
        (prev(), 1_u64..9, effective, notice()).prop_map(|(prev, reason, (year, month, day), notice)| {
            let effective = CalendarDate::new(year, month, day).unwrap();
            Op::Delist { prev, reason: DelistReason::from_code(reason), effective, notice }
        }),
        (handle(), record()).prop_map(|(relist_of, record)| Op::Relist { relist_of, record }),
        (prev(), key(), notice()).prop_map(|(prev, to, notice)| Op::Rekey { prev, to, notice }),
        (prev(), handle(), handles(), notice()).prop_map(|(prev, into, from, notice)| Op::Merge {
            prev,
            into,
            from,
            notice
        }),
        (prev(), handle(), handles(), notice()).prop_map(|(prev, from, into, notice)| Op::Split {
            prev,
            from,
            into,
            notice
        }),
        (prev(), notice()).prop_map(|(prev, notice)| Op::Withdraw { prev, notice }),
        (prev(), notice()).prop_map(|(prev, notice)| Op::Erase { prev, notice }),
        (prev(), notice()).prop_map(|(prev, notice)| Op::Retract { prev, notice }),
        (any::<[u8; 16]>(), key(), notice()).prop_map(|(other, key, mut notice)| {
            let named = |origin, handle, key| {
                ListingRef::new(OriginName::parse(origin).unwrap(), Handle::new(handle), key)
            };
            let pair =
                Pair::new(named("b.example/pub", other, key.clone()), named("a.example/pub/2", [7; 16], key));
            let pair = Box::new(pair.unwrap());
            notice.key = pair.first().key.clone();
            Op::SameAs { pair, notice }
        }),
    ];
    (handle(), op).prop_map(|(handle, op)| Change { handle, op })
}
