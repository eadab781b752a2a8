//! libpq's TLS rules implemented with rustls: which files are used, what is verified, and errors
//! that name the setting to change.

mod certificate;
mod end_point;
mod error;
mod private_key;
mod signature;
mod verifier;
mod version_1;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{self, kx_group};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, Error, InconsistentKeys, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::endpoint::{Address, HostAddr};
use crate::config::{ChannelBinding, Roots, Settings, SslMode, SslNegotiation, Tls, TlsVersion};
pub(super) use error::TlsError;
use verifier::{KeyCheck, NameCheck, Unverified, Verified};

/// `stream` is one whose server has agreed to TLS. Returns what channel binding can bind to, too.
pub(super) async fn handshake(
    settings: &Settings,
    target: &HostAddr,
    stream: TcpStream,
) -> Result<(TlsStream<TcpStream>, Option<Vec<u8>>), TlsError> {
    let tls = settings.tls();
    let name = server_name(tls, target)?;
    let mut config = client_config(tls, settings.channel_binding())?;
    if tls.negotiation == SslNegotiation::Direct {
        config.alpn_protocols = vec![ALPN.to_vec()];
    }
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector
        .connect(name, stream)
        .await
        .map_err(|error| TlsError::handshake(error, target))?;
    let agreed = stream.get_ref().1.alpn_protocol();
    if tls.negotiation == SslNegotiation::Direct && agreed != Some(ALPN) {
        return Err(TlsError::NoAlpn);
    }
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let end_point = certificates.first().and_then(|it| end_point::end_point(it));
    Ok((stream, end_point))
}

/// Only a server that confirms it speaks Postgres's protocol: another one could be made to read a
/// query as something else.
const ALPN: &[u8] = b"postgresql";

/// The name to verify and to send as SNI. A name that cannot be in a certificate (`db_1!`) is
/// allowed where names are not verified.
fn server_name(tls: &Tls, target: &HostAddr) -> Result<ServerName<'static>, TlsError> {
    let name = target.host.name().unwrap_or_default();
    match (ServerName::try_from(name.to_owned()), &target.address) {
        (Ok(name), _) => Ok(name),
        (Err(_), Address::Tcp(address)) if tls.mode != SslMode::VerifyFull => {
            Ok(ServerName::from(address.ip()))
        }
        (Err(_), _) => Err(TlsError::HostName(name.to_owned())),
    }
}

fn client_config(tls: &Tls, binding: ChannelBinding) -> Result<ClientConfig, TlsError> {
    let versions = tls.versions.iter().map(|version| match version {
        TlsVersion::V1_2 => &rustls::version::TLS12,
        TlsVersion::V1_3 => &rustls::version::TLS13,
    });
    let versions: Vec<_> = versions.collect();
    let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&versions)?
        .dangerous()
        .with_custom_certificate_verifier(server_verifier(tls, binding)?);
    let mut config = match client_certificate(tls)? {
        Some(certificate) => builder.with_client_cert_resolver(Arc::new(certificate)),
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = tls.server_name_indication;
    Ok(config)
}

/// Offers a key for the curve P-256 first. A server with the default `ssl_ecdh_curve = prime256v1`
/// (until Postgres 17) answers a key for X25519, the first of rustls, with another question, which
/// costs a round trip. Postgres 18 takes either.
fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: vec![kx_group::SECP256R1, kx_group::X25519, kx_group::SECP384R1],
        ..ring::default_provider()
    }
}

/// As in libpq, an existing root certificate file is used in every mode.
fn server_verifier(
    tls: &Tls,
    binding: ChannelBinding,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let trusted = match &tls.roots {
        Roots::System => system_roots(),
        Roots::File(Some(path)) if path.exists() => certificates("root certificate", path)?,
        Roots::File(path) if tls.mode >= SslMode::VerifyCa => {
            return Err(TlsError::NoRoots(path.clone()));
        }
        Roots::File(_) => return Ok(Arc::new(Unverified::new(KeyCheck::for_binding(binding)))),
    };
    let mut store = RootCertStore::empty();
    let (usable, _) = store.add_parsable_certificates(trusted.iter().cloned());
    if usable == 0 {
        return Err(TlsError::NoUsableRoots(tls.roots.clone()));
    }
    let revoked = match existing(tls.revoked.as_deref()) {
        Some(path) => CertificateRevocationListDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| TlsError::file("certificate revocation list", path, &error))?,
        None => Vec::new(),
    };
    let name = if tls.mode == SslMode::VerifyFull {
        NameCheck::Required
    } else {
        NameCheck::Skipped
    };
    Ok(Arc::new(Verified::new(store, trusted, revoked, name)?))
}

/// Read once: some systems have hundreds, and several connections are opened.
fn system_roots() -> Vec<CertificateDer<'static>> {
    static ROOTS: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    ROOTS
        .get_or_init(|| rustls_native_certs::load_native_certs().certs)
        .clone()
}

fn client_certificate(tls: &Tls) -> Result<Option<SingleCertAndKey>, TlsError> {
    let Some(path) = existing(tls.certificate.as_deref()) else {
        return Ok(None);
    };
    let chain = certificates("certificate", path)?;
    let key = existing(tls.key.as_deref())
        .ok_or_else(|| TlsError::NoKey(tls.key.clone().unwrap_or_default()))?;
    if is_exposed(key) {
        return Err(TlsError::ExposedKey(key.to_owned()));
    }
    let key = private_key::read(key, tls.key_password.as_ref())?;
    let key = provider().key_provider.load_private_key(key)?;
    let certificate = CertifiedKey::new(chain, key);
    match certificate.keys_match() {
        Err(error @ Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(error.into()),
        // rustls cannot read certificates of version 1, but sends them.
        _ => Ok(Some(certificate.into())),
    }
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| TlsError::file(what, path, &error))
}

fn existing(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| path.exists())
}

/// libpq's rule: a key owned by root may be group-readable, as on Debian.
fn is_exposed(key: &Path) -> bool {
    fs::metadata(key).is_ok_and(|metadata| {
        let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
        metadata.permissions().mode() & forbidden != 0
    })
}
