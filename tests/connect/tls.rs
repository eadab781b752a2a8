//! TLS: which certificates are trusted, and the errors otherwise.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::{fs, io, thread};

use rcgen::{BasicConstraints, IsCa, KeyPair, date_time_ymd};
use shardq::client::{ConnectError, Connection};
use shardq::sandbox::{Listen, Options, Sandbox};

use crate::support::{
    Authority, Call, SHARED, Shared, TEMPLATE, WHERE_AM_I, for_host, named, refusal_of, start,
};

/// Every mode, with every state of the root certificate, with a host name that the certificate has
/// and one that it lacks, for users whom the server admits with TLS, without, or either way.
#[tokio::test]
async fn every_sslmode_ends_as_with_psql() {
    let right = &SHARED.authority.certificate;
    let wrong = &Authority::new("wrong authority").certificate;
    for root in [None, Some(right), Some(wrong)] {
        for host in ["localhost", "127.0.0.1"] {
            for user in ["postgres", "tlsonly", "plainonly"] {
                for mode in [
                    "disable",
                    "allow",
                    "prefer",
                    "require",
                    "verify-ca",
                    "verify-full",
                ] {
                    let target = format!(
                        "host={host} port={{port}} user={user} dbname=postgres sslmode={mode}"
                    );
                    let mut call = Call::new(&SHARED.sandbox, &["-d", &target], &[]);
                    if let Some(root) = root {
                        call = call.file(".postgresql/root.crt", root);
                    }
                    let (ours, psqls) = (call.ours().await, call.psqls());
                    let case = format!("{target} {root:?}\n{ours:?}\n{psqls:?}");
                    assert_eq!(ours.ok(), psqls.ok(), "{case}");
                }
            }
        }
    }
}

async fn verify(sandbox: &Sandbox, host: &str, mode: &str, root: &str) -> Result<(), ConnectError> {
    let target =
        format!("host={host} hostaddr=127.0.0.1 port={{port}} user=postgres sslmode={mode}");
    let call = Call::new(sandbox, &["-d", &target], &[]).file(".postgresql/root.crt", root);
    let connection = call.connect().await.unwrap()?;
    let rows = connection.query_typed(WHERE_AM_I, &[]).await.unwrap();
    assert!(rows[0].get::<_, &str>(0).contains("|t|"), "no TLS");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said_with_what_to_set() {
    let Shared { sandbox, authority } = &*SHARED;
    let at = |host: &str| {
        format!(
            "connection to server at \"{host}\" (127.0.0.1), port {} failed: ",
            sandbox.port()
        )
    };

    let error = verify(sandbox, "db1", "verify-full", &authority.certificate)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        at("db1") + "server certificate for \"localhost\" does not match host name \"db1\""
    );
    assert!(error.hint().unwrap().contains("sslmode=verify-ca"));

    let other = Authority::new("other").certificate;
    let error = verify(sandbox, "localhost", "verify-ca", &other)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        at("localhost") + "SSL error: certificate verify failed: unknown issuer"
    );
    assert!(error.hint().unwrap().contains("sslrootcert"));

    let error = verify(sandbox, "localhost", "verify-ca", "no certificate")
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("no usable certificate in"),
        "{error}"
    );

    let error = refusal_of("host=localhost port={port} user=postgres sslmode=verify-ca").await;
    assert!(
        error
            .to_string()
            .ends_with("/.postgresql/root.crt\" does not exist"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("sslrootcert=system"));

    let error = refusal_of("host=localhost port={port} user=postgres sslrootcert=system").await;
    assert!(!error.is_transient());
    assert!(error.to_string().contains("certif"), "{error}");
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let authority = Authority::new("authority");
    let mut params = for_host("localhost");
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2001, 1, 1);
    let (certificate, key) = authority.issue(&params);
    let sandbox = start(&certificate, &key, &authority.certificate);
    let error = verify(&sandbox, "localhost", "verify-ca", &authority.certificate)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("certificate verify failed: certificate has expired")
    );
    assert_eq!(
        error.hint().as_deref(),
        Some("Renew the server's certificate.")
    );
}

