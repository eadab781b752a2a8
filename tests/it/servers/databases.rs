//! `--databases`: databases that are shards, or hold them.

use crate::support::{ANY, Db, Program, folder, has, has_all, shardq, verify};

/// Databases of one server, named after the test.
struct Tenants {
    postgres: Db,
    prefix: String,
}

impl Tenants {
    fn new(names: &[&str]) -> Self {
        let postgres = Db::empty();
        let prefix = format!("{}_", &postgres.name()[..postgres.name().len().min(40)]);
        let tenants = Self { postgres, prefix };
        for name in names {
            tenants.create(name, "CREATE TABLE users (id int, name text)");
            tenants.sql(name, &format!("INSERT INTO users VALUES (1, '{name}')"));
        }
        tenants
    }

    fn create(&self, name: &str, sql: &str) {
        let database = format!("{}{name}", self.prefix);
        self.postgres
            .sql(&format!("CREATE DATABASE \"{database}\""));
        self.sql(name, sql);
    }

    fn sql(&self, name: &str, sql: &str) {
        let database = format!("{}{name}", self.prefix);
        let psql = self.postgres.psql_program(["--set", "ON_ERROR_STOP=1"]);
        psql.env("PGDATABASE", &database).stdin(sql).run().output();
    }

    fn shardq<const N: usize>(&self, placeholder: &str, args: [&str; N]) -> Program {
        self.run(placeholder, &args)
    }

    fn run(&self, placeholder: &str, args: &[&str]) -> Program {
        let pattern = format!("{}{placeholder}", self.prefix);
        shardq([])
            .args(args)
            .db(&self.postgres)
            .args(["--databases", &pattern])
    }

    /// The output with the tenants' own names.
    fn plain(&self, text: &str) -> String {
        text.replace(&self.prefix, "")
    }
}

impl Drop for Tenants {
    fn drop(&mut self) {
        let names = self.postgres.ask(&format!(
            "SELECT datname FROM pg_database WHERE starts_with(datname, '{}') AND datname <> current_database()",
            self.prefix
        ));
        for name in names.lines() {
            self.postgres
                .sql(&format!("DROP DATABASE \"{name}\" WITH (FORCE)"));
        }
    }
}

#[test]
fn each_database_is_a_shard_in_the_order_of_people() {
    let tenants = Tenants::new(&["t10", "t9", "acme"]);
    let ran = tenants
        .shardq("{name}", ["query", "--csv", "SELECT name FROM users"])
        .run();
    ran.assert(0, ANY, has_all(["3/3 shards", "3 snapshots within "]));
    assert_eq!(
        tenants.plain(&ran.stdout),
        "shard,name\nacme,acme\nt9,t9\nt10,t10\n"
    );
    let ran = tenants
        .shardq(
            "{name}",
            [
                "query",
                "--csv",
                "-t",
                "SELECT name FROM users",
                "--shards",
                "acme,t1*",
            ],
        )
        .run();
    ran.assert(0, ANY, has("2/2 shards of 3"));
    assert_eq!(tenants.plain(&ran.stdout), "acme,acme\nt10,t10\n");
}

#[test]
fn a_database_is_read_with_its_own_search_path() {
    let tenants = Tenants::new(&["a"]);
    tenants.create(
        "b",
        "CREATE SCHEMA app; CREATE TABLE app.users AS SELECT 2 AS id, 'app' AS name",
    );
    let name = format!("{}b", tenants.prefix);
    tenants.sql(
        "b",
        &format!("ALTER DATABASE \"{name}\" SET search_path TO app"),
    );
    let ran = tenants
        .shardq(
            "{name}",
            ["query", "--csv", "-tq", "SELECT name FROM users"],
        )
        .run();
    assert_eq!(tenants.plain(&ran.stdout), "a,a\nb,app\n", "{}", ran.stderr);
    let ran = tenants
        .shardq(
            "{name}",
            [
                "query",
                "-g",
                "--csv",
                "-tq",
                "SELECT count(*), min(name) FROM users",
            ],
        )
        .run();
    ran.assert(0, "2,a\n", "");
}

