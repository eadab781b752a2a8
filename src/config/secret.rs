//! Detects text that may be a password, or part of one, in a place where none belongs, so that no
//! message shows it.

use super::{Parameters, SettingsError};

/// Whether a text that is neither a valid URI nor a `key=value` string was probably meant as one:
/// `postgres//u:pw@h`, `POSTGRESQL://h`, `u:pw@h`.
pub(super) fn is_broken_uri(text: &str) -> bool {
    let words = text.trim_start().split(['=', ' ', '\t', '\n']);
    let is_string = words
        .take(1)
        .any(|word| Parameters::keyword(word).is_some());
    !is_string && (text.contains("//") || has_credentials(text))
}

/// Whether it has the form `user:password@`, or names a password.
pub fn may_hold_password(text: &str) -> bool {
    has_credentials(text) || text.to_ascii_lowercase().contains("password")
}

fn has_credentials(text: &str) -> bool {
    match (text.find(':'), text.rfind('@')) {
        (Some(colon), Some(at)) => colon < at,
        _ => false,
    }
}

/// A word that was parsed as a keyword, if it may be shown: after a password it is probably the
/// rest of that.
pub(super) fn shown(word: &str, before: &Parameters) -> Option<String> {
    let is_plain = word.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    (is_plain && !before.mentions("password")).then(|| word.to_owned())
}

