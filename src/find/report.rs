//! The result of looking up a key, and how it is shown. Pure.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::find::coverage::SearchCoverage;
use crate::find::matches::{Match, escape_newlines, shards_of};
use crate::sharding::ranges::Ranges;
use crate::sharding::routing::id_layout::IdLayout;
use crate::sharding::routing::key::Key;
use crate::sharding::routing::rule::{NoRoute, Route};
use crate::sharding::shard::Shard;
use crate::sharding::suggest::Suggestion;
use crate::terminal::exit_status::Exit;

/// A key, the shard it belongs in, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindReport {
    pub key: Key,
    pub route: Result<Route, NoRoute>,
    pub verdict: FindVerdict,
    /// Set if the key was not in the shard it belongs in.
    pub searched: Option<SearchCoverage>,
    /// To recognize ids with a time in the future, which are not credible.
    pub now: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindVerdict {
    /// Not verified.
    Computed,
    /// In the shard it belongs in.
    Verified(Vec<Match>),
    /// No column has such keys: the database lists the key's shard, which exists.
    Listed,
    /// Only in other shards.
    Misplaced(Vec<Match>),
    /// Found, but the shard it belongs in cannot be computed.
    Found(Vec<Match>),
    NotFound {
        nearest: Vec<Suggestion>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputMode {
    Text,
    Short,
    Json,
}

impl FindReport {
    pub fn exit(&self) -> Exit {
        match self.verdict {
            FindVerdict::Computed | FindVerdict::Verified(_) | FindVerdict::Listed => {
                Exit::Complete
            }
            FindVerdict::Found(_) if self.is_searched() => Exit::Complete,
            FindVerdict::NotFound { .. } if self.is_searched() => Exit::Failed,
            FindVerdict::Misplaced(_) | FindVerdict::Found(_) | FindVerdict::NotFound { .. } => {
                Exit::Incomplete
            }
        }
    }

    fn is_searched(&self) -> bool {
        let searched = self.searched.as_ref();
        // A list of keys is complete without a search.
        matches!(self.key, Key::Listed { .. }) || searched.is_some_and(SearchCoverage::is_complete)
    }

    /// The result; empty if the key was not found, except in JSON.
    pub fn render(&self, form: OutputMode) -> String {
        match form {
            OutputMode::Text => self.text(),
            OutputMode::Short => self.shards().iter().fold(String::new(), |mut text, shard| {
                let _ = writeln!(text, "{shard}");
                text
            }),
            OutputMode::Json => format!("{}\n", self.json()),
        }
    }

    /// What must be reported on stderr because this output mode does not show it.
    pub fn stderr_message(&self, form: OutputMode) -> Option<String> {
        match &self.verdict {
            FindVerdict::Misplaced(_) if form != OutputMode::Text => Some(self.misplaced()),
            FindVerdict::NotFound { .. } => Some(self.not_found()),
            _ => None,
        }
    }

    /// A hint if the key was not found.
    pub fn hint(&self) -> Option<String> {
        match (&self.verdict, &self.key) {
            (FindVerdict::NotFound { .. }, Key::Id(_)) => Some(
                "shardq: hint: if this is a name, add --kind origin or --kind account".to_owned(),
            ),
            (FindVerdict::NotFound { nearest }, _) if !nearest.is_empty() => {
                let names: Vec<_> = nearest
                    .iter()
                    .map(|near| format!("{} ({})", escape_newlines(&near.name), near.shard))
                    .collect();
                Some(format!("shardq: hint: nearest: {}", names.join(", ")))
            }
            _ => None,
        }
    }

    /// The shards that hold the key, as far as is known; ascending.
    pub fn shards(&self) -> Vec<Shard> {
        match &self.verdict {
            FindVerdict::Computed | FindVerdict::Verified(_) | FindVerdict::Listed => {
                self.route.iter().map(|route| route.shard).collect()
            }
            FindVerdict::Misplaced(hits) | FindVerdict::Found(hits) => shards_of(hits),
            FindVerdict::NotFound { .. } => Vec::new(),
        }
    }

    /// How the ids of the rows that were found are laid out.
    fn ids(&self) -> IdLayout {
        match &self.key {
            Key::Id(id) => id.layout(),
            _ => IdLayout::HABITAT,
        }
    }

    fn misplaced(&self) -> String {
        let found = Ranges::of(&self.shards());
        match &self.route {
            Ok(Route { shard, .. }) => format!("MISPLACED: expected {shard}, found in {found}"),
            Err(_) => format!("found in {found}"),
        }
    }

    fn text(&self) -> String {
        let key = escape_newlines(&self.key.to_string());
        let mut text = match (&self.verdict, &self.route) {
            (FindVerdict::NotFound { .. }, _) => return String::new(),
            (FindVerdict::Misplaced(_), Ok(Route { shard, rule })) => {
                format!(
                    "{}\n{key} belongs in {shard}   ({rule})\n",
                    self.misplaced()
                )
            }
            (_, Ok(Route { shard, rule })) => format!("{key} is in {shard}   ({rule})\n"),
            (_, Err(why)) => {
                let shards = Ranges::of(&self.shards());
                format!("{key} is in {shards}   (searched for: {why})\n")
            }
        };
        if let (Key::Id(id), Ok(_)) = (&self.key, &self.route) {
            let created = id.created_text().map(|when| format!("created {when}"));
            let sequence = id.sequence().map(|number| format!("sequence {number}"));
            let parts: Vec<_> = [created, sequence].into_iter().flatten().collect();
            if !parts.is_empty() {
                let _ = writeln!(text, "{}", parts.join(", "));
            }
        }
        match &self.verdict {
            FindVerdict::Computed => text += "not verified: no server was asked\n",
            FindVerdict::Verified(hits) => text += &self.matches_text("verified", hits),
            FindVerdict::Listed => text += "verified: the shard exists\n",
            FindVerdict::Misplaced(hits) | FindVerdict::Found(hits) => {
                for here in hits.chunk_by(|one, other| one.shard == other.shard) {
                    text += &self.matches_text(&here[0].shard.to_string(), here);
                }
            }
            FindVerdict::NotFound { .. } => {}
        }
        text
    }

    /// Matches in one shard: one line per row for a name, and one line for an id, which is the same
    /// in all tables, and for a column.
    fn matches_text(&self, label: &str, hits: &[Match]) -> String {
        match self.key {
            Key::Id(_) => {
                let tables: Vec<_> = hits.iter().map(Match::table_and_name).collect();
                format!("{label}: in {}\n", tables.join(", "))
            }
            Key::Origin(_) | Key::Account(_) | Key::Value { .. } | Key::Listed { .. } => {
                let lines = hits.iter().map(|hit| {
                    let text = hit.text(self.ids(), self.now);
                    format!("{label}: {}\n", escape_newlines(&text))
                });
                lines.collect()
            }
        }
    }

    fn not_found(&self) -> String {
        let kind = escape_newlines(&self.key.kind());
        let key = match &self.key {
            Key::Id(id) => id.to_string(),
            Key::Origin(text)
            | Key::Account(text)
            | Key::Value { text, .. }
            | Key::Listed { text, .. } => {
                format!("\"{}\"", escape_newlines(text))
            }
        };
        let certain = if self.is_searched() {
            "not found"
        } else {
            "not found in the searched shards"
        };
        match &self.route {
            Ok(Route { shard, rule }) => {
                format!("{kind} {key} {certain}; it belongs in {shard} ({rule})")
            }
            Err(why) => format!("{kind} {key} {certain}; {why}"),
        }
    }

    fn json(&self) -> Value {
        let (status, hits) = match &self.verdict {
            FindVerdict::Computed => ("computed", &[][..]),
            FindVerdict::Verified(hits) => ("verified", &hits[..]),
            FindVerdict::Listed => ("verified", &[][..]),
            FindVerdict::Misplaced(hits) => ("misplaced", &hits[..]),
            FindVerdict::Found(hits) => ("found", &hits[..]),
            FindVerdict::NotFound { .. } => ("not_found", &[][..]),
        };
        let found: Vec<_> = hits
            .iter()
            .map(|hit| hit.json(self.ids(), self.now))
            .collect();
        let shard = self
            .route
            .as_ref()
            .ok()
            .map(|route| route.shard.to_string());
        let rule = match &self.route {
            Ok(route) => route.rule.to_string(),
            Err(why) => why.to_string(),
        };
        let mut object = Map::from_iter([
            ("kind".to_owned(), json!(self.key.kind())),
            ("key".to_owned(), json!(self.key.to_string())),
            ("shard".to_owned(), json!(shard)),
            ("rule".to_owned(), json!(rule)),
            ("status".to_owned(), json!(status)),
            ("found".to_owned(), json!(found)),
        ]);
        if let (Key::Id(id), Ok(_)) = (&self.key, &self.route) {
            let created = id.created_text().map(|created| json!(created));
            object.extend(created.map(|created| ("created".to_owned(), created)));
            let sequence = id.sequence().map(|sequence| json!(sequence));
            object.extend(sequence.map(|sequence| ("sequence".to_owned(), sequence)));
        }
        if let Some(SearchCoverage {
            answered, expected, ..
        }) = &self.searched
        {
            let searched = json!({"answered": answered, "expected": expected});
            object.insert("searched".to_owned(), searched);
        }
        if let FindVerdict::NotFound { nearest } = &self.verdict {
            let nearest: Vec<_> = nearest
                .iter()
                .map(|near| json!({"name": near.name, "shard": near.shard.to_string()}))
                .collect();
            object.insert("nearest".to_owned(), json!(nearest));
        }
        object.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find::matches::MatchedRows;
    use crate::sharding::layout::Layout;
    use crate::sharding::missing::Missing;
    use crate::sharding::routing::key::RouteScope;
    use crate::sharding::routing::key_kinds::KeyKinds;
    use std::num::NonZeroU32;

    fn hit(shard: u32, table: &str, name: &str) -> Match {
        Match {
            shard: Shard::new(shard),
            table: table.to_owned(),
            rows: MatchedRows::One {
                id: "721096797631602718".to_owned(),
                name: Some(name.to_owned()),
            },
        }
    }

    fn find_report(key: &str, verdict: FindVerdict) -> FindReport {
        let kinds = KeyKinds::default();
        let key = Key::new(key, kinds.guess(key).unwrap()).unwrap();
        let now = Timestamp::now();
        let scope = RouteScope {
            layout: &Layout::default(),
            shards: NonZeroU32::new(128),
            now,
        };
        FindReport {
            route: key.route(&scope, None),
            key,
            verdict,
            searched: None,
            now,
        }
    }

    #[test]
    fn a_verified_name_tells_where_why_and_what_was_seen() {
        let core = find_report(
            "core",
            FindVerdict::Verified(vec![hit(30, "origins", "core")]),
        );
        assert_eq!(
            core.render(OutputMode::Text),
            "core is in shard_30   (FNV-1a 64 of the name, modulo 128)\n\
             verified: origins.id 721096797631602718, created 2017-05-19T21:00:27.943Z\n"
        );
        assert_eq!(core.render(OutputMode::Short), "shard_30\n");
        assert_eq!(core.exit(), Exit::Complete);
    }

    #[test]
    fn an_id_tells_when_it_was_made_and_its_tables() {
        let hits = vec![hit(30, "origins", "core"), hit(30, "keys", "k")];
        let id = find_report("721096797631602718", FindVerdict::Verified(hits));
        assert_eq!(
            id.render(OutputMode::Text),
            "721096797631602718 is in shard_30   (the low 13 bits of the id)\n\
             created 2017-05-19T21:00:27.943Z, sequence 7\n\
             verified: in origins (core), keys (k)\n"
        );
    }

    #[test]
    fn a_misplaced_key_names_every_shard_it_was_found_in() {
        let hits = vec![
            hit(3, "a", "x"),
            hit(3, "b", "x"),
            hit(4, "a", "x"),
            hit(9, "a", "x"),
        ];
        let id = find_report("721096797631602718", FindVerdict::Misplaced(hits));
        assert_eq!(
            id.render(OutputMode::Text),
            "MISPLACED: expected shard_30, found in shard_3-4, shard_9\n\
             721096797631602718 belongs in shard_30   (the low 13 bits of the id)\n\
             created 2017-05-19T21:00:27.943Z, sequence 7\n\
             shard_3: in a (x), b (x)\n\
             shard_4: in a (x)\n\
             shard_9: in a (x)\n"
        );
        assert_eq!(id.render(OutputMode::Short), "shard_3\nshard_4\nshard_9\n");
        assert_eq!(
            id.stderr_message(OutputMode::Short).unwrap(),
            "MISPLACED: expected shard_30, found in shard_3-4, shard_9"
        );
        assert_eq!(id.stderr_message(OutputMode::Text), None);
        assert_eq!(id.exit(), Exit::Incomplete);
    }

    #[test]
    fn not_found_is_sure_only_if_every_shard_was_heard() {
        let not_found = |answered| FindReport {
            searched: Some(SearchCoverage {
                missing: Missing::default(),
                answered,
                expected: 128,
            }),
            ..find_report("x", FindVerdict::NotFound { nearest: vec![] })
        };
        assert_eq!(not_found(128).exit(), Exit::Failed);
        assert_eq!(not_found(127).exit(), Exit::Incomplete);
    }

    #[test]
    fn json_keeps_ids_as_strings() {
        let core = find_report(
            "core",
            FindVerdict::Verified(vec![hit(30, "origins", "core")]),
        );
        let object: Value = serde_json::from_str(&core.render(OutputMode::Json)).unwrap();
        assert_eq!(
            object,
            json!({
                "kind": "origin",
                "key": "core",
                "shard": "shard_30",
                "rule": "FNV-1a 64 of the name, modulo 128",
                "status": "verified",
                "found": [{
                    "shard": "shard_30",
                    "table": "origins",
                    "id": "721096797631602718",
                    "name": "core",
                    "created": "2017-05-19T21:00:27.943Z",
                }],
            })
        );
    }

    #[test]
    fn data_neither_drives_the_terminal_nor_forges_a_line() {
        let name = "x\x1b[2J\nverified: all is well";
        let hits = vec![hit(30, "origins", name)];
        let text = find_report(name, FindVerdict::Verified(hits)).render(OutputMode::Text);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains('\x1b'), "{text}");
    }

    #[test]
    fn an_id_that_is_no_number_has_no_time() {
        let uuid = Match {
            rows: MatchedRows::One {
                id: "7d4c".to_owned(),
                name: None,
            },
            ..hit(0, "origins", "x")
        };
        assert_eq!(
            find_report("x", FindVerdict::Verified(vec![uuid]))
                .render(OutputMode::Text)
                .lines()
                .last(),
            Some("verified: origins.id 7d4c")
        );
    }
}
