//! `--timing`: the slowest shards, and how much shards differ.

use std::time::Duration;

use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Style};

use crate::exec::fanout::ShardStats;
use crate::sharding::shard::Shard;
use crate::text::humanize::ThousandsSeparated;

const SLOWEST: usize = 5;

/// A table of the slowest shards and a line of percentiles.
pub fn describe(answers: &[(Shard, ShardStats)]) -> String {
    let mut slowest = answers.to_vec();
    slowest.sort_by_key(|(_, answer)| std::cmp::Reverse(answer.took));
    let Some((_, longest)) = slowest.first() else {
        return "no shard answered".to_owned();
    };
    let at = |share: usize| slowest[(slowest.len() - 1) * (100 - share) / 100].1.took;
    let mut table = Builder::new();
    table.push_record(["shard", "ms", "rows"]);
    for (shard, answer) in slowest.iter().take(SLOWEST) {
        table.push_record([
            shard.to_string(),
            milliseconds(answer.took),
            ThousandsSeparated(answer.rows).to_string(),
        ]);
    }
    let mut table = table.build();
    table
        .with(Style::psql())
        .modify(Columns::new(1..), Alignment::right());
    format!(
        "{table}\nper shard: median {} ms, p95 {} ms, max {} ms",
        milliseconds(at(50)),
        milliseconds(at(95)),
        milliseconds(longest.took),
    )
}

fn milliseconds(took: Duration) -> String {
    format!("{:.2}", took.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_come_first() {
        let answers: Vec<_> = (0..10u32)
            .map(|n| {
                let took = Duration::from_millis(u64::from(n));
                (Shard::new(n), ShardStats { rows: 1000, took })
            })
            .collect();
        let text = describe(&answers);
        assert!(text.contains("shard_9 | 9.00 | 1,000"), "{text}");
        assert!(!text.contains("shard_4 "), "{text}");
        assert!(
            text.ends_with("per shard: median 5.00 ms, p95 9.00 ms, max 9.00 ms"),
            "{text}"
        );
    }
}
