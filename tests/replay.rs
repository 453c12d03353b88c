//! Real publications, one after the other, as deltas that travel: what OFAC published is what every replica says.
//!
//! Goal: none of 307 publications of the SDN list is distorted on its way, and only those that end suspiciously many
//! records are held up. Way: build each publication as the file that OFAC published, import it at A, and compare every
//! row with what A, B (which follows A) and C (which follows A through B) say of the list.
//! `COMITY_REPLAY=all` plays all of them, as `.ci/soak` does; otherwise the six that are held up and one more, and what
//! lies between is caught up with in one import each, as after a long absence.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use comity_feeds::ofac::{PROGRAM, REMARKS, REMARKS_UNREAD, TITLE};
use comity_node::{Home, RunFile, operator_channel};
use comity_watchlist::{Change, Handle, IdKind, Record, Sections, SubjectKind, Text};
use comity_wire::v1::RecordState;
use comity_wire::v1::admin_service_client::AdminServiceClient;
use comity_wire::{Guarded, ListedRecord, admin_client, v1};
use lzma_rust2::XzReader;
use serde_json::Value;
use tokio::runtime::Runtime;
use tonic::transport::Channel;

use crate::agency::{shared, text};
use crate::nodes::{Node, until};

const LIST: &str = "us-ofac-sdn";

/// The publications that the guard against removals holds up, and how many records each ends.
const HELD_UP: [(usize, usize); 6] = [(10, 53), (26, 112), (38, 150), (234, 93), (257, 69), (280, 86)];

/// An ordinary publication, played in the short form as well.
const ORDINARY: [usize; 1] = [39];

/// How long a replica may take to show what it holds.
const PATIENCE: Duration = Duration::from_mins(1);

/// The columns of OFAC's `sdn.csv` behind the number of the subject.
const COLUMNS: [&str; 11] = [
    "SDN_Name",
    "SDN_Type",
    "Program",
    "Title",
    "Call_Sign",
    "Vess_type",
    "Tonnage",
    "GRT",
    "Vess_flag",
    "Vess_owner",
    "Remarks",
];

type Row = [String; COLUMNS.len()];

/// The list as it stands: what each number says.
#[derive(Clone, Default, PartialEq)]
struct List(BTreeMap<u64, Row>);

/// What one publication changed.
struct Delta {
    add: BTreeMap<u64, Row>,
    modify: BTreeMap<u64, Row>,
    delete: Vec<u64>,
}

fn open(path: &Path) -> XzReader<BufReader<std::fs::File>> {
    XzReader::new(BufReader::new(std::fs::File::open(path).unwrap()), false)
}

/// The list before the first publication, and what each of them changed.
fn publications() -> Option<(List, Vec<Delta>)> {
    let base = shared("data/ofac/sdn-daily/sdn-base-2021-08-18.csv.xz")?;
    let deltas = shared("data/ofac/sdn-daily/sdn-deltas.jsonl.xz")?;
    let (base, bytes) = List::read(&base);
    assert!(base.file() == bytes, "the list is written as OFAC writes it");
    let lines = BufReader::new(open(&deltas)).lines();
    let deltas = lines.map(|line| Delta::read(&serde_json::from_str(&line.unwrap()).unwrap()));
    Some((base, deltas.collect()))
}

