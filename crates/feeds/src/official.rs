//! The lists that this program reads from publications, by their names. Not for: how each is read (their own files).

use comity_watchlist::ListId;

use crate::ofac::list::{CONSOLIDATED, SDN};
use crate::{canada, eu, seco, us};

/// Whether a list is one that a publication is read into: whatever else is entered there, the next publication ends.
pub fn is_official(list: &ListId) -> bool {
    let list = list.as_str();
    let single = [canada::LIST, eu::LIST, seco::LIST, SDN, CONSOLIDATED, "un-sc", "uk-ofsi", "uk-sl"];
    single.contains(&list) || us::List::ALL.iter().any(|known| known.id() == list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_official_list_is_told_from_any_other() {
        let is = |list: &str| is_official(&ListId::parse(list).unwrap());
        for list in
            ["us-ofac-sdn", "us-ofac-cons", "un-sc", "eu-fsf", "uk-ofsi", "uk-sl", "ca-sema", "ch-seco"]
        {
            assert!(is(list), "{list}");
        }
        assert!(us::List::ALL.iter().all(|list| is(list.id())));
        assert!(!is("xa-national") && !is("us-ofac"));
    }
}
