//! What tests draw from instead of chance: the same bytes for the same seed, which look like no others.

use comity_ledger::{Entropy, EntropyError};

/// Bytes drawn from a seed, of which no two runs of sixteen are alike, as nonces and salts must not be.
pub(crate) struct Seeded(pub(crate) u64);

impl Entropy for Seeded {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        for byte in buffer {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = self.0.to_be_bytes()[0];
        }
        Ok(())
    }
}
