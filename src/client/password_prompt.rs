//! Passwords typed at the terminal: psql's `-w`, `-W` and what it does between.

use std::io;

use super::error::ConnectError;
use crate::config::{Password, PasswordPrompt, Settings};

/// Connects, asking for a password first (`-W`) or when the server wants one that
/// nobody gave. A typed password is in the settings of all attempts that follow.
/// `ask` is [`read_password`] but for tests.
///
/// # Errors
/// As `connect`; without a terminal, that a password is needed.
pub async fn connect_with_prompt<T>(
    settings: Settings,
    ask: impl FnOnce(&str) -> io::Result<Password>,
    connect: impl AsyncFn(Settings) -> Result<T, ConnectError>,
) -> Result<T, ConnectError> {
    let prompt = format!("Password for user {}: ", settings.user());
    if settings.password_prompt() == PasswordPrompt::Always {
        let typed = ask(&prompt).map_err(ConnectError::prompt)?;
        return connect(settings.with_password(typed)).await;
    }
    let refused = match connect(settings.clone()).await {
        Err(error) if error.needs_password() => error,
        other => return other,
    };
    if settings.password_prompt() == PasswordPrompt::Never {
        return Err(refused);
    }
    match ask(&prompt) {
        Ok(password) => connect(settings.with_password(password)).await,
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            Err(ConnectError::prompt(error))
        }
        // No terminal: what the server said is the better message.
        Err(_) => Err(refused),
    }
}

/// Asks on `/dev/tty`, so that pipes stay free for SQL and results. Blocks the
/// thread, which also keeps two prompts from talking over one another.
///
/// # Errors
/// There is no terminal; `Interrupted` after Ctrl-C.
pub fn read_password(prompt: &str) -> io::Result<Password> {
    rpassword::prompt_password(prompt).map(|typed| Password::from(typed.as_str()))
}
