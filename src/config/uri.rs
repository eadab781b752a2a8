//! Connection URIs: `postgresql://hab@db1,db2:5433/builder?sslmode=require`. Parsed like libpq
//! does, which differs from the URI standard.

use super::{Parameters, SettingsError, secret};

/// The text after `postgresql://` or `postgres://`.
pub(super) fn strip_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://")
        .or_else(|| text.strip_prefix("postgres://"))
}

/// Parses a URI without its scheme.
///
/// # Errors
/// In libpq's words, but without the URI: it may contain a password.
pub(super) fn parse(text: &str) -> Result<Parameters, SettingsError> {
    let mut parameters = Parameters::default();
    let mut set = |keyword: &'static str, encoded: &str| {
        if encoded.is_empty() {
            return Ok(());
        }
        parameters.set(keyword, &decode(encoded, keyword)?)
    };

    // Credentials end at the first `@`, unless a `/` comes before it.
    let rest = match text.find(['@', '/']) {
        Some(at) if text[at..].starts_with('@') => {
            let (user, password) = text[..at].split_once(':').unwrap_or((&text[..at], ""));
            set("user", user)?;
            set("password", password)?;
            &text[at + 1..]
        }
        _ => text,
    };

    // A password with an unescaped `@` or `/` would continue in the host or the port.
    let before_query = rest.split('?').next().unwrap_or(rest);
    if before_query.contains('@') && text.find(':') < text.rfind('@') {
        return Err(SettingsError::UriStrayAt);
    }
    let (hosts, ports, rest) = split_netlocs(rest)?;
    let is_port =
        |port: &str| port.is_empty() || port.trim().parse().is_ok_and(|port: u16| port > 0);
    if !decode(&ports, "port")?.split(',').all(is_port) {
        return Err(SettingsError::UriPort);
    }
    set("host", &hosts)?;
    set("port", &ports)?;

    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    // An empty name is not set, because it would hide PGDATABASE.
    set("dbname", path.strip_prefix('/').unwrap_or(path))?;
    if let Some(query) = query {
        parse_query(query, &mut parameters)?;
    }
    Ok(parameters)
}

/// `host:port,[::1]:port` as libpq's two lists, and the rest.
fn split_netlocs(text: &str) -> Result<(String, String, &str), SettingsError> {
    let (mut hosts, mut ports) = (String::new(), String::new());
    let mut rest = text;
    loop {
        let host;
        if let Some(bracketed) = rest.strip_prefix('[') {
            (host, rest) = bracketed
                .split_once(']')
                .ok_or(SettingsError::UriUnclosedBracket)?;
            if host.is_empty() {
                return Err(SettingsError::UriEmptyIpv6);
            }
            if let Some(found) = rest.chars().next().filter(|c| !":/?,".contains(*c)) {
                return Err(SettingsError::UriAfterIpv6(found));
            }
        } else {
            (host, rest) = rest.split_at(rest.find([':', '/', '?', ',']).unwrap_or(rest.len()));
        }
        hosts.push_str(host);
        if let Some(from_port) = rest.strip_prefix(':') {
            let end = from_port.find(['/', '?', ',']).unwrap_or(from_port.len());
            ports.push_str(&from_port[..end]);
            rest = &from_port[end..];
        }
        let Some(next) = rest.strip_prefix(',') else {
            return Ok((hosts, ports, rest));
        };
        hosts.push(',');
        ports.push(',');
        rest = next;
    }
}

fn parse_query(query: &str, parameters: &mut Parameters) -> Result<(), SettingsError> {
    // As in libpq, a trailing `&` is fine, an empty item before it is not.
    for item in query.split_terminator('&') {
        let (keyword, value) = item.split_once('=').ok_or(SettingsError::UriNoSeparator)?;
        if value.contains('=') {
            return Err(SettingsError::UriExtraSeparator(secret::shown(
                keyword, parameters,
            )));
        }
        let keyword = decode(keyword, "query")?;
        let value = decode(value, Parameters::keyword(&keyword).unwrap_or("query"))?;
        // JDBC's spelling.
        if keyword == "ssl" && value == "true" {
            parameters.set("sslmode", "require")?;
            continue;
        }
        parameters
            .set(&keyword, &value)
            .map_err(|error| match error {
                SettingsError::UnknownKeyword(word) => SettingsError::UriUnknownParameter(word),
                other => other,
            })?;
    }
    Ok(())
}

/// Strict, unlike the percent-encoding crate: `%zz` is an error. `+` is a plus.
fn decode(text: &str, part: &'static str) -> Result<String, SettingsError> {
    let invalid = || SettingsError::UriPercent(part);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => match (hex(rest.next()), hex(rest.next())) {
                (Some(high), Some(low)) if (high, low) != (0, 0) => high << 4 | low,
                _ => return Err(invalid()),
            },
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| invalid())
}

