//! The figures of a node in the text format of Prometheus (version 0.0.4).
//!
//! Sizes, states and counts alone: no record, no name, no identifier. The labels are origins of logs, agencies that
//! are peers, and words of this program, so that there are no more lines than logs, peers and kinds of alarms. Not
//! here: who may read them (`settings`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comity_ledger::{AgencyId, Head};
use comity_store::{LogRole, is_set_aside};

use super::service::HttpService;
use crate::export::head_of;
use crate::tls::{Expiring, Expiry};
use crate::{Alarm, FollowState, LogState, NodeError};

/// Most logs that are shown one by one: the own, those of a full register, and what was set aside of them for a while.
const LOGS_SHOWN_MAX: usize = 256;

/// One kind of figure.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
}

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: "gauge", help }
}

const fn counter(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: "counter", help }
}

const BUILD: Family = gauge("comity_build_info", "1, with the version of the program.");
const READ_ONLY: Family = gauge("comity_read_only", "1 if nothing can be appended to the own log.");
const STORE_FAILED: Family = gauge("comity_store_failed", "1 if stable storage failed; the node then ends.");
const LOGS: Family = gauge("comity_logs", "Logs that are held, own and followed and set aside.");
const LOG_ENTRIES: Family =
    gauge("comity_log_entries", "Entries under the newest signed checkpoint of a log.");
const LOG_HELD: Family =
    gauge("comity_log_held_entries", "Entries of a log that are kept, signed or not yet.");
const LOG_WITNESSED: Family = gauge(
    "comity_log_witnessed_entries",
    "Entries under the largest checkpoint of a log behind which enough witnesses stand.",
);
const LOG_STALE: Family = gauge("comity_log_stale", "1 if what is held of a log may be too old.");
const PEERS: Family = gauge("comity_peers", "Peers in the register.");
const PEER_CONNECTED: Family = gauge("comity_peer_connected", "1 if the log of a peer is being followed.");
const PEER_LAG: Family =
    gauge("comity_peer_lag_entries", "Entries that a peer has shown and this node lacks.");
const ALARMS: Family = gauge("comity_alarms", "Alarms that stand, by code.");
const EXPIRES: Family = gauge(
    "comity_expires_timestamp_seconds",
    "When the first certificate or revocation list of its kind expires, of an agency.",
);
const CONNECTIONS: Family = gauge("comity_http_connections", "Connections to this listener.");
const REFUSED: Family =
    counter("comity_http_connections_refused_total", "Connections closed for want of room.");
const REQUESTS: Family =
    counter("comity_http_requests_total", "Requests answered by this listener, by status.");

/// The figures as they are now. Blocking.
///
/// # Errors
/// A [`NodeError`] if the store is damaged.
pub(super) fn text(service: &HttpService) -> Result<String, NodeError> {
    let mut out = Exposition::default();
    let parts = service.parts();
    out.family(&BUILD, [(vec![("version", env!("CARGO_PKG_VERSION").to_owned())], 1)]);
    let node = parts.gossiping.node();
    let is_read_only = node.read_only().is_some() || node.is_halted();
    out.one(&READ_ONLY, is_read_only.into());
    out.one(&STORE_FAILED, service.node().store().has_failed().into());
    logs(service, &mut out)?;
    let standings = parts.gossiping.log_states();
    let of_logs = |figure: fn(&LogState) -> u64| {
        let shown = standings.iter().take(LOGS_SHOWN_MAX);
        shown.map(move |(origin, state)| (vec![("origin", origin.to_string())], figure(state)))
    };
    out.family(&LOG_WITNESSED, of_logs(|state| state.witnessed.value()));
    out.family(&LOG_STALE, of_logs(|state| state.stale.into()));
    let states = parts.followers.states();
    let peers = parts.gossiping.peers().list();
    out.one(&PEERS, count(peers.len()));
    let of_peers = |figure: fn(&FollowState) -> u64| {
        let states = &states;
        peers.iter().map(move |peer| {
            let state = states.get(peer.agency());
            (vec![("agency", peer.agency().to_string())], state.map_or(0, figure))
        })
    };
    out.family(&PEER_CONNECTED, of_peers(|state| state.connected.into()));
    out.family(&PEER_LAG, of_peers(|state| state.seen.value().saturating_sub(state.held.value())));
    alarms(&service.node().alarms().standing(), &mut out);
    out.family(&EXPIRES, soonest(&service.tls().expiries()));
    let occupied = service.slots().occupied();
    out.one(&CONNECTIONS, count(occupied.open));
    out.one(&REFUSED, occupied.refused);
    let answered = service.answered().into_iter();
    out.family(&REQUESTS, answered.map(|(status, count)| (vec![("status", status.to_string())], count)));
    Ok(out.0)
}

