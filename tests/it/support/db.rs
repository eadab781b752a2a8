//! Databases: one per test, all on one server per test run.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use shardq::sandbox::{InitdbTemplate, Options, Sandbox, sample};

use super::{Program, Session, eventually};

static TEMPLATE: LazyLock<InitdbTemplate> =
    LazyLock::new(|| InitdbTemplate::create(&server_folder(), "postgres").unwrap());

/// In memory where there is room: 40% of Postgres's processor time went into creating files on
/// ext4. Databases are dropped, so 2 GiB are plenty.
fn server_folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).map_or(0, |there| there.f_bavail * there.f_frsize);
    if room > 2 << 30 {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

/// Statics are not dropped; the server ends with this process.
static SERVER: LazyLock<Sandbox> = LazyLock::new(|| {
    private_server(Options {
        settings: vec![("max_connections".into(), "500".into())],
        ..Options::default()
    })
});

/// A server for one test, which may stop or configure it.
pub fn private_server(options: Options) -> Sandbox {
    TEMPLATE.start(options).unwrap()
}

/// What a test leaves takes memory until the last one ends.
impl Drop for Db {
    fn drop(&mut self) {
        if self.open.take().is_some() {
            self.run_in_main_session(&format!("DROP DATABASE \"{}\" WITH (FORCE)", self.name()));
        }
    }
}

fn name_of_test() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("test").replace("::", "_");
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Postgres truncates names at 63 bytes; the number must survive.
    format!("{test:.50}_{count}")
}

/// For psql. Copying files takes 17 ms of processor time, and writing them to the log, as is usual
/// from `PostgreSQL` 15 on, 43.
fn create(name: &str, how: &str) -> String {
    format!(
        "SELECT CASE WHEN :SERVER_VERSION_NUM >= 150000 THEN 'STRATEGY file_copy' ELSE '' END AS strategy \\gset
         CREATE DATABASE \"{name}\" {how} :strategy;"
    )
}

fn waiting_for(event: &str) -> String {
    format!(
        "FROM (SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
         AND '{event}' IN (wait_event, wait_event_type) ORDER BY query) AS waiting"
    )
}

/// A database, and how to reach it.
#[derive(Debug)]
pub struct Db {
    env: Vec<(&'static str, String)>,
    psql: PathBuf,
    /// For SQL without a new process, which takes 13 ms of processor time. `None` on a server of
    /// the test's own, which may have no connection to spare.
    open: Option<Mutex<Option<Session>>>,
}

impl Db {
    /// A database with nothing in it, named after the test.
    pub fn empty() -> Self {
        Self::on_shared(&SERVER)
    }

    /// A database with a linguistic collation: `a`, `B`, `c`. From `PostgreSQL` 15 on.
    pub fn linguistic() -> Self {
        Self::create_shared(
            &SERVER,
            "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'",
        )
    }

    /// A database whose encoding has one byte per character.
    pub fn latin1() -> Self {
        Self::create_shared(
            &SERVER,
            "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'",
        )
    }

    /// On a server of the test's own.
    pub fn on(server: &Sandbox) -> Self {
        let name = name_of_test();
        Self::at(server, "postgres").sql(&create(&name, ""));
        Self::at(server, &name)
    }

    /// On a server that other tests use, too, and that none of them stops.
    pub fn on_shared(server: &'static Sandbox) -> Self {
        Self::create_shared(server, "")
    }

    fn create_shared(server: &'static Sandbox, how: &str) -> Self {
        let name = name_of_test();
        let main = Self::at(server, "postgres");
        main.run_in_main_session(&create(&name, how));
        let mut db = Self::at(server, &name);
        db.open = Some(Mutex::default());
        db
    }

    /// In a session of the server's that stays open, in its main database.
    fn run_in_main_session(&self, sql: &str) {
        static OPEN: Mutex<BTreeMap<String, Session>> = Mutex::new(BTreeMap::new());
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let server = self.variable("PGHOST").to_owned();
        let start = || Session::start(self.psql_program(["-d", "postgres", "-At"]));
        open.entry(server).or_insert_with(start).run(sql);
    }

    fn at(server: &Sandbox, database: &str) -> Self {
        Self {
            env: server.env(database).into(),
            psql: server.client("psql"),
            open: None,
        }
    }

    /// Waits until at least so many backends wait for an event, or for one of its type, as
    /// `pg_stat_activity` has them: `PgSleep`, `Lock`, `ClientWrite`. Returns their process ids, in
    /// the order of their statements. A backend that is merely active may still be in the
    /// preflight.
    #[track_caller]
    pub fn until_waiting(&self, event: &str, least: usize) -> Vec<String> {
        let mut waiting = Vec::new();
        eventually(&format!("{least} wait for {event}"), || {
            waiting = self.waiting(event);
            waiting.len() >= least
        });
        waiting
    }

    /// The process ids of the backends that wait for an event now.
    pub fn waiting(&self, event: &str) -> Vec<String> {
        let found = self.ask(&format!("SELECT pid {}", waiting_for(event)));
        found.lines().map(str::to_owned).collect()
    }

    /// Terminates a backend as soon as one waits for an event: with several, that of the first
    /// statement.
    #[track_caller]
    pub fn terminate_waiting(&self, event: &str) {
        let end = format!(
            "SELECT pg_terminate_backend(pid) {} LIMIT 1",
            waiting_for(event)
        );
        eventually(&format!("one that waits for {event} is terminated"), || {
            self.ask(&end) == "t"
        });
    }

