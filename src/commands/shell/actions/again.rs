//! `\again`: the last statement in the shards that failed.

use crate::cli::select::{ListSource, SelectArgs};
use crate::commands::shell::shell::Shell;
use crate::commands::shell::state::Next;
use crate::commands::shell::statements;

pub async fn run(shell: &mut Shell) -> Next {
    let failed: Vec<_> = shell
        .state
        .failed
        .iter()
        .map(|shard| shard.name())
        .collect();
    let Some(sql) = shell.state.last.clone() else {
        return shell.failed(&"there is no statement to run");
    };
    if failed.is_empty() {
        return shell.failed(&"no shard failed in the last statement");
    }
    let list = match failed.join(",").parse::<ListSource>() {
        Ok(list) => list,
        Err(error) => return shell.failed(&error),
    };
    let mut args = shell.state.query.clone();
    args.shards.select = SelectArgs {
        shards: vec![list],
        exclude_shards: Vec::new(),
        having_table: None,
    };
    args.shards.origin.clear();
    args.shards.key.clear();
    args.shards.key_from = None;
    args.shards.expect_shards = None;
    statements::run_with(&mut shell.state, args, sql, None).await
}
