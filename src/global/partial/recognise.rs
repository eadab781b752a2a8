//! Recognises what can be answered in parts: aggregates over one sharded table,
//! and the first rows of one. Cuts the user's own text; prints no tree.

use std::fmt::Write as _;
use std::ops::Range;

use super::words::{self, AGGREGATES, FUNCTIONS, KEYWORDS, OPERATORS, TYPES};
use crate::global::catalog::{Catalog, Table};
use crate::global::lexer::{Kind, Token};
use crate::global::names::{SHARD, Text};
use crate::quote::Identifier;

/// A statement in two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partial {
    /// What each shard is asked, over its own table.
    pub part: String,
    /// What each column of the parts is for.
    pub uses: Vec<Use>,
    /// The final statement in front of and behind the source of its rows.
    pub(super) select: String,
    pub(super) rest: String,
}

/// What a column of the parts is for, and so which types it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Compared or sorted by.
    Key,
    /// Given out as it is.
    Value,
    /// Added up: exact types only.
    Sum,
    /// Taken the smallest or largest of, or combined bit by bit.
    Extreme,
}

impl Use {
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Key => "k",
            Self::Value => "v",
            Self::Sum => "s",
            Self::Extreme => "e",
        }
    }
}

type Why = &'static str;

/// The statement in two, or why it stays one. `names` are its result's columns.
///
/// # Errors
/// What keeps it from being answered in parts.
pub fn recognise(text: &Text<'_>, catalog: &Catalog, names: &[&str]) -> Result<Partial, Why> {
    let clauses = Clauses::find(text)?;
    let table = clauses.table(text, catalog)?;
    let recogniser = Recogniser {
        text,
        table,
        names,
        clauses,
    };
    recogniser.check_words()?;
    let aggregates = recogniser.has_aggregates();
    if recogniser.clauses.group.is_some() || aggregates {
        recogniser.aggregates()
    } else {
        recogniser.first_rows()
    }
}

/// Whether a look at the tables may show that it can be answered in parts.
pub fn may_apply(text: &Text<'_>) -> bool {
    Clauses::find(text).is_ok()
}

/// Where the clauses are: ranges of tokens without their keywords.
struct Clauses {
    select: Range<usize>,
    from: Range<usize>,
    condition: Option<Range<usize>>,
    group: Option<Range<usize>>,
    having: Option<Range<usize>>,
    order: Option<Range<usize>>,
    limit: Option<Range<usize>>,
    offset: Option<Range<usize>>,
}

impl Clauses {
    const ORDER: [&str; 8] = [
        "select", "from", "where", "group", "having", "order", "limit", "offset",
    ];

    fn find(text: &Text<'_>) -> Result<Self, Why> {
        const SHAPE: Why = "only SELECT … FROM one table can be answered in parts";
        let mut found: [Option<Range<usize>>; 8] = Default::default();
        let mut open: Option<usize> = None;
        let mut depth = 0;
        for (index, token) in text.tokens.iter().enumerate() {
            depth += i32::from(token.is_mark('(')) - i32::from(token.is_mark(')'));
            let clause = Self::ORDER.iter().position(|word| token.is_word(word));
            let (Some(clause), 0) = (clause, depth) else {
                continue;
            };
            // Twice, or in another order: another shape.
            if open.is_some_and(|before| clause <= before)
                || (open.is_none() && (clause, index) != (0, 0))
            {
                return Err(SHAPE);
            }
            if let Some(before) = open.and_then(|before| found[before].as_mut()) {
                before.end = index;
            }
            let by = matches!(Self::ORDER[clause], "group" | "order");
            if by
                && !text
                    .tokens
                    .get(index + 1)
                    .is_some_and(|next| next.is_word("by"))
            {
                return Err(SHAPE);
            }
            found[clause] = Some(index + 1 + usize::from(by)..text.tokens.len());
            open = Some(clause);
        }
        let [select, from, condition, group, having, order, limit, offset] = found;
        Ok(Self {
            select: select.ok_or(SHAPE)?,
            from: from.ok_or(SHAPE)?,
            condition,
            group,
            having,
            order,
            limit,
            offset,
        })
    }

    fn table<'c>(&self, text: &Text<'_>, catalog: &'c Catalog) -> Result<&'c Table, Why> {
        let tokens = &text.tokens[self.from.clone()];
        let alias = match tokens {
            [_] => true,
            [_, alias] => alias.identifier().is_some(),
            [_, word, alias] => word.is_word("as") && alias.identifier().is_some(),
            _ => false,
        };
        let name = tokens.first().and_then(Token::identifier).filter(|_| alias);
        name.and_then(|name| catalog.table(name))
            .ok_or("it reads something else than one sharded table")
    }
}

