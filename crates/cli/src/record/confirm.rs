//! `comity record confirm`: an operator's word for erasures that peers gave back.
//!
//! Only where no node runs: what is destroyed cannot be brought back, and so nobody screens meanwhile. Not here: which
//! erasures wait (`comity-node`).

use comity_ledger::Origin;
use comity_node::{NodeError, WaitingErasure};
use serde_json::json;

use crate::answer::{Answer, Refusal};
use crate::args::Confirm;
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
    let tell = |waiting: &&WaitingErasure| {
        format!("waiting  entry {} would erase entry {}", waiting.index, waiting.of)
    };
    lines.extend(waiting.iter().map(tell));
    if waiting.is_empty() {
        lines.push(format!("no erasure of {origin} waits"));
    }
    let json = json!({
        "origin": origin.as_str(),
        "confirmed": arguments.indexes,
        "waiting": waiting
            .iter()
            .map(|waiting| json!({ "index": waiting.index.value(), "of": waiting.of.value() }))
            .collect::<Vec<_>>(),
    });
    Ok(Answer::new(lines.join("\n"), json))
}
