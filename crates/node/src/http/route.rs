//! What a path of the listener names: one path for each thing, byte for byte, and nothing else.
//!
//! Nothing is decoded, joined or made shorter, and no path leads to a file: what is not spelled exactly so is not
//! there. Not here: what is answered (`service`).

use std::collections::BTreeSet;

use comity_ledger::Origin;
use comity_tlog::{Hash, TileCoordinate};

use crate::export::hex;

/// What is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `/metrics`
    Metrics,
    /// `/<origin>/checkpoint`
    Checkpoint {
        /// The log.
        origin: Origin,
    },
    /// `/<origin>/tile/…`
    Tile {
        /// The log.
        origin: Origin,
        /// The tile or entry bundle.
        tile: TileCoordinate,
    },
    /// `/witness/add-checkpoint`
    AddCheckpoint,
    /// `/witness/<hash of the origin>/checkpoint`
    Monitored {
        /// The log of a peer.
        origin: Origin,
    },
}

impl Route {
    /// What a path names, where these logs are switched on; `None` for anything else, also a path with a question
    /// behind it.
    pub(super) fn find(
        path: &str,
        query: Option<&str>,
        origins: &BTreeSet<Origin>,
        monitored: &BTreeSet<Origin>,
    ) -> Option<Self> {
        if query.is_some() {
            return None;
        }
        match path {
            "/metrics" => return Some(Self::Metrics),
            "/witness/add-checkpoint" => return Some(Self::AddCheckpoint),
            _ => {}
        }
        let path = path.strip_prefix('/')?;
        // The SHA-256 of the origin, lower hex (c2sp.org/tlog-witness, "Monitor Retrieval Mechanism").
        if let Some(hash) = path.strip_prefix("witness/").and_then(|path| path.strip_suffix("/checkpoint")) {
            let named = |origin: &&Origin| hex(&Hash::digest(origin.as_str().as_bytes())) == hash;
            return monitored.iter().find(named).map(|origin| Self::Monitored { origin: origin.clone() });
        }
        origins.iter().find_map(|origin| {
            let rest = path.strip_prefix(origin.as_str())?.strip_prefix('/')?;
            let origin = origin.clone();
            if rest == "checkpoint" {
                return Some(Self::Checkpoint { origin });
            }
            // A path that is not canonical does not parse (c2sp.org/tlog-tiles).
            rest.parse().ok().map(|tile| Self::Tile { origin, tile })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(path: &str) -> Option<Route> {
        let origins = ["a.example/pub", "a.example/pub/2"].map(|origin| origin.parse().unwrap());
        let monitored = "b.example/pub".parse().unwrap();
        Route::find(path, None, &origins.into(), &[monitored].into())
    }

    #[test]
    fn each_thing_has_one_path() {
        let origin = |text: &str| text.parse::<Origin>().unwrap();
        assert_eq!(find("/metrics"), Some(Route::Metrics));
        assert_eq!(find("/witness/add-checkpoint"), Some(Route::AddCheckpoint));
        for name in ["a.example/pub", "a.example/pub/2"] {
            let checkpoint = Route::Checkpoint { origin: origin(name) };
            assert_eq!(find(&format!("/{name}/checkpoint")), Some(checkpoint));
            for tile in
                ["tile/0/000", "tile/3/x001/234.p/7", "tile/entries/000", "tile/entries/x001/000.p/255"]
            {
                let named = Route::Tile { origin: origin(name), tile: tile.parse().unwrap() };
                assert_eq!(find(&format!("/{name}/{tile}")), Some(named), "{tile}");
            }
        }
    }

    #[test]
    fn a_monitored_log_is_named_by_the_hash_of_its_origin() {
        let hash = hex(&Hash::digest(b"b.example/pub"));
        let origin = "b.example/pub".parse().unwrap();
        assert_eq!(find(&format!("/witness/{hash}/checkpoint")), Some(Route::Monitored { origin }));
        let own = hex(&Hash::digest(b"a.example/pub"));
        for path in [
            format!("/witness/{}/checkpoint", hash.to_uppercase()),
            format!("/witness/{hash}"),
            format!("/witness/{hash}/checkpoint/"),
            format!("/witness/{own}/checkpoint"),
            format!("/{hash}/checkpoint"),
            "/witness/b.example/pub/checkpoint".to_owned(),
            "/witness//checkpoint".to_owned(),
        ] {
            assert_eq!(find(&path), None, "{path}");
        }
    }

    #[test]
    fn whatever_is_not_spelled_so_is_not_there() {
        for path in [
            "",
            "/",
            "*",
            "//metrics",
            "/metrics/",
            "/METRICS",
            "/checkpoint",
            "/witness",
            "/witness/add-checkpoint/",
            "/a.example/pub/add-checkpoint",
            "/a.example/pub",
            "/a.example/pub/",
            "/a.example/pub/checkpoint/",
            "/a.example/pub//checkpoint",
            "/a.example/pub/./checkpoint",
            "/a.example/pub/tile/../checkpoint",
            "/a.example/pub/../../../../etc/passwd",
            "/a.example/pub/..%2f..%2fkeys/log.key",
            "/a.example/pub/%63heckpoint",
            "/a.example%2fpub/checkpoint",
            "/a.example/pub\\checkpoint",
            "/a.example/pub/checkpoint%00",
            "/a.example/pub/checkpoint;x=1",
            "/A.example/pub/checkpoint",
            "/a.example/pub/3/checkpoint",
            "/b.example/pub/checkpoint",
            "/a.example/acct/checkpoint",
            "/a.example/pub/VKEYS",
            "/a.example/pub/tile/0",
            "/a.example/pub/tile/0/000/",
            "/a.example/pub/tile/0/0",
            "/a.example/pub/tile/00/000",
            "/a.example/pub/tile/64/000",
            "/a.example/pub/tile/0/x000/000",
            "/a.example/pub/tile/0/000.p/0",
            "/a.example/pub/tile/0/000.p/256",
            "/a.example/pub/tile/0/000.p/01",
            "/a.example/pub/tile/0/%30%30%30",
            "/a.example/pub/tile/data/000",
            "/a.example/pub/tile/entries/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(find(path), None, "{path}");
        }
        let origins = BTreeSet::from(["a.example/pub".parse().unwrap()]);
        assert_eq!(Route::find("/a.example/pub/checkpoint", Some("x"), &origins, &origins), None);
        assert_eq!(Route::find("/a.example/pub/checkpoint", Some(""), &origins, &origins), None);
        assert_eq!(Route::find("/a.example/pub/checkpoint", None, &BTreeSet::new(), &origins), None);
    }
}
