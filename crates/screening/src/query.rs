//! What is asked, parsed at the door.
//!
//! Neither queries nor their errors show what was asked when they are printed for debugging: it is personal.

use std::fmt;
use std::str::FromStr;

use comity_watchlist::{GoodsCode, GoodsError, GoodsScheme, IdKind};
use thiserror::Error;

use crate::id_key::Shape;
use crate::limits::QUERY_BYTES_MAX;
use crate::name_key::{NameKey, words};

/// A question to the view.
#[derive(Clone, PartialEq, Eq)]
pub enum Query {
    /// Who has this identifier?
    Id(IdQuery),
    /// Who has this name?
    Name(NameQuery),
}

/// An identifier asked for: its kind, its canonical value, and what it is unique within.
#[derive(Clone, PartialEq, Eq)]
pub struct IdQuery {
    kind: IdKind,
    asked: Asked,
}

/// What of a kind is asked for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// One value.
    Value { scope: Option<String>, canonical: String },
    /// A code of goods, and all that it covers or that cover it.
    Goods(GoodsCode),
}

/// A name asked for, normalised.
#[derive(Clone, PartialEq, Eq)]
pub struct NameQuery {
    key: NameKey,
}

/// Why a text is no query. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QueryError {
    /// Longer than anything that a record can hold.
    #[error("query of {len} bytes is longer than {max}")]
    TooLong {
        /// Length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// A name without a letter or a digit.
    #[error("name holds no letter and no digit")]
    NoName,
    /// Not of the form `TYPE[/SCOPE]:VALUE`.
    #[error("identifier is not of the form TYPE[/SCOPE]:VALUE")]
    Form,
    /// A type of identifier that there is not.
    #[error("identifier type is not one of {KNOWN}")]
    Kind,
    /// A scope that says nothing.
    #[error("identifier scope holds no letter and no digit")]
    Scope,
    /// A value that its type cannot have.
    #[error("identifier of type {kind} must be {}", Shape::of(*kind))]
    Value {
        /// The type.
        kind: IdKind,
    },
    /// A code of goods that is none, or one without a scheme.
    #[error(transparent)]
    Goods(#[from] GoodsError),
}

/// The words of all known kinds, for a person who has to choose one.
struct Known;

const KNOWN: Known = Known;

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        IdKind::all()
            .enumerate()
            .try_for_each(|(at, kind)| if at > 0 { write!(f, ", {kind}") } else { write!(f, "{kind}") })
    }
}

impl Query {
    /// Asks for a name.
    ///
    /// # Errors
    /// [`QueryError`] if it is longer than [`QUERY_BYTES_MAX`] or has no letter and no digit.
    pub fn name(text: &str) -> Result<Self, QueryError> {
        bounded(text)?;
        NameKey::of(text).map(|key| Self::Name(NameQuery { key })).ok_or(QueryError::NoName)
    }

    /// Asks for an identifier, written `TYPE[/SCOPE]:VALUE` such as `imo:9074729` or `passport/XA:A1234`.
    ///
    /// # Errors
    /// As [`IdQuery::from_str`].
    pub fn id(text: &str) -> Result<Self, QueryError> {
        text.parse().map(Self::Id)
    }
}

impl IdQuery {
    /// Asks for an identifier. The scope is a country's two letters or name, a currency, or whatever else the value
    /// is unique within; of a code of goods it is the scheme, which must be said.
    ///
    /// # Errors
    /// [`QueryError`] if a part is longer than [`QUERY_BYTES_MAX`] or says nothing, or the kind has no such value.
    pub fn new(kind: IdKind, scope: Option<&str>, value: &str) -> Result<Self, QueryError> {
        bounded(value)?;
        scope.map_or(Ok(()), bounded)?;
        if kind == IdKind::Goods {
            let scheme = scope.and_then(|scope| GoodsScheme::from_word(&scope.trim().to_ascii_lowercase()));
            let code = GoodsCode::parse(scheme.ok_or(GoodsError::Scheme)?, value)?;
            return Ok(Self { kind, asked: Asked::Goods(code) });
        }
        let scope = scope.map(words);
        if scope.as_deref() == Some("") {
            return Err(QueryError::Scope);
        }
        let canonical = Shape::of(kind).read(value).ok_or(QueryError::Value { kind })?;
        Ok(Self { kind, asked: Asked::Value { scope, canonical } })
    }

    /// The kind asked for.
    pub const fn kind(&self) -> IdKind {
        self.kind
    }

    pub(crate) const fn asked(&self) -> &Asked {
        &self.asked
    }
}

impl FromStr for IdQuery {
    type Err = QueryError;

