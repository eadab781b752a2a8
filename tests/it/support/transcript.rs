//! Commands with all that they print, as one text for a snapshot in `tests/it/snapshots/`.
//!
//! ```text
//! $ shardq query --shards 5-3 'SELECT 1'
//! exit 2
//! --- stderr
//! shardq: error: …
//! ```
//!
//! A stream without output is left out.

use std::fmt::Write as _;
use std::path::Path;

use insta::internals::SettingsBindDropGuard;

use super::{Db, Program, Ran};

/// What differs from run to run, as a regular expression, and what a snapshot shows instead.
const VARYING: [(&str, &str); 9] = [
    (r"(?m)^shardq \d+\.\d+\.\d+$", "shardq [VERSION]"),
    // Those of all tests that run.
    (
        r"(?m)(databases on this server \(select one with -d\)): .*$",
        "$1: [DATABASES]",
    ),
    // Of compressed files: it changes with the libraries.
    (r"(?m)(\.gz|\.zst|\.parquet): [\d.]+ k?B", "$1: [SIZE]"),
    (
        r"(?m) · (about )?\d[\d.]*( µs| ms| s| min( \d+ s)?)$",
        " · [TIME]",
    ),
    (r"\b[0-9a-f]{64}\b", "[SHA256]"),
    (r"\b[0-9A-F]{8}-[0-9A-F]{8}-\d+\b", "[SNAPSHOT]"),
    (
        r"\b20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
        "[TIMESTAMP]",
    ),
    (r"\bprocess \d+\b", "process [PID]"),
    (r", for \d+ ms\)", ", for [TIME])"),
];

#[derive(Debug, Default)]
pub struct Transcript {
    text: String,
    /// Known texts that differ from run to run.
    hidden: Vec<(String, &'static str)>,
}

impl Transcript {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn of(db: &Db) -> Self {
        Self::new()
            .hiding(db.variable("PGHOST"), "[SOCKET_DIR]")
            .hiding(db.name(), "[DATABASE]")
            .hiding(db.variable("PGPORT"), "[PORT]")
    }

    /// In a folder, whose path differs from run to run.
    #[must_use]
    pub fn in_folder(self, folder: &Path) -> Self {
        self.hiding(&folder.display().to_string(), "[DIR]")
    }

    #[must_use]
    pub fn hiding(mut self, text: &str, by: &'static str) -> Self {
        self.hidden.push((text.to_owned(), by));
        self
    }

    /// Runs a command, and adds what came out.
    #[track_caller]
    #[must_use]
    pub fn run(self, program: Program) -> Self {
        let command = program.command_line();
        self.with(&command, &program.run())
    }

    /// Adds a command that the test has run itself.
    #[must_use]
    pub fn with(mut self, command: &str, ran: &Ran) -> Self {
        let text = &mut self.text;
        writeln!(text, "$ {command}\nexit {}", ran.status).unwrap();
        for (name, output) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            if !output.is_empty() {
                writeln!(text, "--- {name}\n{}", output.trim_end_matches('\n')).unwrap();
            }
        }
        text.push('\n');
        self
    }

    /// Compares it with the snapshot of this name.
    #[track_caller]
    pub fn assert(self, name: &str) {
        let _bound = settings();
        let text = self
            .hidden
            .iter()
            .fold(self.text, |text, (hidden, by)| text.replace(hidden, by));
        insta::assert_snapshot!(name, text);
    }
}

fn settings() -> SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (varying, by) in VARYING {
        settings.add_filter(varying, by);
    }
    settings.bind_to_scope()
}
