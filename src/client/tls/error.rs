//! TLS errors, and hints about the settings involved.

use std::io;
use std::path::{Path, PathBuf};

use rustls::client::VerifierBuilderError;
use rustls::pki_types::pem;
use rustls::{AlertDescription, CertificateError};

use crate::client::endpoint::HostAddr;
use crate::config::Roots;
use crate::text::io_reason::{io_reason, without_numbers};

#[derive(Debug, thiserror::Error)]
pub(in crate::client) enum TlsError {
    #[error("root certificate file \"{}\" does not exist", shown(.0.as_deref()))]
    NoRoots(Option<PathBuf>),
    #[error("no usable certificate {}", of_roots(.0))]
    NoUsableRoots(Roots),
    #[error("could not read {what} file \"{}\": {reason}", .path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        reason: String,
    },
    #[error("certificate present, but not private key file \"{}\"", .0.display())]
    NoKey(PathBuf),
    #[error("private key file \"{}\" has group or world access", .0.display())]
    ExposedKey(PathBuf),
    #[error("private key file \"{}\" is encrypted", .0.display())]
    EncryptedKey(PathBuf),
    #[error("could not decrypt private key file \"{}\"", .0.display())]
    KeyPassword(PathBuf),
    #[error("host name \"{0}\" cannot be verified: no certificate can contain it")]
    HostName(String),
    #[error("server certificate for {certificate} does not match host name \"{host}\"")]
    NameMismatch { certificate: String, host: String },
    #[error("direct SSL connection was established without ALPN protocol negotiation extension")]
    NoAlpn,
    #[error("SSL error: {}", reason(.0))]
    Protocol(rustls::Error),
    #[error("SSL error: {}", io_reason(.0))]
    Io(io::Error),
}

impl TlsError {
    pub fn file(what: &'static str, path: &Path, error: &pem::Error) -> Self {
        let reason = match error {
            pem::Error::NoItemsFound => "it contains none in PEM format".to_owned(),
            error => without_numbers(&error.to_string()),
        };
        Self::File {
            what,
            path: path.to_owned(),
            reason,
        }
    }

    pub fn handshake(error: io::Error, target: &HostAddr) -> Self {
        match rustls_error(&error) {
            Some(rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                presented,
                ..
            })) => Self::NameMismatch {
                certificate: names(presented),
                host: target.host.name().unwrap_or_default().to_owned(),
            },
            Some(error) => Self::Protocol(error.clone()),
            None => Self::Io(error),
        }
    }

    /// TLS errors inside an I/O error on an established stream: only then does a server report that
    /// it wants a client certificate.
    pub fn within(error: &io::Error) -> Option<Self> {
        rustls_error(error).cloned().map(Self::Protocol)
    }

    pub fn hint(&self) -> Option<String> {
        use CertificateError as Bad;
        let hint = match self {
            Self::NoRoots(_) => {
                "Either provide the file, use the system's trusted roots with sslrootcert=system, or change sslmode to disable server certificate verification."
            }
            Self::NoUsableRoots(_) => {
                "Set sslrootcert (or PGSSLROOTCERT) to a file of PEM certificates."
            }
            Self::ExposedKey(_) => {
                "File must have permissions u=rw (0600) or less if owned by the current user, or permissions u=rw,g=r (0640) or less if owned by root."
            }
            Self::EncryptedKey(_) => "Give its password with sslpassword.",
            Self::KeyPassword(_) => {
                "Check sslpassword. Known are PKCS #8, and PEM encryption with AES or triple DES in CBC \
                 mode; openssl pkcs8 -topk8 converts others."
            }
            Self::NameMismatch { .. } | Self::HostName(_) => {
                "Connect to a name that is in the certificate (hostaddr can give the address), or \
                 verify less with sslmode=verify-ca."
            }
            Self::Protocol(rustls::Error::InvalidCertificate(bad)) => match bad {
                Bad::UnknownIssuer | Bad::BadSignature => {
                    "Set sslrootcert (or PGSSLROOTCERT) to the certificate of the authority that signed the server's; default is ~/.postgresql/root.crt."
                }
                Bad::Expired | Bad::ExpiredContext { .. } => "Renew the server's certificate.",
                Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                    "Check the clocks of server and client."
                }
                bad if is_version_1(bad) => {
                    "Reissue the server's certificate in version 3, with subjectAltName; or \
                     encrypt without verification: sslmode=require and no root certificate file."
                }
                _ => return None,
            },
            Self::Protocol(rustls::Error::AlertReceived(
                AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure,
            )) => {
                "The server may require a client certificate: set sslcert and sslkey (or PGSSLCERT \
                 and PGSSLKEY)."
            }
            Self::Protocol(rustls::Error::AlertReceived(AlertDescription::UnknownCA)) => {
                "The server does not know who signed the client certificate in sslcert (or PGSSLCERT)."
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        Self::Protocol(error)
    }
}

impl From<VerifierBuilderError> for TlsError {
    fn from(error: VerifierBuilderError) -> Self {
        Self::Protocol(rustls::Error::General(error.to_string()))
    }
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn reason(error: &rustls::Error) -> String {
    use CertificateError as Bad;
    let reason = match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::UnknownIssuer => "unknown issuer",
            Bad::Expired | Bad::ExpiredContext { .. } => "certificate has expired",
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => "certificate is not yet valid",
            Bad::Revoked => "certificate revoked",
            Bad::UnknownRevocationStatus => "the revocation list does not cover it",
            bad if is_version_1(bad) => "its format is X.509 version 1",
            _ => return format!("certificate verify failed: {error}"),
        },
        rustls::Error::AlertReceived(alert) => return format!("the server sent {alert:?}"),
        error => return error.to_string(),
    };
    format!("certificate verify failed: {reason}")
}

/// rustls has no variant for it, only the name of the error that it passes on.
fn is_version_1(bad: &CertificateError) -> bool {
    matches!(bad, CertificateError::Other(other) if other.to_string().contains("UnsupportedCertVersion"))
}

/// `"a"` or, like libpq, `"a" (and 2 other names)`.
fn names(presented: &[String]) -> String {
    // rustls writes `DnsName("a")`, `IpAddress(10.0.0.1)`.
    let bare = |name: &String| {
        let inner = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest);
        inner.trim_end_matches(')').trim_matches('"').to_owned()
    };
    match presented {
        [] => "no name".to_owned(),
        [only] => format!("\"{}\"", bare(only)),
        [first, other] => format!("\"{}\" (and \"{}\")", bare(first), bare(other)),
        [first, others @ ..] => {
            format!("\"{}\" (and {} other names)", bare(first), others.len())
        }
    }
}

fn shown(path: Option<&Path>) -> String {
    path.map_or("~/.postgresql/root.crt".to_owned(), |p| {
        p.display().to_string()
    })
}

fn of_roots(roots: &Roots) -> String {
    match roots {
        Roots::System => "in the system's store".to_owned(),
        Roots::File(path) => format!("in \"{}\"", shown(path.as_deref())),
    }
}
