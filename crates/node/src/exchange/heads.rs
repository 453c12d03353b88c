//! The comparison of heads, as a peer asks for it: what it says is taken in, and what it lacks is answered.
//!
//! Entries come by `Follow` alone. Not here: what is made of it (`gossip`).

use comity_ledger::AgencyId;
use comity_wire::Heads;

use super::error::ServeError;
use crate::Gossiping;

/// Answers one side of an exchange with the other.
pub(super) fn answer(gossiping: &Gossiping, caller: &AgencyId, theirs: Heads) -> Result<Heads, ServeError> {
    gossiping.hear(caller, theirs)?;
    Ok(gossiping.say(caller, true)?.checked()?)
}
