//! Passwords typed at the terminal, as with psql's `-w` and `-W`, or when the server asks for one;
//! or printed by the profile's command instead.

use std::io;

use super::error::ConnectError;
use super::password_command;
use crate::config::{Password, PasswordPrompt, Settings};

/// Connects, prompting for a password first (`-W`) or when the server wants one and none is set.
/// A typed password that was accepted is used for later connections. `ask` is [`read_password`]
/// except in tests.
///
/// # Errors
/// Those of `connect`; without a terminal, that a password is needed.
pub async fn connect_with_prompt<T>(
    settings: Settings,
    ask: impl FnOnce(&str) -> io::Result<Password>,
    connect: impl AsyncFn(Settings) -> Result<T, ConnectError>,
) -> Result<T, ConnectError> {
    if let Some(typed) = settings.typed_password() {
        let connected = connect(settings.with_password(typed)).await;
        return match (connected, settings.password_command()) {
            // Tokens expire.
            (Err(refused), Some(command)) if refused.is_wrong_password() => {
                connect(settings.with_password(password_command::run(command).await?)).await
            }
            (connected, _) => connected,
        };
    }
    let with_typed = async |typed: Password| {
        let connected = connect(settings.with_password(typed.clone())).await;
        if connected.is_ok() {
            settings.remember_password(&typed);
        }
        connected
    };
    let prompt = format!("Password for user {}: ", settings.user());
    if settings.password_prompt() == PasswordPrompt::Always {
        let typed = ask(&prompt).map_err(ConnectError::prompt)?;
        return with_typed(typed).await;
    }
    let refused = match connect(settings.clone()).await {
        Err(error) if error.needs_password() => error,
        other => return other,
    };
    if let Some(command) = settings.password_command() {
        return with_typed(password_command::run(command).await?).await;
    }
    if settings.password_prompt() == PasswordPrompt::Never {
        return Err(refused);
    }
    match ask(&prompt) {
        Ok(typed) => with_typed(typed).await,
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            Err(ConnectError::prompt(error))
        }
        // No terminal: the server's message is the more useful one.
        Err(_) => Err(refused),
    }
}

/// Prompts on `/dev/tty`, so that pipes stay free for SQL and results. Blocks the thread, which
/// also keeps two prompts from interleaving.
///
/// # Errors
/// There is no terminal; `Interrupted` after Ctrl-C.
pub fn read_password(prompt: &str) -> io::Result<Password> {
    rpassword::prompt_password(prompt).map(|typed| Password::from(typed.as_str()))
}
