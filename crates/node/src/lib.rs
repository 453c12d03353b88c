//! Who runs it: the agency's home, its author, its services.

mod tls;

pub use tls::{
    Accepted, AcceptedRole, AgencyTrust, Authority, AuthorityError, Caller, Caps, ConnectError, Credential,
    Identity, IdentityError, MaterialError, OperatorName, PeerAuthority, PeerConnection, PeerConnector,
    PeerListener, PeerTrust, Refusal, Role, TlsError, TlsMaterial, TrustError, Validity,
};
