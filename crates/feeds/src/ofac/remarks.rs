//! The small language of OFAC's remarks: tokens between semicolons, each with a word or a label in front.
//!
//! A token that is not understood is kept as it stands under [`REMARKS_UNREAD`]; the whole text is kept besides by
//! the caller. Not for: documents and contacts, which are in `documents`.

use comity_watchlist::{
    Address, Aircraft, Country, CountryTie, DatedFact, FactKind, Gender, Link, LinkTarget, Measure, Name,
    NameKind, NameQuality, Place, PlaceKind, Prose, Record, Relation, Text, Tie, Vessel,
};

use crate::ofac::{REMARKS_UNREAD, dates, documents};
use crate::value::push;

type Take = fn(&mut Record, &str) -> Option<()>;

/// What follows each word. A longer word stands before the shorter ones that it begins with.
const WORDS: [(&str, Take); 26] = [
    ("DOB ", |record, rest| fact(record, FactKind::Birth, rest)),
    ("POB ", birth_place),
    ("nationality ", |record, rest| tie(record, Tie::Nationality, rest)),
    ("citizen ", |record, rest| tie(record, Tie::Citizenship, rest)),
    ("Nationality of Registration ", |record, rest| tie(record, Tie::Registration, rest)),
    ("Gender ", gender),
    ("a.k.a. ", |record, rest| weak_alias(record, NameKind::Aka, rest)),
    ("f.k.a. ", |record, rest| weak_alias(record, NameKind::Fka, rest)),
    ("n.k.a. ", |record, rest| weak_alias(record, NameKind::Nka, rest)),
    ("Linked To:", linked),
    ("Organization Established Date ", |record, rest| fact(record, FactKind::Founded, rest)),
    ("Organization Type:", |record, rest| sector(record, None, rest)),
    ("Target Type ", |record, rest| sector(record, Some("Target Type"), rest)),
    ("Vessel Year of Build ", |record, rest| fact(record, FactKind::Built, rest)),
    ("Aircraft Manufacture Date ", |record, rest| fact(record, FactKind::Built, rest)),
    ("Former Vessel Flag ", former_flag),
    ("Vessel Flag ", flag),
    ("Vessel Type ", vessel_type),
    ("Other Vessel Type ", vessel_type),
    ("Vessel Owner ", vessel_owner),
    ("Aircraft Model ", |record, rest| aircraft(record, rest, |craft| &mut craft.models)),
    ("Aircraft Operator ", |record, rest| aircraft(record, rest, |craft| &mut craft.operators)),
    ("For more information on directives", |record, rest| keep(record, "More information", rest)),
    ("for more information on directives", |record, rest| keep(record, "More information", rest)),
    ("Issuer Name ", |record, rest| keep(record, "Issuer Name", rest)),
    ("Chinese Commercial Code ", |record, rest| keep(record, "Chinese Commercial Code", rest)),
];

/// How tokens about measures begin.
const MEASURES: [&str; 9] = [
    "Secondary sanctions risk",
    "Additional Sanctions Information",
    "Transactions Prohibited For Persons",
    "Executive Order ",
    "CAATSA ",
    "IFCA Determination",
    "Listing Date",
    "Effective Date",
    "Purchase/Sales For Divestment Date",
];

/// Abbreviations that keep their dot at the end of a name; OFAC does not write a second one.
const DOTTED: [&str; 13] =
    ["LTDA", "LTD", "INC", "CO", "CORP", "CIA", "JR", "SR", "BHD", "PTE", "LLC", "CV", "EST"];

/// Reads all tokens into the record.
pub(super) fn read(record: &mut Record, remarks: &str) {
    for token in tokens(remarks) {
        let body = token.strip_prefix("alt. ").or_else(|| token.strip_prefix("Alt. ")).unwrap_or(token);
        if one(record, body).is_none() {
            let _kept = keep(record, REMARKS_UNREAD, token);
        }
    }
}

/// The tokens, without the full stop that ends the remarks.
pub(super) fn tokens(remarks: &str) -> impl Iterator<Item = &str> {
    let remarks = remarks.trim();
    let remarks = remarks.strip_suffix('.').filter(|rest| !ends_in_abbreviation(rest)).unwrap_or(remarks);
    remarks.split(';').map(str::trim).filter(|token| !token.is_empty())
}

fn ends_in_abbreviation(rest: &str) -> bool {
    let last = rest.rsplit([' ', ';', ',', '\'']).next().unwrap_or_default();
    // "S.A." or "C.V." as well: a letter behind a dot.
    let dotted_letter = last.len() >= 3 && last.chars().rev().nth(1) == Some('.');
    dotted_letter || DOTTED.contains(&last)
}

/// Reads a token that begins with one of the words; `None` if it begins with none or is not understood.
pub(super) fn word(record: &mut Record, token: &str) -> Option<()> {
    let (word, take) = begin(token)?;
    take(record, token.get(word.len()..)?.trim())
}

fn begin(token: &str) -> Option<(&'static str, Take)> {
    WORDS.iter().find(|(word, _)| begins(token, word)).copied()
}

/// Whether a token begins with a word. Tables of words are looked through for each token, and nearly all of their words
/// differ in the first byte.
fn begins(token: &str, word: &str) -> bool {
    token.as_bytes().first() == word.as_bytes().first() && token.starts_with(word)
}

