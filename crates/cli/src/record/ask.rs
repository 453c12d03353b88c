//! A record asked for field by field on a terminal.
//!
//! Each answer is tried at once as part of the very form that a file has, so that both are held to the same checks. Only
//! what most designations have is asked for; the rest is for a file. Questions go to standard error, since standard
//! output is for the answer.

use std::io::{BufRead, IsTerminal as _, Write};

use comity_feeds::own::{self, OwnRecord};
use comity_watchlist::{Handle, Record, RecordKey};
use serde_json::{Map, Value};

use crate::answer::{Refusal, sentence};
use crate::plain::plain;
use crate::record::NOTHING;

/// Longest answer in bytes: a paragraph of reasons.
const ANSWER_BYTES_MAX: u64 = 64_000;

/// A field, and what is asked of each of its items.
struct Field {
    name: &'static str,
    says: &'static str,
    shape: Shape,
}

/// How often a field is asked for.
enum Shape {
    /// Once.
    One,
    /// Until nothing more is answered, each a string.
    Many,
    /// Until nothing is answered to the first question of an item; the names with a star are needed.
    Items(&'static [&'static str]),
}

/// In the order in which people think of them.
const FIELDS: [Field; 19] = [
    Field {
        name: "kind",
        says: "person, organisation, vessel, aircraft, good, account, shipment, …",
        shape: Shape::One,
    },
    Field {
        name: "names",
        says: "the whole name; its kind: primary, aka, fka, nka; its quality: good, weak",
        shape: Shape::Items(&["full*", "kind*", "quality", "script"]),
    },
    Field {
        name: "facts",
        says: "birth, death, founded, dissolved or built, and the date",
        shape: Shape::Items(&["kind*", "date*"]),
    },
    Field {
        name: "ties",
        says: "nationality, citizenship, residence or registration, and the country",
        shape: Shape::Items(&["tie*", "country.name*", "country.code"]),
    },
    Field { name: "titles", says: "titles", shape: Shape::Many },
    Field { name: "positions", says: "positions held", shape: Shape::Many },
    Field {
        name: "addresses",
        says: "addresses",
        shape: Shape::Items(&["street", "city", "region", "postal_code", "country.name", "country.code"]),
    },
    Field {
        name: "identifiers",
        says: "passport, national-id, tax-id, registration, imo, … and the number",
        shape: Shape::Items(&[
            "kind*",
            "value*",
            "country.name",
            "country.code",
            "issued",
            "expires",
            "note",
        ]),
    },
    Field { name: "programmes", says: "programmes", shape: Shape::Many },
    Field { name: "measures", says: "what is ordered", shape: Shape::Items(&["text*", "effective"]) },
    Field {
        name: "legal",
        says: "acts that it rests on",
        shape: Shape::Items(&["act*", "url", "published", "in_force"]),
    },
    Field { name: "listed_on", says: "date of listing", shape: Shape::One },
    Field { name: "effective_on", says: "date of effect", shape: Shape::One },
    Field { name: "review_by", says: "date by which it is reviewed", shape: Shape::One },
    Field {
        name: "links",
        says: "linked, owns, owned-by, directs, family or acts-for, and whom",
        shape: Shape::Items(&["relation*", "named*", "share"]),
    },
    Field {
        name: "handling_reference",
        says: "the originator's rules or caveat of handling",
        shape: Shape::One,
    },
    Field { name: "reasons_public", says: "reasons that may be published", shape: Shape::Many },
    Field { name: "reasons_closed", says: "reasons that may not", shape: Shape::Many },
    Field {
        name: "sightings",
        says: "where and when it was seen",
        shape: Shape::Items(&["text*", "seen", "place.city", "place.country.name"]),
    },
];

/// Somebody who answers.
pub(super) struct Dialog<'a> {
    answers: Box<dyn BufRead + 'a>,
    questions: Box<dyn Write + 'a>,
}

