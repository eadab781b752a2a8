//! A client's key, which may be encrypted: PKCS #8 (`ENCRYPTED PRIVATE KEY`, what openssl writes
//! today), or the older encryption of PEM (`Proc-Type: 4,ENCRYPTED`).

use std::fs;
use std::path::Path;

use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit};
use des::TdesEde3;
use md5::{Digest, Md5};
use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::{self, PemObject};

use super::TlsError;
use crate::config::Password;

/// # Errors
/// If the file is not a key, or is encrypted and the password does not decrypt it.
pub(super) fn read(
    path: &Path,
    password: Option<&Password>,
) -> Result<PrivateKeyDer<'static>, TlsError> {
    let unreadable = |error: &pem::Error| TlsError::file("private key", path, error);
    let text = fs::read_to_string(path).map_err(|error| unreadable(&pem::Error::Io(error)))?;
    let encryption = Encryption::of(&text);
    let parsed = PrivateKeyDer::from_pem_slice(encryption.as_if_plain(&text).as_bytes());
    let key = parsed.map_err(|error| unreadable(&error))?;
    if matches!(encryption, Encryption::None) {
        return Ok(key);
    }
    let password = password.ok_or_else(|| TlsError::EncryptedKey(path.to_owned()))?;
    decrypted(&encryption, &key, password.as_bytes())
        .ok_or_else(|| TlsError::KeyPassword(path.to_owned()))
}

enum Encryption<'a> {
    None,
    Pkcs8,
    /// The cipher and its initialization vector.
    Pem(&'a str, Option<Vec<u8>>),
}

const HEADERS: [&str; 2] = ["Proc-Type:", "DEK-Info:"];

impl<'a> Encryption<'a> {
    fn of(text: &'a str) -> Self {
        let header = text.lines().find_map(|line| line.strip_prefix(HEADERS[1]));
        if let Some((cipher, vector)) = header.and_then(|header| header.split_once(',')) {
            Self::Pem(cipher.trim(), from_hex(vector.trim()))
        } else if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
            Self::Pkcs8
        } else {
            Self::None
        }
    }

    /// What an unencrypted key would look like, because the PEM parser knows only those.
    fn as_if_plain(&self, text: &str) -> String {
        match self {
            Self::None => text.to_owned(),
            Self::Pkcs8 => text.replace(" ENCRYPTED PRIVATE KEY", " PRIVATE KEY"),
            Self::Pem(..) => text
                .lines()
                .filter(|line| !line.is_empty() && !HEADERS.iter().any(|it| line.starts_with(it)))
                .flat_map(|line| [line, "\n"])
                .collect(),
        }
    }
}

fn decrypted(
    encryption: &Encryption<'_>,
    key: &PrivateKeyDer<'_>,
    password: &[u8],
) -> Option<PrivateKeyDer<'static>> {
    let bytes = key.secret_der();
    let Encryption::Pem(cipher, vector) = encryption else {
        let encrypted = EncryptedPrivateKeyInfoRef::try_from(bytes).ok()?;
        let plain = encrypted.decrypt(password).ok()?;
        return Some(PrivateKeyDer::Pkcs8(plain.as_bytes().to_vec().into()));
    };
    let plain = decrypted_pem(cipher, vector.as_deref()?, password, bytes)?;
    Some(match key {
        PrivateKeyDer::Pkcs1(_) => PrivateKeyDer::Pkcs1(plain.into()),
        PrivateKeyDer::Sec1(_) => PrivateKeyDer::Sec1(plain.into()),
        _ => return None,
    })
}

fn decrypted_pem(cipher: &str, vector: &[u8], password: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let decrypt = match cipher {
        "AES-128-CBC" => decrypted_with::<Aes128>,
        "AES-192-CBC" => decrypted_with::<Aes192>,
        "AES-256-CBC" => decrypted_with::<Aes256>,
        "DES-EDE3-CBC" => decrypted_with::<TdesEde3>,
        _ => return None,
    };
    decrypt(vector, password, bytes)
}

fn decrypted_with<C>(vector: &[u8], password: &[u8], bytes: &[u8]) -> Option<Vec<u8>>
where
    C: BlockCipherDecrypt + KeyInit,
{
    let key = derived_key(password, vector.get(..8)?, C::key_size());
    let cipher = Decryptor::<C>::new_from_slices(&key, vector).ok()?;
    cipher.decrypt_padded_vec::<Pkcs7>(bytes).ok()
}

/// OpenSSL's `EVP_BytesToKey` with MD5 and one round. The salt is the start of the vector.
fn derived_key(password: &[u8], salt: &[u8], length: usize) -> Vec<u8> {
    let mut key = Vec::new();
    let mut last = Vec::new();
    while key.len() < length {
        let digest = Md5::new()
            .chain_update(&last)
            .chain_update(password)
            .chain_update(salt)
            .finalize();
        last = digest.to_vec();
        key.extend_from_slice(&last);
    }
    key.truncate(length);
    key
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<_>> = text.chars().map(|c| c.to_digit(16)).collect();
    let pairs = digits?;
    let bytes = pairs
        .chunks_exact(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok());
    bytes.collect()
}
