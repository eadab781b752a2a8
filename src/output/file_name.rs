//! What the end of a file's name says of the file: `.csv`, or nothing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What is known of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says<T> {
    This(T),
    /// No ending, or one that is no format's: a number, `.txt`.
    Nothing,
    /// Another format, or an ending that nobody knows.
    SomethingElse,
}

/// A file that would not hold what its name says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: {command} does not write such files; it writes {known}. Use one of these extensions, or \
     set the format with --format{others}",
    .file.display()
)]
pub struct Mismatch {
    pub file: PathBuf,
    pub command: &'static str,
    /// The endings that it writes.
    pub known: String,
    /// What writes others.
    pub others: &'static str,
}

/// By the endings that are known, which need no dot and may have one inside (`csv.gz`).
/// Case does not matter; and the name need not be UTF-8 before its ending.
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
