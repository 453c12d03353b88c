//! Text of others in a file that somebody may look at on a terminal: nothing in it moves the terminal, turns its
//! direction or makes a line.
//!
//! Not here: what a spreadsheet obeys (`table`).

use std::fmt::Write as _;

use serde_json::Value;

/// What must not reach a terminal as it is: controls, line and paragraph separators, and what turns the direction or
/// cannot be seen (Unicode Standard Annex #9, 2).
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// A value as JSON in one line, in which whatever deceives stands as an escape: a reader gets the text as it was.
pub(super) fn json_line(value: &Value) -> String {
    let text = value.to_string();
    if !text.chars().any(deceives) {
        return text;
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if deceives(c) {
            // Such a character stands in strings alone, where RFC 8259, section 7, has an escape for it.
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(safe, "\\u{unit:04x}").unwrap_or_default();
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A text in one line without escapes: white space is a blank, and whatever else deceives U+FFFD.
pub(super) fn one_line(text: &str) -> String {
    let plain = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => ' ',
        c if deceives(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_of_json_deceives_nobody_and_says_the_same() {
        let bad = "MIRAGE\r\n\u{1b}[2J\u{9b}2J \u{202e}cba\u{2028}\u{200b}\u{e0041}";
        let line = json_line(&json!({ "name": bad }));
        assert!(!line.chars().any(deceives), "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), json!({ "name": bad }));
        assert_eq!(json_line(&json!("Ёлка, محمد")), "\"Ёлка, محمد\"");
    }

    #[test]
    fn a_text_is_one_line() {
        assert_eq!(one_line("A\r\nB\tC\u{202e}D\u{1b}E"), "A  B C\u{fffd}D\u{fffd}E");
    }
}
