//! Mutual TLS between agencies: who may speak to this node, and with whom it speaks.
//!
//! A caller is whoever its certificate says, and nobody else: the agency is read from the one URI name of the
//! certificate, and only that agency's own authority can vouch for it. TLS 1.3, HTTP/2 and a client certificate
//! are required on every port; nothing is resumed and nothing is sent early.
//!
//! Not here: what a caller may ask for (the services), whose card put an authority into trust (the peers'
//! register), and the signing keys of the logs (`tlog`, `store`): TLS keys sign nothing but TLS.

mod accept;
mod agency;
mod authority;
mod caps;
mod connect;
mod connection;
mod crl;
mod expiry;
mod identity;
mod live;
mod material;
mod names;
pub(crate) mod network;
mod pace;
mod peer_authority;
mod peers;
mod refusal;
mod succession;
mod suite;
mod trouble;
mod trust_folder;
mod verify;

pub use accept::{Accepted, PeerListener, TlsError};
pub use agency::AgencyTrust;
pub use authority::{Authority, AuthorityError, Credential, SignedCrl, Validity};
pub use caps::Caps;
pub use connect::{CalledConnection, ConnectError, PeerConnector};
pub use connection::{Caller, PeerConnection};
pub use crl::{Crl, CrlError, CrlNumber, Revoked, TakenCrl};
pub use expiry::{CertificateFacts, Due, Expiring, Expiry, notices};
pub use identity::{Identity, IdentityError, OperatorName, Role};
pub use material::{MaterialError, TlsMaterial};
pub use names::{AuthorityId, NotHex, Serial};
#[cfg(comity_simulated)]
pub use network::{Network, TcpListener, TcpStream, simulate};
pub use pace::Pace;
pub use peer_authority::PeerAuthority;
pub(crate) use peer_authority::Side;
pub use peers::{PeerTrust, TrustError};
pub use refusal::Refusal;
pub use suite::system_time;
pub use trouble::TrustTrouble;
pub(crate) use trust_folder::TrustFolder;
pub use verify::AcceptedRole;
