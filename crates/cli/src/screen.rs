//! `comity screen`: what is listed under a name, an identifier or a code of goods. What is asked is written nowhere.

use comity_screening::Query;
use comity_tlog::Hash;
use comity_watchlist::{IdKind, Text};
use comity_wire::{ScreenQuery, v1};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal, sentence};
use crate::args::{Screen, ScreenFor};
use crate::log::checkpoint_word;
use crate::plain::plain;
use crate::records::state_word;
use crate::source::Source;

pub(crate) fn run(arguments: &Screen) -> Result<Answer, Refusal> {
    let query = parse(&arguments.query)?;
    let answer = Source::find(&arguments.of.home)?.screen(&query)?;
    let word = match v1::ScreenAnswer::try_from(answer.answer) {
        Ok(v1::ScreenAnswer::Hits) => "hits",
        Ok(v1::ScreenAnswer::None) => "none",
        Ok(v1::ScreenAnswer::Stale) => "stale",
        Ok(v1::ScreenAnswer::Frozen) => "frozen",
        Ok(v1::ScreenAnswer::Unspecified) | Err(_) => {
            return Err(Refusal::new("malformed", "the answer says neither yes nor no"));
        }
    };
    let as_of = answer
        .as_of
        .iter()
        .map(|head| Ok(json!({ "origin": head.origin, "size": head.size, "root": root(&head.root)? })));
    let json = json!({
        "answer": word,
        "as_of": as_of.collect::<Result<Vec<_>, Refusal>>()?,
        "hits": answer.hits.iter().map(hit_json).collect::<Result<Vec<_>, _>>()?,
        "hits_left_out": answer.hits_left_out,
        "closed": answer.closed,
    });
    Ok(Answer::new(text(word, &answer), json))
}

/// Reads the question here, so that a mistake in it is explained in full before anybody is asked.
fn parse(query: &ScreenFor) -> Result<ScreenQuery, Refusal> {
    let refuse = |reason: String| Refusal::new("bad_query", reason);
    let as_text = |text: &str| Text::new(text).map_err(|error| refuse(sentence(&error)));
    match (&query.id, &query.name) {
        (_, Some(name)) => {
            Query::name(name).map_err(|error| refuse(sentence(&error)))?;
            Ok(ScreenQuery::Name { name: as_text(name)? })
        }
        (Some(id), None) => {
            Query::id(id).map_err(|error| refuse(sentence(&error)))?;
            // The same places as the parser above takes: it has read the text, so that both are there.
            let (head, value) = id.split_once(':').unwrap_or((id, ""));
            let (word, scope) =
                head.split_once('/').map_or((head, None), |(word, scope)| (word, Some(scope)));
            let kind = IdKind::from_word(&word.trim().to_ascii_lowercase());
            let kind = kind.ok_or_else(|| refuse("not a type of identifier".to_owned()))?;
            let scope = scope.map(as_text).transpose()?;
            Ok(ScreenQuery::Identifier { kind, scope, value: as_text(value)? })
        }
        (None, None) => Err(refuse("neither --id nor --name was given".to_owned())),
    }
}

fn root(bytes: &[u8]) -> Result<String, Refusal> {
    let bytes = <[u8; 32]>::try_from(bytes);
    let malformed = |_| Refusal::new("malformed", "a root that is not 32 bytes long");
    Ok(Hash::from_bytes(bytes.map_err(malformed)?).to_base64())
}

fn state(hit: &v1::Hit) -> &'static str {
    // Unspecified: its changes contradict each other, or a later one is not opened.
    state_word(v1::RecordState::try_from(hit.state).unwrap_or_default())
}

/// Why the record itself is for review, in a word and for a person.
fn review(hit: &v1::Hit) -> Option<(&'static str, &'static str)> {
    match hit.review() {
        v1::ReviewReason::Conflict => Some(("conflict", "changes of it contradict each other")),
        v1::ReviewReason::NotOpened => Some(("not-opened", "a later change of it is not opened")),
        v1::ReviewReason::PackageIncomplete => Some((
            "package-incomplete",
            "a later change of it is in a package of which not all is there or opened; none of that is applied",
        )),
        v1::ReviewReason::Unspecified => None,
    }
}

