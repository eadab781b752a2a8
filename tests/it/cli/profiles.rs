//! Profiles: where to connect and what to ask for, by name.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use shardq::sandbox::Options;
use tempfile::TempDir;

use crate::support::{ANY, Db, Program, folder, has, has_all, private_server, shardq};

/// A folder for `XDG_CONFIG_HOME`, and the file in it.
fn profiles(text: &str) -> (TempDir, PathBuf) {
    let home = folder();
    let file = home.path().join("shardq/config.toml");
    fs::create_dir(home.path().join("shardq")).unwrap();
    fs::write(&file, text).unwrap();
    (home, file)
}

fn connection(db: &Db) -> String {
    let get = |name| db.variable(name).to_owned();
    format!(
        "host={} port={} dbname={} user={}",
        get("PGHOST"),
        get("PGPORT"),
        db.name(),
        get("PGUSER")
    )
}

fn tenants() -> Db {
    let db = Db::empty();
    for tenant in ["tenant_a", "tenant_b"] {
        db.sql(&format!(
            "CREATE SCHEMA {tenant}; CREATE TABLE {tenant}.t AS SELECT '{tenant}' AS name"
        ));
    }
    db
}

fn with_home<const N: usize>(args: [&str; N], home: &TempDir) -> Program {
    shardq(args).env("XDG_CONFIG_HOME", home.path())
}

#[test]
fn a_profile_says_where_the_shards_are() {
    let db = tenants();
    let (home, file) = profiles(&format!(
        "[base]\nschemas = ['tenant_{{name}}']\n[live]\ninherit = 'base'\nconnection = \"{}\"\n\
         expect_shards = 2\nshard_column = 'tenant'\n",
        connection(&db)
    ));
    let expected = "tenant,name\ntenant_a,tenant_a\ntenant_b,tenant_b\n";
    let args = ["query", "--csv", "SELECT name FROM t"];
    with_home(args, &home).args(["-P", "live"]).run().assert(
        0,
        expected,
        has(&format!("2/2 shards · live {} on ", db.name())),
    );
    with_home(args, &home)
        .env("SHARDQ_PROFILE", "live")
        .run()
        .assert(0, expected, ANY);
    shardq(args)
        .args(["--profile=live", "--config"])
        .args([&file])
        .run()
        .assert(0, expected, ANY);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("default = 'live'\n{text}")).unwrap();
    with_home(args, &home).run().assert(0, expected, ANY);
    shardq(args)
        .env("SHARDQ_CONFIG", &file)
        .run()
        .assert(0, expected, ANY);
    with_home(
        ["query", "-g", "-t", "--csv", "SELECT count(*) FROM t"],
        &home,
    )
    .run()
    .assert(0, "2\n", has("2/2 shards"));
    with_home(["export", "-o", "-", "SELECT name FROM t"], &home)
        .run()
        .assert(0, expected, ANY);
}

#[test]
fn flags_win_over_variables_and_these_over_the_profile() {
    let (one, other) = (tenants(), Db::with_shards(1));
    other.in_each_shard("CREATE TABLE t AS SELECT 'other' AS name");
    let (home, _) = profiles(&format!(
        "[live]\nconnection = \"{}\"\nschemas = 'tenant_{{name}}'\nexclude_schemas = ['tenant_b']\n\
         expect_shards = 1\n",
        connection(&one)
    ));
    let args = ["query", "-P", "live", "--csv", "-t", "SELECT name FROM t"];
    with_home(args, &home)
        .run()
        .assert(0, "tenant_a,tenant_a\n", ANY);
    // With a pattern, what the profile excludes does not count.
    with_home(args, &home)
        .args(["--schemas=tenant_b"])
        .run()
        .assert(0, "tenant_b,tenant_b\n", ANY);
    with_home(args, &home)
        .args(["--schemas", "shard_{n}", "-d", other.name()])
        .run()
        .assert(0, "shard_0,other\n", ANY);
    with_home(args, &home)
        .args(["--schemas", "shard_{n}"])
        .env("PGDATABASE", other.name())
        .run()
        .assert(
            0,
            "shard_0,other\n",
            has("shardq: warning: PGDATABASE overrides profile \"live\"\n"),
        );
    with_home(args, &home)
        .args(["--expect-shards", "9"])
        .run()
        .assert(1, "", has("expected 9"));
}

