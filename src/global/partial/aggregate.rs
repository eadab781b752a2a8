//! One aggregate: what each shard computes for it, and how the final statement combines the
//! results.

use std::ops::Range;

use super::allowlist::{AGGREGATES, NotDecomposable};
use super::analyze::PartialAnalyzer;
use super::columns::{ColumnRole, Columns, type_of};

/// Tokens of the user's expressions, and the SQL over the partials that replaces them.
pub struct Replacement {
    pub(super) tokens: Range<usize>,
    pub(super) sql: String,
}

/// An aggregate call as written.
struct Call<'a> {
    name: &'a str,
    /// All arguments, with the commas.
    argument: &'a str,
    /// `FILTER (…)`, or empty.
    filter: &'a str,
    /// The condition inside FILTER.
    condition: Option<&'a str>,
    /// Whether DISTINCT is given and makes a difference.
    distinct: bool,
    /// The type in which the argument can be squared without overflow.
    factor: &'static str,
    /// The collation by which values are compared between shards, if they are.
    collation: Option<&'static str>,
}

/// Aggregates whose result does not depend on duplicates.
const ONCE_IS_ENOUGH: [&str; 7] = [
    "min", "max", "bool_and", "bool_or", "every", "bit_and", "bit_or",
];

impl PartialAnalyzer<'_> {
    pub(super) fn is_aggregate(&self, index: usize) -> bool {
        AGGREGATES.iter().any(|name| self.is(index, name))
            && self.text.precedes_mark(index, '(')
            && !self.text.follows_mark(index, '.')
    }

    pub(super) fn has_aggregates(&self) -> bool {
        (0..self.tokens().len()).any(|index| self.is_aggregate(index))
    }

    /// Whether FILTER follows an aggregate that ends at `close`, and the index after both.
    fn filtered(&self, close: usize) -> (bool, usize) {
        if self.is(close + 1, "filter") && self.text.precedes_mark(close + 1, '(') {
            (true, self.text.closing(close + 2) + 1)
        } else {
            (false, close + 1)
        }
    }

    /// For each token, whether it is part of an aggregate.
    pub(super) fn aggregated(&self) -> Vec<bool> {
        let mut aggregated = vec![false; self.tokens().len()];
        for index in (0..aggregated.len()).filter(|index| self.is_aggregate(*index)) {
            let (_, end) = self.filtered(self.text.closing(index + 1));
            let end = end.min(aggregated.len());
            aggregated[index..end].fill(true);
        }
        aggregated
    }

    pub(super) fn aggregate(
        &self,
        index: usize,
        columns: &mut Columns,
    ) -> Result<Replacement, NotDecomposable> {
        let close = self.text.closing(index + 1);
        let (filtered, end) = self.filtered(close);
        if (index + 1..end).any(|inner| self.is_aggregate(inner)) {
            return Err("an aggregate is nested inside another");
        }
        let name = self.tokens()[index].identifier().unwrap_or_default();
        let distinct = self.is(index + 2, "distinct");
        let argument = index + 2 + usize::from(distinct)..close;
        let distinct = distinct && !ONCE_IS_ENOUGH.contains(&name);
        let compared = distinct || ["min", "max"].contains(&name);
        let call = Call {
            name,
            argument: self.cut(&argument),
            factor: self.factor(&argument),
            filter: self.cut(&(close + 1..end)),
            condition: filtered.then(|| self.cut(&(close + 4..end - 1))),
            distinct,
            collation: if compared {
                self.collation(&argument)?
            } else {
                None
            },
        };
        Ok(Replacement {
            tokens: index..end,
            sql: if call.distinct {
                call.over_distinct(columns)?
            } else {
                call.combined(columns)?
            },
        })
    }

    /// The square of an integer fits a bigint, which takes a third of numeric's time.
    fn factor(&self, argument: &Range<usize>) -> &'static str {
        let [.., name] = &self.tokens()[argument.clone()] else {
            return "numeric";
        };
        let column = name
            .identifier()
            .filter(|_| self.column(argument).is_some());
        let mut columns = column
            .into_iter()
            .flat_map(|name| self.sources.columns(name))
            .peekable();
        let integers = ["21 ", "23 "];
        let known = columns.peek().is_some();
        if known && columns.all(|c| integers.iter().any(|oid| c.identity.starts_with(oid))) {
            "int8"
        } else {
            "numeric"
        }
    }
}

