//! The columns of the partials: what each shard computes, and for which purpose.

/// The role of a column of the partials, which decides the types that it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnRole {
    /// Grouped, compared or sorted by.
    GroupKey,
    /// Returned unchanged.
    PassThrough,
    /// Summed and then calculated with: exact types only.
    Sum,
    /// Summed, and the sum is the result: floats too, if any order is allowed.
    FinalSum,
    /// Summed and divided by the count: like `FinalSum`, except for `real`, of which `avg()` sums
    /// more digits than `sum()` returns.
    AvgSum,
    /// Combined by min, max, or bitwise.
    MinMax,
}

impl ColumnRole {
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::GroupKey => "k",
            Self::PassThrough => "v",
            Self::Sum => "s",
            Self::FinalSum => "t",
            Self::AvgSum => "m",
            Self::MinMax => "e",
        }
    }
}

/// Placeholder for a column's type until that is known. The server accepts no text that contains
/// NUL, so the user's text cannot contain it.
pub fn type_of(column: &str) -> String {
    format!("\0type of {column}\0")
}

#[derive(Debug, Default)]
pub struct Columns {
    expressions: Vec<String>,
    pub(super) uses: Vec<ColumnRole>,
    /// `None` is the database's own.
    pub(super) collations: Vec<Option<&'static str>>,
    /// The index of the value that DISTINCT aggregates are over.
    distinct: Option<usize>,
}

impl Columns {
    /// Adds this expression, unless it is there already; returns its name in the final statement.
    pub(super) fn add(&mut self, expression: String, usage: ColumnRole) -> String {
        self.add_collated(expression, usage, None)
    }

    /// The same, to be compared by this collation.
    pub(super) fn add_collated(
        &mut self,
        expression: String,
        usage: ColumnRole,
        collation: Option<&'static str>,
    ) -> String {
        let mut known = self.expressions.iter().zip(&self.uses);
        let same = known.position(|(one, of)| *one == expression && *of == usage);
        let index = same.unwrap_or(self.uses.len());
        if same.is_none() {
            self.expressions.push(expression);
            self.uses.push(usage);
            self.collations.push(collation);
        }
        format!("p.{}{index}", usage.prefix())
    }

    /// Adds the value that DISTINCT aggregates are over as one more key, so that each partial has
    /// each value once. `None` if there is another such value already: grouped by both, the
    /// partials might have as many rows as the tables.
    pub(super) fn distinct(
        &mut self,
        expression: &str,
        collation: Option<&'static str>,
    ) -> Option<String> {
        let known = self.distinct.map(|index| &self.expressions[index]);
        if known.is_some_and(|known| known != expression) {
            return None;
        }
        let name = self.add_collated(expression.to_owned(), ColumnRole::GroupKey, collation);
        self.distinct = self.expressions.iter().position(|one| one == expression);
        Some(name)
    }

    pub(super) fn list(&self) -> String {
        self.expressions.join(", ")
    }

    pub(super) fn grouping(&self) -> String {
        let keys: Vec<_> = (1..)
            .zip(&self.uses)
            .filter(|(_, usage)| **usage == ColumnRole::GroupKey)
            .map(|(number, _): (usize, _)| number.to_string())
            .collect();
        if keys.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {}", keys.join(", "))
        }
    }
}
