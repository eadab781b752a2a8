//! The rows of `activity`, for people or for programs. Pure.

use std::time::Duration;

use tokio_postgres::types::Type;

use super::super::columns::{column, is_for_people};
use super::super::statement::TextRow;
use super::super::table::Table;
use super::processes::{Pid, Process};
use crate::output::format::Format;
use crate::text::humanize::HumanDuration;
use crate::text::width::{fitting, line_width};

/// How much of a statement is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryText {
    Whole,
    Cut,
}

/// Of a statement that is cut, in characters.
const CUT: usize = 60;

pub fn table(processes: &[&Process], text: QueryText, format: Format) -> Table {
    let (times, text) = if is_for_people(format) {
        (Type::TEXT, text)
    } else {
        (Type::FLOAT8, QueryText::Whole)
    };
    let columns = [
        ("pid", Type::INT4),
        ("user", Type::TEXT),
        ("application", Type::TEXT),
        ("client", Type::TEXT),
        ("state", Type::TEXT),
        ("age", times.clone()),
        ("holds", Type::TEXT),
        ("waits_for", Type::TEXT),
        ("waiting", times),
        ("blocked_by", Type::TEXT),
        ("blocks", Type::TEXT),
        ("query", Type::TEXT),
    ];
    Table {
        columns: columns.map(|(name, of)| column(name, &of)).to_vec(),
        rows: processes.iter().map(|it| row(it, text, format)).collect(),
    }
}

fn row(process: &Process, text: QueryText, format: Format) -> TextRow {
    let time = |time: Option<Duration>| {
        let time = time?;
        Some(if is_for_people(format) {
            HumanDuration(time).to_string()
        } else {
            format!("{:.3}", time.as_secs_f64())
        })
    };
    vec![
        process.pid.map(|pid| pid.to_string()),
        process.user.clone(),
        process.application.clone(),
        process.client.clone(),
        process.state.clone(),
        time(process.age),
        process.holds(),
        process.waits_for.clone(),
        time(process.waiting),
        pids(&process.blocked_by),
        pids(&process.blocks),
        process
            .query
            .as_deref()
            .map(|query| shown(query, text, format)),
    ]
}

/// Separated by blanks; 0 is a prepared transaction.
fn pids(pids: &[Pid]) -> Option<String> {
    let pids = pids.iter().map(|pid| match pid {
        0 => "prepared".to_owned(),
        pid => pid.to_string(),
    });
    let pids: Vec<_> = pids.collect();
    (!pids.is_empty()).then(|| pids.join(" "))
}

fn shown(query: &str, text: QueryText, format: Format) -> String {
    if !is_for_people(format) {
        return query.to_owned();
    }
    let query = query.split_whitespace().collect::<Vec<_>>().join(" ");
    if text == QueryText::Whole || line_width(&query) <= CUT {
        return query;
    }
    format!("{}…", fitting(&query, CUT - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_on_one_line_for_people() {
        let query = format!("SELECT\n\t1,{}", " 2,".repeat(40));
        let cut = shown(&query, QueryText::Cut, Format::Table);
        assert!(
            cut.starts_with("SELECT 1, 2, 2,") && cut.ends_with('…'),
            "{cut}"
        );
        assert_eq!(line_width(&cut), CUT);
        assert!(shown(&query, QueryText::Whole, Format::Table).len() > CUT);
        assert_eq!(shown(&query, QueryText::Cut, Format::Csv), query);
    }

    #[test]
    fn a_prepared_transaction_has_no_pid() {
        assert_eq!(pids(&[0, 7]).as_deref(), Some("prepared 7"));
        assert_eq!(pids(&[]), None);
    }
}
