//! Takes lines, and finds what is complete in them: a statement up to its semicolon, or a command
//! that begins with a backslash. Pure.

use crate::pg::lexer::{Encoding, Scan, StringSyntax, Unfinished};

/// Lines that are not complete yet.
#[derive(Debug, Default)]
pub struct StatementReader {
    text: String,
    /// Up to here, nothing completes it.
    is_scanned: bool,
}

/// What is complete.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// With its semicolon.
    Statement(String),
    /// From the backslash to the end of the line. The statement in front of it stays.
    Command(String),
}

/// What a line continues, as psql's prompts show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continues {
    Nothing,
    Statement,
    Parenthesis,
    Inside(Unfinished),
}

impl Continues {
    /// psql's `%R`.
    pub fn mark(self) -> char {
        match self {
            Self::Nothing => '=',
            Self::Statement => '-',
            Self::Parenthesis => '(',
            Self::Inside(Unfinished::String) => '\'',
            Self::Inside(Unfinished::Identifier) => '"',
            Self::Inside(Unfinished::DollarString) => '$',
            Self::Inside(Unfinished::Comment) => '*',
        }
    }
}

enum End {
    Semicolon(usize),
    Backslash(usize),
}

impl StatementReader {
    pub fn push(&mut self, line: &str) {
        self.text += line;
        self.text.push('\n');
        // A long list of values is one statement of many lines: reading all of it for each line
        // would take time that grows with the square.
        if line.contains([';', '\\']) {
            self.is_scanned = false;
        }
    }

    /// The next complete piece, which is taken.
    pub fn next(&mut self) -> Option<Piece> {
        if self.is_scanned {
            return None;
        }
        match self.end().0 {
            Some(End::Semicolon(end)) => {
                let rest = self.text.split_off(end);
                let statement = std::mem::replace(&mut self.text, rest);
                Some(Piece::Statement(statement.trim().to_owned()))
            }
            Some(End::Backslash(start)) => {
                let line = &self.text[start..];
                let end = start + line.find('\n').unwrap_or(line.len());
                let rest = self.text.split_off(end);
                let command = self.text.split_off(start);
                // What follows in the line was read.
                self.text += rest.strip_prefix('\n').unwrap_or(&rest);
                Some(Piece::Command(command))
            }
            None => {
                self.is_scanned = true;
                None
            }
        }
    }

    /// Puts back what follows a command in its line.
    pub fn put_back(&mut self, rest: &str) {
        if !rest.is_empty() {
            self.push(rest);
        }
    }

    /// The statement that is not complete, if there is more than white space and comments.
    pub fn unfinished(&self) -> Option<&str> {
        let text = self.text.trim();
        scan(text).next().map(|_| text)
    }

    pub fn take(&mut self) -> Option<String> {
        let taken = self.unfinished().map(str::to_owned);
        self.clear();
        taken
    }

    pub fn clear(&mut self) {
        self.text.clear();
        self.is_scanned = false;
    }

    /// What the next line continues.
    pub fn continues(&self) -> Continues {
        self.end().1
    }

    /// Where the first piece ends, and else what the text ends in.
    fn end(&self) -> (Option<End>, Continues) {
        let mut tokens = scan(&self.text);
        let (mut depth, mut is_begun) = (0_usize, false);
        for token in tokens.by_ref() {
            if token.is_mark('\\') {
                return (Some(End::Backslash(token.span.start)), Continues::Nothing);
            }
            if token.is_mark('(') {
                depth += 1;
            } else if token.is_mark(')') {
                depth = depth.saturating_sub(1);
            } else if depth == 0 && token.is_mark(';') {
                return (Some(End::Semicolon(token.span.end)), Continues::Nothing);
            }
            is_begun = true;
        }
        let continues = match tokens.unfinished() {
            Some(unfinished) => Continues::Inside(unfinished),
            None if depth > 0 => Continues::Parenthesis,
            None if is_begun => Continues::Statement,
            None => Continues::Nothing,
        };
        (None, continues)
    }
}

fn scan(text: &str) -> Scan<'_> {
    Scan::new(text, StringSyntax::StandardConforming, Encoding::Utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> (Vec<Piece>, char) {
        let mut reader = StatementReader::default();
        let mut pieces = Vec::new();
        for line in lines {
            reader.push(line);
            while let Some(piece) = reader.next() {
                pieces.push(piece);
            }
        }
        (pieces, reader.continues().mark())
    }

    fn statement(text: &str) -> Piece {
        Piece::Statement(text.to_owned())
    }

    #[test]
    fn a_statement_ends_with_its_semicolon_over_any_number_of_lines() {
        let (pieces, mark) = read(&["SELECT 1; SELECT", "';',", "(2;3)", ";"]);
        let expected = ["SELECT 1;", "SELECT\n';',\n(2;3)\n;"].map(statement);
        assert_eq!(pieces, expected);
        assert_eq!(mark, '=');
    }

    #[test]
    fn the_prompt_shows_what_a_line_continues() {
        for (text, mark) in [
            ("SELECT", '-'),
            ("SELECT (1", '('),
            ("SELECT 'a", '\''),
            ("SELECT \"a", '"'),
            ("SELECT $$ a", '$'),
            ("SELECT /* a", '*'),
            ("-- a", '='),
            ("SELECT ('a", '\''),
        ] {
            assert_eq!(read(&[text]).1, mark, "{text}");
        }
    }

    #[test]
    fn a_command_ends_with_its_line_and_leaves_the_statement_in_front() {
        let mut reader = StatementReader::default();
        reader.push("SELECT 1 \\g");
        assert_eq!(reader.next(), Some(Piece::Command("\\g".to_owned())));
        assert_eq!(reader.next(), None);
        assert_eq!(reader.take().as_deref(), Some("SELECT 1"));
        let (pieces, _) = read(&["\\x", "SELECT E'\\x', '\\';"]);
        let expected = [
            Piece::Command("\\x".to_owned()),
            statement("SELECT E'\\x', '\\';"),
        ];
        assert_eq!(pieces, expected);
    }
}
