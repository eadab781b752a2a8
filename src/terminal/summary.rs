//! The last line of a run: how complete the result is, and where it is from. On stderr, to keep
//! stdout for results.

use std::fmt;
use std::time::Duration;

use crate::config::Host;
use crate::sharding::missing::Missing;
use crate::sharding::selection::Origins;
use crate::text::escape::{for_stderr, one_line};
use crate::text::humanize::{HumanDuration, ThousandsSeparated};
use crate::text::width::line_width;

/// `20,001 rows · 128/128 shards · builder on db1 · one snapshot · 21 ms`
#[derive(Debug, Clone)]
pub struct Summary {
    pub extent: ResultSummary,
    pub scope: Scope,
    pub elapsed: Duration,
}

/// What a result covers: `20,001 rows · 128/128 shards · one snapshot`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultSummary {
    pub rows: u64,
    pub answered: usize,
    pub expected: usize,
    pub missing: Missing,
    /// How these shards were selected, if by origin.
    pub origins: Option<Origins>,
    pub instants: SnapshotCount,
}

/// What a run selects its shards from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub location: Location,
    /// Number of shards in the database, selected or not.
    pub shards: usize,
}

/// A database and the host that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    pub database: String,
    pub host: Option<Host>,
}

/// Number of snapshots that a result was read at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotCount {
    One,
    EachShard,
    /// One per run, for several runs.
    Runs(usize),
}

/// A summary whose location is as long as the line has room for.
#[derive(Debug, Clone)]
pub struct SummaryLine {
    pub before: Vec<String>,
    pub location: Location,
    pub after: Vec<String>,
}

const SEPARATOR: &str = " · ";

impl Summary {
    pub fn line(&self) -> SummaryLine {
        let of = (self.extent.expected < self.scope.shards).then_some(self.scope.shards);
        let mut before = self.extent.covered(of);
        let instants = before.split_off(before.len() - 1);
        let elapsed = HumanDuration(self.elapsed).to_string();
        SummaryLine {
            before,
            location: self.scope.location.clone(),
            after: instants.into_iter().chain([elapsed]).collect(),
        }
    }
}

impl ResultSummary {
    /// `of` is the number of shards that there are, if only some were selected.
    fn covered(&self, of: Option<usize>) -> Vec<String> {
        let plural = if self.rows == 1 { "row" } else { "rows" };
        let of = match (of, &self.origins) {
            (Some(of), None) => format!(" of {of}"),
            // That of an origin's shard is stated with its rule.
            _ => String::new(),
        };
        let mut parts = vec![
            format!("{} {plural}", ThousandsSeparated(self.rows)),
            format!(
                "{}/{} shards{of}{}",
                self.answered, self.expected, self.missing
            ),
        ];
        parts.extend(self.origins.as_ref().map(ToString::to_string));
        parts.push(self.instants.to_string());
        parts
    }
}

impl SummaryLine {
    /// For a terminal of so many columns: with the database and its host, the database, or neither.
    /// Complete without a terminal.
    pub fn fitted(&self, columns: Option<usize>) -> String {
        let Location { database, host } = &self.location;
        let database = one_line(database);
        let host = host.as_ref().map(|host| one_line(&host.brief()));
        let whole = host.map(|host| format!("{database} on {host}"));
        let mut locations = whole.into_iter().chain([database]).map(Some).chain([None]);
        let line = |location: Option<String>| {
            let parts = self.before.iter().chain(&location).chain(&self.after);
            let parts: Vec<_> = parts.map(|part| for_stderr(part)).collect();
            parts.join(SEPARATOR)
        };
        let fits = |line: &String| columns.is_none_or(|columns| line_width(line) <= columns);
        let fitted = locations.by_ref().map(line).find(fits);
        fitted.unwrap_or_else(|| line(None))
    }
}

impl fmt::Display for ResultSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.covered(None).join(SEPARATOR))
    }
}

impl fmt::Display for SnapshotCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One => f.write_str("one snapshot"),
            Self::EachShard => f.write_str("no common snapshot: each shard read at its own moment"),
            Self::Runs(runs) => write!(f, "{runs} runs, so no common snapshot"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConnectionFlags, Environment, Settings};
    use crate::sharding::ranges::Ranges;
    use crate::sharding::shard::Shard;

    fn summary(host: &str) -> Summary {
        let flags = ConnectionFlags {
            host: Some(host.to_owned()),
            dbname: vec!["builder".to_owned()],
            username: Some("hab".to_owned()),
            ..ConnectionFlags::default()
        };
        let settings = Settings::resolve(&flags, &Environment::default()).unwrap();
        Summary {
            extent: ResultSummary {
                rows: 20_001,
                answered: 128,
                expected: 128,
                missing: Missing::default(),
                origins: None,
                instants: SnapshotCount::One,
            },
            scope: Scope {
                location: Location {
                    database: settings.database().to_owned(),
                    host: settings.hosts().first().cloned(),
                },
                shards: 128,
            },
            elapsed: Duration::from_millis(21),
        }
    }

    #[test]
    fn it_states_rows_completeness_location_instant_and_time() {
        let complete = summary("db1");
        assert_eq!(
            complete.line().fitted(None),
            "20,001 rows · 128/128 shards · builder on db1 · one snapshot · 21 ms"
        );
        let mut incomplete = complete;
        incomplete.extent.rows = 1;
        incomplete.extent.answered = 127;
        incomplete.extent.missing = Missing::new(Ranges::of(&[Shard::new(4)]), None);
        assert_eq!(
            incomplete.line().fitted(None),
            "1 row · 127/128 shards, missing: shard_4 · builder on db1 · one snapshot · 21 ms"
        );
    }

    #[test]
    fn a_selection_states_of_how_many_shards() {
        let mut some = summary("db1");
        some.extent.answered = 2;
        some.extent.expected = 3;
        let line = some.line().fitted(None);
        assert!(
            line.starts_with("20,001 rows · 2/3 shards of 128 · "),
            "{line}"
        );
    }

    #[test]
    fn the_location_is_as_long_as_there_is_room() {
        let line = summary("db1").line();
        let whole = line.fitted(None);
        let width = line_width(&whole);
        let shorter = "20,001 rows · 128/128 shards · builder · one snapshot · 21 ms";
        let shortest = "20,001 rows · 128/128 shards · one snapshot · 21 ms";
        assert_eq!(line.fitted(Some(width)), whole);
        assert_eq!(line.fitted(Some(width - 1)), shorter);
        assert_eq!(line.fitted(Some(line_width(shorter))), shorter);
        assert_eq!(line.fitted(Some(line_width(shorter) - 1)), shortest);
        assert_eq!(line.fitted(Some(1)), shortest);
    }

    #[test]
    fn a_name_cannot_end_the_line_or_drive_the_terminal() {
        let mut odd = summary("db1");
        odd.scope.location.database = "a\nb\x1b[2J".to_owned();
        let line = odd.line().fitted(None);
        assert!(line.contains(r" · a\nb\x1B[2J on db1 · "), "{line}");
    }
}
