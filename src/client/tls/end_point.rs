//! What channel binding binds a password to: a hash of the server's certificate, by RFC 5929's
//! `tls-server-end-point`, as Postgres computes it.

use ring::digest::{self, Algorithm, SHA256, SHA384, SHA512};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::x509::AlgorithmIdentifier;

/// `None` if the certificate's signature has no hash of its own, as with Ed25519: Postgres cannot
/// bind to such a certificate either.
pub(super) fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let hash = hash(&parsed.signature_algorithm)?;
    Some(digest::digest(hash, certificate).as_ref().to_vec())
}

fn hash(signature: &AlgorithmIdentifier<'_>) -> Option<&'static Algorithm> {
    let name = match SignatureAlgorithm::try_from(signature) {
        Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) => {
            parameters.hash_algorithm_oid().to_id_string()
        }
        _ => signature.algorithm.to_id_string(),
    };
    Some(match &name[..] {
        // With RSA, with ECDSA, alone. RFC 5929: SHA-256 in the place of MD5 and SHA-1.
        "1.2.840.113549.1.1.4" | "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" | "1.3.14.3.2.26" => {
            &SHA256
        }
        "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" | "2.16.840.1.101.3.4.2.1" => &SHA256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" | "2.16.840.1.101.3.4.2.2" => &SHA384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" | "2.16.840.1.101.3.4.2.3" => &SHA512,
        _ => return None,
    })
}
