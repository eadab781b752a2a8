//! `shardq export --global`: the result of a global query in a file that is complete or absent.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::{ExportRequest, NEW_SNAPSHOT, column_types, finish, target};
use crate::cli::export::ExportArgs;
use crate::commands::error::Error;
use crate::commands::global::{self, GlobalAttempt, StartResult};
use crate::commands::session_setup::{self, ServerInfo};
use crate::commands::setup;
use crate::exec::copy::{CopyOptions, ResultProtocol};
use crate::exec::driver::{self, OnShardError};
use crate::exec::fanout::ShardStats;
use crate::exec::merge::{MergeMode, Order};
use crate::exec::plan::{Consistency, Determinism, Plan};
use crate::exec::run_report::{RunReport, RunStatus};
use crate::export::encoder::EncoderOptions;
use crate::export::manifest::ColumnRecord;
use crate::export::{ExportError, ExportTarget, OneFile, manifest_builder};
use crate::global::{ExecutionPlan, Strategy};
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{ResultSummary, Scope, Summary};

pub(super) async fn run(asked: &ExportRequest<'_>, console: &mut Console) -> Result<Exit, Error> {
    let ExportRequest { args, kind, .. } = *asked;
    check(args)?;
    let plan = plan(asked.plan);
    let question = global::GlobalRequest {
        global: &args.global,
        shards: &args.shards,
        connections: args.run.connections,
        settings: asked.settings,
        plan: &plan,
        interrupt: asked.interrupt,
    };
    if args.global.explain || args.run.dry_run {
        return match global::explain(&question, console).await? {
            Some(text) => setup::print(text, asked.interrupt).await,
            None => Ok(Exit::Interrupted),
        };
    }
    let opened = target::open(&args.output, asked.interrupt).await?;
    let Some((mut target, mut beside)) = opened else {
        return Ok(Exit::Interrupted);
    };
    if target.is_terminal() {
        console.progress_line().end();
    }
    let mut attempt = GlobalAttempt::first(&args.global);
    loop {
        attempt.attempts.begin()?;
        let began = Timestamp::now();
        let locking = attempt.attempts.plan(&plan);
        let question = global::GlobalRequest {
            plan: &locking,
            ..question
        };
        let Some(prepared) = global::prepare(&question, &attempt, console).await? else {
            return Ok(Exit::Interrupted);
        };
        let work = session_setup::fetch_server_info(&prepared.survey.session, &plan);
        let Some(server_info) =
            session_setup::run_or_cancel(&prepared.server, asked.interrupt, work).await?
        else {
            return Ok(Exit::Interrupted);
        };
        let going = match prepared.start(&question, console).await? {
            StartResult::Started(going) => *going,
            other => match attempt.not_started(other, NEW_SNAPSHOT, console)? {
                Some(exit) => return Ok(exit),
                None => continue,
            },
        };
        // No progress estimate: there is only one statement.
        let mut file = OneFile::start(
            target,
            beside,
            kind,
            encoder(asked, &server_info),
            MergeMode::IN_ORDER.restart,
            BTreeMap::new(),
        )?;
        let (started, policy) = (going.started, OnShardError::Stop);
        let driving = driver::drive_open(started, &mut file, console, asked.interrupt, policy);
        let (mut outcome, heard) = driving.await?;
        if outcome.status != RunStatus::Retry {
            let columns = column_types::of_result(asked, heard, &mut outcome).await;
            let ran = FinishedRun {
                asked,
                plan,
                way: going.way,
                selection: going.selection,
                scope: going.scope,
                parts: going.parts,
                server_info,
                began,
                outcome,
                columns: columns.map(of_no_shard),
            };
            let is_stream = file.is_stream();
            let conclusion = conclude(ran, file, console);
            return if is_stream {
                finish::or_cancelled(conclusion, asked.interrupt).await
            } else {
                conclusion.await
            };
        }
        (target, beside) = file.reset().await?;
        attempt
            .attempts
            .retry(outcome.rewritten, NEW_SNAPSHOT, console);
    }
}

/// Refuses flags that have no meaning for a global query.
fn check(args: &ExportArgs) -> Result<(), Error> {
    let output = &args.output;
    global::refuse(&[
        (
            output.resume,
            "--resume",
            "a global query is exported as a whole; remove the flag and --per-shard",
        ),
        (
            output.per_shard,
            "--per-shard",
            "a global query is exported to one file; remove the flag, or remove --global to export \
             the rows of each shard",
        ),
        (
            output.allow_partial,
            "--allow-partial",
            "a global result without one of its shards is a different result; use --skip-missing \
             to skip shards that lack a table or a column, or --shards to select shards",
        ),
        (
            output.order == Order::Arrival,
            "--order arrival",
            "the statement determines the order of a global query; remove the flag",
        ),
        (args.run.no_snapshot, "--no-snapshot", global::ONE_INSTANT),
        (
            !args.shards.search_path.begins_with_shard(),
            "a schema before {shard} in --search-path",
            global::SHARDED_FIRST,
        ),
        (
            output.no_shard_column,
            "--no-shard-column",
            global::NO_COLUMN,
        ),
        (
            output.shard_column.is_some(),
            "--shard-column",
            global::NAME_THE_COLUMN,
        ),
    ])
}

/// The same plan without a shard column.
fn plan(plan: &Plan) -> Plan {
    let transfer = match &plan.transfer {
        ResultProtocol::SimpleQuery => ResultProtocol::SimpleQuery,
        ResultProtocol::Copy(copying) => ResultProtocol::Copy(CopyOptions {
            shard_column: false,
            ..copying.clone()
        }),
    };
    Plan {
        transfer,
        instant: Consistency::SharedSnapshot,
        // A single statement needs its parallel workers for speed; ORDER BY alone decides the
        // order.
        pinned: Determinism::ScanStart,
        ..plan.clone()
    }
}

