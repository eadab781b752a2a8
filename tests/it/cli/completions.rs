//! What the definition of the command line generates besides the help.

use crate::support::{Program, has, has_all, shardq};

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

#[test]
fn bash_completes_what_it_was_given() {
    let script = shardq(["completions", "bash"]).run().output();
    let ask = "\nCOMP_WORDS=(shardq find --no) COMP_CWORD=2\n\
               _shardq shardq --no find\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
    Program::new("bash")
        .args(["--norc"])
        .stdin(script + ask)
        .run()
        .assert(0, "--no-verify\n--no-password\n", "");
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
