//! libpq's connection parameters by keyword, not interpreted yet.
//!
//! The table below gives for each keyword its environment variable and its support: used, ignored,
//! or limited to values that do not change what the user would get.

use std::collections::BTreeMap;

use super::{Environment, SettingsError, secret};

enum Support {
    Used,
    /// Has no effect on anything that this tool does.
    Ignored,
    /// Only these values (case-insensitive), which match what we do anyway; and why no others, if
    /// that helps.
    Only(&'static [&'static str], &'static str),
}
use Support::{Ignored, Only, Used};

/// Every keyword of libpq up to version 18: `(keyword, variable, support)`.
#[rustfmt::skip]
const KEYWORDS: &[(&str, Option<&str>, Support)] = &[
    ("service", Some("PGSERVICE"), Used),
    ("servicefile", Some("PGSERVICEFILE"), Used),
    ("user", Some("PGUSER"), Used),
    ("password", Some("PGPASSWORD"), Used),
    ("passfile", Some("PGPASSFILE"), Used),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT"), Used),
    ("dbname", Some("PGDATABASE"), Used),
    ("host", Some("PGHOST"), Used),
    ("hostaddr", Some("PGHOSTADDR"), Used),
    ("port", Some("PGPORT"), Used),
    ("options", Some("PGOPTIONS"), Used),
    ("application_name", Some("PGAPPNAME"), Used),
    ("fallback_application_name", None, Used),
    ("keepalives", None, Used),
    ("keepalives_idle", None, Used),
    ("keepalives_interval", None, Used),
    ("keepalives_count", None, Used),
    ("tcp_user_timeout", None, Used),
    ("sslmode", Some("PGSSLMODE"), Used),
    ("sslrootcert", Some("PGSSLROOTCERT"), Used),
    ("sslcrl", Some("PGSSLCRL"), Used),
    ("sslcert", Some("PGSSLCERT"), Used),
    ("sslkey", Some("PGSSLKEY"), Used),
    ("sslsni", Some("PGSSLSNI"), Used),
    ("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION"), Used),
    ("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION"), Used),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS"), Used),
    ("load_balance_hosts", Some("PGLOADBALANCEHOSTS"), Used),

    ("sslcompression", Some("PGSSLCOMPRESSION"), Ignored),
    ("krbsrvname", Some("PGKRBSRVNAME"), Ignored),
    ("gsslib", Some("PGGSSLIB"), Ignored),
    ("gssdelegation", Some("PGGSSDELEGATION"), Ignored),
    ("min_protocol_version", Some("PGMINPROTOCOLVERSION"), Only(&["3.0"], "")),
    ("max_protocol_version", Some("PGMAXPROTOCOLVERSION"), Ignored),

    ("client_encoding", Some("PGCLIENTENCODING"), Only(&["utf8", "utf-8", "unicode", "auto"], "input and output are always UTF-8; convert them with iconv")),
    ("channel_binding", Some("PGCHANNELBINDING"), Used),
    ("gssencmode", Some("PGGSSENCMODE"), Only(&["prefer", "disable"], "")),
    ("sslnegotiation", Some("PGSSLNEGOTIATION"), Used),
    ("sslcertmode", Some("PGSSLCERTMODE"), Only(&["allow"], "")),
    ("replication", None, Only(&["false", "off", "no", "0"], "")),
    ("requirepeer", Some("PGREQUIREPEER"), Used),
    ("require_auth", Some("PGREQUIREAUTH"), Used),
    ("sslcrldir", Some("PGSSLCRLDIR"), Only(&[], "name the file with sslcrl")),
    ("sslpassword", None, Used),
    ("sslkeylogfile", None, Only(&[], "")),
    ("scram_client_key", None, Only(&[], "")),
    ("scram_server_key", None, Only(&[], "")),
    ("oauth_issuer", None, Only(&[], "")),
    ("oauth_client_id", None, Only(&[], "")),
    ("oauth_client_secret", None, Only(&[], "")),
    ("oauth_scope", None, Only(&[], "")),
];

/// Keywords and values. As in libpq, an empty value hides later sources and then counts as not
/// given.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Parameters(BTreeMap<&'static str, String>);