impl List {
    fn read(path: &Path) -> (Self, Vec<u8>) {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut open(path), &mut bytes).unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        let lines = text.lines().filter(|line| *line != "\u{1a}");
        let list: BTreeMap<u64, Row> = lines.map(row_of_line).collect();
        (Self(list), bytes)
    }

    /// The file as OFAC writes it: by number, `-0- ` for nothing, 0x1A at the end.
    fn file(&self) -> Vec<u8> {
        let mut file = String::new();
        for (uid, row) in &self.0 {
            file += &uid.to_string();
            for cell in row {
                file += &if cell.is_empty() {
                    ",-0- ".to_owned()
                } else {
                    format!(",\"{}\"", cell.replace('"', "\"\""))
                };
            }
            file += "\r\n";
        }
        (file + "\u{1a}").into_bytes()
    }

    fn take(&mut self, delta: &Delta) {
        for uid in &delta.delete {
            assert!(self.0.remove(uid).is_some(), "{uid} ends and was not there");
        }
        for (uid, row) in &delta.modify {
            assert!(self.0.insert(*uid, row.clone()).is_some(), "{uid} changes and was not there");
        }
        for (uid, row) in &delta.add {
            assert!(self.0.insert(*uid, row.clone()).is_none(), "{uid} is new and was there");
        }
    }

    /// How many rows another list adds, changes and ends.
    fn until(&self, later: &Self) -> [usize; 3] {
        let kept = later.0.iter().filter(|(uid, _)| self.0.contains_key(uid)).count();
        let changed = later.0.iter().filter(|(uid, row)| self.0.get(uid).is_some_and(|old| old != *row));
        [later.0.len() - kept, changed.count(), self.0.len() - kept]
    }

    /// Where two lists differ: numbers and columns only, since the list is about real people.
    fn differences(&self, other: &Self) -> Vec<String> {
        let numbers: BTreeSet<&u64> = self.0.keys().chain(other.0.keys()).collect();
        let mut found = Vec::new();
        for uid in numbers {
            match (self.0.get(uid), other.0.get(uid)) {
                (Some(a), Some(b)) => {
                    let columns = COLUMNS.iter().zip(a.iter().zip(b)).filter(|(_, (a, b))| a != b);
                    found.extend(columns.map(|(column, _)| format!("{uid} {column}")));
                }
                (Some(_), None) => found.push(format!("{uid} is missing")),
                (None, Some(_)) => found.push(format!("{uid} is too much")),
                (None, None) => {}
            }
        }
        found
    }
}

impl Delta {
    fn read(line: &Value) -> Self {
        let rows = |name: &str| -> BTreeMap<u64, Row> {
            let rows = line[name].as_object().unwrap().iter();
            rows.map(|(uid, row)| (uid.parse().unwrap(), serde_json::from_value(row.clone()).unwrap()))
                .collect()
        };
        let delete = line["del"].as_array().unwrap().iter().map(|uid| match uid {
            Value::String(uid) => uid.parse().unwrap(),
            other => other.as_u64().unwrap(),
        });
        Self { add: rows("add"), modify: rows("mod"), delete: delete.collect() }
    }
}

/// One line of OFAC's file, read without the reader that is tried here; no cell of it goes over a line end.
fn row_of_line(line: &str) -> (u64, Row) {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => cells.last_mut().unwrap().extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    let uid = cells.remove(0).parse().unwrap();
    let row: Vec<String> =
        cells.into_iter().map(|cell| if cell == "-0- " { String::new() } else { cell }).collect();
    (uid, row.try_into().unwrap())
}

/// The row that a record was made of, from the record alone. What the remarks say as well is told from what the
/// columns say by the remarks themselves, which the record keeps as they were.
fn row_of(record: &Record) -> Row {
    let kept = |name: &str| record.source.extra(name).first().map_or("", |kept| kept.as_str()).to_owned();
    let remarks = kept(REMARKS);
    let unread = record.source.extra(REMARKS_UNREAD);
    let read = |labels: &[&str]| {
        let mut tokens = remarks.split(';').map(|token| token.trim().trim_start_matches("alt. "));
        tokens.by_ref().filter(|token| labels.iter().any(|label| token.starts_with(label))).count()
            - unread.iter().filter(|kept| labels.iter().any(|label| kept.as_str().starts_with(label))).count()
    };
    let joined = |name: &str, parts: &[Text], joint: &str| {
        let parts: Vec<&str> = parts.iter().map(Text::as_str).collect();
        Some(kept(name)).filter(|odd| !odd.is_empty()).unwrap_or_else(|| parts.join(joint))
    };
    let text = |text: Option<&Text>| text.map(|text| text.as_str().to_owned()).unwrap_or_default();
    let vessel = record.vessel.clone().unwrap_or_default();
    let marks: Vec<&Text> =
        record.identifiers.iter().filter(|id| id.kind == IdKind::CallSign).map(|id| &id.value).collect();
    let of_column = |found: usize, labels: &[&str]| found > read(labels);
    let kind = match record.kind {
        SubjectKind::Person => "individual",
        SubjectKind::Vessel => "vessel",
        SubjectKind::Aircraft => "aircraft",
        _ => "",
    };
    let flag = vessel.flag.filter(|_| of_column(1, &["Vessel Flag "]));
    [
        text(record.primary_name().map(|name| &name.full)),
        kind.to_owned(),
        joined(PROGRAM, &record.programmes, "] ["),
        joined(TITLE, &record.titles, "; "),
        text(
            marks
                .first()
                .copied()
                .filter(|_| of_column(marks.len(), &["Vessel Call Sign ", "Other Vessel Call Sign "])),
        ),
        text(
            vessel
                .types
                .first()
                .filter(|_| of_column(vessel.types.len(), &["Vessel Type ", "Other Vessel Type "])),
        ),
        text(vessel.tonnage.as_ref()),
        text(vessel.gross_tonnage.as_ref()),
        text(flag.as_ref().map(|flag| &flag.name)),
        text(vessel.owner.as_ref().filter(|_| of_column(1, &["Vessel Owner "]))),
        remarks,
    ]
}

