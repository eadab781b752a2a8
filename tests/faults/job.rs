//! One command under test, in a folder of its own, and the verdict on how it ended.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use tempfile::TempDir;

use crate::suite::{Fault, Outcome, Verdict, wrong};
use crate::support::{Db, Program, Ran, Running, shardq};
use crate::world::{Question, SHARDS, Truth};

/// A run that takes longer hangs. The longest legitimate wait is for a server restart, about 7
/// seconds.
pub const DEADLINE: Duration = Duration::from_secs(40);

/// How soon a backend must be gone after its client has disconnected properly.
pub const AT_ONCE: Duration = Duration::from_secs(2);

/// The same without a proper disconnect: the server checks about once a second.
pub const WHEN_NOTICED: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    QueryCsv,
    QueryJsonl,
    QueryToFile,
    GlobalOne,
    GlobalPartial,
    ExportCsv,
    ExportGzip,
    ExportParquet,
    PerShard,
    Find,
}

pub const ALL: [Command; 10] = [
    Command::QueryCsv,
    Command::ExportCsv,
    Command::GlobalOne,
    Command::PerShard,
    Command::Find,
    Command::ExportGzip,
    Command::QueryJsonl,
    Command::ExportParquet,
    Command::GlobalPartial,
    Command::QueryToFile,
];

impl Command {
    /// The file that it writes, if not standard output.
    fn file(self) -> Option<&'static str> {
        match self {
            Self::QueryToFile => Some("rows.out.csv"),
            Self::ExportCsv => Some("rows.csv"),
            Self::ExportGzip => Some("rows.csv.gz"),
            Self::ExportParquet => Some("rows.parquet"),
            Self::PerShard => Some("parts"),
            Self::QueryCsv
            | Self::QueryJsonl
            | Self::GlobalOne
            | Self::GlobalPartial
            | Self::Find => None,
        }
    }

    /// The most connections that it uses.
    pub fn connections(self) -> usize {
        match self {
            Self::Find | Self::GlobalOne => 1,
            _ => 4,
        }
    }

    /// The flags that limit it to this many connections.
    pub fn use_connections(self, limit: usize) -> Vec<String> {
        if self == Self::Find {
            return Vec::new();
        }
        vec!["-j".to_owned(), limit.to_string()]
    }

    pub fn has_manifest(self) -> bool {
        matches!(
            self,
            Self::ExportCsv | Self::ExportGzip | Self::ExportParquet | Self::PerShard
        )
    }
}

#[derive(Debug)]
pub struct Job {
    pub command: Command,
    question: Question,
    folder: TempDir,
    /// The server's timeout for each statement.
    timeout: &'static str,
    /// Whether it replaces an older file.
    older: bool,
}

const OLDER: &str = "older\n";

impl Job {
    pub fn new(command: Command, question: Question) -> Self {
        Self {
            command,
            question,
            folder: tempfile::tempdir().unwrap(),
            timeout: "20s",
            older: false,
        }
    }

    /// The target exists already, and must survive if the command fails.
    pub fn with_older_file(self) -> Self {
        fs::write(self.target().unwrap(), OLDER).unwrap();
        Self {
            older: true,
            ..self
        }
    }

