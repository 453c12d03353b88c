//! Hearing that what is done is to end early: SIGINT, SIGTERM, and SIGHUP of a terminal that is closed.
//!
//! A signal is only noted here. Who waits for something, or writes a folder, looks here meanwhile, and gives up in order:
//! so no node and no hidden folder is left behind. A second signal ends the process there and then. Not here: what is
//! cleared away (`stage`, `out_folder`).

use std::sync::{Arc, OnceLock};

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::answer::{Answer, Refusal};

/// What ends it early, and its number: the exit status is 128 more, as shells have it.
const SIGNALS: [(&str, SignalKind); 3] = [
    ("SIGINT", SignalKind::interrupt()),
    ("SIGTERM", SignalKind::terminate()),
    ("SIGHUP", SignalKind::hangup()),
];

/// Whether a signal came, for whoever works meanwhile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<OnceLock<(&'static str, SignalKind)>>);

impl Heard {
    /// Whether what is done is to end.
    pub(crate) fn is_ended(&self) -> bool {
        self.0.get().is_some()
    }
}

/// The first signal that came, if any.
pub(crate) struct Interruption {
    by: Heard,
    /// What listens, if anything does.
    _listening: Option<Runtime>,
}

impl Interruption {
    /// Listens to nothing: a signal ends the process as it always does.
    pub(crate) fn none() -> Self {
        Self { by: Heard::default(), _listening: None }
    }

    /// Listens from now on.
    ///
    /// # Errors
    /// `signal` if the system does not let this process listen.
    pub(crate) fn listen() -> Result<Self, Refusal> {
        let failed = |error: std::io::Error| Refusal::new("signal", error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let by = Heard::default();
        for (name, kind) in SIGNALS {
            let by = by.clone();
            let entered = runtime.enter();
            let mut came = signal(kind).map_err(failed)?;
            drop(entered);
            runtime.spawn(async move {
                while came.recv().await.is_some() {
                    if by.0.set((name, kind)).is_err() {
                        // Whoever asks twice waits for nothing.
                        std::process::exit(i32::from(status_of(kind)));
                    }
                }
            });
        }
        Ok(Self { by, _listening: Some(runtime) })
    }

    /// # Errors
    /// The words for it, once a signal has come.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.by.0.get().map_or(Ok(()), |(name, _)| Err(format!("interrupted by {name}")))
    }

    /// To look at from elsewhere.
    pub(crate) fn heard(&self) -> Heard {
        self.by.clone()
    }

    /// The refusal of what was ended by a signal, with what became of it.
    pub(crate) fn refusal(&self, became: &str) -> Option<Refusal> {
        let (name, kind) = self.by.0.get()?;
        let message = format!("interrupted by {name}; {became}");
        Some(Refusal { status: status_of(*kind), ..Refusal::new("interrupted", message) })
    }

    /// The answer to a command that writes a folder whole or not at all.
    ///
    /// # Errors
    /// The refusal of a command that a signal ended, and that of any other.
    pub(crate) fn ends(self, done: Result<Answer, Refusal>) -> Result<Answer, Refusal> {
        match done {
            Err(refusal) if refusal.code == "interrupted" => {
                Err(self.refusal("nothing was written").unwrap_or(refusal))
            }
            done => done,
        }
    }
}

/// The exit status of what a signal ended, as shells have it.
fn status_of(kind: SignalKind) -> u8 {
    u8::try_from(kind.as_raw_value()).ok().and_then(|number| number.checked_add(128)).unwrap_or(1)
}
