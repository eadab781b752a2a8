//! Per-token facts about parentheses, clauses and names, computed in one pass.

use super::lexer::{Token, TokenKind};

/// One entry per token.
#[derive(Debug, Clone)]
pub(super) struct Nesting {
    /// For a parenthesis: the index of its partner.
    partners: Vec<Option<usize>>,
    /// The number of open parentheses before the token; negative if more were closed.
    depths: Vec<i32>,
    /// Whether FROM is the last clause that began before the token, in the same parentheses.
    in_from: Vec<bool>,
    /// The indexes of names, sorted by name; equal names in text order.
    names: Vec<usize>,
}

const CLAUSES: [&str; 10] = [
    "from", "select", "where", "group", "having", "window", "order", "limit", "offset", "fetch",
];

impl Nesting {
    pub fn new(tokens: &[Token<'_>]) -> Self {
        let mut nesting = Self {
            partners: vec![None; tokens.len()],
            depths: Vec::with_capacity(tokens.len()),
            in_from: Vec::with_capacity(tokens.len()),
            names: Vec::new(),
        };
        let mut depth = 0;
        let (mut from, mut open) = (false, Vec::new());
        for (index, token) in tokens.iter().enumerate() {
            nesting.depths.push(depth);
            nesting.in_from.push(from);
            match &token.kind {
                TokenKind::Punctuation('(') => {
                    depth += 1;
                    open.push((index, from));
                    from = false;
                }
                TokenKind::Punctuation(')') => {
                    depth -= 1;
                    if let Some((opening, outside)) = open.pop() {
                        nesting.partners[opening] = Some(index);
                        nesting.partners[index] = Some(opening);
                        from = outside;
                    }
                }
                // After a point it is a column's name.
                TokenKind::Identifier(word)
                    if CLAUSES.contains(&&**word)
                        && !(index > 0 && tokens[index - 1].is_mark('.')) =>
                {
                    from = word == "from";
                }
                _ => {}
            }
            if token.identifier().is_some() {
                nesting.names.push(index);
            }
        }
        // A stable sort keeps equal names in order.
        nesting
            .names
            .sort_by_key(|index| tokens[*index].identifier());
        nesting
    }

    pub fn partner(&self, index: usize) -> Option<usize> {
        self.partners.get(index).copied().flatten()
    }

    pub fn depth(&self, index: usize) -> i32 {
        self.depths.get(index).copied().unwrap_or_default()
    }

    pub fn is_in_from(&self, index: usize) -> bool {
        self.in_from.get(index).copied().unwrap_or_default()
    }

    /// The indexes of this name, in order.
    pub fn named(&self, tokens: &[Token<'_>], name: &str) -> &[usize] {
        let found = |index: usize| tokens[index].identifier().unwrap_or_default();
        let start = self.names.partition_point(|index| found(*index) < name);
        let behind = &self.names[start..];
        &behind[..behind.partition_point(|index| found(*index) == name)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::lexer::{Encoding, StringSyntax, tokens};
    use proptest::prelude::*;

    proptest! {
        /// One pass gives the same result as a search from every token.
        #[test]
        fn one_pass_tells_what_a_search_from_every_token_does(text in r"([()ab,.]| from | where ){0,30}") {
            let tokens = tokens(&text, StringSyntax::StandardConforming, Encoding::Utf8);
            let nesting = Nesting::new(&tokens);
            for (index, token) in tokens.iter().enumerate() {
                let open = |t: &Token<'_>| i32::from(t.is_mark('(')) - i32::from(t.is_mark(')'));
                prop_assert_eq!(nesting.depth(index), tokens[..index].iter().map(open).sum::<i32>());
                if token.is_mark('(') {
                    let mut depth = 0;
                    let closing = (index..tokens.len()).find(|at| {
                        depth += open(&tokens[*at]);
                        depth == 0
                    });
                    prop_assert_eq!(nesting.partner(index), closing);
                    if let Some(closing) = closing {
                        prop_assert_eq!(nesting.partner(closing), Some(index));
                    }
                }
                if let Some(name) = token.identifier() {
                    let named: Vec<_> = (0..tokens.len())
                        .filter(|at| tokens[*at].identifier() == Some(name))
                        .collect();
                    prop_assert_eq!(nesting.named(&tokens, name), named);
                }
            }
            prop_assert!(nesting.named(&tokens, "nosuch").is_empty());
        }
    }
}
