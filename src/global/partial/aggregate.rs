//! One aggregate: what its parts are, and how they are put together.

use std::ops::Range;

use super::recognise::{Recogniser, Use, Why};

/// A piece of the final statement's expressions that comes from the parts.
pub struct Replacement {
    pub(super) tokens: Range<usize>,
    pub(super) sql: String,
}

impl Recogniser<'_> {
    /// What an aggregate's parts are, and how they are put together.
    pub(super) fn aggregate(
        &self,
        index: usize,
        columns: &mut Vec<String>,
        uses: &mut Vec<Use>,
    ) -> Result<Replacement, Why> {
        let close = self.text.closing(index + 1);
        let filtered = self.is(close + 1, "filter") && self.text.precedes_mark(close + 1, '(');
        let end = if filtered {
            self.text.closing(close + 2) + 1
        } else {
            close + 1
        };
        if (index + 1..end).any(|inner| self.is_aggregate(inner)) {
            return Err("an aggregate is inside another");
        }
        let name = self.tokens()[index].identifier().unwrap_or_default();
        let arguments = self.cut(&(index + 1..end));
        let mut part = |function: &str, usage: Use| {
            columns.push(format!("pg_catalog.{function}{arguments}"));
            uses.push(usage);
            format!("p.{}{}", usage.prefix(), uses.len() - 1)
        };
        let sql = match name {
            "count" => format!(
                "coalesce(pg_catalog.sum({}), 0)::pg_catalog.int8",
                part("count", Use::Sum)
            ),
            // The type is that of the part: see `Parts`.
            "sum" => {
                let column = part("sum", Use::Sum);
                format!("pg_catalog.sum({column})::{{type of {column}}}")
            }
            // What avg() itself does at its end.
            "avg" => {
                let sum = part("sum", Use::Sum);
                let count = part("count", Use::Sum);
                format!(
                    "(pg_catalog.sum({sum})::pg_catalog.numeric / nullif(pg_catalog.sum({count}), 0))"
                )
            }
            other => {
                let column = part(other, Use::Extreme);
                format!("pg_catalog.{other}({column})")
            }
        };
        Ok(Replacement {
            tokens: index..end,
            sql,
        })
    }
}