    pub fn timeout(self, timeout: &'static str) -> Self {
        Self { timeout, ..self }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn target(&self) -> Option<PathBuf> {
        Some(self.folder.path().join(self.command.file()?))
    }

    pub fn program(&self, db: &Db) -> Program {
        shardq([]).args(self.args()).db(db)
    }

    /// The arguments after the program's name.
    pub fn args(&self) -> Vec<String> {
        let rows = self.question.rows.as_str();
        let global = self.question.global.as_str();
        let mut args: Vec<&str> = match self.command {
            Command::QueryCsv | Command::QueryToFile => vec!["query", "--csv", rows],
            Command::QueryJsonl => vec!["query", "--jsonl", rows],
            Command::GlobalOne => vec!["query", "--csv", "-g", "--strategy", "one", global],
            Command::GlobalPartial => vec!["query", "--csv", "-g", "--strategy", "partial", global],
            Command::ExportCsv | Command::ExportGzip | Command::ExportParquet => {
                vec!["export", rows]
            }
            Command::PerShard => vec!["export", rows, "--per-shard"],
            Command::Find => vec!["find", "--short", self.question.key],
        };
        let timeout = if args[0] == "export" {
            "--statement-timeout"
        } else {
            "--timeout"
        };
        args.extend([timeout, self.timeout]);
        let mut args: Vec<_> = args.into_iter().map(str::to_owned).collect();
        if let Some(target) = self.target() {
            args.extend(["-o".to_owned(), target.display().to_string()]);
        }
        if self.older && self.command.has_manifest() {
            args.push("--force".to_owned());
        }
        args
    }

    /// Determines the outcome, and whether it is allowed.
    pub fn judge(&self, ran: &Ran, truth: &dyn Truth) -> Verdict {
        let verdict = self.judge_end(ran, truth);
        verdict.map_err(|fault| describe(fault, self.command, ran))
    }

    fn judge_end(&self, ran: &Ran, truth: &dyn Truth) -> Verdict {
        let outcome = match ran.status {
            0 => Outcome::Complete,
            1 => Outcome::Failed,
            3 => Outcome::Incomplete,
            // By a signal that it handles, by KILL, or before it handles any.
            130 | 137 => Outcome::Interrupted,
            129 | 143 if ran.stdout.is_empty() && ran.stderr.is_empty() => Outcome::Interrupted,
            status => return wrong(format!("exit status {status}")),
        };
        if outcome == Outcome::Complete {
            let answer = self.answer(ran).map_err(Fault::Wrong)?;
            truth
                .check_whole(self.command, &answer)
                .map_err(Fault::Wrong)?;
            self.verify().map_err(Fault::Wrong)?;
            return self.nothing_hidden().map(|()| outcome);
        }
        if ran.stderr.trim().is_empty() && outcome != Outcome::Interrupted {
            return wrong("it does not say why");
        }
        self.judge_remains(ran, truth)?;
        if outcome == Outcome::Incomplete && self.command != Command::Find {
            check_count(ran)?;
        }
        if ran.status != 137 {
            self.nothing_hidden()?;
        }
        Ok(outcome)
    }

    /// Even an incomplete run must not print or write anything wrong.
    fn judge_remains(&self, ran: &Ran, truth: &dyn Truth) -> Result<(), Fault> {
        if self.command == Command::Find {
            return if ran.status == 1 && ran.stderr.contains("not found") {
                wrong("says \"not found\" of what is there")
            } else {
                Ok(())
            };
        }
        if self.command == Command::PerShard {
            // Each part is whole or absent.
            return truth
                .check_part(self.command, &self.parts())
                .map_err(Fault::Wrong);
        }
        let target = self.target();
        if self.older {
            let older = target.as_ref().and_then(|path| fs::read(path).ok());
            match older {
                None => return wrong("the older file is gone"),
                Some(bytes) if bytes == OLDER.as_bytes() => return Ok(()),
                Some(_) => {}
            }
        }
        if target.is_some_and(|target| target.exists()) {
            let answer = self.answer(ran).map_err(Fault::Wrong)?;
            return truth
                .check_whole(self.command, &answer)
                .map_err(|what| Fault::Wrong(format!("half a file has the name: {what}")));
        }
        // A signal may cut off the last line.
        let end = ran.stdout.rfind('\n').map_or(0, |end| end + 1);
        let rows = self.normalised(&ran.stdout[..end]).map_err(Fault::Wrong)?;
        truth.check_part(self.command, &rows).map_err(Fault::Wrong)
    }

    /// The result in one form for all commands: CSV with a header.
    pub fn answer(&self, ran: &Ran) -> Result<String, String> {
        let Some(target) = self.target() else {
            return self.normalised(&ran.stdout);
        };
        match self.command {
            Command::PerShard => Ok(self.parts()),
            Command::ExportParquet => read_parquet(&target),
            Command::ExportGzip => {
                let mut text = String::new();
                let file = File::open(&target).map_err(|error| error.to_string())?;
                flate2::read::MultiGzDecoder::new(file)
                    .read_to_string(&mut text)
                    .map_err(|error| error.to_string())?;
                Ok(text)
            }
            _ => fs::read_to_string(&target).map_err(|error| error.to_string()),
        }
    }

    fn normalised(&self, stdout: &str) -> Result<String, String> {
        if self.command != Command::QueryJsonl {
            return Ok(stdout.to_owned());
        }
        let mut csv = self.header();
        for line in stdout.lines() {
            let row: serde_json::Value =
                serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
            csv += row["shard"].as_str().unwrap_or_default();
            for column in self.question.columns {
                let value = &row[column];
                let text = value.as_str().map_or(value.to_string(), str::to_owned);
                write!(csv, ",{text}").unwrap();
            }
            csv.push('\n');
        }
        Ok(csv)
    }

    fn header(&self) -> String {
        format!("shard,{}\n", self.question.columns.join(","))
    }

    /// The files of `--per-shard`, each with its shard in front.
    fn parts(&self) -> String {
        let mut all = self.header();
        let folder = self.target().unwrap();
        for n in 0..SHARDS {
            let part = folder.join(format!("shard=shard_{n}/part.csv"));
            let Ok(text) = fs::read_to_string(&part) else {
                continue;
            };
            for line in text.lines().skip(1) {
                writeln!(all, "shard_{n},{line}").unwrap();
            }
        }
        all
    }

    pub fn verify(&self) -> Result<(), String> {
        if !self.command.has_manifest() {
            return Ok(());
        }
        let ran = shardq(["verify"]).args(self.target()).run();
        if ran.status == 0 {
            return Ok(());
        }
        Err(format!("verify finds it changed: {}", ran.stderr))
    }

    /// No temporary file is left.
    fn nothing_hidden(&self) -> Result<(), Fault> {
        let mut left = BTreeSet::new();
        find_hidden(self.folder.path(), &mut left);
        if left.is_empty() {
            return Ok(());
        }
        Err(Fault::Leftover(format!("files: {left:?}")))
    }

    /// After the fault: the same command must now succeed and remove any leftovers.
    pub fn again(&self, db: &Db, truth: &dyn Truth) -> Result<(), Fault> {
        let mut ran = self.run_again(db, self.command == Command::PerShard);
        if self.command == Command::PerShard && ran.status == 1 {
            // There was nothing to resume yet.
            ran = self.run_again(db, false);
        }
        match self.judge(&ran, truth)? {
            Outcome::Complete => Ok(()),
            outcome => Err(describe(
                Fault::Wrong(format!("the next run is {outcome:?}")),
                self.command,
                &ran,
            )),
        }
    }

    fn run_again(&self, db: &Db, resume: bool) -> Ran {
        let program = self.program(db);
        match (self.command, resume) {
            (Command::PerShard, true) => program.args(["--resume"]).run(),
            (command, _) if command.has_manifest() && !self.older => {
                program.args(["--force"]).run()
            }
            _ => program.run(),
        }
    }
}

/// Exit status 3 must name and count what is missing.
fn check_count(ran: &Ran) -> Result<(), Fault> {
    let of = format!("/{SHARDS} shards");
    let Some((before, _)) = ran.stderr.rsplit_once(&of) else {
        return wrong("does not say how many shards answered");
    };
    let number = before.rsplit(|c: char| !c.is_ascii_digit()).next();
    let answered: u32 = number.unwrap_or_default().parse().unwrap_or(SHARDS);
    if answered >= SHARDS || !ran.stderr.contains("shard_") {
        return wrong("exit status 3, and nothing is missing");
    }
    Ok(())
}

pub fn describe(fault: Fault, command: Command, ran: &Ran) -> Fault {
    fault.with(&format!(
        "{command:?}, status {} after {:?}\n--- stdout, {} bytes, ends with:\n{}\n--- stderr:\n{}---",
        ran.status,
        ran.elapsed,
        ran.stdout.len(),
        ran.stdout.lines().last().unwrap_or_default(),
        ran.stderr
    ))
}

/// Waits for the process to end; fails if it does not.
pub fn finish(mut running: Running, within: Duration) -> Result<Ran, Fault> {
    let started = Instant::now();
    while !running.has_ended() {
        if started.elapsed() > within {
            let stderr = running.wait_for_stderr(|_| true);
            return Err(Fault::Hung(format!(
                "not within {within:?}; stderr:\n{stderr}"
            )));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(running.finish())
}

/// No backend of a finished run is left.
pub fn no_backends(db: &Db, within: Duration) -> Result<(), Fault> {
    let started = Instant::now();
    loop {
        let left = db.ask(
            "SELECT now() - state_change, state, wait_event_type, wait_event, query FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'shardq'",
        );
        if left.is_empty() {
            return Ok(());
        }
        if started.elapsed() > within {
            return Err(Fault::Leftover(format!(
                "backends after {within:?}:\n{left}"
            )));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Names of drafts and of replacements. A folder's lock file may stay.
fn find_hidden(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.contains(".shardq-") && name != ".shardq-lock" {
            found.insert(entry.path());
        }
        if entry.path().is_dir() {
            find_hidden(&entry.path(), found);
        }
    }
}

fn read_parquet(path: &Path) -> Result<String, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let file = File::open(path).map_err(|error| said(&error))?;
    let reader = SerializedFileReader::new(file).map_err(|error| said(&error))?;
    let mut csv = String::new();
    for row in reader.get_row_iter(None).map_err(|error| said(&error))? {
        let row = row.map_err(|error| said(&error))?;
        let columns: Vec<_> = row.get_column_iter().collect();
        if csv.is_empty() {
            let names: Vec<_> = columns.iter().map(|(name, _)| name.as_str()).collect();
            csv = names.join(",") + "\n";
        }
        let fields: Vec<_> = columns
            .iter()
            .map(|(_, field)| match field {
                Field::Str(text) => text.clone(),
                other => other.to_string(),
            })
            .collect();
        csv += &(fields.join(",") + "\n");
    }
    Ok(csv)
}
