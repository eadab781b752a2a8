//! The program of `--on-change`.

use std::io;
use std::os::fd::AsFd as _;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::exec::cancel::Interrupt;
use crate::terminal::console::Console;
use crate::text::io_reason::io_reason;

/// Runs the command with the shell, and gives it the text on its standard input. Its failure is a
/// warning. Returns once it has ended, or is interrupted.
pub async fn run(command: &str, text: &str, interrupt: &Interrupt, console: &mut Console) {
    let failure = tokio::select! {
        failure = ended(command, text) => failure,
        () = interrupt.requested() => None,
    };
    if let Some(failure) = failure {
        console.warning(&format!("--on-change {failure}"));
    }
}

/// Why it failed.
async fn ended(command: &str, text: &str) -> Option<String> {
    let run = async {
        // Standard output is for the changes.
        let stderr = io::stderr().as_fd().try_clone_to_owned()?;
        let mut child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::from(stderr))
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // It need not read it.
            let _ = input.write_all(text.as_bytes()).await;
        }
        child.wait().await
    };
    match run.await {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("failed: {status}")),
        Err(error) => Some(format!("could not be run: {}", io_reason(&error))),
    }
}
