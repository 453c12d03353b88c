//! One sample of every operation, about invented subjects.

use comity_watchlist::{
    Address, Aircraft, CalendarDate, Change, Country, CountryTie, DatedFact, DelistReason, EntryRef,
    FactKind, FileHash, FuzzyDate, Gender, GoodsScheme, Handle, IdKind, Identifier, LegalBasis, Link,
    LinkTarget, ListId, ListingRef, Measure, Name, NameKind, NamePart, NameQuality, Notice, Op, OriginName,
    Pair, PartRole, PartialDate, Place, PlaceKind, Prose, Record, RecordKey, Reference, Relation, Sighting,
    SourceFile, Span, SubjectKind, Text, Tie, TitledCode, Vessel, VocabularyPart, VocabularyRef, code_of,
    vocabulary_list,
};

pub(crate) fn text(value: &str) -> Text {
    Text::new(value).unwrap()
}

pub(crate) fn prose(value: &str) -> Prose {
    Prose::new(value).unwrap()
}

fn key(reference: &str) -> RecordKey {
    RecordKey::new(ListId::parse("ru-ritania").unwrap(), Reference::parse(reference).unwrap())
}

fn country(name: &str) -> Country {
    Country::new(text(name))
}

fn person() -> Record {
    let mut record = Record::new(key("RR.7"), SubjectKind::Person);
    let mut primary = Name::new(NameKind::Primary, text("HENTZAU, Ruprecht"));
    primary.parts = vec![
        NamePart::new(PartRole::Family, text("HENTZAU")),
        NamePart::new(PartRole::Given, text("Ruprecht")),
    ];
    primary.quality = Some(NameQuality::Good);
    let mut original = Name::new(NameKind::Primary, text("Рупрехт Генцау"));
    original.script = Some(text("Cyrl"));
    original.language = Some(text("ru"));
    let mut weak = Name::new(NameKind::Aka, text("the Count"));
    weak.quality = Some(NameQuality::Weak);
    weak.row = Some(text("12"));
    record.names = vec![primary, original, weak];
    let year = |year| PartialDate::year(year).unwrap();
    let mut born = FuzzyDate::new(Span::between(year(1962), year(1965)).unwrap());
    born.circa = true;
    record.facts = vec![
        DatedFact::new(FactKind::Birth, born),
        DatedFact::new(FactKind::Birth, FuzzyDate::verbatim(text("in the year of the flood"))),
    ];
    let mut streslau = Address::default();
    streslau.city = Some(text("Streslau"));
    streslau.country = Some(country("Ruritania"));
    record.places = vec![Place::new(PlaceKind::Birth, streslau.clone())];
    record.ties = vec![CountryTie::new(Tie::Nationality, country("Ruritania"))];
    record.genders = vec![Gender::Male];
    record.titles = vec![text("Count")];
    record.positions = vec![text("Keeper of the Moat")];
    streslau.street = Some(text("1 Castle Bridge"));
    streslau.row = Some(text("5"));
    record.addresses = vec![streslau];
    record.programmes = vec![text("ZENDA")];
    let mut measure = Measure::new(prose("Assets frozen"));
    measure.effective = Some(PartialDate::day(2024, 2, 29).unwrap().into());
    record.measures = vec![measure];
    record.legal = vec![LegalBasis::new(text("Decree 4/1894"))];
    record.listed_on = Some(PartialDate::day(2024, 2, 28).unwrap().into());
    record.updated_on = vec![PartialDate::month(2024, 5).unwrap().into()];
    record.links = vec![Link::new(Relation::ActsFor, LinkTarget::Key(key("RR.1")))];
    let mut passport = Identifier::new(IdKind::Passport, text("R 0000017"));
    passport.country = Some(country("Ruritania"));
    passport.expires = Some(PartialDate::day(2030, 1, 1).unwrap().into());
    let mut wallet = Identifier::new(IdKind::Wallet, text("1InventedAddressOfNobody"));
    wallet.scope = Some(text("XBT"));
    wallet.former = true;
    record.identifiers = vec![passport, wallet];
    record.reasons_public = vec![prose("Held a castle against its owner.")];
    record.reasons_closed = vec![prose("Seen by the gamekeeper.")];
    record.source.files = vec![SourceFile::new(text("zenda.csv"), FileHash::new([0xfe; 32]))];
    record.source.locators = vec![text("zenda:7")];
    record.source.row_id = Some(text("4711"));
    record.source.keep(&text("Remarks"), prose("swims well"));
    let mut sighting = Sighting::new(prose("At the ferry."));
    sighting.seen = Some(PartialDate::month(2024, 6).unwrap().into());
    record.sightings = vec![sighting];
    record
}

fn vessel() -> Record {
    let mut record = Record::new(key("RR.8"), SubjectKind::Vessel);
    record.names =
        vec![Name::new(NameKind::Primary, text("海の幻")), Name::new(NameKind::Fka, text("SEA MIRAGE"))];
    let mut particulars = Vessel::default();
    particulars.types = vec![text("Tug")];
    particulars.flag = Some(country("Ruritania"));
    particulars.former_flags = vec![country("Strelsau")];
    particulars.gross_tonnage = Some(text("212"));
    record.vessel = Some(particulars);
    record.identifiers = vec![Identifier::new(IdKind::Imo, text("0000000"))];
    record
}