impl Dialog<'static> {
    /// Whoever sits at the terminal; none if standard input is no terminal.
    pub(super) fn of_terminal() -> Option<Self> {
        let stdin = std::io::stdin();
        let is_terminal = stdin.is_terminal();
        is_terminal.then(|| Self::new(stdin.lock(), std::io::stderr()))
    }
}

impl<'a> Dialog<'a> {
    fn new(answers: impl BufRead + 'a, questions: impl Write + 'a) -> Self {
        Self { answers: Box::new(answers), questions: Box::new(questions) }
    }

    /// Asks until an answer reads.
    pub(super) fn until<T>(
        &mut self,
        question: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Refusal> {
        loop {
            let answer = self.ask(question)?;
            match read(&answer) {
                Ok(value) => return Ok(value),
                Err(error) => self.tell(&format!("  not taken: {error}"))?,
            }
        }
    }

    /// Asks for a record, field by field, beginning with what is held of it.
    pub(super) fn record(
        &mut self,
        key: &RecordKey,
        held: Option<(&Record, u64, Handle)>,
    ) -> Result<OwnRecord, Refusal> {
        let mut draft = Map::new();
        if let Some((record, version, handle)) = held {
            let text =
                own::write(record, Some(version), Some(handle)).map_err(|error| bad(&sentence(&error)))?;
            if let Value::Object(object) =
                serde_json::from_str(&text).map_err(|error| bad(&error.to_string()))?
            {
                draft = object;
            }
        }
        draft.insert("list".to_owned(), key.list.as_str().into());
        draft.insert("reference".to_owned(), key.reference.as_str().into());
        self.tell("Enter leaves a field as it is, - empties it, ? says what it is for; docs/records.md has them all.")?;
        for field in &FIELDS {
            self.field(&mut draft, field)?;
        }
        let text = serde_json::to_string_pretty(&draft).map_err(|error| bad(&error.to_string()))?;
        self.tell(&text.lines().map(plain).collect::<Vec<_>>().join("\n"))?;
        let record = own::read(text.as_bytes()).map_err(|error| bad(&sentence(&error)))?;
        if self.ask("sign this? (yes or no)")? != "yes" {
            return Err(Refusal::new("not_confirmed", "it was not confirmed; nothing was signed"));
        }
        Ok(record)
    }

    fn field(&mut self, draft: &mut Map<String, Value>, field: &Field) -> Result<(), Refusal> {
        match field.shape {
            Shape::One => {
                let held = draft
                    .get(field.name)
                    .map(|value| value.as_str().map_or_else(|| value.to_string(), plain));
                let held = held.map(|held| format!(" [{held}]")).unwrap_or_default();
                loop {
                    let answer = self.ask_of(field, &format!("{}{held}", field.name))?;
                    match answer.as_str() {
                        "" => return Ok(()),
                        "-" => {
                            draft.remove(field.name);
                            return Ok(());
                        }
                        _ => {}
                    }
                    if self.takes(draft, field.name, answer.into())? {
                        return Ok(());
                    }
                }
            }
            Shape::Many => self.items(draft, field, &[]),
            Shape::Items(parts) => self.items(draft, field, parts),
        }
    }

    /// Asks for the items of a list; whatever is answered comes in the place of those that are held.
    fn items(
        &mut self,
        draft: &mut Map<String, Value>,
        field: &Field,
        parts: &[&str],
    ) -> Result<(), Refusal> {
        let held = draft.get(field.name).and_then(Value::as_array).map_or(0, Vec::len);
        let first = parts.first().map(|part| format!(": {}", part.trim_end_matches('*'))).unwrap_or_default();
        let mut items: Vec<Value> = Vec::new();
        loop {
            let count = match (items.len(), held) {
                (0, 0) => String::new(),
                (0, held) => format!(" [{held} held]"),
                (taken, _) => format!(" [{taken} taken]"),
            };
            let answer = self.ask_of(field, &format!("{}{first}{count}", field.name))?;
            match answer.as_str() {
                "" => return Ok(()),
                "-" if items.is_empty() => {
                    draft.remove(field.name);
                    return Ok(());
                }
                _ => {}
            }
            let item = if parts.is_empty() { answer.into() } else { self.item(field, parts, &answer)? };
            items.push(item);
            if !self.takes(draft, field.name, Value::Array(items.clone()))? {
                items.pop();
            }
        }
    }

    /// Asks for the parts of an item after the first.
    fn item(&mut self, field: &Field, parts: &[&str], first: &str) -> Result<Value, Refusal> {
        let mut item = Map::new();
        for (at, part) in parts.iter().enumerate() {
            let name = part.trim_end_matches('*');
            let answer = if at == 0 {
                first.to_owned()
            } else {
                let needed = if part.ends_with('*') { " (needed)" } else { "" };
                self.ask_of(field, &format!("  {name}{needed}"))?
            };
            if !answer.is_empty() {
                put(&mut item, name, answer);
            }
        }
        Ok(Value::Object(item))
    }

    /// Puts a value into the draft if the form takes it, and says why if not.
    fn takes(&mut self, draft: &mut Map<String, Value>, name: &str, value: Value) -> Result<bool, Refusal> {
        let mut tried = draft.clone();
        tried.insert(name.to_owned(), value);
        let mut whole = tried.clone();
        // What is not asked for yet may be missing.
        whole.entry("kind").or_insert_with(|| "person".into());
        match own::read(Value::Object(whole).to_string().as_bytes()) {
            Ok(_) => {
                *draft = tried;
                Ok(true)
            }
            Err(error) => {
                self.tell(&format!("  not taken: {}", plain(&sentence(&error))))?;
                Ok(false)
            }
        }
    }

    fn ask_of(&mut self, field: &Field, question: &str) -> Result<String, Refusal> {
        loop {
            let answer = self.ask(question)?;
            if answer != "?" {
                return Ok(answer);
            }
            self.tell(&format!("  {}", field.says))?;
        }
    }

    fn ask(&mut self, question: &str) -> Result<String, Refusal> {
        write!(self.questions, "{question}: ")
            .and_then(|()| self.questions.flush())
            .map_err(|error| told(&error))?;
        let mut line = Vec::new();
        let mut limited = std::io::Read::take(&mut self.answers, ANSWER_BYTES_MAX);
        limited.read_until(b'\n', &mut line).map_err(|error| told(&error))?;
        if line.last() != Some(&b'\n') {
            let message =
                format!("standard input ended before all was asked, or a line is too long{NOTHING}");
            return Err(Refusal::new("usage", message));
        }
        let line = String::from_utf8(line).map_err(|_| bad("an answer is not UTF-8"))?;
        Ok(line.trim().to_owned())
    }

    fn tell(&mut self, text: &str) -> Result<(), Refusal> {
        writeln!(self.questions, "{text}").map_err(|error| told(&error))
    }
}

/// Puts a value under a name such as `country.code`.
fn put(item: &mut Map<String, Value>, name: &str, value: String) {
    match name.split_once('.') {
        None => {
            item.insert(name.to_owned(), value.into());
        }
        Some((outer, inner)) => {
            let held = item.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            if let Some(object) = held.as_object_mut() {
                put(object, inner, value);
            }
        }
    }
}

fn bad(reason: &str) -> Refusal {
    Refusal::new("record", format!("{reason}{NOTHING}"))
}

fn told(error: &std::io::Error) -> Refusal {
    Refusal::new("file", format!("the terminal cannot be used: {error}{NOTHING}"))
}

#[cfg(test)]
mod tests {
    use comity_watchlist::{ListId, Reference};

