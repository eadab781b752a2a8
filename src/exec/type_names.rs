//! Type names, for messages and to tell whether two shards mean the same type when each defines its
//! own.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio_postgres::types::{Oid, Type};

use crate::pg::row_batch::Column;
use crate::sharding::database::Database;
use crate::sharding::shard::Shard;

/// Types with an oid below this are built in, the same in every database.
pub const FIRST_USER_OID: Oid = 16384;

/// User-defined types of a database, by oid.
#[derive(Debug, Clone, Default)]
pub struct TypeNames(HashMap<Oid, String>);

impl TypeNames {
    /// Adds a type. Types that have the same name are the same, whichever shard they are in.
    pub fn add(&mut self, oid: Oid, name: String) {
        self.0.insert(oid, name);
    }

    /// Whether two columns of the database, perhaps from different shards, have the same type.
    pub fn agree(&self, one: Oid, other: Oid) -> bool {
        one == other || self.have_same_name(one, self, other)
    }

    fn have_same_name(&self, one: Oid, others: &Self, other: Oid) -> bool {
        matches!((self.0.get(&one), others.0.get(&other)), (Some(a), Some(b)) if a == b)
    }

    /// The name as in Postgres's own messages.
    pub fn name(&self, oid: Oid) -> String {
        match Type::from_oid(oid) {
            Some(builtin) => spelled_out(builtin.name()),
            None => self
                .0
                .get(&oid)
                .cloned()
                .unwrap_or_else(|| format!("type {oid}")),
        }
    }
}

/// The types of every database of a run. Copies share them: some databases are opened later.
#[derive(Debug, Clone, Default)]
pub struct DatabaseTypes(Arc<RwLock<HashMap<Option<Database>, Arc<TypeNames>>>>);

impl DatabaseTypes {
    pub fn add(&self, database: Option<Database>, types: TypeNames) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(database, Arc::new(types));
    }

    /// Whether two columns, perhaps from different databases, have the same type.
    pub fn agree(&self, (one, a): (Shard, Oid), (other, b): (Shard, Oid)) -> bool {
        if one.database() == other.database() {
            return self.of(one).agree(a, b);
        }
        (a == b && a < FIRST_USER_OID) || self.of(one).have_same_name(a, &self.of(other), b)
    }

    /// Those of the database that this shard is in.
    pub fn of(&self, shard: Shard) -> Arc<TypeNames> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&shard.database()).cloned().unwrap_or_default()
    }

    /// The name as in Postgres's own messages.
    pub fn name(&self, shard: Shard, oid: Oid) -> String {
        self.of(shard).name(oid)
    }
}

impl TypeNames {
    /// The name of a column's type, with the precision of a numeric.
    pub fn of_column(&self, column: &Column) -> String {
        let name = self.name(column.type_oid);
        let Ok(declared) = u32::try_from(column.modifier - 4) else {
            return name;
        };
        match column.builtin() {
            Some(Type::NUMERIC) => {
                let (precision, scale) = numeric(declared);
                format!("{name}({precision},{scale})")
            }
            Some(Type::NUMERIC_ARRAY) => {
                let (precision, scale) = numeric(declared);
                format!("numeric({precision},{scale})[]")
            }
            _ => name,
        }
    }
}

/// Precision and scale from a numeric's type modifier, less 4. The scale is a signed 11-bit number.
///
/// Source: `numeric_typmod_scale` in Postgres's `src/backend/utils/adt/numeric.c`.
pub fn numeric(declared: u32) -> (u32, i32) {
    let scale = i32::try_from(declared & 0x7ff).unwrap_or_default();
    (declared >> 16 & 0xffff, (scale ^ 1024) - 1024)
}

/// What `format_type()` returns for built-in types whose catalog name differs.
fn spelled_out(name: &str) -> String {
    let (element, array) = match name.strip_prefix('_') {
        Some(element) => (element, "[]"),
        None => (name, ""),
    };
    let spelled = match element {
        "bool" => "boolean",
        "int2" => "smallint",
        "int4" => "integer",
        "int8" => "bigint",
        "float4" => "real",
        "float8" => "double precision",
        "varchar" => "character varying",
        "bpchar" => "character",
        "varbit" => "bit varying",
        "time" => "time without time zone",
        "timetz" => "time with time zone",
        "timestamp" => "timestamp without time zone",
        "timestamptz" => "timestamp with time zone",
        other => other,
    };
    format!("{spelled}{array}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shards_own_enum_is_the_same_type() {
        let mut types = TypeNames::default();
        types.add(20001, "visibility".to_owned());
        types.add(20002, "visibility".to_owned());
        types.add(20003, "public.visibility".to_owned());
        assert!(types.agree(20001, 20002));
        assert!(!types.agree(20001, 20003));
        assert!(!types.agree(20001, Type::TEXT.oid()));
        assert!(!types.agree(30000, 30001), "two unknown types are not one");
    }

    #[test]
    fn types_are_called_what_postgres_calls_them() {
        let types = TypeNames::default();
        assert_eq!(types.name(Type::INT8.oid()), "bigint");
        assert_eq!(types.name(Type::VARCHAR_ARRAY.oid()), "character varying[]");
        assert_eq!(types.name(99999), "type 99999");
    }
}
