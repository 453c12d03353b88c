//! `comity init` and `comity card`.

use comity_node::{Home, NewHome, NodeError, SystemEntropy, fingerprint, now};
use serde_json::json;

use crate::answer::{Answer, Refusal};
use crate::args::{CardOf, Init};

pub(crate) fn run(arguments: &Init) -> Result<Answer, Refusal> {
    let agency = arguments.agency.parse().map_err(NodeError::Name)?;
    let new = NewHome {
        folder: arguments.folder.clone(),
        name: arguments.name.clone().unwrap_or_else(|| arguments.agency.clone()),
        agency,
        listen: arguments.listen.clone(),
        admin: arguments.admin.clone(),
    };
    let made = new.create(now(), &mut SystemEntropy::new())?;
    let folder = arguments.folder.display();
    let text = format!(
        "agency       {}\n\
         log          {}\n\
         fingerprint  {}\n\
         home         {folder}\n\n\
         Now move these off this machine, to where no node can read them:\n  \
         {folder}/offline/root.key   signs key changes only\n  \
         {folder}/officers/          keys of two officers and two roster admins\n",
        new.agency, made.origin, made.fingerprint
    );
    let json = json!({
        "agency": new.agency.as_str(),
        "origin": made.origin.as_str(),
        "fingerprint": made.fingerprint.to_string(),
    });
    Ok(Answer::new(text, json))
}

pub(crate) fn card(arguments: &CardOf) -> Result<Answer, Refusal> {
    let card = Home::find(&arguments.of.home)?.card()?;
    let words = fingerprint(card.identity())?.to_string();
    let text = String::from_utf8_lossy(card.as_bytes()).into_owned();
    let json = json!({ "agency": card.identity().agency.as_str(), "fingerprint": words, "card": text });
    if let Some(out) = &arguments.out {
        std::fs::write(out, card.as_bytes()).map_err(|source| NodeError::File {
            action: "write",
            path: out.clone(),
            source,
        })?;
    }
    if !arguments.of.json {
        crate::say(&mut std::io::stderr(), &format!("fingerprint: {words}"));
    }
    let text = if arguments.out.is_some() { String::new() } else { text };
    Ok(Answer::new(text, json))
}
