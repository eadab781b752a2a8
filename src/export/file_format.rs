//! Export formats, by file extension or `--format`.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::output::file_name::{Mismatch, Says, says};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportFormat {
    pub format: FileFormat,
    pub compression: Compression,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    Csv,
    Tsv,
    Jsonl,
    Parquet,
    Xlsx,
}

impl FileFormat {
    /// Whether rows that were written cannot be removed.
    pub fn is_append_only(self) -> bool {
        matches!(self, Self::Parquet | Self::Xlsx)
    }
}

/// Of the whole file. Parquet and workbooks compress internally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format '{0}'; expected one of {formats}", formats = ExportFormat::names().join(", "))]
pub struct UnknownKind(String);

impl ExportFormat {
    pub const CSV: Self = Self {
        format: FileFormat::Csv,
        compression: Compression::None,
    };

    /// Aliases follow the canonical name.
    const ALL: [(&'static str, Self); 14] = {
        use Compression::{Gzip, None, Zstd};
        use FileFormat::{Csv, Jsonl, Parquet, Tsv, Xlsx};
        [
            ("csv", Self::new(Csv, None)),
            ("csv.gz", Self::new(Csv, Gzip)),
            ("csv.zst", Self::new(Csv, Zstd)),
            ("tsv", Self::new(Tsv, None)),
            ("tsv.gz", Self::new(Tsv, Gzip)),
            ("tsv.zst", Self::new(Tsv, Zstd)),
            ("jsonl", Self::new(Jsonl, None)),
            ("jsonl.gz", Self::new(Jsonl, Gzip)),
            ("jsonl.zst", Self::new(Jsonl, Zstd)),
            ("parquet", Self::new(Parquet, None)),
            ("xlsx", Self::new(Xlsx, None)),
            ("ndjson", Self::new(Jsonl, None)),
            ("ndjson.gz", Self::new(Jsonl, Gzip)),
            ("ndjson.zst", Self::new(Jsonl, Zstd)),
        ]
    };

    const fn new(format: FileFormat, compression: Compression) -> Self {
        Self {
            format,
            compression,
        }
    }

    /// Canonical names only.
    pub fn names() -> Vec<&'static str> {
        let all = Self::ALL.iter();
        all.filter(|(name, kind)| kind.extension() == *name)
            .map(|(name, _)| *name)
            .collect()
    }

    /// By file extension; `None` if it is missing or unknown.
    pub fn of(file: &Path) -> Option<Self> {
        match says(file, &Self::ALL) {
            Says::This(kind) => Some(kind),
            Says::Nothing | Says::SomethingElse => None,
        }
    }

    /// Like [`Self::of`], for a file that is to be written.
    ///
    /// # Errors
    /// If the extension belongs to a format that export cannot write.
    pub fn named(file: &Path) -> Result<Option<Self>, Mismatch> {
        match says(file, &Self::ALL) {
            Says::This(kind) => Ok(Some(kind)),
            Says::Nothing => Ok(None),
            Says::SomethingElse => Err(Mismatch {
                file: file.to_owned(),
                command: "export",
                known: Self::names().join(", "),
                others: " (shardq query writes .json)",
            }),
        }
    }

    /// The name of a file that lacks shards: `a.partial.csv.gz`.
    pub fn partial(file: &Path) -> PathBuf {
        let name = file.file_name().unwrap_or_default().as_bytes();
        let last_dot = name.iter().rposition(|&byte| byte == b'.');
        let lower = name.to_ascii_lowercase();
        let endings = Self::ALL
            .iter()
            .map(|(extension, _)| format!(".{extension}"));
        let known = endings.filter(|extension| lower.ends_with(extension.as_bytes()));
        let at = match known.map(|extension| extension.len()).max() {
            Some(length) => name.len() - length,
            None => last_dot.filter(|&at| at > 0).unwrap_or(name.len()),
        };
        let (stem, extension) = name.split_at(at);
        file.with_file_name(OsStr::from_bytes(&[stem, b".partial", extension].concat()))
    }

    pub fn has_header(self) -> bool {
        matches!(self.format, FileFormat::Csv | FileFormat::Tsv)
    }

    /// The file extension, without its dot.
    pub fn extension(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, kind)| *kind == self);
        found.map_or("csv", |(name, _)| *name)
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}

impl FromStr for ExportFormat {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, kind)| *kind)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_lacks_shards_says_so_before_its_ending() {
        let partial = |name: &str| ExportFormat::partial(Path::new(name)).display().to_string();
        assert_eq!(partial("x/a.csv.gz"), "x/a.partial.csv.gz");
        assert_eq!(partial("a.b.csv"), "a.b.partial.csv");
        assert_eq!(partial("a.NDJSON.gz"), "a.partial.NDJSON.gz");
        assert_eq!(partial("a.txt"), "a.partial.txt");
        assert_eq!(partial("a"), "a.partial");
    }

    #[test]
    fn a_name_that_is_not_utf_8_has_an_ending_all_the_same() {
        let file = Path::new(OsStr::from_bytes(b"caf\xe9.CSV.gz"));
        assert_eq!(
            ExportFormat::of(file).map(ExportFormat::extension),
            Some("csv.gz")
        );
        let partial = Path::new(OsStr::from_bytes(b"caf\xe9.partial.CSV.gz"));
        assert_eq!(ExportFormat::partial(file), partial);
    }

    #[test]
    fn the_end_of_a_name_tells() {
        let of = |name: &str| ExportFormat::of(Path::new(name)).map(ExportFormat::extension);
        assert_eq!(of("a.csv"), Some("csv"));
        assert_eq!(of("/x/a.b.JSONL.gz"), Some("jsonl.gz"));
        assert_eq!(of("a.parquet"), Some("parquet"));
        assert_eq!(of("a.ndjson.zst"), Some("jsonl.zst"));
        assert_eq!(of("a.txt"), None);
        assert!(ExportFormat::named(Path::new("a.txt")).is_ok_and(|kind| kind.is_none()));
        assert!(ExportFormat::named(Path::new("a.csv.bz2")).is_err());
        assert_eq!(of("csv"), None);
        assert_eq!(
            "csv.zst".parse(),
            Ok(ExportFormat::of(Path::new("a.csv.zst")).unwrap())
        );
        assert!(
            "xls"
                .parse::<ExportFormat>()
                .unwrap_err()
                .to_string()
                .contains("csv.gz")
        );
    }
}