    /// Waits until shardq has no backend on the server.
    #[track_caller]
    pub fn assert_nothing_runs(&self) {
        eventually("no backend is left", || self.backends("shardq").is_empty());
    }

    /// Shards with a table `t (n)` of one row: the shard's number.
    pub fn with_numbers(shards: u32) -> Self {
        let db = Self::with_shards(shards);
        db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
        db
    }

    /// Shards with a table `t (n, v)` of one row: the shard's number, as an int and after a `v`.
    pub fn with_rows(shards: u32) -> Self {
        let db = Self::with_shards(shards);
        db.in_each_shard("CREATE TABLE t (n int, v text); INSERT INTO t VALUES ({n}, 'v{n}')");
        db
    }

    /// A database with empty schemas `shard_0` to `shard_(n-1)`.
    pub fn with_shards(count: u32) -> Self {
        let db = Self::empty();
        db.create_shards(0..count);
        db
    }

    /// The Habitat-shaped sample, small: 8 origins and 40 packages per shard. `shards` is a power
    /// of two; `core` is in `shard_30`, modulo `shards`.
    pub fn with_sample(shards: u32) -> Self {
        let db = Self::empty();
        let size = format!(
            "SET demo.shards = {shards}; SET demo.origins = {}; SET demo.packages = {};",
            shards * 8,
            shards * 40
        );
        db.sql(&format!("{size}\n{}", sample::PARTS.join("\n")));
        db
    }

    pub fn create_shards(&self, numbers: impl IntoIterator<Item = u32>) -> &Self {
        let mut script = String::new();
        for n in numbers {
            writeln!(script, "CREATE SCHEMA shard_{n};").unwrap();
        }
        self.sql(&script)
    }

    /// Runs SQL in every shard; `{n}` becomes the shard's number.
    pub fn in_each_shard(&self, sql: &str) -> &Self {
        let shards = self.ask(
            "SELECT substr(nspname, 7) FROM pg_namespace \
             WHERE nspname ~ '^shard_[0-9]+$' ORDER BY substr(nspname, 7)::int",
        );
        let mut script = String::new();
        for n in shards.lines() {
            let sql = sql.replace("{n}", n);
            writeln!(script, "SET search_path TO shard_{n};\n{sql};").unwrap();
        }
        self.sql(&script)
    }

    pub fn in_shard(&self, n: u32, sql: &str) -> &Self {
        self.sql(&format!("SET search_path TO shard_{n};\n{sql}"))
    }

    /// Runs a script of SQL, which must not fail.
    #[track_caller]
    pub fn sql(&self, script: &str) -> &Self {
        if self.run_in_open_session(script).is_none() {
            let psql = self.psql_program(["--set", "ON_ERROR_STOP=1"]);
            psql.stdin(script).run().output();
        }
        self
    }

    /// Leaves nothing in the session: no setting, lock or temporary table. `None` if there is none.
    #[track_caller]
    fn run_in_open_session(&self, sql: &str) -> Option<String> {
        let mut open = self.open.as_ref()?.lock().unwrap();
        let session = open.get_or_insert_with(|| self.session_until_error());
        Some(session.run(&format!("{sql}\n;\nDISCARD ALL")))
    }

    /// The result of a query, as psql prints it unaligned and without headers.
    #[track_caller]
    pub fn ask(&self, query: &str) -> String {
        let answer = self
            .run_in_open_session(query)
            .unwrap_or_else(|| self.psql(["--no-align", "--tuples-only", "--command", query]));
        answer.trim_end_matches('\n').to_owned()
    }

    /// What psql prints: the reference.
    #[track_caller]
    pub fn psql<const N: usize>(&self, args: [&str; N]) -> String {
        self.psql_program(args).run().output()
    }

    pub fn psql_program<const N: usize>(&self, args: [&str; N]) -> Program {
        let psql = Program::new(&self.psql).args(["--no-psqlrc", "--quiet"]);
        psql.args(args).db(self)
    }

    /// A session that stays open, to hold a lock or a transaction.
    pub fn session(&self) -> Session {
        Session::start(self.psql_program(["--no-align", "--tuples-only"]))
    }

    fn session_until_error(&self) -> Session {
        let psql = ["--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1"];
        Session::start(self.psql_program(psql))
    }

    /// The states of this application's backends in this database, from `pg_stat_activity`.
    pub fn backends(&self, application_name: &str) -> Vec<String> {
        let states = self.ask(&format!(
            "SELECT coalesce(state, 'starting') FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = '{application_name}'"
        ));
        states.lines().map(str::to_owned).collect()
    }

    /// The folder of psql and Postgres's other programs.
    pub fn programs(&self) -> &Path {
        self.psql.parent().unwrap()
    }

    pub fn name(&self) -> &str {
        self.variable("PGDATABASE")
    }

    /// A connection string.
    pub fn conninfo(&self) -> String {
        let [host, port, user] = ["PGHOST", "PGPORT", "PGUSER"].map(|name| self.variable(name));
        format!(
            "host='{host}' port={port} user={user} dbname='{}'",
            self.name()
        )
    }

    /// The environment variables that lead here.
    pub fn env(&self) -> &[(&'static str, String)] {
        &self.env
    }

    /// One of them, e.g. `PGHOST`.
    pub fn variable(&self, name: &str) -> &str {
        let found = self.env.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value).unwrap()
    }
}
