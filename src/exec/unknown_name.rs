//! Suggestions for a table, type, function or operator that the server did not find, from one
//! catalog lookup.

use tokio_postgres::SimpleQueryMessage::Row;
use tokio_postgres::SimpleQueryRow;
use tokio_postgres::error::SqlState;

use crate::client::{Connection, ServerError};
use crate::pg::lexer::{StringSyntax, TokenKind};
use crate::pg::query_text::Text;
use crate::pg::quote::{Identifier, Literal};
use crate::pg::sql_template;
use crate::sharding::layout::Layout;
use crate::sharding::search_path::SearchPath;
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;
use crate::sharding::suggest::{lengths, nearest};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    kind: &'static str,
    name: String,
}

/// Similar names in the catalog.
#[derive(Debug, Default)]
pub struct Candidates {
    /// Number of shards.
    shards: usize,
    /// Failed shards on whose schema this user has no USAGE.
    pub denied: Vec<Shard>,
    /// Tables with names of about the same length, and how many shards have them.
    tables: Vec<(String, usize)>,
    /// Other schemas that have an object of this name.
    schemas: Vec<String>,
}

impl UnknownName {
    pub fn table(name: &str) -> Self {
        Self {
            kind: "table",
            name: name.to_owned(),
        }
    }

    /// The nearest name in the shards, as a hint.
    pub async fn hint_in_shards(&self, connection: &Connection, layout: &Layout) -> Option<String> {
        let found = self.candidates(connection, layout, &[]).await?;
        found.nearest_table(&self.name).map(|(_, hint)| hint)
    }

    /// `None` if the error is about something else, or about a name that is qualified with a
    /// schema.
    pub fn of(report: &ServerError, statement: &Statement) -> Option<Self> {
        // Without a position the name is not part of the SQL, e.g. a setting in SHOW.
        let position = report.position?;
        let kind = match &report.code {
            code if *code == SqlState::UNDEFINED_TABLE => "table",
            code if *code == SqlState::UNDEFINED_OBJECT => "type",
            code if *code == SqlState::UNDEFINED_FUNCTION => "function",
            _ => return None,
        };
        let text = Text::new(statement.as_str(), StringSyntax::StandardConforming);
        let token = text.token_at(position)?;
        let name = match token.identifier() {
            Some(name) => name,
            None if token.kind == TokenKind::Operator => &text.sql[token.span.clone()],
            None => return None,
        };
        let is_qualified = text.sql[token.span.end..].trim_start().starts_with('.');
        (!is_qualified).then(|| Self {
            kind,
            name: name.to_owned(),
        })
    }

    /// Queries the catalog. `failed` are the shards where the name was not found.
    pub async fn candidates(
        &self,
        connection: &Connection,
        layout: &Layout,
        failed: &[Shard],
    ) -> Option<Candidates> {
        let failed: Vec<_> = failed
            .iter()
            .map(|shard| Literal(shard.schema()).to_string())
            .collect();
        let (shortest, longest) = lengths(&self.name);
        let sql = sql_template::fill(
            include_str!("../../sql/exec/unknown_name.sql"),
            &[
                ("kind", &Literal(self.kind).to_string()),
                ("name", &Literal(&self.name).to_string()),
                ("failed", &format!("ARRAY[{}]", failed.join(", "))),
                ("shortest", &shortest.to_string()),
                ("longest", &longest.to_string()),
                ("is_shard", &layout.condition()),
            ],
        );
        let messages = connection.simple_query(&sql).await.ok()?;
        let mut found = Candidates::default();
        for message in &messages {
            if let Row(row) = message {
                found.add(row, layout);
            }
        }
        Some(found)
    }
}

impl Candidates {
    fn add(&mut self, row: &SimpleQueryRow, layout: &Layout) -> Option<()> {
        let name = row.get(1)?;
        match row.get(0)? {
            "shards" => self.shards = name.parse().ok()?,
            "denied" => self.denied.extend(layout.shard(name)),
            "table" => self
                .tables
                .push((name.to_owned(), row.get(2)?.parse().ok()?)),
            _ => self.schemas.push(name.to_owned()),
        }
        Some(())
    }

