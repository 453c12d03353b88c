//! The script of a name, told by its first letter that is of one of the scripts that the lists write names in.
//!
//! Not for: transliteration, which lives in `screening`.

/// First and last code point of a block, and the ISO 15924 code of its script.
const BLOCKS: [(char, char, &str); 15] = [
    ('A', 'z', "Latn"),
    ('\u{c0}', '\u{24f}', "Latn"),
    ('\u{370}', '\u{3ff}', "Grek"),
    ('\u{400}', '\u{52f}', "Cyrl"),
    ('\u{530}', '\u{58f}', "Armn"),
    ('\u{590}', '\u{5ff}', "Hebr"),
    ('\u{600}', '\u{6ff}', "Arab"),
    ('\u{750}', '\u{77f}', "Arab"),
    ('\u{900}', '\u{97f}', "Deva"),
    ('\u{10a0}', '\u{10ff}', "Geor"),
    ('\u{3040}', '\u{30ff}', "Jpan"),
    ('\u{4e00}', '\u{9fff}', "Hani"),
    ('\u{ac00}', '\u{d7a3}', "Hang"),
    ('\u{fb50}', '\u{fdff}', "Arab"),
    ('\u{fe70}', '\u{fefc}', "Arab"),
];

/// The ISO 15924 code, or `None` if no letter is of a script that we know.
pub(crate) fn of(name: &str) -> Option<&'static str> {
    let script = |letter: char| BLOCKS.iter().find(|(first, last, _)| (*first..=*last).contains(&letter));
    name.chars().filter(|c| c.is_alphabetic()).find_map(script).map(|(_, _, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letter_tells_the_script() {
        for (name, script) in [
            ("\u{200f}«سالم»", Some("Arab")),
            ("Иван", Some("Cyrl")),
            ("김철수", Some("Hang")),
            ("王小明", Some("Hani")),
            ("Ångström", Some("Latn")),
            ("123", None),
        ] {
            assert_eq!(of(name), script, "{name}");
        }
    }
}
