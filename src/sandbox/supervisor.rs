//! A process that outlives its parent just long enough to clean up.
//!
//! It is a `sh` that reads from a pipe. However the parent ends, the kernel closes the write
//! end, and the script then stops the server and removes the folder: see `supervisor.sh`.

use std::fs::{self, DirBuilder};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::SandboxError;
use super::unprivileged_user::Account;

const SCRIPT: &str = include_str!("supervisor.sh");

/// The longest Unix socket path that works everywhere: 103 bytes on macOS; Linux allows more.
const SOCKET_PATH_MAX: usize = 103;

#[derive(Debug)]
pub(super) struct Keeper {
    folder: PathBuf,
    account: Option<Account>,
    process: Child,
    /// `None` once the supervisor was told to exit.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    pub(super) fn start(
        bindir: &Path,
        parent: &Path,
        superuser: &str,
    ) -> Result<Self, SandboxError> {
        let folder = create_folder(parent)?;
        let (account, mut process) = match spawn(&folder, bindir, superuser) {
            Ok(started) => started,
            Err(error) => {
                // There is no supervisor yet to remove it.
                let _ = fs::remove_dir(&folder);
                return Err(error);
            }
        };
        let (Some(orders), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(SandboxError::KeeperGone);
        };
        Ok(Self {
            folder,
            account,
            process,
            orders: Some(orders),
            answers: BufReader::new(answers),
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Sends an order to the supervisor, and waits until it is done. The script bounds that time.
    pub(super) fn order(&mut self, order: &str) -> Result<(), SandboxError> {
        let orders = self.orders.as_mut().ok_or(SandboxError::KeeperGone)?;
        writeln!(orders, "{order}").map_err(|_| SandboxError::KeeperGone)?;
        let mut status = String::new();
        match self.answers.read_line(&mut status) {
            Ok(read) if read > 0 => {}
            _ => return Err(SandboxError::KeeperGone),
        }
        if status.trim() == "0" {
            Ok(())
        } else {
            Err(SandboxError::Failed {
                order: order.to_owned(),
                log: self.log(),
            })
        }
    }

    /// Writes a file to the data folder as Postgres requires it: owned by the server's user, and
    /// closed to others.
    pub(super) fn write(&self, name: &str, contents: &[u8]) -> Result<(), SandboxError> {
        let path = self.data_dir().join(name);
        let written = fs::write(&path, contents)
            .and_then(|()| {
                let closed = std::os::unix::fs::PermissionsExt::from_mode(0o600);
                fs::set_permissions(&path, closed)
            })
            .and_then(|()| match self.account {
                Some(Account { uid, gid }) => chown(&path, Some(uid), Some(gid)),
                None => Ok(()),
            });
        written.map_err(|error| SandboxError::Folder { path, error })
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        // Once a sandbox is dropped, callers rely on it being gone.
        let _ = self.process.wait();
    }
}

fn spawn(
    folder: &Path,
    bindir: &Path,
    superuser: &str,
) -> Result<(Option<Account>, Child), SandboxError> {
    let at_folder = |error| SandboxError::Folder {
        path: folder.to_owned(),
        error,
    };
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "keeper"]);
    command.args([bindir, folder]).arg(superuser);
    // The owner of the new folder is our own user: std has no `geteuid`.
    let running_as_root = fs::metadata(folder).map_err(at_folder)?.uid() == 0;
    let account = if running_as_root {
        let account = Account::unprivileged()?;
        chown(folder, Some(account.uid), Some(account.gid)).map_err(at_folder)?;
        command.uid(account.uid).gid(account.gid);
        Some(account)
    } else {
        None
    };
    // PGDATA, PGOPTIONS and the like are meant for other servers.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    let process = command
        // The server's user may not be allowed to enter our current folder.
        .current_dir("/")
        .env("LC_ALL", "C")
        // Ctrl-C on the terminal must not kill the process that cleans up.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(SandboxError::Shell)?;
    Ok((account, process))
}

fn create_folder(parent: &Path) -> Result<PathBuf, SandboxError> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut parent = parent;
    let name = |n| format!("shardq-{}-{n}", std::process::id());
    let longest = parent.join(name(u32::MAX)).join(".s.PGSQL.65535");
    // A TMPDIR that is too deep, or that only root can enter, cannot hold the socket.
    if longest.as_os_str().len() > SOCKET_PATH_MAX || !open_to_all(parent) {
        parent = Path::new("/tmp");
    }
    loop {
        let path = parent.join(name(COUNT.fetch_add(1, Ordering::Relaxed)));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(SandboxError::Folder { path, error }),
        }
    }
}

fn open_to_all(folder: &Path) -> bool {
    folder
        .ancestors()
        .all(|folder| fs::metadata(folder).is_ok_and(|metadata| metadata.mode() & 0o001 != 0))
}
