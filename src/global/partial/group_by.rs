//! Grouped aggregates: each shard groups its own rows, and the final statement groups the groups.

use std::fmt::Write as _;
use std::ops::Range;

use super::aggregate::Replacement;
use super::allowlist::NotDecomposable;
use super::analyze::{Partial, PartialAnalyzer};
use super::columns::{ColumnRole, Columns};
use crate::pg::quote::Identifier;

/// What replaces the user's tokens in the final statement.
pub struct Substitutions {
    /// Each grouping expression, and the column of the partials that holds it.
    pub(super) groups: Vec<(Range<usize>, String)>,
    pub(super) aggregates: Vec<Replacement>,
}

impl PartialAnalyzer<'_> {
    pub(super) fn aggregates(&self) -> Result<Partial, NotDecomposable> {
        let items = self.elements(&self.clauses.select);
        if items.len() != self.names.len() {
            return Err("its columns are not listed explicitly");
        }
        self.number(self.clauses.limit.as_ref())?;
        self.number(self.clauses.offset.as_ref())?;
        let mut columns = Columns::default();
        let places = Substitutions {
            groups: self.groups(&items, &mut columns)?,
            aggregates: self.replacements(&mut columns)?,
        };
        let mut select = Vec::new();
        for (item, name) in items.iter().zip(self.names) {
            select.push(format!(
                "{} AS {}",
                self.express(&self.without_alias(item), &places)?,
                Identifier(name)
            ));
        }
        let condition = self
            .clauses
            .condition
            .as_ref()
            .map(|c| format!(" WHERE {}", self.cut(c)));
        Ok(Partial {
            part: format!(
                "SELECT {} FROM {}{}{}",
                columns.list(),
                self.cut(&self.clauses.from),
                condition.unwrap_or_default(),
                columns.grouping()
            ),
            select: format!("SELECT {}", select.join(", ")),
            rest: self.rest(&places)?,
            uses: columns.uses,
            collations: columns.collations,
        })
    }

    /// The grouping expressions.
    fn groups(
        &self,
        items: &[Range<usize>],
        columns: &mut Columns,
    ) -> Result<Vec<(Range<usize>, String)>, NotDecomposable> {
        let mut groups = Vec::new();
        let list = self.clauses.group.iter();
        for element in list.flat_map(|group| self.elements(group)) {
            let element = self.bare(element);
            let own_column = matches!(&self.tokens()[element.clone()], [one] if one.identifier().is_some_and(|n| self.is_column(n)));
            let expression = match self.output(&element) {
                // As in Postgres, an input column takes precedence over an alias.
                Some(output) if !own_column => self.without_alias(
                    items
                        .get(output)
                        .ok_or("GROUP BY names a column that does not exist")?,
                ),
                _ => element,
            };
            let column = columns.add_collated(
                self.cut(&expression).to_owned(),
                ColumnRole::GroupKey,
                self.collation(&expression)?,
            );
            groups.push((expression, column));
        }
        Ok(groups)
    }

    /// Every aggregate, in any clause.
    fn replacements(&self, columns: &mut Columns) -> Result<Vec<Replacement>, NotDecomposable> {
        let mut replacements = Vec::new();
        let mut index = 0;
        while index < self.tokens().len() {
            if self.is_aggregate(index) {
                let replacement = self.aggregate(index, columns)?;
                index = replacement.tokens.end;
                replacements.push(replacement);
            } else {
                index += 1;
            }
        }
        Ok(replacements)
    }

    /// The final statement after its FROM.
    fn rest(&self, places: &Substitutions) -> Result<String, NotDecomposable> {
        let mut rest = String::new();
        if !places.groups.is_empty() {
            let keys: Vec<_> = places.groups.iter().map(|(_, c)| c.as_str()).collect();
            // Writing to a String cannot fail.
            let _ = write!(rest, "GROUP BY {} ", keys.join(", "));
        }
        if let Some(having) = &self.clauses.having {
            let _ = write!(rest, "HAVING {} ", self.express(having, places)?);
        }
        let mut sorted_by = Vec::new();
        let list = self.clauses.order.iter();
        for element in list.flat_map(|order| self.elements(order)) {
            let (expression, modifiers) = self.sorted(&element);
            let key = match self.output(&expression) {
                // The result columns keep their names.
                Some(_) => self.cut(&expression).to_owned(),
                None => self.express(&expression, places)?,
            };
            sorted_by.push(format!("{key} {modifiers}"));
        }
        if !sorted_by.is_empty() {
            let _ = write!(rest, "ORDER BY {} ", sorted_by.join(", "));
        }
        for (word, clause) in [
            ("LIMIT", &self.clauses.limit),
            ("OFFSET", &self.clauses.offset),
        ] {
            if let Some(clause) = clause {
                let _ = write!(rest, "{word} {} ", self.cut(clause));
            }
        }
        Ok(rest)
    }
}
