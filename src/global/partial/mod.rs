//! Partials: each shard computes its own result, and a final statement in Postgres combines them.
//! Used only where the result is provably the same; any statement that is not recognised word by
//! word runs as a single statement.

mod aggregate;
mod allowlist;
mod analyze;
mod check_tokens;
mod clauses;
mod collation;
mod columns;
mod final_expressions;
pub mod final_statement;
mod floats;
mod from_clause;
mod group_by;
mod id_ranges;
pub mod in_parts;
mod joins;
mod outline;
mod prove_joins;
pub mod row_shares;
mod shadowed_names;
mod sources;
mod top_n;

pub use analyze::{LONG, Partial, analyze, is_long, may_apply};
pub use clauses::Clauses;
pub use final_statement::{CannotCombine, Parts};
pub use floats::{DIGITS_CUT, floats_round_trip};
pub use joins::APART;
pub use outline::SelectOutline;
pub use prove_joins::verify_colocation;
pub use shadowed_names::{SHADOWED, is_shadowed};
