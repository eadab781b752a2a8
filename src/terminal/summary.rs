//! The last line of a run: how complete the result is, and where it is from. On stderr, to keep
//! stdout for results.

use std::fmt;
use std::time::Duration;

use crate::config::Host;
use crate::config::profile::Label;
use crate::sharding::missing::Missing;
use crate::sharding::selected_keys::SelectedKeys;
use crate::sharding::selection::{Origins, Selection};
use crate::sharding::shard::Shard;
use crate::terminal::color::{Paint, Style};
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
    /// How these shards were selected, if by key.
    pub keys: Option<SelectedKeys>,
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Location {
    /// What the profile calls the environment.
    pub label: Option<Label>,
    pub database: String,
    pub host: Option<Host>,
}

/// Number of snapshots that a result was read at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotCount {
    One,
    EachShard,
    /// One per database, for several databases.
    EachDatabase(usize),
    /// The same, taken within this time.
    Together {
        databases: usize,
        within: Duration,
    },
    /// One per server that a hub reads.
    EachServer,
    /// One per run, for several runs.
    Runs(usize),
}

impl SnapshotCount {
    /// One per database, and how far apart they are at most if that is known.
    pub fn of_databases(databases: usize, within: Option<Duration>) -> Self {
        match (databases, within) {
            (0 | 1, _) => Self::One,
            (databases, Some(within)) => Self::Together { databases, within },
            (databases, None) => Self::EachDatabase(databases),
        }
    }
}

/// A summary whose location is as long as the line has room for.
#[derive(Debug, Clone)]
pub struct SummaryLine {
    pub before: Vec<SummaryPart>,
    pub location: Location,
    pub after: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SummaryPart {
    Plain(String),
    /// That something is missing.
    Incomplete(String),
}

const SEPARATOR: &str = " · ";

impl Summary {
    pub fn line(&self) -> SummaryLine {
        let of = (self.extent.expected < self.scope.shards).then_some(self.scope.shards);
        let ResultSummary {
            origins,
            keys,
            instants,
            ..
        } = &self.extent;
        let origins = origins.as_ref().map(ToString::to_string);
        let keys = keys.as_ref().map(ToString::to_string);
        let rows = SummaryPart::Plain(self.extent.rows());
        let shards = SummaryPart::complete_if(self.extent.is_complete(), self.extent.shards(of));
        SummaryLine {
            before: [rows, shards]
                .into_iter()
                .chain(origins.or(keys).map(SummaryPart::Plain))
                .collect(),
            location: self.scope.location.clone(),
            after: vec![
                instants.to_string(),
                HumanDuration(self.elapsed).to_string(),
            ],
        }
    }
}

/// `builder on db1`
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.database))?;
        match &self.host {
            Some(host) => write!(f, " on {}", one_line(&host.brief())),
            None => Ok(()),
        }
    }
}

impl ResultSummary {
    /// Of the selected shards that answered.
    pub fn new(
        rows: u64,
        selection: &Selection,
        answered: usize,
        has_answered: impl Fn(Shard) -> bool,
        instants: SnapshotCount,
    ) -> Self {
        Self {
            rows,
            answered,
            expected: selection.expected(),
            missing: selection.missing(has_answered),
            origins: selection.origins.clone(),
            keys: selection.keys.clone(),
            instants,
        }
    }

    pub fn is_complete(&self) -> bool {
        self.answered == self.expected && !self.missing.is_uncounted()
    }

    fn rows(&self) -> String {
        let plural = if self.rows == 1 { "row" } else { "rows" };
        format!("{} {plural}", ThousandsSeparated(self.rows))
    }

    /// `of` is the number of shards that there are, if only some were selected.
    pub fn shards(&self, of: Option<usize>) -> String {
        let of = match (of, &self.origins) {
            (Some(of), None) => format!(" of {of}"),
            // That of an origin's shard is stated with its rule.
            _ => String::new(),
        };
        let Self {
            answered,
            expected,
            missing,
            ..
        } = self;
        if missing.is_uncounted() {
            return format!("{answered}/? shards{missing}");
        }
        format!("{answered}/{expected} shards{of}{missing}")
    }
}

impl SummaryLine {
    /// For a terminal of so many columns: with the database and its host, the database, or neither.
    /// The label always stays. Complete without a terminal.
    pub fn fitted(&self, columns: Option<usize>, paint: Paint) -> String {
        let Location {
            label,
            database,
            host,
        } = &self.location;
        let database = one_line(database);
        let host = host.as_ref().map(|host| one_line(&host.brief()));
        let whole = host.map(|host| format!("{database} on {host}"));
        let mut locations = whole.into_iter().chain([database]).map(Some).chain([None]);
        let line = |location: Option<&String>, paint: Paint| {
            let before = self.before.iter().map(|part| part.shown(paint));
            let label = label.as_ref().map(|label| {
                let text = for_stderr(&one_line(&label.text));
                paint.text(Style::Label(label.color), &text)
            });
            let place = [label, location.map(|it| for_stderr(it))];
            let place: Vec<_> = place.into_iter().flatten().collect();
            let place = (!place.is_empty()).then(|| place.join(" "));
            let after = self.after.iter().map(|part| for_stderr(part));
            let parts = before.chain(place).chain(after);
            parts.collect::<Vec<_>>().join(SEPARATOR)
        };
        let fits = |location: &Option<String>| {
            let width = line_width(&line(location.as_ref(), Paint::Plain));
            columns.is_none_or(|columns| width <= columns)
        };
        line(locations.find(fits).flatten().as_ref(), paint)
    }
}

