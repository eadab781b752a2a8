//! SIGINT, SIGTERM and SIGHUP: the first signal stops the run and cancels its statements on the
//! server; the second ends the process at once, unless a shell goes on with other runs. Signals that were ignored at startup stay ignored:
//! SIGHUP under `nohup`, and SIGINT for background jobs of a script.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, io};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::terminal::exit_status::Exit;

/// The same number on Linux, macOS and the BSDs.
const SIGXFSZ: i32 = 25;

/// Whether the process outlives the run that Ctrl-C stops.
static OUTLIVES_CTRL_C: AtomicBool = AtomicBool::new(false);

/// For a shell: a second Ctrl-C does not end the process.
pub fn outlive_ctrl_c() {
    OUTLIVES_CTRL_C.store(true, Ordering::Relaxed);
}

/// Set when cancellation was requested.
#[derive(Debug, Clone)]
pub struct Interrupt {
    requested: CancellationToken,
    _listening: Arc<Listening>,
    /// Whether SIGINT is for another program.
    ignores_ctrl_c: Arc<AtomicBool>,
}

/// Signals are heard until this is dropped.
#[derive(Debug)]
struct Listening(AbortHandle);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// SIGINT requests nothing until this is dropped.
#[derive(Debug)]
pub struct CtrlCIgnored(Arc<AtomicBool>);

impl Drop for CtrlCIgnored {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Interrupt {
    pub fn listen() -> io::Result<Self> {
        let ignored = InheritedIgnoredSignals::of_process();
        let mut interrupts = ignored.or_listen(SignalKind::interrupt())?;
        let mut terminations = ignored.or_listen(SignalKind::terminate())?;
        let mut hangups = ignored.or_listen(SignalKind::hangup())?;
        let requested = CancellationToken::new();
        let ignores_ctrl_c: Arc<AtomicBool> = Arc::default();
        let heard = (requested.clone(), Arc::clone(&ignores_ctrl_c));
        let listening = tokio::spawn(async move {
            let (requested, ignores_ctrl_c) = heard;
            loop {
                let mut is_final = requested.is_cancelled();
                tokio::select! {
                    () = next(&mut interrupts) => {
                        if ignores_ctrl_c.load(Ordering::Relaxed) {
                            continue;
                        }
                        is_final &= !OUTLIVES_CTRL_C.load(Ordering::Relaxed);
                    }
                    () = next(&mut terminations) => {}
                    () = next(&mut hangups) => {}
                }
                if is_final {
                    std::process::exit(Exit::Interrupted.status().into());
                }
                requested.cancel();
            }
        });
        Ok(Self {
            requested,
            _listening: Arc::new(Listening(listening.abort_handle())),
            ignores_ctrl_c,
        })
    }

    pub fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Waits until a signal has arrived.
    pub async fn requested(&self) {
        self.requested.cancelled().await;
    }

    /// For a program that runs on the same terminal and has its own use for Ctrl-C.
    pub fn ignore_ctrl_c(&self) -> CtrlCIgnored {
        self.ignores_ctrl_c.store(true, Ordering::Relaxed);
        CtrlCIgnored(Arc::clone(&self.ignores_ctrl_c))
    }
}

/// Makes exceeding `ulimit -f` a write error, like a full disk, instead of killing the process.
pub fn outlive_large_files() -> io::Result<()> {
    signal(SignalKind::from_raw(SIGXFSZ)).map(drop)
}

/// Waits forever if the signal is ignored.
async fn next(signals: &mut Option<Signal>) {
    match signals {
        Some(signals) => drop(signals.recv().await),
        None => pending().await,
    }
}

/// The signals that were ignored at startup: bit 0 is signal 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct InheritedIgnoredSignals(u64);

impl InheritedIgnoredSignals {
    /// From Linux's `/proc`. Empty elsewhere, where the question needs unsafe code.
    fn of_process() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self::in_status(&status)
    }

    fn in_status(status: &str) -> Self {
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        Self(mask.unwrap_or_default())
    }

    fn has(self, kind: SignalKind) -> bool {
        let bit = u32::try_from(kind.as_raw_value() - 1).unwrap_or(u32::MAX);
        self.0.checked_shr(bit).is_some_and(|mask| mask & 1 == 1)
    }

    fn or_listen(self, kind: SignalKind) -> io::Result<Option<Signal>> {
        if self.has(kind) {
            return Ok(None);
        }
        signal(kind).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_bit_by_bit() {
        let status =
            "SigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000002\n";
        let ignored = InheritedIgnoredSignals::in_status(status);
        assert!(ignored.has(SignalKind::hangup()));
        assert!(ignored.has(SignalKind::pipe()));
        assert!(!ignored.has(SignalKind::interrupt()));
        assert!(!ignored.has(SignalKind::terminate()));
        assert!(!InheritedIgnoredSignals::in_status("").has(SignalKind::hangup()));
    }
}
