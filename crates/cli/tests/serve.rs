//! `comity serve` as a child process, and the commands that ask it.
//!
//! Goal: a command answers the same whether a node runs or not; a node that is told to stop, or killed, loses nothing
//! that was acknowledged; its log tells of nobody. Way: the built program, the made-up lists, signals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test may fail the test"
)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const AGENCY: &str = "agency-a.example";
/// Longest a test waits for a node to start or to end: above the 10 s that it may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A home in a temporary folder.
struct Home(TempDir);

impl Home {
    fn found() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let init = ["init", &home.path(), "--agency", AGENCY, "--listen", "127.0.0.1:0"];
        let made = comity(&init).args(["--admin", "127.0.0.1:0"]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        home
    }

    fn path(&self) -> String {
        self.beside("home").to_str().unwrap().to_owned()
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        comity(arguments).args(["--home", &self.path(), "--json"]).output().unwrap()
    }

    /// The JSON answer of a command, whether done or refused.
    fn ask(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    fn import(&self, more: &[&str]) -> Value {
        let tables = ["sdn", "alt", "add", "comments"].map(|table| list(&format!("ofac-{table}.csv")));
        let mut arguments = vec!["import", "ofac"];
        arguments.extend(tables.iter().map(String::as_str));
        arguments.extend(more);
        self.ask(&arguments)
    }

    /// A log that other programs can check, file by file.
    fn exported(&self, name: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let out = self.beside(name);
        let answer = self.ask(&["log", "export", "--out", out.to_str().unwrap()]);
        assert!(answer["error"].is_null(), "{answer}");
        files(&out, &out)
    }

    fn serve(&self) -> Node {
        let mut child = comity(&["serve", "--home", &self.path(), "--json", "--log", "trace"])
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(self.beside("node.log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let node = Node { child };
        let said: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {}", self.log()));
        let written = std::fs::read(self.beside("home/run/node.json")).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), said);
        assert_eq!(said["pid"], node.child.id());
        assert!(said["peer_addr"].is_string() && said["admin_addr"].is_string());
        // One of the addresses that `status` tells as well.
        assert_eq!(self.ask(&["status"])["http_addr"], said["http_addr"]);
        node
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.beside("node.log")).unwrap()
    }
}

/// A running node; killed if the test ends before it.
struct Node {
    child: Child,
}

impl Node {
    /// Tells the node to stop; gives its exit code.
    fn stop(mut self, signal: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let mut rest = String::new();
                self.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
                assert_eq!(rest, "", "the addresses are printed once and nothing else");
                return status.code();
            }
            assert!(begun.elapsed() < PATIENCE, "the node does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().unwrap();
    }
}

fn comity(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_comity"));
    command.args(arguments).env_remove("COMITY_HOME").env_remove("COMITY_LOG");
    command
}

