//! Whether a server has the key of the certificate that it shows, whoever issued it. rustls does
//! the same for certificates of version 3 only.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::{CertificateError, DigitallySignedStruct, Error};
use x509_parser::prelude::{FromDer, X509Certificate};

/// # Errors
/// If the signature is not by that key, or of a kind that rustls does not know.
pub(super) fn verify(
    message: &[u8],
    certificate: &[u8],
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let key = &certificate.public_key().subject_public_key.data;
    let of_scheme = algorithms
        .mapping
        .iter()
        .filter(|(scheme, _)| *scheme == signed.scheme);
    // Each accepts only keys of its own kind.
    let is_valid = of_scheme
        .flat_map(|(_, algorithms)| algorithms.iter())
        .any(|algorithm| {
            algorithm
                .verify_signature(key, message, signed.signature())
                .is_ok()
        });
    if is_valid {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(CertificateError::BadSignature.into())
    }
}
