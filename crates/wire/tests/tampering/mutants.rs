//! Mutants of a signed log on its way: whatever was done to the bytes or the fields, what is held afterwards is what
//! the author signed, or a part of it.
//!
//! Release numbers and absences are between two peers and signed by nobody: by what it does not send or says to be
//! absent a peer can hold openings back. It cannot give others.

use std::collections::BTreeMap;

use crate::fields::{self, Content, Field};
use crate::follower::{Client, Follower};
use crate::log::{Log, Seeded, Sent};

/// Mutants made of one message each.
const MESSAGE_MUTANTS: usize = 26_000;
/// Mutants made of the whole run of messages.
const RUN_MUTANTS: usize = 1_000;
const SEED: u64 = 20_260_101;

/// What is done to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    InsertBytes,
    DeleteBytes,
    OverwriteBytes,
    RepeatBytes,
    MoveBytes,
    Truncate,
    SpliceBytes,
    RepeatField,
    DropField,
    MoveField,
    RenumberField,
    WidenField,
    EditContent,
    ExchangeContents,
    TakeFieldOfOther,
    TakeFieldOfForeign,
}

const CHANGES: [Change; 16] = [
    Change::InsertBytes,
    Change::DeleteBytes,
    Change::OverwriteBytes,
    Change::RepeatBytes,
    Change::MoveBytes,
    Change::Truncate,
    Change::SpliceBytes,
    Change::RepeatField,
    Change::DropField,
    Change::MoveField,
    Change::RenumberField,
    Change::WidenField,
    Change::EditContent,
    Change::ExchangeContents,
    Change::TakeFieldOfOther,
    Change::TakeFieldOfForeign,
];

/// A number below `end`, or 0 if there is none.
fn below(random: &mut Seeded, end: usize) -> usize {
    let end = u64::try_from(end).unwrap().max(1);
    usize::try_from(random.number() % end).unwrap()
}

fn byte(random: &mut Seeded) -> u8 {
    random.number().to_be_bytes()[0]
}

/// The honest messages and those of others, from which pieces are taken.
struct Pieces {
    own: Vec<Sent>,
    foreign: Vec<Sent>,
    trees: Vec<Vec<Field>>,
    foreign_trees: Vec<Vec<Field>>,
}

impl Pieces {
    fn new(own: Vec<Sent>, foreign: Vec<Sent>) -> Self {
        let message = fields::follow_response();
        let parse = |sent: &Sent| {
            let tree = fields::parse(&message, &sent.bytes);
            assert!(fields::encode(&tree) == sent.bytes, "a tree is written as it was read");
            tree
        };
        let (trees, foreign_trees) = (own.iter().map(parse).collect(), foreign.iter().map(parse).collect());
        Self { own, foreign, trees, foreign_trees }
    }

    fn mutant(&self, number: usize, change: Change, random: &mut Seeded) -> Vec<u8> {
        let bytes = &self.own[number].bytes;
        if change < Change::RepeatField {
            let other = if random.number().is_multiple_of(2) { &self.own } else { &self.foreign };
            let other = &other[below(random, other.len())].bytes;
            return changed_bytes(bytes.clone(), other, change, random);
        }
        let donors = if change == Change::TakeFieldOfForeign { &self.foreign_trees } else { &self.trees };
        fields::encode(&changed_fields(self.trees[number].clone(), donors, change, random))
    }
}

fn changed_bytes(mut bytes: Vec<u8>, other: &[u8], change: Change, random: &mut Seeded) -> Vec<u8> {
    let place = below(random, bytes.len());
    let len = (1 + below(random, 40)).min(bytes.len() - place);
    let few = 1 + below(random, 8);
    match change {
        Change::InsertBytes => {
            let inserted: Vec<u8> = (0..few).map(|_| byte(random)).collect();
            bytes.splice(place..place, inserted);
        }
        Change::DeleteBytes => drop(bytes.drain(place..place + len)),
        Change::OverwriteBytes => bytes.iter_mut().skip(place).take(few).for_each(|at| *at = byte(random)),
        Change::RepeatBytes => {
            let repeated = bytes[place..place + len].to_vec();
            let to = below(random, bytes.len());
            bytes.splice(to..to, repeated);
        }
        Change::MoveBytes => {
            let moved: Vec<u8> = bytes.drain(place..place + len).collect();
            let to = below(random, bytes.len());
            bytes.splice(to..to, moved);
        }
        Change::Truncate => bytes.truncate(place),
        _ => {
            bytes.truncate(place);
            // Mostly at the same place, where the fields of two messages of one kind lie alike.
            let from = if random.number().is_multiple_of(4) { below(random, other.len()) } else { place };
            bytes.extend(other.iter().skip(from));
        }
    }
    bytes
}

