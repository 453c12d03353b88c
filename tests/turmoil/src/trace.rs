//! What happened, in its order: the one text whose digest says whether two runs were the same.
//!
//! In it are the faults, what the operators see, and every line that the nodes log. Not here: what must hold
//! (`claims`).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};

use sha2::{Digest as _, Sha256};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::system;

/// What is no error, and has no reason here: no disk is slow, so that whatever was begun ends.
const NEVER: [&str; 2] = [
    "did not end in time; the next start ends what it began",
    "handshakes, streams or followers did not end in time",
];

thread_local! {
    static TRACE: RefCell<Trace> = RefCell::default();
}

#[derive(Default)]
struct Trace {
    digest: Sha256,
    events: u64,
    shown: bool,
    counts: BTreeMap<String, u64>,
    errors: Vec<String>,
}

/// What a trace comes to.
#[derive(Debug)]
pub(crate) struct Told {
    /// SHA-256 over all lines, in hexadecimal.
    pub(crate) digest: String,
    pub(crate) events: u64,
    /// How often what happened that was counted.
    pub(crate) counts: BTreeMap<String, u64>,
}

/// Begins: takes the log of all nodes of this thread, and shows every line if that is asked for.
pub(crate) fn begin(shown: bool) {
    TRACE.with_borrow_mut(|trace| trace.shown = shown);
    let lines = Registry::default().with(Lines);
    tracing::subscriber::set_global_default(lines).expect("there is one trace");
}

/// Something happened.
pub(crate) fn note(what: &str) {
    TRACE.with_borrow_mut(|trace| {
        let line = format!("{:>9.3} {what}\n", system::elapsed().as_secs_f64());
        trace.digest.update(&line);
        trace.events += 1;
        if trace.shown {
            print!("{line}");
        }
    });
}

/// Something of a kind happened once more.
pub(crate) fn count(kind: &str) {
    TRACE.with_borrow_mut(|trace| *trace.counts.entry(kind.to_owned()).or_default() += 1);
}

/// What the nodes have logged that they must not, since it was asked last.
pub(crate) fn errors() -> Vec<String> {
    TRACE.with_borrow_mut(|trace| std::mem::take(&mut trace.errors))
}

/// What it comes to.
pub(crate) fn told() -> Told {
    TRACE.with_borrow_mut(|trace| {
        let digest = std::mem::take(&mut trace.digest).finalize();
        let digest = digest.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        });
        Told { digest, events: trace.events, counts: std::mem::take(&mut trace.counts) }
    })
}

/// Each line of the log of a node, with the spans around it.
struct Lines;

/// The fields of a span.
struct Fields(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let is_host = metadata.is_span() && metadata.target().starts_with("turmoil");
        metadata.target().starts_with("comity") || is_host
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Text { all: attributes.metadata().name().to_owned(), message: String::new() };
        attributes.record(&mut fields);
        span.extensions_mut().insert(Fields(fields.all));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let level = *event.metadata().level();
        let mut line = Text { all: String::new(), message: String::new() };
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(Fields(fields)) = span.extensions().get::<Fields>() {
                write!(line.all, "[{fields}] ").unwrap();
            }
        }
        line.all.push_str(level.as_str());
        event.record(&mut line);
        note(&line.all);
        if level == Level::ERROR || NEVER.contains(&line.message.as_str()) {
            TRACE.with_borrow_mut(|trace| trace.errors.push(line.all));
        } else if level != Level::DEBUG {
            count(&line.message);
        }
    }
}

/// Fields, one after the other.
struct Text {
    all: String,
    message: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.all, " {}={value:?}", field.name()).unwrap();
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}