/// One node, asked over its admin port what a log says of the list.
struct Replica<'a> {
    node: &'a Node,
    runtime: Runtime,
    /// What was read last, so that only what changed is read again.
    known: HashMap<Handle, (Sections, u64, Row)>,
}

impl<'a> Replica<'a> {
    fn new(node: &'a Node) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { node, runtime, known: HashMap::new() }
    }

    /// A connection for one question: between two imports an idle one would be ended by the node.
    fn admin(&self) -> AdminServiceClient<Guarded<Channel>> {
        let home = Home::find(&self.node.agency.home()).unwrap();
        let address = RunFile::find(&home).unwrap().admin_addr;
        admin_client(self.runtime.block_on(operator_channel(&home, address)).unwrap())
    }

    fn head(&self, origin: &str) -> (u64, Vec<u8>) {
        let logs = self.runtime.block_on(self.admin().list_logs(v1::ListLogsRequest {})).unwrap();
        let mut heads = logs.into_inner().logs.into_iter().filter_map(|log| log.head);
        heads
            .find(|head| head.origin == origin)
            .map_or((0, Vec::new()), |head| (head.size, head.root.to_vec()))
    }

    fn list(&mut self, origin: &str) -> List {
        let request = v1::ListRecordsRequest { list: LIST.to_owned(), origin: origin.to_owned() };
        let mut admin = self.admin();
        let Self { runtime, known, .. } = self;
        let read = runtime.block_on(async {
            let mut stream = admin.list_records(request).await.unwrap().into_inner();
            let mut read = Vec::new();
            while let Some(message) = stream.message().await.unwrap() {
                read.extend(message.records);
            }
            read
        });
        let mut list = List::default();
        for record in read {
            let listed = ListedRecord::try_from(record).unwrap();
            if listed.state == RecordState::Delisted {
                continue;
            }
            assert_eq!(listed.state, RecordState::Unapproved);
            let same = known.get(&listed.handle).filter(|(sections, ..)| *sections == listed.sections);
            let (uid, row) = if let Some((_, uid, row)) = same {
                (*uid, row.clone())
            } else {
                let change = Change::decode(&(&listed.sections).into()).unwrap().change;
                let uid: u64 = change.key().reference.as_str().parse().unwrap();
                let row = row_of(change.op.record().unwrap());
                known.insert(listed.handle, (listed.sections, uid, row.clone()));
                (uid, row)
            };
            assert!(list.0.insert(uid, row).is_none(), "{uid} is listed twice at {}", self.node.origin);
        }
        list
    }

    /// Waits until this node says what was published, and no longer than it may take.
    fn says(&mut self, origin: &str, head: &(u64, Vec<u8>), published: &List) {
        until(&format!("{} reaches {origin} {}", self.node.origin, head.0), || self.head(origin) == *head);
        let begun = Instant::now();
        while self.list(origin) != *published {
            if begun.elapsed() > PATIENCE {
                let different = published.differences(&self.list(origin));
                panic!("{} differs in {} cells: {:.8?}", self.node.origin, different.len(), &different);
            }
        }
    }
}

/// Which publications are played, from 0.
fn chosen(count: usize) -> BTreeSet<usize> {
    if std::env::var("COMITY_REPLAY").is_ok_and(|part| part == "all") {
        return (0..count).collect();
    }
    HELD_UP.into_iter().map(|(at, _)| at).chain(ORDINARY).collect()
}