#[tokio::test]
async fn a_host_in_the_common_name_alone_is_accepted_as_psql_does() {
    let authority = Authority::new("authority");
    let (certificate, key) = authority.issue(&named("db1"));
    let sandbox = start(&certificate, &key, &authority.certificate);
    let root = &authority.certificate;
    verify(&sandbox, "db1", "verify-full", root).await.unwrap();
    verify(&sandbox, "db2", "verify-ca", root).await.unwrap();
    let error = verify(&sandbox, "db2", "verify-full", root)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("does not match host name \"db2\""),
        "{error}"
    );
}

#[tokio::test]
async fn a_copy_of_a_self_signed_certificate_vouches_for_it() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let sign = |last_year| {
            let mut params = for_host("db1");
            params.is_ca = is_ca;
            params.not_after = date_time_ymd(last_year, 1, 1);
            let key = KeyPair::generate().unwrap();
            let certificate = params.self_signed(&key).unwrap().pem();
            let sandbox = start(&certificate, &key.serialize_pem(), &certificate);
            (sandbox, certificate)
        };
        let (sandbox, certificate) = sign(4000);
        verify(&sandbox, "db1", "verify-full", &certificate)
            .await
            .unwrap();
        let error = verify(&sandbox, "db2", "verify-full", &certificate)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("does not match"), "{error}");
        let (_, other) = sign(4000);
        assert!(verify(&sandbox, "db1", "verify-ca", &other).await.is_err());

        let (sandbox, certificate) = sign(2001);
        let error = verify(&sandbox, "db1", "verify-full", &certificate)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("expired"), "{error}");
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_its_key_kept_private() {
    let Shared { sandbox, authority } = &*SHARED;
    let (certificate, key) = authority.issue(&named("certified"));
    let target = "host=localhost port={port} user=certified dbname=postgres sslmode=require";
    let call = || Call::new(sandbox, &["-d", target], &[]);
    let with = |certificate: &str, key: &str| {
        call()
            .file(".postgresql/postgresql.crt", certificate)
            .file(".postgresql/postgresql.key", key)
    };
    let error = |outcome: Result<Connection, ConnectError>| outcome.err().unwrap();

    assert!(with(&certificate, &key).connect().await.unwrap().is_ok());

    let without = error(call().connect().await.unwrap());
    assert!(
        without.to_string().contains("client certificate"),
        "{without}"
    );

    let exposed = with(&certificate, &key);
    let path = exposed.path(".postgresql/postgresql.key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = error(exposed.connect().await.unwrap());
    assert!(
        exposed.to_string().ends_with("has group or world access"),
        "{exposed}"
    );

    let keyless = call().file(".postgresql/postgresql.crt", &certificate);
    let keyless = error(keyless.connect().await.unwrap());
    assert!(
        keyless.to_string().contains("but not private key file"),
        "{keyless}"
    );

    let (certificate, key) = Authority::new("unknown").issue(&named("certified"));
    let unknown = error(with(&certificate, &key).connect().await.unwrap());
    assert!(
        unknown.to_string().contains("SSL error: the server sent"),
        "{unknown}"
    );
}

#[tokio::test]
async fn a_revoked_certificate_is_refused() {
    use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber};
    let authority = Authority::new("authority");
    let serial = SerialNumber::from(42_u64);
    let mut params = for_host("localhost");
    params.serial_number = Some(serial.clone());
    let (certificate, key) = authority.issue(&params);
    let sandbox = start(&certificate, &key, &authority.certificate);
    let list = |revoked| {
        let revoked_certs = if revoked {
            vec![RevokedCertParams {
                serial_number: serial.clone(),
                revocation_time: date_time_ymd(2020, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }]
        } else {
            Vec::new()
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(4000, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&authority.issuer).unwrap().pem().unwrap()
    };
    for revoked in [false, true] {
        let target = "host=localhost port={port} user=postgres sslmode=verify-full";
        let call = Call::new(&sandbox, &["-d", target], &[])
            .file(".postgresql/root.crt", &authority.certificate)
            .file(".postgresql/root.crl", &list(revoked));
        let outcome = call.connect().await.unwrap();
        assert_eq!(outcome.is_err(), revoked, "{:?}", outcome.err());
    }
}

#[tokio::test]
async fn a_server_without_tls_is_used_without_unless_tls_is_required() {
    let options = Options {
        listen: Listen::Loopback,
        ..Options::default()
    };
    let sandbox = TEMPLATE.start(options).unwrap();
    for (mode, works) in [
        ("disable", true),
        ("allow", true),
        ("prefer", true),
        ("require", false),
    ] {
        let target = format!("host=localhost port={{port}} user=postgres sslmode={mode}");
        let call = Call::new(&sandbox, &["-d", &target], &[]);
        let (ours, psqls) = (call.ours().await, call.psqls());
        assert_eq!(ours.is_ok(), works, "{mode}: {ours:?}");
        assert_eq!(ours, psqls, "{mode}");
    }
}

/// Postgres 15 accepts keys for P-256 only, and answers another with a `HelloRetryRequest`.
#[tokio::test]
async fn the_first_key_offered_is_one_that_the_server_accepts() {
    let (port, sent) = recording_proxy(SHARED.sandbox.port());
    let target = format!("host=localhost port={port} user=postgres sslmode=require");
    let call = Call::new(&SHARED.sandbox, &["-d", &target], &[]);
    call.connect().await.unwrap().unwrap();
    let sent = sent.lock().unwrap();
    assert_eq!(client_hellos(&sent[SSL_REQUEST..]), 1);
}

const SSL_REQUEST: usize = 8;

/// How many of these TLS records hold a `ClientHello`.
fn client_hellos(mut records: &[u8]) -> usize {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    let mut found = 0;
    while let [kind, _, _, high, low, rest @ ..] = records {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        found += usize::from(*kind == HANDSHAKE && rest.first() == Some(&CLIENT_HELLO));
        records = rest.get(length..).unwrap_or_default();
    }
    found
}

/// Accepts one connection, and records what the client sends on it.
fn recording_proxy(server: u16) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::<Mutex<Vec<u8>>>::default();
    let record = Arc::clone(&sent);
    thread::spawn(move || {
        let (mut near, _) = listener.accept().unwrap();
        let mut far = TcpStream::connect(("127.0.0.1", server)).unwrap();
        let (mut back, mut forth) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        thread::spawn(move || io::copy(&mut forth, &mut back));
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = near.read(&mut bytes) {
            record.lock().unwrap().extend(&bytes[..length]);
            far.write_all(&bytes[..length]).unwrap();
        }
    });
    (port, sent)
}

#[tokio::test]
async fn the_versions_of_tls_can_be_limited() {
    for (limits, version) in [
        ("", "TLSv1.3"),
        ("ssl_min_protocol_version=TLSv1.3", "TLSv1.3"),
        ("ssl_max_protocol_version=tlsv1.2", "TLSv1.2"),
        (
            "ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1.3",
            "TLSv1.3",
        ),
    ] {
        let target = format!(
            "host=localhost port={{port}} user=postgres dbname=postgres sslmode=require {limits}"
        );
        let call = Call::new(&SHARED.sandbox, &["-d", &target], &[]);
        assert_eq!(call.ours().await, call.psqls(), "{target}");
        let connection = call.connect().await.unwrap().unwrap();
        let sql = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let rows = connection.query_typed(sql, &[]).await.unwrap();
        assert_eq!(rows[0].get::<_, &str>(0), version, "{target}");
    }
    let target = "host=localhost port={port} user=postgres ssl_min_protocol_version=TLSv1.3 \
                  ssl_max_protocol_version=TLSv1.2";
    let call = Call::new(&SHARED.sandbox, &["-d", target], &[]);
    assert_eq!(call.ours().await, call.psqls());
}
