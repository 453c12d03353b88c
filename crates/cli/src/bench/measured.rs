//! Figures on their way out: the one that a bench is about, its reference, and those beside it.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::answer::Answer;

/// Decimal places kept of a figure.
const PLACES: f64 = 10_000.0;

/// What a bench found.
pub(super) struct Measured {
    /// The bench.
    pub(super) name: &'static str,
    /// What was measured, in words.
    pub(super) what: String,
    /// How many entries or acts.
    pub(super) n: u64,
    /// The figure that it is about.
    pub(super) value: f64,
    /// Its unit, and that of the reference.
    pub(super) unit: &'static str,
    /// What the reference is, in words.
    pub(super) reference_is: &'static str,
    /// The reference of the same run.
    pub(super) reference: f64,
    /// The figures beside it; a name ends in its unit.
    pub(super) figures: Figures,
}

/// Named figures, in the order in which they are shown.
#[derive(Default)]
pub(super) struct Figures(Vec<(&'static str, f64)>);

impl Figures {
    pub(super) fn add(&mut self, name: &'static str, value: f64) {
        self.0.push((name, value));
    }

    /// Two percentiles of times, in ms.
    pub(super) fn add_times(&mut self, names: [&'static str; 2], times: &mut [Duration]) {
        for (name, percent) in names.into_iter().zip([50, 99]) {
            self.add(name, percentile_ms(times, percent));
        }
    }
}

impl Measured {
    pub(super) fn answer(self, load: f64) -> Answer {
        let mut text =
            format!("comity bench {}: {}\n{:<36} {:>14.2}\n", self.name, self.what, "load before", load);
        let mut figures = Map::new();
        figures.insert("load".to_owned(), json!(rounded(load)));
        let mut line = |name: &str, value: f64, unit: &str| {
            let _ = writeln!(text, "{:<36} {:>14} {unit}", name.replace('_', " "), shown(value));
        };
        line(self.name, self.value, self.unit);
        line(self.reference_is, self.reference, self.unit);
        let ratio = if self.reference > 0.0 { self.value / self.reference } else { 0.0 };
        line("ratio", ratio, "");
        for (name, value) in self.figures.0 {
            line(name, value, "");
            figures.insert(name.to_owned(), json!(rounded(value)));
        }
        let json = json!({
            "name": self.name,
            "what": self.what,
            "n": self.n,
            "value": rounded(self.value),
            "unit": self.unit,
            "reference": rounded(self.reference),
            "reference_is": self.reference_is,
            "ratio": rounded(ratio),
            "figures": Value::Object(figures),
        });
        Answer::new(text, json)
    }
}

/// A count as a figure; beyond 2^53 with the nearest that there is.
pub(super) fn float(count: u64) -> f64 {
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

pub(super) fn rate(count: u64, time: Duration) -> f64 {
    let secs = time.as_secs_f64();
    if secs > 0.0 { float(count) / secs } else { 0.0 }
}

pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

pub(super) fn mib(bytes: u64) -> f64 {
    float(bytes) / 1_048_576.0
}

/// The time below which that many of a hundred lie, in ms.
pub(super) fn percentile_ms(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let place = (times.len().saturating_mul(percent) / 100).min(times.len().saturating_sub(1));
    times.get(place).copied().map_or(0.0, millis)
}

fn rounded(value: f64) -> f64 {
    (value * PLACES).round() / PLACES
}

fn shown(value: f64) -> String {
    if value.abs() < 1_000.0 {
        return format!("{value:.3}");
    }
    let whole = format!("{value:.0}");
    let mut grouped = String::with_capacity(whole.len() + whole.len() / 3);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_become_figures_whole() {
        for count in [0, 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 53) - 1] {
            assert_eq!(format!("{:.0}", float(count)), count.to_string());
        }
    }

    #[test]
    fn percentiles_are_taken_from_the_sorted_times() {
        let mut times: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert!((percentile_ms(&mut times, 50) - 51.0).abs() < 1e-9);
        assert!((percentile_ms(&mut times, 99) - 100.0).abs() < 1e-9);
        assert!(percentile_ms(&mut [], 50).abs() < 1e-9);
    }

    #[test]
    fn large_figures_are_shown_in_groups() {
        assert_eq!([shown(1_234_567.2), shown(999.5), shown(12_345.0)], ["1 234 567", "999.500", "12 345"]);
    }
}