/// Whether a token is about a measure.
pub(super) fn is_measure(token: &str) -> bool {
    MEASURES.iter().any(|start| begins(token, start))
}

fn one(record: &mut Record, token: &str) -> Option<()> {
    // The XML forms write the last token in parentheses.
    let inner = token.strip_prefix('(').and_then(|token| token.strip_suffix(')'));
    let token = inner.filter(|token| token.starts_with("Linked To:")).unwrap_or(token);
    if let Some((word, take)) = begin(token) {
        return take(record, token.get(word.len()..)?.trim());
    }
    if is_measure(token) {
        return measure(record, token);
    }
    // OFAC repeats the column `Title` in the remarks.
    if record.titles.iter().any(|title| title.as_str() == token) {
        return Some(());
    }
    push(&mut record.identifiers, documents::read(token)?);
    Some(())
}

fn fact(record: &mut Record, kind: FactKind, rest: &str) -> Option<()> {
    push(&mut record.facts, DatedFact::new(kind, dates::parse_or_keep(rest)?));
    Some(())
}

fn birth_place(record: &mut Record, rest: &str) -> Option<()> {
    let mut address = Address::default();
    address.verbatim = Some(Text::new(rest).ok()?);
    push(&mut record.places, Place::new(PlaceKind::Birth, address));
    Some(())
}

fn tie(record: &mut Record, tie: Tie, rest: &str) -> Option<()> {
    push(&mut record.ties, CountryTie::new(tie, Country::new(Text::new(rest).ok()?)));
    Some(())
}

fn gender(record: &mut Record, rest: &str) -> Option<()> {
    let gender = match rest {
        "Male" => Gender::Male,
        "Female" => Gender::Female,
        _ => return None,
    };
    push(&mut record.genders, gender);
    Some(())
}

/// Aliases in quotes among the remarks are OFAC's weak ones.
fn weak_alias(record: &mut Record, kind: NameKind, rest: &str) -> Option<()> {
    let full = rest.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut name = Name::new(kind, Text::new(full).ok()?);
    name.quality = Some(NameQuality::Weak);
    push(&mut record.names, name);
    Some(())
}

fn linked(record: &mut Record, rest: &str) -> Option<()> {
    let target = LinkTarget::Named(Text::new(rest).ok()?);
    push(&mut record.links, Link::new(Relation::Linked, target));
    Some(())
}

fn sector(record: &mut Record, label: Option<&str>, rest: &str) -> Option<()> {
    push(&mut record.sectors, Text::new(rest).ok()?);
    label.map_or(Some(()), |label| keep(record, label, rest))
}

fn former_flag(record: &mut Record, rest: &str) -> Option<()> {
    let country = Country::new(Text::new(rest).ok()?);
    record.vessel.get_or_insert_with(Vessel::default).former_flags.push(country);
    Some(())
}

fn flag(record: &mut Record, rest: &str) -> Option<()> {
    let country = Country::new(Text::new(rest).ok()?);
    let vessel = record.vessel.get_or_insert_with(Vessel::default);
    // The column `Vess_flag` stands; another flag in the remarks is kept as a token.
    vessel.flag.is_none().then(|| vessel.flag = Some(country))
}

fn vessel_type(record: &mut Record, rest: &str) -> Option<()> {
    let kind = Text::new(rest).ok()?;
    record.vessel.get_or_insert_with(Vessel::default).types.push(kind);
    Some(())
}

fn vessel_owner(record: &mut Record, rest: &str) -> Option<()> {
    let owner = Text::new(rest).ok()?;
    let vessel = record.vessel.get_or_insert_with(Vessel::default);
    vessel.owner.is_none().then(|| vessel.owner = Some(owner))
}

fn aircraft(record: &mut Record, rest: &str, field: fn(&mut Aircraft) -> &mut Vec<Text>) -> Option<()> {
    let value = Text::new(rest).ok()?;
    field(record.aircraft.get_or_insert_with(Aircraft::default)).push(value);
    Some(())
}

fn keep(record: &mut Record, name: &str, value: &str) -> Option<()> {
    record.source.keep(&Text::new(name).ok()?, Prose::new(value).ok()?);
    Some(())
}

/// `LABEL: TEXT`, `LABEL - TEXT`, `LABEL (SCOPE) DATE`.
fn measure(record: &mut Record, token: &str) -> Option<()> {
    let is_date = token.contains(" Date (") || token.starts_with("Listing Date");
    let (label, text) = if is_date {
        let (label, date) = token.split_at_checked(token.find(')')? + 1)?;
        (label, date.trim_start_matches([':', ' ']))
    } else {
        let cut =
            [": ", " - "].into_iter().filter_map(|mark| token.find(mark).map(|at| (at, mark.len()))).min();
        let (at, len) = cut?;
        (token.get(..at)?, token.get(at + len..)?)
    };
    let mut measure = Measure::new(Prose::new(text.trim()).ok()?);
    measure.label = Some(Text::new(label.trim()).ok()?);
    measure.effective = is_date.then(|| dates::parse(text)).flatten();
    push(&mut record.measures, measure);
    Some(())
}
