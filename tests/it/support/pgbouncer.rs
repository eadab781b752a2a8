//! A real `PgBouncer` in front of a database.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::{fmt, fs};

use tempfile::TempDir;

use super::{Db, Program, Running, eventually};

/// Where Debian and others install it, which may not be on the path.
const PLACES: [&str; 3] = [
    "/usr/sbin/pgbouncer",
    "/usr/bin/pgbouncer",
    "/opt/homebrew/bin/pgbouncer",
];

/// When a client gives its server connection back.
#[derive(Debug, Clone, Copy)]
pub enum PoolMode {
    Transaction,
    Session,
}

impl fmt::Display for PoolMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transaction => "transaction",
            Self::Session => "session",
        })
    }
}

#[derive(Debug)]
pub struct PgBouncer {
    folder: TempDir,
    /// Stopped when dropped.
    _running: Running,
}

impl PgBouncer {
    /// In transaction mode, with this many server connections per database. `None` if it is not
    /// installed: the test is then skipped with a note.
    pub fn in_front_of(db: &Db, pool_size: usize) -> Option<Self> {
        Self::in_mode(PoolMode::Transaction, db, pool_size)
    }

    #[allow(clippy::print_stdout, reason = "reports why a test is skipped")]
    pub fn in_mode(mode: PoolMode, db: &Db, pool_size: usize) -> Option<Self> {
        let Some(program) = PLACES.iter().find(|place| Path::new(place).exists()) else {
            println!("skipped: no pgbouncer here (scripts/ensure-pgbouncer.sh installs it)");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // Like Postgres it refuses to run as root, so it runs as another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let at = |name| db.variable(name);
        let settings = format!(
            "[databases]\n* = host={} port={} user={}\n\
             [pgbouncer]\nlisten_port = {}\nunix_socket_dir = {}\nauth_type = any\n\
             admin_users = {}\npool_mode = {mode}\ndefault_pool_size = {pool_size}\nmax_client_conn = 100\n\
             ignore_startup_parameters = extra_float_digits,options\n",
            at("PGHOST"),
            at("PGPORT"),
            at("PGUSER"),
            Self::PORT,
            folder.path().display(),
            at("PGUSER"),
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let is_root = Program::new("id").args(["-u"]).run().output().trim() == "0";
        let user: &[&str] = if is_root { &["-u", "postgres"] } else { &[] };
        let running = Program::new(program).args(user).args([&file]).spawn();
        let socket = folder.path().join(format!(".s.PGSQL.{}", Self::PORT));
        eventually("pgbouncer listens", || socket.exists());
        Some(Self {
            folder,
            _running: running,
        })
    }

    const PORT: u16 = 6432;

    /// Points a program at this database through the pooler.
    pub fn lead(&self, program: Program, db: &Db) -> Program {
        program
            .db(db)
            .env("PGHOST", self.folder.path())
            .env("PGPORT", Self::PORT.to_string())
    }

    /// A connection string for this database through the pooler.
    pub fn conninfo(&self, db: &Db) -> String {
        format!(
            "host='{}' port={} user='{}' dbname='{}'",
            self.folder.path().display(),
            Self::PORT,
            db.variable("PGUSER"),
            db.name()
        )
    }

    /// How many clients wait for a server connection.
    pub fn waiting(&self, db: &Db) -> usize {
        let show = db.psql_program(["--csv", "--command", "SHOW POOLS"]);
        let pools = self.lead(show, db).env("PGDATABASE", "pgbouncer").run();
        let pools = pools.output();
        let mut lines = pools
            .lines()
            .map(|line| line.split(',').collect::<Vec<_>>());
        let names = lines.next().unwrap_or_default();
        let column = |name| names.iter().position(|it| *it == name).unwrap();
        let of_db = lines.filter(|pool| pool[column("database")] == db.name());
        of_db
            .map(|pool| pool[column("cl_waiting")].parse::<usize>().unwrap())
            .sum()
    }
}