#[test]
fn numbers_in_the_names_of_databases_are_the_shards_numbers() {
    let tenants = Tenants::new(&["1", "2", "4"]);
    let ran = tenants
        .shardq(
            "{n}",
            ["query", "--csv", "-t", "SELECT 1", "--shards", "2-"],
        )
        .run();
    ran.assert(
        0,
        ANY,
        has_all(["missing (gap in shard numbers)", "2/2 shards of 3"]),
    );
    assert_eq!(tenants.plain(&ran.stdout), "2,1\n4,1\n");
}

#[test]
fn databases_hold_shards() {
    let tenants = Tenants::new(&[]);
    for name in ["a", "b"] {
        let schemas = "CREATE SCHEMA shard_0; CREATE SCHEMA shard_1;
                       CREATE TABLE shard_0.t AS SELECT 0 AS n; CREATE TABLE shard_1.t AS SELECT 1 AS n";
        tenants.create(name, schemas);
    }
    tenants.create("none", "");
    let sharded = |args| {
        tenants
            .shardq("{name}", args)
            .args(["--schemas", "shard_{n}"])
    };
    let ran = sharded(["query", "--csv", "-t", "SELECT n FROM t"]).run();
    ran.assert(0, ANY, has_all(["none has no shards", "4/4 shards"]));
    assert_eq!(
        tenants.plain(&ran.stdout),
        "a/shard_0,0\na/shard_1,1\nb/shard_0,0\nb/shard_1,1\n"
    );
    let ran = sharded([
        "query",
        "--csv",
        "-tg",
        "SELECT shard, n FROM t ORDER BY 2, 1 LIMIT 2",
    ])
    .run();
    assert_eq!(
        tenants.plain(&ran.stdout),
        "a/shard_0,0\nb/shard_0,0\n",
        "{}",
        ran.stderr
    );
}

#[test]
fn an_export_has_a_file_per_database() {
    let tenants = Tenants::new(&["acme", "beta"]);
    let folder = folder();
    let parts = folder.path().join("users");
    let out = parts.to_str().unwrap();
    tenants
        .shardq(
            "{name}",
            ["export", "SELECT * FROM users", "--per-shard", "-o", out],
        )
        .run()
        .assert(0, "", has("2 rows · 2/2 shards"));
    verify(&parts)
        .run()
        .assert(0, ANY, has("2 snapshots within "));
    let recorded = serde_json::from_slice::<serde_json::Value>(
        &std::fs::read(parts.join("_manifest.json")).unwrap(),
    )
    .unwrap();
    assert_eq!(
        recorded["runs"][0]["databases"].as_array().unwrap().len(),
        2
    );
}

#[test]
fn a_pattern_that_matches_no_database_is_an_error() {
    let tenants = Tenants::new(&[]);
    tenants
        .shardq("nobody_{n}", ["query", "SELECT 1"])
        .run()
        .assert(1, "", has("no database is named"));
}

#[test]
fn more_databases_than_connections_are_read_with_as_many_connections_as_allowed() {
    let tenants = Tenants::new(&["1", "2", "3", "4", "5", "6", "7"]);
    let role = format!("{}two", tenants.prefix);
    tenants
        .postgres
        .sql(&format!("CREATE ROLE \"{role}\" LOGIN CONNECTION LIMIT 2"));
    for name in ["1", "2", "3", "4", "5", "6", "7"] {
        tenants.sql(name, "GRANT SELECT ON users TO public");
    }
    let shardq = |args: &[&str]| tenants.run("{n}", args).env("PGUSER", &role);
    let ran = shardq(&["query", "--csv", "-t", "SELECT name FROM users", "-j", "2"]).run();
    ran.assert(
        0,
        ANY,
        has_all(["7/7 shards", "7 snapshots, one per database"]),
    );
    assert_eq!(
        tenants.plain(&ran.stdout),
        "1,1\n2,2\n3,3\n4,4\n5,5\n6,6\n7,7\n"
    );
    // One that would wait for its turn if others were asked too.
    let one = [
        "query",
        "--csv",
        "-tj2",
        "SELECT name FROM users",
        "--shards",
        "6",
    ];
    let ran = shardq(&one).run();
    ran.assert(0, ANY, has("1/1 shards of 7"));
    assert_eq!(tenants.plain(&ran.stdout), "6,6\n");
    let folder = folder();
    let file = folder.path().join("users.csv");
    let out = file.to_str().unwrap();
    shardq(&["export", "SELECT name FROM users;", "-j", "2", "-o", out])
        .run()
        .assert(0, "", has("7/7 shards"));
    verify(&file)
        .run()
        .assert(0, ANY, has("7 snapshots, one per database"));
    shardq(&["query", "-g", "SELECT count(*) FROM users", "-j", "2", "-q"])
        .run()
        .assert(
            2,
            "",
            has("a connection to each of 7 databases at once; add -j 7"),
        );
    let answer = shardq(&[
        "query",
        "-g",
        "SELECT count(*) FROM users",
        "-j",
        "7",
        "-tq",
    ]);
    answer
        .env("PGUSER", tenants.postgres.variable("PGUSER"))
        .run()
        .assert(0, "     7\n\n", "");
}

