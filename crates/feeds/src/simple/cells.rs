//! The values of one cell, divided by `;` and quoted where they hold one; and what a spreadsheet takes for a formula.
//!
//! Not for: what a column means.

/// Whether a spreadsheet would take a text for a formula: `=`, `+`, `-`, `@` and their wide forms, `|` and `%`, behind
/// whatever cannot be seen. A `'` before it makes it a text; so that the text can be told again, one that begins with
/// such marks counts as what stands behind them.
pub(crate) fn formula(text: &str) -> bool {
    let unseen = |c: char| c.is_whitespace() || c == '\u{fffd}' || c == '"';
    let begins = text.trim_start_matches('\'').trim_start_matches(unseen).chars().next();
    begins.is_some_and(|c| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '|' | '%'))
}

/// What was written as harmless, as it was.
pub(super) fn read(value: &str) -> String {
    let value = value.trim();
    let was = value.strip_prefix('\'').filter(|was| formula(was));
    was.unwrap_or(value).to_owned()
}

/// The values of a cell that say anything. A quote that does not end, or that more follows on, is one of the text.
pub(super) fn values(cell: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = cell;
    loop {
        let (value, more) = quoted(rest).unwrap_or_else(|| match rest.split_once(';') {
            Some((value, more)) => (value.to_owned(), Some(more)),
            None => (rest.to_owned(), None),
        });
        values.push(read(&value));
        match more {
            Some(more) => rest = more,
            None => break,
        }
    }
    values.retain(|value| !value.is_empty());
    values
}

/// A value in quotes up to the divider or the end, with what follows; quotes in it stand twice (RFC 4180, §2.7).
fn quoted(text: &str) -> Option<(String, Option<&str>)> {
    let mut rest = text.trim_start().strip_prefix('"')?;
    let mut value = String::new();
    loop {
        let (part, more) = rest.split_once('"')?;
        value.push_str(part);
        if let Some(after) = more.strip_prefix('"') {
            value.push('"');
            rest = after;
            continue;
        }
        let more = more.trim_start();
        return match more.strip_prefix(';') {
            Some(next) => Some((value, Some(next))),
            None => more.is_empty().then_some((value, None)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_divided_quoted_and_harmless() {
        for (cell, expected) in [
            ("a;b", &["a", "b"][..]),
            ("\"a;b\";c", &["a;b", "c"]),
            ("\"say \"\"C\"\"\"; d ;", &["say \"C\"", "d"]),
            ("\"a;b", &["\"a", "b"]),
            ("\"a\" b;c", &["\"a\" b", "c"]),
            ("'=1+1;'+49 30", &["=1+1", "+49 30"]),
            ("''=1", &["'=1"]),
            ("'s Gravenhage", &["'s Gravenhage"]),
            (";;", &[]),
        ] {
            assert_eq!(values(cell), expected, "{cell}");
        }
    }
}
