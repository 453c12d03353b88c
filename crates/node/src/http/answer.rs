//! What is answered over HTTP, and the headers that each answer has.
//!
//! Not here: which answer a request gets (`service`).

use bytes::Bytes;
use comity_tlog::{SignatureLine, TreeSize};
use http_body_util::Full;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use crate::gossip::AddCheckpointAnswer;

/// A tile never changes (c2sp.org/tlog-tiles: "caching headers SHOULD be long-lived"): a year is as long as caches
/// count.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// What changes or may come to be is asked for each time.
const NEVER: &str = "no-store";
/// What TAXII 2.1 (section 1.6.8) is sent as, and how API roots name its version.
pub(super) const TAXII: &str = "application/taxii+json;version=2.1";
/// When the first object of a page was added, and the last.
const ADDED_FIRST: &str = "x-taxii-date-added-first";
const ADDED_LAST: &str = "x-taxii-date-added-last";
/// What people and programs read as text.
const TEXT: &str = "text/plain; charset=utf-8";

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The figures of the node.
    Metrics {
        /// In the text format of Prometheus.
        text: String,
    },
    /// The newest checkpoint of a log.
    Checkpoint {
        /// The note.
        note: Vec<u8>,
    },
    /// A tile or entry bundle.
    Tile {
        /// Its hashes or entries.
        bytes: Vec<u8>,
    },
    /// A checkpoint was cosigned.
    Cosigned {
        /// The line that says so.
        line: SignatureLine,
    },
    /// The witness goes on from another size than the request does.
    OtherSize {
        /// The size that it cosigned last.
        last: TreeSize,
    },
    /// The path is served, but not for this method.
    OtherMethod {
        /// The methods for which it is.
        allowed: &'static str,
    },
    /// A body that is not read to its end: the connection ends with the answer.
    Unread {
        /// The status code.
        status: StatusCode,
        /// What is wrong.
        words: &'static str,
    },
    /// A resource of TAXII that is no page.
    Taxii {
        /// As JSON.
        text: String,
    },
    /// A page of a collection.
    TaxiiPage {
        /// As JSON.
        text: String,
        /// When its first and its last object were added.
        added: Option<[String; 2]>,
    },
    /// An answer that is none of TAXII, to a request that was.
    TaxiiError(Box<Self>),
    /// Too much is asked at the moment.
    Busy,
    /// Cannot be answered for now.
    Later {
        /// Why not.
        words: &'static str,
    },
    /// Nothing but words.
    Says {
        /// The status code.
        status: StatusCode,
        /// What is wrong.
        words: &'static str,
    },
}

impl Answer {
    /// Nothing is served under this path, or not yet.
    pub(super) const MISSING: Self = Self::says(StatusCode::NOT_FOUND, "nothing is served here");
    /// The node cannot read what it should have.
    pub(super) const FAILED: Self =
        Self::says(StatusCode::INTERNAL_SERVER_ERROR, "the node cannot do this; its log says why");
    /// A body came with a question that has none: whoever stands between might see two requests where there is one.
    pub(super) const BODY_SENT: Self =
        Self::Unread { status: StatusCode::BAD_REQUEST, words: "a question has no body" };

    pub(super) const fn says(status: StatusCode, words: &'static str) -> Self {
        Self::Says { status, words }
    }

    /// A resource of TAXII that is no page.
    pub(super) fn taxii(resource: &serde_json::Value) -> Self {
        Self::Taxii { text: format!("{resource}\n") }
    }

    /// The answer as TAXII has it.
    pub(super) fn into_taxii(self) -> Self {
        match self {
            Self::Taxii { .. } | Self::TaxiiPage { .. } | Self::TaxiiError(_) => self,
            other => Self::TaxiiError(Box::new(other)),
        }
    }

