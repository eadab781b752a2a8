//! What the definition of the command line generates besides the help.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use clap::CommandFactory;
use shardq::cli::Cli;
use shardq::sandbox::Options;
use tempfile::NamedTempFile;

use crate::support::{
    ANY, Db, Profile, Program, Terminal, has, has_all, insert, private_server, shardq, with_origins,
};

/// The short help of a command and of all that it has: what completions show.
fn short_helps(command: &clap::Command) -> Vec<String> {
    let mut texts: Vec<_> = command
        .get_about()
        .into_iter()
        .map(ToString::to_string)
        .collect();
    for argument in command.get_arguments() {
        texts.extend(argument.get_help().map(ToString::to_string));
        let values = argument.get_possible_values();
        texts.extend(
            values
                .iter()
                .filter_map(|value| value.get_help().map(ToString::to_string)),
        );
    }
    texts.extend(command.get_subcommands().flat_map(short_helps));
    texts
}

/// `clap_complete` escapes them for single quotes, but puts the help of values between double
/// quotes; zsh and fish then drop them.
#[test]
fn no_short_help_has_what_a_shell_would_drop() {
    let texts = short_helps(&Cli::command());
    assert!(texts.len() > 50);
    for text in texts {
        assert!(!text.contains(['"', '\\', '`', '$']), "{text}");
    }
}

/// clap takes `{n}` for a line break.
#[test]
fn no_help_has_a_break_where_a_pattern_should_be() {
    fn check(command: &clap::Command) {
        for argument in command.get_arguments() {
            for help in [argument.get_help(), argument.get_long_help()] {
                let text = help.map(ToString::to_string).unwrap_or_default();
                assert!(!text.contains("{n}"), "{text}");
            }
        }
        command.get_subcommands().for_each(check);
    }
    check(&Cli::command());
}

#[test]
fn every_shell_gets_the_commands_and_their_flags() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        shardq(["completions", shell]).run().assert(
            0,
            has_all(["query", "find", "no-verify", "expect-shards"]),
            "",
        );
    }
    shardq(["completions", "tcsh"])
        .run()
        .assert(2, "", has("possible values: bash, elvish, fish"));
}

/// What bash offers behind these words, as its completion calls the function.
fn bash(words: &[&str]) -> Program {
    let script = shardq(["completions", "bash"]).run().output();
    let ask = "\nCOMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMPREPLY=()\n\
               _shardq_or_values \"$1\" \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"\n\
               printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    Program::new("bash")
        .args(["--norc", "-s", env!("CARGO_BIN_EXE_shardq")])
        .args(words)
        .stdin(script + ask)
}

#[test]
fn bash_completes_what_it_was_given() {
    bash(&["find", "--no"])
        .run()
        .assert(0, "--no-verify\n--no-password\n", "");
    let script = shardq(["completions", "bash"]).run().output();
    assert!(script.contains("complete -F _shardq_or_values -o nosort"));
}

/// Shards with an origin each, and a database beside them that needs quotes.
fn with_values() -> (Db, Db) {
    let db = with_origins(12);
    insert(&db, 3, 5, "core");
    insert(&db, 7, 6, "corelight");
    insert(&db, 7, 7, "it's $HOME");
    (db, Db::empty())
}

#[test]
fn bash_completes_databases_shards_and_origins_of_the_server() {
    let (db, other) = with_values();
    let offered = |words: &[&str], values: &str| {
        bash(words).db(&db).run().assert(0, values, "");
    };
    offered(&["query", "--shards", "1"], "1\n10\n11\n");
    offered(&["query", "--shards", "0,1"], "0,1\n0,10\n0,11\n");
    offered(&["export", "--exclude-shards", "=", "shard_9"], "shard_9\n");
    offered(&["query", "--origin", "core"], "core\ncorelight\n");
    offered(&["query", "--origin", "it"], "it\\'s\\ \\$HOME\n");
    offered(
        &["query", "-d", other.name()],
        &format!("{}\n", other.name()),
    );
    // No such values: nothing, instead of the files of the folder.
    offered(&["query", "--origin", "src"], "\n");
}

#[test]
fn values_are_those_of_the_profile_that_was_typed() {
    let (db, _other) = with_values();
    let profile = Profile::new(&format!(
        "connection = \"host='{}' port={} user={} dbname='{}'\"\nschemas = ['shard_1{{number}}']\n\
         [liver]\nconnection = 'host=nowhere.invalid'",
        db.variable("PGHOST"),
        db.variable("PGPORT"),
        db.variable("PGUSER"),
        db.name(),
    ));
    for (words, values) in [
        (&["-P", "l"][..], "live\nliver\n"),
        (&["-P", "live", "--shards", ""], "0\n1\n"),
        (
            &["-P", "live", "--schemas", "shard_{n}", "--shards", "9"],
            "9\n",
        ),
        (&["-P", "liver", "--shards", ""], ""),
        (&["-P", "nosuch", "-d", ""], ""),
    ] {
        let asked = shardq(["__complete", "query"]).args(words);
        profile.of(asked).run().assert(0, values, "");
    }
}

