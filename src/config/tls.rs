//! The user's TLS settings: libpq's `ssl…` parameters. Files are only named here; they are read
//! when a connection needs them.

use std::path::PathBuf;
use std::str::FromStr;

use super::{Environment, Parameters, Password, SettingsError};

/// How strictly a TCP connection requires TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    Disable,
    /// Tries without TLS first.
    Allow,
    /// Tries with TLS first.
    Prefer,
    Require,
    /// The server's certificate is from a trusted authority.
    VerifyCa,
    /// In addition, the certificate matches the host name.
    VerifyFull,
}

impl FromStr for SslMode {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return Err(SettingsError::invalid_value("sslmode", text)),
        })
    }
}

/// How TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslNegotiation {
    /// The server is asked first, which costs a round trip.
    Postgres,
    /// At once: Postgres 17 or later.
    Direct,
}

/// The trusted root certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// A missing file is an error only in the modes that verify.
    File(Option<PathBuf>),
    /// The operating system's.
    System,
}

/// Those that are safe; older ones are not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    V1_2,
    V1_3,
}

impl TlsVersion {
    pub const ALL: [Self; 2] = [Self::V1_2, Self::V1_3];
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub mode: SslMode,
    pub negotiation: SslNegotiation,
    /// Never empty.
    pub versions: Vec<TlsVersion>,
    pub roots: Roots,
    /// Revoked certificates, if the file exists.
    pub revoked: Option<PathBuf>,
    /// The client's own certificate, if the file exists.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Decrypts the key, if it is encrypted.
    pub key_password: Option<Password>,
    /// Whether to send the requested host name to the server.
    pub server_name_indication: bool,
}

impl Tls {
    pub(super) fn new(
        parameters: &Parameters,
        environment: &Environment,
    ) -> Result<Self, SettingsError> {
        let file = |keyword, default| {
            parameters.get(keyword).map_or_else(
                || environment.at_home(".postgresql").map(|d| d.join(default)),
                |path| Some(PathBuf::from(path)),
            )
        };
        let mode = parameters
            .get("sslmode")
            .map(SslMode::from_str)
            .transpose()?;
        // Anyone can get a certificate from a public authority, so the name must match.
        let (roots, mode) = if parameters.get("sslrootcert") == Some("system") {
            let mode = mode.unwrap_or(SslMode::VerifyFull);
            if mode != SslMode::VerifyFull {
                return Err(SettingsError::WeakSslMode);
            }
            (Roots::System, mode)
        } else {
            let mode = mode.unwrap_or(SslMode::Prefer);
            (Roots::File(file("sslrootcert", "root.crt")), mode)
        };
        Ok(Self {
            mode,
            negotiation: negotiation(parameters, mode)?,
            versions: versions(parameters)?,
            roots,
            revoked: file("sslcrl", "root.crl"),
            certificate: file("sslcert", "postgresql.crt"),
            key: file("sslkey", "postgresql.key"),
            key_password: parameters.get("sslpassword").map(Password::from),
            server_name_indication: parameters.get("sslsni") != Some("0"),
        })
    }
}

/// # Errors
/// If a mode that may connect without TLS is to begin with it.
fn negotiation(parameters: &Parameters, mode: SslMode) -> Result<SslNegotiation, SettingsError> {
    match parameters.get("sslnegotiation") {
        None | Some("postgres") => Ok(SslNegotiation::Postgres),
        Some("direct") if mode >= SslMode::Require => Ok(SslNegotiation::Direct),
        Some("direct") => {
            let mode = parameters.get("sslmode").unwrap_or("prefer");
            Err(SettingsError::WeakForDirect(mode.to_owned()))
        }
        Some(other) => Err(SettingsError::invalid_value("sslnegotiation", other)),
    }
}

/// # Errors
/// If a value is none of libpq's, or no version that is supported lies between them.
fn versions(parameters: &Parameters) -> Result<Vec<TlsVersion>, SettingsError> {
    const KNOWN: [&str; 4] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
    let position = |keyword, default| match parameters.get(keyword) {
        None => Ok(default),
        Some(value) => KNOWN
            .iter()
            .position(|known| known.eq_ignore_ascii_case(value))
            .ok_or_else(|| SettingsError::invalid_value(keyword, value)),
    };
    let lowest = position("ssl_min_protocol_version", 0)?;
    let highest = position("ssl_max_protocol_version", KNOWN.len() - 1)?;
    if lowest > highest {
        return Err(SettingsError::TlsVersionRange);
    }
    let within = |position| (lowest..=highest).contains(&position);
    let versions: Vec<_> = std::iter::zip(TlsVersion::ALL, 2..)
        .filter_map(|(version, position)| within(position).then_some(version))
        .collect();
    if versions.is_empty() {
        return Err(SettingsError::OldTlsVersion);
    }
    Ok(versions)
}
