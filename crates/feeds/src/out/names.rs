//! Names that others keep: drawn from the log and the handle, so that every run and every node gives the same.
//!
//! Not here: the hash function, which the caller hands in.

use comity_watchlist::Handle;

/// SHA-256.
pub type Digest = fn(&[u8]) -> [u8; 32];

/// What is named with a listing: a use, and the log and handle that no other listing has together. Handles alone would
/// let an agency name its listings after those of another one.
pub(super) fn of_listing(digest: Digest, what: &str, origin: &str, handle: Handle, more: &str) -> [u8; 32] {
    let handle = handle.to_string();
    of_parts(digest, &[what, origin, &handle, more])
}

/// A name of several parts, none of which can run into the next.
pub(super) fn of_parts(digest: Digest, parts: &[&str]) -> [u8; 32] {
    let mut bytes = b"comity/out/v1".to_vec();
    for part in parts {
        bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    digest(&bytes)
}

/// In the layout of a version 4 UUID (RFC 9562, 5.4), which STIX 2.1 (section 2.9) asks for.
pub(super) fn uuid(hash: [u8; 32]) -> String {
    let mut text = String::with_capacity(36);
    for (byte, place) in hash.iter().take(16).zip(0..) {
        let byte = match place {
            6 => (byte & 0x0f) | 0x40,
            8 => (byte & 0x3f) | 0x80,
            _ => *byte,
        };
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&hex(&[byte]));
    }
    text
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_bytes(bytes: &[u8]) -> [u8; 32] {
        let mut sum = [0_u8; 32];
        for (byte, place) in bytes.iter().zip(0_usize..) {
            sum[place % 32] = sum[place % 32].rotate_left(1) ^ byte;
        }
        sum
    }

    #[test]
    fn a_uuid_has_the_layout_of_version_4() {
        assert_eq!(uuid([0xff; 32]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0x00; 32]), "00000000-0000-4000-8000-000000000000");
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(of_parts(first_bytes, &["ab", "c"]), of_parts(first_bytes, &["a", "bc"]));
        let handle = Handle::new([7; 16]);
        let of = |origin| of_listing(first_bytes, "identity", origin, handle, "");
        assert_ne!(of("a.example/pub"), of("b.example/pub"), "a handle names a listing of its own log alone");
    }
}
