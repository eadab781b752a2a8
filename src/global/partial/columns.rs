//! The columns of the parts: what each shard computes, and what for.

/// What a column of the parts is for, and so which types it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnRole {
    /// Compared or sorted by.
    GroupKey,
    /// Given out as it is.
    PassThrough,
    /// Added up, and calculated with: exact types only.
    Sum,
    /// Added up, and that is the answer: floats too, where any order will do.
    FinalSum,
    /// Added up, to be divided by how many they are: the same, but for `real`, of
    /// which `avg()` adds up more digits than `sum()` gives.
    AvgSum,
    /// Taken the smallest or largest of, or combined bit by bit.
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

/// Stands for a column's type until that is known. No text that the server takes has
/// such a character, so that nobody else can mean this by what he writes.
pub fn type_of(column: &str) -> String {
    format!("\0type of {column}\0")
}

/// The columns so far.
#[derive(Debug, Default)]
pub struct Columns {
    expressions: Vec<String>,
    pub(super) uses: Vec<ColumnRole>,
    /// Where they are not the database's own.
    pub(super) collations: Vec<Option<&'static str>>,
    /// The index of what DISTINCT aggregates are over.
    distinct: Option<usize>,
}

impl Columns {
    /// The column that is this expression, as the final statement names it.
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

    /// The column that DISTINCT aggregates are over: one key more to group by, so
    /// that a part has each value once. `None` if they are over another already:
    /// grouped by both, the parts might be as many as the rows.
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

    /// GROUP BY all keys.
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
