//! Every word of a statement in parts: known to mean the same in every session and
//! shard.

use super::clauses::Clauses;
use super::recognise::{Recogniser, Why};
use super::words::{self, AGGREGATES, FUNCTIONS, KEYWORDS, OPERATORS, TYPES};
use crate::global::lexer::Kind;

impl Recogniser<'_> {
    /// Everything in it is known to be the same in every session and shard.
    pub(super) fn check_words(&self) -> Result<(), Why> {
        let from = self.clauses.from.clone();
        for (index, token) in self.tokens().iter().enumerate() {
            if from.contains(&index) && !self.sources.has_in_condition(index) {
                continue;
            }
            let source = &self.text.sql[token.span.clone()];
            match &token.kind {
                Kind::Operator if !OPERATORS.contains(&source) => {
                    return Err("it has an operator that may be anything");
                }
                Kind::String if words::is_of_the_moment(source) => {
                    return Err("it names the current time, which differs between connections");
                }
                Kind::Number
                | Kind::String
                | Kind::Operator
                | Kind::Mark('(' | ')' | ',' | '.' | ':') => {}
                Kind::Mark(_) => return Err("its syntax is not a simple one"),
                Kind::Word(_) | Kind::Quoted(_) => self.check_word(index)?,
            }
        }
        Ok(())
    }

    fn check_word(&self, index: usize) -> Result<(), Why> {
        let token = &self.tokens()[index];
        let Some(name) = token.identifier() else {
            return Ok(());
        };
        let called = self.text.precedes_mark(index, '(');
        let cast = index > 1
            && self.text.follows_mark(index, ':')
            && self.text.follows_mark(index - 1, ':');
        if index > 0 && self.is(index - 1, "as") {
            return Ok(());
        }
        let word = matches!(token.kind, Kind::Word(_));
        if word && Clauses::ORDER.contains(&name) {
            // A clause's own keyword, or FILTER's.
            let filters = name == "where"
                && self.text.follows_mark(index, '(')
                && index > 1
                && self.is(index - 2, "filter");
            let own = self.depth(index) == 0;
            return if own || filters {
                Ok(())
            } else {
                Err("it has a query inside")
            };
        }
        if word && name == "distinct" {
            let aggregates = self.text.follows_mark(index, '(') && index > 1;
            return if aggregates && self.is_aggregate(index - 2) {
                Ok(())
            } else {
                Err("it has DISTINCT outside of aggregates")
            };
        }
        let known = if cast {
            TYPES.contains(&name) && !called
        } else if called && word {
            AGGREGATES.contains(&name)
                || FUNCTIONS.contains(&name)
                || KEYWORDS.contains(&name)
                || name == "filter"
        } else if self.text.precedes_mark(index, '.') {
            self.sources.is_qualifier(name)
        } else if self.is_column(name) {
            return self.check_column(name);
        } else {
            (word
                && (KEYWORDS.contains(&name)
                    || ["by", "as", "asc", "desc", "nulls", "first", "last"].contains(&name)))
                || self.names.contains(&name)
        };
        if known {
            Ok(())
        } else {
            Err("it has a word that may mean something else in another session or shard")
        }
    }

    /// Types that Postgres brings along, the same everywhere.
    fn check_column(&self, name: &str) -> Result<(), Why> {
        for column in self.sources.columns(name) {
            let builtin = column
                .identity
                .split(' ')
                .next()
                .and_then(|oid| oid.parse::<u32>().ok())
                .is_some_and(|oid| oid < crate::types::FIRST_USER_OID);
            if !builtin {
                return Err("a column is of a type that the database defined itself");
            }
        }
        Ok(())
    }
}
