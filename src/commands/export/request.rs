//! The request of an export: flags converted to what the rest of the code takes. Pure, except that
//! the statement may be read from a file.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::cli::export::{ExportArgs, ExportOutputArgs};
use crate::commands::error::Error;
use crate::commands::keys;
use crate::config::Settings;
use crate::exec::cancel::Interrupt;
use crate::exec::copy::{CopyFormat, CopyOptions, ResultProtocol};
use crate::exec::driver::OnShardError;
use crate::exec::merge::Order;
use crate::exec::plan::{CheckFrequency, Consistency, Determinism, Plan, RowSecurity};
use crate::exec::verb::Verb;
use crate::export::encoder::EncoderOptions;
use crate::export::provenance::Provenance;
use crate::export::server_info::ServerInfo;
use crate::export::{ExportFormat, ExportTarget, FileFormat, dataset_dir};
use crate::output::format::RenderOptions;
use crate::pg::quote::Literal;
use crate::sharding::pattern::Pattern;
use crate::sharding::script;
use crate::sharding::shard_list::ShardList;
use crate::terminal::color::Paint;

/// The complete request.
#[derive(Clone, Copy)]
pub struct ExportRequest<'a> {
    pub args: &'a ExportArgs,
    pub kind: ExportFormat,
    pub settings: &'a Settings,
    pub plan: &'a Plan,
    pub interrupt: &'a Interrupt,
}

/// The format of the file, once all flags are known to be compatible.
pub fn kind(args: &ExportOutputArgs) -> Result<ExportFormat, Error> {
    let kind = match args.format() {
        Some(kind) => kind,
        // A folder may have any name; its files have their own extensions.
        None if args.per_shard => ExportFormat::of(&args.output).unwrap_or(ExportFormat::CSV),
        None => ExportFormat::named(&args.output)?.unwrap_or(ExportFormat::CSV),
    };
    if let Some((_, reason)) = incompatible_flags(args, kind)
        .into_iter()
        .find(|(given, _)| *given)
    {
        return Err(Error::Usage(reason.to_owned()));
    }
    let trouble = args
        .null
        .as_deref()
        .and_then(|null| validate_null_text(kind, null));
    trouble.map_or(Ok(kind), |trouble| Err(Error::Usage(trouble)))
}

