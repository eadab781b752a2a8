//! The expressions of the final statement: the user's text, with columns of the partials in place
//! of what they were computed from.

use std::ops::Range;

use super::allowlist::{NotDecomposable, column_name};
use super::analyze::PartialAnalyzer;
use super::group_by::Substitutions;
use crate::pg::lexer::TokenKind;

impl PartialAnalyzer<'_> {
    pub(super) fn express(
        &self,
        range: &Range<usize>,
        places: &Substitutions,
    ) -> Result<String, NotDecomposable> {
        let same_token = |one: usize, other: usize| {
            let (a, b) = (&self.tokens()[one], &self.tokens()[other]);
            a.kind == b.kind
                && (a.identifier().is_some()
                    || self.cut(&(one..one + 1)) == self.cut(&(other..other + 1)))
        };
        let same = |one: &Range<usize>, other: &Range<usize>| {
            let column = self.column(one);
            (column.is_some() && column == self.column(other))
                || (one.len() == other.len()
                    && one
                        .clone()
                        .zip(other.clone())
                        .all(|(a, b)| same_token(a, b)))
        };
        if let Some((_, column)) = places.groups.iter().find(|(group, _)| same(group, range)) {
            return Ok(column.clone());
        }
        let mut sql = String::new();
        let mut index = range.start;
        while index < range.end {
            if let Some(aggregate) = places.aggregates.iter().find(|r| r.tokens.start == index) {
                sql += &aggregate.sql;
                index = aggregate.tokens.end;
            } else if let Some((_, column)) = places
                .groups
                .iter()
                .find(|(group, _)| self.column(group).is_some() && same(group, &self.atom(index)))
            {
                sql += column;
                index += self.atom(index).len();
            } else {
                let token = &self.tokens()[index];
                if let Some(name) = column_name(token)
                    && (self.is_column(name) || matches!(token.kind, TokenKind::Quoted(_)))
                {
                    return Err("a column is neither grouped nor aggregated");
                }
                sql += self.cut(&(index..index + 1));
                index += 1;
                // Adjacent tokens stay adjacent.
                let touch = index < range.end
                    && self.tokens()[index].span.start == self.tokens()[index - 1].span.end;
                if touch {
                    continue;
                }
            }
            sql.push(' ');
        }
        Ok(sql)
    }

    /// The name that starts here, including its qualifier.
    fn atom(&self, index: usize) -> Range<usize> {
        let qualifies =
            self.tokens()[index].identifier().is_some() && self.text.precedes_mark(index, '.');
        index..(index + if qualifies { 3 } else { 1 }).min(self.tokens().len())
    }
}
