//! Top-N queries: each shard returns its first rows, and the final statement takes the first of
//! those.

use std::fmt::Write as _;

use super::allowlist::NotDecomposable;
use super::analyze::{Partial, PartialAnalyzer};
use super::columns::ColumnRole;
use crate::pg::quote::Identifier;

impl PartialAnalyzer<'_> {
    pub(super) fn first_rows(&self) -> Result<Partial, NotDecomposable> {
        const MOST: u32 = 10_000;
        if self.clauses.having.is_some() {
            return Err("it has HAVING without aggregates");
        }
        let order = self
            .clauses
            .order
            .as_ref()
            .ok_or("without ORDER BY, one statement is enough")?;
        let limit = self
            .number(self.clauses.limit.as_ref())?
            .ok_or("it has no LIMIT")?;
        let offset = self.number(self.clauses.offset.as_ref())?.unwrap_or(0);
        let most = limit
            .checked_add(offset)
            .filter(|most| *most <= MOST)
            .ok_or("LIMIT and OFFSET are too high")?;
        let mut uses = vec![ColumnRole::PassThrough; self.names.len()];
        let mut collations = vec![None; self.names.len()];
        let (mut keys, mut sorted_by) = (String::new(), Vec::new());
        for element in self.elements(order) {
            let (expression, modifiers) = self.sorted(&element);
            let column = match self.output(&expression) {
                Some(output) if output < self.names.len() => {
                    uses[output] = ColumnRole::GroupKey;
                    collations[output] = self.collation_of_output(output)?;
                    output
                }
                Some(_) => return Err("ORDER BY names a column that does not exist"),
                None => {
                    // Writing to a String cannot fail.
                    let _ = write!(
                        keys,
                        ", {} AS \"shardq {}\"",
                        self.cut(&expression),
                        uses.len()
                    );
                    uses.push(ColumnRole::GroupKey);
                    collations.push(self.collation(&expression)?);
                    uses.len() - 1
                }
            };
            sorted_by.push((column, modifiers));
        }
        let column = |index: usize| format!("{}{index}", uses[index].prefix());
        let select: Vec<_> = (0..self.names.len())
            .map(|index| format!("{} AS {}", column(index), Identifier(self.names[index])))
            .collect();
        let sorted_by: Vec<_> = sorted_by
            .iter()
            .map(|(index, modifiers)| format!("p.{} {modifiers}", column(*index)))
            .collect();
        let head = self.cut(&self.clauses.select);
        let tail = self.cut(&(self.clauses.from.start - 1..order.end));
        Ok(Partial {
            part: format!("SELECT {head}{keys} {tail} LIMIT {most}"),
            select: format!("SELECT {}", select.join(", ")),
            rest: format!(
                "ORDER BY {} LIMIT {limit} OFFSET {offset}",
                sorted_by.join(", ")
            ),
            uses,
            collations,
        })
    }
}
