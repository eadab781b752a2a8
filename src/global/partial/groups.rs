//! Groups: each shard groups its own rows, and the groups are put together.

use std::fmt::Write as _;
use std::ops::Range;

use super::recognise::{Partial, Recogniser, Use, Why};
use crate::quote::Identifier;

impl Recogniser<'_> {
    pub(super) fn aggregates(&self) -> Result<Partial, Why> {
        let items = self.elements(&self.clauses.select);
        if items.len() != self.names.len() {
            return Err("its columns are not written out");
        }
        self.number(self.clauses.limit.as_ref())?;
        self.number(self.clauses.offset.as_ref())?;
        let mut uses = Vec::new();
        let mut columns = Vec::new();
        let mut groups: Vec<(Range<usize>, String)> = Vec::new();
        for element in self
            .clauses
            .group
            .iter()
            .flat_map(|group| self.elements(group))
        {
            let own_column = matches!(&self.tokens()[element.clone()], [one] if one.identifier().is_some_and(|n| self.is_column(n)));
            let expression = match self.output(&element) {
                // An input column comes before a label.
                Some(output) if !own_column => self.unlabelled(
                    items
                        .get(output)
                        .ok_or("GROUP BY names a column that is not there")?,
                ),
                _ => element,
            };
            columns.push(self.cut(&expression).to_owned());
            groups.push((expression, format!("p.k{}", uses.len())));
            uses.push(Use::Key);
        }
        let mut replacements = Vec::new();
        let mut index = 0;
        while index < self.tokens().len() {
            if self.is_aggregate(index) {
                let replacement = self.aggregate(index, &mut columns, &mut uses)?;
                index = replacement.tokens.end;
                replacements.push(replacement);
            } else {
                index += 1;
            }
        }
        let express = |range: &Range<usize>| self.express(range, &groups, &replacements);
        let mut select = Vec::new();
        for (item, name) in items.iter().zip(self.names) {
            select.push(format!(
                "{} AS {}",
                express(&self.unlabelled(item))?,
                Identifier(name)
            ));
        }
        let mut rest = String::new();
        if !groups.is_empty() {
            let keys: Vec<_> = groups.iter().map(|(_, column)| column.as_str()).collect();
            let _ = write!(rest, "GROUP BY {} ", keys.join(", "));
        }
        if let Some(having) = &self.clauses.having {
            let _ = write!(rest, "HAVING {} ", express(having)?);
        }
        let mut sorted_by = Vec::new();
        for element in self
            .clauses
            .order
            .iter()
            .flat_map(|order| self.elements(order))
        {
            let (expression, modifiers) = self.sorted(&element);
            let key = match self.output(&expression) {
                // The columns are called what they were called.
                Some(_) => self.cut(&expression).to_owned(),
                None => express(&expression)?,
            };
            sorted_by.push(format!("{key} {modifiers}"));
        }
        if !sorted_by.is_empty() {
            let _ = write!(rest, "ORDER BY {} ", sorted_by.join(", "));
        }
        rest += &self.bounds();
        let keys: Vec<_> = (1..=groups.len()).map(|n| n.to_string()).collect();
        let group = if keys.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {}", keys.join(", "))
        };
        let condition = self
            .clauses
            .condition
            .as_ref()
            .map(|c| format!(" WHERE {}", self.cut(c)));
        Ok(Partial {
            part: format!(
                "SELECT {} FROM {}{}{group}",
                columns.join(", "),
                self.cut(&self.clauses.from),
                condition.unwrap_or_default()
            ),
            uses,
            select: format!("SELECT {}", select.join(", ")),
            rest,
        })
    }

    /// LIMIT and OFFSET, as they are written.
    fn bounds(&self) -> String {
        let clauses = [
            ("LIMIT", &self.clauses.limit),
            ("OFFSET", &self.clauses.offset),
        ];
        let written = clauses.into_iter().filter_map(|(word, clause)| {
            let clause = clause.as_ref()?;
            Some(format!("{word} {} ", self.cut(clause)))
        });
        written.collect()
    }
}
