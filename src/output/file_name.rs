//! Derives the format from a file's extension.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says<T> {
    This(T),
    /// No extension, or one that is no format's: a number, `.txt`.
    Nothing,
    /// Another format, or an unknown extension.
    SomethingElse,
}

/// The extension names a format that the command does not write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: {command} does not write such files; it writes {known}. Use one of these extensions, or \
     set the format with --format{others}",
    .file.display()
)]
pub struct Mismatch {
    pub file: PathBuf,
    pub command: &'static str,
    /// Extensions that it writes.
    pub known: String,
    /// Which command writes other formats.
    pub others: &'static str,
}

/// Known extensions have no leading dot and may contain one (`csv.gz`). Case is ignored, and
/// the name before the extension need not be UTF-8.
pub fn says<T: Copy>(file: &Path, known: &[(&'static str, T)]) -> Says<T> {
    let name = file.file_name().unwrap_or_default();
    let name = name.as_bytes().to_ascii_lowercase();
    let is = |ending: &str| name.ends_with(format!(".{ending}").as_bytes());
    if let Some((_, this)) = known.iter().find(|(ending, _)| is(ending)) {
        return Says::This(*this);
    }
    let ending = Path::new(OsStr::from_bytes(&name)).extension();
    match ending.unwrap_or_default().as_bytes() {
        b"txt" => Says::Nothing,
        ending if !ending.iter().any(u8::is_ascii_alphabetic) => Says::Nothing,
        _ => Says::SomethingElse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_says_what_is_in_a_file() {
        let known = [("csv.gz", 1), ("csv", 2)];
        let said = |name: &str| says(Path::new(name), &known);
        assert_eq!(said("x/a.b.CSV.gz"), Says::This(1));
        assert_eq!(said("a.csv"), Says::This(2));
        for name in [
            "csv",
            "a",
            ".csv2",
            "names.2026-11-27",
            "a.txt",
            "-",
            "/dev/fd/63",
            "a.",
        ] {
            assert_eq!(said(name), Says::Nothing, "{name}");
        }
        for name in [
            "a.gz",
            "a.csv.bz2",
            "a.xlsx",
            "a.csv.tmp",
            "a.parquet.gz",
            "x.JSON",
        ] {
            assert_eq!(said(name), Says::SomethingElse, "{name}");
        }
    }
}
