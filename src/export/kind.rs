//! What kind of file: told by the end of its name, or by `--format`.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    pub format: FileFormat,
    pub compression: Compression,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    Csv,
    Tsv,
    Jsonl,
    Parquet,
}

/// Of the whole file. Parquet compresses inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no format; the formats are {formats}", formats = Kind::names().join(", "))]
pub struct UnknownKind(String);

impl Kind {
    pub const CSV: Self = Self {
        format: FileFormat::Csv,
        compression: Compression::None,
    };

    const ALL: [(&'static str, FileFormat, Compression); 10] = [
        ("csv", FileFormat::Csv, Compression::None),
        ("csv.gz", FileFormat::Csv, Compression::Gzip),
        ("csv.zst", FileFormat::Csv, Compression::Zstd),
        ("tsv", FileFormat::Tsv, Compression::None),
        ("tsv.gz", FileFormat::Tsv, Compression::Gzip),
        ("tsv.zst", FileFormat::Tsv, Compression::Zstd),
        ("jsonl", FileFormat::Jsonl, Compression::None),
        ("jsonl.gz", FileFormat::Jsonl, Compression::Gzip),
        ("jsonl.zst", FileFormat::Jsonl, Compression::Zstd),
        ("parquet", FileFormat::Parquet, Compression::None),
    ];

    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|(name, ..)| *name).collect()
    }

    /// By the end of a file's name, which need not be UTF-8 before that.
    pub fn of(file: &Path) -> Option<Self> {
        let name = file.file_name()?.as_bytes().to_ascii_lowercase();
        Self::ALL
            .iter()
            .find(|(ending, ..)| name.ends_with(format!(".{ending}").as_bytes()))
            .map(|&(_, format, compression)| Self {
                format,
                compression,
            })
    }

    /// The name of a file that lacks shards: `a.partial.csv.gz`.
    pub fn partial(file: &Path) -> PathBuf {
        let name = file.file_name().unwrap_or_default().as_bytes();
        let last_dot = name.iter().rposition(|&byte| byte == b'.');
        let at = match Self::of(file) {
            Some(kind) => name.len() - kind.ending().len() - 1,
            None => last_dot.filter(|&at| at > 0).unwrap_or(name.len()),
        };
        let (stem, ending) = name.split_at(at);
        file.with_file_name(OsStr::from_bytes(&[stem, b".partial", ending].concat()))
    }

    pub fn has_header(self) -> bool {
        matches!(self.format, FileFormat::Csv | FileFormat::Tsv)
    }

    /// The end of a name, without its dot.
    pub fn ending(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|&&(_, format, compression)| {
                (format, compression) == (self.format, self.compression)
            })
            .map_or("csv", |(name, ..)| *name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ending())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .find(|(name, ..)| *name == text)
            .map(|&(_, format, compression)| Self {
                format,
                compression,
            })
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_lacks_shards_says_so_before_its_ending() {
        let partial = |name: &str| Kind::partial(Path::new(name)).display().to_string();
        assert_eq!(partial("x/a.csv.gz"), "x/a.partial.csv.gz");
        assert_eq!(partial("a.b.csv"), "a.b.partial.csv");
        assert_eq!(partial("a.txt"), "a.partial.txt");
        assert_eq!(partial("a"), "a.partial");
    }

    #[test]
    fn a_name_that_is_not_utf_8_has_an_ending_all_the_same() {
        let file = Path::new(OsStr::from_bytes(b"caf\xe9.CSV.gz"));
        assert_eq!(Kind::of(file).map(Kind::ending), Some("csv.gz"));
        let partial = Path::new(OsStr::from_bytes(b"caf\xe9.partial.CSV.gz"));
        assert_eq!(Kind::partial(file), partial);
    }

    #[test]
    fn the_end_of_a_name_tells() {
        let of = |name: &str| Kind::of(Path::new(name)).map(Kind::ending);
        assert_eq!(of("a.csv"), Some("csv"));
        assert_eq!(of("/x/a.b.JSONL.gz"), Some("jsonl.gz"));
        assert_eq!(of("a.parquet"), Some("parquet"));
        assert_eq!(of("a.txt"), None);
        assert_eq!(of("csv"), None);
        assert_eq!(
            "csv.zst".parse(),
            Ok(Kind::of(Path::new("a.csv.zst")).unwrap())
        );
        assert!(
            "xls"
                .parse::<Kind>()
                .unwrap_err()
                .to_string()
                .contains("csv.gz")
        );
    }
}
