//! Recognises what can be computed in partials: aggregates over sharded tables, and top-N queries.
//! Works on pieces of the user's own text, without a syntax tree.

use std::ops::Range;

use super::allowlist::column_name;
use super::clauses::Clauses;
use super::columns::ColumnRole;
use super::outline::SelectOutline;
use super::sources::{SourceColumn, Sources};
use crate::global::catalog::Colocation;
use crate::global::partial::allowlist::NotDecomposable;
use crate::pg::lexer::{StringSyntax, Token, TokenKind};
use crate::pg::query_text::Text;

/// A statement split in two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partial {
    /// The statement for each shard, over its own tables.
    pub part: String,
    /// The role of each column of the partials.
    pub uses: Vec<ColumnRole>,
    /// The collations by which they are compared, where not the database's own.
    pub(super) collations: Vec<Option<&'static str>>,
    /// The final statement before and after its FROM.
    pub(super) select: String,
    pub(super) rest: String,
}

impl Partial {
    /// Whether a shard's partial can have more than one row.
    pub fn has_keys(&self) -> bool {
        self.uses
            .iter()
            .any(|usage| matches!(usage, ColumnRole::GroupKey | ColumnRole::PassThrough))
    }
}

/// Splits the statement, or says why it has to stay a single statement. `names` are the columns of
/// its result.
///
/// # Errors
/// Why partials are not possible.
pub fn analyze(
    outline: SelectOutline<'_>,
    strings: StringSyntax,
    joined: Colocation,
    names: &[&str],
) -> Result<Partial, NotDecomposable> {
    let SelectOutline { clauses, sources } = outline;
    sources.check_joins(joined)?;
    let mut recogniser = PartialAnalyzer {
        text: sources.text,
        strings,
        sources,
        names,
        clauses,
        aggregated: Vec::new(),
    };
    recogniser.aggregated = recogniser.aggregated();
    recogniser.check_words()?;
    if recogniser.is_aggregated() {
        recogniser.aggregates()
    } else {
        recogniser.first_rows()
    }
}

/// Whether partials are possible as far as the text alone tells.
pub fn may_apply(text: &Text<'_>) -> bool {
    !is_long(text) && Clauses::find(text).is_ok()
}

/// Why a long statement is not split.
pub const LONG: NotDecomposable = "it is too long to be sent to every shard";

/// Every shard is sent the whole text: a list of 200,000 ids is 1.5 MB per shard.
pub fn is_long(text: &Text<'_>) -> bool {
    const MOST_TOKENS: usize = 20_000;
    text.tokens.len() > MOST_TOKENS
}

pub struct PartialAnalyzer<'a> {
    pub(super) text: &'a Text<'a>,
    pub(super) strings: StringSyntax,
    pub(super) sources: Sources<'a>,
    pub(super) names: &'a [&'a str],
    pub(super) clauses: Clauses,
    /// For each token, whether it is part of an aggregate, including its FILTER.
    pub(super) aggregated: Vec<bool>,
}

impl PartialAnalyzer<'_> {
    pub(super) fn tokens(&self) -> &[Token<'_>] {
        &self.text.tokens
    }

    /// The user's text of these tokens.
    pub(super) fn cut(&self, range: &Range<usize>) -> &str {
        if range.is_empty() {
            return "";
        }
        let (first, last) = (&self.tokens()[range.start], &self.tokens()[range.end - 1]);
        &self.text.sql[first.span.start..last.span.end]
    }

    pub(super) fn is(&self, index: usize, word: &str) -> bool {
        self.tokens()
            .get(index)
            .is_some_and(|token| token.is_word(word))
    }

    pub(super) fn is_column(&self, name: &str) -> bool {
        self.sources.has_column(name)
    }

    /// The column, if the whole expression is a column (which binds tighter than any operator).
    pub(super) fn column(&self, range: &Range<usize>) -> Option<SourceColumn<'_>> {
        let tokens = &self.tokens()[range.clone()];
        let (qualifier, name) = match tokens {
            [name] => (None, column_name(name)?),
            [qualifier, point, name] if point.is_mark('.') => {
                (Some(qualifier.identifier()?), name.identifier()?)
            }
            _ => return None,
        };
        self.sources.column(qualifier, name)
    }

    pub(super) fn is_aggregated(&self) -> bool {
        self.clauses.group.is_some() || self.has_aggregates()
    }

    pub(super) fn elements(&self, clause: &Range<usize>) -> Vec<Range<usize>> {
        self.text.split(clause, |token| token.is_mark(','))
    }

    /// A select list item without its alias. An alias without AS is a name that follows a complete
    /// operand.
    pub(super) fn without_alias(&self, item: &Range<usize>) -> Range<usize> {
        let bare = || {
            let last = &self.tokens()[item.end - 1];
            column_name(last).is_some() && self.follows_operand(item.end - 1)
        };
        match item.len() {
            3.. if self.is(item.end - 2, "as") => item.start..item.end - 2,
            2.. if bare() => item.start..item.end - 1,
            _ => item.clone(),
        }
    }

    /// A clause that is a plain number.
    pub(super) fn number(
        &self,
        clause: Option<&Range<usize>>,
    ) -> Result<Option<u32>, NotDecomposable> {
        let Some(clause) = clause else {
            return Ok(None);
        };
        let number = self.cut(clause).parse().ok().filter(|_| clause.len() == 1);
        number
            .map(Some)
            .ok_or("LIMIT or OFFSET is not a plain number")
    }

    /// The index of the result column that a bare name or number refers to.
    pub(super) fn output(&self, element: &Range<usize>) -> Option<usize> {
        let [token] = &self.tokens()[element.clone()] else {
            return None;
        };
        if token.kind == TokenKind::Number {
            return self.cut(element).parse::<usize>().ok()?.checked_sub(1);
        }
        let name = column_name(token)?;
        self.names.iter().position(|known| *known == name)
    }

    /// An ORDER BY element, split into its expression and its modifiers.
    pub(super) fn sorted(&self, element: &Range<usize>) -> (Range<usize>, String) {
        let mut end = element.end;
        // Only after an expression: `first` and `last` may also be columns.
        let follows = |end: usize, words: &[&str]| {
            end > element.start + 1 && words.iter().any(|word| self.is(end - 1, word))
        };
        if follows(end, &["first", "last"]) && follows(end - 1, &["nulls"]) {
            end -= 2;
        }
        if follows(end, &["asc", "desc"]) {
            end -= 1;
        }
        let modifiers = self.cut(&(end..element.end)).to_owned();
        (self.bare(element.start..end), modifiers)
    }

    /// Strips the parentheses around a whole expression: Postgres still resolves the inside as an
    /// alias or a position. A parenthesised list is kept, since it means something else.
    pub(super) fn bare(&self, mut element: Range<usize>) -> Range<usize> {
        while element.len() > 2
            && self.tokens()[element.start].is_mark('(')
            && self.text.closing(element.start) + 1 == element.end
        {
            let inside = element.start + 1..element.end - 1;
            if self.elements(&inside).len() > 1 {
                break;
            }
            element = inside;
        }
        element
    }
}
