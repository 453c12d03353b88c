//! Screening: the question as parsed, and the answer cut to what a message may hold.
//!
//! Matching is `screening`'s.

use comity_watchlist::{IdKind, Text};
use prost::Message as _;

use crate::limits::CALL_MESSAGE_BYTES_MAX;
use crate::v1::screen_request::Query;
use crate::{InvalidMessage, field, v1};

/// Most hits of one answer: with its root and names a hit has over 64 bytes, so that no more fit a message.
pub const HITS_MAX: usize = 1_000;

/// Bytes kept free for the count of what was left out.
const SPARE_BYTES: usize = 16;

/// What is screened; personal, so its `Debug` shows only which of the two it is.
#[derive(Clone, PartialEq, Eq)]
pub enum ScreenQuery {
    /// An exact number or mark.
    Identifier {
        /// What it identifies by.
        kind: IdKind,
        /// What it is unique within.
        scope: Option<Text>,
        /// As written.
        value: Text,
    },
    /// A name as written.
    Name {
        /// The name.
        name: Text,
    },
}

impl std::fmt::Debug for ScreenQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Identifier { .. } => "ScreenQuery(identifier)",
            Self::Name { .. } => "ScreenQuery(name)",
        })
    }
}

impl TryFrom<v1::ScreenRequest> for ScreenQuery {
    type Error = InvalidMessage;

    fn try_from(message: v1::ScreenRequest) -> Result<Self, InvalidMessage> {
        match message.query.ok_or(InvalidMessage::Missing { field: "screen_request.query" })? {
            Query::Name(name) => Ok(Self::Name { name: text("screen_request.name", name)? }),
            Query::Identifier(query) => {
                let scope = match query.scope {
                    scope if scope.is_empty() => None,
                    scope => Some(text("identifier_query.scope", scope)?),
                };
                Ok(Self::Identifier {
                    kind: IdKind::from_word(&query.r#type)
                        .ok_or(InvalidMessage::Malformed { field: "identifier_query.type" })?,
                    scope,
                    value: text("identifier_query.value", query.value)?,
                })
            }
        }
    }
}

impl From<&ScreenQuery> for v1::ScreenRequest {
    fn from(query: &ScreenQuery) -> Self {
        let query = match query {
            ScreenQuery::Name { name } => Query::Name(name.to_string()),
            ScreenQuery::Identifier { kind, scope, value } => Query::Identifier(v1::IdentifierQuery {
                r#type: kind.to_string(),
                scope: scope.as_ref().map(Text::to_string).unwrap_or_default(),
                value: value.to_string(),
            }),
        };
        Self { query: Some(query) }
    }
}

fn text(field: &'static str, value: String) -> Result<Text, InvalidMessage> {
    Text::new(value).map_err(|_| InvalidMessage::Malformed { field })
}

impl v1::ScreenResponse {
    /// The answer with as many of its first hits as one message holds, at most [`HITS_MAX`], and the count of the others.
    ///
    /// # Errors
    /// [`InvalidMessage::TooLong`] if the heads alone are over the limit: an answer must say on what it stands.
    pub fn within_limit(mut self) -> Result<Self, InvalidMessage> {
        let hits = std::mem::take(&mut self.hits);
        self.hits_left_out = 0;
        let mut left = CALL_MESSAGE_BYTES_MAX - SPARE_BYTES;
        field::total("screen_response.as_of", std::iter::once(self.encoded_len()), left)?;
        left = left.saturating_sub(self.encoded_len());
        let all = hits.len();
        for hit in hits {
            // A key and a length before each hit: at most 4 bytes under 64 KiB.
            let bytes = hit.encoded_len().saturating_add(4);
            if bytes > left || self.hits.len() == HITS_MAX {
                break;
            }
            left -= bytes;
            self.hits.push(hit);
        }
        self.hits_left_out = u32::try_from(all - self.hits.len()).unwrap_or(u32::MAX);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn identifier(r#type: &str, scope: &str, value: &str) -> v1::ScreenRequest {
        let query = v1::IdentifierQuery {
            r#type: r#type.to_owned(),
            scope: scope.to_owned(),
            value: value.to_owned(),
        };
        v1::ScreenRequest { query: Some(Query::Identifier(query)) }
    }

    fn name(name: &str) -> v1::ScreenRequest {
        v1::ScreenRequest { query: Some(Query::Name(name.to_owned())) }
    }

    #[test]
    fn questions_travel() {
        for message in [
            name("Invented Person"),
            identifier("passport", "", "X 123"),
            identifier("wallet", "XBT", "invented"),
        ] {
            assert_eq!(v1::ScreenRequest::from(&ScreenQuery::try_from(message.clone()).unwrap()), message);
        }
    }

    #[test]
    fn each_field_of_a_question_is_checked() {
        let check = |field: &str, message: v1::ScreenRequest| {
            assert_eq!(ScreenQuery::try_from(message).unwrap_err().field(), field);
        };
        check("screen_request.query", v1::ScreenRequest::default());
        check("screen_request.name", name(""));
        check("screen_request.name", name(&"x".repeat(2_001)));
        check("identifier_query.type", identifier("pasport", "", "1"));
        check("identifier_query.scope", identifier("wallet", "\0", "1"));
        check("identifier_query.value", identifier("passport", "", ""));
    }

    #[test]
    fn an_answer_is_cut_to_one_message_and_says_so() {
        let hit = |len: usize| v1::Hit { name: "n".repeat(len), ..v1::Hit::default() };
        let head =
            v1::LogHead { origin: "a.example/pub".to_owned(), size: 1, root: Bytes::from_static(&[1; 32]) };
        for len in [1, 100, 2_000] {
            let answer = v1::ScreenResponse {
                as_of: vec![head.clone(); 3],
                hits: vec![hit(len); 30_000],
                ..v1::ScreenResponse::default()
            };
            let cut = answer.within_limit().unwrap();
            assert!(cut.encoded_len() <= CALL_MESSAGE_BYTES_MAX);
            assert!(cut.hits.len() == HITS_MAX || cut.encoded_len() > CALL_MESSAGE_BYTES_MAX / 2);
            assert_eq!(cut.hits.len() + usize::try_from(cut.hits_left_out).unwrap(), 30_000);
        }
        let few = v1::ScreenResponse { hits: vec![hit(9); 3], ..v1::ScreenResponse::default() };
        assert_eq!(few.clone().within_limit().unwrap(), few);
        let heads = v1::ScreenResponse { as_of: vec![head; 2_000], ..v1::ScreenResponse::default() };
        assert_eq!(heads.within_limit().unwrap_err().field(), "screen_response.as_of");
    }

    #[test]
    fn no_name_or_number_is_shown_by_debug() {
        for message in [name("Invented"), identifier("passport", "Invented", "Invented")] {
            let shown = format!("{message:?} {:?}", ScreenQuery::try_from(message.clone()).unwrap());
            assert!(!shown.contains("Invented"), "{shown}");
        }
        let hit =
            v1::Hit { name: "Invented".to_owned(), reference: "Invented".to_owned(), ..v1::Hit::default() };
        let answer = v1::ScreenResponse { hits: vec![hit], ..v1::ScreenResponse::default() };
        assert!(!format!("{answer:?}").contains("Invented"));
    }
}
