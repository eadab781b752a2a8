//! The draft as a script: one transaction per shard.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::time::Duration;

use super::Draft;
use super::steps::Step;
use crate::commands::inspect::drift::findings::{Finding, Norm};
use crate::pg::quote::Identifier;
use crate::sharding::shard::Shard;

pub fn script(findings: &[Finding], norm: &Norm, lock_timeout: Duration) -> String {
    let mut shards: BTreeMap<Shard, Vec<Step>> = BTreeMap::new();
    for finding in findings {
        for &shard in &finding.shards {
            let draft = Draft { norm, shard };
            shards
                .entry(shard)
                .or_default()
                .extend(draft.steps(finding));
        }
    }
    let mut script = String::from(
        "-- A draft, to be reviewed: what would make these shards like the others. Not run by shardq.\n",
    );
    for (shard, mut steps) in shards {
        steps.sort_by_key(|step| step.stage);
        // What is created with its parts may have parts that differ, too.
        let mut known = HashSet::new();
        steps.retain(|step| known.insert(step.sql.clone()));
        let on = shard.database();
        let on = on.map_or(String::new(), |it| format!(", database {it}"));
        // The names of functions have their types, which are shown without the shard.
        // Writing to a String cannot fail.
        let _ = write!(
            script,
            "\n-- {shard}{on}\nBEGIN;\nSET LOCAL lock_timeout = {};\n\
             SET LOCAL search_path = pg_catalog, {};\nSET LOCAL check_function_bodies = off;\n",
            lock_timeout.as_millis(),
            Identifier(shard.schema()),
        );
        for step in steps {
            script += &step.sql;
            script += "\n";
        }
        script += "COMMIT;\n";
    }
    script
}

impl Draft<'_> {
    fn steps(self, finding: &Finding) -> Vec<Step> {
        let name = &finding.object;
        match (&finding.has, &finding.expected) {
            (None, Some(_)) => self.create_with_parts(name),
            (Some(has), None) => self.drop(name, has),
            (Some(has), Some(expected)) => self.change(name, has, expected),
            (None, None) => Vec::new(),
        }
    }
}