#[test]
fn a_server_that_cannot_be_asked_offers_nothing_and_does_not_hold_up_the_shell() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let asks_for_a_password = private_server(Options {
        hba: Some("local all all scram-sha-256\n".to_owned()),
        ..Options::default()
    });
    let socket = asks_for_a_password.socket_dir().display().to_string();
    for (host, port) in [("127.0.0.1", port.as_str()), (&socket, "5432"), ("/", "1")] {
        for words in [["--shards", ""], ["-d", ""], ["--origin", "c"]] {
            let asked = shardq(["__complete", "query", "-W", "-U", "postgres", "-h", host]);
            let ran = asked.args(["-p", port]).args(words).run();
            ran.assert(0, "", "");
            // Its limit is a second.
            assert!(ran.elapsed < Duration::from_secs(5), "{:?}", ran.elapsed);
        }
    }
}

#[test]
fn a_locked_table_does_not_hold_up_the_shell() {
    let (db, _other) = with_values();
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_7.origins");
    let asked = shardq(["__complete", "query", "--origin", "core"]).db(&db);
    let ran = asked.run();
    ran.assert(0, "", "");
    assert!(ran.elapsed < Duration::from_secs(5), "{:?}", ran.elapsed);
    db.assert_nothing_runs();
}

/// A shell with the program on its PATH, and its script as a file. `None` if it is not installed.
#[allow(clippy::print_stdout, reason = "reports why a test is skipped")]
fn shell(name: &str, db: &Db) -> Option<(Program, NamedTempFile)> {
    if Command::new(name).arg("--version").output().is_err() {
        println!("skipped: no {name} here");
        return None;
    }
    let script = NamedTempFile::new().unwrap();
    std::fs::write(&script, shardq(["completions", name]).run().output()).unwrap();
    let ours = Path::new(env!("CARGO_BIN_EXE_shardq")).parent().unwrap();
    let path = format!("{}:{}", ours.display(), std::env::var("PATH").unwrap());
    Some((Program::new(name).env("PATH", path).db(db), script))
}

#[test]
fn fish_completes_databases_shards_and_origins_of_the_server() {
    let (db, other) = with_values();
    for (line, values) in [
        ("query --shards 1", "1\n10\n11\n"),
        ("query --shards 0,1", "0,1\n0,10\n0,11\n"),
        ("query --origin=core", "--origin=core\n--origin=corelight\n"),
        ("query --origin it", "it's $HOME\n"),
        ("verify --shards 1", ""),
        (
            &format!("psql -d {}", other.name()),
            &format!("{}\n", other.name()),
        ),
    ] {
        let Some((fish, script)) = shell("fish", &db) else {
            return;
        };
        let script = script.path().display();
        let ask = format!("source {script}; cd /nonexistent; complete -C 'shardq {line}'");
        let fish = fish.args(["--no-config", "-c", &ask]);
        fish.run().assert(0, values, ANY);
    }
}

#[test]
fn zsh_completes_an_origin_of_the_server() {
    let (db, _other) = with_values();
    let Some((zsh, script)) = shell("zsh", &db) else {
        return;
    };
    let mut zsh = Terminal::start(zsh.args(["-f", "-i"]), 80, 24);
    let script = script.path().display();
    zsh.type_in(&format!(
        "PS1=; autoload -Uz compinit; compinit -D -u; source {script}; echo rea''dy\n"
    ));
    zsh.wait_for(|screen| screen.contains("ready"));
    zsh.type_in("shardq query --origin it\t");
    zsh.wait_for(|screen| screen.contains(r"it\'s\ \$HOME"));
    zsh.type_in("\x15shardq query --shards 11,1\t");
    zsh.wait_for(|screen| {
        ["11,1", "11,10", "11,11"]
            .iter()
            .all(|it| screen.contains(it))
    });
}

#[test]
fn the_man_page_has_every_command_with_its_flags() {
    shardq(["man"]).run().assert(
        0,
        has_all([
            ".TH shardq 1",
            ".SH NAME",
            ".SH \"SHARDQ QUERY\"",
            "\\fB\\-\\-expect\\-shards\\fR",
            ".SH \"SHARDQ FIND\"",
            "\\fB\\-\\-no\\-verify\\fR",
            ".SS EXAMPLES",
        ]),
        "",
    );
}

#[test]
fn a_reader_that_stops_early_is_no_error() {
    for args in [["man", "--"], ["completions", "zsh"]] {
        shardq(args).run_reading(1).assert(0, has("\n"), "");
    }
}
