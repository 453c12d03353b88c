//! Ways in which a document as XML is bent.

use std::fmt::Write as _;

use crate::Verdict::{self, LeftOut, Refused, Taken};
use crate::{Case, Form};

const NO_DTD: &str = "document type definition is not allowed";

/// The bent documents of a form.
pub(crate) fn cases(form: &Form) -> Vec<Case> {
    let mut cases = crate::tables::of_any_form(form);
    let mut add = |way: &str, verdict: Verdict, bytes: Vec<u8>| {
        cases.push(Case { way: way.to_owned(), bytes, verdict });
    };
    let good = form.good;
    let (head, root) = parts(good);
    let inside = |text: &str| with_inside(good, text).into_bytes();
    let at_name = |text: &str| form.named(text);

    for (way, dtd) in type_definitions() {
        add(way, Refused(NO_DTD), format!("{head}{dtd}{root}").into_bytes());
    }
    add("an entity that nobody declared", Refused("entity"), at_name("A&nobody;B"));
    add("a character of no number", Refused("not a valid codepoint"), at_name("A&#x110000;B"));
    add("half of a surrogate pair", Refused("not a valid codepoint"), at_name("A&#xD800;B"));
    add("a reference that does not end", Refused("not well-formed"), at_name("A&amp B"));
    add("an ampersand alone", Refused("not well-formed"), at_name("A & B"));
    add(
        "ten thousand attributes",
        Refused("attributes of an element"),
        attributes(good, 10_000).into_bytes(),
    );
    add("one attribute twice", Refused("duplicated attribute"), inside("<x a=\"1\" a=\"2\"/>"));
    add("an attribute without quotes", Refused("must be enclosed"), inside("<x a=1/>"));
    add("an attribute that does not end", Refused(""), inside("<x a=\"1/>"));
    add("a hundred thousand levels", Refused("nested deeper"), inside(&"<x>".repeat(100_000)));
    add("a hundred thousand levels that end", Refused("nested deeper"), {
        inside(&["<x>".repeat(100_000), "</x>".repeat(100_000)].concat())
    });
    add("an end without a beginning", Refused("was found"), inside("</x>"));
    add("an end of another name", Refused("was found"), inside("<x></y>"));
    add("a beginning without an end", Refused("was found"), inside("<x>"));
    add("two roots", Refused("another root element"), [root, root].concat().into_bytes());
    add("text behind the root", Refused("outside the root"), format!("{good} and more").into_bytes());
    add("text before the root", Refused(""), format!("more {root}").into_bytes());
    add("character data that do not end", Refused("not closed"), inside("<x><![CDATA[ y </x>"));
    add("a comment that does not end", Refused("not closed"), inside("<!-- x"));
    add("a hundred thousand comments", Taken, inside(&"<!-- x -->".repeat(100_000)));
    add("a hundred thousand instructions", Taken, inside(&"<?x y?>".repeat(100_000)));
    add("a name with markup", Refused(""), at_name("A < B"));
    add("another encoding declared", Refused("encoding other than"), {
        format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{root}").into_bytes()
    });
    add("an encoding of no name", Refused("encoding other than"), {
        format!("<?xml version=\"1.0\" encoding=\"EBCDIC-RR\"?>{root}").into_bytes()
    });
    add("a root of another name", Refused(""), root_of_another_name(good).into_bytes());
    add("cut off in its last element", Refused("not closed"), without_end(good.trim_end(), 3).to_vec());
    add("a name of a MiB", Refused("larger than"), at_name(&"A".repeat(1 << 20)));
    add("a control character in a name", Refused("forbidden control character"), at_name("A\u{1}B"));
    add("a control character by its number", LeftOut("control character"), at_name("A&#1;B"));
    add("a NUL by its number", Refused("not permitted"), at_name("A&#0;B"));
    cases
}

/// Document type definitions, each before the root.
fn type_definitions() -> [(&'static str, String); 7] {
    let mut laughs = String::from("<!DOCTYPE r [<!ENTITY l0 \"ha\">");
    for level in 1..=9 {
        let before = format!("&l{};", level - 1).repeat(10);
        let _ = write!(laughs, "<!ENTITY l{level} \"{before}\">");
    }
    laughs.push_str("]>");
    let large = format!("<!DOCTYPE r [<!ENTITY a \"{}\">]>", "a".repeat(50_000));
    [
        ("a billion laughs", laughs),
        ("one large entity, as quadratic blow-up has it", large),
        (
            "an external entity of a file",
            "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>".to_owned(),
        ),
        (
            "an external entity of a host",
            "<!DOCTYPE r [<!ENTITY x SYSTEM \"http://zenda.invalid/x\">]>".to_owned(),
        ),
        ("an external definition", "<!DOCTYPE r SYSTEM \"http://zenda.invalid/x.dtd\">".to_owned()),
        ("a parameter entity", "<!DOCTYPE r [<!ENTITY % x SYSTEM \"file:///etc/passwd\"> %x;]>".to_owned()),
        ("a definition of nothing", "<!DOCTYPE r>".to_owned()),
    ]
}

/// The declaration of a document, and the rest.
fn parts(good: &str) -> (&str, &str) {
    good.split_at(good.find("?>").unwrap() + 2)
}

/// The document with something put behind the tag of its root.
fn with_inside(good: &str, text: &str) -> String {
    let (head, root) = parts(good);
    let end = root.find('<').unwrap();
    let behind = end + root.get(end..).unwrap().find('>').unwrap() + 1;
    let (tag, rest) = root.split_at(behind);
    [head, tag, text, rest].concat()
}

fn attributes(good: &str, count: usize) -> String {
    let (head, root) = parts(good);
    let end = root.find('>').unwrap();
    let (tag, rest) = root.split_at(end);
    let more = (0..count).fold(String::new(), |more, number| more + &format!(" a{number}=\"x\""));
    [head, tag, &more, rest].concat()
}

fn root_of_another_name(good: &str) -> String {
    let (_, root) = parts(good);
    let begin = root.find('<').unwrap() + 1;
    let name: String =
        root.get(begin..).unwrap().chars().take_while(|c| !c.is_whitespace() && *c != '>').collect();
    good.replace(&format!("<{name}"), "<moat").replace(&format!("</{name}"), "</moat")
}

fn without_end(good: &str, bytes: usize) -> &[u8] {
    good.as_bytes().get(..good.len() - bytes).unwrap()
}
