//! Ways in which a list as lines of JSON is bent.

use crate::Verdict::{self, LeftOut, Taken};
use crate::{Case, Form};

/// The bent lines of a form.
pub(crate) fn cases(form: &Form) -> Vec<Case> {
    let mut cases = crate::tables::of_any_form(form);
    let mut add = |way: &str, verdict: Verdict, bytes: Vec<u8>| {
        cases.push(Case { way: way.to_owned(), bytes, verdict });
    };
    let with = |line: &str| [form.good.trim_end(), "\n", line, "\n"].concat().into_bytes();
    let at_name = |text: &str| form.named(text);
    let object = |inside: &str| with(&format!("{{{inside}}}"));

    for (way, line) in [
        ("a number alone", "7"),
        ("a text alone", "\"a\""),
        ("null alone", "null"),
        ("a list in the place of an object", "[1,2]"),
        ("an object of nothing", "{}"),
        ("a line that ends too early", "{\"a\":"),
        ("an object that ends twice", "{\"a\":1}}"),
        ("two objects in a line", "{\"a\":1} {\"a\":2}"),
        ("a comma behind the last", "{\"a\":1,}"),
        ("quotes of one stroke", "{'a':1}"),
        ("a key without quotes", "{a:1}"),
        ("a comment", "// more to come"),
        ("words of no language", "{\"a\":NaN}"),
        ("a quote that does not end", "{\"a\":\"b}"),
        ("a table in its place", "id,schema,name"),
        ("a document in its place", "<list/>"),
        ("a key that stands twice", "{\"a\":1,\"a\":2}"),
    ] {
        add(way, LeftOut(""), with(line));
    }
    for (way, levels) in [("a hundred thousand levels", 100_000), ("a million levels", 1_000_000)] {
        add(way, LeftOut(""), with(&"[".repeat(levels)));
        add(&format!("{way} of objects"), LeftOut(""), with(&"{\"a\":".repeat(levels)));
        add(&format!("{way} that end"), LeftOut(""), {
            object(&["\"a\":", &"[".repeat(levels), &"]".repeat(levels)].concat())
        });
    }
    for (way, number) in [
        ("a number beyond any", "1e999"),
        ("a number of a thousand digits", &"9".repeat(1_000)),
        ("a number that begins with 0", "007"),
        ("a number in base 16", "0x7"),
    ] {
        add(way, LeftOut(""), object(&format!("\"a\":{number}")));
    }
    add("fifty thousand keys", LeftOut(""), {
        object(&(0..50_000).map(|key| format!("\"k{key}\":1")).collect::<Vec<_>>().join(","))
    });
    add("a million empty lines", Taken, [form.good.as_bytes(), &b"\n".repeat(1_000_000)].concat());
    add("no line end at its end", Taken, form.good.trim_end().as_bytes().to_vec());
    add("half of a surrogate pair", LeftOut("hex escape"), at_name("A\\ud800B"));
    add("the other half of a surrogate pair", LeftOut("surrogate"), at_name("A\\udc00B"));
    add("a NUL by its number", LeftOut(""), at_name("A\\u0000B"));
    add("a control character by its number", LeftOut(""), at_name("A\\u0001B"));
    add("a NUL in a name", LeftOut("control character"), at_name("A\0B"));
    add("a control character in a name", LeftOut("control character"), at_name("A\u{1}B"));
    add("an escape of no meaning", LeftOut("invalid escape"), at_name("A\\qB"));
    add("a name of a MiB", LeftOut(""), at_name(&"A".repeat(1 << 20)));
    add("a name that a spreadsheet obeys", Taken, at_name("=1+1"));
    add("a pair of surrogates by their numbers", Taken, at_name("\\ud83e\\uddff"));
    add("a name turned to the left by its number", Taken, at_name("A\\u202eB"));
    cases
}
