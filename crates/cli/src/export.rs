//! `comity export`: the listings of a log in a format that others read.
//!
//! Not here: the formats (`feeds`), what may be copied (`node`), and a log as tiles (`log`).

use comity_feeds::out::OutFormat;
use comity_node::NodeError;
use comity_watchlist::ListId;
use serde_json::json;

use crate::answer::{Answer, Refusal};
use crate::args::{Export, OutFormatName};
use crate::editions::{old_json, old_text};
use crate::interruption::{Heard, Interruption};
use crate::out_file::OutFile;
use crate::out_folder::OutFolder;
use crate::source::{Exported, Source};

pub(crate) fn run(arguments: &Export) -> Result<Answer, Refusal> {
    let list = arguments.list.as_deref().map(ListId::parse).transpose();
    let list = list.map_err(|_| Refusal::new("name", "--list is no name of a list; one is us-ofac-sdn"))?;
    let mut source = Source::find(&arguments.of.home)?;
    let origin = match &arguments.origin {
        None => source.home().origin(),
        Some(text) => text.parse().map_err(NodeError::Name)?,
    };
    let format = match arguments.format {
        OutFormatName::Stix => OutFormat::Stix,
        OutFormatName::Ftm => OutFormat::Ftm,
        OutFormatName::Csv => OutFormat::Csv,
        OutFormatName::Misp => OutFormat::Misp,
    };
    let interruption = Interruption::listen()?;
    let mut place = Place::begin(arguments, format, interruption.heard())?;
    let mut bytes = 0_u64;
    let exported = source.export_records(&origin, list.as_ref(), format, &mut |path, content| {
        bytes = bytes.saturating_add(u64::try_from(content.len()).unwrap_or(u64::MAX));
        place.take(path, content)
    });
    // What is written against an older edition goes out as it is, and whoever sends it hears so.
    let old = |source: &mut Source| match &origin {
        origin if *origin == source.home().origin() => source.status().map(|(status, _)| status.old_codes),
        _ => Ok(Vec::new()),
    };
    let exported = exported.and_then(|exported| Ok((exported, old(&mut source)?, place.finish()?)));
    interruption.ends(exported.map(|(Exported { head, records, left_out }, old, files)| {
        let (list, root) = (list.as_ref().map(ListId::as_str), head.root.to_base64());
        let mut text = format!(
            "{origin}  size {}: {records} records written as {} to {}, {left_out} left out",
            head.size,
            format.word(),
            arguments.out.display()
        );
        let json = json!({
            "format": format.word(), "origin": origin.as_str(), "list": list, "size": head.size.value(),
            "old_codes": old.iter().map(old_json).collect::<Vec<_>>(), "root": root, "records": records, "left_out": left_out, "files": files, "bytes": bytes,
        });
        for old in &old {
            text.push('\n');
            text.push_str(&old_text(old));
        }
        Answer::new(text, json)
    }))
}

/// Where it is written.
enum Place {
    File(OutFile),
    Folder(OutFolder),
}

impl Place {
    fn begin(arguments: &Export, format: OutFormat, heard: Heard) -> Result<Self, Refusal> {
        let (home, out) = (&arguments.of.home, &arguments.out);
        if format.is_folder() {
            OutFolder::begin(home, out, heard).map(Self::Folder)
        } else {
            OutFile::begin(home, out, heard).map(Self::File)
        }
    }

    fn take(&mut self, path: &str, bytes: &[u8]) -> Result<(), NodeError> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Folder(folder) => folder.file(path, bytes),
        }
    }

    /// Moves it into its place; how many files it has.
    fn finish(self) -> Result<u64, NodeError> {
        match self {
            Self::File(file) => file.finish().map(|()| 1),
            Self::Folder(folder) => {
                let files = folder.count();
                folder.finish().map(|()| files)
            }
        }
    }
}