#[test]
fn databases_that_are_shards_are_inspected() {
    let tenants = Tenants::new(&["a_1", "a_2", "a_3", "a_4", "a_5", "a_6"]);
    let plain = |args: [&str; 2]| {
        let mut ran = tenants.shardq("a_{n}", args).run();
        ran.stdout = tenants.plain(&ran.stdout);
        ran.stderr = tenants.plain(&ran.stderr);
        ran
    };
    // More than are read at once.
    plain(["drift", "--csv"]).assert(
        0,
        "shards,kind,object,has,expected\n",
        has_all(["no drift · 6/6 shards", "6 snapshots, one per database"]),
    );
    tenants.sql("a_6", "ALTER TABLE users ADD COLUMN more int");
    tenants.sql("a_2", "DROP TABLE users");
    plain(["drift", "--csv"]).assert(
        1,
        "shards,kind,object,has,expected\n\
         a_2,table,users,,\"\"\n\
         a_6,column,users.more,integer,\n",
        has("2 differences · 6/6 shards"),
    );
    plain(["shards", "--exact"]).assert(0, has_all(["a_1", "a_6"]), has("6/6 shards"));
    plain(["tables", "--csv"]).assert(0, has("users,table,5,"), has("6/6 shards"));
    plain(["doctor", "-q"]).assert(0, has("6: a_1-6"), "");
    let programs = tenants.postgres.programs().display().to_string();
    tenants
        .shardq("a_{n}", ["psql", "-q"])
        .args(["--shards", "5"])
        .env("PATH", format!("{programs}:/bin:/usr/bin"))
        .args(["--", "-XAtc", "SELECT name FROM users"])
        .run()
        .assert(0, "a_5\n", "");
}

#[test]
fn schemas_of_the_same_name_in_several_databases_are_compared() {
    let tenants = Tenants::new(&[]);
    for name in ["x", "y"] {
        tenants.create(name, "CREATE SCHEMA shard_0; CREATE SCHEMA shard_1");
        for shard in ["shard_0", "shard_1"] {
            let sql = format!("CREATE TABLE {shard}.t (n int); CREATE INDEX i ON {shard}.t (n)");
            tenants.sql(name, &sql);
        }
    }
    tenants.sql("y", "DROP INDEX shard_1.i");
    let ran = tenants
        .shardq("{name}", ["drift", "--csv"])
        .args(["--schemas", "shard_{n}"])
        .run();
    assert_eq!(
        tenants.plain(&ran.stdout),
        "shards,kind,object,has,expected\n\
         y/shard_1,index,t.i,,CREATE INDEX i ON t USING btree (n)\n"
    );
    let ran = tenants
        .shardq("{name}", ["shards", "--exact", "--csv"])
        .args(["--schemas", "shard_{n}"])
        .run();
    ran.assert(0, has("y/shard_0,1,0,8192,"), has("4/4 shards"));
}

#[test]
fn an_error_of_the_server_is_not_taken_for_no_databases() {
    let db = Db::empty();
    let role = format!("{}_reader", db.name());
    db.sql(&format!(
        "CREATE ROLE \"{role}\" LOGIN; REVOKE SELECT ON pg_catalog.pg_database FROM PUBLIC"
    ));
    let ran = shardq(["query", "SELECT 1", "--databases", "x*", "-U", &role])
        .db(&db)
        .run();
    db.sql(&format!("DROP ROLE \"{role}\""));
    ran.assert(
        1,
        "",
        has("ERROR 42501: permission denied for table pg_database"),
    );
}

