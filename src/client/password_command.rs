//! A password printed by a program that the profile names: `pass`, a vault, a cloud's tokens.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::error::ConnectError;
use crate::config::Password;
use crate::config::profile::PasswordCommand;
use crate::text::io_reason::io_reason;

const LIMIT: Duration = Duration::from_secs(10);

/// Runs the program, without a shell. Its messages go to stderr; it cannot read standard input,
/// which may be SQL.
///
/// # Errors
/// If it fails, prints nothing or does not end in time. What it printed is never shown.
pub async fn run(command: &PasswordCommand) -> Result<Password, ConnectError> {
    let PasswordCommand { program, arguments } = command;
    let failed =
        |reason: String| ConnectError::internal(format!("password_command \"{program}\" {reason}"));
    let unusable = |error: io::Error| failed(format!("could not be run: {}", io_reason(&error)));
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(unusable)?;
    let output = tokio::time::timeout(LIMIT, child.wait_with_output())
        .await
        .map_err(|_| failed(format!("did not end within {} s", LIMIT.as_secs())))?
        .map_err(unusable)?;
    if !output.status.success() {
        return Err(failed(format!("failed: {}", output.status)));
    }
    let mut printed = output.stdout;
    if printed.last() == Some(&b'\n') {
        printed.pop();
    }
    if printed.is_empty() {
        return Err(failed("printed nothing".to_owned()));
    }
    Ok(Password::from(printed))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn printed(script: &str) -> Result<Vec<u8>, String> {
        let command = PasswordCommand {
            program: "sh".to_owned(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
        };
        let password = run(&command).await;
        let password = password.map_err(|error| error.to_string())?;
        Ok(password.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn the_output_is_the_password_but_for_its_line_break() {
        assert_eq!(printed("echo ' a b '").await.unwrap(), b" a b ");
        assert_eq!(printed("printf 'x\\n\\n'").await.unwrap(), b"x\n");
        // Standard input is empty.
        assert_eq!(printed("cat; echo x").await.unwrap(), b"x");
    }

    #[tokio::test]
    async fn a_failure_is_named_without_the_output() {
        for (script, reason) in [
            ("echo hunter2; exit 3", "failed: exit status: 3"),
            ("true", "printed nothing"),
        ] {
            let said = printed(script).await.unwrap_err();
            assert!(said.contains(reason) && !said.contains("hunter2"), "{said}");
        }
        let missing = PasswordCommand {
            program: "/no/such/program".to_owned(),
            arguments: Vec::new(),
        };
        let said = run(&missing).await.unwrap_err().to_string();
        assert!(said.contains("could not be run: No such file"), "{said}");
    }
}
