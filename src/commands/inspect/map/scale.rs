//! Values to shades, on a logarithmic scale. Pure.

/// From the lowest to the highest value that has a shade of its own.
///
/// Logarithmic, because sizes of shards differ by powers of ten: on a linear scale only the largest
/// would be seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogScale {
    low: f64,
    high: f64,
}

/// How far the scale reaches from the median, at least: among equal shards, chance makes none hot.
const REACH: f64 = 4.0;

impl LogScale {
    /// `None` if no value is above zero.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.into_iter().filter(|value| *value > 0.0).collect();
        values.sort_unstable_by(f64::total_cmp);
        let median = *values.get(values.len() / 2)?;
        Some(Self {
            low: values.first()?.min(median / REACH),
            high: values.last()?.max(median * REACH),
        })
    }

    /// Where a value is between the lowest (0) and the highest (1).
    pub fn position(self, value: f64) -> f64 {
        ((value / self.low).ln() / (self.high / self.low).ln()).clamp(0.0, 1.0)
    }

    /// The value at a position.
    pub fn value(self, position: f64) -> f64 {
        self.low * (self.high / self.low).powf(position)
    }
}

/// Which of so many equal steps a position is in.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "steps are few, positions from 0 to 1"
)]
pub fn step(position: f64, steps: usize) -> usize {
    ((position * steps as f64) as usize).min(steps - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hot_shard_is_seen_and_so_are_the_others() {
        let values = [0.0, 1e3, 3e4, 1e6, 1e9];
        let scale = LogScale::of(values).unwrap();
        let steps = values.map(|value| step(scale.position(value), 9));
        assert_eq!(steps, [0, 0, 2, 4, 8]);
    }

    #[test]
    fn equal_shards_are_all_in_the_middle() {
        let scale = LogScale::of([900.0, 1_000.0, 1_100.0]).unwrap();
        for value in [900.0, 1_000.0, 1_100.0] {
            assert_eq!(step(scale.position(value), 9), 4, "{value}");
        }
    }

    #[test]
    fn the_ends_of_the_scale_are_values() {
        let scale = LogScale::of([0.01, 0.01, 100.0]).unwrap();
        assert!((scale.value(0.0) - 0.0025).abs() < 1e-6);
        assert!((scale.value(1.0) - 100.0).abs() < 1e-6);
        assert_eq!(LogScale::of([0.0, 0.0]), None);
    }
}
