//! Server certificates of X.509 version 1, which `openssl x509 -req` issues without extensions and
//! webpki does not read. Accepted only as a copy of a trusted certificate, or signed directly by
//! one: without extensions, nothing in between can be told from any other certificate.

use rustls::CertificateError;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Version;

pub(super) fn is_version_1(certificate: &[u8]) -> bool {
    parsed(certificate).is_some_and(|it| it.version() == X509Version::V1)
}

/// # Errors
/// If it is not signed by a trusted certificate, or either is not valid now.
pub(super) fn verify(
    certificate: &[u8],
    trusted: &[CertificateDer<'_>],
    algorithms: &WebPkiSupportedAlgorithms,
    now: UnixTime,
) -> Result<(), CertificateError> {
    let certificate = parsed(certificate).ok_or(CertificateError::BadEncoding)?;
    let issuers = trusted.iter().filter_map(|trusted| parsed(trusted));
    let issuer = issuers
        .filter(|issuer| may_issue(issuer) && is_signed_by(&certificate, issuer, algorithms))
        .max_by_key(|issuer| issuer.validity().not_after.timestamp())
        .ok_or(CertificateError::UnknownIssuer)?;
    for certificate in [&issuer, &certificate] {
        verify_time(certificate, now)?;
    }
    Ok(())
}

fn parsed(der: &[u8]) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}

/// One of version 1 must be self-signed, as in OpenSSL; a later one says itself what it may do.
/// Limits of names are not evaluated here, so that a certificate with them issues nothing.
fn may_issue(issuer: &X509Certificate<'_>) -> bool {
    if issuer.version() == X509Version::V1 {
        return issuer.subject().as_raw() == issuer.issuer().as_raw();
    }
    let is_authority = issuer.is_ca();
    is_authority
        && issuer
            .extensions()
            .iter()
            .all(|extension| match extension.parsed_extension() {
                ParsedExtension::BasicConstraints(_) => true,
                ParsedExtension::KeyUsage(usage) => usage.key_cert_sign(),
                ParsedExtension::NameConstraints(_)
                | ParsedExtension::ExtendedKeyUsage(_)
                | ParsedExtension::ParseError { .. } => false,
                _ => !extension.critical,
            })
}

fn is_signed_by(
    certificate: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> bool {
    if certificate.issuer().as_raw() != issuer.subject().as_raw()
        || certificate.signature_algorithm != certificate.tbs_certificate.signature
    {
        return false;
    }
    // The identifier begins with the OID: a tag, its length, and these bytes.
    let name = certificate.signature_algorithm.algorithm.as_bytes();
    let same_name = |id: &[u8]| id.get(2..).is_some_and(|rest| rest.starts_with(name));
    algorithms
        .all
        .iter()
        .filter(|algorithm| same_name(algorithm.signature_alg_id().as_ref()))
        .any(|algorithm| {
            let key = &issuer.public_key().subject_public_key.data;
            let signed = certificate.tbs_certificate.as_ref();
            let signature = &certificate.signature_value.data;
            algorithm.verify_signature(key, signed, signature).is_ok()
        })
}

fn verify_time(certificate: &X509Certificate<'_>, now: UnixTime) -> Result<(), CertificateError> {
    let validity = certificate.validity();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < validity.not_before.timestamp() {
        Err(CertificateError::NotValidYet)
    } else if now > validity.not_after.timestamp() {
        Err(CertificateError::Expired)
    } else {
        Ok(())
    }
}
