//! Reads the TOML of a profile, with the line of every fault.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::error::Fault;
use super::{LabelColor, PasswordCommand, ProfileError};
use crate::config;
use crate::config::Server;
use crate::config::parameters::Parameters;
use crate::sharding::routing::key_kind::KeyKind;
use crate::sharding::routing::key_kinds::KnownLayout;
use crate::sharding::suggest::nearest;

/// What a key holds.
#[derive(Clone, Copy)]
enum Kind {
    Inherit,
    Connection,
    Servers,
    PasswordCommand,
    Label,
    Color,
    Layout,
    Keys,
    Queries,
    /// A flag's value: text, a whole number, or a list of texts.
    Text(&'static str),
    Number(&'static str),
    Texts(&'static str),
}

/// The keys of a profile, with the flag that each stands for.
const KEYS: [(&str, Kind); 20] = [
    ("inherit", Kind::Inherit),
    ("connection", Kind::Connection),
    ("servers", Kind::Servers),
    ("prefer", Kind::Texts("prefer")),
    ("databases", Kind::Texts("databases")),
    ("password_command", Kind::PasswordCommand),
    ("label", Kind::Label),
    ("color", Kind::Color),
    ("layout", Kind::Layout),
    ("keys", Kind::Keys),
    ("queries", Kind::Queries),
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

/// A profile as written, without what it inherits.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The parent, and the line that names it.
    pub inherit: Option<(String, usize)>,
    pub connection: Parameters,
    pub servers: Vec<Server>,
    pub password_command: Option<PasswordCommand>,
    pub label: Option<String>,
    pub color: Option<LabelColor>,
    pub layout: Option<KnownLayout>,
    pub keys: BTreeMap<String, KeyKind>,
    pub queries: BTreeMap<String, String>,
    pub flags: BTreeMap<&'static str, Vec<String>>,
}

pub(super) struct Reader<'a> {
    pub path: &'a Path,
    pub text: &'a str,
}

impl Reader<'_> {
    fn line(&self, at: &Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(at.start);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    pub fn at(&self, at: &Range<usize>, fault: Fault) -> ProfileError {
        ProfileError::At {
            path: self.path.to_owned(),
            line: self.line(at),
            fault,
        }
    }

    pub fn unknown(
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

    pub fn entry(&self, table: &DeTable<'_>) -> Result<Entry, ProfileError> {
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
                Kind::Servers => entry.servers = self.servers(key, value)?,
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
                Kind::Layout => {
                    let name = self.text(key, value)?;
                    let mut known = KnownLayout::ALL.into_iter();
                    let layout = known.find(|layout| layout.name() == name);
                    let wrong = || self.wrong(key, value, "habitat, instagram or django-tenants");
                    entry.layout = Some(layout.ok_or_else(wrong)?);
                }
                Kind::Keys => entry.keys = self.key_kinds(value)?,
                Kind::Queries => {
                    for (name, sql) in self.table(key, value)? {
                        let sql = self.text("a query", sql)?;
                        entry.queries.insert(name.get_ref().to_string(), sql);
                    }
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

    /// A list of connection strings, or a table of them by label.
    fn servers(
        &self,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Vec<Server>, ProfileError> {
        let server = |label: Option<String>, value: &Spanned<DeValue<'_>>| {
            let fault = |fault| self.at(&value.span(), fault);
            let parameters = connection(&self.text(key, value)?).map_err(fault)?;
            Ok(Server::of_profile(label, parameters))
        };
        match value.get_ref() {
            DeValue::Array(list) => list.iter().map(|it| server(None, it)).collect(),
            DeValue::Table(table) => {
                let labelled = table.iter();
                let labelled = labelled.map(|(label, it)| (label.get_ref().to_string(), it));
                labelled
                    .map(|(label, it)| server(Some(label), it))
                    .collect()
            }
            _ => Err(self.wrong(key, value, "a list or a table of connection strings")),
        }
    }

    pub fn wrong(
        &self,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
        expected: &'static str,
    ) -> ProfileError {
        self.at(&value.span(), Fault::WrongType { key, expected })
    }

    pub fn text(
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

    pub fn parsed<T: FromStr>(
        &self,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<T, ProfileError> {
        // TOML allows underscores between digits.
        let number = self.number(key, value)?.replace('_', "").parse();
        number.map_err(|_| self.wrong(key, value, "a whole number that is not as large"))
    }

    pub fn table<'t, 'd>(
        &self,
        key: &'static str,
        value: &'t Spanned<DeValue<'d>>,
    ) -> Result<&'t DeTable<'d>, ProfileError> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(self.wrong(key, value, "a table")),
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

/// A connection string without a password.
fn connection(text: &str) -> Result<Parameters, Fault> {
    let parameters = config::connection(text)?;
    if parameters.get("password").is_some() || parameters.get("sslpassword").is_some() {
        return Err(Fault::Password);
    }
    Ok(parameters)
}
