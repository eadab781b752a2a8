//! A thread that encodes, compresses, hashes and writes one file, so that this does not delay
//! reading from the shards. The bounded queue in front of it limits memory when the disk or
//! reader is slow.

use std::io;
use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot};

use super::compress::{CompressedWriter, FileDigest, HashingFile};
use super::text_encoder::{ShardStart, TextFile};
use super::{ExportError, ExportFormat, ExportTarget, FileFormat};
use crate::exec::merge::Restart;
use crate::exec::row_sink::OutputClosed;
use crate::export::encoder::{EncodeError, WriteStats, WriterCommand};
use crate::export::{EncoderOptions, Written};

/// Batches that may wait in the queue; each is about 32 KiB.
const WAITING: usize = 16;

/// Handle to the thread.
#[derive(Debug)]
pub(super) struct Writer {
    input: mpsc::Sender<WriterCommand>,
    done: oneshot::Receiver<Result<Written, ExportError>>,
    path: PathBuf,
}

impl Writer {
    /// # Errors
    /// If the format cannot be written.
    pub fn start(
        target: &ExportTarget,
        kind: ExportFormat,
        options: EncoderOptions,
        restart: Restart,
    ) -> Result<Self, ExportError> {
        let path = target.path().to_owned();
        let failed = |source| ExportError::File {
            file: path.clone(),
            source,
        };
        let hashing = target.file().map(if target.is_stream() {
            HashingFile::of_stream
        } else {
            HashingFile::new
        })?;
        let mut encoder = match kind.format {
            #[cfg(feature = "parquet")]
            FileFormat::Parquet => Encoder::Parquet(Box::new(super::parquet::Parquet::new(
                hashing,
                options.shard_column,
            ))),
            #[cfg(not(feature = "parquet"))]
            FileFormat::Parquet => return Err(ExportError::NotBuilt("parquet")),
            #[cfg(feature = "xlsx")]
            FileFormat::Xlsx => Encoder::Xlsx(Box::new(super::xlsx::Xlsx::new(
                hashing,
                options.shard_column,
                options.provenance,
            )?)),
            #[cfg(not(feature = "xlsx"))]
            FileFormat::Xlsx => return Err(ExportError::NotBuilt("xlsx")),
            format => {
                let packed = CompressedWriter::new(kind.compression, hashing).map_err(failed)?;
                let began = match restart {
                    Restart::Never => ShardStart::Irreversible,
                    Restart::WhileIncomplete => ShardStart::Unwritten,
                };
                Encoder::Text(Box::new(TextFile::new(format, options, packed, began)))
            }
        };
        let (input, mut waiting) = mpsc::channel(WAITING);
        let (tell, done) = oneshot::channel();
        let (name, is_stream) = (path.clone(), target.is_stream());
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                let mut stats = WriteStats::default();
                let mut work = || -> Result<FileDigest, EncodeError> {
                    while let Some(input) = waiting.blocking_recv() {
                        if let WriterCommand::End = input {
                            return encoder.finish();
                        }
                        encoder.take(input, &mut stats)?;
                    }
                    // The sender is gone: the file was abandoned.
                    Err(io::Error::from(io::ErrorKind::Interrupted).into())
                };
                let written = work().map(|content| Written {
                    bytes: content.bytes,
                    sha256: content.sha256,
                    shard_bytes: stats.shard_bytes,
                });
                // Dropping may still write; do it first, as the receiver may use the file next.
                drop(encoder);
                // After an abort, nobody receives this.
                let failed = |trouble: EncodeError| trouble.of(name, kind, is_stream);
                let _ = tell.send(written.map_err(failed));
            })
            .map_err(failed)?;
        Ok(Self { input, done, path })
    }

    /// Waits while the queue is full.
    pub async fn take(&self, input: WriterCommand) -> Result<(), OutputClosed> {
        self.input.send(input).await.map_err(|_| OutputClosed)
    }

    /// Waits until everything is written.
    pub async fn finish(self) -> Result<Written, ExportError> {
        // If sending fails, the writer has ended and `done` has its error.
        let _ = self.input.send(WriterCommand::End).await;
        self.done
            .await
            .unwrap_or(Err(ExportError::WriterPanicked(self.path)))
    }

    /// Waits until the thread has closed the file.
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
    #[cfg(feature = "xlsx")]
    Xlsx(Box<super::xlsx::Xlsx>),
}

impl Encoder {
    fn take(&mut self, input: WriterCommand, stats: &mut WriteStats) -> Result<(), EncodeError> {
        match self {
            Self::Text(text) => text.take(input, stats),
            #[cfg(feature = "parquet")]
            Self::Parquet(parquet) => parquet.take(input, stats),
            #[cfg(feature = "xlsx")]
            Self::Xlsx(xlsx) => xlsx.take(input, stats),
        }
    }

    fn finish(&mut self) -> Result<FileDigest, EncodeError> {
        match self {
            Self::Text(text) => text.finish(),
            #[cfg(feature = "parquet")]
            Self::Parquet(parquet) => parquet.finish(),
            #[cfg(feature = "xlsx")]
            Self::Xlsx(xlsx) => xlsx.finish(),
        }
    }
}
