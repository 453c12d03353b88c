//! What is served over plain HTTP: metrics, and for logs that were switched on by name their checkpoint and tiles as
//! c2sp.org/tlog-tiles has them, so that monitors that no one here wrote can read them.
//!
//! Off unless `comity.toml` has a table `[http]`. Of sections nothing is served but what their labels give to
//! everybody, over TAXII, of logs that were switched on for it by name; and nothing is written but what a log that is
//! open to everybody says anyway. Not here: peers and operators (`tls`, `services`, `exchange`).

mod answer;
mod feeder;
mod foreign_witness;
mod listener;
mod metrics;
mod route;
mod service;
mod settings;
mod slots;
mod taxii;

pub(crate) use feeder::start as start_feeder;
pub(crate) use foreign_witness::ForeignWitness;
pub(crate) use listener::HttpListener;
pub(crate) use service::HttpParts;
pub use settings::HttpSettings;
pub(crate) use settings::HttpTable;
