//! The table `[http]` of the configuration: whether there is a listener, where, and what it serves.
//!
//! Not here: the other tables (`config`), and the listener (`listener`).

use std::collections::BTreeSet;
use std::net::SocketAddr;

use comity_ledger::{AgencyId, Origin};
use serde::{Deserialize, Serialize};

/// What the HTTP listener is told, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether it may be reached from other machines.
    pub public: bool,
    /// The own logs that it serves to whoever asks.
    pub origins: BTreeSet<Origin>,
    /// The own logs of which it serves to whoever asks what is for everybody, over TAXII.
    pub taxii: BTreeSet<Origin>,
    /// Whether it serves metrics.
    pub metrics: bool,
    /// Whether strangers may ask this node's witness to cosign the logs of peers.
    pub witness: bool,
    /// The logs of peers whose newest checkpoint is shown to monitors, with the line of this node's witness.
    pub monitored: BTreeSet<Origin>,
}

/// The table as it is written. Unknown keys are refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpTable {
    listen: String,
    #[serde(default)]
    public: bool,
    #[serde(default)]
    origins: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    taxii: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metrics: Option<bool>,
    #[serde(default)]
    witness: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    monitored: Vec<String>,
}

impl HttpSettings {
    /// Checks a table.
    ///
    /// # Errors
    /// What is wrong, with its key, in words for an operator.
    pub(crate) fn check(table: HttpTable, agency: &AgencyId) -> Result<Self, String> {
        let listen: SocketAddr = table.listen.parse().map_err(|_| {
            format!("http.listen: {:?} is not an address in numbers, such as 127.0.0.1:9443", table.listen)
        })?;
        if !listen.ip().is_loopback() && !table.public {
            return Err(format!(
                "http.listen: {listen} can be reached from other machines, over plain HTTP; write `public = true` in \
                 [http] if that is meant, or a loopback address"
            ));
        }
        let origins = own_logs("http.origins", table.origins, agency)?;
        let taxii = own_logs("http.taxii", table.taxii, agency)?;
        // They name the peers: nobody beyond this machine is told of them unless that is said.
        let metrics = table.metrics.unwrap_or(!table.public);
        let mut monitored = BTreeSet::new();
        for text in table.monitored {
            let origin: Origin = text.parse().map_err(|error| format!("http.monitored: {error}"))?;
            if !origin.is_publication() || origin.agency() == agency {
                return Err(format!("http.monitored: {text:?} is not the publication log of a peer"));
            }
            monitored.insert(origin);
        }
        Ok(Self { listen, public: table.public, origins, taxii, metrics, witness: table.witness, monitored })
    }

    /// The table that says the same.
    pub(crate) fn to_table(&self) -> HttpTable {
        HttpTable {
            listen: self.listen.to_string(),
            public: self.public,
            origins: self.origins.iter().map(ToString::to_string).collect(),
            taxii: self.taxii.iter().map(ToString::to_string).collect(),
            metrics: Some(self.metrics),
            witness: self.witness,
            monitored: self.monitored.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Logs that may be switched on: accounts and exercises are for their parties, and whether a peer's log is open is
/// for its author to say.
fn own_logs(key: &str, texts: Vec<String>, agency: &AgencyId) -> Result<BTreeSet<Origin>, String> {
    let mut origins = BTreeSet::new();
    for text in texts {
        let origin: Origin = text.parse().map_err(|error| format!("{key}: {error}"))?;
        if origin.agency() != agency || !origin.is_publication() {
            return Err(format!("{key}: {text:?} is not the publication log of {agency}"));
        }
        origins.insert(origin);
    }
    Ok(origins)
}

#[cfg(test)]
mod tests {
    use crate::Config;

    fn config(http: &str) -> Result<Config, String> {
        Config::parse(&format!(
            "[agency]\nid = \"a.example\"\nname = \"A\"\n[listen]\npeers = \"0.0.0.0:7443\"\nadmin = \"127.0.0.1:7444\"\n[release]\nto = \"peers\"\n{http}"
        ))
    }

    #[test]
    fn without_the_table_there_is_no_listener() {
        assert_eq!(config("").unwrap().http, None);
    }

    #[test]
    fn the_table_reads_back() {
        for table in [
            "[http]\nlisten = \"127.0.0.1:9443\"",
            "[http]\nlisten = \"[::1]:9443\"\norigins = [\"a.example/pub\"]\nmetrics = false",
            "[http]\nlisten = \"0.0.0.0:80\"\npublic = true\norigins = [\"a.example/pub\"]",
            "[http]\nlisten = \"127.0.0.1:80\"\nwitness = true",
            "[http]\nlisten = \"127.0.0.1:80\"\ntaxii = [\"a.example/pub\", \"a.example/pub/2\"]",
            "[http]\nlisten = \"127.0.0.1:80\"\nwitness = true\nmonitored = [\"b.example/pub\", \"b.example/pub/2\"]",
        ] {
            let read = config(table).unwrap();
            assert_eq!(Config::parse(&read.to_text()).unwrap(), read, "{table}");
        }
    }

    #[test]
    fn metrics_are_public_only_if_that_is_said() {
        let metrics = |more: &str| config(&format!("[http]\n{more}")).unwrap().http.unwrap().metrics;
        assert!(metrics("listen = \"127.0.0.1:9443\""));
        assert!(!metrics("listen = \"127.0.0.1:9443\"\npublic = true"));
        assert!(metrics("listen = \"0.0.0.0:9443\"\npublic = true\nmetrics = true"));
    }

    #[test]
    fn bad_tables_are_refused_with_their_place() {
        for (table, says) in [
            ("[http]", "listen"),
            ("[http]\nlisten = \"127.0.0.1\"", "http.listen"),
            ("[http]\nlisten = \"localhost:9443\"", "http.listen"),
            ("[http]\nlisten = \"0.0.0.0:9443\"", "public = true"),
            ("[http]\nlisten = \"192.0.2.1:9443\"\npublic = false", "public = true"),
            ("[http]\nlisten = \"127.0.0.1:9443\"\norigin = \"a.example/pub\"", "origin"),
            ("[http]\nlisten = \"127.0.0.1:9443\"\norigins = [\"pub\"]", "http.origins"),
            ("[http]\nlisten = \"127.0.0.1:9443\"\norigins = [\"b.example/pub\"]", "b.example/pub"),
            ("[http]\nlisten = \"127.0.0.1:9443\"\nmonitored = [\"a.example/pub\"]", "a.example/pub"),
            ("[http]\nlisten = \"127.0.0.1:9443\"\nmonitored = [\"b.example/exercise/0f\"]", "exercise"),
            ("[http]\nlisten = \"127.0.0.1:9443\"\norigins = [\"a.example/acct\"]", "a.example/acct"),
            ("[http]\nlisten = \"127.0.0.1:9443\"\ntaxii = true", "taxii"),
            ("[http]\nlisten = \"127.0.0.1:9443\"\ntaxii = [\"pub\"]", "http.taxii"),
            ("[http]\nlisten = \"127.0.0.1:9443\"\ntaxii = [\"b.example/pub\"]", "http.taxii"),
            ("[http]\nlisten = \"127.0.0.1:9443\"\ntaxii = [\"a.example/acct\"]", "http.taxii"),
            ("[http]\nlisten = \"127.0.0.1:9443\"\norigins = [\"a.example/exercise/0f\"]", "exercise"),
        ] {
            let error = config(table).unwrap_err();
            assert!(error.contains(says), "{table}: {error}");
        }
    }
}
