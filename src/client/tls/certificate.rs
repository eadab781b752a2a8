//! The certificate fields that rustls does not expose: validity, common name, and whether there are
//! alternative names. Does not verify anything: rustls checks signatures.

use rustls::CertificateError;
use rustls::pki_types::UnixTime;
use x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;
use x509_parser::prelude::{FromDer, X509Certificate};

#[derive(Debug)]
pub(super) struct Certificate {
    not_before: u64,
    not_after: u64,
    common_name: Option<String>,
    has_alternative_names: bool,
}

impl Certificate {
    pub fn parse(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        // The last one counts.
        let common_name = certificate.subject().iter_common_name().last();
        let mut extensions = certificate.extensions().iter();
        Some(Self {
            not_before: u64::try_from(validity.not_before.timestamp()).ok()?,
            not_after: u64::try_from(validity.not_after.timestamp()).ok()?,
            common_name: common_name
                .and_then(|name| name.as_str().ok())
                .map(str::to_owned),
            has_alternative_names: extensions.any(|it| it.oid == OID_X509_EXT_SUBJECT_ALT_NAME),
        })
    }

    pub fn verify_time(&self, now: UnixTime) -> Result<(), CertificateError> {
        if now.as_secs() < self.not_before {
            Err(CertificateError::NotValidYet)
        } else if now.as_secs() > self.not_after {
            Err(CertificateError::Expired)
        } else {
            Ok(())
        }
    }

    /// As in libpq and RFC 6125: the common name counts only without alternative names, and `*`
    /// matches one leftmost label.
    pub fn common_name_is(&self, host: &str) -> bool {
        let Some(name) = &self.common_name else {
            return false;
        };
        if self.has_alternative_names {
            return false;
        }
        match name.strip_prefix("*.") {
            Some(domain) => host.split_once('.').is_some_and(|(label, rest)| {
                !label.is_empty() && rest.eq_ignore_ascii_case(domain)
            }),
            None => name.eq_ignore_ascii_case(host),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn issue(common_name: &str, alternatives: &[&str]) -> Vec<u8> {
        let names: Vec<_> = alternatives.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "not this");
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.not_before = date_time_ymd(2020, 1, 2);
        // Times after 2049 have another format.
        params.not_after = date_time_ymd(2051, 1, 2);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_common_name_counts_only_without_alternative_names() {
        let der = issue("db1.example", &[]);
        let certificate = Certificate::parse(&der).unwrap();
        assert!(certificate.common_name_is("DB1.example"));
        assert!(!certificate.common_name_is("db2.example"));

        let der = issue("db1.example", &["db2.example"]);
        assert!(
            !Certificate::parse(&der)
                .unwrap()
                .common_name_is("db1.example")
        );
    }

    #[test]
    fn a_star_stands_for_one_label() {
        let der = issue("*.example", &[]);
        let certificate = Certificate::parse(&der).unwrap();
        assert!(certificate.common_name_is("db1.example"));
        assert!(!certificate.common_name_is("a.db1.example"));
        assert!(!certificate.common_name_is(".example"));
        assert!(!certificate.common_name_is("example"));
    }

    #[test]
    fn validity_has_two_ends() {
        let der = issue("db1", &[]);
        let certificate = Certificate::parse(&der).unwrap();
        let at = |seconds| {
            certificate.verify_time(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
        };
        // 2020-01-02 and 2051-01-02, midnight UTC.
        assert_eq!(at(1_577_923_199), Err(CertificateError::NotValidYet));
        assert_eq!(at(1_577_923_200), Ok(()));
        assert_eq!(at(2_556_230_400), Ok(()));
        assert_eq!(at(2_556_230_401), Err(CertificateError::Expired));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(at in 0..400usize, byte in any::<u8>(), cut in 0..400usize) {
            let mut der = issue("db1", &["db1"]);
            if let Some(place) = der.get_mut(at) {
                *place = byte;
            }
            let whole = der.len();
            der.truncate(whole - cut.min(whole));
            // What is cut off is not made up.
            let parsed = Certificate::parse(&der);
            prop_assert!(parsed.is_none() || der.len() == whole);
        }
    }
}
