//! Writes what a profile may hold, as it is read again.

use crate::config::Settings;
use crate::sharding::routing::buckets::{Buckets, Modulo};
use crate::sharding::routing::key_kind::{ColumnKind, RoutingRule};
use crate::sharding::routing::server_rule::ServerRule;

/// A TOML string.
pub fn toml_string(text: &str) -> String {
    let escaped = text.chars().flat_map(|c| match c {
        '"' | '\\' => vec!['\\', c],
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)).chars().collect(),
        c => vec![c],
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// A list of texts.
pub fn toml_list(texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let quoted = texts.into_iter().map(|text| toml_string(text.as_ref()));
    format!("[{}]", quoted.collect::<Vec<_>>().join(", "))
}

/// Where a profile connects, as a line of it. No password is in it.
pub fn connections(servers: &[Settings]) -> String {
    match servers {
        [only] => format!("connection = {}\n", toml_string(&only.conninfo())),
        several => {
            let list = toml_list(several.iter().map(Settings::conninfo));
            format!("servers = {list}\n")
        }
    }
}

/// A kind of keys, as lines of this profile.
pub fn key_kind(profile: &str, kind: &ColumnKind) -> String {
    let mut lines = vec![format!("[{}.keys.{}]", key(profile), key(&kind.name))];
    lines.push(match &kind.rule {
        RoutingRule::Hash { hash, .. } => format!("hash = {}", toml_string(hash.name())),
        RoutingRule::Number(_) => "hash = \"none\"".to_owned(),
        RoutingRule::Bits(layout) => format!("id = {layout}"),
        RoutingRule::Server(ServerRule::Hash { hash, .. }) => {
            format!("hash = {}", toml_string(hash.name()))
        }
        RoutingRule::Server(ServerRule::Sql { expression, .. }) => {
            format!("sql = {}", toml_string(expression.as_str()))
        }
        RoutingRule::Server(ServerRule::Lookup(query)) => {
            format!("lookup = {}", toml_string(query.as_str()))
        }
    });
    if let Some(Buckets { modulo, offset }) = kind.rule.buckets() {
        if let Modulo::By(divisor) = modulo {
            lines.push(format!("modulo = {divisor}"));
        }
        if offset > 0 {
            lines.push(format!("offset = {offset}"));
        }
    }
    lines.push(format!("in = {}\n", toml_string(&kind.column.to_string())));
    lines.join("\n")
}

/// A bare key, or one in quotes.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        toml_string(name)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::config::profile::ProfileFile;
    use crate::sharding::routing::hash::Hash;
    use crate::sharding::routing::id_layout::IdLayout;
    use crate::sharding::routing::key_kind::KeyKind;
    use crate::sharding::routing::server_rule::{KeySql, PostgresHash};

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let buckets = Buckets {
            modulo: Modulo::By(NonZeroU32::new(64).unwrap()),
            offset: 1,
        };
        let sql = KeySql::new("('x' || \"f\"($1, '\\n'))").unwrap();
        let mut rules: Vec<_> = Hash::ALL
            .into_iter()
            .map(|hash| RoutingRule::Hash { hash, buckets })
            .collect();
        rules.extend([
            RoutingRule::Number(buckets),
            RoutingRule::Server(ServerRule::Sql {
                expression: sql.clone(),
                buckets,
            }),
            RoutingRule::Server(ServerRule::Hash {
                hash: PostgresHash::Partition,
                buckets,
            }),
            RoutingRule::Server(ServerRule::Lookup(sql)),
        ]);
        for rule in rules {
            written_and_read(rule);
        }
    }

    /// The time from which ids are credible is not written.
    #[test]
    fn an_ids_layout_is_read_as_it_was_written() {
        written_and_read(RoutingRule::Bits(IdLayout::INSTAGRAM));
    }

    fn written_and_read(rule: RoutingRule) {
        let kind = ColumnKind {
            name: "a b".to_owned(),
            column: "\"My table\".\"Id\"".parse().unwrap(),
            rule,
        };
        let text = key_kind("live", &kind);
        let file = ProfileFile::parse(Path::new("config.toml"), &text).unwrap();
        let profile = file.profile("live").unwrap();
        let read = profile.keys.named("a b").unwrap();
        assert_eq!(read, &KeyKind::Column(Arc::new(kind)), "{text}");
    }
}
