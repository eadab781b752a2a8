//! Numbers, durations and sizes for people. Scripts get the plain values.

use std::fmt;
use std::time::Duration;

/// `1,234,567`
#[derive(Debug, Clone, Copy)]
pub struct ThousandsSeparated(pub u64);

impl fmt::Display for ThousandsSeparated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// `21 ms`, `12.3 s`, `4 min 05 s`
#[derive(Debug, Clone, Copy)]
pub struct HumanDuration(pub Duration);

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if seconds >= 60 {
            write!(f, "{} min {:02} s", seconds / 60, seconds % 60)
        } else if seconds >= 10 {
            write!(f, "{:.1} s", self.0.as_secs_f64())
        } else {
            write!(f, "{} ms", self.0.as_millis())
        }
    }
}

/// As a flag takes it: `500ms`, `5s`, `1m30s`, `24h`
#[derive(Debug, Clone, Copy)]
pub struct Interval(pub Duration);

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, milliseconds) = (self.0.as_secs(), self.0.subsec_millis());
        let parts = [
            (seconds / 3600, "h"),
            (seconds / 60 % 60, "m"),
            (seconds % 60, "s"),
            (milliseconds.into(), "ms"),
        ];
        for (value, unit) in parts.into_iter().filter(|(value, _)| *value > 0) {
            write!(f, "{value}{unit}")?;
        }
        if seconds == 0 && milliseconds == 0 {
            f.write_str("0")?;
        }
        Ok(())
    }
}

/// `1 row`, `1,234 rows`
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", ThousandsSeparated(count as u64))
}

/// `512 B`, `56.7 MB`
#[derive(Debug, Clone, Copy)]
pub struct Bytes(pub u64);

impl Bytes {
    pub fn of(bytes: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and far from 2^64"
        )]
        Self(bytes as u64)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
        if self.0 < 1000 {
            return write!(f, "{} B", self.0);
        }
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let mut value = self.0 as f64 / 1000.0;
        let mut unit = 0;
        while value >= 999.95 && unit + 1 < UNITS.len() {
            value /= 1000.0;
            unit += 1;
        }
        write!(f, "{value:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!(ThousandsSeparated(0).to_string(), "0");
        assert_eq!(ThousandsSeparated(1_234_567).to_string(), "1,234,567");
        assert_eq!(
            HumanDuration(Duration::from_millis(12_345)).to_string(),
            "12.3 s"
        );
        assert_eq!(
            HumanDuration(Duration::from_secs(245)).to_string(),
            "4 min 05 s"
        );
    }

    #[test]
    fn intervals_are_written_as_flags_take_them() {
        let of = |milliseconds| Interval(Duration::from_millis(milliseconds)).to_string();
        assert_eq!(
            [0, 500, 1000, 1500, 90_000, 86_400_000].map(of),
            ["0", "500ms", "1s", "1s500ms", "1m30s", "24h"]
        );
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(1_408, "table"), "1,408 tables");
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(Bytes(999).to_string(), "999 B");
        assert_eq!(Bytes(93_400_000).to_string(), "93.4 MB");
        assert_eq!(Bytes(999_999_999).to_string(), "1.0 GB");
    }
}
