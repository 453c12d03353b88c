//! `comity watch`: the alarms of the running node, one line each, until the node ends.

use comity_wire::v1;
use serde_json::json;

use crate::answer::{Answer, Refusal};
use crate::args::Watch;
use crate::source::Source;
use crate::status::alarm_json;

pub(crate) fn run(arguments: &Watch) -> Result<Answer, Refusal> {
    let Source::Remote(mut node) = Source::find(&arguments.of.home)? else {
        return Err(Refusal::new(
            "not_running",
            "no node runs here; `comity status` tells how the home stands",
        ));
    };
    let as_json = arguments.of.json;
    if !as_json {
        crate::say(&mut std::io::stderr(), "alarms of the running node, if there are any, until it ends:");
    }
    node.watch(&|alarm, ended| crate::say(&mut std::io::stdout(), &line(alarm, ended, as_json)))?;
    // What there was to say was said as it came.
    Ok(Answer::new("", json!(null)))
}

fn line(alarm: &v1::Alarm, ended: bool, as_json: bool) -> String {
    if as_json {
        let mut line = alarm_json(alarm);
        if let Some(fields) = line.as_object_mut() {
            fields.insert("ended".to_owned(), json!(ended));
        }
        return line.to_string();
    }
    let word = if ended { "ended" } else { "ALARM" };
    let about: Vec<&str> = [&alarm.origin, &alarm.agency]
        .into_iter()
        .map(String::as_str)
        .filter(|name| !name.is_empty())
        .collect();
    format!("{word}  {}  {}  {}", alarm.code, about.join(" "), alarm.message)
}
