//! How a server may authenticate the client: libpq's `require_auth` and `channel_binding`. Here
//! they are only read; the connection decides by them before a password is sent.

use std::str::FromStr;

use super::SettingsError;

/// Whether SCRAM proves that the server is the one whose certificate TLS showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelBinding {
    Disable,
    /// If the server offers it.
    #[default]
    Prefer,
    Require,
}

impl FromStr for ChannelBinding {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            _ => return Err(SettingsError::invalid_value("channel_binding", text)),
        })
    }
}

/// The methods by libpq's names. The last three are known, but cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// Nothing is asked: `trust`, `peer`, or a client certificate.
    None,
    Password,
    Md5,
    Scram,
    Gss,
    Sspi,
    Oauth,
}

impl AuthMethod {
    const NAMES: [(&'static str, Self); 7] = [
        ("none", Self::None),
        ("password", Self::Password),
        ("md5", Self::Md5),
        ("scram-sha-256", Self::Scram),
        ("gss", Self::Gss),
        ("sspi", Self::Sspi),
        ("oauth", Self::Oauth),
    ];

    fn is_supported(self) -> bool {
        !matches!(self, Self::Gss | Self::Sspi | Self::Oauth)
    }
}

/// The methods that a server may ask for. The default allows all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequireAuth {
    /// As given, for messages.
    text: String,
    listed: Vec<AuthMethod>,
    /// `!password,!md5`: any but those listed.
    negated: bool,
}

impl RequireAuth {
    pub fn allows(&self, method: AuthMethod) -> bool {
        self.text.is_empty() || self.listed.contains(&method) != self.negated
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for RequireAuth {
    type Err = SettingsError;

    /// Names are case-sensitive, and spaces are not removed, as in libpq.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let negated = text.starts_with('!');
        let mut listed = Vec::new();
        for part in text.split(',') {
            let name = match part.strip_prefix('!') {
                Some(name) if negated => name,
                None if !negated => part,
                Some(name) => return Err(SettingsError::NegativeAuthMethod(name_for(name)?)),
                None => return Err(SettingsError::PositiveAuthMethod(name_for(part)?)),
            };
            let method = AuthMethod::NAMES.iter().find(|(known, _)| *known == name);
            let &(_, method) =
                method.ok_or_else(|| SettingsError::invalid_value("require_auth", name))?;
            if listed.contains(&method) {
                return Err(SettingsError::RepeatedAuthMethod(name_for(name)?));
            }
            listed.push(method);
        }
        if !negated && !listed.iter().any(|method| method.is_supported()) {
            return Err(SettingsError::UnsupportedAuth(text.to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            listed,
            negated,
        })
    }
}

/// A name that may be shown: libpq's, and no password that was put here by mistake.
fn name_for(name: &str) -> Result<&'static str, SettingsError> {
    let known = AuthMethod::NAMES.iter().find(|(known, _)| *known == name);
    known
        .map(|(known, _)| *known)
        .ok_or_else(|| SettingsError::invalid_value("require_auth", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<RequireAuth, String> {
        text.parse()
            .map_err(|error: SettingsError| error.to_string())
    }

    #[test]
    fn a_list_allows_what_it_names_and_a_negated_one_all_else() {
        use AuthMethod::{Md5, None, Password, Scram};
        for (text, allowed) in [
            ("scram-sha-256", &[Scram][..]),
            ("md5,scram-sha-256", &[Md5, Scram]),
            ("none,password", &[None, Password]),
            ("gss,md5", &[Md5]),
            ("!password,!md5", &[None, Scram]),
            ("!none", &[Password, Md5, Scram]),
            ("!gss", &[None, Password, Md5, Scram]),
        ] {
            let rule = parsed(text).unwrap();
            for method in [None, Password, Md5, Scram] {
                assert_eq!(
                    rule.allows(method),
                    allowed.contains(&method),
                    "{text}: {method:?}"
                );
            }
        }
        assert!(RequireAuth::default().allows(AuthMethod::Gss));
    }

    #[test]
    fn errors_are_libpqs() {
        for (text, expected) in [
            ("scram", "invalid require_auth value: \"scram\""),
            ("md5,", "invalid require_auth value: \"\""),
            ("MD5", "invalid require_auth value: \"MD5\""),
            (
                "md5,md5",
                "require_auth method \"md5\" is specified more than once",
            ),
            (
                "md5,!none",
                "negative require_auth method \"!none\" cannot be mixed with non-negative methods",
            ),
            (
                "!md5,none",
                "require_auth method \"none\" cannot be mixed with negative methods",
            ),
        ] {
            assert_eq!(parsed(text).unwrap_err(), expected, "{text}");
        }
        let refused = parsed("gss,sspi").unwrap_err();
        assert!(refused.contains("are not supported"), "{refused}");
    }
}
