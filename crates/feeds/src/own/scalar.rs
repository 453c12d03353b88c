//! Single values: texts, names of lists, and dates, each parsed where it is read so that errors tell the place.

use comity_watchlist::{FuzzyDate, Handle, ListId, PartialDate, Prose, Reference, Span, Text};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is written as one string.
pub(super) trait Scalar: Sized {
    fn parse(text: &str) -> Result<Self, String>;
    fn text(&self) -> String;
}

/// A string of JSON that was parsed.
#[derive(Clone, Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<'de, T: Scalar> Deserialize<'de> for Json<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

impl<T: Scalar> Serialize for Json<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.text())
    }
}

impl Scalar for Text {
    fn parse(text: &str) -> Result<Self, String> {
        Self::new(text).map_err(|error| error.to_string())
    }

    fn text(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Scalar for Prose {
    fn parse(text: &str) -> Result<Self, String> {
        Self::new(text).map_err(|error| error.to_string())
    }

    fn text(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Scalar for ListId {
    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| format!("{error}; a list id is of a-z, 0-9, '.', '-' and '/'"))
    }

    fn text(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Scalar for Reference {
    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }

    fn text(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Scalar for Handle {
    fn parse(text: &str) -> Result<Self, String> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let number =
            (text.len() == 32 && text.bytes().all(is_hex)).then(|| u128::from_str_radix(text, 16).ok());
        let number = number.flatten().ok_or("a handle is 32 characters of 0-9 and a-f")?;
        Ok(Self::new(number.to_be_bytes()))
    }

    fn text(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(*self.as_bytes()))
    }
}

impl Scalar for PartialDate {
    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| format!("{error} (or yyyy-mm, or yyyy)"))
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

/// A date: a string where it is a day, a month or a year and no more is said of it, else an object.
#[derive(Clone, Debug)]
pub(super) struct DateForm(FuzzyDate);

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct DateParts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on: Option<Json<PartialDate>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Json<PartialDate>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Json<PartialDate>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    circa: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verbatim: Option<Json<Text>>,
}

struct DateVisitor;

impl<'de> Visitor<'de> for DateVisitor {
    type Value = FuzzyDate;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a date such as \"1962-03-09\", or an object with on, from, to, circa, verbatim")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<FuzzyDate, E> {
        <PartialDate as Scalar>::parse(text).map(FuzzyDate::from).map_err(E::custom)
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<FuzzyDate, M::Error> {
        let parts = DateParts::deserialize(MapAccessDeserializer::new(map))?;
        let of = |date: Option<Json<PartialDate>>| date.map(|date| date.0);
        let span = match (of(parts.on), of(parts.from), of(parts.to)) {
            (None, None, None) => None,
            (Some(on), None, None) => Some(Span::On(on)),
            (None, Some(first), Some(last)) => Some(Span::between(first, last).map_err(M::Error::custom)?),
            (None, Some(first), None) => Some(Span::After(first)),
            (None, None, Some(last)) => Some(Span::Before(last)),
            (Some(_), _, _) => {
                return Err(M::Error::custom("a date is either on a day, or from and to days"));
            }
        };
        let verbatim = parts.verbatim.map(|text| text.0);
        let mut date = match (span, &verbatim) {
            (None, None) => {
                return Err(M::Error::custom("a date that says neither when nor how it is written"));
            }
            (None, Some(text)) => FuzzyDate::verbatim(text.clone()),
            (Some(span), _) => FuzzyDate::new(span),
        };
        date.verbatim = verbatim;
        date.circa = parts.circa;
        Ok(date)
    }
}

impl<'de> Deserialize<'de> for DateForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DateVisitor).map(Self)
    }
}

impl Serialize for DateForm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let date = &self.0;
        if let (Some(Span::On(on)), false, None) = (date.span, date.circa, &date.verbatim) {
            return serializer.serialize_str(&on.to_string());
        }
        let mut parts = DateParts {
            circa: date.circa,
            verbatim: date.verbatim.clone().map(Json),
            ..DateParts::default()
        };
        match date.span {
            None => {}
            Some(Span::On(on)) => parts.on = Some(Json(on)),
            Some(Span::Between(first, last)) => {
                (parts.from, parts.to) = (Some(Json(first)), Some(Json(last)));
            }
            Some(Span::Before(last)) => parts.to = Some(Json(last)),
            Some(Span::After(first)) => parts.from = Some(Json(first)),
        }
        parts.serialize(serializer)
    }
}

impl From<DateForm> for FuzzyDate {
    fn from(form: DateForm) -> Self {
        form.0
    }
}

impl From<&FuzzyDate> for DateForm {
    fn from(date: &FuzzyDate) -> Self {
        Self(date.clone())
    }
}
