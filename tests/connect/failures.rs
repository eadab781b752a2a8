//! Servers that are down, silent or full, and cancelled queries.

use std::io;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use shardq::client::ConnectionPool;
use shardq::client::connect::{self, Connected};
use shardq::sandbox::{Options, Shutdown};
use tokio::sync::Notify;
use tokio_postgres::error::SqlState;

use crate::support::{Call, SHARED, TEMPLATE, connect_to, refusal_of};

#[tokio::test]
async fn the_timeout_covers_a_server_that_accepts_and_says_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for mode in ["disable", "require"] {
        let started = Instant::now();
        let target = format!("host=127.0.0.1 port={port} connect_timeout=1 sslmode={mode}");
        let error = refusal_of(&target).await;
        assert_eq!(
            error.to_string(),
            format!(
                "connection to server at \"127.0.0.1\", port {port} failed: timeout expired after 1 s"
            )
        );
        assert!(error.is_transient());
        assert!(error.hint().unwrap().contains("PGCONNECT_TIMEOUT"));
        assert!(started.elapsed() < Duration::from_secs(5));
    }
    // The next host gets a second of its own.
    let target =
        format!("host=127.0.0.1,localhost port={port},{{port}} user=postgres connect_timeout=1");
    assert!(connect_to(&target).await.is_ok());
}

#[tokio::test]
async fn what_may_pass_is_told_from_what_will_not() {
    assert!(refusal_of("host=127.0.0.1 port=1").await.is_transient());
    let full = refusal_of("host={dir} port={port} user=full dbname=postgres").await;
    assert_eq!(full.sqlstate(), Some(&SqlState::TOO_MANY_CONNECTIONS));
    assert!(full.is_transient());
    for permanent in [
        "host={dir} port={port} user=unknown",
        "host=nowhere.invalid",
    ] {
        assert!(!refusal_of(permanent).await.is_transient(), "{permanent}");
    }

    // The middle of a restart.
    let mut sandbox = TEMPLATE.start(Options::default()).unwrap();
    let call = Call::new(
        &sandbox,
        &["-h", "{dir}", "-p", "{port}", "-U", "postgres"],
        &[],
    );
    sandbox.stop(Shutdown::Fast).unwrap();
    let down = call.connect().await.unwrap().err().unwrap();
    assert!(down.is_transient(), "{down}");
    assert_eq!(
        down.hint().as_deref(),
        Some("Is the server running locally and accepting connections on that socket?")
    );
    sandbox.start_again().unwrap();
    assert!(call.connect().await.unwrap().is_ok());
}

#[tokio::test]
async fn something_that_is_no_postgres_is_called_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = io::Write::write_all(&mut stream.unwrap(), b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let error = refusal_of(&format!("host=127.0.0.1 port={port} sslmode=require")).await;
    assert!(
        error
            .to_string()
            .ends_with("received invalid response to SSL negotiation: H"),
        "{error}"
    );
    assert_eq!(error.hint().as_deref(), Some("Is that a Postgres server?"));
    assert!(!error.is_transient());
}

#[tokio::test]
async fn cancel_stops_what_runs_with_and_without_tls() {
    for target in [
        "host={dir} port={port} user=postgres",
        "host=localhost port={port} user=postgres sslmode=disable",
        "host=localhost port={port} user=postgres sslmode=require",
    ] {
        let connection = connect_to(target).await.unwrap();
        let started = Instant::now();
        let ended = Notify::new();
        let cancelling = async {
            // Cancelling before the query has begun would have no effect.
            let watcher = connect_to("host={dir} port={port} user=postgres")
                .await
                .unwrap();
            let running = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep' AND state = 'active'";
            while watcher.query_typed(running, &[]).await.unwrap()[0].get::<_, i64>(0) == 0 {}
            connection.cancel_until(ended.notified()).await;
        };
        let sleeping = async {
            let outcome = connection.simple_query("SELECT pg_sleep(60)").await;
            ended.notify_one();
            outcome
        };
        let (outcome, ()) = tokio::join!(sleeping, cancelling);
        assert_eq!(
            outcome.unwrap_err().code(),
            Some(&SqlState::QUERY_CANCELED),
            "{target}"
        );
        assert!(started.elapsed() < Duration::from_secs(30), "{target}");
    }
}

#[test]
fn a_pool_can_hold_the_futures() {
    fn is_send<T: Send>(_: &T) {}
    let settings = Call::new(&SHARED.sandbox, &[], &[]).settings().unwrap();
    is_send(&connect::connect(&settings));
    is_send(
        &ConnectionPool::new(settings.clone(), 1)
            .unwrap()
            .connection(),
    );
    let connected: Option<Connected> = None;
    is_send(&connected);
}
