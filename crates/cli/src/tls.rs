//! `comity tls renew|reload|revoke|crl|ca`.
//!
//! What lies in the home is changed by this process, and then a running node is told to read it again. What a node keeps
//! of its peers is changed by whoever holds the home.

use std::path::Path;

use comity_ledger::AgencyId;
use comity_node::tls::{AuthorityId, CertificateFacts, Crl, CrlError, PeerAuthority, Serial};
use comity_node::{
    Home, IssuedCrl, NodeError, OwnLeaf, Revokee, RunFile, TlsKeys, TlsRefusal, add_authority, now, put_crl,
};
use comity_wire::{ErrorCode, v1};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal, sentence};
use crate::args::{AuthorityCommand, CrlCommand, TlsCommand, WhatToRevoke};
use crate::in_file::read_at_most;
use crate::source::{Remote, Source};

/// Most bytes of a certificate or a list that is read.
const FILE_BYTES_MAX: u64 = 512 << 10;

pub(crate) fn run(command: &TlsCommand) -> Result<Answer, Refusal> {
    let home = Home::find(&command.of().home)?;
    match command {
        TlsCommand::Renew { operator, ca_key, .. } => renew(&home, *operator, ca_key.ca_key.as_deref()),
        TlsCommand::Reload { .. } => reload(&home),
        TlsCommand::Revoke { what, days, ca_key, .. } => {
            let revokee = revokee(what)?;
            let issued = TlsKeys::take(&home)?;
            let issued = issued.revoke(&revokee, ca_key.ca_key.as_deref(), days.days, now())?;
            Ok(issued_answer(&home, &issued))
        }
        TlsCommand::Crl { command: CrlCommand::Renew { days, ca_key, .. } } => {
            let issued = TlsKeys::take(&home)?.renew_crl(ca_key.ca_key.as_deref(), days.days, now())?;
            Ok(issued_answer(&home, &issued))
        }
        TlsCommand::Crl { command: CrlCommand::Add { file, peer, .. } } => add_crl(&home, file, peer),
        TlsCommand::Ca { command } => authority(&home, command),
    }
}

fn renew(home: &Home, operator: bool, ca_key: Option<&Path>) -> Result<Answer, Refusal> {
    let (leaf, word) = if operator { (OwnLeaf::Operator, "operator") } else { (OwnLeaf::Node, "node") };
    let renewed = TlsKeys::take(home)?.renew(leaf, ca_key, now())?;
    let told = told(home);
    let former = renewed.former.map(|former| former.to_string());
    let text = format!(
        "the {word} has certificate {}{}; {}",
        renewed.facts.serial,
        former.as_ref().map(|former| format!(" in place of {former}")).unwrap_or_default(),
        told.text
    );
    let json = json!({
        "certificate": word,
        "serial": renewed.facts.serial.to_string(),
        "not_after": renewed.facts.not_after_secs,
        "former": former,
        "reloaded": told.reloaded,
    });
    Ok(Answer::new(text, json))
}

fn reload(home: &Home) -> Result<Answer, Refusal> {
    let Source::Remote(mut node) = Source::find_at(home)? else {
        return Err(Refusal::new("not_running", "no node runs here; it reads all of it when it starts"));
    };
    let reloaded = node.reload_tls()?;
    let problems: Vec<Value> = reloaded.problems.iter().map(problem_json).collect();
    let presents = format!("the node presents certificate {}", reloaded.serial);
    let cut = (reloaded.cut > 0).then(|| format!("{} connections were cut", reloaded.cut));
    let wrong = reloaded.problems.iter();
    let wrong = wrong.map(|problem| format!("PROBLEM  {}  {}", problem.agency, problem.message));
    let lines: Vec<String> = std::iter::once(presents).chain(cut).chain(wrong).collect();
    let json = json!({
        "serial": reloaded.serial,
        "not_after": reloaded.not_after,
        "renewed": reloaded.renewed,
        "cut": reloaded.cut,
        "problems": problems,
    });
    Ok(Answer { ok: reloaded.problems.is_empty(), ..Answer::new(lines.join("\n"), json) })
}