    /// Reads `TYPE[/SCOPE]:VALUE`; the type ends at the first `/` or `:`, the scope at the first `:`.
    fn from_str(text: &str) -> Result<Self, QueryError> {
        bounded(text)?;
        let (head, value) = text.split_once(':').ok_or(QueryError::Form)?;
        let (word, scope) = head.split_once('/').map_or((head, None), |(word, scope)| (word, Some(scope)));
        let kind = IdKind::from_word(&word.trim().to_ascii_lowercase()).ok_or(QueryError::Kind)?;
        Self::new(kind, scope, value)
    }
}

impl NameQuery {
    pub(crate) const fn key(&self) -> &NameKey {
        &self.key
    }
}

/// The form by which a code of goods is found, up to one of its segments: each ends with a mark that none holds, so
/// that the forms that begin with this one are those of the codes that it covers.
pub(crate) fn goods_key(code: &GoodsCode, depth: usize) -> String {
    let path = code.path().iter().take(depth).fold(String::new(), |path, segment| path + segment + "/");
    id_key(IdKind::Goods, &format!("{}/{path}", code.scheme().family()))
}

/// The form by which an identifier is found: the code keeps kinds apart.
pub(crate) fn id_key(kind: IdKind, canonical: &str) -> String {
    format!("{}:{canonical}", kind.code())
}

fn bounded(text: &str) -> Result<(), QueryError> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(QueryError::TooLong { len: text.len(), max: QUERY_BYTES_MAX });
    }
    Ok(())
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(query) => query.fmt(f),
            Self::Name(query) => query.fmt(f),
        }
    }
}

impl fmt::Debug for IdQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdQuery").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Debug for NameQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameQuery").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_read_with_and_without_a_scope() {
        let check = |text: &str, kind, scope: Option<&str>, value: &str| {
            let query: IdQuery = text.parse().unwrap();
            let asked = Asked::Value { scope: scope.map(str::to_owned), canonical: value.to_owned() };
            assert!(query.kind() == kind && query.asked == asked, "{text}");
        };
        check("passport/XA:A-123", IdKind::Passport, Some("xa"), "a123");
        check("IMO:9074729", IdKind::Imo, None, "9074729");
        check("website:https://example.org/a:b", IdKind::Website, None, "example.org/a:b");
    }

    #[test]
    fn a_code_of_goods_is_read_by_its_scheme_and_refused_without() {
        let query: IdQuery = "goods/EU-ML:ml 1 a".parse().unwrap();
        let code = GoodsCode::parse(GoodsScheme::EuMilitary, "ML1.a").unwrap();
        assert!(query.asked == Asked::Goods(code));
        for (text, reason) in [
            ("goods:1C350", GoodsError::Scheme),
            ("goods/europe:1C350", GoodsError::Scheme),
            ("goods/eu:1C35", GoodsError::Entry { scheme: GoodsScheme::EuDualUse }),
        ] {
            let refused = text.parse::<IdQuery>().unwrap_err();
            assert_eq!(refused, QueryError::Goods(reason));
            assert_eq!(refused.to_string(), reason.to_string());
        }
    }

    #[test]
    fn what_is_no_identifier_is_refused_with_the_reason() {
        let refused = |text: &str| text.parse::<IdQuery>().unwrap_err();
        assert_eq!(refused("A1234"), QueryError::Form);
        assert_eq!(refused("passport/--:A1"), QueryError::Scope);
        assert_eq!(refused("passport:"), QueryError::Value { kind: IdKind::Passport });
        assert_eq!(refused("imo:12").to_string(), "identifier of type imo must be 7 digits");
        let unknown = refused("pasport:A1").to_string();
        for kind in IdKind::all() {
            assert!(unknown.contains(&kind.to_string()), "{unknown}");
        }
        assert!(!unknown.contains("pasport"));
        let long = format!("passport:{}", "1".repeat(QUERY_BYTES_MAX));
        assert!(matches!(refused(&long), QueryError::TooLong { .. }));
    }

    #[test]
    fn a_query_printed_for_debugging_does_not_tell_what_was_asked() {
        let shown = format!("{:?} {:?}", Query::id("passport/XA:A1234"), Query::name("Tomas Velloran"));
        let shown = format!("{shown} {:?}", Query::id("goods/eu:1C350"));
        for told in ["1234", "xa", "omas", "elloran", "350"] {
            assert!(!shown.to_lowercase().contains(told), "{shown}");
        }
        assert_eq!(Query::name("  - "), Err(QueryError::NoName));
        assert!(matches!(Query::name(&"x".repeat(1 << 20)), Err(QueryError::TooLong { .. })));
    }
}
