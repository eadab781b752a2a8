//! Passwords typed at the terminal: psql's `-w`, `-W` and what it does between.

use std::io;

use super::dial::{Connected, connect};
use super::error::ConnectError;
use crate::settings::{Password, PasswordPrompt, Settings};

/// [`connect`], asking for a password first (`-W`) or when the server wants one
/// that nobody gave. A typed password stays in `settings`, for the connections
/// that follow. `ask` is [`at_terminal`] but for tests.
///
/// # Errors
/// As [`connect`]; without a terminal, that a password is needed.
pub async fn connect_asking(
    settings: &mut Settings,
    ask: impl FnOnce(&str) -> io::Result<Password>,
) -> Result<Connected, ConnectError> {
    let prompt = format!("Password for user {}: ", settings.user());
    if settings.password_prompt() == PasswordPrompt::Always {
        *settings = settings.with_password(ask(&prompt).map_err(ConnectError::prompt)?);
        return connect(settings).await;
    }
    let refused = match connect(settings).await {
        Err(error) if error.needs_password() => error,
        other => return other,
    };
    if settings.password_prompt() == PasswordPrompt::Never {
        return Err(refused);
    }
    match ask(&prompt) {
        Ok(password) => {
            *settings = settings.with_password(password);
            connect(settings).await
        }
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
pub fn at_terminal(prompt: &str) -> io::Result<Password> {
    rpassword::prompt_password(prompt).map(|typed| Password::from(typed.as_str()))
}
