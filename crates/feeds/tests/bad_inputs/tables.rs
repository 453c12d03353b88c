//! Ways in which a table is bent, and those in which any publication is.

use crate::Verdict::{LeftOut, Refused, Taken};
use crate::{Case, Form, Verdict};

/// The bent tables of a form.
pub(crate) fn cases(form: &Form) -> Vec<Case> {
    let mut cases = of_any_form(form);
    let mut add = |way: &str, verdict: Verdict, bytes: Vec<u8>| {
        cases.push(Case { way: way.to_owned(), bytes, verdict });
    };
    let lines: Vec<&str> = form.good.lines().collect();
    let with = |rows: &[&str]| [rows.join("\n").as_bytes(), b"\n"].concat();
    let mut last_first = lines.clone();
    last_first.reverse();

    add("a quote that does not end, in its first row", Refused(""), format!("\"{}", form.good).into_bytes());
    add("a quote that does not end, in its last row", LeftOut("row"), [&with(&lines)[..], b"\"x\n"].concat());
    add(
        "no line end at its end",
        Refused("cut off"),
        form.good.trim_end_matches(|c: char| c.is_whitespace() || c == '\u{1a}').as_bytes().to_vec(),
    );
    add("a row of one column more", LeftOut("columns"), [&with(&lines)[..], b"x,y\n"].concat());
    add("a row of a hundred thousand columns", LeftOut("columns"), {
        [&with(&lines)[..], ",".repeat(100_000).as_bytes(), b"\n"].concat()
    });
    add("a million empty lines", Taken, [&with(&lines)[..], "\n".repeat(1_000_000).as_bytes()].concat());
    add("rows from the last to the first", Refused(""), with(&last_first));
    add(
        "a document in its place",
        Refused("list "),
        b"<?xml version=\"1.0\"?>\n<list><x/></list>\n".to_vec(),
    );
    add(
        "columns parted by what parts nothing",
        Refused(""),
        form.good.replace([',', ';', '\t'], "|").into_bytes(),
    );
    add("its first line alone", Refused(""), with(lines.get(..1).unwrap()));
    add("a control character in a name", LeftOut("control character"), form.named("A\u{1}B"));
    add("a name of a MiB", LeftOut("longer than"), form.named(&"A".repeat(1 << 20)));
    add("a name that a spreadsheet obeys", Taken, form.named("=1+1"));
    add("a NUL in a name", LeftOut("control character"), form.named("A\0B"));
    cases
}

/// What any publication is bent to.
pub(crate) fn of_any_form(form: &Form) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |way: &str, verdict: Verdict, bytes: Vec<u8>| {
        cases.push(Case { way: way.to_owned(), bytes, verdict });
    };
    let good = form.good.as_bytes();
    let units = |to_bytes: fn(u16) -> [u8; 2]| {
        "\u{feff}".encode_utf16().chain(form.good.encode_utf16()).flat_map(to_bytes).collect::<Vec<u8>>()
    };
    add("nothing", Refused("empty"), Vec::new());
    add("white space", Refused("empty"), b" \r\n\t \n".to_vec());
    add("a web page", Refused("web page"), b"<!DOCTYPE html>\n<html><body>503</body></html>\n".to_vec());
    add("a web page in capitals", Refused("web page"), b"<HTML><BODY>503</BODY></HTML>\n".to_vec());
    add("a web page behind empty lines", Refused("web page"), b"\n\n  <html>\n<p>503</p></html>\n".to_vec());
    add("an answer as JSON", Refused(""), b"{\"error\":\"not found\"}\n".to_vec());
    add("JSON of a million levels", Refused(""), b"[".repeat(1_000_000));
    add("NULs", Refused(""), vec![0; 4_096]);
    add("bytes of no meaning", Refused(""), noise(100_000));
    add("UTF-16, the low byte first", Refused(""), units(u16::to_le_bytes));
    add("UTF-16, the high byte first", Refused(""), units(u16::to_be_bytes));
    add("the half of it", Refused(""), good.get(..good.len() / 2).unwrap().to_vec());
    add("a mark of the order of bytes before it", Taken, {
        ["\u{feff}".as_bytes(), form.good.trim_start_matches('\u{feff}').as_bytes()].concat()
    });
    add("line ends of one character", Taken, form.good.replace("\r\n", "\n").into_bytes());
    add(
        "line ends of two characters",
        Taken,
        form.good.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes(),
    );
    add(
        "a name with a thousand marks on a letter",
        Taken,
        form.named(&format!("A{}", "\u{301}".repeat(100))),
    );
    add("a name turned to the left", Taken, form.named("A\u{202e}B\u{202c}"));
    add("a name with parts that have no width", Taken, form.named("A\u{200b}\u{200d}\u{2060}B"));
    add("a name of one emoji", Taken, form.named("\u{1f9ff}"));
    add(
        "30 February",
        Taken,
        form.dated(
            &form.date.replace("19 Apr", "30 Feb").replace("04-05", "02-30").replace("05/04", "30/02"),
        ),
    );
    add("a date of words", Taken, form.dated("whenever"));
    add("the year 0", Taken, form.dated(&year(form.date, "0000")));
    add("the year 99999", Taken, form.dated(&year(form.date, "99999")));
    cases
}

/// A date with another year.
fn year(date: &str, year: &str) -> String {
    ["1962", "1963", "1893", "2020"].iter().fold(date.to_owned(), |date, old| date.replace(old, year))
}

/// Bytes that follow no rule, the same at each run.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}
