//! Values carry any text through a URI, and no message shows a password.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use shardq_fuzz::{SECRET, assert_hidden, resolve};

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Values {
        user: &'a str,
        password: &'a str,
        database: &'a str,
        application: &'a str,
        port: u16,
        in_query: bool,
    },
    Credentials {
        user: &'a str,
        after: &'a str,
    },
    Query {
        before: &'a str,
        after: &'a str,
    },
}

fuzz_target!(|input: Input<'_>| match input {
    Input::Values {
        user,
        password,
        database,
        application,
        port,
        in_query,
    } => {
        if [user, password, database, application].iter().any(|text| text.contains('\0')) {
            return;
        }
        let port = port.max(1);
        let [u, p, d, a] = [user, password, database, application].map(encoded);
        let uri = if in_query {
            format!("postgres://?user={u}&password={p}&dbname={d}&port={port}&host=h&application_name={a}")
        } else {
            format!("postgresql://{u}:{p}@h:{port}/{d}?application_name={a}")
        };
        let Ok(settings) = resolve(&uri, &[]) else {
            // Refused: names that look like a URI.
            assert!([user, database].iter().any(|name| name.contains(['/', '='])));
            return;
        };
        let or = |value: &str, default: &str| {
            if value.is_empty() { default } else { value }.to_owned()
        };
        let user = or(user, "me");
        assert_eq!(settings.user(), user);
        assert_eq!(settings.database(), or(database, &user));
        assert_eq!(settings.application_name(), or(application, "shardq"));
        let host = &settings.hosts()[0];
        assert_eq!((host.name(), host.port()), (Some("h"), port));
        let found = settings.password_for(host);
        assert_eq!(found.map_or(Vec::new(), |it| it.as_bytes().to_vec()), password.as_bytes());
    }
    // In a host, a path, an IPv6 address or a query, a colon begins no password.
    Input::Credentials { user, after } if !user.contains(['/', '?', '[']) => {
        assert_hidden(&format!("postgresql://{user}:{SECRET}{after}"));
    }
    Input::Credentials { .. } => {}
    Input::Query { before, after } => {
        assert_hidden(&format!("postgresql://{before}password={SECRET}{after}"));
    }
});

fn encoded(text: &str) -> String {
    let encoded = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02x}")
        }
    };
    text.bytes().map(encoded).collect()
}
