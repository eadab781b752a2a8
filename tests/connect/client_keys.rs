//! Encrypted keys of client certificates, by `sslpassword`.

use rcgen::KeyPair;

use crate::support::{Call, KEY_PASSWORD, SHARED, Shared, fixture, named};

/// Calls with the client certificate of a role, whose key is `plain`, and the file `key`.
fn call(plain: &str, key: &str, options: &str) -> Call {
    let Shared { sandbox, authority } = &*SHARED;
    let pair = KeyPair::from_pem(&fixture(plain)).unwrap();
    let certificate = named("certified")
        .signed_by(&pair, &authority.issuer)
        .unwrap();
    let target = format!(
        "host=localhost port={{port}} user=certified dbname=postgres sslmode=require {options}"
    );
    Call::new(sandbox, &["-d", &target], &[])
        .file(".postgresql/postgresql.crt", &certificate.pem())
        .file(".postgresql/postgresql.key", key)
}

#[tokio::test]
async fn each_kind_of_encrypted_key_is_decrypted_as_by_psql() {
    for (plain, key) in [
        ("ec", "ec"),
        ("ec", "pkcs8"),
        ("ec", "pkcs8_des3_sha1"),
        ("ec", "pkcs8_scrypt"),
        ("ec", "pem_aes128"),
        ("ec", "pem_aes192"),
        ("ec", "pem_aes256"),
        ("ec", "pem_des3"),
        ("rsa", "rsa"),
        ("rsa", "rsa_aes256"),
    ] {
        let call = call(
            plain,
            &fixture(key),
            &format!("sslpassword='{KEY_PASSWORD}'"),
        );
        let ours = call.ours().await;
        assert!(ours.is_ok(), "{key}: {ours:?}");
        assert_eq!(ours, call.psqls(), "{key}");
    }
}

#[tokio::test]
async fn a_key_without_its_password_is_an_error_that_names_the_setting() {
    for key in ["pkcs8", "pem_aes256"] {
        for (options, message, hint) in [
            ("", "is encrypted", "Give its password with sslpassword."),
            (
                "sslpassword=wrong",
                "could not decrypt private key file",
                "Check sslpassword.",
            ),
        ] {
            let call = call("ec", &fixture(key), options);
            let error = call.connect().await.unwrap().err().unwrap();
            assert!(error.to_string().contains(message), "{key}: {error}");
            assert!(!error.to_string().contains("wrong"), "{error}");
            assert!(error.hint().unwrap().starts_with(hint), "{key}: {error:?}");
            assert!(!error.is_transient());
            if !options.is_empty() {
                assert!(call.psqls().is_err());
            }
        }
    }
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused() {
    let call = call("rsa", &fixture("ec"), "");
    let error = call.ours().await.unwrap_err();
    assert!(error.contains("SSL error"), "{error}");
    assert!(call.psqls().is_err());
}
