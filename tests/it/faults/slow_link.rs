//! The slow link used for measurements is as slow as it claims, and no slower.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use shardq::sandbox::Options;

use crate::support::{Db, Proxy, private_server};

const ROUND_TRIP: Duration = Duration::from_millis(100);

/// Asks whether the server supports TLS; the answer is one byte.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

#[test]
fn asking_takes_a_round_trip() {
    let server = private_server(Options::default());
    let proxy = Proxy::to_socket(server.socket_dir(), server.port(), ROUND_TRIP);
    let start = Instant::now();
    let mut link = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    link.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    link.write_all(&SSL_REQUEST).unwrap();
    let mut answer = [0];
    link.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"N");
    assert!(start.elapsed() >= ROUND_TRIP, "{:?}", start.elapsed());
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn many_bytes_take_no_longer_than_few() {
    let server = private_server(Options::default());
    let proxy = Proxy::to_socket(server.socket_dir(), server.port(), ROUND_TRIP);
    let db = Db::on(&server);
    let port = proxy.port().to_string();
    let ran = db
        .psql_program(["-h", "127.0.0.1", "-p", &port])
        .args([
            "-Atc",
            "SELECT repeat('x', 1000) FROM generate_series(1, 20000)",
        ])
        .run();
    assert_eq!(ran.stdout.len(), 20_000 * 1001);
    // At 64 KiB per round trip it would take 30 s.
    assert!(ran.elapsed < Duration::from_secs(15), "{:?}", ran.elapsed);
}
