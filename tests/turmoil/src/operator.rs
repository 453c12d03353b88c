//! The operator of an agency: looks at the node all the time, and has it append what its officers write.
//!
//! All of it goes over the admin port, as with the command. Not here: what must hold of what is seen (`claims`).

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use comity_node::{Home, operator_channel};
use comity_tlog::EntryIndex;
use comity_watchlist::{
    Change, EntryRef, Handle, ListId, Name, NameKind, Op, Record, RecordKey, Reference, SubjectKind, Text,
};
use comity_wire::v1::admin_service_client::AdminServiceClient;
use comity_wire::v1::screening_service_client::ScreeningServiceClient;
use comity_wire::{
    AppendHeader, AppendStep, DraftChange, Guarded, HandlingChoice, admin_client, screening_client, v1,
};
use tonic::transport::Channel;

use crate::agency::Agency;
use crate::stage::{Phase, Stage};
use crate::trace;

/// Milliseconds between two looks, at most.
const LOOK_MILLIS_MAX: u64 = 600;
/// One look in so many asks for a subject too.
const LOOKS_PER_QUESTION: u64 = 8;
/// The list that is kept.
const LIST: &str = "invented-list";

type Failed = Box<dyn std::error::Error>;

pub(crate) struct Operator {
    agency: &'static Agency,
    stage: Rc<Stage>,
}

struct Clients {
    admin: AdminServiceClient<Guarded<Channel>>,
    screening: ScreeningServiceClient<Guarded<Channel>>,
}

impl Operator {
    pub(crate) fn new(agency: &'static Agency, stage: Rc<Stage>) -> Self {
        Self { agency, stage }
    }

    /// Works until it is time to stop the node.
    pub(crate) async fn run(&self, home: &Home, address: SocketAddr) -> Result<(), Failed> {
        let channel = operator_channel(home, address).await?;
        let mut clients =
            Clients { admin: admin_client(channel.clone()), screening: screening_client(channel) };
        let mut append_at = self.next_append();
        loop {
            self.look(&mut clients).await?;
            match self.stage.phase() {
                Phase::Faults if self.stage.elapsed() >= append_at => {
                    self.append(&mut clients.admin).await?;
                    append_at = self.next_append();
                }
                Phase::Faults => {}
                Phase::Settling => {
                    if self.stage.claims.borrow().heads_agree() {
                        self.list_all(&mut clients.admin).await?;
                    }
                }
                Phase::Stopping => return Ok(()),
            }
            if self.stage.take_restart(self.agency.host) {
                return Ok(());
            }
            let pause = self.stage.dice(self.agency, |dice| dice.time(20, LOOK_MILLIS_MAX));
            tokio::time::sleep(pause).await;
        }
    }

    fn next_append(&self) -> Duration {
        let wait = self.stage.dice(self.agency, |dice| dice.time(50, self.agency.append_millis_max));
        self.stage.elapsed() + wait
    }

    /// Asks how the node is, and at times for a subject, whose answer names the heads that it stands on.
    async fn look(&self, clients: &mut Clients) -> Result<(), Failed> {
        let status = clients.admin.status(v1::StatusRequest {}).await?.into_inner();
        let heads: Vec<_> = status.logs.iter().filter_map(|log| log.head.clone()).collect();
        self.stage.claims.borrow_mut().shows_all(self.agency.id, &heads);
        for log in &status.logs {
            let Some(head) = &log.head else { continue };
            self.stage.claims.borrow_mut().witnesses(self.agency.id, &head.origin, log.witnessed_size);
        }
        for alarm in &status.alarms {
            self.stage.claims.borrow_mut().alarms(self.agency.id, alarm);
        }
        if status.state() != v1::NodeState::Serving {
            let what = format!("{} is {:?}", self.agency.id, status.state());
            self.stage.claims.borrow_mut().broken(what);
        }
        if self.stage.dice(self.agency, |dice| dice.one_in(LOOKS_PER_QUESTION)) {
            let query = v1::screen_request::Query::Name(self.stage.dice(self.agency, |dice| {
                let author = dice.of(&["a", "b", "c"]);
                subject(author, dice.between(0, 20))
            }));
            let answer =
                clients.screening.screen(v1::ScreenRequest { query: Some(query) }).await?.into_inner();
            trace::note(&format!("{} finds {}", self.agency.id, answer.hits.len()));
            for head in &answer.as_of {
                self.stage.claims.borrow_mut().answers(self.agency.id, head);
            }
        }
        Ok(())
    }

