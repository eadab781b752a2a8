//! How an export differs from its manifest. Each error names the file, and what was expected.

use std::io;
use std::path::PathBuf;

use crate::export::manifest::ManifestError;
use crate::text::escape::one_line;
use crate::text::io_reason::io_reason;

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("{}: {}", .file.display(), io_reason(source))]
    File { file: PathBuf, source: io::Error },
    #[error(
        "{}: does not match its manifest: {found}, expected {expected}",
        .file.display()
    )]
    Changed {
        file: PathBuf,
        found: String,
        expected: String,
    },
    /// The bytes match, but the content contradicts the manifest.
    #[error("{}: {found} {what}, but the manifest says {expected}", .file.display())]
    Differs {
        file: PathBuf,
        what: String,
        found: u64,
        expected: u64,
    },
    #[error(
        "{}: contains files that are not part of the export but that readers of it would read: {}; \
         move them away, or export again",
        .folder.display(),
        truncated_list(.files)
    )]
    Unlisted {
        folder: PathBuf,
        files: Vec<PathBuf>,
    },
    #[error("{}: the manifest contradicts itself: {what}", .file.display())]
    Contradiction { file: PathBuf, what: String },
    #[error(
        "{}: the export is not finished: {answered} of {expected} shards are there; run the same \
         command with --resume to export the others",
        .file.display()
    )]
    Unfinished {
        file: PathBuf,
        answered: usize,
        expected: usize,
    },
}

fn truncated_list(files: &[PathBuf]) -> String {
    const FEW: usize = 5;
    let shown = files.iter().take(FEW);
    let mut text: Vec<_> = shown
        .map(|file| one_line(&file.display().to_string()))
        .collect();
    if files.len() > FEW {
        text.push(format!("and {} more", files.len() - FEW));
    }
    text.join(", ")
}
