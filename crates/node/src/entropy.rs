//! Random bytes of the operating system.

use comity_ledger::{Entropy, EntropyError};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroize as _;

/// Bytes asked of the system at once: the salts, nonces and keys of a record are some twenty small draws, and a call
/// into the system costs as much as the bytes.
const DRAWN_BYTES: usize = 512;

/// The generator of the operating system. What was drawn and not given yet is wiped when this is dropped.
pub struct SystemEntropy {
    system: SystemRandom,
    drawn: [u8; DRAWN_BYTES],
    /// Bytes of `drawn` that were given, from the front; they are zero by then.
    given: usize,
}

impl SystemEntropy {
    /// The generator.
    pub fn new() -> Self {
        Self { system: SystemRandom::new(), drawn: [0; DRAWN_BYTES], given: DRAWN_BYTES }
    }
}

impl Default for SystemEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for SystemEntropy {
    fn drop(&mut self) {
        self.drawn.zeroize();
    }
}

/// Random bytes are never shown.
impl std::fmt::Debug for SystemEntropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SystemEntropy(..)")
    }
}

impl Entropy for SystemEntropy {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        if buffer.len() > DRAWN_BYTES / 4 {
            return self.system.fill(buffer).map_err(|_| EntropyError);
        }
        if self.given + buffer.len() > DRAWN_BYTES {
            self.given = DRAWN_BYTES;
            self.system.fill(&mut self.drawn).map_err(|_| EntropyError)?;
            self.given = 0;
        }
        let end = self.given + buffer.len();
        let given = self.drawn.get_mut(self.given..end).ok_or(EntropyError)?;
        buffer.copy_from_slice(given);
        // Nobody gets the same bytes again, and what leaks from memory later was not given to anybody.
        given.zeroize();
        self.given = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_byte_is_given_twice_whatever_the_lengths() {
        let mut entropy = SystemEntropy::new();
        let mut seen = BTreeSet::new();
        for round in 0..2_000_usize {
            let mut bytes = vec![0; 12 + round * 7 % 200];
            entropy.fill(&mut bytes).unwrap();
            // Twelve random bytes never come twice.
            assert!(
                bytes.windows(12).step_by(12).all(|window| seen.insert(window.to_vec())),
                "round {round}"
            );
        }
    }

    #[test]
    fn what_was_given_is_gone_from_memory() {
        let mut entropy = SystemEntropy::new();
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes).unwrap();
        assert!(entropy.drawn.iter().take(32).all(|byte| *byte == 0));
        assert!(entropy.drawn.iter().skip(32).any(|byte| *byte != 0));
    }
}
