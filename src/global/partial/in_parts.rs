//! A query that runs as partials: what each shard computes, and how the results combine.

use std::fmt::Write as _;

use crate::exec::plan::Plan;
use crate::global::partial::row_shares::RowShares;
use crate::global::partial::{Partial, Parts};
use crate::global::{Catalog, Colocation, FloatAggregation};
use crate::sharding::statement::Statement;

#[derive(Clone)]
pub struct PartialPlan {
    pub partial: Partial,
    pub parts: Parts,
    /// Runs the partial in each shard.
    pub plan: Plan,
    pub catalog: Catalog,
    /// Known if the results may turn out to be too many.
    pub shares: RowShares,
}

impl PartialPlan {
    /// The plan of the final statement.
    pub fn combine_plan(&self, parts: &Parts) -> Plan {
        Plan {
            statement: Statement::composed(parts.statement(&self.partial)),
            ..self.plan.clone()
        }
    }

    /// Whether results of this plan, from another database, combine with these.
    pub fn combines_with(&self, other: &Self) -> bool {
        let statement = |plan: &Self| plan.parts.statement(&plan.partial);
        self.partial.part == other.partial.part && statement(self) == statement(other)
    }

    pub fn explain(&self) -> String {
        let first = self.catalog.shards[0];
        let joined = match self.catalog.joined {
            Colocation::Unknown => "",
            Colocation::Asserted => "; joined rows are in the same shard, as --colocated asserts",
            Colocation::Proven => "; joined rows are in the same shard: no two shards share an id",
        };
        let result = match self.catalog.float_sums {
            FloatAggregation::Exact => "exactly the same result",
            FloatAggregation::AnyOrder => {
                "the same result, except for the last digits of floating-point sums"
            }
        };
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "-- partial results, which combine to {result}{joined}"
        );
        let _ = writeln!(
            text,
            "SET LOCAL search_path TO {};",
            self.plan.search_path.schemas()
        );
        let _ = writeln!(
            text,
            "\n-- in each of {} shards, at one snapshot; here {first}:\n{};",
            self.catalog.shards.len(),
            self.plan.statement.text_in(first)
        );
        let _ = writeln!(
            text,
            "\n-- then, with the rows of all shards in the arrays:\n{};",
            self.parts.statement(&self.partial).trim_end()
        );
        text
    }
}
