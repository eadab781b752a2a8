//! Which flags of an export go together: those that would have no effect, or that the format or
//! the destination does not allow, are refused with the alternative, before anything connects.

use crate::cli::export::ExportOutputArgs;
use crate::commands::error::Error;
use crate::export::{ExportFormat, ExportTarget, FileFormat, dataset_dir};
use crate::pg::quote::Literal;

/// Refuses the first flag that does not fit.
pub(super) fn check(args: &ExportOutputArgs, kind: ExportFormat) -> Result<(), Error> {
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
    trouble.map_or(Ok(()), |trouble| Err(Error::Usage(trouble)))
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
