//! Reads the file of profiles: TOML, one table per profile. An unknown key is an error, because a
//! misspelled `expect_shards` would be no check at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::error::Fault;
use super::reader::{Entry, Reader};
use super::{Label, Profile, ProfileError};
use crate::sharding::routing::key_kind::KeyKind;
use crate::sharding::routing::key_kinds::KeyKinds;
use crate::text::io_reason::{io_reason, is_absent};

/// The key outside of all profiles.
const DEFAULT: &str = "default";

#[derive(Debug)]
pub struct ProfileFile {
    path: PathBuf,
    default: Option<String>,
    /// In alphabetical order.
    profiles: BTreeMap<String, Entry>,
}

impl ProfileFile {
    /// `None` if there is no file and none is required.
    ///
    /// # Errors
    /// If it cannot be read, or is not valid.
    pub fn read(path: &Path, is_required: bool) -> Result<Option<Self>, ProfileError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text).map(Some),
            Err(error) if is_absent(&error) && !is_required => Ok(None),
            Err(error) => Err(ProfileError::Unreadable {
                path: path.to_owned(),
                reason: io_reason(&error),
            }),
        }
    }

    /// # Errors
    /// What is not valid, with its line.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ProfileError> {
        let reader = Reader { path, text };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().unwrap_or(0..0);
            reader.at(&at, Fault::Syntax(error.message().to_owned()))
        })?;
        let mut file = Self {
            path: path.to_owned(),
            default: None,
            profiles: BTreeMap::new(),
        };
        for (key, value) in table.get_ref() {
            match value.get_ref() {
                DeValue::Table(table) => {
                    let name = key.get_ref().clone().into_owned();
                    file.profiles.insert(name, reader.entry(table)?);
                }
                _ if key.get_ref() == DEFAULT => {
                    file.default = Some(reader.text(DEFAULT, value)?);
                }
                _ => return Err(reader.unknown(key, [DEFAULT].into_iter())),
            }
        }
        if let Some(default) = &file.default {
            file.entry(default)?;
        }
        for name in file.profiles.keys() {
            file.profile(name)?;
        }
        Ok(file)
    }

    pub fn default(&self) -> Option<&str> {
        self.default.as_deref()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// The profile with what it inherits.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn profile(&self, name: &str) -> Result<Profile, ProfileError> {
        let mut entry = self.entry(name)?;
        let mut profile = Profile {
            name: name.to_owned(),
            ..Profile::default()
        };
        let (mut label, mut color, mut layout) = (None, None, None);
        let mut keys: BTreeMap<String, KeyKind> = BTreeMap::new();
        let mut flags: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        let mut seen = vec![name];
        loop {
            profile.connection.fill_defaults(&entry.connection);
            profile.password_command = profile
                .password_command
                .or_else(|| entry.password_command.clone());
            if profile.servers.is_empty() {
                profile.servers.clone_from(&entry.servers);
            }
            label = label.or(entry.label.clone());
            color = color.or(entry.color);
            layout = layout.or(entry.layout);
            for (name, kind) in &entry.keys {
                keys.entry(name.clone()).or_insert_with(|| kind.clone());
            }
            for (name, sql) in &entry.queries {
                let queries = &mut profile.queries;
                queries.entry(name.clone()).or_insert_with(|| sql.clone());
            }
            for (flag, values) in &entry.flags {
                flags.entry(flag).or_insert_with(|| values.clone());
            }
            let Some((parent, line)) = &entry.inherit else {
                break;
            };
            let fault = |fault| ProfileError::At {
                path: self.path.clone(),
                line: *line,
                fault,
            };
            if seen.contains(&parent.as_str()) {
                return Err(fault(Fault::InheritsItself(parent.clone())));
            }
            seen.push(parent);
            entry = self
                .profiles
                .get(parent)
                .ok_or_else(|| fault(Fault::NoParent(parent.clone())))?;
        }
        profile.label = Label {
            text: label.unwrap_or_else(|| name.to_owned()),
            color,
        };
        let has = |flag: &&str| flags.contains_key(flag);
        if let Some(layout) = layout
            && !["schemas", "schemas-from"].iter().any(has)
        {
            let (flag, schemas) = layout.schemas();
            flags.insert(flag, vec![schemas]);
        }
        profile.flags = flags.into_iter().collect();
        profile.keys = KeyKinds::new(layout, keys.into_values().collect());
        Ok(profile)
    }

    fn entry(&self, name: &str) -> Result<&Entry, ProfileError> {
        self.profiles
            .get(name)
            .ok_or_else(|| ProfileError::NoProfile {
                path: self.path.clone(),
                profile: name.to_owned(),
                known: self.profiles.keys().cloned().collect(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::profile::LabelColor;

    const FILE: &str = r#"
default = "acceptance"

[base]
connection = "host=db1 user=ops sslmode=require"
schemas = ["tenant_{name}"]
timeout = "5m"

[acceptance]
inherit = "base"

[live]
inherit = "base"
connection = "host=db7 dbname=builder"
password_command = ["pass", "show", "db/live"]
label = "LIVE"
color = "red"
expect_shards = 128
timeout = "10s"

[live.queries]
total = "SELECT count(*) FROM origins"

[base.queries]
total = "SELECT 1"
stuck = "SELECT 2"
"#;

    fn parsed(text: &str) -> Result<ProfileFile, String> {
        ProfileFile::parse(Path::new("config.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_profile_has_what_it_inherits() {
        let file = parsed(FILE).unwrap();
        assert_eq!(file.default(), Some("acceptance"));
        let live = file.profile("live").unwrap();
        let expected = [
            ("host", "db7"),
            ("dbname", "builder"),
            ("user", "ops"),
            ("sslmode", "require"),
        ];
        assert_eq!(live.connection, expected.into());
        let values = |value: &str| vec![value.to_owned()];
        assert_eq!(
            live.flags,
            [
                ("expect-shards", values("128")),
                ("schemas", values("tenant_{name}")),
                ("timeout", values("10s")),
            ]
        );
        assert_eq!(live.label.text, "LIVE");
        assert_eq!(live.label.color, Some(LabelColor::Red));
        assert_eq!(
            live.password_command.unwrap().arguments,
            ["show", "db/live"]
        );
        let queries: Vec<_> = live.queries.into_iter().collect();
        let expected = [
            ("stuck", "SELECT 2"),
            ("total", "SELECT count(*) FROM origins"),
        ];
        assert_eq!(
            queries,
            expected.map(|(name, sql)| (name.to_owned(), sql.to_owned()))
        );
        let acceptance = file.profile("acceptance").unwrap();
        assert_eq!(acceptance.label.text, "acceptance");
        assert_eq!(acceptance.connection.get("host"), Some("db1"));
    }

    #[test]
    fn faults_are_named_with_their_line() {
        for (text, message) in [
            (
                "[a\n",
                "\"config.toml\", line 1: unclosed table, expected `]`",
            ),
            (
                "[a]\nconection = 'x'",
                "\"config.toml\", line 2: unknown key \"conection\"; did you mean \"connection\"?",
            ),
            (
                "defualt = 'a'\n[a]",
                "\"config.toml\", line 1: unknown key \"defualt\"; did you mean \"default\"?",
            ),
            (
                "[a]\nexpect_shards = 'many'",
                "\"config.toml\", line 2: expect_shards must be a whole number",
            ),
            (
                "[a]\n\ncolor = 'pink'",
                "\"config.toml\", line 3: color must be red, yellow, green, blue, magenta or cyan",
            ),
            (
                "[a]\npassword_command = []",
                "\"config.toml\", line 2: password_command must be a list of texts",
            ),
            (
                "[a]\nconnection = 'host=db1 prot=5433'",
                "\"config.toml\", line 2: invalid connection option \"prot\"",
            ),
            (
                "[a.queries]\nx = 7",
                "\"config.toml\", line 2: a query must be a text in quotes",
            ),
            (
                "[a]\ninherit = 'b'",
                "\"config.toml\", line 2: no profile \"b\" to inherit",
            ),
            (
                "[a]\ninherit = 'b'\n[b]\ninherit = 'a'",
                "\"config.toml\", line 4: profile \"a\" inherits itself",
            ),
            (
                "default = 'c'\n[a]\n[b]",
                "no profile \"c\" in \"config.toml\"; it has a, b",
            ),
        ] {
            assert_eq!(parsed(text).unwrap_err(), message, "{text}");
        }
    }

    #[test]
    fn a_password_is_refused_and_not_shown() {
        for connection in [
            "postgresql://u:hunter2@h/x",
            "host=h password=hunter2",
            "u:hunter2@h/x",
            "host=h password=hunter2 user",
        ] {
            let said = parsed(&format!("[a]\nconnection = '{connection}'")).unwrap_err();
            assert!(
                said.contains("line 2") && !said.contains("hunter2"),
                "{said}"
            );
        }
    }
}
