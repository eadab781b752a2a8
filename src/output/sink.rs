//! Where results go: standard output, or a file that is complete or absent.
//!
//! A separate thread writes, so that a reader who pauses delays neither Ctrl-C nor, until a few
//! blocks are waiting, the shards.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tokio::sync::{mpsc, oneshot};

use crate::output::atomic_file::{AtomicFile, IfExists};
use crate::output::format::RenderError;
use crate::output::open_file;
use crate::terminal::pager::{Pager, PagerError};
use crate::text::io_reason::io_reason;

/// Blocks that may wait for the reader; each is about 64 KiB.
const WAITING_BLOCKS: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Reader closed the pipe (EPIPE); not an error.
    #[error("the reader closed the pipe")]
    Closed,
    #[error("standard output: {}{}", io_reason(.0), advice(.0))]
    Output(io::Error),
    #[error("{}: {}{}", .file.display(), io_reason(source), advice(source))]
    File { file: PathBuf, source: io::Error },
    /// Failed before anything was written.
    #[error(transparent)]
    Render(#[from] RenderError),
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::FileTooLarge => {
            "\nshardq: hint: file size limit (ulimit -f) or limit of the file system reached; \
             raise it, or write less"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "\nshardq: hint: free some space, or write elsewhere"
        }
        io::ErrorKind::NotFound => "\nshardq: hint: the directory does not exist; create it first",
        io::ErrorKind::IsADirectory => "\nshardq: hint: name a file in it",
        io::ErrorKind::PermissionDenied => {
            "\nshardq: hint: the target's directory must be writable"
        }
        _ => "",
    }
}

/// An open destination. Dropping it leaves no file behind.
#[derive(Debug)]
pub struct Sink {
    commands: mpsc::Sender<Command>,
    /// The writer's result.
    ended: oneshot::Receiver<Result<SinkTarget, SinkError>>,
    draft: Option<AtomicFile>,
    is_terminal: bool,
}

#[derive(Debug)]
enum Command {
    Write(Vec<u8>),
    /// Discard what was written since the last checkpoint.
    Rewind,
    Checkpoint(oneshot::Sender<()>),
    /// What is written from now on goes through a pager.
    Page(Pager),
    /// Wait until the pager has ended.
    EndPage(oneshot::Sender<Result<(), PagerError>>),
}

#[derive(Debug)]
enum SinkTarget {
    Output,
    File { file: File, path: PathBuf },
}

impl Sink {
    pub fn stdout() -> Result<Self, SinkError> {
        Self::start(SinkTarget::Output, None)
    }

    /// # Errors
    /// If it cannot be created. Found out here, before any shard is queried.
    pub fn file(path: &Path) -> Result<Self, SinkError> {
        let failed = |source| SinkError::File {
            file: path.to_owned(),
            source,
        };
        let (file, draft) = match fs::metadata(path) {
            // A device or a pipe: there is nothing to rename.
            Ok(there) if !there.is_file() && !there.is_dir() => {
                open_file::stream(path).map(|file| (file, None))
            }
            _ => AtomicFile::create(path, IfExists::Replace)
                .and_then(|draft| Ok((draft.file()?, Some(draft)))),
        }
        .map_err(failed)?;
        let path = path.to_owned();
        Self::start(SinkTarget::File { file, path }, draft)
    }

    /// A file that is open and may hold other results. What is written stays.
    ///
    /// # Errors
    /// If the writer cannot be started.
    pub fn opened(path: &Path, file: File) -> Result<Self, SinkError> {
        let path = path.to_owned();
        Self::start(SinkTarget::File { file, path }, None)
    }

    fn start(mut target: SinkTarget, draft: Option<AtomicFile>) -> Result<Self, SinkError> {
        let is_terminal = match &target {
            SinkTarget::Output => io::stdout().is_terminal(),
            SinkTarget::File { file, .. } => file.is_terminal(),
        };
        let (commands, mut waiting) = mpsc::channel(WAITING_BLOCKS);
        let (end, ended) = oneshot::channel();
        let write_all = move || {
            let mut kept = 0;
            let mut pager: Option<Pager> = None;
            while let Some(command) = waiting.blocking_recv() {
                match command {
                    Command::Write(block) => match &mut pager {
                        Some(pager) => pager.write(&block),
                        None => target.write(&block)?,
                    },
                    Command::Page(opened) => pager = Some(opened),
                    Command::EndPage(ended) => {
                        let waited = pager.take().map_or(Ok(()), Pager::wait);
                        // The receiver may be gone.
                        let _ = ended.send(waited);
                    }
                    Command::Rewind => target.rewind(kept)?,
                    Command::Checkpoint(reached) => {
                        kept = target.position();
                        // The receiver may be gone.
                        let _ = reached.send(());
                    }
                }
            }
            Ok(target)
        };
        std::thread::Builder::new()
            .name("sink".to_owned())
            // The receiver may be gone.
            .spawn(move || drop(end.send(write_all())))
            .map_err(SinkError::Output)?;
        Ok(Self {
            commands,
            ended,
            draft,
            is_terminal,
        })
    }

