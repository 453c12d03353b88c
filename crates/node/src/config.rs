//! The configuration of a home: `comity.toml`, read once, unknown keys refused.

use std::path::Path;

use comity_ledger::AgencyId;
use serde::{Deserialize, Serialize};

use crate::NodeError;
use crate::http::{HttpSettings, HttpTable};

/// Most bytes of a configuration file.
const CONFIG_BYTES_MAX: u64 = 64 << 10;

/// The configuration, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The agency.
    pub agency: AgencyId,
    /// What people call it; for display only.
    pub name: String,
    /// Where peers connect, `host:port`.
    pub listen: String,
    /// Where operators connect, `host:port` on a loopback address.
    pub admin: String,
    /// To whom what is authored here is released when nothing else is said.
    pub release: Release,
    /// How often this node says again that a checkpoint still stands, in seconds (D22).
    pub renew_secs: u64,
    /// The read-only HTTP listener, if there is to be one.
    pub http: Option<HttpSettings>,
}

/// The longest and the shortest time between renewals: below a second nothing would change between two, and above an
/// hour a relay could hold a log back for two.
const RENEW_SECS_RANGE: std::ops::RangeInclusive<u64> = 1..=3_600;

/// The default release of what is authored here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Release {
    /// To every peer with a live agreement.
    Peers,
    /// To nobody.
    Nobody,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    agency: RawAgency,
    listen: RawListen,
    release: RawRelease,
    #[serde(skip_serializing_if = "Option::is_none")]
    freshness: Option<RawFreshness>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<HttpTable>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFreshness {
    renew_secs: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAgency {
    id: String,
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawListen {
    peers: String,
    admin: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRelease {
    to: Release,
}

impl Config {
    /// How often a statement is renewed if the configuration does not say, in seconds.
    pub const RENEW_SECS: u64 = 60;

    /// Reads a configuration; nothing is bound or opened.
    ///
    /// # Errors
    /// [`NodeError::Config`] with the line and the key that is wrong, [`NodeError::File`].
    pub fn load(path: &Path) -> Result<Self, NodeError> {
        let refuse = |reason: String| NodeError::Config { path: path.to_owned(), reason };
        let file = |source| NodeError::File { action: "read", path: path.to_owned(), source };
        if std::fs::metadata(path).map_err(file)?.len() > CONFIG_BYTES_MAX {
            return Err(refuse(format!("larger than {CONFIG_BYTES_MAX} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(file)?;
        Self::parse(&text).map_err(refuse)
    }

    /// Reads a configuration from text.
    ///
    /// # Errors
    /// What is wrong, with its place, in words for an operator.
    pub fn parse(text: &str) -> Result<Self, String> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        let agency = raw.agency.id.parse().map_err(|error| format!("agency.id: {error}"))?;
        Ok(Self {
            http: raw.http.map(|table| HttpSettings::check(table, &agency)).transpose()?,
            agency,
            name: raw.agency.name,
            listen: address(raw.listen.peers).map_err(|error| format!("listen.peers: {error}"))?,
            admin: loopback(raw.listen.admin).map_err(|error| format!("listen.admin: {error}"))?,
            release: raw.release.to,
            renew_secs: match raw.freshness.map_or(Self::RENEW_SECS, |freshness| freshness.renew_secs) {
                secs if RENEW_SECS_RANGE.contains(&secs) => secs,
                secs => return Err(format!("freshness.renew_secs: {secs} is not within 1 to 3600")),
            },
        })
    }

    /// How old the newest word of an author may be until what is held of its log is stale, in seconds (D22).
    pub fn staleness_secs(&self) -> u64 {
        self.renew_secs.saturating_mul(2)
    }

    /// Whether peers can be told to connect here.
    ///
    /// # Errors
    /// Why not, in words for an operator.
    pub fn check_listen(text: &str) -> Result<(), String> {
        address(text.to_owned()).map(drop)
    }

    /// Whether operators can be told to connect here.
    ///
    /// # Errors
    /// Why not, in words for an operator.
    pub fn check_admin(text: &str) -> Result<(), String> {
        loopback(text.to_owned()).map(drop)
    }

    /// The text of the configuration.
    pub fn to_text(&self) -> String {
        let raw = RawConfig {
            agency: RawAgency { id: self.agency.to_string(), name: self.name.clone() },
            listen: RawListen { peers: self.listen.clone(), admin: self.admin.clone() },
            release: RawRelease { to: self.release },
            freshness: (self.renew_secs != Self::RENEW_SECS)
                .then_some(RawFreshness { renew_secs: self.renew_secs }),
            http: self.http.as_ref().map(HttpSettings::to_table),
        };
        // Tables of strings always serialize.
        toml::to_string(&raw).unwrap_or_default()
    }
}

fn address(text: String) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(text),
        _ => Err(format!("{text:?} is not HOST:PORT, such as 127.0.0.1:7443")),
    }
}

/// The admin port takes orders: it never listens beyond this machine.
fn loopback(text: String) -> Result<String, String> {
    let text = address(text)?;
    match text.parse::<std::net::SocketAddr>() {
        Ok(socket) if socket.ip().is_loopback() => Ok(text),
        _ => Err(format!("{text:?} is not a loopback address in numbers, such as 127.0.0.1:7444")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[agency]\nid = \"a.example\"\nname = \"A\"\n[listen]\npeers = \"0.0.0.0:7443\"\nadmin = \"127.0.0.1:7444\"\n[release]\nto = \"peers\"\n";

    #[test]
    fn a_configuration_reads_back() {
        let config = Config::parse(GOOD).unwrap();
        assert_eq!(Config::parse(&config.to_text()).unwrap(), config);
    }

    #[test]
    fn unknown_keys_and_bad_values_are_refused_with_their_place() {
        for (from, to, says) in [
            ("name = ", "nmae = ", "nmae"),
            ("a.example", "A Example", "agency.id"),
            ("127.0.0.1:7444", "0.0.0.0:7444", "listen.admin"),
            ("0.0.0.0:7443", "7443", "listen.peers"),
            ("\"peers\"", "\"everyone\"", "everyone"),
            ("[release]\nto = \"peers\"\n", "", "release"),
            ("[release]", "[freshness]\nrenew_secs = 0\n[release]", "freshness.renew_secs"),
        ] {
            let error = Config::parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