impl Parameters {
    /// The keyword, if libpq has one of that name.
    pub fn keyword(word: &str) -> Option<&'static str> {
        let mut known = KEYWORDS.iter().map(|(known, ..)| *known);
        known.find(|known| *known == word)
    }

    /// # Errors
    /// If libpq does not know the keyword.
    pub fn set(&mut self, keyword: &str, value: &str) -> Result<(), SettingsError> {
        if keyword == "requiressl" {
            let mode = if value.starts_with('1') {
                "require"
            } else {
                "prefer"
            };
            return self.set("sslmode", mode);
        }
        let keyword = Self::keyword(keyword)
            .ok_or_else(|| SettingsError::UnknownKeyword(secret::shown(keyword, self)))?;
        let before = self.0.insert(keyword, value.to_owned());
        if keyword == "dbname" && before.is_some_and(|before| before != value) {
            return Err(SettingsError::SeveralDatabases("dbname is"));
        }
        Ok(())
    }

    /// Like [`Self::set`], but keeps an existing value.
    pub fn set_default(&mut self, keyword: &str, value: &str) -> Result<(), SettingsError> {
        if self.0.contains_key(keyword) {
            return Ok(());
        }
        self.set(keyword, value)
    }

    /// Merges in all of `other`, which takes precedence.
    pub fn replace_with(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn replace(&mut self, keyword: &'static str, value: &str) {
        self.0.insert(keyword, value.to_owned());
    }

    pub fn of_names(database: &str, user: &str) -> Self {
        let pairs = [("dbname", database), ("user", user)];
        Self(
            pairs
                .map(|(keyword, value)| (keyword, value.to_owned()))
                .into(),
        )
    }

    /// A `key=value` string of what is given, without passwords. Values of a service are in it, not
    /// the service.
    pub fn conninfo(&self) -> String {
        const LEFT_OUT: [&str; 4] = ["password", "sslpassword", "service", "servicefile"];
        let given = self
            .0
            .iter()
            .filter(|(keyword, value)| !LEFT_OUT.contains(keyword) && !value.is_empty());
        let pairs: Vec<_> = given
            .map(|(keyword, value)| format!("{keyword}={}", quoted(value)))
            .collect();
        pairs.join(" ")
    }

    /// What `postgres_fdw` takes as options of a server. Names and passwords are those of a user
    /// mapping.
    pub fn foreign_server_options(&self) -> BTreeMap<String, String> {
        const LEFT_OUT: [&str; 10] = [
            "service",
            "servicefile",
            "user",
            "password",
            "passfile",
            "sslpassword",
            "application_name",
            "fallback_application_name",
            "client_encoding",
            "replication",
        ];
        let given = self
            .0
            .iter()
            .filter(|(keyword, value)| !LEFT_OUT.contains(keyword) && !value.is_empty());
        given
            .map(|(keyword, value)| ((*keyword).to_owned(), value.clone()))
            .collect()
    }

    /// These keywords alone.
    pub fn only(&self, keywords: &[&str]) -> Self {
        let given = self.0.iter();
        let kept = given.filter(|(keyword, _)| keywords.contains(keyword));
        Self(
            kept.map(|(keyword, value)| (*keyword, value.clone()))
                .collect(),
        )
    }

    /// Adds what is not given yet.
    pub fn fill_defaults(&mut self, other: &Self) {
        for (keyword, value) in &other.0 {
            self.0.entry(keyword).or_insert_with(|| value.clone());
        }
    }

    /// Which variables would win over these values.
    pub fn overridden_by(&self, environment: &Environment) -> Vec<&'static str> {
        let overrides = |(keyword, variable, _): &(&'static str, Option<&'static str>, _)| {
            let variable = (*variable)?;
            let differs = environment.variable(variable)? != self.get(keyword)?;
            differs.then_some(variable)
        };
        KEYWORDS.iter().filter_map(overrides).collect()
    }

    pub fn fill_from(&mut self, environment: &Environment) {
        for (keyword, variable, _) in KEYWORDS {
            if let Some(value) = variable.and_then(|name| environment.variable(name)) {
                self.0.entry(keyword).or_insert_with(|| value.to_owned());
            }
        }
    }

    pub fn get(&self, keyword: &str) -> Option<&str> {
        self.0
            .get(keyword)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Whether it was given at all, even if empty: `service=''`.
    pub fn mentions(&self, keyword: &str) -> bool {
        self.0.contains_key(keyword)
    }

    /// # Errors
    /// If a value asks for something that we cannot do.
    pub fn check_supported(&self) -> Result<(), SettingsError> {
        for (keyword, variable, treatment) in KEYWORDS {
            if let (Only(values, why), Some(value)) = (treatment, self.get(keyword))
                && !values.iter().any(|v| v.eq_ignore_ascii_case(value))
            {
                return Err(SettingsError::Unsupported {
                    keyword,
                    variable: *variable,
                    supported: values,
                    why,
                });
            }
        }
        Ok(())
    }
}

/// A value of a `key=value` string, quoted only if necessary.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "./:,_-".contains(c);
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{escaped}'")
}

#[cfg(test)]
impl<const N: usize> From<[(&'static str, &str); N]> for Parameters {
    fn from(pairs: [(&'static str, &str); N]) -> Self {
        Self(pairs.map(|(k, v)| (k, v.to_owned())).into())
    }
}

// Not derived: the values include passwords.
impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map()
            .entries(self.0.iter().map(|(keyword, value)| {
                let secret = ["password", "sslpassword"].contains(keyword);
                (keyword, if secret { "********" } else { value })
            }))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `| `host` | `PGHOST` | yes |`
    fn documented(line: &str) -> Option<(&str, Option<&str>, &str)> {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let keyword = cells.next()?.strip_suffix('`')?;
        let rest = line.strip_prefix(&format!("| `{keyword}` | "))?;
        let (variable, support) = rest.split_once("| ")?;
        let variable = variable.trim().trim_matches('`');
        Some((keyword, Some(variable).filter(|it| !it.is_empty()), support))
    }

    #[test]
    fn the_reference_lists_every_parameter_and_its_support() {
        let page = include_str!("../../docs/reference/connection.md");
        let documented: Vec<_> = page.lines().filter_map(documented).collect();
        assert_eq!(documented.len(), KEYWORDS.len());
        for (known, (keyword, variable, support)) in KEYWORDS.iter().zip(documented) {
            assert_eq!((known.0, known.1), (keyword, variable));
            let word = match known.2 {
                Used => "yes",
                Ignored => "ignored",
                Only([], _) => "no",
                Only(..) => "`",
            };
            assert!(support.starts_with(word), "{keyword}: {support}");
        }
    }
}
