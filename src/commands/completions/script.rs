//! The scripts: what `clap_complete` generates, with values that are asked for instead of files
//! for the flags that take the name of something in the database.

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::words::Kind;
use crate::cli::Cli;

pub fn of(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "shardq", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Puts a function in front of the generated one. bash has a word of its own for each `=`.
pub fn bash() -> String {
    let ours = r#"
_shardq_or_values() {
    local previous="$3"
    [[ "$previous" == "=" && $COMP_CWORD -ge 2 ]] && previous="${COMP_WORDS[COMP_CWORD-2]}"
    [[ "$2" == "=" ]] && previous="${COMP_WORDS[COMP_CWORD-1]}"
    case "$previous" in
        {flags})
            local value words=("${COMP_WORDS[@]:1:COMP_CWORD}")
            COMPREPLY=()
            while IFS= read -r value; do
                case "$value" in
                    *[!A-Za-z0-9_.,:@%+-]*) value=$(printf %q "$value") ;;
                esac
                COMPREPLY+=("$value")
            done < <("$1" {values} "${words[@]}" 2>/dev/null </dev/null)
            return 0
            ;;
    esac
    _shardq "$@"
}
"#;
    let flags = Kind::ALL
        .iter()
        .flat_map(|(.., typed)| typed.iter().copied());
    let flags: Vec<_> = flags.collect();
    let ours = filled(ours).replace("{flags}", &flags.join("|"));
    let script = of(Shell::Bash);
    let (functions, registration) = script
        .rsplit_once("\nif [[ \"${BASH_VERSINFO")
        .unwrap_or((&script, ""));
    let registration =
        registration.replace("complete -F _shardq ", "complete -F _shardq_or_values ");
    format!("{functions}{ours}\nif [[ \"${{BASH_VERSINFO{registration}")
}

/// In a subcommand, the first word is its name.
pub fn zsh() -> String {
    let ours = "
_shardq_values() {
    local -a values
    values=(${(f)\"$(shardq {values} \"${(Q@)words[1,CURRENT]}\" 2>/dev/null </dev/null)\"})
    compadd -a values
}
";
    let loads = "autoload -U is-at-least\n";
    let script = of(Shell::Zsh).replacen(loads, &format!("{loads}{}", filled(ours)), 1);
    let lines = script.split_inclusive('\n').map(|line| {
        let flag = line.split('[').next().unwrap_or_default();
        if has_values(flag.trim_end_matches(['+', '='])) {
            line.replace(":_default'", ":_shardq_values'")
        } else {
            line.to_owned()
        }
    });
    lines.collect()
}

/// Whether it is one of the flags: `'*-d`, `'(--shards)--origin`.
fn has_values(flag: &str) -> bool {
    let mut typed = Kind::ALL.iter().flat_map(|(.., typed)| *typed);
    typed.any(|typed| {
        let before = flag.strip_suffix(typed);
        before.is_some_and(|before| before.ends_with(['\'', '*', ')']))
    })
}

/// fish adds what several lines say about a flag.
pub fn fish() -> String {
    let mut script = of(Shell::Fish);
    script += &filled(
        "
function __shardq_values
    set -l words (commandline -opc) (commandline -ct)
    set -e words[1]
    shardq {values} $words 2>/dev/null </dev/null
end

",
    );
    for command in Cli::command().get_subcommands() {
        script += &values_of(command);
    }
    script
}

fn values_of(command: &Command) -> String {
    let condition = format!("__fish_shardq_using_subcommand {}", command.get_name());
    let known = Kind::ALL.iter().filter(|(_, id, _)| {
        let mut arguments = command.get_arguments();
        arguments.any(|argument| argument.get_id() == id)
    });
    let lines = known.map(|(.., typed)| {
        let flags = typed.iter().map(|flag| match flag.strip_prefix("--") {
            Some(long) => format!(" -l {long}"),
            None => format!(" -s {}", flag.trim_start_matches('-')),
        });
        let flags: String = flags.collect();
        format!("complete -c shardq -n \"{condition}\"{flags} -x -a \"(__shardq_values)\"\n")
    });
    lines.collect()
}

fn filled(script: &str) -> String {
    script.replace("{values}", super::VALUES)
}