fn changed_fields(
    mut tree: Vec<Field>,
    donors: &[Vec<Field>],
    change: Change,
    random: &mut Seeded,
) -> Vec<Field> {
    let places = fields::places(&tree);
    let place = places[below(random, places.len())].clone();
    let kind = fields::numbers(&tree, &place);
    let (list, position) = fields::at(&mut tree, &place);
    match change {
        Change::RepeatField => {
            let mut repeated = list[position].clone();
            if random.number().is_multiple_of(2) {
                change_content(&mut repeated.content, random);
            }
            let to = below(random, list.len() + 1);
            list.insert(to, repeated);
        }
        Change::DropField => drop(list.remove(position)),
        Change::MoveField => {
            let to = below(random, list.len());
            list.swap(position, to);
        }
        Change::RenumberField => {
            let numbers = [1, 2, 3, 4, 5, 6, 7, 15, 16, 1_000, (1 << 29) - 1];
            list[position].number = numbers[below(random, numbers.len())];
        }
        Change::WidenField => list[position].widened = 1 + below(random, 5),
        Change::EditContent => change_content(&mut list[position].content, random),
        Change::ExchangeContents => {
            let taken = list[position].content.clone();
            let alike = |other: &&Vec<usize>| fields::numbers(&tree, other) == kind && **other != place;
            let alike: Vec<Vec<usize>> = places.iter().filter(alike).cloned().collect();
            if let Some(other) = alike.get(below(random, alike.len())) {
                let (list, position) = fields::at(&mut tree, other);
                let given = std::mem::replace(&mut list[position].content, taken);
                let (list, position) = fields::at(&mut tree, &place);
                list[position].content = given;
            }
        }
        _ => {
            let donor = &donors[below(random, donors.len())];
            let alike = fields::places(donor).into_iter().filter(|from| fields::numbers(donor, from) == kind);
            let alike: Vec<Vec<usize>> = alike.collect();
            if let Some(from) = alike.get(below(random, alike.len())) {
                let mut donor = donor.clone();
                let (given, from) = fields::at(&mut donor, from);
                list[position] = given.swap_remove(from);
            }
        }
    }
    tree
}

fn change_content(content: &mut Content, random: &mut Seeded) {
    match content {
        Content::Number(value) => {
            let near = [value.wrapping_add(1), value.wrapping_sub(1), *value ^ 1 << (random.number() % 64)];
            let ends = [0, 1 << 32, u64::MAX, *value | 1 << 32];
            let all = [&near[..], &ends].concat();
            *value = all[below(random, all.len())];
        }
        Content::Bytes(bytes) => {
            let changes =
                [Change::InsertBytes, Change::DeleteBytes, Change::OverwriteBytes, Change::Truncate];
            let change = changes[below(random, changes.len())];
            if !bytes.is_empty() {
                *bytes = changed_bytes(std::mem::take(bytes), &[], change, random);
            }
        }
        Content::Message(fields) => {
            if let Some(field) = fields.first_mut() {
                change_content(&mut field.content, random);
            }
        }
    }
}

/// What became of mutants, counted for each change.
#[derive(Default)]
struct Outcomes {
    refused: BTreeMap<Change, usize>,
    equal: BTreeMap<Change, usize>,
    held_back: BTreeMap<Change, usize>,
}

fn logs() -> (Log, Vec<Sent>) {
    // The same origin under another key, another origin under another key, and another origin under the same key.
    let others = [("agency-a.example/pub", 2), ("agency-b.example/pub", 3), ("agency-b.example/pub", 1)];
    let foreign = others.into_iter().flat_map(|(origin, seed)| Log::new(origin, seed).sent());
    (Log::new("agency-a.example/pub", 1), foreign.collect())
}

