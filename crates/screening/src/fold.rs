//! Folding characters: width, case, and marks that a reader does not see.
//!
//! Not for: what a name or an identifier keeps of the folded text (`name_key`, `id_key`), or transliteration.

use unicode_normalization::UnicodeNormalization;

/// Compatibility forms and case away; everything else as it was. Repeating it changes nothing.
pub(crate) fn folded(text: &str) -> String {
    // ASCII has no compatibility forms, no marks and nothing unseen; most names of the lists are ASCII.
    if text.is_ascii() { text.to_ascii_lowercase() } else { folded_unicode(text, is_unseen) }
}

/// As [`folded`], and without the marks that a letter can be written without.
pub(crate) fn folded_bare(text: &str) -> String {
    let drops = |c| is_unseen(c) || is_laid_on(c);
    if text.is_ascii() { text.to_ascii_lowercase() } else { folded_unicode(text, drops) }
}

fn folded_unicode(text: &str, drops: impl Fn(char) -> bool) -> String {
    // A compatibility form may unfold into an unseen character, so they go before and after unfolding; before, because
    // one that stands between a letter and its marks would keep the marks from their order.
    let seen = text.chars().filter(|c| !is_unseen(*c));
    seen.nfkd().filter(|c| !drops(*c)).flat_map(folded_case).nfkc().collect()
}

// Lower, upper, lower again: one round leaves ẞ and ß, or the two small sigmas, apart.
fn folded_case(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// Characters that change nothing for a reader, or only the shape of their neighbours: joiners, bidirectional
/// controls, variation selectors, the soft hyphen, the Arabic tatweel.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{00ad}'
            | '\u{034f}'
            | '\u{061c}'
            | '\u{0640}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Accents, and the vowel points of Hebrew and Arabic. The vowel signs of Indic scripts, the voicing of kana and the
/// vowels of Thai (combining classes 0, 7 to 9 and 84 to 132) are letters to their readers and stay.
fn is_laid_on(c: char) -> bool {
    matches!(unicode_normalization::char::canonical_combining_class(c), 10..=36 | 200..=240)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_and_width_fold_in_every_script() {
        for (one, other) in [
            ("STRASSE", "straße"),
            ("ẞ", "SS"),
            ("ΣΟΦΟΣ", "σοφος"),
            ("ΖОЯ", "ζоя"),
            ("ＡＢＣ１２", "abc12"),
            ("ﬁne", "FINE"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
    }

    #[test]
    fn marks_fall_only_where_a_letter_stands_without_them() {
        assert_eq!(folded_bare("Şükrü Ébène İzmir"), "sukru ebene izmir");
        assert_eq!(folded_bare("مُحَمَّد"), folded_bare("محمد"));
        assert_eq!(folded_bare("أحمد"), folded_bare("احمد"));
        assert_ne!(folded_bare("कि"), folded_bare("का"));
        assert_ne!(folded_bare("が"), folded_bare("か"));
        assert_eq!(folded_bare("김"), "김");
    }

    #[test]
    fn what_a_reader_does_not_see_is_gone() {
        assert_eq!(folded_bare("Ab\u{200b}c\u{202e}d\u{feff}"), "abcd");
        assert_eq!(folded_bare("محـــمد"), folded_bare("محمد"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,40}") {
            let once = folded_bare(&text);
            prop_assert_eq!(folded_bare(&once), once.clone());
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once.clone());
        }

        #[test]
        fn the_short_way_for_ascii_leads_to_the_same(text in "[ -~]{0,40}") {
            prop_assert_eq!(folded(&text), folded_unicode(&text, is_unseen));
            prop_assert_eq!(folded_bare(&text), folded_unicode(&text, |c| is_unseen(c) || is_laid_on(c)));
        }
    }
}
