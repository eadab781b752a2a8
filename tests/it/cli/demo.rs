//! `shardq demo` shows the main features, and leaves nothing behind however it ends.

use std::path::{Path, PathBuf};

use crate::support::{ANY, Program, Running, Terminal, eventually, folder, has_all, shardq};

#[test]
fn the_demo_shows_the_main_job() {
    shardq(["demo"]).run().assert(
        0,
        has_all([
            "$ shardq find core\ncore is in shard_30",
            "721096797631602718",
            "$ shardq query",
            "shard_84 | amber-acorn",
            "shard_2,727885614903099394,hidden-otter,2017-05-29 05:48:38.026+00\n",
            "The server and its data are gone.",
        ]),
        has_all(["128/128 shards", "32/32 shards"]),
    );
}

#[test]
fn the_demo_shows_a_shard_that_differs() {
    shardq(["demo", "--drift"]).run().assert(
        0,
        has_all([
            "$ shardq shards --map --by rows\n",
            "shard_84 | table  | origin_integrations ",
            "shard_84 | index  | origins.by_owner ",
            "ALTER TABLE \"shard_84\".\"origins\" ALTER COLUMN",
            "The server and its data are gone.",
        ]),
        has_all(["3 differences · 128/128 shards", "128/128 shards"]),
    );
}

#[test]
fn on_a_terminal_it_ends_in_the_shell() {
    let state = folder();
    let demo = shardq(["--color=never", "demo"]).env("XDG_STATE_HOME", state.path());
    let mut terminal = Terminal::start(demo, 120, 24);
    terminal.wait_for(|screen| screen.contains("builder_originsrv 128/128=> "));
    terminal.type_in("SELECT count(*) AS n FROM origins \\gg\r");
    terminal.wait_for(|screen| screen.contains(" 5001\r\n"));
    terminal.type_in("\\q\r");
    let ran = terminal.finish();
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    let end = "The server and its data are gone.\n";
    assert!(ran.stdout.ends_with(end), "{}", ran.stdout);
}

#[test]
fn a_demo_that_is_kept_can_be_connected_to_and_ends_with_ctrl_c() {
    let (demo, folder) = kept_demo();
    let count = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'shard%'";
    let answer = Program::new("psql")
        .args(["-XAtc", count, "-U", "postgres", "builder_originsrv"])
        .env("PGHOST", &folder)
        .run();
    answer.assert(0, "128\n", "");
    demo.signal("INT");
    demo.finish().assert(0, ANY, ANY);
    assert!(!folder.exists());
}

#[test]
fn a_demo_that_is_killed_leaves_nothing_behind() {
    let (demo, folder) = kept_demo();
    demo.signal("KILL");
    demo.finish().assert(137, ANY, ANY);
    eventually("its folder is gone", || !folder.exists());
}

/// A demo held open by `--keep`, and its server's folder.
fn kept_demo() -> (Running, PathBuf) {
    let demo = shardq(["demo", "--keep"]).spawn();
    let told = demo.wait_for_stdout(|text| text.contains("PGDATABASE="));
    let (_, host) = told.split_once("PGHOST=").unwrap();
    let folder = Path::new(host.split(' ').next().unwrap()).to_owned();
    assert!(folder.join("data").is_dir());
    (demo, folder)
}