fn aircraft() -> Record {
    let mut record = Record::new(key("RR.9"), SubjectKind::Aircraft);
    record.names = vec![Name::new(NameKind::Primary, text("ZZ-INV"))];
    let mut particulars = Aircraft::default();
    particulars.models = vec![text("Balloon 3")];
    record.aircraft = Some(particulars);
    record
}

fn notice() -> Box<Notice> {
    let mut notice = Notice::new(key("RR.7"));
    notice.legal = vec![LegalBasis::new(text("Decree 5/1894"))];
    notice.reasons_public = vec![prose("The court has spoken.")];
    Box::new(notice)
}

pub(crate) fn listing(origin: &str, handle: u8, reference: &str) -> ListingRef {
    ListingRef::new(OriginName::parse(origin).unwrap(), Handle::new([handle; 16]), key(reference))
}

fn pair() -> Pair {
    let (one, other) = (listing("b.example/pub", 0x33, "RR.8"), listing("a.example/pub", 0x11, "RR.7"));
    Pair::new(one, other).unwrap()
}

/// An account with what records did not have at first.
fn account() -> Record {
    let mut record = Record::new(key("RR.10"), SubjectKind::Account);
    record.identifiers = vec![
        Identifier::new(IdKind::Iban, text("XA59ZENDA0000000017")),
        Identifier::new(IdKind::Iban, text("XA58ZENDA0000000017")),
        Identifier::new(IdKind::BankAccount, text("17")),
    ];
    let mut act = LegalBasis::new(text("Decree 6/1894"));
    act.criteria = vec![prose("Article 3(1)(a): held a castle"), prose("3(1)(b)")];
    record.legal = vec![act];
    record.handling_reference = Some(text("ZENDA/EYES/7"));
    record.judge_checksums();
    record
}

/// An edition of a control list that nobody ever made, in one part.
fn vocabulary() -> Op {
    let titled =
        |(code, title)| TitledCode { code: code_of(GoodsScheme::Eccn, code).unwrap(), title: text(title) };
    let codes = [("3A001.b", "Gear wheels of brass"), ("3A001", "Clockwork"), ("EAR99", "What is left")];
    let in_force = CalendarDate::new(2025, 12, 31).unwrap();
    let mut parts = VocabularyPart::of(GoodsScheme::Eccn, in_force, codes.map(titled).into()).unwrap();
    let list = vocabulary_list(GoodsScheme::Eccn).unwrap();
    let mut notice = Notice::new(RecordKey::new(list, Reference::parse("1894-2").unwrap()));
    notice.legal = vec![LegalBasis::new(text("Decree 7/1894"))];
    notice.source.files = vec![SourceFile::new(text("clockwork.csv"), FileHash::new([0xfd; 32]))];
    Op::Vocabulary { part: Box::new(parts.remove(0)), notice: Box::new(notice) }
}

/// A good with the edition that its code was written against.
fn good() -> Record {
    let mut record = Record::new(key("RR.11"), SubjectKind::Good);
    let mut code = Identifier::new(IdKind::Goods, text("3A001.b.2"));
    code.scope = Some(text("eccn"));
    let origin = OriginName::parse("a.example/pub").unwrap();
    let edition = Reference::parse("1894-2").unwrap();
    code.vocabulary = Some(Box::new(VocabularyRef::new(origin, EntryRef::new([0xcd; 32]), edition)));
    record.identifiers = vec![code];
    record
}

/// A name and a change for every operation.
pub(crate) fn changes() -> Vec<(&'static str, Change)> {
    let prev = EntryRef::new([0xab; 32]);
    let handle = Handle::new([0x11; 16]);
    let other = Handle::new([0x22; 16]);
    let paths = vec![text("names"), text("source.extra[Remarks]")];
    let effective = CalendarDate::new(2025, 12, 31).unwrap();
    let bare = Box::new(Notice::new(key("RR.7")));
    let ops = [
        ("list a person", Op::List { record: Box::new(person()) }),
        ("amend a vessel", Op::Amend { prev, paths: paths.clone(), record: Box::new(vessel()) }),
        ("correct an aircraft", Op::Correct { prev, paths, record: Box::new(aircraft()) }),
        ("suspend", Op::Suspend { prev, notice: notice() }),
        ("resume", Op::Resume { prev, notice: bare.clone() }),
        ("delist", Op::Delist { prev, reason: DelistReason::AbsentFromSource, effective, notice: notice() }),
        ("relist", Op::Relist { relist_of: other, record: Box::new(vessel()) }),
        ("rekey", Op::Rekey { prev, to: key("RR.77"), notice: bare.clone() }),
        ("merge", Op::Merge { prev, into: handle, from: vec![other], notice: bare.clone() }),
        ("split", Op::Split { prev, from: handle, into: vec![handle, other], notice: bare.clone() }),
        ("withdraw", Op::Withdraw { prev, notice: notice() }),
        ("erase", Op::Erase { prev, notice: bare }),
        ("same-as", Op::SameAs { pair: Box::new(pair()), notice: notice() }),
        ("retract", Op::Retract { prev, notice: notice() }),
        ("list an account", Op::List { record: Box::new(account()) }),
        ("vocabulary", vocabulary()),
        ("list a good", Op::List { record: Box::new(good()) }),
    ];
    ops.map(|(name, op)| (name, Change { handle, op })).into()
}
