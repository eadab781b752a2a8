//! Commands of psql that this shell does not have, and what to do instead.

/// What to use instead of psql's command; `None` if psql does not have it either.
pub fn instead_of(name: &str) -> Option<&'static str> {
    let bare = name.trim_end_matches(['+', 'S', 'A', 'x']);
    Some(match if bare.is_empty() { name } else { bare } {
        "copy" => "use \\export FILE, or shardq query … -o FILE",
        "gset" | "gexec" => "use \\set NAME VALUE; results are not read back",
        "gdesc" => "use \\d TABLE for the types of columns",
        "crosstabview" => "use \\export, and a spreadsheet or a notebook",
        "bind" | "bind_named" | "parse" | "close_prepared" | "startpipeline" | "endpipeline"
        | "sync" | "syncpipeline" | "sendpipeline" | "flush" | "flushrequest" | "getresults" => {
            "use :'NAME' for values; statements run in every shard"
        }
        "cd" => "change the directory before you start shardq",
        "copyright" => "shardq is licensed under Apache-2.0",
        "encoding" => "set PGCLIENTENCODING in psql; shardq reads and writes UTF-8",
        "errverbose" => "errors are always complete",
        "ef" | "ev" | "sf" | "sv" => {
            "use \\psql SHARD for functions and views; \\e edits the last statement"
        }
        "f" => "use \\pset delimiter CHAR, for \\pset format csv",
        "H" => "use \\pset format markdown",
        "C" | "T" => "results have no titles",
        "if" | "elif" | "else" | "endif" => "use several scripts; shardq reads every line",
        "ir" => "use \\i with a path from where shardq was started",
        "lo_export" | "lo_import" | "lo_list" | "lo_unlink" => "use \\psql SHARD for large objects",
        "password" => "use psql to change a password",
        "prompt" => "use -v NAME=VALUE, or \\set NAME VALUE",
        "p" | "print" => "use \\s for the history, or the arrow keys",
        "r" | "reset" => "press Ctrl-C to discard what you have typed",
        "setenv" | "getenv" => "set variables before you start shardq",
        "w" | "write" => "use \\o FILE for results; \\s has the statements",
        "!" => "use another terminal; shardq runs no programs",
        "da" | "db" | "dc" | "dC" | "dconfig" | "dD" | "dd" | "ddp" | "dE" | "de" | "des"
        | "det" | "deu" | "dew" | "dF" | "dFd" | "dFp" | "dFt" | "dg" | "dl" | "dL" | "dm"
        | "do" | "dO" | "dp" | "dP" | "drds" | "drg" | "dRp" | "dRs" | "ds" | "dT" | "du"
        | "dv" | "dy" | "z" => {
            "use \\psql SHARD, and the command there; \\d TABLE describes one object of all shards"
        }
        _ => return None,
    })
}
