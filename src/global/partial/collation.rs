//! The collation by which the final statement compares texts from the partials.
//!
//! Inside a shard a column keeps its own collation. In the partials a text is plain text, so only a
//! bare column can get its collation back, and only one that the server certainly has under the
//! same name.

use std::ops::Range;

use super::allowlist::NotDecomposable;
use super::analyze::PartialAnalyzer;
use crate::global::relation::ColumnShape;

const OWN: NotDecomposable = "text with its own collation is compared between shards";

impl PartialAnalyzer<'_> {
    /// The expression's collation, if it is not the database's own.
    pub(super) fn collation(
        &self,
        expression: &Range<usize>,
    ) -> Result<Option<&'static str>, NotDecomposable> {
        let names = || {
            let tokens = self.tokens()[expression.clone()].iter();
            tokens.filter_map(|token| token.identifier())
        };
        let mut columns = names().flat_map(|name| self.sources.columns(name));
        if self.column(expression).is_none() {
            return columns.all(is_plain).then_some(None).ok_or(OWN);
        }
        let Some(name) = names().next_back() else {
            return Ok(None);
        };
        // It may be the column of any of the tables.
        let mut collations = self.sources.columns(name).map(collation);
        let first = collations.next().unwrap_or(Ok(None));
        if collations.all(|other| other == first) {
            first
        } else {
            Err(OWN)
        }
    }

    /// The collation of a result column.
    pub(super) fn collation_of_output(
        &self,
        output: usize,
    ) -> Result<Option<&'static str>, NotDecomposable> {
        let items = self.elements(&self.clauses.select);
        let has_star = items
            .iter()
            .any(|item| self.cut(&(item.end - 1..item.end)) == "*");
        if !has_star && let Some(item) = items.get(output) {
            return self.collation(&self.without_alias(item));
        }
        // With a star, the text does not show which column it is.
        let named = items.iter().all(|item| self.collation(item) == Ok(None));
        let plain = self.sources.columns(self.names[output]).all(is_plain);
        (named && plain).then_some(None).ok_or(OWN)
    }
}

fn is_plain(column: &ColumnShape) -> bool {
    collation(column) == Ok(None)
}

fn collation(column: &ColumnShape) -> Result<Option<&'static str>, NotDecomposable> {
    // These oids are fixed.
    match column.collation.as_str() {
        "0" | "100" => Ok(None),
        "950" => Ok(Some("C")),
        "951" => Ok(Some("POSIX")),
        _ => Err(OWN),
    }
}
