//! What is left of an element when a format has taken what it understands: attributes, and the values to be kept.
//!
//! Not for: reading documents, which is in `xml`.

use comity_watchlist::limits::EXTRAS_MAX;
use comity_watchlist::{Prose, Source, Text};

use super::Element;
use crate::error::RejectReason;

/// Bytes of a value that is kept together with the others of its path: row numbers and flags have no more.
const SHORT_BYTES_MAX: usize = 20;

impl Element {
    /// The trimmed value of an attribute, if it has one.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(key, _)| key == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// Removes and returns what [`Element::attribute`] sees.
    pub(crate) fn take_attribute(&mut self, name: &str) -> Option<String> {
        let value = self.attribute(name)?.to_owned();
        self.attributes.retain(|(key, _)| key != name);
        Some(value)
    }

    /// Puts another value in the place of that of an attribute.
    pub(crate) fn set_attribute(&mut self, name: &str, value: String) {
        if let Some((_, old)) = self.attributes.iter_mut().find(|(key, _)| key == name) {
            *old = value;
        }
    }

    /// Puts other values in the place of those of all attributes for which there is one.
    pub(crate) fn replace_attributes(&mut self, other: impl Fn(&str, &str) -> Option<String>) {
        for (name, value) in &mut self.attributes {
            if let Some(new) = other(name, value.trim()) {
                *value = new;
            }
        }
    }

    /// The first child of a name.
    pub(crate) fn first(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Its children in their order.
    pub(crate) fn children(&self) -> &[Self] {
        &self.children
    }

    /// The trimmed text of the element itself.
    pub(crate) fn own_text(&self) -> &str {
        self.text.trim()
    }

    /// Puts another text in the place of its own.
    pub(crate) fn set_text(&mut self, text: String) {
        self.text = text;
    }

    /// The trimmed text of the first child of a name, whatever else the child has.
    pub(crate) fn word(&self, name: &str) -> Option<&str> {
        let child = self.children.iter().find(|child| child.name == name)?;
        Some(child.text.trim()).filter(|text| !text.is_empty())
    }

    /// Removes and returns what [`Element::word`] sees; whatever else the child has stays.
    pub(crate) fn take_word(&mut self, name: &str) -> Option<String> {
        let child = self.children.iter_mut().find(|child| child.name == name)?;
        child.take_own_text()
    }

    /// Shows the element and everything in it to a function.
    pub(crate) fn visit(&mut self, show: &mut impl FnMut(&mut Self)) {
        show(self);
        self.children.iter_mut().for_each(|child| child.visit(show));
    }

    /// Lets a function take what it understands of each child of a name; what it leaves stays in the element.
    pub(crate) fn each(
        &mut self,
        name: &str,
        mut take: impl FnMut(&mut Self) -> Result<(), RejectReason>,
    ) -> Result<(), RejectReason> {
        self.children.iter_mut().filter(|child| child.name == name).try_for_each(&mut take)
    }

    /// Keeps every value that is left under its path, as [`Element::keep`] does; but where all values of a path are
    /// single short words, such as row numbers, they are kept in one, with spaces between and in their order. A full
    /// record has hundreds of such numbers, and would else be beyond the limits for nothing.
    pub(crate) fn keep_short(&self, source: &mut Source) -> Result<(), RejectReason> {
        self.keep_short_under("", source)
    }

    /// The same for an element that is a part of the record elsewhere, under a path of its own.
    pub(crate) fn keep_short_under(&self, path: &str, source: &mut Source) -> Result<(), RejectReason> {
        let mut paths: Vec<(String, Vec<&str>)> = Vec::new();
        self.gather(path, &mut paths);
        for (path, values) in paths {
            let bad = |source| RejectReason::Text { column: "extra", source };
            let name = Text::new(path).map_err(bad)?;
            let is_short =
                |value: &&str| value.len() <= SHORT_BYTES_MAX && !value.contains(char::is_whitespace);
            if values.iter().all(is_short) {
                source.keep(&name, Prose::new(values.join(" ")).map_err(bad)?);
                continue;
            }
            for value in values {
                source.keep(&name, Prose::new(value).map_err(bad)?);
            }
        }
        Ok(())
    }

    /// Every value with its path, those of one path together.
    fn gather<'a>(&'a self, path: &str, paths: &mut Vec<(String, Vec<&'a str>)>) {
        let attributes = self.attributes.iter().map(|(name, value)| (format!("{path}@{name}"), value.trim()));
        // Text of the record element itself has no path of its own.
        let own = if path.is_empty() { "#text" } else { path };
        for (path, value) in attributes.chain([(own.to_owned(), self.text.trim())]) {
            if value.is_empty() {
                continue;
            }
            // A record with more source fields than that is refused in any case.
            if paths.len() > EXTRAS_MAX {
                return;
            }
            match paths.iter_mut().find(|(known, _)| *known == path) {
                Some((_, values)) => values.push(value),
                None => paths.push((path, vec![value])),
            }
        }
        for child in &self.children {
            let joint = if path.is_empty() { "" } else { "/" };
            child.gather(&format!("{path}{joint}{}", child.name), paths);
        }
    }
}
