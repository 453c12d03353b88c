//! The normalised name: what two spellings of one name have in common without guessing.
//!
//! Width, case, accents, apostrophes and punctuation go; the order of words is set aside, so that "LAST, First" meets
//! "First Last". Every script stays its own: no transliteration, no similarity, no dropped words.

use crate::fold::folded_bare;

/// A name in both forms: words in their order, and words sorted, by which it is found.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NameKey {
    ordered: String,
    sorted: String,
}

impl NameKey {
    /// The forms of a name; `None` if it holds no letter and no digit.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let ordered = words(name);
        if ordered.is_empty() {
            return None;
        }
        let mut sorted: Vec<&str> = ordered.split(' ').collect();
        sorted.sort_unstable();
        let sorted = sorted.join(" ");
        Some(Self { ordered, sorted })
    }

    /// The form by which a name is found.
    pub(crate) fn sorted(&self) -> &str {
        &self.sorted
    }

    /// True if the words stand in the same order, too.
    pub(crate) fn same_order(&self, other: &Self) -> bool {
        self.ordered == other.ordered
    }
}

/// The words of a text, with one space between.
pub(crate) fn words(text: &str) -> String {
    // An apostrophe is dropped rather than made a space: "Qa'ida" is one word however its hamza is written. It goes
    // before folding, too, since folding would turn an acute accent that stands alone into a space.
    let joined: String = text.chars().filter(|c| !is_apostrophe(*c)).collect();
    let mut words = String::new();
    let mut between = false;
    for c in folded_bare(&joined).chars().filter(|c| !is_apostrophe(*c)) {
        if c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c) {
            if between && !words.is_empty() {
                words.push(' ');
            }
            words.push(c);
            between = false;
        } else {
            between = true;
        }
    }
    words
}

fn is_apostrophe(c: char) -> bool {
    matches!(
        c,
        '\'' | '`' | '\u{b4}' | '\u{2b9}'..='\u{2bf}' | '\u{2c8}' | '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{ff07}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(one: &str, other: &str) -> bool {
        NameKey::of(one).unwrap().sorted() == NameKey::of(other).unwrap().sorted()
    }

    #[test]
    fn the_order_of_words_is_set_aside_but_told() {
        assert!(same("VELLORAN, Tomas", "Tomas Velloran"));
        let (listed, asked) =
            (NameKey::of("VELLORAN, Tomas").unwrap(), NameKey::of("Tomas Velloran").unwrap());
        assert!(!listed.same_order(&asked));
        assert!(listed.same_order(&NameKey::of("velloran tomás").unwrap()));
    }

    #[test]
    fn punctuation_parts_words_and_apostrophes_do_not() {
        assert!(same("Al-Qasvini", "al qasvini"));
        assert!(same("N’Dare", "NDARE"));
        assert!(same("N´Dare", "N'dare"));
        assert!(same("Vell & Sons, Ltd.", "VELL SONS LTD"));
    }

    #[test]
    fn numbers_repeated_words_and_scripts_stay() {
        assert!(!same("11420 Corp.", "Corp."));
        assert!(!same("Duran Duran", "Duran"));
        assert!(!same("Зорин", "Zorin"));
        assert!(same("ЗОРИН, Олег", "Олег Зорин"));
    }

    #[test]
    fn a_name_without_letters_is_none() {
        for empty in ["", " ", "---", "''", "\u{200b}", "💠"] {
            assert!(NameKey::of(empty).is_none(), "{empty:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_normalised_name_is_its_own_normal_form(text in "\\PC{0,40}") {
            let once = words(&text);
            prop_assert_eq!(words(&once), once.clone());
        }
    }
}
