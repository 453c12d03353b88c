//! Every leaf value of a document, read without the parser under test, and the search for it in what is signed.

use std::collections::HashMap;

use comity_feeds::Snapshot;
use comity_watchlist::Record;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::texts;

/// Path and value of each attribute and each text of one element.
pub(crate) type Leaves = Vec<(String, String)>;

/// The elements that lie `level` deep, each with its path and its leaves; paths within start at the element.
pub(crate) fn elements(document: &str, level: usize) -> Vec<(String, Leaves)> {
    let mut reader = Reader::from_str(document);
    let (mut path, mut found, mut leaves, mut texts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                path.push(start.name().as_ref().to_owned());
                texts.push(String::new());
                attributes(&start, &path, level, &mut leaves);
            }
            Event::Empty(start) => {
                path.push(start.name().as_ref().to_owned());
                attributes(&start, &path, level, &mut leaves);
                close(&mut path, level, "", &mut leaves, &mut found);
            }
            Event::Text(more) => push(&mut texts, &more.xml10_content()),
            Event::CData(more) => push(&mut texts, &more.xml10_content()),
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let character = reference.resolve_char_ref().unwrap().map(String::from);
                let predefined = quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned);
                push(&mut texts, &character.or(predefined).unwrap());
            }
            Event::End(_) => close(&mut path, level, &texts.pop().unwrap(), &mut leaves, &mut found),
            Event::Eof => return found,
            _ => {}
        }
    }
}

fn push(texts: &mut [String], more: &str) {
    if let Some(text) = texts.last_mut() {
        text.push_str(more);
    }
}

fn attributes(start: &BytesStart<'_>, path: &[String], level: usize, leaves: &mut Leaves) {
    if path.len() <= level {
        return;
    }
    for attribute in start.attributes().map(Result::unwrap) {
        let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0).unwrap();
        let place = path[level + 1..].join("/");
        leaves.push((format!("{place}@{}", attribute.key.as_ref()), value.trim().to_owned()));
    }
}

fn close(
    path: &mut Vec<String>,
    level: usize,
    text: &str,
    leaves: &mut Leaves,
    found: &mut Vec<(String, Leaves)>,
) {
    if path.len() > level && !text.trim().is_empty() {
        leaves.push((path[level + 1..].join("/"), text.trim().to_owned()));
    }
    if path.len() == level + 1 {
        leaves.retain(|(_, value)| !value.is_empty());
        found.push((path.join("/"), std::mem::take(leaves)));
    }
    path.pop();
}

/// The value of the first leaf of a path.
pub(crate) fn first<'a>(leaves: &'a Leaves, path: &str) -> Option<&'a str> {
    leaves.iter().find(|(place, _)| place == path).map(|(_, value)| value.as_str())
}

/// All strings of each record, by its reference.
pub(crate) fn by_reference(snapshot: &Snapshot) -> HashMap<&str, Vec<String>> {
    let record = |record: &'_ Record| texts::texts(record);
    snapshot.records.iter().map(|found| (found.key.reference.as_str(), record(found))).collect()
}

/// Fails on a leaf that is neither among the strings of its record nor one that `coded` says is mapped to a code;
/// gives back how many leaves there were.
pub(crate) fn check(
    reference: &str,
    leaves: &Leaves,
    found: &[String],
    coded: impl Fn(&str, &str) -> bool,
) -> usize {
    for (path, value) in leaves {
        let kept = found.iter().any(|text| text.contains(value.as_str()));
        assert!(kept || coded(path, value), "{reference} {path}: {value}");
    }
    leaves.len()
}

#[allow(dead_code, reason = "each test binary uses its own part")]
pub(crate) mod advanced;
#[allow(dead_code, reason = "each test binary uses its own part")]
pub(crate) mod ofac;
