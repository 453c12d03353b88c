//! The system's generator of random bytes.

use comity_ledger::{Entropy, EntropyError};
use ring::rand::{SecureRandom, SystemRandom};

/// Random bytes from the operating system.
#[derive(Debug)]
pub struct SystemEntropy(SystemRandom);

impl SystemEntropy {
    /// The generator.
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Default for SystemEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Entropy for SystemEntropy {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        self.0.fill(buffer).map_err(|_| EntropyError)
    }
}
