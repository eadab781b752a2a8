//! The draft for text search: dictionaries, and the mappings of configurations.

use std::collections::BTreeMap;

use super::Draft;
use super::steps::{Stage, Step};
use crate::commands::inspect::drift::shape::ObjectName;

/// The definition begins with `PARSER = …`; each other line is `token WITH dictionaries`.
pub fn create_configuration(draft: Draft<'_>, name: &str, text: &str) -> String {
    let own = draft.qualified(name);
    let (parser, _) = text.split_once('\n').unwrap_or((text, ""));
    let mut sql = format!("CREATE TEXT SEARCH CONFIGURATION {own} ({parser});");
    for (token, dictionaries) in mappings(text) {
        sql += &mapping(&own, "ADD", token, dictionaries);
    }
    sql
}

pub fn alter_configuration(
    draft: Draft<'_>,
    name: &ObjectName,
    has: &str,
    expected: &str,
    text: &str,
) -> Vec<Step> {
    if has.lines().next() != expected.lines().next() {
        return vec![Step::not_drafted(name, Some(has), Some(expected))];
    }
    let own = draft.qualified(&name.name);
    let (has, expected, printed) = (mappings(has), mappings(expected), mappings(text));
    let mut sql = String::new();
    for (token, dictionaries) in &expected {
        let printed = printed.get(token).copied().unwrap_or_default();
        match has.get(token) {
            Some(known) if known == dictionaries => {}
            Some(_) => sql += &mapping(&own, "ALTER", token, printed),
            None => sql += &mapping(&own, "ADD", token, printed),
        }
    }
    for token in has.keys().filter(|token| !expected.contains_key(*token)) {
        sql += "\nALTER TEXT SEARCH CONFIGURATION ";
        sql += &[&own, " DROP MAPPING FOR ", token, ";"].concat();
    }
    vec![Step::new(Stage::Operator, sql.trim_start().to_owned())]
}

fn mapping(own: &str, verb: &str, token: &str, dictionaries: &str) -> String {
    format!(
        "\nALTER TEXT SEARCH CONFIGURATION {own} {verb} MAPPING FOR {token} WITH {dictionaries};"
    )
}

fn mappings(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().skip(1);
    lines.filter_map(|line| line.split_once(" WITH ")).collect()
}

/// The definition begins with the template; each option may have a value.
pub fn alter_dictionary(
    draft: Draft<'_>,
    name: &ObjectName,
    has: &str,
    expected: &str,
    text: &str,
) -> Vec<Step> {
    let (template, had) = has.split_once(", ").unwrap_or((has, ""));
    let (_, options) = text.split_once(", ").unwrap_or((text, ""));
    if !expected.starts_with(template) {
        return vec![Step::not_drafted(name, Some(has), Some(expected))];
    }
    let names = |options: &str| -> Vec<String> {
        let options = split_outside_strings(options);
        let names = options.iter().filter_map(|option| option.split_once(" = "));
        names.map(|(name, _)| name.trim().to_owned()).collect()
    };
    let wanted = names(options);
    let removed = names(had).into_iter().filter(|it| !wanted.contains(it));
    let present = (!options.is_empty()).then(|| options.to_owned());
    let changes: Vec<_> = present.into_iter().chain(removed).collect();
    let own = draft.qualified(&name.name);
    let sql = format!(
        "ALTER TEXT SEARCH DICTIONARY {own} ({});",
        changes.join(", ")
    );
    vec![Step::new(Stage::Type, sql)]
}

fn split_outside_strings(text: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let parts = text.split(move |c| {
        is_quoted ^= c == '\'';
        c == ',' && !is_quoted
    });
    parts.collect()
}
