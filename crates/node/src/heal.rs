//! Replicas that are damaged are begun anew before anything of them is shown or served; their peers have them.
//!
//! What is damaged of the own log is named and never made good here: nobody else may write it. Not here: how damage is
//! found (`comity-store`), and how a replica is fetched (`follow`).

use std::collections::BTreeMap;

use comity_ledger::{Head, Origin};
use comity_screening::View;
use comity_store::{LogRole, Store, StoreError, is_set_aside};

use crate::records::view_of;
use crate::{Alarm, AlarmKey, Alarms, NodeError, SystemEntropy, now};

/// The alarm about a replica that was damaged, until it is complete again.
pub(crate) const DAMAGED: &str = "damaged";

/// What a node starts with.
pub(crate) struct Whole {
    /// The merged view.
    pub(crate) view: View,
    /// The heads that it stands on.
    pub(crate) heads: BTreeMap<Origin, Head>,
    /// Replicas that were begun anew.
    pub(crate) healed: Vec<Origin>,
}

/// The merged view as `view_of` gives it, and the replicas that had to be begun anew for it.
///
/// # Errors
/// A [`NodeError`] that names what is damaged of the own log or of the database itself, or as the store fails.
pub(crate) fn view_of_what_is_whole(store: &Store) -> Result<Whole, NodeError> {
    let mut healed = begin_anew_where(store, Store::check_replica)?;
    let (view, heads) = match view_of(store) {
        // Sections of records are read for the view in any case; all are looked through only if it cannot be made, since
        // each of the others is verified when it is read.
        Err(NodeError::Store(error)) if error.is_damage() => {
            healed.extend(begin_anew_where(store, Store::check_sections)?);
            view_of(store)?
        }
        made => made?,
    };
    Ok(Whole { view, heads, healed })
}

fn begin_anew_where(
    store: &Store,
    check: impl Fn(&Store, &Origin) -> Result<(), StoreError>,
) -> Result<Vec<Origin>, NodeError> {
    let mut healed = Vec::new();
    for (origin, role) in store.logs()? {
        if role != LogRole::Replica || is_set_aside(&origin) {
            continue;
        }
        match check(store, &origin) {
            Err(error) if error.is_damage() => {
                tracing::error!(%origin, %error, "a replica is damaged and begun anew");
                store.begin_anew(&origin, &mut SystemEntropy::new())?;
                healed.push(origin);
            }
            checked => checked?,
        }
    }
    Ok(healed)
}

/// Raises the alarm about a replica that was begun anew.
pub(crate) fn tell(alarms: &Alarms, origin: &Origin) {
    let key = AlarmKey { code: DAMAGED, origin: origin.to_string(), agency: origin.agency().to_string() };
    let message = "what was held of the log was damaged on this disk: it is fetched again, and what is not fetched yet \
                   is not shown";
    alarms.raise(Alarm { key, since: now(), message: message.to_owned() });
}