fn encoder(asked: &ExportRequest<'_>, server: &ServerInfo) -> EncoderOptions {
    let mut options = asked.encoder(server);
    options.shard_column = None;
    options.options.shard_column = false;
    options
}

/// The final statement only ran under the first shard's name.
fn of_no_shard(mut columns: Vec<ColumnRecord>) -> Vec<ColumnRecord> {
    for declared in columns.iter_mut().flat_map(|column| &mut column.declared) {
        declared.shards = None;
    }
    columns
}

/// A finished run.
struct FinishedRun<'a> {
    asked: &'a ExportRequest<'a>,
    plan: Plan,
    way: ExecutionPlan,
    /// The selected shards.
    selection: Selection,
    scope: Scope,
    parts: Vec<(Shard, ShardStats)>,
    server_info: ServerInfo,
    began: Timestamp,
    outcome: RunReport,
    /// For the manifest, or why they are unknown.
    columns: Result<Vec<ColumnRecord>, String>,
}

/// Reports the outcome, and publishes the file if the answer is complete.
async fn conclude(
    ran: FinishedRun<'_>,
    file: OneFile,
    console: &mut Console,
) -> Result<Exit, Error> {
    let outcome = &ran.outcome;
    let path = &ran.asked.args.output.output;
    let (exit, written) = match outcome.status {
        RunStatus::Completed if outcome.failures.is_empty() => {
            let exit = global::exit(&ran.way, &ran.selection.shards);
            (exit, publish(&ran, file).await.map(Some))
        }
        RunStatus::Interrupted => {
            // Do not wait for a reader that may be pausing.
            drop(file);
            (Exit::Interrupted, Ok(None))
        }
        _ => (Exit::Failed, file.abandon().await.map_or(Ok(None), Err)),
    };
    let answered = ran.way.catalog().shards.len();
    let notices = &outcome.notices;
    notices.say(answered, &ran.plan.statement, console);
    let line = match written {
        Ok(line) => line,
        Err(ExportError::Closed) if outcome.failures.is_empty() => return Ok(Exit::Complete),
        Err(ExportError::Closed) => None,
        Err(error) => {
            if error.leaves_all_as_it_was() {
                not_written(path, console);
            }
            return Err(relabel_error(error).into());
        }
    };
    let Some(line) = line else {
        not_written(path, console);
        return match outcome.failures.first() {
            Some(error) => Err(global::failure(
                error.clone(),
                &ran.outcome.explanations,
                &ran.way,
                &ran.plan,
            )),
            None => Ok(exit),
        };
    };
    console.note(&line);
    if ran.asked.args.run.timing {
        console.note(&global::timing(&ran.parts));
    }
    let taking_part = &ran.way.catalog().shards;
    let summary = Summary {
        extent: ResultSummary {
            rows: outcome.answers.iter().map(|(_, answer)| answer.rows).sum(),
            answered: taking_part.len(),
            expected: ran.selection.expected(),
            missing: ran.selection.missing(|shard| taking_part.contains(&shard)),
            origins: ran.selection.origins.clone(),
            instants: ran.plan.instant.into(),
        },
        scope: ran.scope.clone(),
        elapsed: console.elapsed(),
    };
    console.summary(&summary.line());
    Ok(exit)
}

fn not_written(path: &Path, console: &mut Console) {
    if !ExportTarget::is_stream_path(path) {
        console.error(&format!("{} was not written", path.display()));
    }
}

/// The final statement only ran under the first shard's name.
fn relabel_error(error: ExportError) -> ExportError {
    match error {
        ExportError::Value {
            column,
            value,
            type_name,
            format,
            ..
        } => ExportError::Value {
            column,
            shard: "the answer".to_owned(),
            value,
            type_name,
            format,
        },
        error => error,
    }
}

/// Finishes and publishes the file; returns a line about what was written.
async fn publish(ran: &FinishedRun<'_>, file: OneFile) -> Result<String, ExportError> {
    let columns = ran.columns.clone().map_err(ExportError::ColumnTypes)?;
    let finished = file.finish().await?;
    let particulars = manifest_builder::ManifestInputs {
        shard_column: None,
        options: options(ran.asked),
        plan: &ran.plan,
        settings: ran.asked.settings,
        server_info: &ran.server_info,
        began: ran.began,
        outcome: &ran.outcome,
        doubt: None,
        without_table: ran.selection.without_table.as_ref(),
        kind: ran.asked.kind,
        header: ran.asked.has_header(),
    };
    let record = manifest_builder::of_answer(
        &particulars,
        columns,
        finished.path(),
        &finished.written,
        &ran.selection.shards,
        ran.way.catalog(),
    );
    let line = finished.describe();
    finished.publish(record).await?;
    Ok(line)
}

/// For the manifest: the request, in terms of the flags.
fn options(asked: &ExportRequest<'_>) -> BTreeMap<String, serde_json::Value> {
    let args = asked.args;
    let mut options = asked.options();
    options.insert("global".to_owned(), true.into());
    if args.global.colocated {
        options.insert("colocated".to_owned(), true.into());
    }
    if args.global.float_sums_in_parts {
        options.insert("float-sums-in-parts".to_owned(), true.into());
    }
    if args.global.skip_missing {
        options.insert("skip-missing".to_owned(), true.into());
    }
    let strategy = match args.global.strategy {
        Strategy::Auto => "auto",
        Strategy::One => "one",
        Strategy::Partial => "partial",
    };
    options.insert("strategy".to_owned(), strategy.into());
    options
}
