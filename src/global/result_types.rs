//! The names of the types that a global query's result has and that the database
//! defined itself.

use super::way::Way;
use crate::fanout::{FanoutError, Session, result_rows};
use crate::template;
use crate::types::{FIRST_USER_OID, TypeNames};

/// Oids.
pub struct ResultTypes(Vec<u32>);

impl ResultTypes {
    /// An answer in parts has built-in types alone.
    pub fn of(way: &Way) -> Self {
        let columns = match way {
            Way::One(checked, _) => checked.columns.as_slice(),
            Way::Parts(_) => &[],
        };
        let oids = columns.iter().map(|column| column.type_oid);
        Self(oids.filter(|oid| *oid >= FIRST_USER_OID).collect())
    }

    /// Asks the server, if there is anything to ask.
    ///
    /// # Errors
    /// If the connection is lost.
    pub async fn names(&self, session: &Session) -> Result<TypeNames, FanoutError> {
        let mut names = TypeNames::default();
        if self.0.is_empty() {
            return Ok(names);
        }
        let oids: Vec<_> = self.0.iter().map(u32::to_string).collect();
        let oids = format!("ARRAY[{}]::pg_catalog.oid[]", oids.join(", "));
        let sql = template::fill(
            include_str!("../../sql/global/types.sql"),
            &[("oids", &oids)],
        );
        let rows = session
            .connection()
            .client()
            .simple_query(&sql)
            .await
            .map_err(|error| FanoutError::opening(&error))?;
        for row in result_rows(&rows).into_iter().flatten() {
            if let (Some(Ok(oid)), Some(schema), Some(name)) =
                (row.get(0).map(str::parse), row.get(1), row.get(2))
            {
                names.add(oid, schema, name);
            }
        }
        Ok(names)
    }
}
