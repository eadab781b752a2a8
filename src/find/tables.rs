//! The tables that may hold a key, from the catalog. Pure: `find::lookup` queries it.

use std::collections::{BTreeMap, BTreeSet};

use crate::pg::quote::Literal;
use crate::pg::sql_template;
use crate::sharding::database::Database;
use crate::sharding::layout::Layout;
use crate::sharding::routing::key::Key;
use crate::sharding::shard::Shard;

/// The tables that may hold a key, by shard.
#[derive(Debug, Default)]
pub struct Tables {
    pub in_shard: BTreeMap<Shard, Vec<KeyTable>>,
    /// Names of tables that this user may not read.
    pub unreadable: BTreeMap<Shard, BTreeSet<String>>,
}

impl Tables {
    /// Those of one database.
    #[must_use]
    pub fn of(&self, database: Option<Database>) -> Self {
        let is_own = |shard: Shard| shard.database() == database;
        let in_shard = self.in_shard.iter().filter(|(shard, _)| is_own(**shard));
        let unreadable = self.unreadable.iter().filter(|(shard, _)| is_own(**shard));
        Self {
            in_shard: in_shard.map(|(shard, it)| (*shard, it.clone())).collect(),
            unreadable: unreadable.map(|(shard, it)| (*shard, it.clone())).collect(),
        }
    }

    /// The type of the key's column, as the first shard has it.
    pub fn key_type(&self) -> Option<&str> {
        let tables = self.in_shard.values().flatten();
        tables.map(|table| table.key_type.as_str()).next()
    }

    /// Expected tables, and the shards that lack them. Expected is the table `home`, or, if there
    /// is none, every table that most shards have.
    pub fn lacking(&self, home: Option<&str>, shards: &[Shard]) -> BTreeMap<String, Vec<Shard>> {
        let mut having: BTreeMap<&str, BTreeSet<Shard>> = home
            .map(|table| (table, BTreeSet::new()))
            .into_iter()
            .collect();
        let readable = self
            .in_shard
            .iter()
            .flat_map(|(shard, tables)| tables.iter().map(|table| (*shard, table.name.as_str())));
        let unreadable = self
            .unreadable
            .iter()
            .flat_map(|(shard, names)| names.iter().map(|name| (*shard, name.as_str())));
        for (shard, table) in readable.chain(unreadable) {
            having.entry(table).or_default().insert(shard);
        }
        let is_expected = |table: &str, has: &BTreeSet<Shard>| match home {
            Some(home) => table == home,
            None => 2 * has.len() > shards.len(),
        };
        having
            .into_iter()
            .filter(|(table, has)| is_expected(table, has))
            .map(|(table, has)| {
                let lacking = shards.iter().copied().filter(|shard| !has.contains(shard));
                (table.to_owned(), lacking.collect::<Vec<_>>())
            })
            .filter(|(_, lacking)| !lacking.is_empty())
            .collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTable {
    pub(super) name: String,
    /// Whether it has a name column.
    pub(super) named: bool,
    /// The schema of the key column's operator `=`, quoted.
    pub(super) operator_schema: String,
    /// The type of the column of `--in`, qualified and quoted; else empty.
    pub(super) key_type: String,
    /// Whether that is the column's own type, not the one under its domain.
    pub(super) is_of_type: bool,
}

/// The statement that lists the tables for a key: in one shard, or in all.
pub fn tables_sql(key: &Key, layout: &Layout, shard: Option<Shard>) -> String {
    let schema = match shard {
        Some(shard) => Literal(shard.schema()).to_string(),
        None => "NULL".to_owned(),
    };
    let is_shard = layout.condition();
    let template = match key {
        Key::Origin(_) | Key::Account(_) => include_str!("../../sql/find/name_tables.sql"),
        Key::Id(_) => include_str!("../../sql/find/id_tables.sql"),
        Key::Value { .. } => include_str!("../../sql/find/column_tables.sql"),
        // No table has it.
        Key::Listed { .. } => include_str!("../../sql/find/no_tables.sql"),
    };
    sql_template::fill(
        template,
        &[
            ("schema", &schema),
            ("is_shard", &is_shard),
            ("table", &Literal(home(key).unwrap_or_default()).to_string()),
            ("column", &Literal(column(key)).to_string()),
        ],
    )
}

/// The only table that can hold the key, if there is one.
pub fn home(key: &Key) -> Option<&str> {
    match key {
        Key::Origin(_) => Some("origins"),
        Key::Account(_) => Some("accounts"),
        Key::Id(_) | Key::Listed { .. } => None,
        Key::Value { column, .. } => Some(&column.table),
    }
}

/// The column that holds the key.
pub fn column(key: &Key) -> &str {
    match key {
        Key::Origin(_) | Key::Account(_) => "name",
        Key::Id(_) => "id",
        Key::Value { column, .. } => &column.column,
        Key::Listed { .. } => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharding::routing::key_kinds::KeyKinds;

    #[test]
    fn a_table_that_most_shards_have_is_lacking_in_the_others() {
        let shards: Vec<_> = (0..4).map(Shard::new).collect();
        let table = |name: &str| KeyTable {
            name: name.to_owned(),
            named: true,
            operator_schema: "pg_catalog".to_owned(),
            key_type: String::new(),
            is_of_type: false,
        };
        let mut tables = Tables::default();
        for shard in &shards[..3] {
            tables.in_shard.insert(*shard, vec![table("origins")]);
        }
        tables.in_shard.insert(shards[3], vec![table("a_backup")]);
        let of_an_id = tables.lacking(None, &shards);
        assert_eq!(
            of_an_id,
            BTreeMap::from([("origins".to_owned(), vec![shards[3]])])
        );
        assert_eq!(tables.lacking(Some("origins"), &shards), of_an_id);
        let nowhere = Tables::default();
        assert_eq!(nowhere.lacking(Some("origins"), &shards)["origins"], shards);
        assert!(nowhere.lacking(None, &shards).is_empty());
    }

    #[test]
    fn comments_and_placeholders_stay_out_of_the_wire() {
        for text in ["core", "5"] {
            let kinds = KeyKinds::default();
            let key = Key::new(text, kinds.guess(text).unwrap()).unwrap();
            let sql = tables_sql(&key, &Layout::default(), Some(Shard::new(3)));
            assert!(
                sql.contains("n.nspname OPERATOR(pg_catalog.=) 'shard_3'"),
                "{sql}"
            );
            assert!(
                !sql.contains("--") && !sql.contains("{schema}") && !sql.contains("{table}"),
                "{sql}"
            );
        }
    }
}
