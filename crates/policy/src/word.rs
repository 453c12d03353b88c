//! Closed lists of words: the code each word has in a section and the name it has for people.
//!
//! Not for: the lists themselves, which live beside what they mean (`marking`, `purpose`).

/// One word of a closed list.
pub trait Word: Copy + PartialEq + 'static {
    /// Every word with its code in the byte form and its name in documents; codes are never used again.
    const WORDS: &'static [(Self, u64, &'static str)];

    /// The code in the byte form.
    fn code(self) -> u64 {
        Self::WORDS.iter().find(|(word, _, _)| *word == self).map_or(u64::MAX, |(_, code, _)| *code)
    }

    /// The name, as in TLP 2.0 or the governance rules.
    fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(word, _, _)| *word == self).map_or("?", |(_, _, name)| *name)
    }

    /// The word of a code; `None` for a code of a later version, which permits nothing here (G-2).
    fn from_code(code: u64) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known, _)| *known == code).map(|(word, _, _)| *word)
    }

    /// The word of a name, exactly as written.
    fn from_name(name: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, _, known)| *known == name).map(|(word, _, _)| *word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Actions, Assertion, Attribution, DataClass, Notify, Onward, Purpose, Retention, SubjectCategory, Tlp,
    };

    fn check<W: Word + std::fmt::Debug>() {
        for &(word, code, name) in W::WORDS {
            assert_eq!((W::from_code(code), W::from_name(name)), (Some(word), Some(word)));
            assert_eq!((word.code(), word.name()), (code, name));
        }
        assert_eq!(W::from_code(u64::MAX), None);
    }

    #[test]
    fn codes_and_names_map_one_to_one() {
        check::<Actions>();
        check::<Assertion>();
        check::<Attribution>();
        check::<DataClass>();
        check::<Notify>();
        check::<Onward>();
        check::<Purpose>();
        check::<Retention>();
        check::<SubjectCategory>();
        check::<Tlp>();
    }

    #[test]
    fn the_published_grammar_knows_every_word() {
        fn listed<W: Word>(grammar: &str) {
            for (_, code, name) in W::WORDS {
                let line = format!("{}: {code}", name.replace('+', "_"));
                assert!(grammar.contains(&line), "docs/handling.cddl lacks {line}");
            }
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/handling.cddl");
        let grammar = std::fs::read_to_string(path).unwrap();
        listed::<Actions>(&grammar);
        listed::<Assertion>(&grammar);
        listed::<Attribution>(&grammar);
        listed::<DataClass>(&grammar);
        listed::<Notify>(&grammar);
        listed::<Onward>(&grammar);
        listed::<Purpose>(&grammar);
        listed::<Retention>(&grammar);
        listed::<SubjectCategory>(&grammar);
        listed::<Tlp>(&grammar);
    }
}
