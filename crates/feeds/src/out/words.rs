//! The words of codes in what is written: the ones of `docs/records.cddl`. Not here: which fields are written.

use comity_watchlist::{
    Checksum, FactKind, Gender, NameKind, NameQuality, PartRole, PlaceKind, Relation, Tie,
};

fn or_code(word: &'static str, code: u64) -> String {
    if word.is_empty() { format!("code-{code}") } else { word.to_owned() }
}

pub(super) fn name_kind(kind: NameKind) -> String {
    let word = match kind {
        NameKind::Primary => "primary",
        NameKind::Aka => "aka",
        NameKind::Fka => "fka",
        NameKind::Nka => "nka",
        NameKind::Unknown(_) => "",
    };
    or_code(word, kind.code())
}

pub(super) fn quality(quality: NameQuality) -> String {
    let word = match quality {
        NameQuality::Good => "good",
        NameQuality::Weak => "weak",
        NameQuality::Unknown(_) => "",
    };
    or_code(word, quality.code())
}

pub(super) fn part_role(role: PartRole) -> String {
    let word = match role {
        PartRole::Given => "given",
        PartRole::Middle => "middle",
        PartRole::Family => "family",
        PartRole::Patronymic => "patronymic",
        PartRole::Ordered => "ordered",
        PartRole::Unknown(_) => "",
    };
    or_code(word, role.code())
}

pub(super) fn fact(kind: FactKind) -> String {
    let word = match kind {
        FactKind::Birth => "birth",
        FactKind::Death => "death",
        FactKind::Founded => "founded",
        FactKind::Dissolved => "dissolved",
        FactKind::Built => "built",
        FactKind::Unknown(_) => "",
    };
    or_code(word, kind.code())
}

pub(super) fn place(kind: PlaceKind) -> String {
    let word = match kind {
        PlaceKind::Birth => "birth",
        PlaceKind::Founded => "founded",
        PlaceKind::Unknown(_) => "",
    };
    or_code(word, kind.code())
}

pub(super) fn tie(tie: Tie) -> String {
    let word = match tie {
        Tie::Nationality => "nationality",
        Tie::Citizenship => "citizenship",
        Tie::Residence => "residence",
        Tie::Registration => "registration",
        Tie::Unknown(_) => "",
    };
    or_code(word, tie.code())
}

pub(super) fn gender(gender: Gender) -> String {
    let word = match gender {
        Gender::Male => "male",
        Gender::Female => "female",
        Gender::Unknown(_) => "",
    };
    or_code(word, gender.code())
}

pub(super) fn relation(relation: Relation) -> String {
    let word = match relation {
        Relation::Linked => "linked",
        Relation::Owns => "owns",
        Relation::OwnedBy => "owned-by",
        Relation::Directs => "directs",
        Relation::Family => "family",
        Relation::ActsFor => "acts-for",
        Relation::Unknown(_) => "",
    };
    or_code(word, relation.code())
}

/// Nothing for a verdict of a later version: whoever reads works it out anew.
pub(super) const fn checksum(verdict: Checksum) -> Option<&'static str> {
    match verdict {
        Checksum::Valid => Some("valid"),
        Checksum::Invalid => Some("invalid"),
        Checksum::Unknown(_) => None,
    }
}
