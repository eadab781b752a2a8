//! A thread that encodes, compresses, hashes and writes one file, so that none of
//! it holds up the reading of shards; and a short queue in front of it, so that a
//! slow disk or reader holds it up before memory does.

use crate::export::Text;
use crate::export::Written;
use crate::export::encoder::Books;
use crate::export::encoder::Input;
use crate::export::encoder::Trouble;
use std::io;
use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot};

use super::compress::{Content, Packed, Tally};
use super::text_encoder::{Beginning, TextFile};
use super::{ExportError, FileFormat, Kind, Target};
use crate::exec::driver::WriterFailed;
use crate::exec::merge::Recall;

/// Batches that may wait for the writer; each is some 32 KiB.
const WAITING: usize = 16;

/// The thread, seen from the run.
#[derive(Debug)]
pub(super) struct Writer {
    input: mpsc::Sender<Input>,
    done: oneshot::Receiver<Result<Written, ExportError>>,
    path: PathBuf,
}

impl Writer {
    /// # Errors
    /// If the format cannot be written.
    pub fn start(
        target: &Target,
        kind: Kind,
        text: Text,
        recall: Recall,
    ) -> Result<Self, ExportError> {
        let path = target.path().to_owned();
        let failed = |source| ExportError::File {
            file: path.clone(),
            source,
        };
        let tally = target.file().map(if target.is_stream() {
            Tally::of_stream
        } else {
            Tally::new
        })?;
        let mut encoder = match kind.format {
            #[cfg(feature = "parquet")]
            FileFormat::Parquet => Encoder::Parquet(Box::new(super::parquet::Parquet::new(
                tally,
                text.shard_column,
            ))),
            #[cfg(not(feature = "parquet"))]
            FileFormat::Parquet => return Err(ExportError::NoParquet),
            format => {
                let packed = Packed::new(kind.compression, tally).map_err(failed)?;
                let began = match recall {
                    Recall::Never => Beginning::Final,
                    Recall::UntilEnded => Beginning::NotYet,
                };
                Encoder::Text(Box::new(TextFile::new(format, text, packed, began)))
            }
        };
        let (input, mut waiting) = mpsc::channel(WAITING);
        let (tell, done) = oneshot::channel();
        let (name, is_stream) = (path.clone(), target.is_stream());
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                let mut books = Books::default();
                let mut work = || -> Result<Content, Trouble> {
                    while let Some(input) = waiting.blocking_recv() {
                        if let Input::End = input {
                            return encoder.finish();
                        }
                        encoder.take(input, &mut books)?;
                    }
                    // Whoever sent has gone: nobody wants it.
                    Err(io::Error::from(io::ErrorKind::Interrupted).into())
                };
                let written = work().map(|content| Written {
                    bytes: content.bytes,
                    sha256: content.sha256,
                    shard_bytes: books.shard_bytes,
                });
                // It may have a tail to write even now; whoever listens may use the file next.
                drop(encoder);
                // Nobody listens any more when the run was interrupted.
                let failed = |trouble: Trouble| trouble.of(name, kind, is_stream);
                let _ = tell.send(written.map_err(failed));
            })
            .map_err(failed)?;
        Ok(Self { input, done, path })
    }

    /// Hands something over; waits while too much is waiting.
    pub async fn take(&self, input: Input) -> Result<(), WriterFailed> {
        self.input.send(input).await.map_err(|_| WriterFailed)
    }

    /// Waits until all of it is written.
    pub async fn finish(self) -> Result<Written, ExportError> {
        // If it cannot be sent, the writer has ended and says why.
        let _ = self.input.send(Input::End).await;
        self.done
            .await
            .unwrap_or(Err(ExportError::Crashed(self.path)))
    }

    /// Waits until the thread has let go of the file.
    pub async fn abandon(self) -> Option<ExportError> {
        drop(self.input);
        match self.done.await {
            Ok(Err(ExportError::File { source, .. }))
                if source.kind() == io::ErrorKind::Interrupted =>
            {
                None
            }
            Ok(Err(error)) => Some(error),
            _ => None,
        }
    }
}

enum Encoder {
    Text(Box<TextFile>),
    #[cfg(feature = "parquet")]
    Parquet(Box<super::parquet::Parquet>),
}

impl Encoder {
    fn take(&mut self, input: Input, books: &mut Books) -> Result<(), Trouble> {
        match self {
            Self::Text(text) => text.take(input, books),
            #[cfg(feature = "parquet")]
            Self::Parquet(parquet) => parquet.take(input, books),
        }
    }

    fn finish(&mut self) -> Result<Content, Trouble> {
        match self {
            Self::Text(text) => text.finish(),
            #[cfg(feature = "parquet")]
            Self::Parquet(parquet) => parquet.finish(),
        }
    }
}
