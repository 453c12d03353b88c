//! Lists that are named on the command line, by their list ids.

use clap::ValueEnum;
use comity_feeds::us;

/// An export list of the United States.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UsList {
    /// Denied Persons List, Bureau of Industry and Security.
    #[value(name = "us-bis-dpl")]
    DeniedPersons,
    /// Entity List, Bureau of Industry and Security.
    #[value(name = "us-bis-el")]
    Entities,
    /// Unverified List, Bureau of Industry and Security.
    #[value(name = "us-bis-uvl")]
    Unverified,
    /// Military End User List, Bureau of Industry and Security.
    #[value(name = "us-bis-meu")]
    MilitaryEndUsers,
    /// Nonproliferation sanctions, State Department.
    #[value(name = "us-state-isn")]
    Nonproliferation,
    /// Debarred under the arms regulations, State Department.
    #[value(name = "us-state-dtc")]
    Debarred,
}

impl UsList {
    /// The list as `feeds` knows it.
    pub(crate) const fn list(self) -> us::List {
        match self {
            Self::DeniedPersons => us::List::DeniedPersons,
            Self::Entities => us::List::Entities,
            Self::Unverified => us::List::Unverified,
            Self::MilitaryEndUsers => us::List::MilitaryEndUsers,
            Self::Nonproliferation => us::List::Nonproliferation,
            Self::Debarred => us::List::Debarred,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_named_by_its_list_id() {
        let named: Vec<(String, &str)> = UsList::value_variants()
            .iter()
            .map(|list| (list.to_possible_value().unwrap().get_name().to_owned(), list.list().id()))
            .collect();
        assert!(named.iter().all(|(name, id)| name == id), "{named:?}");
        assert_eq!(named.len(), us::List::ALL.len());
    }
}
