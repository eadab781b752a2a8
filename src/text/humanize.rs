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
    fn sizes_read_well() {
        assert_eq!(Bytes(999).to_string(), "999 B");
        assert_eq!(Bytes(93_400_000).to_string(), "93.4 MB");
        assert_eq!(Bytes(999_999_999).to_string(), "1.0 GB");
    }
}