fn hex(digit: Option<u8>) -> Option<u8> {
    let value = char::from(digit?).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse_uri(text: &str) -> Result<Parameters, SettingsError> {
        parse(strip_scheme(text).unwrap_or_else(|| panic!("{text} is no URI")))
    }

    /// The expectations of libpq's own `uri_regress`.
    #[test]
    fn uris_mean_what_they_mean_to_libpq() {
        #[rustfmt::skip]
        let cases: [(&str, Parameters); 29] = [
            ("postgresql://uri-user:secret@host:12345/db",
                [("user", "uri-user"), ("password", "secret"), ("dbname", "db"), ("host", "host"), ("port", "12345")].into()),
            ("postgresql://uri-user@host:12345/db",
                [("user", "uri-user"), ("dbname", "db"), ("host", "host"), ("port", "12345")].into()),
            ("postgresql://uri-user@host/db", [("user", "uri-user"), ("dbname", "db"), ("host", "host")].into()),
            ("postgresql://host:12345/db", [("dbname", "db"), ("host", "host"), ("port", "12345")].into()),
            ("postgresql://host/db", [("dbname", "db"), ("host", "host")].into()),
            ("postgresql://uri-user@host:12345/", [("user", "uri-user"), ("host", "host"), ("port", "12345")].into()),
            ("postgresql://uri-user@host", [("user", "uri-user"), ("host", "host")].into()),
            ("postgresql://", [].into()),
            ("postgresql://hostname", [("host", "hostname")].into()),
            ("postgresql://uri-user:secret@", [("user", "uri-user"), ("password", "secret")].into()),
            ("postgresql://host?user=u", [("user", "u"), ("host", "host")].into()),
            ("postgresql://host:12345?user=uri-user&port=1", [("user", "uri-user"), ("host", "host"), ("port", "1")].into()),
            ("postgresql://host/db?u%73er=someotheruser&port=12345",
                [("user", "someotheruser"), ("dbname", "db"), ("host", "host"), ("port", "12345")].into()),
            ("postgresql:///db?user=uri-user&", [("user", "uri-user"), ("dbname", "db")].into()),
            ("postgresql://[::1]:12345/db", [("dbname", "db"), ("host", "::1"), ("port", "12345")].into()),
            ("postgresql://[2001:db8::1234]/", [("host", "2001:db8::1234")].into()),
            ("postgresql://[200z:db8::1234]/", [("host", "200z:db8::1234")].into()),
            ("postgres:///", [].into()),
            ("postgres://@host", [("host", "host")].into()),
            ("postgres://host:/", [("host", "host")].into()),
            ("postgres://:12345/", [("port", "12345")].into()),
            ("postgres://otheruser@?host=/no/such/socket/path", [("user", "otheruser"), ("host", "/no/such/socket/path")].into()),
            ("postgres:///db?host=/path/to/socket", [("dbname", "db"), ("host", "/path/to/socket")].into()),
            ("postgres://%2Fvar%2Flib%2Fpostgresql/dbname", [("dbname", "dbname"), ("host", "/var/lib/postgresql")].into()),
            ("postgres://host/path/to", [("dbname", "path/to"), ("host", "host")].into()),
            ("postgresql://a,b:5433,[::1]:5434/db", [("dbname", "db"), ("host", "a,b,::1"), ("port", ",5433,5434")].into()),
            ("postgresql://host/?ssl=true", [("host", "host"), ("sslmode", "require")].into()),
            ("postgresql://host/a+b%20c?options=-c%20geqo%3doff", [("host", "host"), ("dbname", "a+b c"), ("options", "-c geqo=off")].into()),
            ("postgresql://host/?sslmode=", [("host", "host"), ("sslmode", "")].into()),
        ];
        for (uri, expected) in cases {
            assert_eq!(parse_uri(uri), Ok(expected), "{uri}");
        }
    }

    #[test]
    fn what_libpq_refuses_is_refused() {
        let cases = [
            "postgresql://host/db?u%7aer=someotheruser&port=12345",
            "postgresql://host?zzz",
            "postgresql://host?value1&value2",
            "postgresql://host?key=key=value",
            "postgresql://host?user=a&&port=1",
            "postgresql://host?&",
            "postgres://host?dbname=%XXfoo",
            "postgresql://a%00b",
            "postgresql://%zz",
            "postgresql://%1",
            "postgresql://%",
            "postgresql://[::1",
            "postgresql://[]",
            "postgresql://[::1]z",
            "postgresql://host?ssl=false",
        ];
        for uri in cases {
            assert!(parse_uri(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn no_message_shows_a_password() {
        for uri in [
            "postgresql://u:secret%zz@host/",
            "postgresql://u:secret@[::1",
            "postgresql://u:secret@[::1]z",
            "postgresql://u:secret@h?zzz",
            "postgresql://h?password=secret%zz",
            "postgresql://h?password=secret=",
        ] {
            let message = parse_uri(uri).unwrap_err().to_string();
            assert!(!message.contains("secret"), "{message}");
        }
    }

    proptest! {
        #[test]
        fn percent_encoding_carries_any_text(text in "[^\0]{1,20}") {
            let encoded = text.bytes().fold(String::new(), |s, b| format!("{s}%{b:02X}"));
            let expected = [("user", text.as_str()), ("password", &text), ("dbname", &text)].into();
            let uri = format!("postgresql://{encoded}:{encoded}@/{encoded}");
            prop_assert_eq!(parse_uri(&uri), Ok(expected));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".*|[a:@/?&=%,\\[\\]]*") {
            let is_encoded = text.split('%').skip(1).all(|rest| {
                let code = rest.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                code.is_some_and(|byte| byte > 0)
            });
            prop_assert!(parse(&text).is_err() || is_encoded);
        }
    }
}
