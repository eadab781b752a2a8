//! `postgresql://hab@db1,db2:5433/builder?sslmode=require`: connection URIs,
//! read as libpq reads them, which is not quite how the URI standard would.

use super::{Parameters, SettingsError};

/// What follows `postgresql://` or `postgres://`.
pub(super) fn strip_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://")
        .or_else(|| text.strip_prefix("postgres://"))
}

/// Takes a URI without its scheme.
///
/// # Errors
/// In libpq's words, but never with the URI in them: it may hold a password.
pub(super) fn parse(text: &str) -> Result<Parameters, SettingsError> {
    let mut parameters = Parameters::default();
    let mut set = |keyword: &'static str, encoded: &str| {
        if encoded.is_empty() {
            return Ok(());
        }
        parameters.set(keyword, &decode(encoded, keyword)?)
    };

    // Credentials end at the first `@` if no `/` comes before it.
    let rest = match text.find(['@', '/']) {
        Some(at) if text[at..].starts_with('@') => {
            let (user, password) = text[..at].split_once(':').unwrap_or((&text[..at], ""));
            set("user", user)?;
            set("password", password)?;
            &text[at + 1..]
        }
        _ => text,
    };

    let (hosts, ports, rest) = split_netlocs(rest)?;
    set("host", &hosts)?;
    set("port", &ports)?;

    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    // An empty name is not set at all, or it would hide PGDATABASE.
    set("dbname", path.strip_prefix('/').unwrap_or(path))?;
    if let Some(query) = query {
        parse_query(query, &mut parameters)?;
    }
    Ok(parameters)
}

/// `host:port,[::1]:port` as libpq's two lists, and what follows.
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
    // A trailing `&` is fine, an empty item before it is not: as libpq has it.
    for item in query.split_terminator('&') {
        let (keyword, value) = item
            .split_once('=')
            .ok_or_else(|| SettingsError::UriNoSeparator(item.to_owned()))?;
        if value.contains('=') {
            return Err(SettingsError::UriExtraSeparator(keyword.to_owned()));
        }
        let keyword = decode(keyword, "query")?;
        let value = decode(value, &keyword)?;
        // As JDBC writes it.
        if keyword == "ssl" && value == "true" {
            parameters.set("sslmode", "require")?;
            continue;
        }
        parameters
            .set(&keyword, &value)
            .map_err(|_| SettingsError::UriUnknownParameter(keyword))?;
    }
    Ok(())
}

/// Strict, unlike the percent-encoding crate: `%zz` is an error. `+` is a plus.
fn decode(text: &str, part: &str) -> Result<String, SettingsError> {
    let invalid = || SettingsError::UriPercent(part.to_owned());
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
