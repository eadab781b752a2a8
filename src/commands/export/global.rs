//! `shardq export --global`: the result of a global query in a file that is complete or absent.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::{ExportRequest, NEW_SNAPSHOT, column_types, finish, target};
use crate::cli::export::ExportArgs;
use crate::commands::error::Error;
use crate::commands::global::failure::failure;
use crate::commands::global::flags;
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

pub(super) async fn run(request: &ExportRequest<'_>, console: &mut Console) -> Result<Exit, Error> {
    let ExportRequest { args, kind, .. } = *request;
    check(args)?;
    let plan = plan(request.plan);
    let question = global::GlobalRequest {
        global: &args.global,
        shards: &args.shards,
        connections: args.run.connections,
        settings: request.settings,
        plan: &plan,
        interrupt: request.interrupt,
    };
    if args.global.explain || args.run.dry_run {
        return match global::explain(&question, console).await? {
            Some(text) => setup::print(text, request.interrupt).await,
            None => Ok(Exit::Interrupted),
        };
    }
    let opened = target::open(&args.output, request.interrupt).await?;
    let Some((mut target, mut sidecar)) = opened else {
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
        let work = session_setup::fetch_server_info(&prepared.preflight.session, &plan);
        let Some(server_info) =
            session_setup::run_or_cancel(&prepared.server, request.interrupt, work).await?
        else {
            return Ok(Exit::Interrupted);
        };
        let running = match prepared.start(&question, console).await? {
            StartResult::Started(running) => *running,
            other => match attempt.not_started(other, NEW_SNAPSHOT, console)? {
                Some(exit) => return Ok(exit),
                None => continue,
            },
        };
        // No progress estimate: there is only one statement.
        let mut file = OneFile::start(
            target,
            sidecar,
            kind,
            encoder(request, &server_info),
            MergeMode::IN_ORDER.restart,
            BTreeMap::new(),
        )?;
        let (started, policy) = (running.started, OnShardError::Stop);
        let driving = driver::drive_open(started, &mut file, console, request.interrupt, policy);
        let (mut outcome, heard) = driving.await?;
        if outcome.status != RunStatus::Retry {
            let columns = column_types::of_result(request, heard, &mut outcome).await;
            let finished = FinishedRun {
                request,
                plan,
                execution: running.execution,
                selection: running.selection,
                scope: running.scope,
                parts: running.parts,
                server_info,
                began,
                outcome,
                columns: columns.map(of_no_shard),
            };
            let is_stream = file.is_stream();
            let conclusion = conclude(finished, file, console);
            return if is_stream {
                finish::or_cancelled(conclusion, request.interrupt).await
            } else {
                conclusion.await
            };
        }
        (target, sidecar) = file.reset().await?;
        attempt
            .attempts
            .retry(outcome.rewritten, NEW_SNAPSHOT, console);
    }
}

/// Refuses flags that have no meaning for a global query.
fn check(args: &ExportArgs) -> Result<(), Error> {
    let output = &args.output;
    flags::refuse(&[
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
        (args.run.no_snapshot, "--no-snapshot", flags::ONE_INSTANT),
        (
            !args.shards.search_path.begins_with_shard(),
            "a schema before {shard} in --search-path",
            flags::SHARDED_FIRST,
        ),
        (
            output.no_shard_column,
            "--no-shard-column",
            flags::NO_COLUMN,
        ),
        (
            output.shard_column.is_some(),
            "--shard-column",
            flags::NAME_THE_COLUMN,
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

fn encoder(request: &ExportRequest<'_>, server: &ServerInfo) -> EncoderOptions {
    let mut options = request.encoder(server);
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
    request: &'a ExportRequest<'a>,
    plan: Plan,
    execution: ExecutionPlan,
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
    finished: FinishedRun<'_>,
    file: OneFile,
    console: &mut Console,
) -> Result<Exit, Error> {
    let outcome = &finished.outcome;
    let path = &finished.request.args.output.output;
    let (exit, written) = match outcome.status {
        RunStatus::Completed if outcome.failures.is_empty() => {
            let exit = global::exit(&finished.execution, &finished.selection.shards);
            (exit, publish(&finished, file).await.map(Some))
        }
        RunStatus::Interrupted => {
            // Do not wait for a reader that may be pausing.
            drop(file);
            (Exit::Interrupted, Ok(None))
        }
        _ => (Exit::Failed, file.abandon().await.map_or(Ok(None), Err)),
    };
    let answered = finished.execution.catalog().shards.len();
    let notices = &outcome.notices;
    notices.say(answered, &finished.plan.statement, console);
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
            Some(error) => Err(failure(
                error.clone(),
                &finished.outcome.explanations,
                &finished.execution,
                &finished.plan,
            )),
            None => Ok(exit),
        };
    };
    console.note(&line);
    if finished.request.args.run.timing {
        console.note(&global::timing(&finished.parts));
    }
    let taking_part = &finished.execution.catalog().shards;
    let summary = Summary {
        extent: ResultSummary::new(
            outcome.answers.iter().map(|(_, answer)| answer.rows).sum(),
            &finished.selection,
            taking_part.len(),
            |shard| taking_part.contains(&shard),
            finished.plan.instant.into(),
        ),
        scope: finished.scope.clone(),
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
async fn publish(finished: &FinishedRun<'_>, file: OneFile) -> Result<String, ExportError> {
    let columns = finished.columns.clone().map_err(ExportError::ColumnTypes)?;
    let unpublished = file.finish().await?;
    let particulars = manifest_builder::ManifestInputs {
        shard_column: None,
        options: options(finished.request),
        plan: &finished.plan,
        settings: finished.request.settings,
        server_info: &finished.server_info,
        began: finished.began,
        outcome: &finished.outcome,
        doubt: None,
        without_table: finished.selection.without_table.as_ref(),
        kind: finished.request.kind,
        header: finished.request.has_header(),
    };
    let record = manifest_builder::of_answer(
        &particulars,
        columns,
        unpublished.path(),
        &unpublished.written,
        &finished.selection.shards,
        finished.execution.catalog(),
    );
    let line = unpublished.describe();
    unpublished.publish(record).await?;
    Ok(line)
}

/// For the manifest: the request, in terms of the flags.
fn options(request: &ExportRequest<'_>) -> BTreeMap<String, serde_json::Value> {
    let args = request.args;
    let mut options = request.options();
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
