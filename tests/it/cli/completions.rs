//! What the definition of the command line generates besides the help.

use clap::{Command, CommandFactory};
use shardq::cli::Cli;

use crate::support::{Program, has, has_all, shardq};

/// The short help of a command and of all that it has: what completions show.
fn short_helps(command: &Command) -> Vec<String> {
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
    fn check(command: &Command) {
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
