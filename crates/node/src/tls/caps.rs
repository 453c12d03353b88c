//! How many handshakes and connections a port carries at once, and the books of those that it does.
//!
//! Not here: what a single connection may use (the windows, frames and streams of the HTTP/2 server).

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::identity::Identity;
use super::pace::{Allowance, Pace};
use super::refusal::Refusal;

/// The most of everything that a port carries at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Handshakes under way: callers who have proved nothing yet.
    pub handshakes: usize,
    /// Handshakes under way from one address (IPv6: one /64), so that one stranger cannot take all slots.
    pub handshakes_per_source: usize,
    /// Connections after their handshake.
    pub connections: usize,
    /// Connections of one caller.
    pub connections_per_caller: usize,
    /// What one caller may cause by all its connections; nothing is paced if none.
    pub pace: Option<Pace>,
}

impl Caps {
    /// The peer port. A handshake takes 0.7 ms of a core, so 64 at once finish in a fraction of their 5 s. An
    /// agency needs one connection; 4 leave room for a reconnect while the old one is not yet known to be dead.
    /// 256 = 64 peers with all of theirs. A call is some ten units, a connection with its greeting some 220: 10,000
    /// units in a second are 1,000 calls or 45 connections, far more than a peer that means well makes, and take at most
    /// a twentieth of a core. What may be used ahead of time, a tenth of a second's, lets a peer that comes back ask at
    /// once, and is work of some milliseconds.
    pub const PEER_PORT: Self = Self {
        handshakes: 64,
        handshakes_per_source: 16,
        connections: 256,
        connections_per_caller: 4,
        pace: Some(Pace { unit: Duration::from_micros(100), burst: Duration::from_millis(100) }),
    };

    /// The admin port. One operator runs a few commands side by side and watches alarms beside them; all calls
    /// come from the same machine. Imports come as fast as they are taken.
    pub const ADMIN_PORT: Self = Self {
        handshakes: 32,
        handshakes_per_source: 32,
        connections: 64,
        connections_per_caller: 16,
        pace: None,
    };
}

/// The books of one port. Each map holds only what is counted, so the caps bound it.
#[derive(Debug)]
pub(super) struct Occupancy {
    caps: Caps,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    handshakes: usize,
    by_source: HashMap<IpAddr, usize>,
    connections: usize,
    by_caller: HashMap<Identity, usize>,
    /// What each caller has used up, until it is forgotten for being nothing: no more than there are certificates.
    allowances: HashMap<Identity, Arc<Allowance>>,
}

impl Occupancy {
    pub(super) fn new(caps: Caps) -> Arc<Self> {
        Arc::new(Self { caps, counts: Mutex::default() })
    }

    /// A slot for a handshake. A full port refuses here already, before it spends anything on the caller.
    pub(super) fn begin_handshake(self: &Arc<Self>, from: IpAddr) -> Result<HandshakeSlot, Refusal> {
        let source = source(from);
        let mut counts = self.lock();
        if counts.connections >= self.caps.connections {
            return Err(Refusal::TooManyConnections);
        }
        if counts.handshakes >= self.caps.handshakes {
            return Err(Refusal::TooManyHandshakes);
        }
        if !enter(&mut counts.by_source, source, self.caps.handshakes_per_source) {
            return Err(Refusal::TooManyFromSource);
        }
        counts.handshakes += 1;
        Ok(HandshakeSlot { occupancy: Arc::clone(self), source })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Every change of the counts is complete before anything can panic, so a poisoned lock holds true ones.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handshake under way; given back when dropped.
#[derive(Debug)]
pub(super) struct HandshakeSlot {
    occupancy: Arc<Occupancy>,
    source: IpAddr,
}

impl HandshakeSlot {
    /// What the caller has used up, now that it is known; none where nothing is paced.
    pub(super) fn allowance(&self, caller: &Identity) -> Option<Arc<Allowance>> {
        let (pace, now) = (self.occupancy.caps.pace?, Instant::now());
        let mut counts = self.occupancy.lock();
        counts.allowances.retain(|_, held| Arc::strong_count(held) > 1 || !held.is_whole(now));
        let held = counts.allowances.entry(caller.clone());
        Some(Arc::clone(held.or_insert_with(|| Arc::new(Allowance::new(pace, now)))))
    }

    /// Changes into the slot of a connection, now that the caller is known.
    pub(super) fn into_connection(self, caller: &Identity) -> Result<ConnectionSlot, Refusal> {
        let mut counts = self.occupancy.lock();
        if counts.connections >= self.occupancy.caps.connections {
            return Err(Refusal::TooManyConnections);
        }
        let cap = self.occupancy.caps.connections_per_caller;
        if !enter(&mut counts.by_caller, caller.clone(), cap) {
            return Err(Refusal::TooManyFromCaller);
        }
        counts.connections += 1;
        Ok(ConnectionSlot { occupancy: Arc::clone(&self.occupancy), caller: caller.clone() })
    }
}

impl Drop for HandshakeSlot {
    fn drop(&mut self) {
        let mut counts = self.occupancy.lock();
        counts.handshakes = counts.handshakes.saturating_sub(1);
        leave(&mut counts.by_source, &self.source);
    }
}

/// An open connection; given back when dropped.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    occupancy: Arc<Occupancy>,
    caller: Identity,
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut counts = self.occupancy.lock();
        counts.connections = counts.connections.saturating_sub(1);
        leave(&mut counts.by_caller, &self.caller);
    }
}

