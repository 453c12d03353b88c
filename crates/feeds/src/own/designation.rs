//! What a designation of one's own must say before it is signed: more than a record must be able to hold.
//!
//! No listing without a legal basis, without reasons, or without anything by which its subject can be told apart.
//! Not here: which officers must agree (`policy`).

use comity_watchlist::{Country, GoodsError, LinkTarget, Record};
use thiserror::Error;

/// What a designation lacks, or has that it may not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Lack {
    /// Neither a name nor an identifier.
    #[error("it has neither names nor identifiers: nobody could be told apart by it")]
    Subject,
    /// No legal act.
    #[error("it has no legal act (legal): a designation stands on one")]
    Legal,
    /// No reasons.
    #[error("it has no reasons (reasons_public or reasons_closed): nobody could review or contest it")]
    Reasons,
    /// A code of a country that is none.
    #[error("{code:?} is no code of a country: that has two capital letters (ISO 3166-1)")]
    CountryCode {
        /// The code as given.
        code: String,
    },
    /// A code of a script that is none.
    #[error("{script:?} is no code of a script: that has four letters, as in Arab (ISO 15924)")]
    Script {
        /// The code as given.
        script: String,
    },
    /// A code of goods that is none.
    #[error("it has an identifier of kind goods ({value:?}) that is none: {reason}")]
    Goods {
        /// The value as given.
        value: String,
        /// What is wrong with it.
        reason: GoodsError,
    },
    /// A link to itself.
    #[error("it has a link to itself")]
    OwnLink,
}

/// Says what a designation lacks; `Ok` if it is complete.
///
/// # Errors
/// The first [`Lack`].
pub fn lacks(record: &Record) -> Result<(), Lack> {
    if record.names.is_empty() && record.identifiers.is_empty() {
        return Err(Lack::Subject);
    }
    if record.legal.is_empty() {
        return Err(Lack::Legal);
    }
    if record.reasons_public.is_empty() && record.reasons_closed.is_empty() {
        return Err(Lack::Reasons);
    }
    for code in countries(record).filter_map(|country| country.code.as_ref()) {
        let code = code.as_str();
        if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(Lack::CountryCode { code: code.to_owned() });
        }
    }
    for script in record.names.iter().filter_map(|name| name.script.as_ref()) {
        let script = script.as_str();
        if script.len() != 4 || !script.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(Lack::Script { script: script.to_owned() });
        }
    }
    for identifier in &record.identifiers {
        if let Err(reason) = identifier.goods() {
            return Err(Lack::Goods { value: identifier.value.to_string(), reason });
        }
    }
    if record.links.iter().any(|link| link.target == LinkTarget::Key(record.key.clone())) {
        return Err(Lack::OwnLink);
    }
    Ok(())
}

/// Every country that a record names.
fn countries(record: &Record) -> impl Iterator<Item = &Country> {
    let ties = record.ties.iter().map(|tie| &tie.country);
    let places = record.places.iter().filter_map(|place| place.address.country.as_ref());
    let addresses = record.addresses.iter().filter_map(|address| address.country.as_ref());
    let issuers = record.identifiers.iter().filter_map(|identifier| identifier.country.as_ref());
    let seen = record.sightings.iter().filter_map(|sighting| sighting.place.as_ref()?.country.as_ref());
    let flags = record.vessel.iter().flat_map(|vessel| vessel.flag.iter().chain(&vessel.former_flags));
    ties.chain(places).chain(addresses).chain(issuers).chain(seen).chain(flags)
}
