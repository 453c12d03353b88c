//! OFAC's words for scripts, as ISO 15924 codes.

const SCRIPTS: [(&str, &str); 22] = [
    ("Arabic", "Arab"),
    ("Armenian", "Armn"),
    ("Bengali", "Beng"),
    ("Burmese", "Mymr"),
    ("Chinese Simplified", "Hans"),
    ("Chinese Traditional", "Hant"),
    ("Cyrillic", "Cyrl"),
    ("Devanagari", "Deva"),
    ("Ethiopic", "Ethi"),
    ("Georgian", "Geor"),
    ("Greek", "Grek"),
    ("Gujarati", "Gujr"),
    ("Hebrew", "Hebr"),
    ("Japanese", "Jpan"),
    ("Khmer", "Khmr"),
    ("Korean", "Kore"),
    ("Lao", "Laoo"),
    ("Latin", "Latn"),
    ("Sinhala", "Sinh"),
    ("Tamil", "Taml"),
    ("Thai", "Thai"),
    ("Tibetan", "Tibt"),
];

/// The code of a word, or `None` if we do not know it.
pub(super) fn code(word: &str) -> Option<&'static str> {
    SCRIPTS.iter().find(|(name, _)| *name == word).map(|(_, code)| *code)
}