/// Flags that would have no effect or are impossible, with the alternative.
fn incompatible_flags(args: &ExportOutputArgs, kind: ExportFormat) -> [(bool, &'static str); 10] {
    let format = kind.format;
    let is_stream = ExportTarget::is_stream_path(&args.output);
    [
        (
            args.excel && format != FileFormat::Csv,
            "--excel is for CSV; remove it, or write to a .csv file",
        ),
        (
            args.delimiter.is_some() && format != FileFormat::Csv,
            "--delimiter is for CSV; remove it, or write to a .csv file",
        ),
        (
            args.null.is_some() && !kind.has_header(),
            "--null is for CSV and TSV, because other formats have their own null; remove \
             it, or write to a .csv file",
        ),
        (
            args.tuples_only && !kind.has_header(),
            "--tuples-only is for CSV and TSV, because other formats have no header line; \
             remove it, or write to a .csv file",
        ),
        (
            args.bigint_as_string && format != FileFormat::Jsonl,
            "--bigint-as-string is for JSON lines; remove it (other formats keep all digits), or \
             write to a .jsonl file",
        ),
        (
            args.per_shard && is_stream,
            "--per-shard writes a directory with one file per shard, not a stream; name a \
             directory, or remove the flag",
        ),
        (
            args.per_shard && !dataset_dir::is_key(args.folder_key()),
            "--shard-column with --per-shard is part of directory names (NAME=shard_30): it must \
             not be empty, begin with . or _, or contain / \\ = % or a control character",
        ),
        (
            args.per_shard && args.no_shard_column,
            "--no-shard-column cannot be used with --per-shard, whose files have no such column \
             anyway; remove it",
        ),
        (
            args.allow_partial && format.is_append_only(),
            "--allow-partial removes the rows of a shard that fails partway, which Parquet and \
             Excel workbooks do not allow",
        ),
        (
            args.allow_partial && is_stream,
            "--allow-partial renames the file and removes rows, which a stream does not allow",
        ),
    ]
}

/// Refuses NULL texts that a reader cannot tell from data or from the end of the file. CSV quotes
/// data that equals the NULL text; TSV cannot.
fn validate_null_text(kind: ExportFormat, null: &str) -> Option<String> {
    match kind.format {
        FileFormat::Csv if null == r"\." => Some(
            r"--null '\.' alone on a line would end the data where COPY reads it; choose another"
                .to_owned(),
        ),
        FileFormat::Tsv if null != r"\N" => Some(format!(
            "--null {0} in TSV: an equal string could not be told from NULL. Remove it (TSV has \
             \\N for NULL, which no string looks like), export CSV (which quotes such a string), \
             or replace NULL in the query: coalesce(column::text, {0})",
            Literal(null)
        )),
        _ => None,
    }
}

pub fn plan(args: &ExportArgs, kind: ExportFormat) -> Result<Plan, Error> {
    let filter = keys::filter(&args.shards, &args.statement)?;
    let statement = script::only_statement(&args.statement.sources, &args.statement.variables)?;
    let copy = |format| {
        ResultProtocol::Copy(CopyOptions {
            format,
            null: args.output.null.clone(),
            delimiter: args.output.delimiter.unwrap_or_default(),
            shard_column: shard_column(&args.output).is_some(),
        })
    };
    // Statements that COPY does not accept get the same error as in `query`.
    let is_copied = Verb::of(&statement) != Verb::Changes;
    Ok(Plan {
        statement: statement.unterminated()?,
        layout: args.shards.layout(),
        filter,
        search_path: args.shards.search_path.clone(),
        instant: if args.run.no_snapshot {
            Consistency::PerShard
        } else {
            Consistency::SharedSnapshot
        },
        pinned: match args.output.order {
            Order::Shard => Determinism::RowOrder,
            // The order of the rows is free, so parallel workers are allowed.
            Order::Arrival => Determinism::ValueFormat,
        },
        limits: args.limits.into(),
        transfer: match kind.format {
            FileFormat::Csv if is_copied && !args.output.excel => copy(CopyFormat::Csv),
            FileFormat::Tsv if is_copied => copy(CopyFormat::Text),
            _ => ResultProtocol::SimpleQuery,
        },
        // The file of a shard is published as soon as the shard has finished.
        check: if args.output.per_shard {
            CheckFrequency::EachShard
        } else {
            CheckFrequency::Batches
        },
        row_security: if args.run.row_security {
            RowSecurity::Apply
        } else {
            RowSecurity::Fail
        },
        lock: Vec::new(),
    })
}

impl ExportRequest<'_> {
    pub fn is_stream(&self) -> bool {
        ExportTarget::is_stream_path(&self.args.output.output)
    }

    /// A stream has no sidecar.
    pub fn has_manifest(&self) -> bool {
        !self.is_stream() && !self.args.output.no_manifest
    }

    pub fn encoder(&self, server: &ServerInfo) -> EncoderOptions {
        let args = &self.args.output;
        EncoderOptions {
            options: RenderOptions {
                tuples_only: args.tuples_only,
                null: args.null.clone(),
                bigint_as_string: args.bigint_as_string,
                delimiter: args.delimiter.unwrap_or_default(),
                shard_column: self.shard_column().is_some(),
                paint: Paint::Plain,
            },
            shard_column: self.shard_column(),
            excel: args.excel,
            provenance: Provenance::new(self.plan, self.settings, server),
        }
    }

    pub fn has_header(&self) -> bool {
        self.kind.has_header() && !self.args.output.tuples_only
    }

    pub fn shard_column(&self) -> Option<String> {
        shard_column(&self.args.output)
    }

    /// Without `--allow-partial`, a single file is lost once a shard has failed.
    pub fn policy(&self) -> OnShardError {
        if self.args.output.allow_partial {
            OnShardError::Continue
        } else {
            OnShardError::Stop
        }
    }

    /// For the manifest: the request, in terms of the flags.
    pub fn options(&self) -> BTreeMap<String, Value> {
        let args = self.args;
        let text = |value: &Option<String>| value.clone().map(Value::from);
        let flag = |given: bool| given.then_some(Value::from(true));
        let options = [
            ("connections", Some(args.run.connections.into())),
            ("statement-timeout", Some(milliseconds(args.limits.timeout))),
            ("lock-timeout", Some(milliseconds(args.limits.lock_timeout))),
            ("no-snapshot", flag(args.run.no_snapshot)),
            ("row-security", flag(args.run.row_security)),
            ("order-arrival", flag(args.output.order == Order::Arrival)),
            ("allow-partial", flag(args.output.allow_partial)),
            ("excel", flag(args.output.excel)),
            ("tuples-only", flag(args.output.tuples_only)),
            ("bigint-as-string", flag(args.output.bigint_as_string)),
            ("per-shard", flag(args.output.per_shard)),
            ("shard-column", text(&args.output.shard_column)),
            ("no-shard-column", flag(args.output.no_shard_column)),
            ("shards", list(self.plan.filter.listed.as_ref())),
            ("exclude-shards", list(self.plan.filter.excluded.as_ref())),
            ("having-table", text(&self.plan.filter.having_table)),
            ("schemas", patterns(&args.shards.layout.schemas)),
            (
                "exclude-schemas",
                patterns(&args.shards.layout.exclude_schemas),
            ),
            (
                "schemas-from",
                (args.shards.schemas_from.as_ref()).map(|sql| sql.as_str().into()),
            ),
            ("origin", origins(&args.shards.origin)),
            ("key", origins(&args.shards.key)),
            (
                "key-from",
                (args.shards.key_from.as_ref()).map(|file| file.display().to_string().into()),
            ),
            ("kind", text(&args.shards.kind)),
            ("null", text(&args.output.null)),
            (
                "delimiter",
                text(&args.output.delimiter.as_ref().map(ToString::to_string)),
            ),
            ("expect-shards", args.shards.expect_shards.map(Value::from)),
        ];
        options
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}

fn shard_column(args: &ExportOutputArgs) -> Option<String> {
    // Readers take the shard from the names of the subfolders.
    (!args.no_shard_column && !args.per_shard)
        .then(|| args.shard_column.as_deref().unwrap_or("shard").to_owned())
}

/// What was in the files, which may change.
fn list(list: Option<&ShardList>) -> Option<Value> {
    list.map(|list| list.to_string().into())
}

fn patterns(patterns: &[Pattern]) -> Option<Value> {
    let listed: Vec<_> = patterns.iter().map(ToString::to_string).collect();
    (!listed.is_empty()).then(|| listed.into())
}

/// A single value as text, several as a list.
fn origins(names: &[String]) -> Option<Value> {
    match names {
        [] => None,
        [only] => Some(only.clone().into()),
        several => Some(several.to_vec().into()),
    }
}

fn milliseconds(time: Duration) -> Value {
    format!("{} ms", time.as_millis()).into()
}