    /// Has some listings appended, or one amended.
    async fn append(&self, admin: &mut AdminServiceClient<Guarded<Channel>>) -> Result<(), Failed> {
        let amended = self.stage.dice(self.agency, |dice| dice.one_in(4));
        let own = if amended { self.list(admin, &self.agency.origin()).await? } else { Vec::new() };
        let changes = if own.is_empty() { self.listings() } else { vec![self.amendment(&own)] };
        let count = u64::try_from(changes.len())?;
        let header = AppendHeader::new(count, HandlingChoice::OfficialList).ok_or("no changes")?;
        let steps = std::iter::once(v1::AppendRequest::from(header)).chain(AppendStep::pack(&changes));
        let steps: Vec<_> = steps.collect();
        let appended = admin.append(tokio_stream::iter(steps)).await?.into_inner();
        let size = appended.last + 1;
        trace::note(&format!("{} appended {count} up to {size}", self.agency.id));
        trace::count("appends");
        let mut claims = self.stage.claims.borrow_mut();
        claims.acknowledges(self.agency.id, size);
        claims.shows(self.agency.id, &appended.head.ok_or("no head")?);
        Ok(())
    }

    fn listings(&self) -> Vec<DraftChange> {
        let count = self.stage.dice(self.agency, |dice| match dice.between(0, 19) {
            // More than a frame holds.
            0 => dice.between(200, 400),
            1..=4 => dice.between(10, 60),
            _ => dice.between(1, 5),
        });
        let mut made = Vec::new();
        for _ in 0..count {
            let (number, handle) = self.stage.new_listing(self.agency);
            let op = Op::List { record: record(self.agency, number) };
            made.push(draft(None, Change { handle, op }));
        }
        made
    }

    fn amendment(&self, own: &[v1::CurrentRecord]) -> DraftChange {
        let at = self.stage.dice(self.agency, |dice| dice.draw());
        let chosen = &own[usize::try_from(at).unwrap() % own.len()];
        let handle = Handle::new(chosen.handle.as_ref().try_into().unwrap());
        let prev = EntryRef::new(chosen.newest_leaf.as_ref().try_into().unwrap());
        let number = self.stage.number_of(self.agency, handle);
        let op = Op::Amend { prev, paths: Vec::new(), record: record(self.agency, number) };
        draft(Some(EntryIndex::new(chosen.newest_index).unwrap()), Change { handle, op })
    }

    /// Lists all that is held of all logs, for comparison.
    async fn list_all(&self, admin: &mut AdminServiceClient<Guarded<Channel>>) -> Result<(), Failed> {
        let peers = self.agency.peers.iter().map(|peer| format!("{}/pub", peer.agency));
        for origin in peers.chain([self.agency.origin()]) {
            let records = self.list(admin, &origin).await?;
            trace::note(&format!("{} lists {} records of {origin}", self.agency.id, records.len()));
            self.stage.claims.borrow_mut().lists(self.agency.id, origin, records);
        }
        Ok(())
    }

    async fn list(
        &self,
        admin: &mut AdminServiceClient<Guarded<Channel>>,
        origin: &str,
    ) -> Result<Vec<v1::CurrentRecord>, Failed> {
        let request = v1::ListRecordsRequest { list: LIST.to_owned(), origin: origin.to_owned() };
        let mut stream = admin.list_records(request).await?.into_inner();
        let mut records = Vec::new();
        while let Some(message) = stream.message().await? {
            records.extend(message.records);
        }
        Ok(records)
    }
}

fn subject(author: &str, number: u64) -> String {
    format!("Velloran Tomas {author}{number}")
}

fn record(agency: &Agency, number: u64) -> Box<Record> {
    let author = agency.host.trim_start_matches("host-");
    let key = RecordKey::new(ListId::parse(LIST).unwrap(), Reference::parse(&number.to_string()).unwrap());
    let mut record = Record::new(key, SubjectKind::Person);
    record.names.push(Name::new(NameKind::Primary, Text::new(subject(author, number)).unwrap()));
    Box::new(record)
}

fn draft(about: Option<EntryIndex>, change: Change) -> DraftChange {
    DraftChange::new(about, change.encode().unwrap()).unwrap()
}