fn problem_json(problem: &v1::TlsProblem) -> Value {
    json!({ "agency": problem.agency, "detail": problem.message })
}

fn revokee(what: &WhatToRevoke) -> Result<Revokee, Refusal> {
    match (&what.serial, &what.leaf) {
        (_, Some(file)) => Ok(Revokee::Leaf(read(file)?)),
        (Some(serial), None) => {
            let serial: Serial =
                serial.parse().map_err(|error| malformed(format!("{serial}: {}", sentence(&error))))?;
            Ok(Revokee::Serial(serial))
        }
        (None, None) => Err(malformed("neither a serial number nor --leaf".to_owned())),
    }
}

fn issued_answer(home: &Home, issued: &IssuedCrl) -> Answer {
    let told = told(home);
    let file = issued.path.display();
    let text = format!(
        "revocation list {} revokes {} certificates; hand {file} to your peers; {}",
        issued.number, issued.revoked, told.text
    );
    let json = json!({
        "authority": issued.authority.to_string(),
        "number": issued.number.to_string(),
        "next_update": issued.next_update_secs,
        "revoked": issued.revoked,
        "crl": file.to_string(),
        "reloaded": told.reloaded,
    });
    Answer::new(text, json)
}

/// Checked here as well, so that what is refused is explained in full before anybody is asked.
fn add_crl(home: &Home, file: &Path, peer: &str) -> Result<Answer, Refusal> {
    let agency: AgencyId = peer.parse().map_err(NodeError::Name)?;
    let list = Crl::from_file(&read(file)?).map_err(TlsRefusal::from)?;
    let request = v1::PutCrlRequest { agency: agency.to_string(), crl: list.der().to_vec().into() };
    let checked = put_crl(home.peers()?.trust(), &request, now());
    let taken = match checked {
        Ok(_) => Source::find_at(home)?.put_crl(request)?,
        // A running node may have seen an authority that this process knows by name only.
        Err(other @ TlsRefusal::Crl(CrlError::OtherIssuer)) => {
            Source::find_at(home)?.put_crl(request).map_err(|_| Refusal::from(other))?
        }
        Err(refusal) => return Err(explained(refusal, &agency)),
    };
    let text = format!(
        "revocation list {} of {agency} is in force; it revokes {} certificates, and cut {} connections",
        taken.number, taken.revoked, taken.cut
    );
    let json = json!({
        "agency": agency.as_str(),
        "authority": taken.authority,
        "number": taken.number,
        "next_update": taken.next_update,
        "revoked": taken.revoked,
        "cut": taken.cut,
    });
    Ok(Answer::new(text, json))
}

