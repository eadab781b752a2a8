//! The request of an export: flags converted to what the rest of the code takes. Pure, except that
//! the statement may be read from a file. `check` says which flags go together, `options` what of
//! them the manifest records.

mod check;
mod options;

use crate::cli::export::{ExportArgs, ExportOutputArgs};
use crate::commands::databases::Targets;
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
use crate::export::{ExportFormat, ExportTarget, FileFormat};
use crate::output::format::RenderOptions;
use crate::sharding::script;
use crate::terminal::color::Paint;

/// The complete request.
#[derive(Clone, Copy)]
pub struct ExportRequest<'a> {
    pub args: &'a ExportArgs,
    pub kind: ExportFormat,
    /// Of the first database.
    pub settings: &'a Settings,
    pub targets: &'a Targets,
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
    check::check(args, kind)?;
    Ok(kind)
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
        search_path: args.shards.search_path(),
        instant: if args.run.no_snapshot {
            Consistency::PerShard
        } else {
            Consistency::SharedSnapshot
        },
        max_skew: args.run.max_skew(),
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
        snapshot: None,
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
}

fn shard_column(args: &ExportOutputArgs) -> Option<String> {
    // Readers take the shard from the names of the subfolders.
    (!args.no_shard_column && !args.per_shard)
        .then(|| args.shard_column.as_deref().unwrap_or("shard").to_owned())
}
