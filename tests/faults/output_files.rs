//! Files that cannot be written: a full disk, I/O errors, a size limit, interrupted calls.
//!
//! strace makes system calls fail. Without strace, every run uses the size limit.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use crate::dice::Dice;
use crate::job::{AT_ONCE, Command, DEADLINE, Job, finish, no_backends};
use crate::suite::{Fault, Outcome, Suite, Verdict, wrong};
use crate::support::{Program, Ran, Session, eventually};
use crate::world::{Question, World};

const SUITE: Suite = Suite {
    name: "output_files",
    runs: 100,
    short: 6,
    workers: 2,
};

const COMMANDS: [Command; 5] = [
    Command::ExportCsv,
    Command::ExportGzip,
    Command::ExportParquet,
    Command::PerShard,
    Command::QueryToFile,
];

#[derive(Debug, Clone, Copy)]
enum Failure {
    /// Limits any file, in blocks of 512 bytes: a write is cut short, later ones fail.
    SizeLimit(u64),
    /// The n-th call of its kind fails.
    Call(Injection),
    /// The n-th write to the temporary file fails.
    Write(Injection),
}

#[derive(Debug, Clone, Copy)]
struct Injection {
    calls: &'static str,
    error: &'static str,
    nth: u64,
    /// All later ones fail as well.
    and_later: bool,
}

/// The calls that name a file and flush it to disk, with their possible errors.
const CALLS: [(&str, &[&str]); 6] = [
    ("fsync,fdatasync", &["EIO", "ENOSPC", "EDQUOT", "EINTR"]),
    ("rename,renameat,renameat2", &["EIO", "ENOSPC", "EACCES"]),
    ("link,linkat", &["EIO", "EPERM", "ENOSPC"]),
    ("mkdir,mkdirat", &["ENOSPC", "EACCES"]),
    ("flock", &["ENOLCK", "EIO"]),
    ("ftruncate", &["EIO"]),
];

impl Failure {
    fn roll(dice: &mut Dice, command: Command) -> Self {
        let writes_one_file = command != Command::PerShard;
        match dice.below(3) {
            0 => Self::Call(Injection::roll(dice, &CALLS, 3)),
            // The draft's name is known only while the command waits.
            1 if writes_one_file => {
                let errors: &[&str] = &["ENOSPC", "EIO", "EDQUOT", "EINTR", "EINTR"];
                Self::Write(Injection::roll(dice, &[("write", errors)], 4))
            }
            _ if writes_one_file => Self::SizeLimit(dice.below(250)),
            _ => Self::SizeLimit(dice.below(40)),
        }
    }

    /// Whether retrying the call is enough.
    fn is_harmless(self) -> bool {
        match self {
            Self::SizeLimit(_) => false,
            Self::Call(how) | Self::Write(how) => how.error == "EINTR" && !how.and_later,
        }
    }
}

impl Injection {
    fn roll(dice: &mut Dice, calls: &[(&'static str, &[&'static str])], up_to: u64) -> Self {
        let (calls, errors) = dice.pick(calls);
        let error = dice.pick(errors);
        Self {
            calls,
            error,
            nth: 1 + dice.below(up_to),
            // EINTR does not go on forever.
            and_later: error != "EINTR" && dice.one_in(2),
        }
    }

    fn strace(&self) -> Program {
        let Self {
            calls, error, nth, ..
        } = self;
        let later = if self.and_later { "+" } else { "" };
        Program::new("strace").args([
            "-f",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={calls}"),
            "-e",
            &format!("inject={calls}:error={error}:when={nth}{later}"),
        ])
    }
}

/// Whether strace is installed and may trace our children.
#[allow(clippy::print_stdout, reason = "reports why a test is skipped")]
static STRACE: LazyLock<bool> = LazyLock::new(|| {
    let tried = std::process::Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .output();
    let works = tried.is_ok_and(|tried| tried.status.success());
    if !works {
        println!("skipped: no strace here, or it may not trace; only size limits are tried");
    }
    works
});

#[test]
fn output_files() {
    SUITE.run(
        || {
            let world = World::shared();
            let gate = world.db.session();
            (world, gate)
        },
        |(world, gate), dice, run| {
            let verdict = unwritable(world, gate, dice, run);
            gate.run("SELECT pg_advisory_unlock_all()");
            verdict
        },
    );
}

/// Waits at the gate, if it is closed.
fn gated_question() -> Question {
    let question = World::question();
    Question {
        rows: question.rows.replace(
            "FROM origin_packages",
            "FROM origin_packages, (SELECT pg_advisory_xact_lock_shared(1) OFFSET 0) AS gate",
        ),
        ..question
    }
}

fn unwritable(world: &World, gate: &mut Session, dice: &mut Dice, run: u32) -> Verdict {
    let command = COMMANDS[run as usize % COMMANDS.len()];
    let rolled = Failure::roll(dice, command);
    let limit = Failure::SizeLimit(dice.below(250));
    let failure = if *STRACE { rolled } else { limit };
    let mut job = Job::new(command, gated_question());
    if command != Command::PerShard && dice.one_in(2) {
        job = job.with_older_file();
    }
    let server_info = format!("{command:?}, {failure:?}");
    let judged = ended(&job, world, gate, failure).and_then(|ran| job.judge(&ran, world));
    let outcome = judged.map_err(|fault| fault.with(&server_info))?;
    no_backends(&world.db, AT_ONCE)?;
    if failure.is_harmless() && outcome != Outcome::Complete {
        return wrong(format!(
            "{server_info}: {outcome:?} after a call that may be repeated"
        ));
    }
    if outcome != Outcome::Complete {
        job.again(&world.db, world)
            .map_err(|fault| fault.with(&server_info))?;
    }
    Ok(outcome)
}

fn ended(job: &Job, world: &World, gate: &mut Session, failure: Failure) -> Result<Ran, Fault> {
    let ours = env!("CARGO_BIN_EXE_shardq");
    match failure {
        Failure::SizeLimit(blocks) => {
            let limited = Program::new("sh")
                .args([
                    "-c",
                    &format!("ulimit -f {blocks}; exec \"$0\" \"$@\""),
                    ours,
                ])
                .args(job.args());
            finish(limited.db(&world.db).spawn(), DEADLINE)
        }
        Failure::Call(injection) => {
            let traced = injection.strace().args([ours]).args(job.args());
            finish(traced.db(&world.db).spawn(), DEADLINE)
        }
        Failure::Write(injection) => {
            gate.run("SELECT pg_advisory_lock(1)");
            let program = job.program(&world.db).args(["--lock-timeout", "0"]);
            let running = program.spawn();
            let draft = wait_for_draft(job);
            let tracer = injection
                .strace()
                .args(["-P"])
                .args([draft])
                .args(["-p", &running.id().to_string()])
                .spawn();
            tracer.wait_for_stderr(|text| text.contains("attached"));
            gate.run("SELECT pg_advisory_unlock_all()");
            let ran = finish(running, DEADLINE);
            drop(tracer);
            ran
        }
    }
}

/// The temporary file, which exists once the command has begun.
fn wait_for_draft(job: &Job) -> PathBuf {
    let draft = || {
        let names = fs::read_dir(job.folder()).unwrap().flatten();
        names
            .map(|entry| entry.path())
            .find(|path| path.to_string_lossy().contains("/.rows"))
    };
    eventually("the draft is there", || draft().is_some());
    draft().unwrap()
}
