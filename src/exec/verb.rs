//! What a statement does, judged by its words. Used for messages and to choose the protocol;
//! whether it may run is for the server to decide.

use crate::pg::lexer::StringSyntax;
use crate::pg::query_text::Text;
use crate::sharding::statement::Statement;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// SELECT, VALUES or TABLE, or WITH in front of them.
    Reads,
    /// INSERT, UPDATE, DELETE or MERGE, also with or inside WITH.
    Changes,
    Other,
}

impl Verb {
    pub fn of(statement: &Statement) -> Self {
        const CHANGES: [&str; 4] = ["insert", "update", "delete", "merge"];
        let text = Text::new(statement.as_str(), StringSyntax::StandardConforming);
        let Some(first) = text.first_word() else {
            return Self::Other;
        };
        if CHANGES.iter().any(|word| first.is_word(word)) {
            return Self::Changes;
        }
        if first.is_word("with") {
            let mut words = text.tokens.iter();
            let changes = words.any(|token| CHANGES.iter().any(|word| token.is_word(word)));
            return if changes { Self::Changes } else { Self::Reads };
        }
        if ["select", "values", "table"]
            .iter()
            .any(|word| first.is_word(word))
        {
            Self::Reads
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_tells_and_what_follows_with() {
        for (sql, verb) in [
            ("-- why\n((SELECT 1))", Verb::Reads),
            ("table t", Verb::Reads),
            ("WITH a AS (SELECT 'insert') SELECT 1", Verb::Reads),
            ("SELECT 1 FOR UPDATE", Verb::Reads),
            ("insert INTO t VALUES (1)", Verb::Changes),
            (
                "WITH a AS (DELETE FROM t RETURNING 1) TABLE a",
                Verb::Changes,
            ),
            ("SHOW work_mem", Verb::Other),
            ("-- nothing", Verb::Other),
        ] {
            assert_eq!(Verb::of(&Statement::new(sql).unwrap()), verb, "{sql}");
        }
    }
}
