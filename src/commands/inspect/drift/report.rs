//! Findings as rows: in full for programs, and shortened for people. Pure.

use super::findings::Finding;
use super::shape::{ObjectName, Shape, Unread, UnreadReason};
use crate::commands::inspect::servers::ServerColumn;
use crate::commands::inspect::statement::TextRow;
use crate::commands::inspect::table::{Reader, Table};
use crate::pg::row_batch::Column;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::text::escape::one_line;
use crate::text::humanize::counted;

const COLUMNS: [&str; 5] = ["shards", "kind", "object", "has", "expected"];

/// One row per finding, and per table that could not be read.
pub fn table(findings: &[Finding], shape: &Shape, servers: ServerColumn, reader: Reader) -> Table {
    let of = shape.shards.len();
    let unread = shape.unread.iter().map(|unread| {
        let (kind, why) = unread_row(unread);
        let has = [Some(why), None];
        let row = row(&unread.shards, kind, unread.table.clone(), has, reader, of);
        servers.in_front(&unread.shards, row)
    });
    let found = findings.iter().map(|finding| {
        let [has, expected] = match reader {
            Reader::Program => [finding.has.clone(), finding.expected.clone()],
            Reader::Person => shortened(finding).map(Some),
        };
        let Finding { object, shards, .. } = finding;
        let row = row(
            shards,
            &object.kind,
            object.to_string(),
            [has, expected],
            reader,
            of,
        );
        servers.in_front(shards, row)
    });
    let columns = COLUMNS.map(Column::text);
    Table {
        columns: servers.column().into_iter().chain(columns).collect(),
        rows: unread.chain(found).collect(),
    }
}

fn row(
    shards: &[Shard],
    kind: &str,
    object: String,
    [has, expected]: [Option<String>; 2],
    reader: Reader,
    of: usize,
) -> TextRow {
    let shards = shards_shown(shards, reader, of);
    vec![
        Some(shards),
        Some(kind.to_owned()),
        Some(object),
        has,
        expected,
    ]
}

/// `shard_3, shard_7-9`; for people shortened if they are many, and `all 128`.
pub fn shards_shown(shards: &[Shard], reader: Reader, of: usize) -> String {
    match reader {
        Reader::Person if shards.len() == of && of > 1 => format!("all {of}"),
        Reader::Person => Ranges::of(shards).brief(),
        Reader::Program => Ranges::of(shards).to_string(),
    }
}

/// The kind of such a row, and why the table was not read.
pub fn unread_row(unread: &Unread) -> (&'static str, String) {
    match &unread.reason {
        UnreadReason::Locked(Some(process)) => ("locked", format!("locked by process {process}")),
        UnreadReason::Locked(None) => ("locked", "locked by a prepared transaction".to_owned()),
        UnreadReason::Denied => ("unreadable", "permission denied".to_owned()),
    }
}

/// `origins.name`; "schema" for the schema itself.
impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.parent.as_str(), self.name.as_str()) {
            ("", "") => f.write_str("schema"),
            ("", name) => f.write_str(name),
            (parent, "") => f.write_str(parent),
            (parent, name) => write!(f, "{parent}.{name}"),
        }
    }
}

/// What is there and what should be. Of texts of several lines, only the lines that differ.
fn shortened(finding: &Finding) -> [String; 2] {
    let shown = |text: &Option<String>| match text.as_deref() {
        None => "(missing)".to_owned(),
        Some("") => "(exists)".to_owned(),
        Some(text) => text.trim_end().to_owned(),
    };
    match (&finding.has, &finding.expected) {
        (Some(has), Some(expected)) if has.contains('\n') || expected.contains('\n') => {
            differing_lines(has, expected)
        }
        (has, expected) => [shown(has), shown(expected)].map(|text| first_lines(&text)),
    }
}

/// How many lines of a definition that the other side lacks are shown.
const MOST_LINES: usize = 3;

fn first_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    if lines.len() <= MOST_LINES {
        return text.to_owned();
    }
    format!("{}\n…", lines[..MOST_LINES].join("\n"))
}

/// The lines between the common beginning and the common end, with … for these.
fn differing_lines(one: &str, two: &str) -> [String; 2] {
    let (a, b): (Vec<_>, Vec<_>) = (one.lines().collect(), two.lines().collect());
    let before = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let rest = [&a[before..], &b[before..]];
    let ends = rest[0].iter().rev().zip(rest[1].iter().rev());
    let after = ends.take_while(|(a, b)| a == b).count();
    rest.map(|lines| {
        let lines = &lines[..lines.len() - after];
        let mut shown = Vec::new();
        shown.extend((before > 0).then_some("…"));
        shown.extend(lines.iter().map(|line| line.trim_end()));
        shown.extend((after > 0).then_some("…"));
        shown.join("\n")
    })
}

/// `3 differences`, `1 difference, 2 tables not read`, `no drift`
///
/// Compared with another source: `2 differences from base.json`, `no differences from base.json`.
pub fn summary(findings: &[Finding], unread: &[Unread], source: &str) -> String {
    let from = match source {
        "" => String::new(),
        source => format!(" from {}", one_line(source)),
    };
    let mut parts = Vec::new();
    if !findings.is_empty() {
        parts.push(counted(findings.len(), "difference") + &from);
    }
    if !unread.is_empty() {
        let tables: usize = unread.iter().map(|unread| unread.shards.len()).sum();
        parts.push(format!("{} not read", counted(tables, "table")));
    }
    if parts.is_empty() {
        parts.push(match source {
            "" => "no drift".to_owned(),
            _ => format!("no differences{from}"),
        });
    }
    parts.join(", ")
}
