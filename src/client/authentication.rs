//! How a server wants to know who connects, and whether it may: libpq's `require_auth` and
//! `channel_binding`, checked before a password is sent.

use crate::config::{AuthMethod, ChannelBinding, RequireAuth, Settings};

/// What a server asked for when a connection was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// Nothing: `trust`, `peer` or a client certificate.
    None,
    /// As it is.
    Password,
    Md5,
    Scram,
    /// GSSAPI or SSPI.
    Kerberos,
    Other,
}

impl Authentication {
    /// By the number of the protocol's `Authentication…` message.
    pub(super) fn of_request(request: u32) -> Self {
        match request {
            0 => Self::None,
            3 => Self::Password,
            5 => Self::Md5,
            7..=9 => Self::Kerberos,
            10 => Self::Scram,
            _ => Self::Other,
        }
    }

    fn method(self) -> Option<AuthMethod> {
        Some(match self {
            Self::None => AuthMethod::None,
            Self::Password => AuthMethod::Password,
            Self::Md5 => AuthMethod::Md5,
            Self::Scram => AuthMethod::Scram,
            Self::Kerberos => AuthMethod::Gss,
            Self::Other => return None,
        })
    }

    /// In libpq's words.
    fn description(self) -> &'static str {
        match self {
            Self::None => "server did not complete authentication",
            Self::Password => "server requested a cleartext password",
            Self::Md5 => "server requested a hashed password",
            Self::Scram => "server requested SASL authentication",
            Self::Kerberos => "server requested GSSAPI authentication",
            Self::Other => "server requested an unknown authentication type",
        }
    }
}

/// What the first request of a server may be. Later ones need no check: tokio-postgres accepts only
/// those that belong to the first, and checks that a server that uses SCRAM knows the password.
#[derive(Debug, Clone, Default)]
pub(super) struct AuthRules {
    methods: RequireAuth,
    channel_binding: ChannelBinding,
    is_encrypted: bool,
}

impl AuthRules {
    pub fn new(settings: &Settings, is_encrypted: bool) -> Self {
        Self {
            methods: settings.require_auth().clone(),
            channel_binding: settings.channel_binding(),
            is_encrypted,
        }
    }

    /// # Errors
    /// In libpq's words, if the server must not be answered.
    pub fn check(&self, asked: Authentication) -> Result<(), AuthRefused> {
        let methods = &self.methods;
        let allowed = asked.method().is_some_and(|it| methods.allows(it));
        if !allowed && *methods != RequireAuth::default() {
            return Err(AuthRefused(format!(
                "authentication method requirement \"{}\" failed: {}",
                methods.text(),
                asked.description()
            )));
        }
        if self.channel_binding != ChannelBinding::Require {
            return Ok(());
        }
        let reason = match asked {
            Authentication::Scram if self.is_encrypted => return Ok(()),
            Authentication::Scram => "channel binding required, but SSL not in use",
            Authentication::None => {
                "channel binding required, but server authenticated client without channel binding"
            }
            _ => "channel binding required but not supported by server's authentication request",
        };
        Err(AuthRefused(reason.to_owned()))
    }
}

/// Why a server's request for authentication was not answered. It comes out of the stream as an
/// I/O error.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct AuthRefused(pub String);