impl SummaryPart {
    pub fn complete_if(is_complete: bool, text: String) -> Self {
        if is_complete {
            Self::Plain(text)
        } else {
            Self::Incomplete(text)
        }
    }

    fn shown(&self, paint: Paint) -> String {
        match self {
            Self::Plain(text) => for_stderr(text),
            Self::Incomplete(text) => paint.text(Style::Error, &for_stderr(text)),
        }
    }
}

impl fmt::Display for ResultSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{SEPARATOR}{}", self.rows(), self.shards(None))?;
        if let Some(origins) = &self.origins {
            write!(f, "{SEPARATOR}{origins}")?;
        }
        write!(f, "{SEPARATOR}{}", self.instants)
    }
}

impl fmt::Display for SnapshotCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One | Self::EachDatabase(1) => f.write_str("one snapshot"),
            Self::EachShard => f.write_str("no common snapshot: each shard read at its own moment"),
            Self::EachDatabase(databases) => {
                write!(f, "{databases} snapshots, one per database")
            }
            Self::EachServer => f.write_str("1 snapshot per server"),
            Self::Together { databases, within } => {
                // A bound is never rounded down.
                let tenths = within.as_micros().div_ceil(100);
                write!(
                    f,
                    "{databases} snapshots within {}.{} ms",
                    tenths / 10,
                    tenths % 10
                )
            }
            Self::Runs(runs) => write!(f, "{runs} runs, so no common snapshot"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::profile::LabelColor;
    use crate::config::{ConnectionFlags, Environment, Settings};
    use crate::sharding::ranges::Ranges;

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
                keys: None,
                instants: SnapshotCount::One,
            },
            scope: Scope {
                location: Location {
                    label: None,
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
            complete.line().fitted(None, Paint::Plain),
            "20,001 rows · 128/128 shards · builder on db1 · one snapshot · 21 ms"
        );
        let mut labeled = complete.clone();
        labeled.scope.location.label = Some(Label {
            text: "LIVE".to_owned(),
            color: Some(LabelColor::Red),
        });
        assert_eq!(
            labeled.line().fitted(None, Paint::Ansi),
            "20,001 rows · 128/128 shards · \x1b[1;31mLIVE\x1b[0m builder on db1 · one snapshot · \
             21 ms"
        );
        assert_eq!(
            labeled.line().fitted(Some(20), Paint::Plain),
            "20,001 rows · 128/128 shards · LIVE · one snapshot · 21 ms"
        );
        let mut incomplete = complete;
        incomplete.extent.rows = 1;
        incomplete.extent.answered = 127;
        incomplete.extent.missing = Missing::new(Ranges::of(&[Shard::new(4)]), None);
        assert_eq!(
            incomplete.line().fitted(None, Paint::Plain),
            "1 row · 127/128 shards, missing: shard_4 · builder on db1 · one snapshot · 21 ms"
        );
    }

    #[test]
    fn a_selection_states_of_how_many_shards() {
        let mut some = summary("db1");
        some.extent.answered = 2;
        some.extent.expected = 3;
        let line = some.line().fitted(None, Paint::Plain);
        assert!(
            line.starts_with("20,001 rows · 2/3 shards of 128 · "),
            "{line}"
        );
    }

    #[test]
    fn the_location_is_as_long_as_there_is_room() {
        let line = summary("db1").line();
        let whole = line.fitted(None, Paint::Plain);
        let width = line_width(&whole);
        let shorter = "20,001 rows · 128/128 shards · builder · one snapshot · 21 ms";
        let shortest = "20,001 rows · 128/128 shards · one snapshot · 21 ms";
        assert_eq!(line.fitted(Some(width), Paint::Plain), whole);
        assert_eq!(line.fitted(Some(width - 1), Paint::Plain), shorter);
        assert_eq!(
            line.fitted(Some(line_width(shorter)), Paint::Plain),
            shorter
        );
        assert_eq!(
            line.fitted(Some(line_width(shorter) - 1), Paint::Plain),
            shortest
        );
        assert_eq!(line.fitted(Some(1), Paint::Plain), shortest);
    }

    #[test]
    fn what_is_missing_is_red_and_takes_no_more_room() {
        let mut some = summary("db1");
        let whole = some.line().fitted(None, Paint::Plain);
        assert_eq!(some.line().fitted(None, Paint::Ansi), whole);
        some.extent.answered = 127;
        let red = some.line().fitted(Some(line_width(&whole)), Paint::Ansi);
        assert_eq!(
            red,
            "20,001 rows · \x1b[1;31m127/128 shards\x1b[0m · builder on db1 · one snapshot · 21 ms"
        );
    }

    #[test]
    fn a_name_cannot_end_the_line_or_drive_the_terminal() {
        let mut odd = summary("db1");
        odd.scope.location.database = "a\nb\x1b[2J".to_owned();
        let line = odd.line().fitted(None, Paint::Plain);
        assert!(line.contains(r" · a\nb\x1B[2J on db1 · "), "{line}");
    }
}
