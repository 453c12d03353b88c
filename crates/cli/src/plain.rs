//! Text of others on a terminal: what they published, in words, and nothing that a terminal obeys.

/// The text on one line, without what moves a terminal or turns its direction: a row cannot look like another.
pub(crate) fn plain(text: &str) -> String {
    let plain = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => ' ',
        // Unicode Standard Annex #9, 2: the characters that turn the direction.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_makes_a_line_turns_one_or_moves_the_terminal() {
        assert_eq!(plain("MIRAGE\r\nnone: no record\t\u{2028}"), "MIRAGE  none: no record  ");
        assert_eq!(plain("\u{202e}cba\u{2066}\u{200f}\u{61c}"), "\u{fffd}cba\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(plain("\u{1b}[2J\u{9b}2J\u{7f}"), "\u{fffd}[2J\u{fffd}2J\u{fffd}");
        assert_eq!(plain("Ёлка, محمد"), "Ёлка, محمد");
    }
}
