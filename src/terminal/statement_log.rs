//! `--verbose`: prints every statement that is sent to a server, on stderr. Each is preceded by a
//! comment, so that what a query sends on one connection can be replayed in psql.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write as _};
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::text::escape::for_stderr;
use crate::text::humanize::HumanDuration;

/// The target of the events, with the fields `process`, `action` and `sql`.
pub const TARGET: &str = "shardq::statement";

/// Starts to print. Calling it again has no effect.
pub fn start() {
    let log = StatementLog {
        began: Instant::now(),
        terminal: io::stderr().is_terminal(),
    };
    // It fails only if it was started before.
    let _ = tracing::subscriber::set_global_default(log);
}

struct StatementLog {
    began: Instant,
    terminal: bool,
}

impl Subscriber for StatementLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    fn event(&self, event: &Event<'_>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        let elapsed = HumanDuration(self.began.elapsed());
        // A progress line may be on the screen.
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        let text = format!("{clear}-- {elapsed}, {statement}\n");
        // If stderr is closed, there is nowhere to report it.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The fields of an event.
#[derive(Default)]
struct Statement {
    process: Option<i64>,
    action: String,
    sql: String,
}

impl Visit for Statement {
    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "process" {
            self.process = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "action" => value.clone_into(&mut self.action),
            "sql" => value.clone_into(&mut self.sql),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(process) = self.process {
            write!(f, "server process {process}, ")?;
        }
        writeln!(f, "{}", self.action)?;
        f.write_str(&for_stderr(self.sql.trim_end()))?;
        if !self.sql.trim_end().ends_with(';') {
            f.write_char(';')?;
        }
        Ok(())
    }
}