struct Author<'a> {
    node: &'a Node,
    published: List,
}

impl Author<'_> {
    /// Imports a publication and compares what was signed with what changed.
    fn publishes(&mut self, next: List, leave: bool) {
        let file = self.node.agency.write("sdn.csv", &next.file());
        let mut arguments = vec!["import", "ofac", text(&file)];
        arguments.extend(leave.then_some("--accept-removals"));
        let done = self.node.agency.ask(&arguments);
        assert!(done["error"].is_null(), "{done}");
        let signed = ["added", "changed", "removed"].map(|part| done[part].as_u64().unwrap());
        let [added, changed, removed] = self.published.until(&next);
        assert_eq!(signed.map(|n| usize::try_from(n).unwrap()), [added, changed, removed]);
        assert_eq!((&done["relisted"], &done["unread"]), (&0.into(), &0.into()), "no number is given twice");
        assert_eq!(done["unchanged"], next.0.len() - added - changed);
        assert_eq!(done["rejected"].as_array().unwrap().len(), 0, "{}", done["rejected"]);
        self.published = next;
    }

    /// Imports the publication of last time again.
    fn publishes_again(&self) {
        let file = self.node.agency.beside("sdn.csv");
        let before = self.node.head(&self.node.origin);
        let done = self.node.agency.ask(&["import", "ofac", text(&file)]);
        assert_eq!(done["unchanged"], self.published.0.len(), "{done}");
        assert_eq!((done["size"].as_u64().unwrap(), done["root"].as_str().unwrap()), (before.0, &*before.1));
    }

    /// A publication that ends too many records is refused with its count, and nothing is signed.
    fn is_held_up(&self, next: &List, ended: usize) {
        let file = self.node.agency.write("sdn.csv", &next.file());
        let before = self.node.head(&self.node.origin);
        let message = self.node.agency.refused(&["import", "ofac", text(&file)], "import_refused");
        let count = format!("{ended} of {} records would be removed", self.published.0.len());
        assert!(message.contains(&count) && message.contains("nothing was changed"), "{message}");
        assert_eq!(self.node.head(&self.node.origin), before);
    }
}

#[test]
fn real_publications_are_what_every_replica_says_and_six_of_them_are_held_up() {
    let Some((mut source, deltas)) = publications() else { return };
    assert_eq!(deltas.len(), 307);
    let played = chosen(deltas.len());
    let (a, b, c) =
        (Node::found("agency-a.example"), Node::found("agency-b.example"), Node::found("agency-c.example"));
    for (one, other) in [(&a, &b), (&b, &a), (&b, &c), (&c, &b)] {
        one.add(other, &[]);
    }
    c.add(&a, &["--via", "agency-b.example"]);
    let mut replicas = [&a, &b, &c].map(Replica::new);
    let mut all_say = |published: &List| {
        let head = replicas[0].head(&a.origin);
        std::thread::scope(|threads| {
            let asked = replicas.iter_mut().map(|replica| {
                let head = &head;
                let origin = &a.origin;
                threads.spawn(move || replica.says(origin, head, published))
            });
            let asked: Vec<_> = asked.collect();
            for thread in asked {
                thread.join().unwrap();
            }
        });
    };

    let begun = Instant::now();
    let mut author = Author { node: &a, published: List::default() };
    let mut held_up = Vec::new();
    for (at, delta) in deltas.iter().enumerate() {
        if played.contains(&at) && author.published != source {
            author.publishes(source.clone(), at > 0);
        }
        source.take(delta);
        if !played.contains(&at) {
            continue;
        }
        if let Some((_, ended)) = HELD_UP.iter().find(|(held, _)| *held == at) {
            author.is_held_up(&source, *ended);
            author.publishes(source.clone(), true);
            held_up.push(delta.delete.len());
        } else {
            author.publishes(source.clone(), false);
            author.publishes_again();
        }
        all_say(&source);
        println!("publication {at}: {} rows, {} s", source.0.len(), begun.elapsed().as_secs());
    }
    println!("{} of {} publications were played", played.len(), deltas.len());
    assert_eq!(held_up, HELD_UP.map(|(_, ended)| ended));
}
