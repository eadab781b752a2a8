//! A link to a server that breaks on request: after a number of bytes, in one direction, on one
//! connection or on all.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use shardq::sandbox::Sandbox;
use socket2::SockRef;

use crate::dice::Dice;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    ToServer,
    ToClient,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Carry,
    /// Closes both directions in good order.
    Close,
    /// Closes with a reset.
    Reset,
    /// Ends this direction; the other still passes bytes.
    HalfClose,
    /// Passes no bytes in this direction for this long.
    Pause(Duration),
    /// Passes no more bytes in this direction, and does not end it.
    Stall,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Only(usize),
    /// This one and all that are opened later.
    From(usize),
}

/// Which fault, and where.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub which: Which,
    pub direction: Direction,
    pub after: u64,
    pub action: Action,
    /// Bytes pass in pieces of this size.
    pub piece: Option<usize>,
}

impl Plan {
    pub const NONE: Self = Self {
        which: Which::From(0),
        direction: Direction::ToClient,
        after: 0,
        action: Action::Carry,
        piece: None,
    };

    /// For a command that uses this many connections. A third of the faults are in the startup, a
    /// third in what every command sends and receives, a third anywhere.
    pub fn roll(dice: &mut Dice, actions: &[Action], connections: usize) -> Self {
        let direction = dice.pick(&[
            Direction::ToClient,
            Direction::ToClient,
            Direction::ToServer,
        ]);
        let all = match direction {
            Direction::ToClient => 150_000,
            Direction::ToServer => 12_000,
        };
        let limit = dice.pick(&[700, 3_000, all / connections as u64]);
        let connection = dice.index(connections);
        Self {
            which: dice.pick(&[Which::Only(connection), Which::From(connection)]),
            direction,
            after: dice.below(limit),
            action: dice.pick(actions),
            piece: dice.pick(&[None, None, Some(1), Some(7), Some(64), Some(1000)]),
        }
    }

    /// Whether one side waits for bytes that never come.
    pub fn is_silent(&self) -> bool {
        matches!(self.action, Action::Stall | Action::HalfClose)
    }

    pub fn loses_nothing(&self) -> bool {
        matches!(self.action, Action::Carry | Action::Pause(_))
    }
}

#[derive(Debug)]
pub struct FaultyProxy {
    port: u16,
    plan: Arc<Mutex<Plan>>,
    connections: Arc<AtomicUsize>,
}

impl FaultyProxy {
    /// Accepts connections for as long as the process lives.
    pub fn to(server: &Sandbox) -> Self {
        let socket = server
            .socket_dir()
            .join(format!(".s.PGSQL.{}", server.port()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            plan: Arc::new(Mutex::new(Plan::NONE)),
            connections: Arc::default(),
        };
        let (plan, connections) = (Arc::clone(&proxy.plan), Arc::clone(&proxy.connections));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let mut plan = *plan.lock().unwrap();
                let hit = match plan.which {
                    Which::Only(n) => n == number,
                    Which::From(n) => number >= n,
                };
                if !hit {
                    plan.action = Action::Carry;
                }
                let socket: PathBuf = socket.clone();
                thread::spawn(move || {
                    if let Ok(server) = UnixStream::connect(socket) {
                        Link::new(client, server, plan).run();
                    }
                });
            }
        });
        proxy
    }

    /// The next connection is number 0.
    pub fn set(&self, plan: Plan) {
        *self.plan.lock().unwrap() = plan;
        self.connections.store(0, Ordering::SeqCst);
    }

    pub fn args(&self) -> [String; 4] {
        ["-h", "127.0.0.1", "-p", &self.port.to_string()].map(str::to_owned)
    }
}

struct Link {
    client: TcpStream,
    server: UnixStream,
    plan: Plan,
    over: AtomicBool,
}

impl Link {
    fn new(client: TcpStream, server: UnixStream, plan: Plan) -> Self {
        let _ = client.set_nodelay(true);
        let over = AtomicBool::new(false);
        Self {
            client,
            server,
            plan,
            over,
        }
    }

    fn run(self) {
        thread::scope(|scope| {
            scope.spawn(|| self.carry(Direction::ToServer));
            self.carry(Direction::ToClient);
        });
    }

    fn carry(&self, direction: Direction) {
        let breaks = direction == self.plan.direction;
        let mut left = if breaks { self.plan.after } else { u64::MAX };
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = match direction {
                Direction::ToServer => (&self.client).read(&mut buffer),
                Direction::ToClient => (&self.server).read(&mut buffer),
            };
            let Ok(read @ 1..) = read else {
                return self.end_of(direction);
            };
            let passes = usize::try_from(left).unwrap_or(usize::MAX).min(read);
            if self.write(direction, &buffer[..passes]).is_err() {
                return self.close();
            }
            left -= passes as u64;
            if breaks && passes < read {
                match self.plan.action {
                    Action::Carry => {}
                    Action::Pause(time) => thread::sleep(time),
                    action => return self.break_down(action, direction),
                }
                left = u64::MAX;
                if self.write(direction, &buffer[passes..read]).is_err() {
                    return self.close();
                }
            }
        }
    }

    fn write(&self, direction: Direction, bytes: &[u8]) -> std::io::Result<()> {
        let size = self.plan.piece.unwrap_or(usize::MAX);
        // Limited, because megabytes sent byte by byte would take minutes.
        let (pieces, rest) = bytes.split_at(bytes.len().min(size.saturating_mul(500)));
        for piece in pieces.chunks(size).chain([rest]) {
            match direction {
                Direction::ToServer => (&self.server).write_all(piece)?,
                Direction::ToClient => (&self.client).write_all(piece)?,
            }
            if self.plan.piece.is_some() {
                thread::yield_now();
            }
        }
        Ok(())
    }

    /// Ends this direction. If the client is gone, nothing more is sent to it.
    fn end_of(&self, direction: Direction) {
        match direction {
            Direction::ToServer => {
                self.over.store(true, Ordering::SeqCst);
                let _ = self.server.shutdown(Shutdown::Both);
            }
            Direction::ToClient => {
                let _ = self.client.shutdown(Shutdown::Write);
            }
        }
    }

    fn close(&self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    fn break_down(&self, action: Action, direction: Direction) {
        match (action, direction) {
            (Action::Close, _) => self.close(),
            (Action::Reset, _) => {
                // Closing a socket with zero linger sends a reset. The other direction releases the
                // socket when it can no longer read.
                let _ = SockRef::from(&self.client).set_linger(Some(Duration::ZERO));
                self.over.store(true, Ordering::SeqCst);
                let _ = self.server.shutdown(Shutdown::Both);
                let _ = self.client.shutdown(Shutdown::Read);
            }
            (Action::HalfClose, Direction::ToServer) => {
                let _ = self.server.shutdown(Shutdown::Write);
                self.discard_from_client();
            }
            (Action::HalfClose, Direction::ToClient) => {
                let _ = self.client.shutdown(Shutdown::Write);
                self.wait_until_over();
            }
            (Action::Stall, Direction::ToServer) => self.discard_from_client(),
            (Action::Stall, Direction::ToClient) => self.wait_until_over(),
            (Action::Carry | Action::Pause(_), _) => {}
        }
    }

    fn discard_from_client(&self) {
        let mut buffer = [0; 4096];
        while let Ok(1..) = (&self.client).read(&mut buffer) {}
        self.close();
    }

    /// Stops reading from the server, so that it notices that nobody listens.
    fn wait_until_over(&self) {
        while !self.over.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
