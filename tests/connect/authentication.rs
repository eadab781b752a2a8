//! How a server may ask who connects: `require_auth` and `channel_binding`, checked before a
//! password is sent.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;

use rcgen::KeyPair;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection};

use crate::support::{Call, PASSWORD, SHARED};

#[tokio::test]
async fn channel_binding_ends_as_with_psql() {
    for user in ["scram", "md5", "clear", "postgres"] {
        for mode in ["disable", "require"] {
            for binding in ["disable", "prefer", "require"] {
                let target = format!(
                    "host=localhost port={{port}} user={user} dbname=postgres sslmode={mode} \
                     channel_binding={binding}"
                );
                let variables = [("PGPASSWORD", PASSWORD)];
                let call = Call::new(&SHARED.sandbox, &["-d", &target], &variables);
                assert_eq!(call.ours().await, call.psqls(), "{target}");
            }
        }
    }
    let call = Call::new(&SHARED.sandbox, &["-d", "channel_binding=maybe"], &[]);
    assert_eq!(call.ours().await, call.psqls());
}

/// The messages are those of libpq 16 and later, which Debian 12's psql does not have.
#[tokio::test]
async fn a_method_that_is_not_required_is_refused_and_named() {
    for (user, required, refused) in [
        ("scram", "scram-sha-256", None),
        ("scram", "md5,scram-sha-256", None),
        ("scram", "!password,!md5", None),
        ("scram", "gss,scram-sha-256", None),
        ("scram", "!none", None),
        ("scram", "md5", Some("server requested SASL authentication")),
        (
            "scram",
            "!scram-sha-256",
            Some("server requested SASL authentication"),
        ),
        ("md5", "md5", None),
        (
            "md5",
            "scram-sha-256",
            Some("server requested a hashed password"),
        ),
        ("clear", "password", None),
        (
            "clear",
            "!password",
            Some("server requested a cleartext password"),
        ),
        ("postgres", "none", None),
        ("postgres", "!md5", None),
        (
            "postgres",
            "scram-sha-256",
            Some("server did not complete authentication"),
        ),
        (
            "postgres",
            "!none",
            Some("server did not complete authentication"),
        ),
    ] {
        let target = format!("host=127.0.0.1 port={{port}} user={user} dbname=postgres");
        let variables = [("PGPASSWORD", PASSWORD), ("PGREQUIREAUTH", required)];
        let call = Call::new(&SHARED.sandbox, &["-d", &target], &variables);
        let outcome = call.connect().await.unwrap();
        let port = SHARED.sandbox.port();
        let expected = refused.map(|reason| {
            format!(
                "connection to server at \"127.0.0.1\", port {port} failed: authentication \
                 method requirement \"{required}\" failed: {reason}"
            )
        });
        let error = outcome.err();
        assert_eq!(
            error.as_ref().map(ToString::to_string),
            expected,
            "{user} {required}"
        );
        if let Some(error) = error {
            assert!(!error.is_transient() && !error.needs_password());
            assert!(error.hint().unwrap().contains("require_auth"), "{error:?}");
        }
    }
}

/// Asks for the password as it is, in pieces, and returns what comes back.
fn greedy_server() -> (u16, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, answer) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        startup(&mut stream);
        for byte in [b'R', 0, 0, 0, 8, 0, 0, 0, 3] {
            stream.write_all(&[byte]).unwrap();
            thread::yield_now();
        }
        let mut answered = Vec::new();
        let _ = stream.read_to_end(&mut answered);
        sender.send(answered).unwrap();
    });
    (port, answer)
}

fn startup(stream: &mut impl Read) {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut body = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap() - 4];
    stream.read_exact(&mut body).unwrap();
}

#[tokio::test]
async fn a_server_that_is_refused_is_not_sent_the_password() {
    for rule in ["require_auth=scram-sha-256", "channel_binding=require"] {
        let (port, answer) = greedy_server();
        let target = format!("host=127.0.0.1 port={port} user=u password=hunter2 sslmode=disable");
        let call = Call::new(&SHARED.sandbox, &["-d", &format!("{target} {rule}")], &[]);
        assert!(call.ours().await.is_err());
        let sent = tokio::task::spawn_blocking(move || answer.recv().unwrap())
            .await
            .unwrap();
        assert!(sent.is_empty(), "{rule}: {sent:?}");
    }
}

/// Shows the certificate of another server, whose key it does not have.
fn impostor() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let stolen = SHARED.sandbox.data_dir().join("server.crt");
    let stolen = CertificateDer::from_pem_file(stolen).unwrap();
    let own = KeyPair::generate().unwrap().serialize_der();
    let own = PrivateKeyDer::try_from(own).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&own).unwrap();
    let certified = CertifiedKey::new(vec![stolen], key);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    let config = Arc::new(config);
    thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap(), &config);
        }
    });
    port
}

fn serve(mut stream: TcpStream, config: &Arc<ServerConfig>) {
    startup(&mut stream);
    stream.write_all(b"S").unwrap();
    let mut connection = ServerConnection::new(Arc::clone(config)).unwrap();
    // A client that notices ends the handshake.
    let _ = connection.complete_io(&mut stream);
}

#[tokio::test]
async fn a_password_is_bound_only_to_a_certificate_whose_key_the_server_has() {
    let port = impostor();
    for version in ["TLSv1.2", "TLSv1.3"] {
        let target = format!(
            "host=localhost port={port} user=scram password=x sslmode=require \
             channel_binding=require ssl_min_protocol_version={version} \
             ssl_max_protocol_version={version}"
        );
        let call = Call::new(&SHARED.sandbox, &["-d", &target], &[]);
        let error = call.ours().await.unwrap_err();
        assert!(error.contains("certificate verify failed"), "{error}");
    }
}
