//! Errors in connection settings, in libpq's words where it has them. No message contains a
//! password, or a string that may contain one.

use std::path::{Path, PathBuf};

use super::secret::may_hold_password;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("environment variable {0} is not valid UTF-8")]
    NotUtf8(String),

    /// libpq guesses which one was meant; here it is an error.
    #[error("{0} given several times; a run queries one database, so run them separately")]
    SeveralDatabases(&'static str),
    #[error("invalid connection option{}", quoted(.0.as_ref()))]
    UnknownKeyword(Option<String>),
    #[error(
        "this value of connection option \"{keyword}\"{} is not supported ({}){}",
        .variable.map(|v| format!(" (or {v})")).unwrap_or_default(),
        if .supported.is_empty() { "leave it unset".to_owned() }
        else { format!("supported: {}", .supported.join(", ")) },
        if .why.is_empty() { String::new() } else { format!(": {why}") }
    )]
    Unsupported {
        keyword: &'static str,
        variable: Option<&'static str>,
        supported: &'static [&'static str],
        why: &'static str,
    },
    #[error(
        "missing \"=\"{} in connection info string{}",
        .word.map(|word| format!(" after \"{word}\"")).unwrap_or_default(),
        if .word.is_some() { "" } else { "; quote a value with spaces: password='two words'" }
    )]
    MissingEquals { word: Option<&'static str> },
    #[error("unterminated quoted string in connection info string")]
    UnterminatedQuote,

    #[error("the IPv6 host address in the connection URI lacks its closing \"]\"")]
    UriUnclosedBracket,
    #[error("IPv6 host address may not be empty in the connection URI")]
    UriEmptyIpv6,
    #[error(
        "unexpected character \"{0}\" after the IPv6 host address in the connection URI (expected \":\" or \"/\")"
    )]
    UriAfterIpv6(char),
    #[error(
        "missing key/value separator \"=\" in a URI query parameter; in a value, write & as %26"
    )]
    UriNoSeparator,
    #[error("extra key/value separator \"=\" in URI query parameter{}; write it as %3D", quoted(.0.as_ref()))]
    UriExtraSeparator(Option<String>),
    #[error("invalid URI query parameter{}; in a value, write & as %26", quoted(.0.as_ref()))]
    UriUnknownParameter(Option<String>),
    #[error("invalid percent-encoded token in the {0} of the connection URI; write % as %25")]
    UriPercent(&'static str),
    #[error(
        "the connection URI has an \"@\" that is not followed by a host; in a user name, password \
         or database name, write @ as %40 and / as %2F"
    )]
    UriStrayAt,
    #[error(
        "invalid port number in the connection URI; if it is a password, put \"@\" and the host \
         after it, and write / in it as %2F"
    )]
    UriPort,
    #[error(
        "-d looks like a connection URI, but begins with neither postgresql:// nor postgres://; \
         for a database with such a name, use -d \"dbname='…'\""
    )]
    NotAUri,
    #[error(
        "the {0} looks like a connection URI or string (not shown, because it may contain a \
         password); pass it with -d"
    )]
    UriForName(&'static str),

    #[error("service file \"{}\" not found", shown_path(.0))]
    NoServiceFile(PathBuf),
    #[error("could not read service file \"{}\": {reason}", shown_path(.path))]
    UnreadableServiceFile { path: PathBuf, reason: String },
    #[error("definition of service \"{0}\" not found")]
    NoService(String),
    #[error("syntax error in service file \"{}\", line {line}", shown_path(.path))]
    ServiceSyntax { path: PathBuf, line: usize },
    #[error(
        "nested service specifications not supported in service file \"{}\", line {line}",
        shown_path(.path)
    )]
    NestedService { path: PathBuf, line: usize },

    #[error("could not match {hosts} host names to {addresses} hostaddr values")]
    HostAddrCount { hosts: usize, addresses: usize },
    #[error("could not match {ports} port numbers to {hosts} hosts")]
    PortCount { ports: usize, hosts: usize },
    #[error("could not parse network address \"{0}\"")]
    HostAddr(String),
    #[error("invalid port number: \"{0}\"")]
    Port(String),
    #[error("invalid integer value \"{value}\" for connection option \"{keyword}\"")]
    NotAnInteger {
        keyword: &'static str,
        value: String,
    },

    #[error("invalid {keyword} value: \"{value}\"")]
    InvalidValue {
        keyword: &'static str,
        value: String,
    },
    #[error("require_auth method \"{0}\" is specified more than once")]
    RepeatedAuthMethod(&'static str),
    #[error("negative require_auth method \"!{0}\" cannot be mixed with non-negative methods")]
    NegativeAuthMethod(&'static str),
    #[error("require_auth method \"{0}\" cannot be mixed with negative methods")]
    PositiveAuthMethod(&'static str),
    #[error(
        "the methods of require_auth=\"{0}\" are not supported (supported: none, password, md5, \
         scram-sha-256)"
    )]
    UnsupportedAuth(String),
    #[error("invalid SSL protocol version range")]
    TlsVersionRange,
    #[error("TLS before version 1.2 is not supported; raise ssl_max_protocol_version")]
    OldTlsVersion,
    #[error(
        "weak sslmode \"{0}\" may not be used with sslnegotiation=direct (use \"require\", \
         \"verify-ca\", or \"verify-full\")"
    )]
    WeakForDirect(String),
    #[error("a weak sslmode may not be used with sslrootcert=system (use \"verify-full\")")]
    WeakSslMode,
    #[error("could not look up the local user name; give one with -U or PGUSER")]
    NoUser,
}

/// A connection string that was put where one value belongs (`PGPORT`) may hold a password.
fn without_password(value: &str) -> String {
    if may_hold_password(value) {
        "…"
    } else {
        value
    }
    .to_owned()
}

fn shown_path(path: &Path) -> String {
    without_password(&path.to_string_lossy())
}

/// ` "word"`, or empty if it must not be shown.
fn quoted(word: Option<&String>) -> String {
    word.map(|word| format!(" \"{word}\"")).unwrap_or_default()
}

impl SettingsError {
    pub(super) fn host_addr(address: &str) -> Self {
        Self::HostAddr(without_password(address))
    }

    pub(super) fn port(port: &str) -> Self {
        Self::Port(without_password(port))
    }

    pub(super) fn not_an_integer(keyword: &'static str, value: &str) -> Self {
        Self::NotAnInteger {
            keyword,
            value: without_password(value),
        }
    }

    pub(super) fn invalid_value(keyword: &'static str, value: &str) -> Self {
        Self::InvalidValue {
            keyword,
            value: without_password(value),
        }
    }

    pub(super) fn no_service(name: &str) -> Self {
        Self::NoService(without_password(name))
    }
}
