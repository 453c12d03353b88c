//! Entities that stand within others, as `targets.nested.json` has them: the same records as of entities on lines of their
//! own.

use std::collections::HashMap;
use std::fmt::Write as _;

use comity_feeds::{RejectReason, Snapshot, ftm};
use comity_watchlist::LinkTarget;
use serde_json::Value;

use crate::{file, list};

const ENTITIES: &str = include_str!("../fixtures/ftm/entities.ftm.json");

fn parse(text: &str) -> Snapshot {
    ftm::parse(&[file("targets.nested.json", text.as_bytes())], Some(&list("xa-castle"))).unwrap()
}

/// The entities by their ids, and the ends of each property that is an id.
struct Graph {
    entities: Vec<Value>,
    adjacent: HashMap<String, Vec<(String, String)>>,
}

impl Graph {
    fn of(text: &str) -> Self {
        let entities: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut adjacent: HashMap<String, Vec<(String, String)>> = HashMap::new();
        for entity in &entities {
            let id = entity["id"].as_str().unwrap();
            for (name, values) in entity["properties"].as_object().unwrap() {
                for other in values.as_array().unwrap().iter().filter_map(Value::as_str) {
                    if entities.iter().any(|entity| entity["id"] == other) {
                        adjacent.entry(id.to_owned()).or_default().push((name.clone(), other.to_owned()));
                        let back = format!("{name}{}", entity["schema"].as_str().unwrap());
                        adjacent.entry(other.to_owned()).or_default().push((back, id.to_owned()));
                    }
                }
            }
        }
        Self { entities, adjacent }
    }

    /// An entity with those beside it in the properties that lead to them: relations do not count as a step, and nobody
    /// stands within himself.
    fn nested(&self, id: &str, steps: u32, path: &[&str]) -> Value {
        let mut entity = self.entities.iter().find(|entity| entity["id"] == id).unwrap().clone();
        let relations = ["Ownership", "Directorship", "Family", "UnknownLink", "Associate", "Membership"];
        let is_relation = relations.iter().any(|schema| entity["schema"] == *schema);
        if !is_relation && steps == 0 {
            return entity;
        }
        let (steps, path) = (if is_relation { steps } else { steps - 1 }, [path, &[id]].concat());
        let mut within: HashMap<&str, Vec<Value>> = HashMap::new();
        for (name, other) in self.adjacent.get(id).into_iter().flatten() {
            if !path.contains(&other.as_str()) {
                within.entry(name).or_default().push(self.nested(other, steps, &path));
            }
        }
        for (name, values) in within {
            entity["properties"][name] = values.into();
        }
        entity
    }
}

fn nested(text: &str) -> String {
    let graph = Graph::of(text);
    let mut lines = String::new();
    for entity in graph.entities.iter().filter(|entity| entity["target"] == true) {
        writeln!(lines, "{}", graph.nested(entity["id"].as_str().unwrap(), 2, &[])).unwrap();
    }
    lines
}

#[test]
fn entities_that_stand_within_others_are_read_as_if_they_stood_beside_them() {
    let (flat, nested) = (parse(ENTITIES), nested(ENTITIES));
    assert!(nested.contains("[{"), "{nested}");
    let read = parse(&nested);
    for record in &flat.records {
        let other = read.records.iter().find(|other| other.key == record.key).unwrap();
        let paths = comity_watchlist::Record::changed_paths(record, other);
        // An address that there is not stands as its id in one form, and not at all in the other; what is kept may stand in
        // another order.
        let known = |path: &String| matches!(path.as_str(), "source.extra[addressEntity]" | "source.extra");
        assert!(paths.iter().all(known), "{}: {paths:?}", record.key.reference);
    }
}

#[test]
fn a_sanction_within_its_subject_need_not_say_whom_it_is_about() {
    let line = |sanction: &str| {
        format!(
            "{{\"id\":\"xa-1\",\"schema\":\"Person\",\"target\":true,\"properties\":{{\"name\":[\"Ilse Brandt\"],\
             \"sanctions\":[{sanction}]}}}}\n"
        )
    };
    let sanction =
        |id: &str| format!("{{{id}\"schema\":\"Sanction\",\"properties\":{{\"program\":[\"ZENDA\"]}}}}");
    let read = parse(&line(&sanction("\"id\":\"s-1\",")));
    let [record] = read.records.as_slice() else { panic!("{:?}", read.rejected) };
    assert_eq!(record.programmes[0].as_str(), "ZENDA");
    assert!(record.source.extra("sanctions").is_empty());

    let bad = [line(&sanction("")), line("[]"), line(&sanction("\"id\":7,"))];
    let good = "{\"id\":\"xa-2\",\"schema\":\"Person\",\"properties\":{\"name\":[\"Tomas Velloran\"]}}\n";
    for text in bad {
        let read = parse(&[&text, good].concat());
        assert_eq!((read.records.len(), read.rejected.len()), (1, 1), "{text}");
        assert!(matches!(
            read.rejected[0].reason,
            RejectReason::Missing { column: "id" } | RejectReason::Vocabulary { .. }
        ));
    }
}

#[test]
fn copies_of_one_entity_are_joined_in_the_order_of_the_file() {
    // Each subject has a copy of one relative and calls him otherwise: the first one counts, whatever is drawn for a hash.
    let line = |number: usize| {
        format!(
            "{{\"id\":\"xa-{number}\",\"schema\":\"Person\",\"target\":true,\"properties\":{{\"name\":[\"Ilse Brandt\"],\
             \"familyPerson\":[{{\"id\":\"f-{number}\",\"schema\":\"Family\",\"properties\":{{\"person\":[\"xa-{number}\"],\
             \"relative\":[{{\"id\":\"brother\",\"schema\":\"Person\",\"target\":false,\"caption\":\"Rupert {number}\",\
             \"properties\":{{}}}}]}}}}]}}}}\n"
        )
    };
    let text: String = (0..8).map(line).collect();
    let first = parse(&text);
    assert!(first.rejected.is_empty());
    for _ in 0..20 {
        assert_eq!(parse(&text).records, first.records);
    }
    for record in &first.records {
        let LinkTarget::Named(name) = &record.links[0].target else { panic!("he is not listed") };
        assert_eq!(name.as_str(), "Rupert 0");
    }
}