    /// What is wrong.
    const fn words(&self) -> &'static str {
        match self {
            Self::OtherMethod { .. } => "not for this method",
            Self::Busy => "too much is asked at the moment",
            Self::Unread { words, .. } | Self::Says { words, .. } | Self::Later { words } => words,
            _ => "",
        }
    }

    /// The status code.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Metrics { .. }
            | Self::Checkpoint { .. }
            | Self::Tile { .. }
            | Self::Cosigned { .. }
            | Self::Taxii { .. }
            | Self::TaxiiPage { .. } => StatusCode::OK,
            Self::TaxiiError(answer) => answer.status(),
            Self::OtherSize { .. } => StatusCode::CONFLICT,
            Self::OtherMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy | Self::Later { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unread { status, .. } | Self::Says { status, .. } => *status,
        }
    }

    /// The answer as it is sent. Nothing of the request stands in it but the checkpoint that was cosigned.
    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        if let Self::TaxiiError(answer) = self {
            return answer.into_taxii_error();
        }
        let added = match &self {
            Self::TaxiiPage { added, .. } => added.clone(),
            _ => None,
        };
        let status = self.status();
        let more = match self {
            Self::OtherMethod { allowed } => Some((ALLOW, allowed)),
            Self::Unread { .. } => Some((CONNECTION, "close")),
            Self::Busy => Some((RETRY_AFTER, "1")),
            Self::Later { .. } => Some((RETRY_AFTER, "60")),
            _ => None,
        };
        let (kind, caching, body): (_, _, Bytes) = match self {
            Self::Metrics { text } => ("text/plain; version=0.0.4; charset=utf-8", NEVER, text.into()),
            // c2sp.org/tlog-tiles, "Checkpoints".
            Self::Checkpoint { note } => (TEXT, NEVER, note.into()),
            // c2sp.org/tlog-tiles, "Merkle Tree" and "Log entries". Not compressed: commitments and hashes are chance.
            Self::Tile { bytes } => ("application/octet-stream", FOR_EVER, bytes.into()),
            // c2sp.org/tlog-witness, "add-checkpoint".
            Self::Cosigned { line } => (TEXT, NEVER, format!("{line}\n").into()),
            Self::OtherSize { last } => ("text/x.tlog.size", NEVER, format!("{last}\n").into()),
            Self::Taxii { text } | Self::TaxiiPage { text, .. } => (TAXII, NEVER, text.into()),
            other => (TEXT, NEVER, format!("{}\n", other.words()).into()),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        let mut set = |name: HeaderName, value: &'static str| {
            drop(response.headers_mut().insert(name, HeaderValue::from_static(value)));
        };
        set(CONTENT_TYPE, kind);
        set(CACHE_CONTROL, caching);
        set(X_CONTENT_TYPE_OPTIONS, "nosniff");
        if let Some((name, value)) = more {
            set(name, value);
        }
        // Section 3.2; what is written of a time has no sign that a header may not have.
        for (name, time) in [ADDED_FIRST, ADDED_LAST].into_iter().zip(added.into_iter().flatten()) {
            if let Ok(value) = HeaderValue::try_from(time) {
                drop(response.headers_mut().insert(HeaderName::from_static(name), value));
            }
        }
        response
    }

    /// Section 3.6.1: the status and the headers of the answer, and its words as TAXII has them.
    fn into_taxii_error(self) -> Response<Full<Bytes>> {
        let (words, status) = (self.words(), self.status());
        let mut response = self.into_response();
        let error = serde_json::json!({ "title": words, "http_status": status.as_str() });
        *response.body_mut() = Full::new(format!("{error}\n").into());
        drop(response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TAXII)));
        response
    }
}

/// The status codes of c2sp.org/tlog-witness.
impl From<AddCheckpointAnswer> for Answer {
    fn from(answer: AddCheckpointAnswer) -> Self {
        match answer {
            AddCheckpointAnswer::Cosigned { line } => Self::Cosigned { line },
            AddCheckpointAnswer::OtherSize { last } => Self::OtherSize { last },
            AddCheckpointAnswer::UnknownLog => {
                Self::says(StatusCode::NOT_FOUND, "the log is none that is cosigned here")
            }
            AddCheckpointAnswer::NotSigned => {
                Self::says(StatusCode::FORBIDDEN, "the key of the log did not sign this")
            }
            AddCheckpointAnswer::InDoubt => {
                Self::says(StatusCode::FORBIDDEN, "the history of this log is in doubt")
            }
            AddCheckpointAnswer::OldBeyondSize => {
                Self::says(StatusCode::BAD_REQUEST, "the old size is beyond the new one")
            }
            AddCheckpointAnswer::Inconsistent => Self::says(
                StatusCode::UNPROCESSABLE_ENTITY,
                "the checkpoint is not shown to go on from the one cosigned last",
            ),
            AddCheckpointAnswer::Retired => Self::says(
                StatusCode::SERVICE_UNAVAILABLE,
                "this witness does not speak of this log any more",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use comity_tlog::{Checkpoint, CosignatureTime, Hash, KeyKind, SigningKey};
    use http_body_util::BodyExt as _;

    use super::*;

    async fn sent(answer: AddCheckpointAnswer) -> (u16, String, String) {
        let response = Answer::from(answer).into_response();
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        let kind = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, kind, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn each_answer_of_a_witness_has_the_status_of_the_protocol() {
        let name = "a.example/witness".parse().unwrap();
        let key = SigningKey::from_seed(name, KeyKind::CosignatureV1, &[1; 32]).unwrap();
        let checkpoint = Checkpoint::new("b.example/pub", TreeSize::ZERO, Hash::EMPTY_ROOT).unwrap();
        let line = key.cosign(&checkpoint, CosignatureTime::new(7).unwrap()).unwrap();
        let (status, kind, body) = sent(AddCheckpointAnswer::Cosigned { line: line.clone() }).await;
        assert_eq!((status, kind.as_str(), body), (200, TEXT, format!("{line}\n")));
        assert!(line.to_string().starts_with("\u{2014} a.example/witness "));
        let last = TreeSize::new(20_852_014).unwrap();
        let other = sent(AddCheckpointAnswer::OtherSize { last }).await;
        assert_eq!(other, (409, "text/x.tlog.size".to_owned(), "20852014\n".to_owned()));
        for (answer, status) in [
            (AddCheckpointAnswer::UnknownLog, 404),
            (AddCheckpointAnswer::NotSigned, 403),
            (AddCheckpointAnswer::InDoubt, 403),
            (AddCheckpointAnswer::OldBeyondSize, 400),
            (AddCheckpointAnswer::Inconsistent, 422),
            (AddCheckpointAnswer::Retired, 503),
        ] {
            let (found, kind, body) = sent(answer.clone()).await;
            assert_eq!((found, kind.as_str()), (status, TEXT), "{answer:?}");
            assert!(body.ends_with('\n') && body.lines().count() == 1);
        }
    }
}
