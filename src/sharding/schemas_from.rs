//! `--schemas-from`: the shards that a statement of the user's lists, in its order. Pure; the
//! preflight of each attempt runs the statement and passes its rows on.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use crate::pg::quote::Identifier;
use crate::sharding::database::Database;
use crate::sharding::shard::{Place, Shard};
use crate::sharding::statement::Statement;
use crate::text::escape::one_line;

/// The statement, and the list once it is known. Copies share the list: a plan is copied for every
/// attempt and connection before the preflight has run.
#[derive(Debug, Clone)]
pub struct SchemasFrom {
    statement: Statement,
    /// One of several databases that are listed.
    database: Option<Database>,
    list: Arc<RwLock<Arc<SchemaList>>>,
}

/// Schemas in order, and what else they are called.
#[derive(Debug, Default)]
pub struct SchemaList {
    shards: Vec<Shard>,
    by_schema: HashMap<&'static str, (Shard, Option<String>)>,
}

/// A row of the statement: the schema, and its label if there is a second column.
pub type SchemaRow = (Option<String>, Option<Option<String>>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaListError {
    #[error(
        "expected one column (the name of a schema) or two (and a label for it), got {0} columns"
    )]
    Columns(usize),
    #[error("expected a single statement that returns rows, such as SELECT schema_name FROM …")]
    NotAQuery,
    #[error("the schema in row {0} is NULL")]
    NullSchema(usize),
    #[error("the label of schema {} is NULL", quoted(.0))]
    NullLabel(String),
    #[error("schema {} is listed twice", quoted(.0))]
    Schema(String),
    #[error("label {} is listed twice", quoted(.0))]
    Label(String),
    #[error("the statement returned no rows")]
    Empty,
}

fn quoted(name: &str) -> String {
    one_line(&Identifier(name).to_string())
}

impl SchemasFrom {
    pub fn new(statement: Statement) -> Self {
        Self {
            statement,
            database: None,
            list: Arc::default(),
        }
    }

    /// The same statement for one of several databases, with a list of its own.
    #[must_use]
    pub fn in_database(&self, database: Database) -> Self {
        Self {
            database: Some(database),
            ..Self::new(self.statement.clone())
        }
    }

    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Replaces the list, for this copy and all others.
    ///
    /// # Errors
    /// If there are no rows, or a schema or label is NULL or listed twice.
    pub fn set(&self, rows: impl IntoIterator<Item = SchemaRow>) -> Result<(), SchemaListError> {
        let list = SchemaList::new(rows, self.database)?;
        let mut known = self.list.write().unwrap_or_else(PoisonError::into_inner);
        *known = Arc::new(list);
        Ok(())
    }

    pub fn list(&self) -> Arc<SchemaList> {
        Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Two are the same if they run the same statement.
impl PartialEq for SchemasFrom {
    fn eq(&self, other: &Self) -> bool {
        self.statement == other.statement
    }
}

impl Eq for SchemasFrom {}

impl SchemaList {
    fn new(
        rows: impl IntoIterator<Item = SchemaRow>,
        database: Option<Database>,
    ) -> Result<Self, SchemaListError> {
        let mut list = Self::default();
        let mut labels = HashSet::new();
        for ((schema, label), position) in rows.into_iter().zip(1..) {
            let schema = schema.ok_or(SchemaListError::NullSchema(position))?;
            let label = match label {
                Some(None) => return Err(SchemaListError::NullLabel(schema)),
                label => label.flatten(),
            };
            if let Some(label) = &label
                && !labels.insert(label.clone())
            {
                return Err(SchemaListError::Label(label.clone()));
            }
            let place = Place {
                position: u32::try_from(position).unwrap_or(u32::MAX),
                database,
            };
            let shard = Shard::at(place, &schema);
            if list
                .by_schema
                .insert(shard.schema(), (shard, label))
                .is_some()
            {
                return Err(SchemaListError::Schema(schema));
            }
            list.shards.push(shard);
        }
        if list.shards.is_empty() {
            return Err(SchemaListError::Empty);
        }
        Ok(list)
    }

    /// In the order of the list.
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    pub fn shard(&self, schema: &str) -> Option<Shard> {
        self.by_schema.get(schema).map(|(shard, _)| *shard)
    }

    pub fn label(&self, shard: Shard) -> Option<&str> {
        self.by_schema.get(shard.schema())?.1.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: &[(&str, &str)]) -> Result<SchemaList, SchemaListError> {
        let text = |text: &str| (text != "NULL").then(|| text.to_owned());
        SchemaList::new(rows.iter().map(|(a, b)| (text(a), Some(text(b)))), None)
    }

    #[test]
    fn shards_come_in_the_order_of_the_list() {
        let listed = list(&[("t10", "b"), ("t2", "c"), ("a", "d")]).unwrap();
        let mut shards = listed.shards().to_vec();
        shards.reverse();
        shards.sort_unstable();
        assert_eq!(shards, listed.shards());
        assert_eq!(shards[0].name(), "t10");
        assert_eq!(listed.shard("t2"), Some(shards[1]));
        assert_eq!(listed.label(shards[2]), Some("d"));
        assert_eq!(listed.shard("b"), None);
    }

    #[test]
    fn what_names_no_shard_or_two_is_refused() {
        for (rows, error) in [
            (&[][..], SchemaListError::Empty),
            (&[("a", "x"), ("NULL", "y")], SchemaListError::NullSchema(2)),
            (&[("a", "NULL")], SchemaListError::NullLabel("a".into())),
            (
                &[("a", "x"), ("a", "y")],
                SchemaListError::Schema("a".into()),
            ),
            (
                &[("a", "x"), ("b", "x")],
                SchemaListError::Label("x".into()),
            ),
        ] {
            assert_eq!(list(rows).unwrap_err(), error);
        }
    }
}