#[test]
fn a_profile_has_the_databases_of_the_flags() {
    let tenants = Tenants::new(&["t10", "t9"]);
    let folder = folder();
    let home = folder.path();
    let run = |args: &[&str]| tenants.run("{name}", args).env("XDG_CONFIG_HOME", home);
    run(&["profiles", "init", "live"])
        .run()
        .assert(0, "", has("wrote profile \"live\""));
    let by_flags = run(&["query", "--csv", "SELECT name FROM users"]).run();
    by_flags.assert(0, ANY, has("2/2 shards"));
    shardq(["query", "-P", "live", "--csv", "SELECT name FROM users"])
        .env("XDG_CONFIG_HOME", home)
        .run()
        .assert(0, &by_flags.stdout, has("2/2 shards"));
    tenants
        .run("none_{name}", &["profiles", "init", "other"])
        .env("XDG_CONFIG_HOME", home)
        .run()
        .assert(1, "", has("no database"));
}

/// More databases than connections: each is searched when one is free.
#[test]
fn a_key_is_searched_for_in_any_number_of_databases() {
    let names: Vec<_> = (0..40).map(|n| format!("t{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let tenants = Tenants::new(&names);
    let find = |key: &str, connections: &str| {
        let args = ["find", key, "--in", "users.name", "-j", connections];
        let most = MostConnections::watch(&tenants);
        let ran = tenants.run("{name}", &args).run();
        (ran, most.end())
    };
    for connections in ["2", "5"] {
        let (ran, most) = find("t37", connections);
        ran.assert(0, ANY, has("40/40 shards searched"));
        assert!(tenants.plain(&ran.stdout).contains("t37"), "{}", ran.stdout);
        // A backend whose client is gone counts until it has ended.
        let asked: usize = connections.parse().unwrap();
        assert!(most <= 2 * asked, "{most} connections");
    }
    let (ran, _) = find("nobody", "3");
    ran.assert(1, ANY, has("40/40 shards searched"));
    find("t37", "1").0.assert(2, "", has("add -j 2"));

    // One that cannot be searched is named, and the others are.
    tenants.sql("t20", "DROP TABLE users; CREATE TABLE users (id int)");
    let (ran, _) = find("t37", "2");
    ran.assert(3, ANY, has("39/40 shards searched"));
    assert!(
        tenants.plain(&ran.stderr).contains("in t20"),
        "{}",
        ran.stderr
    );

    let file = folder();
    let keys = file.path().join("keys.csv");
    std::fs::write(&keys, "name\nt0\nt39\n").unwrap();
    let from = [
        "find",
        "--from",
        keys.to_str().unwrap(),
        "--in",
        "users.name",
    ];
    tenants
        .run("{name}", &from)
        .run()
        .assert(2, "", has("add -j 40"));
    let ran = tenants
        .run("{name}", &[&from[..], &["-j", "40"]].concat())
        .run();
    ran.assert(3, ANY, has("39/40 shards"));
    let plain = tenants.plain(&ran.stdout);
    assert!(plain.contains("t0,t0,,true\nt39,t39,,true\n"), "{plain}");
}

/// How many connections there are at most to databases whose names begin so, seen again and again.
struct MostConnections {
    stop: std::sync::mpsc::Sender<()>,
    seen: std::thread::JoinHandle<usize>,
}

impl MostConnections {
    fn watch(tenants: &Tenants) -> Self {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE starts_with(datname, '{}')
             AND datname NOT IN ('{}', current_database())",
            tenants.prefix,
            tenants.postgres.name(),
        );
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let (db, seen) = (Db::empty(), 0);
        let seen = std::thread::spawn(move || {
            let mut most = seen;
            while let Err(std::sync::mpsc::TryRecvError::Empty) = stopped.try_recv() {
                most = most.max(db.ask(&sql).trim().parse().unwrap());
            }
            most
        });
        Self { stop, seen }
    }

    fn end(self) -> usize {
        drop(self.stop);
        self.seen.join().unwrap()
    }
}
