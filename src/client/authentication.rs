//! How a server wants to know who connects.

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
}
