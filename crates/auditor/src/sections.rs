//! The sections of one bundle of entries: each commitment opened, withheld, erased or lost, and the changes
//! that the opened ones make.

use std::collections::BTreeMap;

use comity_ledger::{
    Disclosed, DisclosedSection, DisclosedSections, Entry, Kind, Opening, Origin, Slot, openings_path,
};
use comity_tlog::{Hash, TileCoordinate};
use comity_watchlist::{Change, Section, SectionsRead};

use crate::folder::Folder;
use crate::report::{Failure, Report};

/// Most bytes of an openings file: 256 entries of 8 sections of 64 KiB.
const OPENINGS_BYTES_MAX: u64 = 256 * 8 * (65_536 + 39);

/// The check of one openings file.
pub(crate) struct Sections<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) log: &'a str,
    pub(crate) origin: &'a Origin,
    /// The index of the first entry of the bundle.
    pub(crate) first: u64,
    /// The leaf hashes of all entries so far.
    pub(crate) leaves: &'a [Hash],
    /// Whether the agency that made the bundle is the author.
    pub(crate) is_makers: bool,
    pub(crate) report: &'a mut Report,
}

/// The entries of which sections are gone by what a bundle says.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    pub(crate) erased: Vec<u64>,
    pub(crate) lost: Vec<u64>,
}

impl Sections<'_> {
    /// Checks the file of this bundle; gives the entries of which it says that sections are gone.
    pub(crate) fn check(mut self, bundle: &TileCoordinate, entries: &[Option<Entry>]) -> Gone {
        let mut gone = Gone::default();
        self.check_lines(bundle, entries, &mut gone);
        gone.erased.dedup();
        gone.lost.dedup();
        gone
    }

    fn check_lines(&mut self, bundle: &TileCoordinate, entries: &[Option<Entry>], gone: &mut Gone) {
        let path = openings_path(bundle);
        let bytes = match self.folder.read(&format!("{}/{path}", self.log), OPENINGS_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(detail) => return self.fail(self.first, &path, "opening", detail),
        };
        let mut lines = DisclosedSections::new(&bytes);
        for ((entry, index), position) in entries.iter().zip(self.first..).zip(0..=u8::MAX) {
            let Some(entry) = entry else { return };
            let mut opened = BTreeMap::new();
            for (slot, _) in entry.commitments() {
                match lines.next() {
                    Some(Ok(line)) if line.position == position && line.slot == *slot => {
                        match line.disclosed {
                            Disclosed::Erased => gone.erased.push(index),
                            Disclosed::Lost => gone.lost.push(index),
                            Disclosed::Opened(_) | Disclosed::Withheld => {}
                        }
                        if let Some(opening) = self.check_line(line, entry, index, &path) {
                            opened.insert(*slot, opening);
                        }
                    }
                    Some(Err(error)) => return self.fail(index, &path, "opening", error.to_string()),
                    Some(Ok(_)) | None => {
                        let detail = format!("nothing is said of section {slot}");
                        return self.fail(index, &path, "opening", detail);
                    }
                }
            }
            if entry.kind() == Kind::Record {
                self.check_change(entry, index, &opened, &path);
            }
        }
        if lines.next().is_some() {
            let last = self.first.saturating_add(u64::try_from(entries.len()).unwrap_or(0));
            self.fail(last, &path, "opening", "lines follow that belong to no entry".to_owned());
        }
    }

    fn check_line(
        &mut self,
        line: DisclosedSection,
        entry: &Entry,
        index: u64,
        path: &str,
    ) -> Option<Opening> {
        let checks = &mut self.report.checks;
        match line.disclosed {
            Disclosed::Withheld => checks.openings_withheld += 1,
            Disclosed::Erased => checks.openings_erased += 1,
            // A restore that nobody could complete loses sections of the own log. Of another's log nobody has lost what
            // it may never have been given.
            Disclosed::Lost => {
                checks.openings_lost += 1;
                if !self.is_makers {
                    let detail =
                        format!("section {} is said to be lost by one who is not the author", line.slot);
                    self.fail(index, path, "opening", detail);
                }
            }
            Disclosed::Opened(opening) => match opening.verify(self.origin, entry, line.slot) {
                Ok(verified) => {
                    checks.openings_opened += 1;
                    return Some(verified.opening().clone());
                }
                Err(error) => self.fail(index, path, "opening", error.to_string()),
            },
        }
        None
    }

    /// The change that the core states must read, and follow the entry that the envelope names.
    fn check_change(&mut self, entry: &Entry, index: u64, opened: &BTreeMap<Slot, Opening>, path: &str) {
        if !opened.contains_key(&Slot::CORE) {
            return;
        }
        let mut read = SectionsRead::withheld();
        for (slot, opening) in opened {
            if let Some(section) = Section::from_slot(slot.number()) {
                read = read.give(section, opening.section());
            }
        }
        let decoded = match Change::decode(&read) {
            Ok(decoded) => decoded,
            Err(error) => return self.fail(index, path, "change", error.to_string()),
        };
        let about = entry
            .about()
            .and_then(|about| usize::try_from(about.value()).ok().and_then(|about| self.leaves.get(about)));
        let named = decoded.change.op.prev().map(|prev| Hash::from_bytes(*prev.as_bytes()));
        if about.copied() == named {
            self.report.checks.changes += 1;
        } else {
            let detail = "the entry that it is about is not the one that its change follows".to_owned();
            self.fail(index, path, "change", detail);
        }
    }

    fn fail(&mut self, index: u64, path: &str, check: &'static str, detail: String) {
        let origin = Some(self.origin.to_string());
        let path = format!("{}/{path}", self.log);
        self.report.fail(Failure { check, origin, index: Some(index), path, detail });
    }
}
