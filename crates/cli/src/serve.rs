//! `comity serve`: runs the node of a home until it is told to stop.

use std::sync::Arc;

use comity_node::{Home, NodeError, Serving, TlsLife};
use comity_tlog::TreeSize;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::answer::{Answer, Refusal};
use crate::args::Serve;

pub(crate) fn run(arguments: &Serve) -> Result<Answer, Refusal> {
    let filter = EnvFilter::try_new(&arguments.log)
        .map_err(|error| Refusal::new("log_filter", format!("--log: {error}")))?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    let open = Home::find(&arguments.of.home)?.open()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|source| NodeError::Thread { source })?;
    let too_large = |_| Refusal::new("usage", "--i-accept-the-risk: no log has this size");
    let accepted = arguments.i_accept_the_risk.map(TreeSize::new).transpose().map_err(too_large)?;
    let (json, until_stdin_ends) = (arguments.of.json, arguments.until_stdin_ends);
    runtime.block_on(async move {
        // Before anything is bound: from here on a signal ends the node in order.
        let shutdown = on_signals()?;
        if until_stdin_ends {
            at_end_of_stdin(shutdown.clone())?;
        }
        let hangups = signal(SignalKind::hangup()).map_err(|error| signals_refused(&error))?;
        let mut serving = Serving::bind(open).await?;
        if let Some(size) = accepted {
            serving.accept_the_risk(size)?;
        }
        reload_at(hangups, Arc::clone(serving.tls()));
        let addresses = serving.addresses().clone();
        let said = if json {
            addresses.to_json()?
        } else {
            let http = addresses.http_addr.map(|http| format!("\nhttp       {http}")).unwrap_or_default();
            format!("peers      {}\noperators  {}{http}", addresses.peer_addr, addresses.admin_addr)
        };
        crate::say(&mut std::io::stdout(), &said);
        serving.run(shutdown).await.map_err(Refusal::from)
    })?;
    // What there was to say was said when the ports were bound.
    Ok(Answer::new("", json!(null)))
}

/// Cancelled by the first SIGTERM or SIGINT.
fn on_signals() -> Result<CancellationToken, Refusal> {
    let listen = |kind| signal(kind).map_err(|error| signals_refused(&error));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        cancel.cancel();
    });
    Ok(token)
}

/// Has certificates and revocation lists read again at each SIGHUP, for as long as the node runs. What came of it is in
/// the log.
fn reload_at(mut hangups: Signal, tls: Arc<TlsLife>) {
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            tls.reload().await;
        }
    });
}

fn signals_refused(error: &std::io::Error) -> Refusal {
    Refusal::new("signal", error.to_string())
}

/// Cancels when standard input ends. In a thread of its own, which nobody waits for: a read that does not end would
/// keep the runtime from ending.
fn at_end_of_stdin(token: CancellationToken) -> Result<(), NodeError> {
    let wait = move || {
        // What is said there means nothing; that it cannot be read any more is an end too.
        std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()).map(drop).unwrap_or_default();
        token.cancel();
    };
    let thread = std::thread::Builder::new().name("stdin".to_owned()).spawn(wait);
    thread.map(drop).map_err(|source| NodeError::Thread { source })
}
