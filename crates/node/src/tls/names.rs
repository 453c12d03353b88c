//! How certificates and their authorities are told apart: by numbers and hashes, written in hex.
//!
//! Not here: whom a certificate names (`identity`).

use std::fmt;
use std::str::FromStr;

use comity_tlog::Hash;

/// Longest serial number of a certificate, in bytes (RFC 5280 §4.1.2.2).
const SERIAL_BYTES_MAX: usize = 20;

/// Which authority: the SHA-256 of its public key as a DER `SubjectPublicKeyInfo`. It is what a log announces, and
/// stays the same if the certificate is made anew for the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthorityId([u8; Hash::BYTES]);

impl AuthorityId {
    /// The name of the authority with this public key, a DER `SubjectPublicKeyInfo`.
    pub fn of(spki_der: &[u8]) -> Self {
        Self(*Hash::digest(spki_der).as_bytes())
    }

    /// The name with these bytes, as a log entry has them.
    pub fn from_bytes(bytes: [u8; Hash::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; Hash::BYTES] {
        &self.0
    }
}

impl fmt::Display for AuthorityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl FromStr for AuthorityId {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Self, NotHex> {
        read_hex(text)?.try_into().map(Self).map_err(|_| NotHex)
    }
}

/// The serial number of a certificate: its authority gives each of its certificates another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// Takes the bytes of a number, the highest first; `None` for zero, and for more than a serial may have.
    pub fn from_be_bytes(bytes: &[u8]) -> Option<Self> {
        let leading = bytes.iter().take_while(|byte| **byte == 0).count();
        let digits = bytes.get(leading..).unwrap_or_default();
        (1..=SERIAL_BYTES_MAX).contains(&digits.len()).then(|| Self(digits.to_vec()))
    }

    /// The bytes of the number, the highest first, without zeros before it.
    pub fn as_be_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl FromStr for Serial {
    type Err = NotHex;

    /// Reads hex of either case; colons between the bytes, as other tools write them, do not matter.
    fn from_str(text: &str) -> Result<Self, NotHex> {
        let digits = text.replace(':', "");
        let even = if digits.len().is_multiple_of(2) { digits } else { format!("0{digits}") };
        Self::from_be_bytes(&read_hex(&even)?).ok_or(NotHex)
    }
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn read_hex(text: &str) -> Result<Vec<u8>, NotHex> {
    // Twice the longest of both: nothing longer can be either.
    if !text.len().is_multiple_of(2) || text.len() > 2 * Hash::BYTES {
        return Err(NotHex);
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(|two| pair(two).ok_or(NotHex)).collect()
}

/// Not the hex of a serial number or of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the hex of a serial number (1 to {SERIAL_BYTES_MAX} bytes) or of a SHA-256")]
pub struct NotHex;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_read_as_other_tools_write_it() {
        let serial = |text: &str| text.parse::<Serial>().map(|serial| serial.to_string());
        assert_eq!(serial("0A:1b:2C").unwrap(), "0a1b2c");
        assert_eq!(serial("000a1b2c").unwrap(), "0a1b2c");
        assert_eq!(serial("7").unwrap(), "07");
        for none in ["", "0", "00:00", "0x07", "7 ", "é", &"11".repeat(21), &"11".repeat(1_000)] {
            assert_eq!(serial(none), Err(NotHex), "{none}");
        }
    }

    #[test]
    fn an_authority_is_named_by_its_key() {
        let id = AuthorityId::of(b"a key");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_ne!(id, AuthorityId::of(b"another key"));
        assert!(id.to_string().get(1..).unwrap().parse::<AuthorityId>().is_err());
    }
}
