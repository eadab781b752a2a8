//! The throwaway server behaves as the tests that use it rely on.

use shardq::sandbox::{Listen, Options, Sandbox, SandboxError, Shutdown};

use crate::support::{Db, eventually, private_server};

#[test]
fn a_stopped_server_starts_again_with_its_data() {
    let mut server = private_server(Options::default());
    let db = Db::on(&server);
    db.sql("CREATE TABLE t AS SELECT 1 AS n");
    for shutdown in [Shutdown::Fast, Shutdown::Immediate] {
        let mut session = db.session();
        session.run("SELECT 1");
        assert_eq!(db.backends("psql").len(), 2, "the session and the question");
        server.stop(shutdown).unwrap();
        server.start_again().unwrap();
        assert_eq!(db.ask("SELECT n FROM t"), "1");
    }
}

#[test]
fn a_dropped_server_is_gone() {
    let server = private_server(Options::default());
    let folder = server.socket_dir().to_owned();
    let pid = std::fs::read_to_string(server.data_dir().join("postmaster.pid")).unwrap();
    let pid: u32 = pid.lines().next().unwrap().parse().unwrap();
    drop(server);
    assert!(!folder.exists());
    // The shell that reaps it may take a moment.
    eventually("the server's process is gone", || {
        !std::path::Path::new(&format!("/proc/{pid}/stat")).exists()
    });
}

#[test]
fn a_server_that_cannot_start_shows_why() {
    let error = Sandbox::start(Options {
        settings: vec![("shared_buffers".into(), "plenty".into())],
        ..Options::default()
    })
    .unwrap_err();
    assert!(matches!(error, SandboxError::Failed { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("failed to start"), "{text}");
    assert!(text.contains("shared_buffers"), "{text}");
}

#[test]
fn a_server_listens_and_lets_in_as_it_is_told() {
    let server = private_server(Options {
        listen: Listen::Loopback,
        hba: Some("local all all trust\nhost all all 127.0.0.1/32 reject\n".into()),
        files: vec![("note.txt".into(), b"kept".to_vec())],
        ..Options::default()
    });
    let db = Db::on(&server);
    assert_eq!(db.ask("SELECT pg_read_file('note.txt')"), "kept");
    let port = server.port().to_string();
    let refused = db
        .psql_program(["-h", "127.0.0.1", "-p", &port, "-c", "SELECT 1"])
        .run();
    refused.assert(2, "", crate::support::has("pg_hba.conf rejects connection"));
}