/// What counts as one address: whoever has one IPv6 address has a /64 of them.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn enter<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: K, cap: usize) -> bool {
    let held = counts.get(&key).copied().unwrap_or(0);
    if held < cap {
        counts.insert(key, held + 1);
    }
    held < cap
}

fn leave<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    match counts.get_mut(key) {
        Some(held) if *held > 1 => *held -= 1,
        _ => {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPS: Caps = Caps {
        handshakes: 3,
        handshakes_per_source: 2,
        connections: 3,
        connections_per_caller: 2,
        pace: Caps::PEER_PORT.pace,
    };

    fn node(agency: &str) -> Identity {
        Identity::node(agency.parse().unwrap())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_take_all_handshakes() {
        let books = Occupancy::new(CAPS);
        let first = books.begin_handshake(address("2001:db8::1")).unwrap();
        let _second = books.begin_handshake(address("2001:db8::ffff:2")).unwrap();
        assert_eq!(books.begin_handshake(address("2001:db8::3")).unwrap_err(), Refusal::TooManyFromSource);
        let _third = books.begin_handshake(address("192.0.2.1")).unwrap();
        assert_eq!(books.begin_handshake(address("192.0.2.2")).unwrap_err(), Refusal::TooManyHandshakes);
        drop(first);
        books.begin_handshake(address("::ffff:192.0.2.1")).unwrap();
    }

    #[test]
    fn one_caller_cannot_take_all_connections() {
        let books = Occupancy::new(CAPS);
        let open =
            |agency| books.begin_handshake(address("192.0.2.1")).unwrap().into_connection(&node(agency));
        let first = open("a.example").unwrap();
        let _second = open("a.example").unwrap();
        assert_eq!(open("a.example").unwrap_err(), Refusal::TooManyFromCaller);
        let _third = open("b.example").unwrap();
        assert_eq!(
            books.begin_handshake(address("192.0.2.1")).unwrap_err(),
            Refusal::TooManyConnections,
            "a full port does not begin a handshake"
        );
        drop(first);
        open("a.example").unwrap();
    }

    #[test]
    fn what_a_caller_used_up_is_remembered_from_one_connection_to_the_next() {
        let (books, now) = (Occupancy::new(CAPS), Instant::now());
        let allowance = |agency| {
            let slot = books.begin_handshake(address("192.0.2.1")).unwrap();
            slot.allowance(&node(agency)).unwrap()
        };
        let spent = allowance("a.example").spend(8_000, now);
        assert!(spent > Duration::ZERO);
        assert_eq!(allowance("b.example").spend(1, now), Duration::ZERO, "another caller's");
        assert!(allowance("a.example").spend(0, now) > Duration::ZERO, "over the same pace again");
        assert_eq!(books.lock().allowances.len(), 2);
    }

    #[test]
    fn books_are_empty_when_all_have_left() {
        let books = Occupancy::new(CAPS);
        let slot = books.begin_handshake(address("192.0.2.1")).unwrap();
        drop(slot.into_connection(&node("a.example")).unwrap());
        let counts = books.lock();
        assert_eq!((counts.handshakes, counts.connections), (0, 0));
        assert!(counts.by_source.is_empty() && counts.by_caller.is_empty());
    }
}
