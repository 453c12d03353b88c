//! Policies that are pinned and name a witness key that has ended: a quorum may never come together by them again, and a person
//! must be told.
//!
//! A policy is what people have agreed, so nothing here changes one. Not here: what ends a key (`comity-ledger`), and whose
//! lines count (`gossip`).

use comity_ledger::{KeyEnd, KeyRole, Origin};
use comity_store::Store;
use comity_tlog::{Policy, VerifierKey};

use crate::author_keys::{held_logs, role_keys_of};
use crate::ended_keys::{EndedKey, ended_keys};
use crate::{Alarm, AlarmKey, Alarms, Home, NodeError, Peers, now};

/// The alarm that a policy names a key that has ended.
const CODE: &str = "policy";

/// The alarms about the policies of a home, one for each log whose policy names a key that has ended.
///
/// # Errors
/// A [`NodeError`] if the store or the register is damaged.
pub fn policy_alarms(store: &Store, home: &Home) -> Result<Vec<Alarm>, NodeError> {
    alarms(store, &home.peers()?, &home.origin())
}

/// Has the alarms be those of the policies that are pinned now.
///
/// # Errors
/// As [`policy_alarms`].
pub(crate) fn tell(to: &Alarms, store: &Store, peers: &Peers, own: &Origin) -> Result<(), NodeError> {
    to.replace(CODE, alarms(store, peers, own)?);
    Ok(())
}

fn alarms(store: &Store, peers: &Peers, own: &Origin) -> Result<Vec<Alarm>, NodeError> {
    let mut pinned: Vec<(Origin, Policy)> =
        peers.own_policy().map(|policy| (own.clone(), policy)).into_iter().collect();
    pinned.extend(peers.list().iter().filter_map(|peer| Some((peer.origin(), peer.policy()?.clone()))));
    if pinned.is_empty() {
        return Ok(Vec::new());
    }
    let ended = ended_keys(store, peers)?;
    let mut alarms = Vec::new();
    for (origin, policy) in pinned {
        let mut said = Vec::new();
        for key in policy.witnesses() {
            if let Some(of) = ended.iter().find(|of| of.key == *key) {
                said.push(sentence(store, peers, of)?);
            }
        }
        if said.is_empty() {
            continue;
        }
        let what = if origin.agency() == peers.own() {
            "write a policy with the keys of now to the file `policy` of the home, and start the node again"
        } else {
            "pin a policy with the keys of now by `comity peer add CARD --fingerprint WORDS --policy FILE`"
        };
        let message = format!(
            "the policy that is pinned for this log names a key that has ended: {}; {what}",
            said.join("; ")
        );
        let key = AlarmKey { code: CODE, origin: origin.to_string(), agency: origin.agency().to_string() };
        alarms.push(Alarm { key, since: now(), message });
    }
    Ok(alarms)
}

/// Which key, what came of it, and which one its agency uses now.
fn sentence(store: &Store, peers: &Peers, of: &EndedKey) -> Result<String, NodeError> {
    let (agency, key) = (&of.agency, &of.key);
    let came_of_it = match of.end {
        KeyEnd::Revoked => "revoked, so that its lines count nowhere",
        KeyEnd::Retired | KeyEnd::Closed => "retired, so that it cosigns nothing new",
    };
    let present = match present(store, peers, of)? {
        Some(present) => format!(" and uses {present} now"),
        None => String::new(),
    };
    Ok(format!("{agency} has {came_of_it}: {key}{present}"))
}

/// The newest witness key of the agency that is in force.
fn present(store: &Store, peers: &Peers, of: &EndedKey) -> Result<Option<VerifierKey>, NodeError> {
    if let Some(peer) = peers.find(&of.agency) {
        return Ok(role_keys_of(store, &peer, KeyRole::Witness)?.pop());
    }
    let Some(log) = held_logs(store, peers.own())?.pop() else { return Ok(None) };
    let size = store.held(log.origin())?.size;
    let newest = log.in_force(KeyRole::Witness, size).filter_map(|key| key.verifier(log.origin())).last();
    Ok(newest)
}
