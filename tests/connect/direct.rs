//! `sslnegotiation=direct`: TLS without asking first, which Postgres 17 and later understand.

use crate::support::{Call, SHARED};

fn major() -> u32 {
    let file = SHARED.sandbox.data_dir().join("PG_VERSION");
    std::fs::read_to_string(file)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_server_that_knows_it_is_connected_to_and_an_older_one_is_not() {
    for mode in ["require", "verify-ca"] {
        let direct = format!(
            "host=localhost port={{port}} user=tlsonly dbname=postgres sslnegotiation=direct \
             sslmode={mode}"
        );
        let call = Call::new(&SHARED.sandbox, &["-d", &direct], &[]);
        let call = call.file(".postgresql/root.crt", &SHARED.authority.certificate);
        let ours = call.ours().await;
        if major() >= 17 {
            assert!(ours.is_ok(), "{mode}: {ours:?}");
        } else {
            let error = ours.unwrap_err();
            assert!(error.contains("SSL error"), "{mode}: {error}");
        }
    }
}
