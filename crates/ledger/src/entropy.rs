//! Where random bytes come from, as an argument.

/// A source of random bytes: the system's generator in a node, a seeded one in tests and simulations.
pub trait Entropy {
    /// Fills the buffer.
    ///
    /// # Errors
    /// [`EntropyError`] when the source has none; nothing may be sealed or signed then.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError>;
}

/// The source of randomness failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no random bytes to be had")]
pub struct EntropyError;
