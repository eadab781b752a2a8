//! `--timing`: the slowest shards, and how much shards differ.

use std::fmt::Write as _;
use std::time::Duration;

use crate::exec::fanout::ShardStats;
use crate::sharding::shard::Shard;
use crate::text::humanize::ThousandsSeparated;
use crate::text::width::line_width;

const SLOWEST: usize = 5;

/// A table of the slowest shards and a line of percentiles.
pub fn describe(answers: &[(Shard, ShardStats)]) -> String {
    let mut slowest = answers.to_vec();
    slowest.sort_by_key(|(_, answer)| std::cmp::Reverse(answer.took));
    let Some((_, longest)) = slowest.first() else {
        return "no shard answered".to_owned();
    };
    let at = |share: usize| slowest[(slowest.len() - 1) * (100 - share) / 100].1.took;
    let mut rows = vec![["shard", "ms", "rows"].map(str::to_owned)];
    for (shard, answer) in slowest.iter().take(SLOWEST) {
        rows.push([
            shard.to_string(),
            milliseconds(answer.took),
            ThousandsSeparated(answer.rows).to_string(),
        ]);
    }
    format!(
        "{}per shard: median {} ms, p95 {} ms, max {} ms",
        aligned(&rows),
        milliseconds(at(50)),
        milliseconds(at(95)),
        milliseconds(longest.took),
    )
}

/// A table as psql prints it, with its header in the first row, and numbers in all columns but the
/// first.
fn aligned(rows: &[[String; 3]]) -> String {
    let width = |column: usize| rows.iter().map(|row| line_width(&row[column])).max();
    let [name, ms, count] = [0, 1, 2].map(|column| width(column).unwrap_or_default());
    let mut text = String::new();
    for (i, [shard, took, answered]) in rows.iter().enumerate() {
        // `{:width$}` counts characters, not columns.
        let gap = " ".repeat(name - line_width(shard));
        // Writing to a String cannot fail.
        let _ = writeln!(text, " {shard}{gap} | {took:>ms$} | {answered:>count$} ");
        if i == 0 {
            let rule = [name, ms, count].map(|width| "-".repeat(width + 2));
            let _ = writeln!(text, "{}", rule.join("+"));
        }
    }
    text
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
        let table = [
            " shard   |   ms |  rows ",
            "---------+------+-------",
            " shard_9 | 9.00 | 1,000 ",
        ];
        assert!(text.starts_with(&table.join("\n")), "{text}");
        assert!(!text.contains("shard_4 "), "{text}");
        assert!(
            text.ends_with("per shard: median 5.00 ms, p95 9.00 ms, max 9.00 ms"),
            "{text}"
        );
    }
}
