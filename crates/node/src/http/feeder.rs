//! Who takes the own log to the witnesses that are nobody's node: one task for each that the policy names with an
//! address, after each new checkpoint, and again before its word grows stale.
//!
//! Not here: one question and its answer (`foreign_witness`), and what becomes of the line (`gossip`).

use std::sync::Arc;
use std::time::Duration;

use comity_tlog::SignedCheckpoint;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::foreign_witness::{ForeignWitness, WitnessError, proof_between};
use crate::gossip::clock;
use crate::off_reactor::off_reactor;
use crate::{Alarm, AlarmKey, Gossiping, NodeError, jittered, now};

/// The alarm that a witness has seen another history of the own log than this one.
const FOREIGN_WITNESS: &str = "foreign_witness";
/// A witness is asked at most this often, however fast the log grows: it cosigns the newest checkpoint, and those
/// between are covered by it.
const PACE: Duration = Duration::from_secs(1);
/// Pause after the first failure.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Longest pause: a witness that comes back is asked within this time.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// Starts a task for each witness that the policy of the own log names with an address, until `stop`.
pub(crate) fn start(gossiping: &Arc<Gossiping>, tasks: &TaskTracker, stop: &CancellationToken) {
    let Some(policy) = gossiping.peers().own_policy() else { return };
    for (key, url) in policy.witness_addresses() {
        match ForeignWitness::new(url, key) {
            Ok(witness) => {
                let span = tracing::info_span!("witness", name = %key.name());
                let (gossiping, stop) = (Arc::clone(gossiping), stop.clone());
                let feed = async move {
                    stop.run_until_cancelled(feed(&gossiping, &witness)).await;
                };
                tasks.spawn(feed.instrument(span));
            }
            Err(reason) => tracing::warn!(name = %key.name(), reason, "a witness of the policy is not asked"),
        }
    }
}

/// Asks one witness, for ever.
async fn feed(gossiping: &Arc<Gossiping>, witness: &ForeignWitness) {
    let node = gossiping.node();
    let (mut news, renewal) = (node.news(), Duration::from_secs(node.home().config().renew_secs));
    let alarm = AlarmKey {
        code: FOREIGN_WITNESS,
        origin: node.home().origin().to_string(),
        agency: witness.key().name().to_string(),
    };
    let (mut pause, mut cosigned, mut due) = (PAUSE_MIN, None, Instant::now());
    loop {
        news.mark_unchanged();
        let newest = newest(gossiping).await;
        let is_due = Instant::now() >= due;
        match newest {
            Ok(Some(signed)) if is_due || cosigned != Some(signed.checkpoint().size()) => {
                let size = signed.checkpoint().size();
                match ask(gossiping, witness, signed).await {
                    Ok(()) => {
                        node.alarms().end(&alarm);
                        (cosigned, pause, due) = (Some(size), PAUSE_MIN, Instant::now() + renewal);
                        tokio::time::sleep(PACE).await;
                    }
                    Err(error) => {
                        let reason = error.explain();
                        tracing::warn!(%size, reason, "not cosigned");
                        if error.is_about_history() {
                            node.alarms().raise(Alarm { key: alarm.clone(), since: now(), message: reason });
                        }
                        pause = (pause * 2).min(PAUSE_MAX);
                        tokio::time::sleep(jittered(pause)).await;
                        continue;
                    }
                }
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the own log cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep_until(due.max(Instant::now() + PACE)) => {}
            changed = news.changed() => if changed.is_err() { return },
        }
    }
}

/// The newest checkpoint of the own log.
async fn newest(gossiping: &Arc<Gossiping>) -> Result<Option<SignedCheckpoint>, NodeError> {
    let node = Arc::clone(gossiping.node());
    let read = off_reactor(move || {
        let note = node.store().newest_note(&node.home().origin())?;
        let parsed = note.map(|note| SignedCheckpoint::parse(&note)).transpose();
        parsed.map_err(|source| NodeError::OwnNote { source })
    });
    read.await.map_err(|_| NodeError::Lost { part: "reading of the own log" })?
}

/// Has a checkpoint cosigned, and keeps the line.
async fn ask(
    gossiping: &Arc<Gossiping>,
    witness: &ForeignWitness,
    signed: SignedCheckpoint,
) -> Result<(), WitnessError> {
    let node = gossiping.node();
    let origin = node.home().origin();
    let prove = |from, to| {
        let (node, origin) = (Arc::clone(node), origin.clone());
        let proving = off_reactor(move || proof_between(node.store(), &origin, from, to));
        async move { proving.await.map_err(|error| WitnessError::Here { source: Box::new(error) })? }
    };
    let keys = off_reactor({
        let node = Arc::clone(node);
        move || node.own_keys()
    });
    let keys = keys.await.map_err(|error| WitnessError::Here { source: error.into() })?;
    let keys = keys.map_err(|error| WitnessError::Here { source: error.into() })?;
    // Of two keys in force the older one, which a witness that knows one only has known for longer.
    let verified = keys.verify(&signed).map_err(|error| WitnessError::Here { source: error.into() })?;
    let line = witness.cosign(&signed, verified.log_key(), clock(), prove).await?;
    tracing::debug!(size = %signed.checkpoint().size(), "cosigned");
    let keeping = Arc::clone(gossiping);
    let kept = off_reactor(move || keeping.take_line(&signed, &line)).await;
    let failed = |source| WitnessError::Here { source };
    kept.map_err(|error| failed(error.into()))?.map_err(|error| failed(error.into()))
}
