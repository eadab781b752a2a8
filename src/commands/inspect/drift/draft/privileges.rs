//! The draft for owners and privileges.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Draft;
use super::steps::{Stage, Step};
use crate::commands::inspect::drift::shape::ObjectName;
use crate::pg::quote::Identifier;

/// `{scope}GRANT SELECT{columns} ON {on} TO …`
struct Grants {
    scope: String,
    columns: String,
    on: String,
}

/// The kind of an object in `ALTER … OWNER` and `GRANT`, and its name there.
fn target(draft: Draft<'_>, object: &str) -> String {
    if object.is_empty() {
        return draft.object("schema", object);
    }
    if object.ends_with(')') {
        return format!("ROUTINE {}", draft.signature(object));
    }
    let kinds = [
        "sequence",
        "enum",
        "range",
        "base type",
        "composite type",
        "domain",
    ];
    let kind = kinds.iter().find(|kind| draft.is(kind, object));
    draft.object(kind.unwrap_or(&"table"), object)
}

impl Draft<'_> {
    pub fn owner(self, name: &ObjectName, role: &str) -> String {
        let object = match name.kind.strip_prefix("owner of ") {
            Some(kind) => self.object(kind, &name.parent),
            None => target(self, &name.parent),
        };
        format!("ALTER {object} OWNER TO {role};")
    }

    /// Grants anew what differs; all for a new object (`has` is empty), to which the schema's
    /// default privileges apply. Both are lists, `PUBLIC=SELECT, owner=INSERT/SELECT*`.
    pub fn grant(self, name: &ObjectName, has: &str, expected: &str) -> Vec<Step> {
        let how = Grants::of(self, name);
        let is_new = has.is_empty();
        let (has, expected) = (grants(has), grants(expected));
        let changed = |role: &&str| has.get(role) != expected.get(role);
        let known = has.keys().chain(expected.keys()).copied().filter(changed);
        let mut roles: Vec<_> = known.chain(is_new.then_some("PUBLIC")).collect();
        roles.sort_unstable();
        roles.dedup();
        let mut steps = Vec::new();
        for role in roles {
            let grantee = match role {
                // A new object's owner has what it should.
                "owner" if is_new => continue,
                "owner" => self.owner_of(&name.parent),
                role => Some(role.to_owned()),
            };
            if let Some(grantee) = grantee {
                let sql = how.sql(&grantee, expected.get(role).into_iter().flatten());
                steps.push(Step::new(Stage::Privileges, sql));
            }
        }
        steps
    }

    fn owner_of(self, object: &str) -> Option<String> {
        self.definition(&ObjectName {
            parent: object.to_owned(),
            kind: "owner".to_owned(),
            name: String::new(),
        })
    }
}

impl Grants {
    fn of(draft: Draft<'_>, name: &ObjectName) -> Self {
        let (mut scope, mut columns) = (String::new(), String::new());
        let on = match name.kind.as_str() {
            // `tables of postgres`
            "default privileges" => {
                let (kind, role) = name.name.split_once(" of ").unwrap_or((&name.name, ""));
                let schema = draft.schema();
                scope = format!("ALTER DEFAULT PRIVILEGES FOR ROLE {role} IN SCHEMA {schema} ");
                kind.to_uppercase()
            }
            "column privileges" => {
                columns = format!(" ({})", Identifier(&name.name));
                draft.qualified(&name.parent)
            }
            _ => target(draft, &name.parent),
        };
        Self { scope, columns, on }
    }

    fn sql<'a>(&self, grantee: &str, privileges: impl Iterator<Item = &'a &'a str>) -> String {
        let Self { scope, columns, on } = self;
        let mut sql = format!("{scope}REVOKE ALL{columns} ON {on} FROM {grantee};");
        for privilege in privileges {
            let (privilege, option) = match privilege.strip_suffix('*') {
                Some(privilege) => (privilege, " WITH GRANT OPTION"),
                None => (*privilege, ""),
            };
            // Writing to a String cannot fail.
            let _ = write!(
                sql,
                "\n{scope}GRANT {privilege}{columns} ON {on} TO {grantee}{option};"
            );
        }
        sql
    }
}

fn grants(list: &str) -> BTreeMap<&str, Vec<&str>> {
    let entries = list.split(", ").filter_map(|entry| entry.split_once('='));
    entries
        .map(|(role, privileges)| (role, privileges.split('/').collect()))
        .collect()
}