fn authority(home: &Home, command: &AuthorityCommand) -> Result<Answer, Refusal> {
    match command {
        AuthorityCommand::New { .. } => {
            let id = TlsKeys::take(home)?.new_authority(now())?;
            let told = told(home);
            let text = format!(
                "the next authority is {id}; announce it with `comity key rotate tls-authority --root FILE`, then `comity tls ca \
                     use`; {}",
                told.text
            );
            Ok(Answer::new(text, json!({ "authority": id.to_string(), "reloaded": told.reloaded })))
        }
        AuthorityCommand::Use { .. } => {
            if !Source::find_at(home)?.keys(None)?.announces_next_authority(home)? {
                let message = "the next authority is not announced in the own log, so that peers would refuse it; announce \
                               it with `comity key rotate tls-authority --root FILE`, and give peers time to follow";
                return Err(Refusal::new("unannounced", message));
            }
            let (id, renewed) = TlsKeys::take(home)?.use_authority(now())?;
            let (told, CertificateFacts { serial, not_after_secs }) = (told(home), renewed.facts);
            let text = format!("authority {id} issues now; the node has certificate {serial}; {}", told.text);
            let json = json!({
                "authority": id.to_string(),
                "serial": serial.to_string(),
                "not_after": not_after_secs,
                "reloaded": told.reloaded,
            });
            Ok(Answer::new(text, json))
        }
        AuthorityCommand::Add { file, peer, .. } => {
            let agency: AgencyId = peer.parse().map_err(NodeError::Name)?;
            let bytes = read(file)?;
            let text = String::from_utf8_lossy(&bytes);
            let found = if text.contains("-----BEGIN") {
                PeerAuthority::from_pem(&text)
            } else {
                PeerAuthority::from_der(&bytes)
            };
            let found = found.map_err(TlsRefusal::from)?;
            let certificate = found.der().to_vec().into();
            let request = v1::AddAuthorityRequest { agency: agency.to_string(), certificate };
            add_authority(home.peers()?.trust(), &request).map_err(|refusal| explained(refusal, &agency))?;
            let added = Source::find_at(home)?.add_authority(request)?.authority;
            let text = format!("authority {added} is trusted for {agency}, and for nobody else");
            Ok(Answer::new(text, json!({ "agency": agency.as_str(), "authority": added })))
        }
        AuthorityCommand::Retire { id, peer: Some(peer), .. } => {
            let agency: AgencyId = peer.parse().map_err(NodeError::Name)?;
            let id = authority_id(id)?;
            let request =
                v1::RetireAuthorityRequest { agency: agency.to_string(), authority: id.to_string() };
            let retired = Source::find_at(home)?.retire_authority(request)?;
            let text = format!("authority {id} of {agency} is retired; {} connections were cut", retired.cut);
            let json = json!({ "agency": agency.as_str(), "authority": id.to_string(), "cut": retired.cut });
            Ok(Answer::new(text, json))
        }
        AuthorityCommand::Retire { id, peer: None, .. } => {
            let id = authority_id(id)?;
            TlsKeys::take(home)?.retire_authority(&id)?;
            let told = told(home);
            let agency = home.config().agency.as_str();
            let text = format!("authority {id} is retired; {}", told.text);
            let json = json!({ "agency": agency, "authority": id.to_string(), "cut": told.cut });
            Ok(Answer::new(text, json))
        }
    }
}

fn authority_id(text: &str) -> Result<AuthorityId, Refusal> {
    text.parse().map_err(|error| malformed(format!("{text}: {}", sentence(&error))))
}

fn explained(refusal: TlsRefusal, agency: &AgencyId) -> Refusal {
    if refusal.code() == ErrorCode::UnknownPeer {
        let message = format!("{agency} is no peer of this home; `comity peer list` names them");
        return Refusal::new(ErrorCode::UnknownPeer.reason(), message);
    }
    refusal.into()
}

fn malformed(message: String) -> Refusal {
    Refusal::new(ErrorCode::Malformed.reason(), message)
}

fn read(file: &Path) -> Result<Vec<u8>, Refusal> {
    let bytes = read_at_most(file, FILE_BYTES_MAX)?;
    bytes.ok_or_else(|| malformed(format!("{} is too large", file.display())))
}

/// What came of telling the running node.
struct Told {
    reloaded: bool,
    cut: u64,
    text: String,
}

/// Tells a running node to read again what was changed. That it cannot be told is no failure of what was done.
fn told(home: &Home) -> Told {
    let untold = |text: String| Told { reloaded: false, cut: 0, text };
    let Some(run) = RunFile::find(home) else { return untold("no node runs".to_owned()) };
    let reloaded = Remote::connect(home.clone(), run.admin_addr)
        .map_err(Refusal::from)
        .and_then(|mut node| node.reload_tls());
    match reloaded {
        Ok(reloaded) if reloaded.problems.is_empty() => {
            Told { reloaded: true, cut: reloaded.cut, text: "the running node has read it".to_owned() }
        }
        Ok(reloaded) => {
            let problem = |problem: &v1::TlsProblem| format!("{}: {}", problem.agency, problem.message);
            let problems: Vec<String> = reloaded.problems.iter().map(problem).collect();
            let text = format!("the running node has read it, and says: {}", problems.join("; "));
            Told { reloaded: true, cut: reloaded.cut, text }
        }
        Err(refusal) => untold(format!(
            "a node that runs could not be told, and reads it on SIGHUP ({})",
            refusal.message
        )),
    }
}
