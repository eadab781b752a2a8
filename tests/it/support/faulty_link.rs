//! A link to a local server that misbehaves like networks do: delivers in pieces, stalls, breaks,
//! and changes bytes. Only the server's bytes are affected.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::Db;

/// What happens to the server's bytes, on every connection.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This many at a time, with a pause in between.
    Pieces(usize),
    /// No more after this many; the connection stays open.
    StallAfter(usize),
    ResetAfter(usize),
    /// The server seems to have ended its side.
    HalfCloseAfter(usize),
    /// Replaces these bytes wherever they occur.
    Replace(Vec<u8>, Vec<u8>),
    /// The same, with nothing after them.
    EndWith(Vec<u8>, Vec<u8>),
}

#[derive(Debug)]
pub struct FaultyLink {
    port: u16,
    connections: Arc<AtomicUsize>,
    stalled: Arc<Mutex<Vec<Arc<AtomicBool>>>>,
    stalls_new: Arc<AtomicBool>,
}

struct Way {
    faults: Vec<Fault>,
    passed: usize,
    stalled: Arc<AtomicBool>,
}

impl FaultyLink {
    const PAUSE: Duration = Duration::from_micros(200);

    /// Accepts connections on a free port of 127.0.0.1, for as long as the process lives.
    pub fn to(db: &Db, faults: impl IntoIterator<Item = Fault>) -> Self {
        let socket = format!(".s.PGSQL.{}", db.variable("PGPORT"));
        let server = PathBuf::from(db.variable("PGHOST")).join(socket);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let link = Self {
            port: listener.local_addr().unwrap().port(),
            connections: Arc::default(),
            stalled: Arc::default(),
            stalls_new: Arc::default(),
        };
        let faults: Vec<_> = faults.into_iter().collect();
        let (count, stalled) = (Arc::clone(&link.connections), Arc::clone(&link.stalled));
        let stalls_new = Arc::clone(&link.stalls_new);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::Relaxed);
                let stall = Arc::new(AtomicBool::new(stalls_new.load(Ordering::Relaxed)));
                stalled.lock().unwrap().push(Arc::clone(&stall));
                let way = Way {
                    faults: faults.clone(),
                    passed: 0,
                    stalled: stall,
                };
                let server = server.clone();
                thread::spawn(move || {
                    if let Ok(server) = UnixStream::connect(server) {
                        connect(&client, &server, way);
                    }
                });
            }
        });
        link
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// From now on, nothing comes through on existing connections.
    pub fn stall(&self) {
        for stalled in self.stalled.lock().unwrap().iter() {
            stalled.store(true, Ordering::Relaxed);
        }
    }

    /// Nor on new ones, though they are still accepted.
    pub fn stall_new(&self) {
        self.stalls_new.store(true, Ordering::Relaxed);
    }
}

fn connect(client: &TcpStream, server: &UnixStream, mut way: Way) {
    let _ = client.set_nodelay(true);
    let stalled = Arc::clone(&way.stalled);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut from, mut to) = (client, server);
            let mut buffer = vec![0; 65536];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                // A stalled link carries nothing in either direction.
                if !stalled.load(Ordering::Relaxed) && to.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
            let _ = server.shutdown(Shutdown::Both);
        });
        let mut from = server;
        let mut buffer = vec![0; 65536];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if way.deliver(client, &buffer[..read]).is_err() {
                break;
            }
        }
        if !way.stalled.load(Ordering::Relaxed) {
            let _ = client.shutdown(Shutdown::Both);
        }
    });
}

struct Over;

impl Way {
    fn deliver(&mut self, client: &TcpStream, bytes: &[u8]) -> Result<(), Over> {
        let mut bytes = bytes.to_vec();
        let mut piece = usize::MAX;
        let mut last = None;
        for fault in &self.faults {
            match fault {
                Fault::Pieces(size) => piece = *size,
                Fault::Replace(these, others) => bytes = replaced(&bytes, these, others),
                Fault::EndWith(these, others) => {
                    if let Some(at) = position(&bytes, these) {
                        bytes.truncate(at);
                        bytes.extend_from_slice(others);
                        last = Some(fault.clone());
                    }
                }
                Fault::StallAfter(count)
                | Fault::ResetAfter(count)
                | Fault::HalfCloseAfter(count) => {
                    if self.passed + bytes.len() > *count {
                        bytes.truncate(count.saturating_sub(self.passed));
                        last = Some(fault.clone());
                    }
                }
            }
        }
        self.passed += bytes.len();
        for piece in bytes.chunks(piece.min(bytes.len().max(1))) {
            if self.stalled.load(Ordering::Relaxed) {
                return Ok(());
            }
            let mut to = client;
            to.write_all(piece).map_err(|_| Over)?;
            if piece.len() < bytes.len() {
                thread::sleep(FaultyLink::PAUSE);
            }
        }
        match last {
            Some(Fault::ResetAfter(_)) => {
                let _ = SockRef::from(client).set_linger(Some(Duration::ZERO));
                Err(Over)
            }
            Some(Fault::HalfCloseAfter(_)) => {
                let _ = client.shutdown(Shutdown::Write);
                Ok(())
            }
            Some(_) => {
                self.stalled.store(true, Ordering::Relaxed);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn replaced(bytes: &[u8], these: &[u8], others: &[u8]) -> Vec<u8> {
    let mut new = Vec::new();
    let mut rest = bytes;
    while let Some(at) = position(rest, these) {
        new.extend_from_slice(&rest[..at]);
        new.extend_from_slice(others);
        rest = &rest[at + these.len()..];
    }
    new.extend_from_slice(rest);
    new
}

fn position(bytes: &[u8], these: &[u8]) -> Option<usize> {
    bytes
        .windows(these.len())
        .position(|window| window == these)
}
