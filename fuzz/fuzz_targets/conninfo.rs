//! Values carry any text through a `key=value` string, and no message shows a password.

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
        options: &'a str,
        quotes: bool,
        space: char,
    },
    Secret {
        before: &'a str,
        quoted: bool,
        after: &'a str,
    },
}

fuzz_target!(|input: Input<'_>| match input {
    Input::Values {
        user,
        password,
        database,
        application,
        options,
        quotes,
        space,
    } => {
        let written = [
            ("user", user),
            ("password", password),
            ("dbname", database),
            ("application_name", application),
            ("options", options),
        ]
        .map(|(keyword, value)| format!("{keyword}={}", written(value, quotes)));
        let space = if " \t\n\r\x0b\x0c".contains(space) { space } else { ' ' };
        let Ok(settings) = resolve(&written.join(&space.to_string()), &[]) else {
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
        assert_eq!(settings.options().unwrap_or_default(), options);
        let found = settings.password_for(&settings.hosts()[0]);
        assert_eq!(found.map_or(Vec::new(), |it| it.as_bytes().to_vec()), password.as_bytes());
    }
    Input::Secret {
        before,
        quoted,
        after,
    } => {
        let quote = if quoted { "'" } else { "" };
        assert_hidden(&format!("{before}password={quote}{SECRET}{quote}{after}"));
    }
});

fn written(value: &str, quotes: bool) -> String {
    if quotes || value.is_empty() {
        return format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"));
    }
    let escaped = |c: char| [Some('\\').filter(|_| !c.is_alphanumeric()), Some(c)];
    value.chars().flat_map(escaped).flatten().collect()
}
