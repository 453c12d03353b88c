//! When this node cosigns and when it speaks to its peers: after each piece of news, and at fixed times in between.
//!
//! Not here: what is said (`heads`), and what is cosigned (`gossip`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use comity_ledger::AgencyId;
use comity_wire::{Heads, v1};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::Gossiping;
use super::other_trees::{self, blocking};
use crate::dial::{DialError, PeerClient, answered, dial};
use crate::exchange::HEARTBEAT;
use crate::off_reactor::off_reactor;
use crate::{AuthorTask, FollowParts, Peer, Submission, jittered};

/// News that come this soon after others are taken in with them.
const GATHER: Duration = Duration::from_millis(1);
/// After this time the own log may be stated again: statements are of whole seconds.
const STATED_AGAIN: Duration = Duration::from_secs(1);
/// Half of the first pause after which a peer is told again what it did not take.
const AGAIN_MIN: Duration = Duration::from_millis(5);
/// Exchanges one behind the other: two do for what came in answer, and whoever confirms nothing must not keep this node
/// at it.
const AT_ONCE_MAX: u32 = 4;
/// Pause after the first failure to reach a peer.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause: a peer that comes back is spoken to within this time.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Starts the tasks that cosign and that speak to every peer of the register, until `stop`; all are tasks of `tasks`.
pub(super) fn start(
    gossiping: &Arc<Gossiping>,
    parts: &FollowParts,
    author: Option<AuthorTask>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    gossiping.begin_comparing();
    let (cosigning, ended) = (Arc::clone(gossiping), stop.clone());
    let span = tracing::info_span!("cosign");
    tasks.spawn(async move { cosign(&cosigning, author.as_ref(), &ended).await }.instrument(span));
    let (speaking, parts, spawner, ended) =
        (Arc::clone(gossiping), parts.clone(), tasks.clone(), stop.clone());
    tasks.spawn(async move { speak(&speaking, &parts, &spawner, &ended).await });
}

/// Takes in and cosigns what was kept, as soon as it was, and renews what was said before it grows stale.
async fn cosign(gossiping: &Arc<Gossiping>, author: Option<&AuthorTask>, stop: &CancellationToken) {
    let mut news = gossiping.node.news();
    let renewal = Duration::from_secs(gossiping.node.home().config().renew_secs);
    let mut due = Instant::now() + renewal;
    loop {
        news.mark_unchanged();
        let renew = Instant::now() >= due;
        if renew {
            due = Instant::now() + renewal;
        }
        let (round, mut next) = (Arc::clone(gossiping), due);
        match off_reactor(move || round.round(renew)).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => next = due.min(Instant::now() + STATED_AGAIN),
            Ok(Err(error)) if gossiping.node.store().has_failed() => {
                tracing::error!(%error, "nothing is cosigned any more");
                return;
            }
            Ok(Err(error)) => tracing::error!(%error, "cosigning failed"),
            Err(_) => return,
        }
        if let Some(author) = author {
            enter(gossiping, author).await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(next) => {}
            changed = news.changed() => {
                if changed.is_err() {
                    return;
                }
                tokio::time::sleep(GATHER).await;
            }
        }
    }
}

/// States in the own log what evidence is held of others and does not stand there yet. What cannot be entered now is
/// tried again with the next round.
async fn enter(gossiping: &Arc<Gossiping>, author: &AuthorTask) {
    let asked = Arc::clone(gossiping);
    let waiting = match off_reactor(move || asked.evidence_to_enter()).await {
        Ok(Ok(waiting)) => waiting,
        Ok(Err(error)) => return tracing::error!(%error, "evidence cannot be read"),
        Err(_) => return,
    };
    for evidence in waiting {
        let entered = author
            .append(Submission {
                drafts: vec![evidence.draft()],
                bases: Vec::new(),
                labels: None,
                erasures: None,
                list: None,
            })
            .await;
        match entered {
            Ok(_) => {
                let entering = Arc::clone(gossiping);
                let noted = off_reactor(move || entering.node.store().put_evidence_entered(&evidence)).await;
                if !matches!(noted, Ok(Ok(()))) {
                    tracing::error!("it cannot be noted that evidence was entered");
                }
            }
            Err(error) => tracing::warn!(%error, "evidence was not entered in the own log"),
        }
    }
}

