//! A package as an agency writes it: the changes that take effect whole or not at all, each an object of its own.
//!
//! One array of objects, or one object behind the other (JSON Lines), read as strictly as a designation. Not for: which
//! change may follow which, and what a designation must say, which whoever signs them looks at.

use comity_watchlist::limits::PACKAGE_MEMBERS_MAX;
use comity_watchlist::{CalendarDate, DelistReason, ListId, Notice, Prose, RecordKey, Reference};
use serde::Deserialize;
use serde::de::Error as _;

use super::claims::LegalForm;
use super::form::{RecordForm, values};
use super::scalar::Json;
use super::{OwnError, OwnRecord, checked, ground_of};

/// Largest file of a package in bytes: as many records as it may have are far smaller than the largest of each.
pub const PACKAGE_BYTES_MAX: usize = 16 << 20;

/// One change of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnChange {
    /// A record that is written whole.
    Written(OwnWriting, Box<OwnRecord>),
    /// A change that says nothing new of the subject.
    Acted {
        /// What it does.
        act: OwnAct,
        /// List and reference of the record, and why.
        notice: Box<Notice>,
        /// The version of the record that the change was made from, if it says one.
        version: Option<u64>,
    },
}

/// Why a record is written whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OwnWriting {
    /// It is listed for the first time.
    Add,
    /// Something new is said of it.
    Amend,
    /// Something was wrong in it.
    Correct,
    /// It had ended, and is listed on new grounds.
    Relist,
}

/// What a change without a record does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnAct {
    /// The record has no effect until it is resumed.
    Suspend,
    /// A suspension ends.
    Resume,
    /// The record ends for good.
    Delist {
        /// On what ground.
        ground: DelistReason,
        /// From which day.
        effective: CalendarDate,
    },
    /// It should never have been shared.
    Withdraw,
    /// It has another list or reference from now on.
    Rekey {
        /// Which.
        to: RecordKey,
    },
}

impl OwnChange {
    /// List and reference of the record.
    pub fn key(&self) -> &RecordKey {
        match self {
            Self::Written(_, own) => &own.record.key,
            Self::Acted { notice, .. } => &notice.key,
        }
    }
}

/// The object of one change; which fields it has hangs on `change`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeForm {
    change: Word,
    record: Option<RecordForm>,
    list: Option<Json<ListId>>,
    reference: Option<Json<Reference>>,
    version: Option<u64>,
    #[serde(default)]
    reasons_public: Vec<Json<Prose>>,
    #[serde(default)]
    reasons_closed: Vec<Json<Prose>>,
    #[serde(default)]
    legal: Vec<LegalForm>,
    ground: Option<String>,
    effective: Option<String>,
    to: Option<KeyForm>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Add,
    Amend,
    Correct,
    Relist,
    Suspend,
    Resume,
    Delist,
    Withdraw,
    Rekey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyForm {
    list: Json<ListId>,
    reference: Json<Reference>,
}

/// Reads a package. A byte order mark before it is passed over.
///
/// # Errors
/// [`OwnError`] if it is too large, not JSON of the form described, has fewer than two or more than
/// [`PACKAGE_MEMBERS_MAX`] changes, or one beyond a limit of a record.
pub fn read_package(bytes: &[u8]) -> Result<Vec<OwnChange>, OwnError> {
    if bytes.len() > PACKAGE_BYTES_MAX {
        return Err(OwnError::PackageTooLarge { len: bytes.len() });
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let form = |source| OwnError::PackageForm { source };
    let is_array = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let forms: Vec<ChangeForm> = if is_array {
        serde_json::from_slice(bytes).map_err(form)?
    } else {
        let objects = serde_json::Deserializer::from_slice(bytes).into_iter();
        // One more than there may be tells that there are too many.
        objects.take(usize::from(PACKAGE_MEMBERS_MAX) + 1).collect::<Result<_, _>>().map_err(form)?
    };
    if forms.len() < 2 || forms.len() > usize::from(PACKAGE_MEMBERS_MAX) {
        return Err(OwnError::PackageCount);
    }
    let numbered = forms.into_iter().zip(1..);
    numbered.map(|(form, number)| change(form).map_err(|error| error.of(number))).collect()
}

/// Why one change of a package is none.
enum Bad {
    /// What its object lacks or has that it may not.
    Fields(&'static str),
    Record(OwnError),
}

impl Bad {
    fn of(self, number: usize) -> OwnError {
        match self {
            Self::Fields(what) => OwnError::PackageForm {
                source: serde_json::Error::custom(format!("change {number} of the package: {what}")),
            },
            Self::Record(source) => source,
        }
    }
}

fn change(form: ChangeForm) -> Result<OwnChange, Bad> {
    let writing = match form.change {
        Word::Add => OwnWriting::Add,
        Word::Amend => OwnWriting::Amend,
        Word::Correct => OwnWriting::Correct,
        Word::Relist => OwnWriting::Relist,
        _ => return acted(form),
    };
    let is_noted = form.list.is_some() || form.reference.is_some() || form.version.is_some();
    let is_grounded =
        !form.reasons_public.is_empty() || !form.reasons_closed.is_empty() || !form.legal.is_empty();
    let is_act = form.ground.is_some() || form.effective.is_some() || form.to.is_some();
    match form.record {
        Some(record) if !is_noted && !is_grounded && !is_act => {
            checked(record).map(|own| OwnChange::Written(writing, Box::new(own))).map_err(Bad::Record)
        }
        Some(_) => Err(Bad::Fields("beside `record` there is nothing to say")),
        None => Err(Bad::Fields("`record` is missing")),
    }
}

fn acted(form: ChangeForm) -> Result<OwnChange, Bad> {
    let (Some(list), Some(reference)) = (form.list, form.reference) else {
        return Err(Bad::Fields("`list` and `reference` are needed"));
    };
    if form.record.is_some() {
        return Err(Bad::Fields("it takes no `record`"));
    }
    let is_delisting = form.change == Word::Delist;
    if form.ground.is_some() != is_delisting || form.effective.is_some() != is_delisting {
        return Err(Bad::Fields("a delisting alone has `ground` and `effective`, and needs both"));
    }
    if form.to.is_some() != (form.change == Word::Rekey) {
        return Err(Bad::Fields("a rekeying alone has `to`, and needs it"));
    }
    let mut notice = Notice::new(RecordKey::new(list.0, reference.0));
    notice.reasons_public = values(form.reasons_public);
    notice.reasons_closed = values(form.reasons_closed);
    notice.legal = form.legal.into_iter().map(Into::into).collect();
    if notice.reasons_public.is_empty() && notice.reasons_closed.is_empty() {
        return Err(Bad::Fields("it has no reasons (reasons_public or reasons_closed)"));
    }
    let act = match (form.change, form.ground, form.effective, form.to) {
        (Word::Delist, Some(ground), Some(effective), _) => OwnAct::Delist {
            ground: ground_of(&ground).ok_or(Bad::Fields("no such `ground`"))?,
            effective: CalendarDate::parse(&effective)
                .map_err(|_| Bad::Fields("`effective` is no day (yyyy-mm-dd)"))?,
        },
        (Word::Rekey, _, _, Some(to)) => OwnAct::Rekey { to: RecordKey::new(to.list.0, to.reference.0) },
        (Word::Resume, ..) => OwnAct::Resume,
        (Word::Withdraw, ..) => OwnAct::Withdraw,
        _ => OwnAct::Suspend,
    };
    Ok(OwnChange::Acted { act, notice: Box::new(notice), version: form.version })
}