/// Goal: of at least 20,000 mutants of what an author signed none is taken for something else that it signed.
/// Way: one message is changed, by bytes or by fields; all else that was held stands before it.
#[test]
fn no_mutant_of_a_message_is_taken_for_something_else() {
    let (log, foreign) = logs();
    let pieces = Pieces::new(log.sent(), foreign);
    let mut stations = vec![Follower::of(&log)];
    for sent in &pieces.own {
        let mut next = stations[stations.len() - 1].clone();
        next.take(&sent.bytes).unwrap();
        stations.push(next);
    }
    let whole = stations[stations.len() - 1].kept().clone();
    let (client, mut random, mut outcomes) = (Client::new(), Seeded(SEED), Outcomes::default());
    let mut made = 0;
    while made < MESSAGE_MUTANTS {
        let number = below(&mut random, pieces.own.len());
        let change = CHANGES[below(&mut random, CHANGES.len())];
        let mutant = pieces.mutant(number, change, &mut random);
        if mutant == pieces.own[number].bytes {
            continue;
        }
        made += 1;
        let mut follower = stations[number].clone();
        let is_taken = follower.take(&mutant).is_ok() && client.read(&mutant).is_some();
        let outcome = if !is_taken {
            &mut outcomes.refused
        } else if follower.stands_as(&stations[number + 1]) {
            &mut outcomes.equal
        } else {
            let part = follower.kept().is_part_of(&whole);
            assert!(part, "seed {SEED}, mutant {made} ({change:?} of message {number}) was taken");
            &mut outcomes.held_back
        };
        *outcome.entry(change).or_default() += 1;
    }
    let Outcomes { refused, equal, held_back } = &outcomes;
    let [refusals, equals, parts] = [refused, equal, held_back].map(|counts| counts.values().sum::<usize>());
    println!("seed {SEED}: {made} mutants: {refusals} refused, {equals} change nothing, {parts} hold back");
    println!("refused {refused:?}\nchange nothing {equal:?}\nhold back {held_back:?}");
    assert!(refusals >= 20_000 && equals > 0 && parts > 0);
    // A longer varint is the same number.
    let harmless = [Change::WidenField];
    assert!(CHANGES.iter().all(|change| refused.contains_key(change) != harmless.contains(change)));
    // What holds back: an opening left out or said to be absent, the later checkpoint for the earlier.
    let can_hold_back =
        [Change::SpliceBytes, Change::RepeatField, Change::DropField, Change::TakeFieldOfOther];
    assert!(held_back.keys().all(|change| can_hold_back.contains(change)));
}

/// Goal: nor do whole messages of the author in another order, left out, repeated, or among those of others.
/// Way: the run is changed, and taken up to the first refusal, at which a session ends.
#[test]
fn no_other_order_of_messages_and_no_foreign_message_is_taken_for_something_else() {
    let (log, foreign) = logs();
    let own = log.sent();
    let mut honest = Follower::of(&log);
    for sent in &own {
        honest.take(&sent.bytes).unwrap();
    }
    let mut random = Seeded(SEED);
    let (mut refused, mut equal, mut held_back) = (0usize, 0usize, 0usize);
    for made in 0..RUN_MUTANTS {
        let mut run: Vec<(bool, &[u8])> = own.iter().map(|sent| (true, sent.bytes.as_slice())).collect();
        let (place, other) = (below(&mut random, run.len()), below(&mut random, run.len()));
        match made % 5 {
            0 => drop(run.remove(place)),
            1 => run.swap(place, other),
            2 => run.insert(place, run[other]),
            3 => run.rotate_left(place),
            _ => run.insert(place, (false, &foreign[below(&mut random, foreign.len())].bytes)),
        }
        let mut follower = Follower::of(&log);
        let end = run.iter().find(|(_, bytes)| follower.take(bytes).is_err());
        let inserted = run.iter().find(|(is_own, _)| !is_own);
        // Whose a heartbeat is nobody can tell, and nothing of it is kept.
        let is_kept = inserted.is_some_and(|(_, bytes)| !matches!(bytes.first(), Some(0x22)));
        assert!(!is_kept || end.is_some(), "seed {SEED}, run {made}: a foreign message was taken");
        assert!(follower.kept().is_part_of(honest.kept()), "seed {SEED}, run {made}");
        if end.is_some() {
            refused += 1;
        } else if follower.stands_as(&honest) {
            equal += 1;
        } else {
            held_back += 1;
        }
    }
    println!(
        "seed {SEED}: {RUN_MUTANTS} runs: {refused} refused, {equal} change nothing, {held_back} hold back"
    );
    assert!(refused > 0 && equal > 0 && held_back > 0);
}
