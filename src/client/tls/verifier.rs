//! Whether to trust a server's certificate: not verified, verify-ca or verify-full, as in libpq.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::certificate::Certificate;
use super::{signature, version_1};
use crate::config::ChannelBinding;

/// Whether a server must prove that it has the key of its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyCheck {
    /// With an unknown key, a proof is worth nothing.
    Skipped,
    /// Else somebody between could show the certificate that the password is bound to.
    Required,
}

impl KeyCheck {
    pub fn for_binding(binding: ChannelBinding) -> Self {
        match binding {
            ChannelBinding::Require => Self::Required,
            ChannelBinding::Prefer | ChannelBinding::Disable => Self::Skipped,
        }
    }
}

/// Encryption without verification.
#[derive(Debug)]
pub(super) struct Unverified {
    algorithms: WebPkiSupportedAlgorithms,
    key: KeyCheck,
}

impl Unverified {
    pub fn new(key: KeyCheck) -> Self {
        let algorithms = default_provider().signature_verification_algorithms;
        Self { algorithms, key }
    }

    fn verify_key(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.key {
            KeyCheck::Skipped => Ok(HandshakeSignatureValid::assertion()),
            KeyCheck::Required => signature::verify(message, certificate, signed, &self.algorithms),
        }
    }
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_key(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_key(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameCheck {
    /// verify-ca
    Skipped,
    /// verify-full
    Required,
}

/// rustls's verification, extended to what OpenSSL accepts and Postgres servers commonly use:
/// certificates with the host only in the common name, those of version 1, and self-signed ones
/// that the client has a copy of.
#[derive(Debug)]
pub(super) struct Verified {
    chain: Arc<WebPkiServerVerifier>,
    algorithms: WebPkiSupportedAlgorithms,
    /// Whether there are lists of revoked certificates.
    checks_revocation: bool,
    trusted: Vec<CertificateDer<'static>>,
    name: NameCheck,
}

impl Verified {
    /// `trusted` are the certificates in `roots`.
    pub fn new(
        roots: RootCertStore,
        trusted: Vec<CertificateDer<'static>>,
        revoked: Vec<CertificateRevocationListDer<'static>>,
        name: NameCheck,
    ) -> Result<Self, VerifierBuilderError> {
        let checks_revocation = !revoked.is_empty();
        let chain = WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::new(default_provider()),
        )
        .with_crls(revoked)
        .build()?;
        Ok(Self {
            chain,
            algorithms: default_provider().signature_verification_algorithms,
            checks_revocation,
            trusted,
            name,
        })
    }

    fn verify_name(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
    ) -> Result<(), Error> {
        if self.name == NameCheck::Skipped {
            return Ok(());
        }
        let verified = if version_1::is_version_1(certificate) {
            // It has a common name only.
            Err(CertificateError::NotValidForName.into())
        } else {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)
        };
        let Err(mismatch) = verified else {
            return Ok(());
        };
        let by_common_name = Certificate::parse(certificate)
            .is_some_and(|certificate| certificate.common_name_is(&name.to_str()));
        if by_common_name {
            Ok(())
        } else {
            Err(mismatch)
        }
    }

    /// Only webpki reads lists of revoked certificates.
    fn verify_version_1(&self, certificate: &[u8], now: UnixTime) -> Result<(), CertificateError> {
        if self.checks_revocation {
            return Err(CertificateError::UnknownRevocationStatus);
        }
        version_1::verify(certificate, &self.trusted, &self.algorithms, now)
    }

    /// Accepts a self-signed certificate that is among the trusted ones. webpki rejects those
    /// marked as an authority, as made by `openssl req -x509`.
    fn verify_copy(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
        if !self.trusted.iter().any(|trusted| trusted == certificate) {
            return Err(CertificateError::UnknownIssuer.into());
        }
        Certificate::parse(certificate)
            .ok_or(CertificateError::BadEncoding)?
            .verify_time(now)?;
        Ok(())
    }
}

impl ServerCertVerifier for Verified {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.chain.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            Ok(verified) => return Ok(verified),
            // rustls checks the name last, so everything else is valid.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => {}
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if version_1::is_version_1(end_entity) =>
            {
                self.verify_version_1(end_entity, now)?;
            }
            // "CaUsedAsEndEntity" has no variant of its own.
            Err(error @ Error::InvalidCertificate(CertificateError::Other(_))) => {
                self.verify_copy(end_entity, now).map_err(|own| match own {
                    Error::InvalidCertificate(CertificateError::UnknownIssuer) => error,
                    own => own,
                })?;
            }
            Err(error) => return Err(error),
        }
        self.verify_name(end_entity, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if version_1::is_version_1(cert) {
            return signature::verify(message, cert, dss, &self.algorithms);
        }
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if version_1::is_version_1(cert) {
            return signature::verify(message, cert, dss, &self.algorithms);
        }
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