    use super::*;

    fn key() -> RecordKey {
        RecordKey::new(ListId::parse("xa-national").unwrap(), Reference::parse("XA-1").unwrap())
    }

    /// Answers the questions for a record; gives the outcome and what was asked.
    fn answered(answers: &str, held: Option<(&Record, u64, Handle)>) -> (Result<OwnRecord, Refusal>, String) {
        let mut asked = Vec::new();
        let outcome = Dialog::new(answers.as_bytes(), &mut asked).record(&key(), held);
        (outcome, String::from_utf8(asked).unwrap())
    }

    const ANSWERS: &str = "ship\nvessel\n\
        Mirage\nprimary\n\n\nThe Mirage\nalias\n\n\nThe Mirage\naka\nweak\n\n\n\
        built\n1962-02-30\nbuilt\n1962\n\n\n\n\n\n?\nimo\n9074729\nRuritania\nXA\n\n\n\n\n\n\n\
        Order 7\n\n2026-05-28\n\n\n2026-06-01\n\n\n\nZENDA/7\nSeen where it may not be.\n\nA servant told so.\n\n\n";

    #[test]
    fn a_record_is_asked_for_field_by_field_and_what_does_not_read_is_asked_for_again() {
        let (record, asked) = answered(&format!("{ANSWERS}yes\n"), None);
        let OwnRecord { record, version, .. } =
            record.unwrap_or_else(|refusal| panic!("{}: {asked}", refusal.message));
        let file = br#"{
            "list": "xa-national", "reference": "XA-1", "kind": "vessel",
            "names": [ { "full": "Mirage", "kind": "primary" }, { "full": "The Mirage", "kind": "aka", "quality": "weak" } ],
            "facts": [ { "kind": "built", "date": "1962" } ],
            "identifiers": [ { "kind": "imo", "value": "9074729", "country": { "name": "Ruritania", "code": "XA" } } ],
            "legal": [ { "act": "Order 7", "published": "2026-05-28" } ], "listed_on": "2026-06-01",
            "handling_reference": "ZENDA/7",
            "reasons_public": [ "Seen where it may not be." ], "reasons_closed": [ "A servant told so." ]
        }"#;
        assert_eq!((record, version), (own::read(file).unwrap().record, None));
        for said in [
            "no kind of subject is called \"ship\"",
            "no kind of name is called \"alias\"",
            "day 30 does not exist",
        ] {
            assert!(asked.contains(said), "{said}: {asked}");
        }
        assert!(asked.contains("passport, national-id"), "? says what a field is for: {asked}");
    }

