//! Several servers in one topology, each behind a `PgBouncer`, in transaction and in session mode.

use crate::support::{
    ANY, Db, PgBouncer, PoolMode, Program, Servers, folder, has, has_all, shardq, verify,
};

/// Four servers behind poolers, which have fewer connections than `-j` asks for.
struct Pooled {
    servers: Servers,
    poolers: Vec<PgBouncer>,
}

impl Pooled {
    /// `None` without `PgBouncer`.
    fn new() -> Option<Self> {
        let servers = Servers::with_shards(4);
        servers.in_each_shard(
            "CREATE TABLE origins AS SELECT {n}::bigint AS id, 'name-{n}' AS name;
             ALTER TABLE origins ADD PRIMARY KEY (id)",
        );
        let modes = [PoolMode::Transaction, PoolMode::Session]
            .into_iter()
            .cycle();
        let databases = servers.databases.iter().zip(modes);
        let poolers = databases.map(|(db, mode)| PgBouncer::in_mode(mode, db, 2));
        let poolers = poolers.collect::<Option<Vec<_>>>()?;
        Some(Self { servers, poolers })
    }

    fn databases(&self) -> impl Iterator<Item = (&Db, &PgBouncer)> {
        self.servers.databases.iter().zip(&self.poolers)
    }

    fn run(&self, args: &[&str]) -> Program {
        let servers = self.databases();
        let servers = servers.flat_map(|(db, pooler)| ["--server".to_owned(), pooler.conninfo(db)]);
        shardq([]).args(args).args(servers)
    }
}

#[test]
fn poolers_of_both_modes_hand_out_whole_answers() {
    let Some(pooled) = Pooled::new() else {
        return;
    };
    let expected: Vec<_> = (0..16).map(|n| format!("shard_{n},{n}")).collect();
    let query = ["query", "--csv", "-t", "-j", "4", "SELECT id FROM origins"];
    for _ in 0..3 {
        let ran = pooled.run(&query).run();
        ran.assert(0, ANY, has("16/16 shards"));
        let rows = ran
            .stdout
            .lines()
            .map(|line| line.split_once(',').unwrap().1);
        assert_eq!(rows.collect::<Vec<_>>(), expected);
    }
    let global = [
        "query",
        "-g",
        "--csv",
        "-t",
        "SELECT count(*), sum(id) FROM origins",
    ];
    pooled
        .run(&global)
        .run()
        .assert(0, "16,120\n", has("16/16 shards"));
    let find = ["find", "name-13", "--in", "origins.name"];
    pooled
        .run(&find)
        .run()
        .assert(0, has("shard_13"), has("16/16 shards searched"));

    let folder = folder();
    let file = folder.path().join("origins.csv");
    let export = [
        "export",
        "SELECT id FROM origins",
        "-o",
        file.to_str().unwrap(),
    ];
    pooled.run(&export).run().assert(0, "", has("16/16 shards"));
    verify(&file).run().assert(0, ANY, has("shards"));
}

/// What a client left on a server connection answers for nobody else.
#[test]
fn temporary_tables_of_other_clients_answer_nowhere() {
    let Some(pooled) = Pooled::new() else {
        return;
    };
    for (db, pooler) in pooled.databases() {
        let plant = "CREATE TEMP TABLE origins AS SELECT -1::bigint AS id, 'x' AS name";
        pooler
            .lead(db.psql_program(["-c", plant]), db)
            .run()
            .output();
    }
    let global = [
        "query",
        "-g",
        "--csv",
        "-t",
        "SELECT min(id), count(*) FROM origins",
    ];
    pooled
        .run(&global)
        .run()
        .assert(0, "0,16\n", has("16/16 shards"));
    let query = ["query", "--csv", "-tq", "SELECT min(id) FROM origins"];
    let ran = pooled.run(&query).run();
    assert!(!ran.stdout.contains(",-1"), "{}", ran.stdout);
    ran.assert(0, has(",shard_15,15\n"), "");
}

/// A session of one server is lost in the middle. The other sessions of that server take its shards
/// over, unless the pooler closes them too.
#[test]
fn shards_that_a_pooler_loses_are_read_again_or_named() {
    let Some(pooled) = Pooled::new() else {
        return;
    };
    let db = &pooled.servers.databases[3];
    let mut gate = db.session();
    gate.run("SELECT pg_advisory_lock(1)");
    let sql = "SELECT id FROM origins, pg_advisory_xact_lock_shared(1)";
    let query = ["query", "--csv", "-t", "--lock-timeout", "0", sql];
    let running = pooled.run(&query).spawn();
    db.until_waiting("Lock", 1);
    db.terminate_waiting("Lock");
    gate.run("SELECT pg_advisory_unlock(1)");
    let ran = running.finish();
    if ran.status == 0 {
        ran.assert(0, has(",shard_15,15\n"), has("16/16 shards"));
    } else {
        ran.assert(3, has(",shard_11,11\n"), has_all(["lost", "missing"]));
    }
}
