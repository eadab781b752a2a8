//! Which of several servers is used: `target_session_attrs`, as psql has it.

use std::fs;
use std::sync::LazyLock;

use shardq::sandbox::{Listen, Options, Sandbox, Shutdown};

use crate::support::{Call, SHARED, TEMPLATE};

/// Cut off from its primary, but a standby all the same.
static STANDBY: LazyLock<Sandbox> = LazyLock::new(|| {
    let options = Options {
        listen: Listen::Loopback,
        settings: vec![("wal_level".into(), "replica".into())],
        hba: Some("host all postgres 127.0.0.1/32 trust\nlocal all all trust".to_owned()),
        ..Options::default()
    };
    let mut server = TEMPLATE.start(options).unwrap();
    server.stop(Shutdown::Fast).unwrap();
    fs::write(server.data_dir().join("standby.signal"), "").unwrap();
    server.start_again().unwrap();
    server
});

/// A connection to the first of these servers that is as wanted; by psql, and by us.
async fn assert_like_psql(servers: &[&Sandbox], wanted: &str) -> Result<String, String> {
    let list = |of: fn(&&Sandbox) -> String| servers.iter().map(of).collect::<Vec<_>>().join(",");
    let target = format!(
        "host={} port={} user=postgres dbname=postgres target_session_attrs={wanted}",
        list(|_| "127.0.0.1".to_owned()),
        list(|server| server.port().to_string())
    );
    let call = Call::new(&SHARED.sandbox, &["-d", &target], &[]);
    let (ours, psqls) = (call.ours().await, call.psqls());
    assert_eq!(ours, psqls, "{target}");
    ours
}

#[tokio::test]
async fn the_server_that_is_wanted_is_used() {
    let (primary, standby) = (&SHARED.sandbox, &*STANDBY);
    let is_of = |found: &str, server: &Sandbox| found.contains(&format!("|{}|", server.port()));
    for (wanted, first, last) in [
        ("any", primary, standby),
        ("read-write", primary, primary),
        ("primary", primary, primary),
        ("read-only", standby, standby),
        ("standby", standby, standby),
        ("prefer-standby", standby, standby),
    ] {
        let found = assert_like_psql(&[primary, standby], wanted).await.unwrap();
        assert!(is_of(&found, first), "{wanted}: {found}");
        let found = assert_like_psql(&[standby, primary], wanted).await.unwrap();
        assert!(is_of(&found, last) || wanted == "any", "{wanted}: {found}");
    }
    let found = assert_like_psql(&[primary], "prefer-standby")
        .await
        .unwrap();
    assert!(is_of(&found, primary), "{found}");
}

#[tokio::test]
async fn a_server_that_is_not_wanted_is_an_error() {
    for (server, wanted) in [
        (&SHARED.sandbox, "read-only"),
        (&SHARED.sandbox, "standby"),
        (&STANDBY, "read-write"),
        (&STANDBY, "primary"),
    ] {
        let refused = assert_like_psql(&[server], wanted).await.unwrap_err();
        let reasons = ["session is ", "server is "];
        assert!(reasons.iter().any(|it| refused.contains(it)), "{refused}");
    }
}

#[tokio::test]
async fn hosts_are_tried_in_random_order_if_asked_for() {
    let ports = format!("{},{}", SHARED.sandbox.port(), STANDBY.port());
    let target = format!(
        "host=127.0.0.1,127.0.0.1 port={ports} user=postgres dbname=postgres load_balance_hosts=random"
    );
    let call = Call::new(&SHARED.sandbox, &["-d", &target], &[]);
    let mut found = std::collections::BTreeSet::new();
    // Each of the two is missing once in 2^39 runs.
    for _ in 0..40 {
        found.insert(call.ours().await.unwrap());
    }
    assert_eq!(found.len(), 2, "{found:?}");
}
