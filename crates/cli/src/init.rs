//! `comity init` and `comity card`.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use comity_ledger::Card;
use comity_node::{Config, Home, KeyHolder, NewHome, NodeError, SystemEntropy, fingerprint, now};
use serde_json::json;

use crate::answer::{Answer, Refusal};
use crate::args::{CardOf, Init};
use crate::interruption::Interruption;
use crate::source::Source;

/// Where `comity init` leaves the root key, until it is moved away.
const ROOT_KEY: &str = "offline/root.key";

pub(crate) fn run(arguments: &Init) -> Result<Answer, Refusal> {
    let agency = arguments.agency.parse().map_err(NodeError::Name)?;
    let flag = |name: &str, checked: Result<(), String>| {
        checked.map_err(|reason| Refusal::new("config", format!("{name}: {reason}")))
    };
    flag("--listen", Config::check_listen(&arguments.listen))?;
    flag("--admin", Config::check_admin(&arguments.admin))?;
    let new = NewHome {
        folder: arguments.folder.clone(),
        name: arguments.name.clone().unwrap_or_else(|| arguments.agency.clone()),
        agency,
        listen: arguments.listen.clone(),
        admin: arguments.admin.clone(),
    };
    let interruption = Interruption::listen()?;
    let heard = interruption.heard();
    let made = new.create_unless(now(), &mut SystemEntropy::new(), &|| heard.is_ended());
    let made = match made {
        Ok(made) => made,
        Err(error) => return interruption.ends(Err(error.into())),
    };
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
    let card = card_of(&Home::find(&arguments.of.home)?, arguments)?;
    let words = fingerprint(card.identity())?.to_string();
    let text = String::from_utf8_lossy(card.as_bytes()).into_owned();
    let json = json!({ "agency": card.identity().agency.as_str(), "fingerprint": words, "card": text });
    if let Some(out) = &arguments.out {
        write_new(out, card.as_bytes())?;
    }
    if !arguments.of.json {
        crate::say(&mut std::io::stderr(), &format!("fingerprint: {words}"));
        for endpoint in card.endpoints().iter().filter(|endpoint| leads_nowhere(endpoint)) {
            let note = "names no place: peers add this card with --endpoint, or comity.toml names one they can reach";
            crate::say(&mut std::io::stderr(), &format!("note: {endpoint} on it {note}"));
        }
    }
    let text = if arguments.out.is_some() { String::new() } else { text };
    Ok(Answer::new(text, json))
}

/// The card; where the identity was signed for a log key that is not there any more it is signed again first.
fn card_of(home: &Home, arguments: &CardOf) -> Result<Card, Refusal> {
    match home.card() {
        Err(old @ NodeError::OldIdentity { .. }) => {
            let left = arguments.of.home.join(ROOT_KEY);
            let root = arguments.root.clone().or_else(|| left.is_file().then_some(left));
            let Some(root) = root else { return Err(old.into()) };
            let holder = KeyHolder::take(home, &root)?;
            holder.sign_identity_again(&Source::find_at(home)?.keys(None)?)?;
            Ok(home.card()?)
        }
        made => Ok(made?),
    }
}

/// Whether a node can listen on an address that nobody can connect to: all addresses of a machine, or any port.
fn leads_nowhere(endpoint: &str) -> bool {
    endpoint.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_unspecified() || address.port() == 0)
}

/// Writes a file that is not there yet: what stands at the path may be somebody's key.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let failed = |source| NodeError::File { action: "write", path: path.to_owned(), source };
    match File::create_new(path) {
        Ok(mut file) => Ok(file.write_all(bytes).map_err(failed)?),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let message = format!("{} is there already and is not overwritten", path.display());
            Err(Refusal::new("exists", message))
        }
        Err(error) => Err(failed(error).into()),
    }
}