fn logs(service: &HttpService, out: &mut Exposition) -> Result<(), NodeError> {
    let store = service.node().store();
    let logs = store.logs()?;
    let (mut signed, mut held) = (Vec::new(), Vec::new());
    for (origin, role) in logs.iter().take(LOGS_SHOWN_MAX) {
        let role = match role {
            LogRole::Own => "own",
            LogRole::Replica if is_set_aside(origin) => "aside",
            LogRole::Replica => "replica",
        };
        let labels = vec![("origin", origin.to_string()), ("role", role.to_owned())];
        let head = store.newest_note(origin)?.map_or(Ok(Head::EMPTY), |note| head_of(&note))?;
        signed.push((labels.clone(), head.size.value()));
        held.push((labels, store.held(origin)?.size.value()));
    }
    out.one(&LOGS, count(logs.len()));
    out.family(&LOG_ENTRIES, signed);
    out.family(&LOG_HELD, held);
    Ok(())
}

fn alarms(standing: &[Alarm], out: &mut Exposition) {
    let mut by_code: BTreeMap<&str, u64> = BTreeMap::new();
    for alarm in standing {
        let count = by_code.entry(alarm.key.code).or_default();
        *count = count.saturating_add(1);
    }
    out.family(&ALARMS, by_code.into_iter().map(|(code, count)| (vec![("code", code.to_owned())], count)));
}

/// The first of each kind and agency to expire: so that there are no more lines than four for each.
fn soonest(expiries: &[Expiry]) -> Vec<(Labels, u64)> {
    let mut first: BTreeMap<(&AgencyId, Expiring), u64> = BTreeMap::new();
    for expiry in expiries {
        let at = u64::try_from(expiry.at_secs).unwrap_or_default();
        let held = first.entry((&expiry.agency, expiry.what)).or_insert(at);
        *held = at.min(*held);
    }
    let labelled = |((agency, what), at): ((&AgencyId, Expiring), u64)| {
        (vec![("agency", agency.to_string()), ("what", what.word().to_owned())], at)
    };
    first.into_iter().map(labelled).collect()
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

type Labels = Vec<(&'static str, String)>;

/// The text as far as it is written.
#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn one(&mut self, family: &Family, value: u64) {
        self.family(family, [(Labels::new(), value)]);
    }

    /// Writes one kind of figure with all its lines; nothing if there are none.
    fn family(&mut self, family: &Family, samples: impl IntoIterator<Item = (Labels, u64)>) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let Family { name, kind, help } = family;
        // Writing to a text in memory does not fail.
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").unwrap_or_default();
        for (labels, value) in samples {
            self.0.push_str(name);
            let mut open = '{';
            for (label, text) in &labels {
                // Origins, agencies, codes and versions hold no character that would have to be escaped.
                write!(self.0, "{open}{label}=\"{text}\"").unwrap_or_default();
                open = ',';
            }
            let close = if labels.is_empty() { "" } else { "}" };
            writeln!(self.0, "{close} {value}").unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_text_format() {
        let mut out = Exposition::default();
        out.one(&READ_ONLY, 1);
        let labels = |origin: &str| vec![("origin", origin.to_owned()), ("role", "own".to_owned())];
        out.family(&LOG_ENTRIES, [(labels("a.example/pub"), 7), (labels("b.example/pub"), u64::MAX)]);
        out.family(&ALARMS, []);
        assert_eq!(
            out.0,
            "# HELP comity_read_only 1 if nothing can be appended to the own log.\n\
             # TYPE comity_read_only gauge\n\
             comity_read_only 1\n\
             # HELP comity_log_entries Entries under the newest signed checkpoint of a log.\n\
             # TYPE comity_log_entries gauge\n\
             comity_log_entries{origin=\"a.example/pub\",role=\"own\"} 7\n\
             comity_log_entries{origin=\"b.example/pub\",role=\"own\"} 18446744073709551615\n"
        );
    }

    #[test]
    fn the_first_to_expire_of_each_kind_is_shown() {
        let expiry = |agency: &str, what, at_secs| {
            let (agency, name) = (agency.parse().unwrap(), "07".to_owned());
            Expiry { agency, what, name, at_secs }
        };
        let mut out = Exposition::default();
        let all = [
            expiry("a.example", Expiring::Node, 9),
            expiry("a.example", Expiring::Node, 7),
            expiry("a.example", Expiring::RevocationList, 8),
            expiry("b.example", Expiring::Node, -1),
        ];
        out.family(&EXPIRES, soonest(&all));
        let name = "comity_expires_timestamp_seconds";
        let line = |agency, what, at| format!("{name}{{agency=\"{agency}\",what=\"{what}\"}} {at}\n");
        let lines = [line("a.example", "node", 7), line("a.example", "crl", 8), line("b.example", "node", 0)]
            .concat();
        assert!(out.0.ends_with(&lines), "{}", out.0);
    }

    #[test]
    fn alarms_are_counted_by_their_code() {
        let alarm = |code, agency: &str| {
            let key = crate::AlarmKey { code, origin: String::new(), agency: agency.to_owned() };
            Alarm { key, since: comity_ledger::AuthorTime::from_unix_secs(1), message: "a test".to_owned() }
        };
        let mut out = Exposition::default();
        alarms(
            &[alarm("fork", "a.example"), alarm("fork", "b.example"), alarm("damaged", "a.example")],
            &mut out,
        );
        assert!(
            out.0.ends_with("comity_alarms{code=\"damaged\"} 1\ncomity_alarms{code=\"fork\"} 2\n"),
            "{}",
            out.0
        );
    }
}
