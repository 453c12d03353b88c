//! Hearing that what is played is to end early: SIGINT, SIGTERM, and SIGHUP of a terminal that is closed.
//!
//! A signal is only noted here. Who waits for something looks here meanwhile, and gives up in order: so no node and no
//! folder is left behind. Not here: what is cleared away (`stage`, `program`).

use std::sync::{Arc, OnceLock};

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::answer::Refusal;

/// What ends it early, and its number: the exit status is 128 more, as shells have it.
const SIGNALS: [(&str, SignalKind); 3] = [
    ("SIGINT", SignalKind::interrupt()),
    ("SIGTERM", SignalKind::terminate()),
    ("SIGHUP", SignalKind::hangup()),
];

/// The first signal that came, if any.
pub(crate) struct Interruption {
    by: Arc<OnceLock<(&'static str, SignalKind)>>,
    /// What listens, if anything does.
    _listening: Option<Runtime>,
}

impl Interruption {
    /// Listens to nothing: a signal ends the process as it always does.
    pub(crate) fn none() -> Self {
        Self { by: Arc::default(), _listening: None }
    }

    /// Listens from now on.
    ///
    /// # Errors
    /// `signal` if the system does not let this process listen.
    pub(crate) fn listen() -> Result<Self, Refusal> {
        let failed = |error: std::io::Error| Refusal::new("signal", error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let by = Arc::new(OnceLock::new());
        for (name, kind) in SIGNALS {
            let by = Arc::clone(&by);
            let entered = runtime.enter();
            let mut came = signal(kind).map_err(failed)?;
            drop(entered);
            runtime.spawn(async move {
                if came.recv().await.is_some() {
                    // Whatever comes after the first changes nothing.
                    by.set((name, kind)).unwrap_or_default();
                }
            });
        }
        Ok(Self { by, _listening: Some(runtime) })
    }

    /// # Errors
    /// The words for it, once a signal has come.
    pub(super) fn check(&self) -> Result<(), String> {
        self.by.get().map_or(Ok(()), |(name, _)| Err(format!("interrupted by {name}")))
    }

    /// The refusal of what was ended by a signal, once its nodes are stopped and its folder is gone.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let (name, kind) = self.by.get()?;
        let message = format!("interrupted by {name}; its nodes are stopped and its folder is removed");
        let status = u8::try_from(kind.as_raw_value()).ok().and_then(|number| number.checked_add(128));
        Some(Refusal { status: status.unwrap_or(1), ..Refusal::new("interrupted", message) })
    }
}