    /// The nearest table in shards, and whether it has exactly this name.
    fn nearest_table(&self, name: &str) -> Option<(bool, String)> {
        let near = nearest(name, self.tables.iter().map(|(name, _)| name.as_str()))?;
        let (_, count) = self.tables.iter().find(|(name, _)| name == near)?;
        let all = self.shards;
        let whose = if *count == all && all > 1 {
            format!("all {all} shards have it")
        } else {
            format!("{count} of {all} shards have it")
        };
        let hint = if near == name {
            format!("{count} of {all} shards have a table \"{name}\"")
        } else {
            format!("did you mean \"{near}\"? {whose}")
        };
        Some((near == name, hint))
    }

    /// The hint where only the tables of shards count, and no other schema.
    pub fn hint(&self, unknown: &UnknownName, path: &SearchPath) -> Option<String> {
        let name = &unknown.name;
        let in_shards = self.nearest_table(name);
        let elsewhere = self
            .schemas
            .iter()
            .find(|schema| !path.names(schema))
            .map(|schema| {
                let kind = unknown.kind;
                format!(
                    "schema {schema}, which is not searched, has a {kind} \"{name}\"; \
                     to use it, add --search-path '{path}, {}'",
                    Plain(schema)
                )
            });
        match (in_shards, elsewhere) {
            (Some((false, _)) | None, Some(elsewhere)) => Some(elsewhere),
            (in_shards, _) => in_shards.map(|(_, hint)| hint),
        }
    }
}

/// A schema name, quoted only if necessary.
struct Plain<'a>(&'a str);

impl std::fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.0.chars().all(plain) && !self.0.starts_with(|c: char| c.is_ascii_digit()) {
            f.write_str(self.0)
        } else {
            write!(f, "{}", Identifier(self.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(sql: &str, position: usize, code: &SqlState) -> Option<UnknownName> {
        let report = ServerError {
            severity: "ERROR".to_owned(),
            code: code.clone(),
            message: "does not exist".to_owned(),
            detail: None,
            hint: None,
            advice: None,
            position: (position > 0).then_some(position),
            internal: None,
            context: None,
            before_time_limit: false,
        };
        UnknownName::of(&report, &Statement::new(sql).unwrap())
    }

    #[test]
    fn the_name_is_where_the_server_points() {
        let table = SqlState::UNDEFINED_TABLE;
        let named = |sql: &str, position| unknown(sql, position, &table).map(|found| found.name);
        assert_eq!(named("SELECT * FROM orgins", 15).unwrap(), "orgins");
        assert_eq!(named("TABLE \"Or gins\"", 7).unwrap(), "Or gins");
        assert_eq!(named("TABLE old.origins", 7), None, "its schema is known");
        assert_eq!(named("SHOW nothing", 0), None, "no position");
        let operator = unknown("SELECT a <-> b", 10, &SqlState::UNDEFINED_FUNCTION).unwrap();
        assert_eq!((operator.kind, operator.name.as_str()), ("function", "<->"));
        assert!(unknown("SELECT a", 8, &SqlState::UNDEFINED_COLUMN).is_none());
    }

    #[test]
    fn the_hint_names_the_nearest_table_or_the_schema_that_has_the_name() {
        let hint = |name: &str, tables: &[(&str, usize)], schemas: &[&str]| {
            let candidates = Candidates {
                shards: 4,
                denied: Vec::new(),
                tables: tables
                    .iter()
                    .map(|(name, n)| ((*name).to_owned(), *n))
                    .collect(),
                schemas: schemas.iter().map(|name| (*name).to_owned()).collect(),
            };
            let unknown = UnknownName {
                kind: "table",
                name: name.to_owned(),
            };
            candidates.hint(&unknown, &SearchPath::default())
        };
        assert_eq!(
            hint("orgins", &[("origins", 4)], &[]).unwrap(),
            "did you mean \"origins\"? all 4 shards have it"
        );
        assert_eq!(
            hint("orgins", &[("origins", 1)], &[]).unwrap(),
            "did you mean \"origins\"? 1 of 4 shards have it"
        );
        assert_eq!(
            hint("origins", &[("origins", 3)], &["public"]).unwrap(),
            "3 of 4 shards have a table \"origins\"",
            "another schema's is another table"
        );
        assert_eq!(
            hint("settings", &[("setting", 4)], &["Old one"]).unwrap(),
            "schema Old one, which is not searched, has a table \"settings\"; to use it, add \
             --search-path '{shard}, \"Old one\"'"
        );
        assert_eq!(hint("orgins", &[], &[]), None);
    }
}
