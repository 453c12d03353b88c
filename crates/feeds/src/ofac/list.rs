//! Which of OFAC's two lists a publication is, where its format does not say so.
//!
//! Not for: formats that name the list of each subject (`enhanced`, `advanced`).

use comity_watchlist::{KeyError, ListId};

/// The SDN list.
pub(crate) const SDN: &str = "us-ofac-sdn";

/// The consolidated list of all others.
pub(crate) const CONSOLIDATED: &str = "us-ofac-cons";

/// Programmes whose subjects are on the consolidated list only. OFAC publishes both lists in one layout, so the
/// programmes tell them apart.
const NON_SDN_PROGRAMMES: [&str; 6] =
    ["NS-PLC", "UKRAINE-EO13662", "CMIC-EO13959", "561-Related", "NS-ISA", "NS-MBS"];

/// How many subjects there are, and how many of them stand under a programme of the consolidated list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    subjects: u64,
    non_sdn: u64,
}

impl Tally {
    /// Counts a subject by its programmes.
    pub(super) fn count<'a>(&mut self, mut programmes: impl Iterator<Item = &'a str>) {
        self.subjects += 1;
        self.non_sdn += u64::from(programmes.any(|programme| NON_SDN_PROGRAMMES.contains(&programme)));
    }

    /// The consolidated list if most subjects stand under one of its programmes, else the SDN list.
    pub(super) fn list(self) -> Result<ListId, KeyError> {
        ListId::parse(if self.non_sdn > self.subjects / 2 { CONSOLIDATED } else { SDN })
    }
}
