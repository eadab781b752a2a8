//! Passwords: sent, prompted for, read from passfiles.

use std::io;

use shardq::client::password_prompt::connect_with_prompt;
use shardq::client::{ConnectError, connect};
use shardq::config::Settings;
use tokio_postgres::error::SqlState;

use crate::support::{Call, PASSWORD, SHARED};

#[tokio::test]
async fn passfiles_are_read_as_psql_reads_them() {
    let port = SHARED.sandbox.port();
    let right = r"pass\:w\\ord";
    let passfiles = [
        format!("localhost:{port}:postgres:scram:{right}\n"),
        format!("# comment\n\n*:*:*:*:{right}\r\n"),
        format!("localhost:{port}:*:scram:wrong\n*:*:*:*:{right}\n"),
        format!("127.0.0.1:*:*:*:wrong\n*:*:*:*:{right}\n"),
        format!("local*:*:*:*:wrong\n*:*:*:*:{right}\n"),
        format!("*:*:*:*:\n*:*:*:*:{right}\n"),
        "*:*:*:*:pass:w\\ord\n".to_owned(),
        format!("*:*:*:{right}\n"),
        String::new(),
    ];
    for passfile in passfiles {
        let target = format!("host=localhost port={port} user=scram dbname=postgres");
        let call = Call::new(&SHARED.sandbox, &["-d", &target], &[]).file(".pgpass", &passfile);
        let (ours, psqls) = (call.ours().await, call.psqls());
        assert_eq!(
            ours.is_ok(),
            psqls.is_ok(),
            "{passfile:?}: {ours:?} {psqls:?}"
        );
    }
}

#[tokio::test]
async fn each_kind_of_password_is_sent_and_a_wrong_one_is_said_to_be_wrong() {
    for user in ["scram", "md5", "clear"] {
        let target = format!("host=127.0.0.1 port={{port}} user={user} dbname=postgres");
        let with = |password| {
            let variables = [("PGPASSWORD", password)];
            Call::new(&SHARED.sandbox, &["-d", &target], &variables)
        };
        let right = with(PASSWORD).connect().await.unwrap();
        assert!(right.is_ok(), "{user}");

        let Err(wrong) = with("wrong").connect().await.unwrap() else {
            panic!("{user} gets in with a wrong password");
        };
        assert_eq!(wrong.sqlstate(), Some(&SqlState::INVALID_PASSWORD));
        assert!(!wrong.needs_password() && !wrong.is_transient());
        let port = SHARED.sandbox.port();
        assert_eq!(
            wrong.to_string(),
            format!(
                "connection to server at \"127.0.0.1\", port {port} failed: FATAL:  password authentication failed for user \"{user}\""
            )
        );

        let Err(none) = with("").connect().await.unwrap() else {
            panic!("{user} gets in without a password");
        };
        assert!(none.needs_password(), "{none}");
    }
}

#[tokio::test]
async fn a_wrong_password_from_the_passfile_is_traced_to_it() {
    let target = "host=localhost port={port} user=scram dbname=postgres";
    let call = Call::new(&SHARED.sandbox, &["-d", target], &[]).file(".pgpass", "*:*:*:*:wrong\n");
    let Err(error) = call.connect().await.unwrap() else {
        panic!("a wrong password is accepted");
    };
    let passfile = call.path(".pgpass").display().to_string();
    assert_eq!(
        error.hint(),
        Some(format!("password retrieved from file \"{passfile}\""))
    );
}

fn scram_settings(flag: &[&str]) -> Settings {
    let target = "host=localhost port={port} user=scram dbname=postgres";
    let args = [flag, &["-d", target]].concat();
    Call::new(&SHARED.sandbox, &args, &[]).settings().unwrap()
}

/// Connects twice, like a run with several connections.
async fn connect_twice(settings: Settings) -> Result<(), ConnectError> {
    connect::connect(&settings).await?;
    connect::connect(&settings).await.map(drop)
}

#[tokio::test]
async fn a_password_is_asked_for_once_and_kept() {
    let ask = |prompt: &str| {
        assert_eq!(prompt, "Password for user scram: ");
        Ok(PASSWORD.into())
    };
    let connected = connect_with_prompt(scram_settings(&[]), ask, connect_twice).await;
    assert!(connected.is_ok(), "{connected:?}");

    let wrong = |_: &str| Ok("wrong".into());
    let refused = connect_with_prompt(scram_settings(&[]), wrong, connect_twice).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.sqlstate(), Some(&SqlState::INVALID_PASSWORD));
}

#[tokio::test]
async fn a_password_that_was_typed_is_not_asked_for_again() {
    for flag in [&[][..], &["-W"]] {
        let settings = scram_settings(flag);
        let wrong = |_: &str| Ok("wrong".into());
        let refused = connect_with_prompt(settings.clone(), wrong, connect_twice).await;
        assert!(refused.is_err(), "{flag:?}");
        let ask = |_: &str| Ok(PASSWORD.into());
        let connected = connect_with_prompt(settings.clone(), ask, connect_twice).await;
        assert!(connected.is_ok(), "a wrong one is not kept: {connected:?}");
        let again = |_: &str| panic!("asked twice");
        let connected = connect_with_prompt(settings, again, connect_twice).await;
        assert!(connected.is_ok(), "{connected:?}");
    }
}

#[tokio::test]
async fn w_never_asks_and_capital_w_always_does() {
    let never = scram_settings(&["-w"]);
    let refused = connect_with_prompt(never, |_| panic!("asked with -w"), connect_twice).await;
    assert!(refused.unwrap_err().needs_password());

    // The socket would let anyone in without a password.
    let args = [
        "-W", "-h", "{dir}", "-p", "{port}", "-U", "scram", "-d", "postgres",
    ];
    let always = Call::new(&SHARED.sandbox, &args, &[]).settings().unwrap();
    let mut asked = false;
    let ask = |_: &str| {
        asked = true;
        Ok("anything".into())
    };
    let connected = connect_with_prompt(always, ask, connect_twice).await;
    assert!(asked && connected.is_ok());
}

#[tokio::test]
async fn without_a_terminal_the_server_s_demand_is_the_error() {
    let no_terminal = |_: &str| Err(io::ErrorKind::NotFound.into());
    let refused = connect_with_prompt(scram_settings(&[]), no_terminal, connect_twice).await;
    assert!(refused.unwrap_err().needs_password());

    let ctrl_c = |_: &str| Err(io::ErrorKind::Interrupted.into());
    let refused = connect_with_prompt(scram_settings(&[]), ctrl_c, connect_twice).await;
    assert!(refused.unwrap_err().is_interrupt());
}