/// One speaker for each peer that is called directly.
struct Speaker {
    peer: Arc<Peer>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

async fn speak(
    gossiping: &Arc<Gossiping>,
    parts: &FollowParts,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let mut changes = parts.peers.changes();
    let mut running: BTreeMap<AgencyId, Speaker> = BTreeMap::new();
    loop {
        changes.mark_unchanged();
        let wanted: Vec<Arc<Peer>> =
            parts.peers.list().into_iter().filter(|peer| peer.reach().via.is_none()).collect();
        let is_wanted = |held: &Speaker| wanted.iter().any(|peer| Arc::ptr_eq(peer, &held.peer));
        let ended: Vec<AgencyId> =
            running.iter().filter(|(_, held)| !is_wanted(held)).map(|(agency, _)| agency.clone()).collect();
        for agency in ended {
            if let Some(held) = running.remove(&agency) {
                held.stop.cancel();
                // It ends between two steps; a panic in it has been logged by its task.
                drop(held.task.await);
                let forgetting = Arc::clone(gossiping);
                drop(off_reactor(move || forgetting.forget_peer(&agency)).await);
            }
        }
        for peer in wanted {
            running.entry(peer.agency().clone()).or_insert_with(|| {
                let stop = stop.child_token();
                let (gossiping, parts) = (Arc::clone(gossiping), parts.clone());
                let (agency, ended) = (peer.agency().clone(), stop.clone());
                let span = tracing::info_span!("gossip", peer = %agency);
                let run = async move { speak_to(&gossiping, &parts, &agency, &ended).await };
                Speaker { peer, stop, task: tasks.spawn(run.instrument(span)) }
            });
        }
        // A new card brings a new cosigner.
        let seeing = Arc::clone(gossiping);
        drop(off_reactor(move || seeing.see_anew()).await);
        gossiping.node.tell_news();
        tokio::select! {
            () = stop.cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

/// Speaks to one peer until told to stop, and begins again whenever the connection fails.
async fn speak_to(
    gossiping: &Arc<Gossiping>,
    parts: &FollowParts,
    agency: &AgencyId,
    stop: &CancellationToken,
) {
    let mut pause = PAUSE_MIN;
    loop {
        let begun = Instant::now();
        let session = async {
            let client = dial(parts, agency).await?;
            exchange(gossiping, client, agency).await
        };
        let ended = stop.run_until_cancelled(session).await;
        let (trying, of) = (Arc::clone(gossiping), agency.clone());
        drop(off_reactor(move || trying.has_tried(&of)).await);
        match ended {
            Some(Err(error)) => tracing::debug!(%error, "gossip with a peer broke off"),
            Some(Ok(())) => {}
            None => return,
        }
        pause = if begun.elapsed() >= PAUSE_MAX { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
        let paused = tokio::time::sleep(jittered(pause));
        if stop.run_until_cancelled(paused).await.is_none() {
            return;
        }
    }
}

/// Exchanges heads over one connection: at once, with each change, and once in a while.
async fn exchange(
    gossiping: &Arc<Gossiping>,
    mut client: PeerClient,
    agency: &AgencyId,
) -> Result<(), DialError> {
    let mut changes = gossiping.changes();
    let (mut anew, mut pause) = (true, AGAIN_MIN);
    gossiping.ask_for_own_successor(&mut client, agency).await?;
    let (mut is_asked_again, mut at_once) = (false, 0);
    loop {
        changes.mark_unchanged();
        let is_round = anew;
        if anew || has_news(gossiping, agency).await? {
            // Asked before: who does not know yet how far this node's own log goes does not say who is beyond.
            let says_own = blocking(gossiping, |all| Ok(all.knows_own())).await?;
            let said = said(gossiping, agency, anew).await?;
            let request = v1::ExchangeHeadsRequest::from(&said.checked()?);
            let heads = Heads::try_from(answered(client.exchange_heads(request)).await?)?;
            let from = agency.clone();
            let names_own_successor = move |all: &Gossiping| {
                all.hear(&from, heads)?;
                Ok(all.names_own_successor(&from))
            };
            if blocking(gossiping, names_own_successor).await? && !is_asked_again {
                is_asked_again = true;
                gossiping.ask_for_own_successor(&mut client, agency).await?;
            }
            if says_own {
                let of = agency.clone();
                blocking(gossiping, move |all| {
                    all.has_tried(&of);
                    Ok(())
                })
                .await?;
            }
            anew = false;
            other_trees::look_into(gossiping, &mut client, agency, is_round).await?;
            // What came in answer may be what others lack, and what was too much for one message goes next.
            at_once += 1;
            if at_once < AT_ONCE_MAX && has_news(gossiping, agency).await? {
                continue;
            }
        }
        at_once = 0;
        // A peer that is about to hold what it was told of is told again soon, one that stays behind less and less often.
        let of = agency.clone();
        let lags = blocking(gossiping, move |all| Ok(all.lags(&of))).await?;
        pause = if lags { (pause * 2).min(HEARTBEAT) } else { AGAIN_MIN };
        let wait = if lags { pause } else { HEARTBEAT };
        match tokio::time::timeout(wait, changes.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Ok(()),
            Err(_) => anew = true,
        }
    }
}

async fn has_news(gossiping: &Arc<Gossiping>, agency: &AgencyId) -> Result<bool, DialError> {
    let of = agency.clone();
    blocking(gossiping, move |all| all.has_news_for(&of)).await
}

async fn said(gossiping: &Arc<Gossiping>, agency: &AgencyId, anew: bool) -> Result<Heads, DialError> {
    let to = agency.clone();
    blocking(gossiping, move |all| all.say(&to, anew)).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::sync::mpsc;

    use tokio::time::timeout;

    use super::*;
    use crate::tls::PeerTrust;
    use crate::{NewHome, Node, Peers, SystemEntropy, now};

    /// Longest that the state is held: a thread that waits for it comes back then.
    const HELD: Duration = Duration::from_secs(10);

    fn gossiping(place: &std::path::Path) -> Arc<Gossiping> {
        let new = NewHome {
            folder: place.join("home"),
            agency: "aaa.example".parse().unwrap(),
            name: "aaa".to_owned(),
            listen: "127.0.0.1:0".to_owned(),
            admin: "127.0.0.1:0".to_owned(),
        };
        new.create(now(), &mut SystemEntropy::new()).unwrap();
        let open = crate::Home::find(&place.join("home")).unwrap().open().unwrap();
        let trust = PeerTrust::new();
        let peers = Arc::new(Peers::load(open.home(), trust.clone()).unwrap());
        Gossiping::new(Node::start(open, trust).unwrap().0, peers).unwrap()
    }

    /// Goal: whoever holds the state of gossip keeps no thread that serves connections waiting. Way: there is one such
    /// thread, and it goes on while it waits for what is asked of the state.
    #[tokio::test]
    async fn who_holds_the_state_of_gossip_holds_up_no_connection() {
        let place = tempfile::tempdir().unwrap();
        let (all, agency) = (gossiping(place.path()), "bbb.example".parse().unwrap());
        let ((held, is_held), (let_go, waits)) = (mpsc::channel(), mpsc::channel());
        let holder = Arc::clone(&all);
        let holding = std::thread::spawn(move || {
            let _state = holder.state();
            held.send(()).unwrap();
            assert!(waits.recv_timeout(HELD).is_ok(), "nobody let it go");
        });
        is_held.recv().unwrap();
        let (news, words) = (has_news(&all, &agency), said(&all, &agency, true));
        tokio::pin!(news, words);
        let moment = Duration::from_millis(20);
        assert!(timeout(moment, &mut news).await.is_err(), "the thread waited for the state");
        assert!(timeout(moment, &mut words).await.is_err(), "the thread waited for the state");
        let_go.send(()).unwrap();
        assert!(news.await.is_ok() && words.await.is_ok());
        holding.join().unwrap();
    }
}
