//! How a hub whose role is not a superuser logs in to servers that ask for a password.

use shardq::sandbox::{Options, Sandbox};

use crate::support::{ANY, Db, Profile, Program, has, has_all, private_server, shardq};

const PASSWORD: &str = "it's s3cret";

/// A server that asks `app` for a password, and everybody else for nothing.
fn asking() -> Sandbox {
    private_server(Options {
        hba: Some("local all app scram-sha-256\nlocal all all trust\n".to_owned()),
        ..Options::default()
    })
}

/// One shard that `app` may read, and a database that it may make a hub.
struct Scene {
    servers: [Sandbox; 2],
    shard: Db,
    hub: Db,
}

impl Scene {
    fn new() -> Self {
        let servers = [asking(), asking()];
        let (shard, hub) = (Db::on(&servers[0]), Db::on(&servers[1]));
        shard.create_shards([0]);
        shard.sql(&format!(
            "CREATE ROLE app LOGIN PASSWORD '{}'; GRANT USAGE ON SCHEMA shard_0 TO app; \
             CREATE TABLE shard_0.t AS SELECT 7 AS n; GRANT SELECT ON shard_0.t TO app",
            PASSWORD.replace('\'', "''")
        ));
        // The same secret on both, with salt and iterations.
        let secret = shard.ask("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'");
        hub.sql(&format!(
            "CREATE ROLE app LOGIN PASSWORD '{secret}'; CREATE EXTENSION postgres_fdw; \
             GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO app; \
             GRANT CREATE ON DATABASE \"{}\" TO app",
            hub.name()
        ));
        Self {
            servers,
            shard,
            hub,
        }
    }

    fn version(&self) -> u32 {
        self.hub.ask("SHOW server_version_num").parse().unwrap()
    }

    fn conninfo(&self) -> String {
        let conninfo = self.hub.conninfo().replace("user=postgres", "user=app");
        format!("{conninfo} password='{}'", PASSWORD.replace('\'', "\\'"))
    }

    /// With a profile whose command prints the password.
    fn profile(&self) -> Profile {
        let conninfo = self.shard.conninfo().replace("user=postgres", "user=app");
        Profile::new(&format!(
            "connection = \"{conninfo}\"\npassword_command = ['printf', '%s', \"{PASSWORD}\"]"
        ))
    }

    fn federate(&self) -> Program {
        shardq(["federate", "--hub", &self.conninfo()])
    }

    #[track_caller]
    fn assert_hub_answers(&self) {
        let query = ["query", "-g", "--csv", "-t", "SELECT sum(n) FROM t"];
        self.profile()
            .of(shardq(query))
            .args(["--via", &self.conninfo()])
            .run()
            .assert(0, "7\n", has("via "));
    }

    fn options_of_mapping(&self) -> String {
        let sql = "SELECT string_agg(o, ', ' ORDER BY o) \
                   FROM pg_user_mappings, unnest(umoptions) AS o";
        self.hub.ask(sql)
    }
}

#[test]
fn a_password_is_stored_only_if_asked_and_said() {
    let scene = Scene::new();
    let profile = scene.profile();
    profile
        .of(scene.federate())
        .args(["--store-password"])
        .run()
        .assert(
            0,
            "",
            has_all([
                "warning: the hub stores the passwords of the servers: its superusers can read them in \
                 pg_user_mapping, and so can whoever has a dump of it",
                "created · 1 server · 1 shard",
            ]),
        );
    assert_eq!(
        scene.options_of_mapping(),
        format!("password={PASSWORD}, user=app")
    );
    let sql = "SET ROLE app; SELECT sum(n) FROM all_shards.t";
    assert_eq!(scene.hub.ask(sql).lines().last(), Some("7"));
    scene.assert_hub_answers();
    let script = profile.of(scene.federate()).args(["--dry-run"]).run();
    script.assert(0, "-- the hub is up to date\n", ANY);
    assert!(scene.servers.iter().all(|server| server.port() > 0));
}

#[test]
fn a_password_that_no_command_prints_is_not_stored() {
    let scene = Scene::new();
    let conninfo = scene.shard.conninfo();
    scene
        .federate()
        .args(["-d", &conninfo, "--store-password"])
        .run()
        .assert(
            2,
            "",
            has("--store-password stores what password_command of a profile prints, and "),
        );
}

#[test]
fn without_a_stored_password_a_hub_of_18_passes_scram_through() {
    let scene = Scene::new();
    let ran = scene.profile().of(scene.federate()).run();
    if scene.version() < 180_000 {
        ran.assert(
            1,
            "",
            has_all([
                "the hub cannot read the tables of ",
                "password",
                "--store-password",
            ]),
        );
        return;
    }
    ran.assert(0, "", has("created · 1 server · 1 shard"));
    assert_eq!(scene.options_of_mapping(), "user=app");
    scene.assert_hub_answers();
}
