//! `comity record confirm`: an operator's word for erasures that peers gave back.
//!
//! Only where no node runs: what is destroyed cannot be brought back, and so nobody screens meanwhile. Not here: which
//! erasures wait, and what is said of them (`comity-node`).

use comity_ledger::Origin;
use comity_node::{NodeError, WaitingErasure, waiting_message};
use comity_wire::v1;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::Confirm;
use crate::plain::plain;
use crate::source::Source;

pub(super) fn run(arguments: &Confirm) -> Result<Answer, Refusal> {
    let mut source = Source::find(&arguments.of.home)?;
    let origin: Origin = match &arguments.origin {
        Some(origin) => origin.parse().map_err(NodeError::Name)?,
        None => source.home().origin(),
    };
    let Some(open) = source.held_mut() else {
        let message = "a node runs here; end it, call this again, and start it again; nothing was destroyed";
        return Err(Refusal::new("in_use", message));
    };
    if !arguments.indexes.is_empty() {
        open.confirm_erasures(&origin, &arguments.indexes)?;
    }
    let waiting: Vec<&WaitingErasure> =
        open.waiting_erasures().iter().filter(|waiting| waiting.origin == origin).collect();
    let mut lines: Vec<String> = Vec::new();
    if !arguments.indexes.is_empty() {
        lines.push(format!("{} erasures were carried out", arguments.indexes.len()));
    }
    let told = waiting.iter().map(|waiting| waiting_message(open.store(), waiting));
    let told = told.collect::<Result<Vec<v1::WaitingErasure>, NodeError>>()?;
    lines.extend(told.iter().map(waiting_text));
    if waiting.is_empty() {
        lines.push(format!("no erasure of {origin} waits"));
    }
    let json = json!({
        "origin": origin.as_str(),
        "confirmed": arguments.indexes,
        "waiting": told.iter().map(waiting_json).collect::<Vec<_>>(),
    });
    Ok(Answer::new(lines.join("\n"), json))
}

/// An erasure that waits, in a line.
pub(crate) fn waiting_text(waiting: &v1::WaitingErasure) -> String {
    let v1::WaitingErasure { index, of, list, reference, kind, .. } = waiting;
    let mut line = format!("waiting  entry {index} would erase entry {of}");
    for word in [list, reference, kind].into_iter().filter(|word| !word.is_empty()) {
        line.push_str("  ");
        line.push_str(&plain(word));
    }
    line
}

/// The same for programs.
pub(crate) fn waiting_json(waiting: &v1::WaitingErasure) -> Value {
    json!({
        "origin": waiting.origin,
        "index": waiting.index,
        "of": waiting.of,
        "list": waiting.list,
        "reference": waiting.reference,
        "kind": waiting.kind,
    })
}
