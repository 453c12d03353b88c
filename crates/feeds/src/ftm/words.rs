//! Which property of a subject is which kind of identifier, and which schema which relation.
//!
//! Not for: how they are read (`subject`, `beside`).

use comity_watchlist::{IdKind, Relation};

/// Properties that are numbers or addresses of a subject, each with its kind; where the kind says less than the
/// property, the property is the label.
pub(super) const IDENTIFIERS: [(&str, IdKind, bool); 33] = [
    ("passportNumber", IdKind::Passport, false),
    ("socialSecurityNumber", IdKind::SocialSecurity, false),
    ("taxNumber", IdKind::TaxId, false),
    ("innCode", IdKind::TaxId, true),
    ("vatCode", IdKind::Vat, false),
    ("registrationNumber", IdKind::Registration, false),
    ("ogrnCode", IdKind::Registration, true),
    ("kppCode", IdKind::Other, true),
    ("okpoCode", IdKind::Other, true),
    ("jibCode", IdKind::Other, true),
    ("uscCode", IdKind::Registration, true),
    ("npiCode", IdKind::Other, true),
    ("uniqueEntityId", IdKind::Other, true),
    ("permId", IdKind::Other, true),
    ("bvdId", IdKind::Other, true),
    ("giiNumber", IdKind::Other, true),
    ("idNumber", IdKind::Other, true),
    ("imoNumber", IdKind::Imo, false),
    ("mmsi", IdKind::Mmsi, false),
    ("callSign", IdKind::CallSign, false),
    ("serialNumber", IdKind::SerialNumber, false),
    ("icaoCode", IdKind::ModeS, false),
    ("swiftBic", IdKind::Swift, false),
    ("bic", IdKind::Swift, false),
    ("leiCode", IdKind::Lei, false),
    ("dunsCode", IdKind::Duns, false),
    ("licenseNumber", IdKind::Licence, false),
    ("phone", IdKind::Phone, false),
    ("email", IdKind::Email, false),
    ("website", IdKind::Website, false),
    ("publicKey", IdKind::Wallet, false),
    ("iban", IdKind::Iban, false),
    ("accountNumber", IdKind::BankAccount, false),
];

/// A schema of relations: the property of each of its two ends, and what each is to the other.
pub(super) struct Ends {
    pub(super) schema: &'static str,
    pub(super) one: (&'static str, Relation),
    pub(super) other: (&'static str, Relation),
}

const fn ends(schema: &'static str, one: (&'static str, Relation), other: (&'static str, Relation)) -> Ends {
    Ends { schema, one, other }
}

/// The relations that are read.
pub(super) const RELATIONS: [Ends; 9] = [
    ends("Ownership", ("owner", Relation::Owns), ("asset", Relation::OwnedBy)),
    ends("Directorship", ("director", Relation::Directs), ("organization", Relation::Linked)),
    ends("Family", ("person", Relation::Family), ("relative", Relation::Family)),
    ends("Associate", ("person", Relation::Linked), ("associate", Relation::Linked)),
    ends("UnknownLink", ("subject", Relation::Linked), ("object", Relation::Linked)),
    ends("Membership", ("member", Relation::Linked), ("organization", Relation::Linked)),
    ends("Employment", ("employee", Relation::Linked), ("employer", Relation::Linked)),
    ends("Representation", ("agent", Relation::ActsFor), ("client", Relation::Linked)),
    ends("Succession", ("predecessor", Relation::Linked), ("successor", Relation::Linked)),
];
