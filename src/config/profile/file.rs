//! Reads the file of profiles: TOML, one table per profile. An unknown key is an error, because a
//! misspelled `expect_shards` would be no check at all.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::error::Fault;
use super::{Label, LabelColor, PasswordCommand, Profile, ProfileError};
use crate::config::parameters::Parameters;
use crate::config::{SettingsError, conninfo, secret, uri};
use crate::sharding::suggest::nearest;
use crate::text::io_reason::io_reason;

/// What a key holds.
#[derive(Clone, Copy)]
enum Kind {
    Inherit,
    Connection,
    PasswordCommand,
    Label,
    Color,
    /// A flag's value: text, a whole number, or a list of texts.
    Text(&'static str),
    Number(&'static str),
    Texts(&'static str),
}

/// The keys of a profile, with the flag that each stands for.
const KEYS: [(&str, Kind); 14] = [
    ("inherit", Kind::Inherit),
    ("connection", Kind::Connection),
    ("password_command", Kind::PasswordCommand),
    ("label", Kind::Label),
    ("color", Kind::Color),
    ("schemas", Kind::Texts("schemas")),
    ("schemas_from", Kind::Text("schemas-from")),
    ("exclude_schemas", Kind::Texts("exclude-schemas")),
    ("expect_shards", Kind::Number("expect-shards")),
    ("search_path", Kind::Text("search-path")),
    ("shard_column", Kind::Text("shard-column")),
    ("timeout", Kind::Text("timeout")),
    ("lock_timeout", Kind::Text("lock-timeout")),
    ("connections", Kind::Number("connections")),
];

const COLORS: [(&str, LabelColor); 6] = [
    ("red", LabelColor::Red),
    ("yellow", LabelColor::Yellow),
    ("green", LabelColor::Green),
    ("blue", LabelColor::Blue),
    ("magenta", LabelColor::Magenta),
    ("cyan", LabelColor::Cyan),
];

/// The key outside of all profiles.
const DEFAULT: &str = "default";

#[derive(Debug)]
pub struct ProfileFile {
    path: PathBuf,
    default: Option<String>,
    /// In alphabetical order.
    profiles: BTreeMap<String, Entry>,
}

/// A profile as written, without what it inherits.
#[derive(Debug, Default)]
struct Entry {
    /// The parent, and the line that names it.
    inherit: Option<(String, usize)>,
    connection: Parameters,
    password_command: Option<PasswordCommand>,
    label: Option<String>,
    color: Option<LabelColor>,
    flags: BTreeMap<&'static str, Vec<String>>,
}

impl ProfileFile {
    /// `None` if there is no file and none is required.
    ///
    /// # Errors
    /// If it cannot be read, or is not valid.
    pub fn read(path: &Path, is_required: bool) -> Result<Option<Self>, ProfileError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound && !is_required => Ok(None),
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
        let (mut label, mut color) = (None, None);
        let mut flags: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        let mut seen = vec![name];
        loop {
            profile.connection.fill_defaults(&entry.connection);
            profile.password_command = profile
                .password_command
                .or_else(|| entry.password_command.clone());
            label = label.or(entry.label.clone());
            color = color.or(entry.color);
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
        profile.flags = flags.into_iter().collect();
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

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn line(&self, at: &Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(at.start);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    fn at(&self, at: &Range<usize>, fault: Fault) -> ProfileError {
        ProfileError::At {
            path: self.path.to_owned(),
            line: self.line(at),
            fault,
        }
    }

    fn unknown(
        &self,
        key: &Spanned<impl AsRef<str>>,
        known: impl Iterator<Item = &'static str> + Clone,
    ) -> ProfileError {
        let name = key.get_ref().as_ref();
        let suggestion = match nearest(name, known.clone()) {
            Some(near) => format!("; did you mean \"{near}\"?"),
            None => format!(" (known: {})", known.collect::<Vec<_>>().join(", ")),
        };
        let fault = Fault::UnknownKey {
            key: name.to_owned(),
            suggestion,
        };
        self.at(&key.span(), fault)
    }

    fn entry(&self, table: &DeTable<'_>) -> Result<Entry, ProfileError> {
        let mut entry = Entry::default();
        for (key, value) in table {
            let known = KEYS.iter().find(|(known, _)| key.get_ref() == known);
            let Some(&(key, kind)) = known else {
                return Err(self.unknown(key, KEYS.iter().map(|(known, _)| *known)));
            };
            match kind {
                Kind::Inherit => {
                    entry.inherit = Some((self.text(key, value)?, self.line(&value.span())));
                }
                Kind::Connection => {
                    let fault = |fault| self.at(&value.span(), fault);
                    entry.connection = connection(&self.text(key, value)?).map_err(fault)?;
                }
                Kind::PasswordCommand => {
                    let mut words = self.texts(key, value)?.into_iter();
                    let program = words
                        .next()
                        .ok_or_else(|| self.wrong(key, value, "a list of texts"))?;
                    let arguments = words.collect();
                    entry.password_command = Some(PasswordCommand { program, arguments });
                }
                Kind::Label => entry.label = Some(self.text(key, value)?),
                Kind::Color => {
                    let name = self.text(key, value)?;
                    let found = COLORS.iter().find(|(known, _)| *known == name);
                    let (_, color) = found.ok_or_else(|| {
                        self.wrong(key, value, "red, yellow, green, blue, magenta or cyan")
                    })?;
                    entry.color = Some(*color);
                }
                Kind::Text(flag) => {
                    entry.flags.insert(flag, vec![self.text(key, value)?]);
                }
                Kind::Number(flag) => {
                    entry.flags.insert(flag, vec![self.number(key, value)?]);
                }
                Kind::Texts(flag) => {
                    entry.flags.insert(flag, self.texts(key, value)?);
                }
            }
        }
        Ok(entry)
    }

    fn wrong(
        &self,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
        expected: &'static str,
    ) -> ProfileError {
        self.at(&value.span(), Fault::WrongType { key, expected })
    }

    fn text(
        &self,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<String, ProfileError> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.clone().into_owned()),
            _ => Err(self.wrong(key, value, "a text in quotes")),
        }
    }

    fn number(
        &self,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<String, ProfileError> {
        match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
            _ => Err(self.wrong(key, value, "a whole number")),
        }
    }

    /// A list of texts, or one text.
    fn texts(
        &self,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Vec<String>, ProfileError> {
        let each = |list: &DeArray<'_>| list.iter().map(|it| self.text(key, it)).collect();
        match value.get_ref() {
            DeValue::Array(list) => each(list),
            DeValue::String(text) => Ok(vec![text.clone().into_owned()]),
            _ => Err(self.wrong(key, value, "a list of texts")),
        }
    }
}

/// A URI, a `key=value` string, or the name of a database.
fn connection(text: &str) -> Result<Parameters, Fault> {
    let parameters = if let Some(uri) = uri::strip_scheme(text) {
        uri::parse(uri)?
    } else if secret::is_broken_uri(text) {
        return Err(Fault::Connection(SettingsError::NotAUri));
    } else if text.contains('=') {
        conninfo::parse(text)?
    } else {
        let mut parameters = Parameters::default();
        parameters.set("dbname", text)?;
        parameters
    };
    if parameters.get("password").is_some() || parameters.get("sslpassword").is_some() {
        return Err(Fault::Password);
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

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