    #[test]
    fn what_is_held_stays_unless_it_is_answered_otherwise() {
        let held = own::read(br#"{ "list": "xa-national", "reference": "XA-1", "kind": "person",
            "names": [ { "full": "Rupert", "kind": "primary" } ], "titles": [ "Count" ], "genders": [ "male" ] }"#);
        let held = held.unwrap().record;
        // Kind and names stay, facts and ties too; titles go, and a position comes.
        let answers = format!("\n\n\n\n-\nKeeper\n\n{}yes\n", "\n".repeat(13));
        let (record, asked) = answered(&answers, Some((&held, 4, Handle::new([7; 16]))));
        let OwnRecord { record, version, handle } =
            record.unwrap_or_else(|refusal| panic!("{}: {asked}", refusal.message));
        assert_eq!((&record.names, &record.genders, version), (&held.names, &held.genders, Some(4)));
        assert_eq!(handle, Some(Handle::new([7; 16])));
        assert!(record.titles.is_empty() && record.positions.len() == 1, "{asked}");
    }

    #[test]
    fn nothing_comes_of_a_dialog_that_is_not_confirmed_or_breaks_off() {
        assert_eq!(answered(&format!("{ANSWERS}no\n"), None).0.unwrap_err().code, "not_confirmed");
        for answers in ["", "person\n", "person", ANSWERS] {
            assert_eq!(answered(answers, None).0.unwrap_err().code, "usage", "{answers}");
        }
        let long = "x".repeat(70_000);
        assert_eq!(answered(&format!("person\n{long}\n"), None).0.unwrap_err().code, "usage");
    }
}
