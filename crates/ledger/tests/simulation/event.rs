//! What can happen.

use crate::disk::Who;
use crate::log::Log;
use crate::network::Packet;

/// What happens next to whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    Append(Who),
    Release(Who),
    Station(Who),
    Dial(Who, Log),
    HangUp(Who, Log, u64),
    Silence(Who, Log, u64),
    Deliver(Packet),
    Take(Who, Log, u64),
    Kept(Who, Log, u64),
    Serve(Who, Who, Log),
    Beat(Who, Who, Log, u64),
    Fault,
    Mend(Who, Who),
    Quicken(Who),
    Restart(Who),
    BackUp(Who),
    PutBack(Who),
    Fork(Who),
    Second(Who),
    /// A log key is stolen, its log ends and goes on in a successor, of which a liar makes two; and a follower asks for it.
    Steal(Who),
    Succeed(Who),
    Ask(Who, Log),
    /// An operator changes something about the keys of a log, or enters the next key.
    ChangeKeys(Who),
    EnterKey(Who),
    /// A round of gossip, a step of a cosigner, and a letter that has come.
    Round(Who),
    Speak(Who),
    Letter(Who, u64),
    Quiet,
    Look,
}

impl Event {
    /// Whose disk it may change.
    pub(crate) fn who(&self) -> Option<Who> {
        match self {
            Self::Append(who)
            | Self::Release(who)
            | Self::Station(who)
            | Self::Dial(who, _)
            | Self::HangUp(who, ..)
            | Self::Silence(who, ..)
            | Self::Take(who, ..)
            | Self::Kept(who, ..)
            | Self::Serve(who, ..)
            | Self::Beat(who, ..)
            | Self::Restart(who)
            | Self::BackUp(who)
            | Self::PutBack(who)
            | Self::Fork(who)
            | Self::Second(who)
            | Self::Steal(who)
            | Self::Succeed(who)
            | Self::Ask(who, _)
            | Self::ChangeKeys(who)
            | Self::EnterKey(who)
            | Self::Round(who)
            | Self::Speak(who)
            | Self::Letter(who, _)
            | Self::Quicken(who) => Some(*who),
            Self::Deliver(packet) => Some(packet.to),
            Self::Fault | Self::Mend(..) | Self::Quiet | Self::Look => None,
        }
    }
}
