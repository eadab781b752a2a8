//! The certificate fields that rustls does not expose: validity, common name, and whether there are
//! alternative names. Does not verify anything: rustls checks signatures.

use rustls::CertificateError;
use rustls::pki_types::UnixTime;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The optional version and extensions of a certificate.
const EXPLICIT_0: u8 = 0xa0;
const EXPLICIT_3: u8 = 0xa3;

/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

#[derive(Debug)]
pub(super) struct Certificate<'a> {
    not_before: u64,
    not_after: u64,
    common_name: Option<&'a str>,
    has_alternative_names: bool,
}

impl<'a> Certificate<'a> {
    pub fn parse(der: &'a [u8]) -> Option<Self> {
        let mut certificate = Der(Der(der).next(SEQUENCE)?);
        let mut fields = Der(certificate.next(SEQUENCE)?);
        let _version = fields.next(EXPLICIT_0);
        let _serial = fields.any()?;
        let _algorithm = fields.next(SEQUENCE)?;
        let _issuer = fields.next(SEQUENCE)?;
        let mut validity = Der(fields.next(SEQUENCE)?);
        let subject = Der(fields.next(SEQUENCE)?);
        let _public_key = fields.next(SEQUENCE)?;
        Some(Self {
            not_before: time(validity.any()?)?,
            not_after: time(validity.any()?)?,
            common_name: common_name(subject),
            has_alternative_names: fields.next(EXPLICIT_3).is_some_and(|extensions| {
                Der(extensions)
                    .next(SEQUENCE)
                    .is_some_and(|list| has_alternative_names(Der(list)))
            }),
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
        let Some(name) = self.common_name.filter(|_| !self.has_alternative_names) else {
            return false;
        };
        match name.strip_prefix("*.") {
            Some(domain) => host.split_once('.').is_some_and(|(label, rest)| {
                !label.is_empty() && rest.eq_ignore_ascii_case(domain)
            }),
            None => name.eq_ignore_ascii_case(host),
        }
    }
}

/// A name is a sequence of sets of attributes; the last common name counts.
fn common_name(mut subject: Der<'_>) -> Option<&str> {
    let mut found = None;
    while let Some(set) = subject.next(SET) {
        let mut set = Der(set);
        while let Some(attribute) = set.next(SEQUENCE) {
            let mut attribute = Der(attribute);
            if attribute.next(OBJECT_ID) == Some(COMMON_NAME) {
                found = attribute.any().map(|(_, value)| value);
            }
        }
    }
    found.and_then(|value| str::from_utf8(value).ok())
}

fn has_alternative_names(mut extensions: Der<'_>) -> bool {
    while let Some(extension) = extensions.next(SEQUENCE) {
        if Der(extension).next(OBJECT_ID) == Some(SUBJECT_ALT_NAME) {
            return true;
        }
    }
    false
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` in seconds since 1970.
fn time((tag, value): (u8, &[u8])) -> Option<u64> {
    let text = str::from_utf8(value).ok()?.strip_suffix('Z')?;
    let text = match tag {
        GENERALIZED_TIME => text.to_owned(),
        UTC_TIME if text < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        _ => return None,
    };
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    let seconds = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    u64::try_from(seconds.as_second()).ok()
}

/// The rest of a sequence of DER values.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next value if it has this tag; otherwise nothing is consumed.
    fn next(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.0.first() != Some(&tag) {
            return None;
        }
        self.any().map(|(_, content)| content)
    }

    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        // High bit set: the low bits count the bytes of the length.
        let (length, rest) = if first & 0x80 == 0 {
            (usize::from(first), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if bytes.len() > 4 {
                return None;
            }
            let length = bytes.iter().fold(0, |sum, &b| sum << 8 | usize::from(b));
            (length, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
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
            der.truncate(der.len() - cut.min(der.len()));
            let _ = Certificate::parse(&der);
        }
    }
}
