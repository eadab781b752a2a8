//! The draft for owners and privileges.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::draft::Draft;
use super::shape::ObjectName;
use super::steps::{Stage, Step};

/// The kind of an object in `ALTER` and `GRANT`, and its name there.
fn target(draft: Draft<'_>, object: &str) -> (&'static str, String) {
    let of_kind = |kind: &str| {
        draft.norm.contains_key(&ObjectName {
            parent: String::new(),
            kind: kind.to_owned(),
            name: object.to_owned(),
        })
    };
    if object.is_empty() {
        let schema = crate::pg::quote::Identifier(draft.shard.schema());
        return ("SCHEMA", schema.to_string());
    }
    if object.ends_with(')') {
        return ("ROUTINE", draft.signature(object));
    }
    let kind = match () {
        () if of_kind("sequence") => "SEQUENCE",
        () if of_kind("enum") || of_kind("range") || of_kind("base type") => "TYPE",
        () if of_kind("domain") => "DOMAIN",
        () => "TABLE",
    };
    (kind, draft.qualified(object))
}

pub fn owner(draft: Draft<'_>, object: &str, role: &str) -> String {
    let (kind, name) = target(draft, object);
    format!("ALTER {kind} {name} OWNER TO {role};")
}

/// Grants anew what differs; all for a new object (`has` is empty), to which the schema's default
/// privileges apply. Both are lists, `PUBLIC=SELECT, owner=INSERT/SELECT*`.
pub fn steps(draft: Draft<'_>, object: &str, has: &str, expected: &str) -> Vec<Step> {
    let (kind, name) = target(draft, object);
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
            "owner" => owner_of(draft, object),
            role => Some(role.to_owned()),
        };
        let Some(grantee) = grantee else {
            continue;
        };
        let mut sql = format!("REVOKE ALL ON {kind} {name} FROM {grantee};");
        for privilege in expected.get(role).into_iter().flatten() {
            let (privilege, option) = match privilege.strip_suffix('*') {
                Some(privilege) => (privilege, " WITH GRANT OPTION"),
                None => (*privilege, ""),
            };
            // Writing to a String cannot fail.
            let _ = write!(
                sql,
                "\nGRANT {privilege} ON {kind} {name} TO {grantee}{option};"
            );
        }
        steps.push(Step::new(Stage::Privileges, sql));
    }
    steps
}

fn owner_of(draft: Draft<'_>, object: &str) -> Option<String> {
    draft.definition(&ObjectName {
        parent: object.to_owned(),
        kind: "owner".to_owned(),
        name: String::new(),
    })
}

fn grants(list: &str) -> BTreeMap<&str, Vec<&str>> {
    let entries = list.split(", ").filter_map(|entry| entry.split_once('='));
    entries
        .map(|(role, privileges)| (role, privileges.split('/').collect()))
        .collect()
}
