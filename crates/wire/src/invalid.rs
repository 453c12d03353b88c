//! A message that is refused: which field, and what is wrong with it.
//!
//! Never the content of a field: these errors go into logs and, as far as the field's name, to the peer. What status
//! they become is in `error_code`.

use comity_ledger::{OpeningError, Rejection};
use tonic::Status;

use crate::ErrorCode;

/// Why a message is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessage {
    /// A field without which the message says nothing.
    #[error("{field} is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// Too few or too many items.
    #[error("{field} has {found} items, {min} to {max} are allowed")]
    Count {
        /// The field.
        field: &'static str,
        /// Items found.
        found: usize,
        /// Fewest allowed.
        min: usize,
        /// Most allowed.
        max: usize,
    },
    /// Too many bytes.
    #[error("{field} has {found} bytes, at most {max} are allowed")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Bytes found.
        found: usize,
        /// Most allowed.
        max: usize,
    },
    /// Not of the form that the field has.
    #[error("{field} is not well formed")]
    Malformed {
        /// The field.
        field: &'static str,
    },
    /// Well formed, but at odds with another field.
    #[error("{field} contradicts another field of the message")]
    Contradicts {
        /// The field.
        field: &'static str,
    },
    /// What is no frame.
    #[error("{field} is not a frame")]
    Frame {
        /// The field.
        field: &'static str,
        /// Why.
        #[source]
        source: Rejection,
    },
    /// What is no padded opening.
    #[error("{field} is not a padded opening")]
    Opening {
        /// The field.
        field: &'static str,
        /// Why.
        #[source]
        source: OpeningError,
    },
}

impl InvalidMessage {
    /// The field at fault, as the `.proto` file names it, with the message's name before it.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Missing { field }
            | Self::Count { field, .. }
            | Self::TooLong { field, .. }
            | Self::Malformed { field }
            | Self::Contradicts { field }
            | Self::Frame { field, .. }
            | Self::Opening { field, .. } => field,
        }
    }

    /// The code under which it is answered.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::TooLong { .. } => ErrorCode::TooLarge,
            Self::Count { found, max, .. } if *found > *max => ErrorCode::TooLarge,
            _ => ErrorCode::Malformed,
        }
    }
}

impl From<InvalidMessage> for Status {
    /// The code with the name of the field, so that the author of another program finds the mistake.
    fn from(invalid: InvalidMessage) -> Self {
        invalid.code().to_status_about(invalid.field())
    }
}
