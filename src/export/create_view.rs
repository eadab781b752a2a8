//! `CREATE VIEW` for `DuckDB`, over the Parquet files of an export. Pure.

use std::path::Path;

use super::create_table::TableName;
use super::manifest::Manifest;
use crate::pg::quote::Literal;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoView {
    #[error("it is {0}; export it again with --format parquet")]
    NotParquet(String),
    #[error("its path is not UTF-8, which DuckDB needs")]
    NotUtf8,
    #[error("the current directory is unknown")]
    NoDirectory,
}

/// The view reads what is in the files at the time of a query. `export` is the absolute path of the
/// file or of the folder of `--per-shard`.
///
/// # Errors
/// If `DuckDB` could not read the files.
pub fn create_view(name: &TableName, export: &Path, manifest: &Manifest) -> Result<String, NoView> {
    if manifest.format != "parquet" {
        return Err(NoView::NotParquet(manifest.format.clone()));
    }
    let path = literal_pattern(export.to_str().ok_or(NoView::NotUtf8)?);
    let files = if manifest.file.is_some() {
        Literal(&path).to_string()
    } else {
        // Names of shards that look like numbers or dates are text nevertheless. `**` would look
        // into the hidden folder of an unfinished replacement.
        let pattern = format!("{path}/*/*.parquet");
        format!(
            "{}, hive_partitioning = true, hive_types_autocast = false",
            Literal(&pattern)
        )
    };
    let files = files.trim_start();
    Ok(format!(
        "CREATE VIEW {} AS SELECT * FROM read_parquet({files});\n",
        name.quoted()
    ))
}

/// A pattern that matches this path alone.
fn literal_pattern(path: &str) -> String {
    let mut pattern = String::new();
    for character in path.chars() {
        if matches!(character, '*' | '?' | '[') {
            pattern.extend(['[', character, ']']);
        } else {
            pattern.push(character);
        }
    }
    pattern
}
