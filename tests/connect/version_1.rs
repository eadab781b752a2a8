//! Certificates of X.509 version 1: those that psql accepts, and none that nobody vouches for.

use shardq::sandbox::Sandbox;

use crate::support::{Authority, Call, fixture, start};

/// Ours and psql's answer to whether the server is trusted.
async fn accepted(server: &Sandbox, options: &str, root: Option<&str>) -> (bool, bool) {
    let target = format!("hostaddr=127.0.0.1 port={{port}} user=postgres {options}");
    let mut call = Call::new(server, &["-d", &target], &[]);
    if let Some(root) = root {
        call = call.file(".postgresql/root.crt", root);
    }
    (call.ours().await.is_ok(), call.psqls().is_ok())
}

#[tokio::test]
async fn a_server_is_trusted_where_psql_trusts_it() {
    let other = Authority::new("an authority").certificate;
    let root = fixture("v1_root");
    let itself = fixture("v1_self_signed");
    let issued = fixture("v1_issued");
    for (certificate, root, host, trusted) in [
        ("v1_self_signed", Some(&itself), "localhost", true),
        ("v1_self_signed", Some(&itself), "db2", false),
        ("v1_self_signed", Some(&root), "localhost", false),
        ("v1_self_signed", Some(&other), "localhost", false),
        ("v1_issued", Some(&root), "localhost", true),
        ("v1_issued", Some(&root), "db2", false),
        // A copy alone is not an authority.
        ("v1_issued", Some(&issued), "localhost", false),
        ("v1_issued", Some(&other), "localhost", false),
        ("v1_issued", None, "localhost", false),
        ("v1_expired", Some(&root), "localhost", false),
        ("v3_issued_by_v1", Some(&root), "localhost", true),
        ("v3_issued_by_v1", Some(&other), "localhost", false),
    ] {
        let server = start(&fixture(certificate), &fixture("ec"), &itself);
        for version in ["TLSv1.2", "TLSv1.3"] {
            let options = format!(
                "host={host} sslmode=verify-full ssl_min_protocol_version={version} \
                 ssl_max_protocol_version={version}"
            );
            let root = root.map(String::as_str);
            let answers = accepted(&server, &options, root).await;
            assert_eq!(
                answers,
                (trusted, trusted),
                "{certificate} {host} {version}"
            );
        }
    }
}

#[tokio::test]
async fn it_encrypts_where_nothing_is_verified() {
    let server = start(&fixture("v1_issued"), &fixture("ec"), &fixture("v1_root"));
    assert_eq!(
        accepted(&server, "host=localhost sslmode=require", None).await,
        (true, true)
    );
}

#[tokio::test]
async fn one_of_a_client_is_sent() {
    let client = fixture("v1_client");
    let server = start(&fixture("v1_issued"), &fixture("ec"), &client);
    let role = "CREATE ROLE certified LOGIN";
    let local = Call::new(
        &server,
        &["-h", "{dir}", "-p", "{port}", "-U", "postgres"],
        &[],
    );
    let connection = local.connect().await.unwrap().unwrap();
    connection.simple_query(role).await.unwrap();
    let target = "host=localhost port={port} user=certified dbname=postgres sslmode=require";
    let call = Call::new(&server, &["-d", target], &[])
        .file(".postgresql/postgresql.crt", &client)
        .file(".postgresql/postgresql.key", &fixture("ec"));
    let (ours, psqls) = (call.ours().await, call.psqls());
    assert!(ours.is_ok(), "{ours:?}");
    assert_eq!(ours, psqls);
}