#[test]
fn a_profile_that_is_not_valid_is_an_error() {
    let (home, file) = profiles("[live]\nconection = 'x'\n");
    let shown = file.display();
    with_home(["query", "-P", "live", "SELECT 1"], &home)
        .run()
        .assert(
            2,
            "",
            format!(
                "shardq: error: \"{shown}\", line 2: unknown key \"conection\"; did you mean \
                 \"connection\"?\n"
            )
            .as_str(),
        );
    fs::write(&file, "[live]\ntimeout = '5'\n[int]").unwrap();
    with_home(["query", "-P", "live", "SELECT 1"], &home)
        .run()
        .assert(
            2,
            "",
            has_all([
                "profile \"live\": ",
                "'--timeout <TIME>'",
                "expected a number with a unit",
            ]),
        );
    with_home(["query", "-P", "lvie", "SELECT 1"], &home)
        .run()
        .assert(
            2,
            "",
            format!("shardq: error: no profile \"lvie\" in \"{shown}\"; it has int, live\n")
                .as_str(),
        );
    shardq(["query", "-P", "live", "SELECT 1"]).run().assert(
        2,
        "",
        has_all(["no profile \"live\"", "shardq profiles init live"]),
    );
    shardq(["query", "--config", "/no/such/file", "SELECT 1"])
        .run()
        .assert(
            2,
            "",
            has("could not read profiles from \"/no/such/file\": No such file"),
        );
}

#[test]
fn a_command_prints_the_password() {
    let server = private_server(Options {
        hba: Some("local all scram scram-sha-256\nlocal all all trust".to_owned()),
        ..Options::default()
    });
    let db = Db::on(&server);
    db.sql(
        "CREATE SCHEMA shard_0; CREATE ROLE scram LOGIN PASSWORD 'hunter2';
         GRANT USAGE ON SCHEMA shard_0 TO scram",
    );
    let home = folder();
    let calls = home.path().join("calls");
    let run = |script: &str| {
        let (home, _) = profiles(&format!(
            "[live]\nconnection = \"{} user=scram\"\npassword_command = ['sh', '-c', '''{script}''']\n",
            connection(&db)
        ));
        with_home(
            ["query", "-P", "live", "-j", "3", "-t", "--csv", "SELECT 1"],
            &home,
        )
        .run()
    };
    let script = format!("echo called >> {}; echo hunter2", calls.display());
    run(&script).assert(0, "shard_0,1\n", has("1/1 shards"));
    assert_eq!(fs::read_to_string(&calls).unwrap(), "called\n");
    let failed = run("echo hunter2; echo locked >&2; exit 7");
    assert!(!failed.stderr.contains("hunter2"), "{}", failed.stderr);
    failed.assert(
        1,
        "",
        has_all(["locked\n", "password_command \"sh\" failed: exit status: 7"]),
    );
    run("echo wrong").assert(1, "", has("password authentication failed"));
}

#[test]
fn profiles_are_listed_and_checked() {
    let db = tenants();
    let (home, _) = profiles(&format!(
        "default = 'live'\n[live]\nconnection = \"{0}\"\nschemas = ['tenant_{{name}}']\n\
         [none]\nconnection = \"{0}\"\n[down]\nconnection = 'host=/nonexistent dbname=x user=u'\n",
        connection(&db)
    ));
    with_home(["profiles"], &home).run().assert(
        0,
        has_all([
            " live (default) | ",
            " down           | x on /nonexistent:5432 as u",
            "(3 rows)",
        ]),
        "",
    );
    with_home(["profiles", "--check"], &home).run().assert(
        1,
        has_all([" 2 shards", "| no schema is", "No such file or directory"]),
        "",
    );
    shardq(["profiles"])
        .env("HOME", home.path())
        .run()
        .assert(0, "", has("hint: there is no \""));
}

#[test]
fn flags_that_connect_become_a_profile() {
    let db = tenants();
    let home = folder();
    let init = |name: &str| {
        with_home(["profiles", "init", "--schemas", "tenant_{name}"], &home)
            .args([name])
            .db(&db)
    };
    let file = home.path().join("shardq/config.toml");
    init("live").run().assert(
        0,
        "",
        has_all(["wrote profile \"live\"", "shardq query -P live"]),
    );
    init("other")
        .env("PGPASSWORD", "hunter2")
        .run()
        .assert(0, "", ANY);
    let written = fs::read_to_string(&file).unwrap();
    assert!(!written.contains("hunter2"), "{written}");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for name in ["live", "other"] {
        with_home(
            ["query", "-t", "--csv", "SELECT name FROM t", "-P", name],
            &home,
        )
        .run()
        .assert(0, "tenant_a,tenant_a\ntenant_b,tenant_b\n", ANY);
    }
    init("live")
        .run()
        .assert(2, "", has("has a profile \"live\" already"));
    init("elsewhere")
        .env("PGPORT", "1")
        .run()
        .assert(1, "", has("No such file"));
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
}