fn hit_json(hit: &v1::Hit) -> Result<Value, Refusal> {
    Ok(json!({
        "agency": hit.agency,
        "list": hit.list,
        "reference": hit.reference,
        "version": hit.version,
        "kind": hit.kind,
        "name": hit.name,
        "origin": hit.origin,
        "index": hit.index,
        "size": hit.size,
        "root": root(&hit.root)?,
        "state": state(hit),
        "checkpoint": checkpoint_word(hit.checkpoint()),
        "goods": hit.goods.as_ref().map(goods_json).transpose()?,
        "review": review(hit).map(|(word, _)| word),
        "merged_into": hit.merged_into.as_ref().map(|into| json!({ "list": into.list, "reference": into.reference })),
    }))
}

fn goods_json(goods: &v1::GoodsMatch) -> Result<Value, Refusal> {
    let relation = match goods.relation() {
        v1::GoodsRelation::Same => "same",
        v1::GoodsRelation::Covers => "covers",
        v1::GoodsRelation::Covered => "covered",
        v1::GoodsRelation::Unspecified => {
            return Err(Refusal::new(
                "malformed",
                "a hit does not say how its code of goods lies to the other",
            ));
        }
    };
    let mut told = json!({ "scheme": goods.scheme, "code": goods.code, "relation": relation });
    let edition = goods.edition.as_ref().map(|edition| {
        let newer = Some(&edition.newer).filter(|newer| !newer.is_empty());
        json!({
            "edition": edition.edition, "origin": edition.origin, "held": edition.held, "newer": newer,
            "unlisted": edition.unlisted,
        })
    });
    if let (Some(edition), Some(object)) = (edition, told.as_object_mut()) {
        object.insert("edition".to_owned(), edition);
    }
    Ok(told)
}

/// Against which edition a code was written, for a person.
fn edition_text(edition: &v1::CodeEdition) -> String {
    let mut text = format!(", written against {} of {}", plain(&edition.edition), plain(&edition.origin));
    if !edition.held {
        text.push_str(", which is not held");
    }
    if edition.unlisted {
        text.push_str(", which does not have it");
    }
    if !edition.newer.is_empty() {
        text.push_str("; OLD: the newest is ");
        text.push_str(&plain(&edition.newer));
    }
    text
}

/// Why a record was found by a code of goods, for a person.
fn goods_text(goods: &v1::GoodsMatch) -> String {
    goods_relation_text(goods) + &goods.edition.as_ref().map(edition_text).unwrap_or_default()
}

fn goods_relation_text(goods: &v1::GoodsMatch) -> String {
    let (scheme, code) = (plain(&goods.scheme), plain(&goods.code));
    match goods.relation() {
        v1::GoodsRelation::Same => format!("\n    listed under {scheme} {code}, as asked"),
        v1::GoodsRelation::Covers => {
            format!("\n    listed under {scheme} {code}, which covers what was asked")
        }
        v1::GoodsRelation::Covered => {
            format!("\n    listed under {scheme} {code}, which is a part of what was asked")
        }
        v1::GoodsRelation::Unspecified => String::new(),
    }
}

fn text(word: &str, answer: &v1::ScreenResponse) -> String {
    let mut lines = vec![match answer.hits.len() {
        0 if word == "stale" => "stale: a log is older than it may be, so that nobody is cleared".to_owned(),
        0 if word == "frozen" => {
            "frozen: the history of a log is in doubt, so that nobody is cleared".to_owned()
        }
        0 => format!("{word}: no record has it"),
        count => format!("{word}: {count}"),
    }];
    for hit in &answer.hits {
        let goods = hit.goods.as_ref().map(goods_text).unwrap_or_default();
        let into = hit.merged_into.as_ref().map(|into| plain(&format!("{} {}", into.list, into.reference)));
        let into = into.map(|into| format!("\n    merged into {into}")).unwrap_or_default();
        let review = review(hit).map(|(_, why)| format!("\n    for review: {why}")).unwrap_or_default();
        lines.push(format!(
            "  {}  {} {}  {}  {}  ({} entry {}, {}, {}){goods}{into}{review}",
            hit.agency,
            hit.list,
            plain(&hit.reference),
            hit.kind,
            plain(&hit.name),
            hit.origin,
            hit.index,
            state(hit),
            checkpoint_word(hit.checkpoint())
        ));
    }
    if answer.hits_left_out > 0 {
        lines.push(format!("  and at least {} more; ask for less", answer.hits_left_out));
    }
    for head in &answer.as_of {
        let closed =
            if answer.closed.contains(&head.origin) { ", CLOSED: nothing new comes in it" } else { "" };
        lines.push(format!("as of {} size {}{closed}", head.origin, head.size));
    }
    lines.join("\n")
}
