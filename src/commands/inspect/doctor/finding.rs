//! The result of one check, and how it is printed. Pure.

use std::fmt::Write as _;

use tokio_postgres::types::Type;

use super::super::columns::column;
use super::super::table::Table;
use crate::terminal::color::{Paint, Style};
use crate::text::escape::{one_line, visible};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    Warning,
    Failure,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub check: &'static str,
    pub level: Level,
    pub message: String,
    /// What to do, one step per line.
    pub advice: Vec<String>,
}

/// Findings of one place.
#[derive(Debug)]
pub struct Section {
    /// A server or a database; `None` if there is only one.
    pub place: Option<String>,
    pub findings: Vec<Finding>,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

impl Finding {
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            level: Level::Ok,
            message: message.into(),
            advice: Vec::new(),
        }
    }

    pub fn warning(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            ..Self::ok(check, message)
        }
    }

    pub fn failure(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            level: Level::Failure,
            ..Self::ok(check, message)
        }
    }

    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }
}

/// `2 failures, 1 warning, 12 ok`
pub fn count(sections: &[Section]) -> String {
    let findings = sections.iter().flat_map(|section| &section.findings);
    let of = |level| findings.clone().filter(|it| it.level == level).count();
    let plural = |count, name| match count {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    };
    format!(
        "{}, {}, {} ok",
        plural(of(Level::Failure), "failure"),
        plural(of(Level::Warning), "warning"),
        of(Level::Ok)
    )
}

/// One line per check, what to do below it; of several places, each with its name above.
pub fn page(sections: &[Section], paint: Paint) -> String {
    let checks = sections.iter().flat_map(|section| &section.findings);
    let widest = checks.map(|it| it.check.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Section { place, findings } in sections {
        if let Some(place) = place {
            let gap = if text.is_empty() { "" } else { "\n" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{gap}{}", one_line(&visible(place)));
        }
        text += &lines(findings, widest, paint);
    }
    text
}

fn lines(findings: &[Finding], widest: usize, paint: Paint) -> String {
    const STATUS: usize = 8;
    let mut text = String::new();
    for Finding {
        check,
        level,
        message,
        advice,
    } in findings
    {
        let name = format!("{:STATUS$}", level.name());
        let name = match level {
            Level::Ok => name,
            Level::Warning => paint.text(Style::Warning, &name),
            Level::Failure => paint.text(Style::Error, &name),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{name} {check:widest$}  {}",
            one_line(&visible(message))
        );
        for step in advice {
            let indent = STATUS + widest + 5;
            let _ = writeln!(text, "{:indent$}{}", "", one_line(&visible(step)));
        }
    }
    text
}

pub fn table(sections: &[Section]) -> Table {
    let are_several = sections.iter().any(|section| section.place.is_some());
    let rows = sections.iter().flat_map(|section| {
        section.findings.iter().map(move |it| {
            let advice = (!it.advice.is_empty()).then(|| it.advice.join("\n"));
            let row = [
                Some(it.check.to_owned()),
                Some(it.level.name().to_owned()),
                Some(it.message.clone()),
                advice,
            ];
            let place = are_several.then(|| section.place.clone());
            place.into_iter().chain(row).collect()
        })
    });
    let place = are_several.then_some("server");
    let columns = ["check", "status", "message", "advice"];
    let columns = place.into_iter().chain(columns);
    Table {
        columns: columns.map(|name| column(name, &Type::TEXT)).collect(),
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_is_below_the_line() {
        let findings = [
            Finding::ok("version", "PostgreSQL 15"),
            Finding::failure("shards", "none\u{1b}")
                .advise("do this")
                .advise("then\nthat"),
        ];
        assert_eq!(
            lines(&findings, 7, Paint::Plain),
            "ok       version  PostgreSQL 15\n\
             failure  shards   none\\x1B\n                    do this\n                    then\\nthat\n"
        );
        let colored = lines(&findings, 7, Paint::Ansi);
        assert!(
            colored.contains("\u{1b}[1;31mfailure \u{1b}[0m shards"),
            "{colored:?}"
        );
        let sections = [Section {
            place: None,
            findings: findings.to_vec(),
        }];
        assert_eq!(count(&sections), "1 failure, 0 warnings, 1 ok");
    }
}
