//! Where results go: standard output, or a file that is whole or absent.
//!
//! A thread of its own does the writing, so that a reader who pauses holds up
//! neither Ctrl-C nor, until a few blocks are waiting, the reading of shards.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use tokio::sync::{mpsc, oneshot};

use crate::output::atomic_file::{AtomicFile, IfExists};
use crate::output::format::RenderError;
use crate::output::open_file;

/// Blocks that may wait for the reader; each is some 64 KiB.
const WAITING_BLOCKS: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Whoever read our output has had enough. Not an error to anybody.
    #[error("the reader closed the pipe")]
    Closed,
    #[error("standard output: {0}{advice}", advice = advice(.0))]
    Output(io::Error),
    #[error("{}: {source}{}", .file.display(), advice(source))]
    File { file: PathBuf, source: io::Error },
    /// It did not come to writing.
    #[error(transparent)]
    Render(#[from] RenderError),
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::FileTooLarge => {
            "\nshardq: hint: file size limit (ulimit -f) or limit of the file system reached; \
             raise it, or write less"
        }
        _ => "",
    }
}

/// An open destination. Dropping it leaves no file behind.
#[derive(Debug)]
pub struct Sink {
    commands: mpsc::Sender<Command>,
    /// What the writer says when it ends.
    ended: oneshot::Receiver<Result<SinkTarget, SinkError>>,
    draft: Option<AtomicFile>,
}

#[derive(Debug)]
enum Command {
    Write(Vec<u8>),
    /// Forget what was written.
    Rewind,
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
    /// If nothing can be written there: better said before the shards are asked.
    pub fn file(path: &Path) -> Result<Self, SinkError> {
        let failed = |source| SinkError::File {
            file: path.to_owned(),
            source,
        };
        let (file, draft) = match fs::metadata(path) {
            // A device, a pipe: there is nothing to rename.
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

    fn start(mut target: SinkTarget, draft: Option<AtomicFile>) -> Result<Self, SinkError> {
        let (commands, mut waiting) = mpsc::channel(WAITING_BLOCKS);
        let (end, ended) = oneshot::channel();
        let write_all = move || {
            while let Some(command) = waiting.blocking_recv() {
                match command {
                    Command::Write(block) => target.write(&block)?,
                    Command::Rewind => target.rewind()?,
                }
            }
            Ok(target)
        };
        std::thread::Builder::new()
            .name("sink".to_owned())
            // Nobody may be left who wants to know.
            .spawn(move || drop(end.send(write_all())))
            .map_err(SinkError::Output)?;
        Ok(Self {
            commands,
            ended,
            draft,
        })
    }

    /// Hands a block to the writer; waits while too many are waiting. `false`
    /// once the writer has failed: [`Sink::publish`] tells why.
    pub async fn write(&self, block: Vec<u8>) -> bool {
        self.commands.send(Command::Write(block)).await.is_ok()
    }

    /// Whether nobody sees what was written before [`Sink::publish`].
    pub fn can_rewind(&self) -> bool {
        self.draft.is_some()
    }

    /// Forgets what was written, where [`Sink::can_rewind`]. A failure is told as that of a
    /// write is.
    pub async fn rewind(&self) {
        // The receiver is gone only when the writer has failed.
        let _ = self.commands.send(Command::Rewind).await;
    }

    /// Waits until all is written, and gives a file its name.
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

    /// Waits until all is written; a file does not get its name.
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

/// Prints a text that is complete already. That its reader has had enough of it is
/// no error.
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

    fn rewind(&mut self) -> Result<(), SinkError> {
        let Self::File { file, .. } = self else {
            return Ok(());
        };
        let rewound = file.set_len(0).and_then(|()| file.rewind());
        rewound.map_err(|source| self.failed(source))
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
