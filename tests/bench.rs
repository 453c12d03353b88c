//! Each bench measures what it says: it runs to its end, and its counts agree.

use serde_json::Value;

use crate::agency::{answer, run};

/// Runs a bench in its smallest form.
fn measure(arguments: &[&str]) -> Value {
    let mut all = vec!["bench"];
    all.extend(arguments);
    all.push("--json");
    let output = run(&all);
    let measured = answer(&output);
    assert!(output.status.success(), "{measured}");
    assert_eq!(measured["name"], arguments[0]);
    for field in ["value", "reference", "ratio"] {
        assert!(measured[field].as_f64().unwrap() > 0.0, "{field}: {measured}");
    }
    measured
}

fn figure(measured: &Value, name: &str) -> f64 {
    measured["figures"][name].as_f64().unwrap_or_else(|| panic!("{name}: {measured}"))
}

#[test]
fn replicate_brings_every_entry_and_opens_what_is_released() {
    // The first entry of a log has no sections; control entries have three, of which the audience travels too.
    for (content, sections) in [(None, 0.0), (Some("--withheld"), 0.0), (Some("--opened"), 3.0 * 299.0)] {
        let mut arguments = vec!["replicate", "--entries", "300"];
        arguments.extend(content);
        let measured = measure(&arguments);
        assert_eq!(measured["n"], 300);
        assert!((figure(&measured, "sections_opened") - sections).abs() < 0.5, "{measured}");
        for name in ["b_peak_mib", "b_disk_bytes_per_entry", "b_cold_start_ms", "hashing_entries_per_s"] {
            assert!(figure(&measured, name) > 0.0, "{name}: {measured}");
        }
    }
}

#[test]
fn append_signs_what_all_writers_hand_over() {
    // That the log has as many entries as were handed over, the bench finds out itself.
    for content in [None, Some("--opened")] {
        let mut arguments = vec!["append", "--entries", "64"];
        arguments.extend(content);
        let measured = measure(&arguments);
        for name in ["many_writers_of_1_entries_per_s", "one_writer_p50_ms", "raw_file_p50_ms", "peak_mib"] {
            assert!(figure(&measured, name) > 0.0, "{name}: {measured}");
        }
    }
}

#[test]
fn latency_sees_every_append_in_its_order_of_stations() {
    let measured = measure(&["latency", "--entries", "5"]);
    assert_eq!(measured["n"], 5);
    let p50 = |name: &str| figure(&measured, &format!("{name}_p50_ms"));
    assert!(p50("visible") <= p50("opened"), "{measured}");
    for name in ["acknowledged", "visible", "reconnect_without_news", "raw_sync", "call"] {
        assert!(p50(name) > 0.0, "{name}: {measured}");
    }
    assert!(p50("call") <= p50("reconnect_without_news"), "{measured}");
}

#[test]
fn audit_verifies_every_entry_and_every_opening() {
    for (content, sections) in [(None, 0.0), (Some("--opened"), 3.0 * 299.0)] {
        let mut arguments = vec!["audit", "--entries", "300"];
        arguments.extend(content);
        let measured = measure(&arguments);
        assert_eq!(measured["n"], 300);
        assert!((figure(&measured, "openings_opened") - sections).abs() < 0.5, "{measured}");
        assert!(
            (figure(&measured, "checkpoints") - 2.0).abs() < 0.5,
            "the first entry and the rest: {measured}"
        );
    }
}

#[test]
fn audit_proves_each_checkpoint_to_continue_the_one_before() {
    let measured = measure(&["audit", "--entries", "300", "--checkpoints", "100"]);
    for (name, count) in [("checkpoints", 100.0), ("proofs", 99.0)] {
        assert!((figure(&measured, name) - count).abs() < 0.5, "{name}: {measured}");
    }
    for name in ["signatures_ms", "history_ms", "tree_hash_ms", "history_to_tree_hash"] {
        assert!(figure(&measured, name) > 0.0, "{name}: {measured}");
    }
    for refused in [
        &["append", "--entries", "2", "--checkpoints", "2"][..],
        &["audit", "--entries", "2", "--checkpoints", "3"],
    ] {
        let output = run(&[&["bench"], refused, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(answer(&output)["error"]["code"], "usage");
    }
}

#[test]
fn fanout_follows_the_whole_log_ten_times() {
    // Enough frames that the slow one cannot be done before the others, which the bench refuses.
    let measured = measure(&["fanout", "--entries", "3000"]);
    assert_eq!(measured["n"], 3_000);
    for name in ["others_beside_slow_entries_per_s", "a_peak_with_slow_mib", "a_cpu_us_per_entry_sent"] {
        assert!(figure(&measured, name) > 0.0, "{name}: {measured}");
    }
    assert!(
        figure(&measured, "a_peak_with_1_mib") <= figure(&measured, "a_peak_with_slow_mib"),
        "{measured}"
    );
}

#[test]
fn gossip_compares_fifty_logs_without_news_in_few_bytes() {
    let measured = measure(&["gossip", "--entries", "20"]);
    assert_eq!(measured["n"], 20);
    let bytes = figure(&measured, "request_bytes") + figure(&measured, "answer_bytes");
    assert!(bytes < 4_096.0, "{measured}");
    for name in ["sync_p50_ms", "sync_p99_ms", "call_p50_ms", "call_p99_ms"] {
        assert!(figure(&measured, name) > 0.0, "{name}: {measured}");
    }
}

#[test]
fn parse_reads_each_record_of_both_forms() {
    let measured = measure(&["parse", "--entries", "4000"]);
    assert_eq!(measured["n"], 8_000);
    for name in ["csv_mb_per_s", "xml_mb_per_s", "csv_records_per_s", "xml_records_per_s"] {
        assert!(figure(&measured, name) > 0.0, "{name}: {measured}");
    }
    // Sixteen times the file takes less memory more than a file has bytes: neither it nor its records are held.
    for form in ["csv", "xml"] {
        let peak = |size: &str| figure(&measured, &format!("{form}_peak_{size}mib"));
        let grown = peak("") - peak("sixteenth_");
        assert!(grown < 1.0 + figure(&measured, &format!("{form}_mb")), "{form}: {measured}");
    }
}

#[test]
fn entries_cannot_be_chosen_where_the_bench_has_its_own() {
    let output = run(&["bench", "latency", "--entries", "2", "--opened", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(answer(&output)["error"]["code"], "usage");
}

#[test]
fn a_bench_fits_one_screen() {
    let output = run(&["bench", "replicate", "--entries", "2"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().count() <= 24, "one screen:\n{text}");
}