    /// Waits while too many blocks are queued. `false` once the writer has failed;
    /// [`Sink::publish`] returns the error.
    pub async fn write(&self, block: Vec<u8>) -> bool {
        self.commands.send(Command::Write(block)).await.is_ok()
    }

    /// Passes to a pager what is written until [`Sink::end_page`].
    pub async fn page(&self, pager: Pager) {
        // The receiver is gone only when the writer has failed.
        let _ = self.commands.send(Command::Page(pager)).await;
    }

    /// Waits until the pager has ended.
    ///
    /// # Errors
    /// If it was not started.
    pub async fn end_page(&self) -> Result<(), PagerError> {
        let (end, ended) = oneshot::channel();
        let _ = self.commands.send(Command::EndPage(end)).await;
        // As above.
        ended.await.unwrap_or(Ok(()))
    }

    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Whether output stays invisible until [`Sink::publish`].
    pub fn can_rewind(&self) -> bool {
        self.draft.is_some()
    }

    /// Waits until everything is written. [`Sink::rewind`] goes back to here from now on. `false` if
    /// the writer has failed.
    pub async fn checkpoint(&self) -> bool {
        let (reached, written) = oneshot::channel();
        let sent = self.commands.send(Command::Checkpoint(reached)).await;
        sent.is_ok() && written.await.is_ok()
    }

    /// Discards what was written since the last checkpoint, if [`Sink::can_rewind`]. Errors are reported by
    /// [`Sink::publish`].
    pub async fn rewind(&self) {
        // The receiver is gone only when the writer has failed.
        let _ = self.commands.send(Command::Rewind).await;
    }

    /// Waits until everything is written, and renames a file into place.
    pub async fn publish(mut self) -> Result<(), SinkError> {
        let draft = self.draft.take();
        let target = self.finish().await?;
        if let (Some(draft), SinkTarget::File { path: file, .. }) = (draft, target) {
            draft
                .publish()
                .map_err(|source| SinkError::File { file, source })?;
        }
        Ok(())
    }

    /// Waits until everything is written, but leaves a file unpublished.
    pub async fn finish_partial(self) -> Result<(), SinkError> {
        self.finish().await.map(drop)
    }

    /// Waits for the writer, which may be waiting for its reader.
    async fn finish(self) -> Result<SinkTarget, SinkError> {
        drop(self.commands);
        let early = |_| {
            Err(SinkError::Output(io::Error::other(
                "the writer stopped unexpectedly",
            )))
        };
        self.ended.await.unwrap_or_else(early)
    }
}

/// Prints a text that is already complete. A reader that stops early is not an error.
pub async fn print(text: impl Into<Vec<u8>>) -> Result<(), SinkError> {
    let sink = Sink::stdout()?;
    sink.write(text.into()).await;
    match sink.publish().await {
        Err(SinkError::Closed) => Ok(()),
        printed => printed,
    }
}

impl SinkTarget {
    fn write(&mut self, block: &[u8]) -> Result<(), SinkError> {
        let written = match self {
            Self::Output => {
                let mut out = io::stdout().lock();
                out.write_all(block).and_then(|()| out.flush())
            }
            Self::File { file, .. } => file.write_all(block),
        };
        written.map_err(|source| self.failed(source))
    }

    /// In bytes; 0 where nothing can be rewound.
    fn position(&mut self) -> u64 {
        match self {
            // A pipe or a device may have none.
            Self::File { file, .. } => file.stream_position().unwrap_or_default(),
            Self::Output => 0,
        }
    }

    fn rewind(&mut self, kept: u64) -> Result<(), SinkError> {
        let Self::File { file, .. } = self else {
            return Ok(());
        };
        let rewound = file
            .set_len(kept)
            .and_then(|()| file.seek(SeekFrom::Start(kept)));
        rewound.map(drop).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> SinkError {
        match (source.kind(), self) {
            (io::ErrorKind::BrokenPipe, _) => SinkError::Closed,
            (_, Self::Output) => SinkError::Output(source),
            (_, Self::File { path, .. }) => SinkError::File {
                file: path.clone(),
                source,
            },
        }
    }
}