impl Call<'_> {
    fn part(&self, function: &str, usage: ColumnRole, columns: &mut Columns) -> String {
        let Self {
            argument, filter, ..
        } = self;
        let sql = format!("pg_catalog.{function}({argument}) {filter}");
        columns.add_collated(sql, usage, self.collation)
    }

    /// The partials contain each value once per shard, and the final statement applies DISTINCT, so
    /// that Postgres's own aggregate gets exactly the values that it would get over a single table.
    fn over_distinct(&self, columns: &mut Columns) -> Result<String, NotDecomposable> {
        let value = match self.condition {
            // These aggregates ignore NULL.
            Some(condition) => format!("CASE WHEN {condition} THEN ({}) END", self.argument),
            None => self.argument.to_owned(),
        };
        let key = columns
            .distinct(&value, self.collation)
            .ok_or("it has DISTINCT aggregates over different values")?;
        Ok(format!("pg_catalog.{}(DISTINCT {key})", self.name))
    }

    fn combined(&self, columns: &mut Columns) -> Result<String, NotDecomposable> {
        Ok(match self.name {
            "count" => format!(
                "coalesce(pg_catalog.sum({}), 0)::pg_catalog.int8",
                self.part("count", ColumnRole::Sum, columns)
            ),
            // The result type depends on the partial's type: see `Parts`.
            "sum" => {
                let column = self.part("sum", ColumnRole::FinalSum, columns);
                format!("pg_catalog.sum({column})::{}", type_of(&column))
            }
            // What avg() itself computes at the end.
            "avg" => {
                let sum = self.part("sum", ColumnRole::AvgSum, columns);
                let count = self.part("count", ColumnRole::Sum, columns);
                let divided = type_of(&sum);
                let count = format!("pg_catalog.sum({count})");
                // NULLIF would use whichever `=` is found on the search path.
                let some = apply(&count, "<>", "0");
                apply(
                    &format!("pg_catalog.sum({sum})::{divided}"),
                    "/",
                    &format!("(CASE WHEN {some} THEN {count} END)::{divided}"),
                )
            }
            "variance" | "var_samp" => self.variance(|n| apply(n, "-", "1"), columns),
            "var_pop" => self.variance(str::to_owned, columns),
            // Postgres chooses the digits of the root from those of the quotient under it; sqrt()
            // chooses others. Rounded twice, the last digit may differ.
            "stddev" | "stddev_samp" | "stddev_pop" => {
                return Err("the last digit of stddev cannot be computed from partial results");
            }
            other => {
                let column = self.part(other, ColumnRole::MinMax, columns);
                format!("pg_catalog.{other}({column})")
            }
        })
    }

    /// What Postgres's own function computes at the end, from the same three exact sums with the
    /// same operators' scales: `(N ΣX² − (ΣX)²) / (N (N − 1))`, or 0 if the numerator is not
    /// positive. `NaN` and infinities make it `NaN`, which is larger than 0, in both cases. For a
    /// single value (where versions differ in the result for `NaN`) or none, the function itself is
    /// called: the only partial sum that is not NULL is then that value.
    fn variance(&self, other_factor: impl Fn(&str) -> String, columns: &mut Columns) -> String {
        let Self {
            name,
            argument,
            filter,
            factor,
            ..
        } = self;
        let sum = self.part("sum", ColumnRole::Sum, columns);
        let count = self.part("count", ColumnRole::Sum, columns);
        let x = format!("({argument})::pg_catalog.{factor}");
        let square = apply(&x, "*", &x);
        let squares = columns.add(
            format!("pg_catalog.sum({square}) {filter}"),
            ColumnRole::Sum,
        );
        let n = format!("pg_catalog.sum({count})");
        let total = format!("pg_catalog.sum({sum})");
        let numerator = apply(
            &apply(&n, "*", &format!("pg_catalog.sum({squares})")),
            "-",
            &apply(&total, "*", &total),
        );
        let quotient = apply(&numerator, "/", &apply(&n, "*", &other_factor(&n)));
        format!(
            "CASE WHEN {} THEN CASE WHEN {} THEN {quotient} ELSE 0 END ELSE pg_catalog.{name}({sum}) END",
            apply(&n, ">", "1"),
            apply(&numerator, ">", "0"),
        )
    }
}

/// Calls Postgres's own operator, whatever the search path has. In parentheses, because all
/// operators written this way have the same precedence.
fn apply(left: &str, operator: &str, right: &str) -> String {
    format!("({left} OPERATOR(pg_catalog.{operator}) {right})")
}
