//! Small messages of the exchange: heads of logs and questions for consistency proofs.

use bytes::Bytes;
use comity_ledger::{Head, Origin};
use comity_tlog::{ConsistencyProof, TreeSize};

use crate::{InvalidMessage, field, frame, v1};

const FROM: &str = "consistency_request.from";

/// Size and root of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// The log.
    pub origin: Origin,
    /// Its head.
    pub head: Head,
}

impl TryFrom<v1::LogHead> for LogHead {
    type Error = InvalidMessage;

    fn try_from(message: v1::LogHead) -> Result<Self, InvalidMessage> {
        Ok(Self {
            origin: field::origin("log_head.origin", &message.origin)?,
            head: Head {
                size: field::size("log_head.size", message.size)?,
                root: field::hash("log_head.root", &message.root)?,
            },
        })
    }
}

impl From<&LogHead> for v1::LogHead {
    fn from(log: &LogHead) -> Self {
        Self {
            origin: log.origin.to_string(),
            size: log.head.size.value(),
            root: Bytes::copy_from_slice(log.head.root.as_bytes()),
        }
    }
}

/// A question for the proof that one size of a log grew out of a smaller one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyQuery {
    origin: Origin,
    from: TreeSize,
    to: TreeSize,
}

impl ConsistencyQuery {
    /// A question; `None` if the first size is the larger one.
    pub fn new(origin: Origin, from: TreeSize, to: TreeSize) -> Option<Self> {
        (from <= to).then_some(Self { origin, from, to })
    }

    /// The log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The smaller size.
    pub fn from(&self) -> TreeSize {
        self.from
    }

    /// The larger size, or the same.
    pub fn to(&self) -> TreeSize {
        self.to
    }
}

impl TryFrom<v1::ConsistencyRequest> for ConsistencyQuery {
    type Error = InvalidMessage;

    fn try_from(message: v1::ConsistencyRequest) -> Result<Self, InvalidMessage> {
        let origin = field::origin("consistency_request.origin", &message.origin)?;
        let from = field::size(FROM, message.from)?;
        let to = field::size("consistency_request.to", message.to)?;
        Self::new(origin, from, to).ok_or(InvalidMessage::Contradicts { field: FROM })
    }
}

impl From<&ConsistencyQuery> for v1::ConsistencyRequest {
    fn from(query: &ConsistencyQuery) -> Self {
        Self { origin: query.origin.to_string(), from: query.from.value(), to: query.to.value() }
    }
}

impl TryFrom<v1::ConsistencyResponse> for ConsistencyProof {
    type Error = InvalidMessage;

    fn try_from(message: v1::ConsistencyResponse) -> Result<Self, InvalidMessage> {
        field::proof("consistency_response.hashes", &message.hashes)
    }
}

impl From<&ConsistencyProof> for v1::ConsistencyResponse {
    fn from(proof: &ConsistencyProof) -> Self {
        Self { hashes: frame::hashes(proof) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_questions_and_proofs_travel() {
        let head =
            v1::LogHead { origin: "a.example/pub".to_owned(), size: 9, root: Bytes::from_static(&[8; 32]) };
        assert_eq!(v1::LogHead::from(&LogHead::try_from(head.clone()).unwrap()), head);
        let question = v1::ConsistencyRequest { origin: "a.example/pub".to_owned(), from: 3, to: 9 };
        assert_eq!(
            v1::ConsistencyRequest::from(&ConsistencyQuery::try_from(question.clone()).unwrap()),
            question
        );
        let proof = v1::ConsistencyResponse { hashes: vec![Bytes::from_static(&[1; 32]); 64] };
        assert_eq!(v1::ConsistencyResponse::from(&ConsistencyProof::try_from(proof.clone()).unwrap()), proof);
    }

    #[test]
    fn each_field_is_checked() {
        let head = |origin: &str, size, root: &'static [u8]| {
            let message = v1::LogHead { origin: origin.to_owned(), size, root: Bytes::from_static(root) };
            LogHead::try_from(message).unwrap_err().field()
        };
        assert_eq!(head("a.example", 1, &[0; 32]), "log_head.origin");
        assert_eq!(head("a.example/pub", 1 << 63, &[0; 32]), "log_head.size");
        assert_eq!(head("a.example/pub", 1, &[0; 33]), "log_head.root");
        let question = |origin: &str, from, to| {
            let message = v1::ConsistencyRequest { origin: origin.to_owned(), from, to };
            ConsistencyQuery::try_from(message).unwrap_err().field()
        };
        assert_eq!(question("", 1, 2), "consistency_request.origin");
        assert_eq!(question("a.example/pub", 1 << 63, u64::MAX), FROM);
        assert_eq!(question("a.example/pub", 1, u64::MAX), "consistency_request.to");
        assert_eq!(question("a.example/pub", 3, 2), FROM);
        let proof = v1::ConsistencyResponse { hashes: vec![Bytes::new(); 65] };
        assert_eq!(ConsistencyProof::try_from(proof).unwrap_err().field(), "consistency_response.hashes");
    }
}
