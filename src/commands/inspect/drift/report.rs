//! Findings as rows: in full for programs, and shortened for people. Pure.

use super::findings::Finding;
use super::shape::{Locked, ObjectName};
use crate::commands::inspect::session::TextRow;
use crate::commands::inspect::table::Table;
use crate::output::format::Format;
use crate::pg::row_batch::Column;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;

const COLUMNS: [&str; 5] = ["shards", "kind", "object", "has", "expected"];

/// Who reads the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Program,
    Person,
}

impl Reader {
    pub fn of(format: Format) -> Self {
        match format {
            Format::Table | Format::Expanded | Format::Markdown => Self::Person,
            Format::Csv | Format::Tsv | Format::Json | Format::Jsonl => Self::Program,
        }
    }
}

/// One row per finding and per locked table. `of` is how many shards there are.
pub fn table(findings: &[Finding], locked: &[Locked], reader: Reader, of: usize) -> Table {
    let locked = locked.iter().map(|locked| {
        let who = match &locked.process {
            Some(process) => format!("locked by process {process}"),
            None => "locked by a prepared transaction".to_owned(),
        };
        let has = [Some(who), None];
        row(
            &locked.shards,
            "locked",
            locked.table.clone(),
            has,
            reader,
            of,
        )
    });
    let found = findings.iter().map(|finding| {
        let [has, expected] = match reader {
            Reader::Program => [finding.has.clone(), finding.expected.clone()],
            Reader::Person => shortened(finding).map(Some),
        };
        let Finding { object, shards, .. } = finding;
        row(
            shards,
            &object.kind,
            object.to_string(),
            [has, expected],
            reader,
            of,
        )
    });
    Table {
        columns: COLUMNS.map(Column::text).into(),
        rows: locked.chain(found).collect(),
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
    let shards = match reader {
        Reader::Person if shards.len() == of && of > 1 => format!("all {of}"),
        Reader::Person => Ranges::of(shards).brief(),
        Reader::Program => Ranges::of(shards).to_string(),
    };
    vec![
        Some(shards),
        Some(kind.to_owned()),
        Some(object),
        has,
        expected,
    ]
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

/// `3 differences`, `1 difference, 2 tables locked`, `no drift`
pub fn summary(findings: &[Finding], locked: &[Locked]) -> String {
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    if !findings.is_empty() {
        parts.push(plural(findings.len(), "difference"));
    }
    if !locked.is_empty() {
        let tables: usize = locked.iter().map(|locked| locked.shards.len()).sum();
        parts.push(format!("{} not read (locked)", plural(tables, "table")));
    }
    if parts.is_empty() {
        parts.push("no drift".to_owned());
    }
    parts.join(", ")
}