struct Recogniser<'a> {
    text: &'a Text<'a>,
    table: &'a Table,
    names: &'a [&'a str],
    clauses: Clauses,
}

/// A piece of the final statement's expressions that comes from the parts.
struct Replacement {
    tokens: Range<usize>,
    sql: String,
}

impl Recogniser<'_> {
    fn tokens(&self) -> &[Token<'_>] {
        &self.text.tokens
    }

    /// The user's own text of these tokens.
    fn cut(&self, range: &Range<usize>) -> &str {
        if range.is_empty() {
            return "";
        }
        let (first, last) = (&self.tokens()[range.start], &self.tokens()[range.end - 1]);
        &self.text.sql[first.span.start..last.span.end]
    }

    fn is(&self, index: usize, word: &str) -> bool {
        self.tokens()
            .get(index)
            .is_some_and(|token| token.is_word(word))
    }

    fn is_column(&self, name: &str) -> bool {
        name == SHARD || self.table.columns.iter().any(|column| column.name == name)
    }

    fn is_aggregate(&self, index: usize) -> bool {
        AGGREGATES.iter().any(|name| self.is(index, name))
            && self.text.precedes_mark(index, '(')
            && !self.text.follows_mark(index, '.')
    }

    fn has_aggregates(&self) -> bool {
        (0..self.tokens().len()).any(|index| self.is_aggregate(index))
    }

    /// Everything in it is known to be the same in every session and shard.
    fn check_words(&self) -> Result<(), Why> {
        let from = self.clauses.from.clone();
        let qualifiers = [self.tokens()[from.end - 1].identifier(), None];
        for (index, token) in self.tokens().iter().enumerate() {
            if from.contains(&index) {
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
                Kind::Word(_) | Kind::Quoted(_) => self.check_word(index, &qualifiers)?,
            }
        }
        Ok(())
    }

    fn check_word(&self, index: usize, qualifiers: &[Option<&str>]) -> Result<(), Why> {
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
        let known = if cast {
            TYPES.contains(&name) && !called
        } else if called && word {
            AGGREGATES.contains(&name)
                || FUNCTIONS.contains(&name)
                || KEYWORDS.contains(&name)
                || name == "filter"
        } else if self.text.precedes_mark(index, '.') {
            qualifiers.contains(&Some(name))
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

    /// Types and collations that Postgres brings along, the same everywhere.
    fn check_column(&self, name: &str) -> Result<(), Why> {
        let Some(column) = self.table.columns.iter().find(|column| column.name == name) else {
            return Ok(());
        };
        let builtin = column
            .identity
            .split(' ')
            .next()
            .and_then(|oid| oid.parse::<u32>().ok())
            .is_some_and(|oid| oid < crate::types::FIRST_USER_OID);
        if !builtin {
            return Err("a column is of a type that the database defined itself");
        }
        if !["0", "100"].contains(&column.collation.as_str()) {
            return Err("a column has a collation of its own");
        }
        Ok(())
    }

    fn depth(&self, index: usize) -> i32 {
        let before = &self.tokens()[..index];
        before
            .iter()
            .map(|t| i32::from(t.is_mark('(')) - i32::from(t.is_mark(')')))
            .sum()
    }

    /// The elements of a list.
    fn elements(&self, clause: &Range<usize>) -> Vec<Range<usize>> {
        let mut elements = Vec::new();
        let mut start = clause.start;
        for index in clause.clone() {
            if self.tokens()[index].is_mark(',') && self.depth(index) == 0 {
                elements.push(start..index);
                start = index + 1;
            }
        }
        elements.push(start..clause.end);
        elements
    }

    /// An element of the select list without its label.
    fn unlabelled(&self, item: &Range<usize>) -> Range<usize> {
        match item.len() {
            3.. if self.is(item.end - 2, "as") => item.start..item.end - 2,
            _ => item.clone(),
        }
    }

    /// The number that a clause is.
    fn number(&self, clause: Option<&Range<usize>>) -> Result<Option<u32>, Why> {
        let Some(clause) = clause else {
            return Ok(None);
        };
        let number = self.cut(clause).parse().ok().filter(|_| clause.len() == 1);
        number
            .map(Some)
            .ok_or("LIMIT or OFFSET is not a plain number")
    }

    /// The index of the result's column that a bare name or number means.
    fn output(&self, element: &Range<usize>) -> Option<usize> {
        let [token] = &self.tokens()[element.clone()] else {
            return None;
        };
        if token.kind == Kind::Number {
            return self.cut(element).parse::<usize>().ok()?.checked_sub(1);
        }
        let name = token.identifier()?;
        self.names.iter().position(|known| *known == name)
    }

    /// An element of ORDER BY, and what follows its expression.
    fn sorted(&self, element: &Range<usize>) -> (Range<usize>, String) {
        let modifiers = ["asc", "desc", "nulls", "first", "last"];
        let mut end = element.end;
        while end > element.start && modifiers.iter().any(|word| self.is(end - 1, word)) {
            end -= 1;
        }
        (element.start..end, self.cut(&(end..element.end)).to_owned())
    }

    /// The first rows: each shard gives its own, and the first of these are it.
    fn first_rows(&self) -> Result<Partial, Why> {
        const MOST: u32 = 10_000;
        if self.clauses.having.is_some() {
            return Err("it has HAVING without aggregates");
        }
        let order = self
            .clauses
            .order
            .as_ref()
            .ok_or("rows as they come are had in one statement")?;
        let limit = self
            .number(self.clauses.limit.as_ref())?
            .ok_or("there is no LIMIT")?;
        let offset = self.number(self.clauses.offset.as_ref())?.unwrap_or(0);
        let most = limit
            .checked_add(offset)
            .filter(|most| *most <= MOST)
            .ok_or("LIMIT and OFFSET are high")?;
        let mut uses = vec![Use::Value; self.names.len()];
        let (mut keys, mut sorted_by) = (String::new(), Vec::new());
        for element in self.elements(order) {
            let (expression, modifiers) = self.sorted(&element);
            let column = match self.output(&expression) {
                Some(output) if output < self.names.len() => {
                    uses[output] = Use::Key;
                    output
                }
                Some(_) => return Err("ORDER BY names a column that is not there"),
                None => {
                    // Writing to a String cannot fail.
                    let _ = write!(
                        keys,
                        ", {} AS \"shardq {}\"",
                        self.cut(&expression),
                        uses.len()
                    );
                    uses.push(Use::Key);
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
        })
    }

    /// Aggregates: each shard groups its own rows, and the groups are put together.
    fn aggregates(&self) -> Result<Partial, Why> {
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

    /// What an aggregate's parts are, and how they are put together.
    fn aggregate(
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

    /// An expression of the final statement: the user's text, with what the parts
    /// hold in the place of what they were computed from.
    fn express(
        &self,
        range: &Range<usize>,
        groups: &[(Range<usize>, String)],
        replacements: &[Replacement],
    ) -> Result<String, Why> {
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
        if let Some((_, column)) = groups.iter().find(|(group, _)| same(group, range)) {
            return Ok(column.clone());
        }
        let mut sql = String::new();
        let mut index = range.start;
        while index < range.end {
            if let Some(aggregate) = replacements.iter().find(|r| r.tokens.start == index) {
                sql += &aggregate.sql;
                index = aggregate.tokens.end;
            } else if let Some((_, column)) = groups
                .iter()
                .find(|(group, _)| self.column(group).is_some() && same(group, &self.atom(index)))
            {
                sql += column;
                index += self.atom(index).len();
            } else {
                let token = &self.tokens()[index];
                if let Some(name) = token.identifier()
                    && (self.is_column(name) || matches!(token.kind, Kind::Quoted(_)))
                {
                    return Err("a column is neither grouped by nor aggregated");
                }
                sql += self.cut(&(index..index + 1));
                index += 1;
                // Two tokens that touch stay one.
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

    /// The name that starts here, with its qualifier.
    fn atom(&self, index: usize) -> Range<usize> {
        let qualifies =
            self.tokens()[index].identifier().is_some() && self.text.precedes_mark(index, '.');
        index..(index + if qualifies { 3 } else { 1 }).min(self.tokens().len())
    }

    /// The column that an expression is. It binds stronger than any operator.
    fn column(&self, range: &Range<usize>) -> Option<&str> {
        let qualified = range.len() == 3 && self.tokens()[range.start + 1].is_mark('.');
        let name = self.tokens()[range.clone()].last()?.identifier()?;
        ((range.len() == 1 || qualified) && self.is_column(name)).then_some(name)
    }
}
