//! The sockets under TLS, and under plain HTTP: those of the system.
//!
//! In a build with `--cfg comity_simulated` they are what the simulation brings (`simulated`). Not here: what is said
//! over them.

#[cfg(comity_simulated)]
mod simulated;

#[cfg(comity_simulated)]
pub use simulated::{Network, TcpListener, TcpStream, simulate};
#[cfg(not(comity_simulated))]
pub(crate) use tokio::net::{TcpListener, TcpStream};