/// One of the made-up lists that the demo plays with.
fn list(name: &str) -> String {
    format!("{}/src/demo/lists/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn files(root: &Path, folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(root, &path));
        } else {
            found.push((path.strip_prefix(root).unwrap().to_owned(), std::fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

const QUESTIONS: [&[&str]; 6] = [
    &["log", "list"],
    &["log", "show", "3"],
    &["log", "show", "99"],
    &["screen", "--name", "Fyodor Ilyich STROGANOVSKY"],
    &["screen", "--id", "passport:S0042137"],
    &["screen", "--name", "Nobody At All"],
];

#[test]
fn a_node_told_to_stop_ends_in_order_and_the_next_start_finds_everything() {
    for signal in ["-TERM", "-INT"] {
        let home = Home::found();
        let node = home.serve();
        let imported = home.import(&[]);
        assert_eq!((&imported["added"], &imported["size"]), (&10.into(), &11.into()), "{imported}");
        let again = home.import(&[]);
        assert_eq!((&again["unchanged"], &again["root"]), (&10.into(), &imported["root"]), "{again}");
        assert_eq!(home.ask(&["status"])["state"], "serving");
        // Within a second or so the node says of its newest checkpoint that it stands; the next time is a minute later.
        let stated = |files: &[(PathBuf, Vec<u8>)]| {
            files.iter().any(|(path, bytes)| {
                path.ends_with("checkpoint") && String::from_utf8_lossy(bytes).contains("/witness ")
            })
        };
        let begun = Instant::now();
        while !stated(&home.exported(&format!("stated-{}", begun.elapsed().as_nanos()))) {
            assert!(begun.elapsed() < Duration::from_mins(1), "{}", home.log());
        }
        let asked = QUESTIONS.map(|question| home.ask(question));
        assert_eq!(asked[3]["answer"], "hits", "{}", asked[3]);
        assert_eq!(asked[4]["hits"][0]["reference"], "9002", "{}", asked[4]);
        assert_eq!(asked[5]["answer"], "none");
        let exported = home.exported("served");

        assert_eq!(node.stop(signal), Some(0), "{}", home.log());
        assert!(home.log().contains("stopped"));
        assert!(!home.beside("home/run/node.json").exists());
        assert_eq!(QUESTIONS.map(|question| home.ask(question)), asked, "alone the home answers the same");
        assert_eq!(home.exported("alone"), exported);
        assert_eq!(home.ask(&["status"])["state"], "ready");

        let node = home.serve();
        // Which says so again as it starts.
        let timeless = |mut answers: [Value; 6]| {
            answers[0]["logs"][0]["fresh_at"] = Value::Null;
            answers
        };
        assert_eq!(timeless(QUESTIONS.map(|question| home.ask(question))), timeless(asked));
        assert_eq!(node.stop(signal), Some(0));
    }
}

#[test]
fn after_a_killed_node_the_home_answers_alone_and_can_be_served_again() {
    let home = Home::found();
    let node = home.serve();
    let imported = home.import(&[]);
    assert_eq!(node.stop("-KILL"), None);
    assert!(home.beside("home/run/node.json").exists(), "nobody was there to take it away");
    assert_eq!(home.ask(&["log", "list"])["logs"][0]["root"], imported["root"]);
    let again = home.import(&[]);
    assert_eq!((&again["unchanged"], &again["root"]), (&10.into(), &imported["root"]));
    let node = home.serve();
    assert_eq!(home.ask(&["log", "list"])["logs"][0]["root"], imported["root"]);
    assert_eq!(node.stop("-TERM"), Some(0));
}

#[test]
fn a_home_is_served_by_one_node_at_a_time() {
    let home = Home::found();
    let node = home.serve();
    let second = home.run(&["serve"]);
    assert_eq!(second.status.code(), Some(1));
    let answer: Value = serde_json::from_slice(&second.stdout).unwrap();
    assert_eq!(answer["error"]["code"], "in_use");
    assert_eq!(home.ask(&["status"])["state"], "serving", "the first goes on");
    assert_eq!(node.stop("-TERM"), Some(0));
}

/// Goal: what ends and comes back is told apart from what is new, by a node as by the home alone.
#[test]
fn records_end_and_are_listed_again_through_the_node() {
    let table = |numbers: &[u32]| {
        let row = |n| {
            format!(
                "{n},\"MIRAGE, Number {n}\",\"individual\",\"ZENDA\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"DOB 1950.\"\r\n"
            )
        };
        numbers.iter().map(row).collect::<String>()
    };
    let home = Home::found();
    let import = |numbers: &[u32]| {
        let file = home.beside("sdn.csv");
        std::fs::write(&file, table(numbers)).unwrap();
        home.ask(&["import", "ofac", file.to_str().unwrap()])
    };
    let node = home.serve();
    assert_eq!(import(&[1, 2, 3])["added"], 3);
    let refused = import(&[3]);
    assert_eq!(refused["error"]["code"], "import_refused", "{refused}");
    assert_eq!(import(&[2, 3])["removed"], 1);
    assert_eq!(home.ask(&["screen", "--name", "Number 1 MIRAGE"])["answer"], "none");
    let back = import(&[1, 2, 3]);
    assert_eq!((&back["relisted"], &back["unchanged"], &back["size"]), (&1.into(), &2.into(), &6.into()));
    assert_eq!(import(&[1, 2])["removed"], 1);
    assert_eq!(node.stop("-TERM"), Some(0));
    let back = import(&[1, 2, 3]);
    assert_eq!((&back["relisted"], &back["unchanged"], &back["size"]), (&1.into(), &2.into(), &8.into()));
}

#[test]
fn metrics_are_served_where_the_configuration_says_and_nowhere_without_it() {
    let home = Home::found();
    let node = home.serve();
    assert!(home.ask(&["status"])["http_addr"].is_null());
    assert_eq!(node.stop("-TERM"), Some(0));
    let config = home.beside("home/comity.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}\n[http]\nlisten = \"127.0.0.1:0\"\n")).unwrap();
    let node = home.serve();
    let address = home.ask(&["status"])["http_addr"].as_str().unwrap().to_owned();
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n") && answer.contains("comity_read_only 0\n"), "{answer}");
    assert_eq!(node.stop("-TERM"), Some(0));
    assert!(home.ask(&["status"])["http_addr"].is_null(), "a node that has ended listens nowhere");
}

#[test]
fn a_bad_question_is_refused_alike_by_node_and_home() {
    let home = Home::found();
    let unmade = home.beside("unmade");
    let questions: [&[&str]; 5] = [
        &["screen", "--id", "imo:12"],
        &["screen", "--id", "nonsense"],
        &["screen", "--name", " - "],
        &["log", "show", "0", "--origin", "b.example/pub"],
        &["log", "export", "--origin", "b.example/pub", "--out", unmade.to_str().unwrap()],
    ];
    let ask_all = || {
        questions.map(|question| {
            let output = home.run(question);
            assert_eq!(output.status.code(), Some(1), "{question:?}: {output:?}");
            let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
            answer["error"]["code"].as_str().unwrap().to_owned()
        })
    };
    let alone = ask_all();
    assert_eq!(alone, ["bad_query", "bad_query", "bad_query", "no_such_log", "no_such_log"]);
    let node = home.serve();
    assert_eq!(ask_all(), alone);
    assert!(!unmade.exists(), "a folder is written whole or not at all");
    assert_eq!(node.stop("-TERM"), Some(0));
    assert_eq!(home.run(&["screen"]).status.code(), Some(2), "a question without anything asked");
}

#[test]
fn alarms_are_watched_until_the_node_ends() {
    let home = Home::found();
    assert_eq!(home.ask(&["watch"])["error"]["code"], "not_running");
    // A log without its sign-lock is not signed any further.
    for entry in std::fs::read_dir(home.beside("home/lock")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let node = home.serve();
    assert_eq!(home.ask(&["status"])["alarms"][0]["what"], "read_only");
    assert_eq!(home.import(&[])["error"]["code"], "read_only");
    let mut watch =
        comity(&["watch", "--home", &home.path(), "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let alarm: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((&alarm["what"], &alarm["ended"]), (&"read_only".into(), &false.into()), "{alarm}");
    assert_eq!(node.stop("-TERM"), Some(0));
    assert!(
        lines.next().is_none_or(|line| line.unwrap().contains("error")),
        "the end of the node ends the watch"
    );
    watch.wait().unwrap();
}

/// Goal: no log line tells of a person. Way: everything that names one goes through a node that logs all it can.
#[test]
fn no_log_line_of_the_node_names_anyone() {
    let home = Home::found();
    let node = home.serve();
    home.import(&[]);
    for question in QUESTIONS {
        home.ask(question);
    }
    home.ask(&["screen", "--name", "Zebulon Quixworth"]);
    home.ask(&["screen", "--id", "passport:QX7654321"]);
    let out = home.beside("bundle");
    home.ask(&["bundle", "--out", out.to_str().unwrap()]);
    assert_eq!(node.stop("-TERM"), Some(0));
    let log = home.log().to_lowercase();
    assert!(
        log.contains("batch{entries=10") && log.contains("method=\"screen\""),
        "calls and batches are traced"
    );
    for told in ["stroganovsky", "sarab", "mirage", "7711032", "s0042137", "zebulon", "quixworth", "7654321"]
    {
        let line = log.lines().find(|line| line.contains(told));
        assert_eq!(line, None, "the log names {told}");
    }
}
