//! What the demo imports and verifies: the lists given, or made-up ones, and the bundles made of them.
//!
//! Not here: homes and nodes (`stage`).

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::args::Demo;
use crate::stage::{Stage, text};

/// Lists about invented people, companies, ships and goods, in the official formats.
const MADE_UP: [(&str, &[u8]); 5] = [
    ("ofac-sdn.csv", include_bytes!("lists/ofac-sdn.csv")),
    ("ofac-alt.csv", include_bytes!("lists/ofac-alt.csv")),
    ("ofac-add.csv", include_bytes!("lists/ofac-add.csv")),
    ("ofac-comments.csv", include_bytes!("lists/ofac-comments.csv")),
    ("un.xml", UN),
];
const UN: &[u8] = include_bytes!("lists/un.xml");

/// The agencies of the demo, by the name of their homes.
pub(super) const AGENCIES: [(&str, &str); 3] =
    [("a", "agency-a.example"), ("b", "agency-b.example"), ("c", "agency-c.example")];

/// The log that is followed.
pub(super) const ORIGIN: &str = "agency-a.example/pub";

/// The lists to import.
pub(super) struct Lists {
    pub(super) ofac: Vec<PathBuf>,
    pub(super) un: Option<PathBuf>,
    made_up: bool,
    /// How long after the import was acknowledged C found what had been entered last.
    pub(super) seen_after: Option<Duration>,
}

impl Lists {
    /// The lists given; if there are none, the made-up ones, written to the stage.
    pub(super) fn choose(arguments: &Demo, stage: &Stage) -> Result<Self, String> {
        let made_up = arguments.ofac.is_empty() && arguments.un.is_none();
        let (mut ofac, mut un) = (arguments.ofac.clone(), arguments.un.clone());
        if made_up {
            for (name, bytes) in MADE_UP {
                let path = stage.path(name);
                std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
                if name.starts_with("ofac") { ofac.push(path) } else { un = Some(path) }
            }
        }
        Ok(Self { ofac, un, made_up, seen_after: None })
    }

    pub(super) fn title(&self, stage: &Stage) -> String {
        let lists = if self.made_up { "made-up lists" } else { "the lists given" };
        format!("comity demo: three agencies with {lists}, in {}", stage.folder().display())
    }

    /// Enters the lists; gives the answers of the imports.
    pub(super) fn enter(&self, stage: &Stage, home: &str) -> Result<Vec<Value>, String> {
        let home = stage.path(home);
        let mut imports = Vec::new();
        if !self.ofac.is_empty() {
            imports.push(import(stage, "ofac", &self.ofac, &home)?);
        }
        if let Some(un) = &self.un {
            imports.push(import(stage, "un", std::slice::from_ref(un), &home)?);
        }
        Ok(imports)
    }
}

/// A small made-up list, whatever lists were given.
pub(super) fn small(stage: &Stage) -> Result<PathBuf, String> {
    let path = stage.path("small.xml");
    std::fs::write(&path, UN).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// The small list as it came out on three days, each with more on it.
pub(super) fn three_days(stage: &Stage) -> Result<[PathBuf; 3], String> {
    let list = std::str::from_utf8(UN).map_err(|error| error.to_string())?;
    let day = |more: u32| {
        let path = stage.path(&format!("day-{more}.xml"));
        let added: String = (1..=more).map(invented).collect();
        let text = list.replacen("</INDIVIDUALS>", &format!("{added}</INDIVIDUALS>"), 1);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok::<_, String>(path)
    };
    Ok([day(0)?, day(40)?, day(41)?])
}

/// A person of whom nothing is known but the name.
fn invented(number: u32) -> String {
    format!(
        "<INDIVIDUAL><DATAID>71{number:05}</DATAID><VERSIONNUM>1</VERSIONNUM>\
         <FIRST_NAME>INVENTED</FIRST_NAME><SECOND_NAME>NUMBER-{number}</SECOND_NAME>\
         <UN_LIST_TYPE>Mirage</UN_LIST_TYPE><REFERENCE_NUMBER>MRi.9{number:02}</REFERENCE_NUMBER>\
         <LISTED_ON>2024-02-01</LISTED_ON><LIST_TYPE><VALUE>UN List</VALUE></LIST_TYPE></INDIVIDUAL>\n"
    )
}

pub(super) fn import(stage: &Stage, format: &str, files: &[PathBuf], home: &Path) -> Result<Value, String> {
    let mut arguments = vec!["import", format];
    for file in files {
        arguments.push(text(file)?);
    }
    arguments.extend(["--home", text(home)?]);
    stage.comity(&arguments)
}

pub(super) fn verify(stage: &Stage, bundle: &Path, keys: &[PathBuf]) -> Result<Value, String> {
    let mut arguments = vec!["bundle", "verify", text(bundle)?];
    for keys in keys {
        arguments.extend(["--keys", text(keys)?]);
    }
    stage.comity(&arguments)
}

/// Whether a report found everything in order.
pub(super) fn is_ok(report: &Value) -> bool {
    report.get("ok").and_then(Value::as_bool) == Some(true)
}
