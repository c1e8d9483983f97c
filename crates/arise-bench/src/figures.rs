//! Times and what they come to.

use std::time::Duration;

/// Times of many requests.
#[derive(Debug, Default, Clone)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The time that `percent` of the requests stayed within, in milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let at = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(at).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    }

    pub(crate) fn longest(&self) -> f64 {
        self.0.last().map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    }
}

/// One bar: what was measured, what it must be, and whether it is.
pub(crate) struct Bar {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) bar: String,
    pub(crate) met: bool,
}

/// Prints the bars and answers whether all are met.
pub(crate) fn print(bars: &[Bar]) -> bool {
    println!();
    for bar in bars {
        let mark = if bar.met { "met   " } else { "MISSED" };
        println!("{mark}  {:<66} {:>14}   (bar {})", bar.what, bar.measured, bar.bar);
    }
    bars.iter().all(|bar| bar.met)
}