/// Names appear in many messages. URIs are often put into variables like `PGHOST` or `PGDATABASE`,
/// where they are not parsed.
///
/// # Errors
/// If a name looks like a URI, or a `key=value` string, with a password.
pub(super) fn check_names(parameters: &Parameters) -> Result<(), SettingsError> {
    let is_whole_uri = |text: &str| {
        text.contains("//") && has_credentials(text)
            || text.contains('=') && text.to_ascii_lowercase().contains("password")
    };
    for (keyword, what) in [("dbname", "database name"), ("user", "user name")] {
        if parameters.get(keyword).is_some_and(is_whole_uri) {
            return Err(SettingsError::UriForName(what));
        }
    }
    // Host names and addresses contain neither; a leading `@` marks an abstract socket.
    let is_no_host = |name: &str| {
        !name.starts_with('/') && (name.contains("//") || name.chars().skip(1).any(|c| c == '@'))
    };
    let hosts = parameters.get("host").unwrap_or_default();
    if is_whole_uri(hosts) || hosts.split(',').any(is_no_host) {
        return Err(SettingsError::UriForName("host name"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::ConnectionFlags;
    use proptest::prelude::*;

    use crate::config::{Environment, Settings};

    fn message(args: &ConnectionFlags, variables: &[(&str, &str)]) -> String {
        let environment = Environment::new(variables).with_user("me");
        match Settings::resolve(args, &environment) {
            Err(error) => error.to_string(),
            // Messages about the connection show this.
            Ok(settings) => settings.to_string(),
        }
    }

    fn with_target(target: &str) -> String {
        let args = ConnectionFlags {
            dbname: vec![target.to_owned()],
            ..ConnectionFlags::default()
        };
        message(&args, &[])
    }

    const FORMS: [&str; 24] = [
        "postgresql://u:{}@h/x",
        "postgresql://u:{}@h:5433,h2/x?sslmod=require",
        "postgresql://u:{}@h/x?sslmode=nonsense",
        "postgresql://u:{}@h:nonsense/x",
        "postgresql://u:{}@[::1",
        "postgresql://u:{}%zz@h/x",
        "postgresql://u:{}",
        "postgresql://u:{}/x",
        "postgresql:/u:{}@h/x",
        "postgresql:u:{}@h/x",
        "postgres//u:{}@h/x",
        "POSTGRES://u:{}@h/x",
        "postgresq://u:{}@h/x",
        "jdbc:postgresql://h/x?user=u&password={}",
        "postgresql://h/x?user=u&password={}&",
        "postgresql://h/x?password={}%",
        "postgresql://h/x?password={}&sslmode=nonsense",
        "u:{}@h/x",
        "host=h password={} user",
        "host=h password={} conect_timeout=3",
        "host=h password='{} user=u",
        "host=h password:{} user=u",
        "password:{} host=h",
        "{} host=h",
    ];

    #[test]
    fn an_at_or_a_slash_of_a_password_does_not_spill_it() {
        for password in [
            "hunt@er2",
            "hunt/er2",
            "hunt?er2",
            "hunt#er2",
            "hunt:er2",
            "hunt er2",
            "hunt&er2",
            "hunt%er2",
            "hunt=er2",
            "hunt'er2",
            "hunt@/er2",
            "hu@nt@er2",
        ] {
            for form in FORMS {
                // The text is then a different valid URI or string.
                let is_other = (form.starts_with("{}") && password.contains('='))
                    || (!form.contains('@')
                        && form.starts_with("postgresql://u:")
                        && password.contains('@'));
                if is_other {
                    continue;
                }
                let target = form.replace("{}", password);
                let said = with_target(&target);
                assert!(
                    !said.contains("hunt") && !said.contains("er2"),
                    "{target}: {said}"
                );
            }
        }
    }

    #[test]
    fn a_uri_where_a_name_belongs_is_not_shown() {
        let uri = "postgresql://u:hunter2@h/x";
        for variable in ["PGHOST", "PGDATABASE", "PGUSER"] {
            for value in [uri, "host=h password=hunter2 user=u"] {
                let said = message(&ConnectionFlags::default(), &[(variable, value)]);
                assert!(!said.contains("hunter2"), "{variable}: {said}");
                assert!(said.contains("pass it with -d"), "{variable}: {said}");
            }
        }
        let args = ConnectionFlags {
            host: Some(uri.to_owned()),
            ..ConnectionFlags::default()
        };
        assert!(!message(&args, &[]).contains("hunter2"));
    }

    #[test]
    fn a_connection_string_where_another_value_belongs_is_not_shown() {
        for variable in [
            "PGPORT",
            "PGHOSTADDR",
            "PGCONNECT_TIMEOUT",
            "PGSSLMODE",
            "PGSERVICE",
        ] {
            for value in ["postgresql://u:hunter2@h/x", "host=h password=hunter2"] {
                let said = message(&ConnectionFlags::default(), &[(variable, value)]);
                assert!(!said.contains("hunter2"), "{variable}: {said}");
                assert!(said.contains("\"…\""), "{variable}: {said}");
            }
        }
        // A comma of the password makes it two entries of a list, of which one has no `@`.
        for (variable, hosts) in [("PGHOSTADDR", ""), ("PGPORT", "a,b")] {
            let variables = [(variable, "postgresql://:hunter2,@s"), ("PGHOST", hosts)];
            let said = message(&ConnectionFlags::default(), &variables);
            assert!(!said.contains("hunter2"), "{variable}: {said}");
            assert!(said.contains("\"…\""), "{variable}: {said}");
        }
        let file = [
            ("PGSERVICE", "s"),
            ("PGSERVICEFILE", "host=h password=hunter2"),
        ];
        let said = message(&ConnectionFlags::default(), &file);
        assert_eq!(said, "service file \"…\" not found");
    }

    proptest! {
        #[test]
        fn no_message_of_the_settings_holds_a_password(
            // Long enough not to occur in a message by chance.
            password in "[0-9X]{3}[ -~]{0,8}[0-9X]{3}",
            form in 0..FORMS.len(),
        ) {
            let form = FORMS[form];
            // `u:100,XX0` is a list of two hosts where no `@` follows, for psql as well.
            let is_list = !form.contains('@') && form.starts_with("postgresql://u:");
            let password = if is_list { password.replace(',', ".") } else { password };
            let target = form.replace("{}", &password);
            let said = with_target(&target);
            prop_assert!(!said.contains(&password), "{}: {}", target, said);
        }
    }
}
