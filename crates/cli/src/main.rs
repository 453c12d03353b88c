//! Who holds it: the `comity` command, for operators, analysts and the node itself.
//!
//! Exit status: 0 done, 1 refused or found wanting (with a reason), 2 the command line is wrong; a demo that a
//! signal ended has 128 and the number of the signal.

mod answer;
mod args;
mod backup;
mod bench;
mod bundle;
mod demo;
mod editions;
mod export;
mod heap;
mod import;
mod in_file;
mod init;
mod interruption;
mod key;
mod log;
mod out_file;
mod out_folder;
mod peer;
mod plain;
mod record;
mod records;
mod screen;
mod scrub;
mod serve;
mod source;
mod stage;
mod status;
mod tls;
mod vocabulary;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

use crate::answer::{Answer, Refusal};
use crate::args::{Arguments, Command};

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let json = command.json();
    match run(command) {
        Ok(answer) => {
            let text = match (json, &answer.json) {
                (true, serde_json::Value::Null) => String::new(),
                (true, json) => json.to_string(),
                (false, _) => answer.text,
            };
            let said = say(&mut std::io::stdout(), &text);
            if answer.ok && said { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(refusal) => {
            if json {
                say(&mut std::io::stdout(), &refusal.json().to_string());
            } else {
                say(&mut std::io::stderr(), &format!("comity: {}", refusal.message));
            }
            ExitCode::from(refusal.status)
        }
    }
}

fn run(command: Command) -> Result<Answer, Refusal> {
    match command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Screen(arguments) => screen::run(&arguments),
        Command::Card(arguments) => init::card(&arguments),
        Command::Import(arguments) => import::run(&arguments.source),
        Command::Record(arguments) => record::run(&arguments.command),
        Command::Vocabulary(arguments) => vocabulary::run(&arguments.command),
        Command::Export(arguments) => export::run(&arguments),
        Command::Log(arguments) => log::run(&arguments.command),
        Command::Bundle(arguments) => bundle::run(&arguments),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Restore(arguments) => backup::restore(&arguments),
        Command::Peer(arguments) => peer::run(&arguments.command),
        Command::Key(arguments) => key::run(&arguments.command),
        Command::Tls(arguments) => tls::run(&arguments.command),
        Command::Status(arguments) => status::run(&arguments),
        Command::Watch(arguments) => watch::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
    }
}

/// Writes a line; false if nobody can hear it. A reader that closed its end early, such as `head`, is no failure.
fn say(to: &mut dyn std::io::Write, text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    match writeln!(to, "{}", text.trim_end_matches('\n')).and_then(|()| to.flush()) {
        Ok(()) => true,
        Err(error) => error.kind() == std::io::ErrorKind::BrokenPipe,
    }
}
