//! A slow link to a local server: every byte takes half a round trip. Connecting is immediate,
//! since the kernel accepts. Throughput is not limited.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub struct Proxy {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// Accepts connections on a free port of 127.0.0.1, for as long as the process lives.
    pub fn to_socket(socket_dir: &Path, port: u16, round_trip: Duration) -> Self {
        let server = socket_dir.join(format!(".s.PGSQL.{port}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::Relaxed);
                let server: PathBuf = server.clone();
                thread::spawn(move || {
                    // If the server is down, the connection closes.
                    if let Ok(server) = UnixStream::connect(server) {
                        connect(&client, &server, round_trip);
                    }
                });
            }
        });
        Self { port, connections }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// Carries bytes both ways until both have ended.
fn connect(client: &TcpStream, server: &UnixStream, round_trip: Duration) {
    let one_way = round_trip / 2;
    let _ = client.set_nodelay(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            carry(client, server, |now| now + one_way);
            let _ = server.shutdown(Shutdown::Write);
        });
        carry(server, client, |now| now + one_way);
        let _ = client.shutdown(Shutdown::Both);
    });
}

/// Reads at once and writes when due: a delay, not a bottleneck.
fn carry(mut from: impl Read + Send, mut to: impl Write, due: impl Fn(Instant) -> Instant + Send) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                let chunk = (due(Instant::now()), buffer[..read].to_vec());
                if sender.send(chunk).is_err() {
                    return;
                }
            }
        });
        for (due, chunk) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&chunk).is_err() {
                return;
            }
        }
    });
}
