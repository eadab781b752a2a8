//! `~/.pgpass`: passwords by host, port, database and user.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Password;
use crate::text::io_reason::io_reason;

/// The entries of a passfile, in order. Read once, so that looking up a password is pure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Passfile {
    path: PathBuf,
    /// Whole lines, since each has a password in it.
    lines: Vec<Password>,
}

impl Passfile {
    /// A missing file, or one that others can read, yields no passwords; the latter with libpq's
    /// warning.
    pub fn read(path: &Path) -> (Self, Option<String>) {
        let Ok(metadata) = std::fs::metadata(path) else {
            return (Self::default(), None);
        };
        let shown = path.display();
        if !metadata.is_file() {
            let warning = format!("shardq: warning: password file \"{shown}\" is not a plain file");
            return (Self::default(), Some(warning));
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            let warning = format!(
                "shardq: warning: password file \"{shown}\" has group or world access; permissions \
                 should be u=rw (0600) or less"
            );
            return (Self::default(), Some(warning));
        }
        match std::fs::read(path) {
            Ok(bytes) => (Self::parse(path, &bytes), None),
            Err(error) => {
                let warning = format!(
                    "shardq: warning: could not read password file \"{shown}\": {}",
                    io_reason(&error)
                );
                (Self::default(), Some(warning))
            }
        }
    }

    fn parse(path: &Path, bytes: &[u8]) -> Self {
        let lines = bytes
            .split(|&b| b == b'\n')
            .filter(|line| !line.starts_with(b"#"))
            .map(|line| Password::from(without_returns(line).to_vec()));
        Self {
            path: path.to_owned(),
            lines: lines.collect(),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first matching entry decides, even if its password is empty, which counts as none.
    pub fn find(&self, host: &str, port: u16, database: &str, user: &str) -> Option<Password> {
        let port = port.to_string();
        let wanted = [host, &port, database, user];
        let mut lines = self.lines.iter();
        let rest = lines.find_map(|line| {
            let mut fields = wanted.into_iter();
            fields.try_fold(line.as_bytes(), |rest, field| after_field(rest, field))
        })?;
        let password = Password::from(unescaped(rest));
        (!password.is_empty()).then_some(password)
    }
}

/// Source: `pg_strip_crlf` in Postgres's `src/common/string.c`.
fn without_returns(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|&byte| byte != b'\r');
    &line[..end.map_or(0, |last| last + 1)]
}

/// What follows a field and its colon, if it has this value. A colon in the value may be escaped or
/// not. Source: `pwdfMatchesString` in Postgres's `src/interfaces/libpq/fe-connect.c`.
fn after_field<'a>(line: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    if let Some(after) = line.strip_prefix(b"*:") {
        return Some(after);
    }
    let (mut rest, mut wanted) = (line, wanted.as_bytes());
    loop {
        let (byte, after) = rest.split_first()?;
        if *byte == b':' && wanted.is_empty() {
            return Some(after);
        }
        let (byte, after) = match byte {
            b'\\' => after.split_first()?,
            byte => (byte, after),
        };
        let (expected, later) = wanted.split_first()?;
        if byte != expected {
            return None;
        }
        (rest, wanted) = (after, later);
    }
}

/// Up to a colon. A backslash escapes the next byte.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b':' => break,
            b'\\' => value.push(bytes.next().unwrap_or(b'\\')),
            byte => value.push(byte),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn find(file: &str, wanted: (&str, u16, &str, &str)) -> Option<String> {
        let passfile = Passfile::parse(Path::new("test"), file.as_bytes());
        let (host, port, database, user) = wanted;
        let password = passfile.find(host, port, database, user)?;
        Some(String::from_utf8(password.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_colon_in_a_value_need_not_be_escaped() {
        let of = |file: &str, user: &str| find(file, ("db1", 5432, "builder", user));
        assert_eq!(of("*:*:*:a:b:c\n", "a:b").as_deref(), Some("c"));
        assert_eq!(of("*:*:*:a:b:c\n", "a").as_deref(), Some("b"));
        assert_eq!(of("*:*:*:a\\:b:c\n", "a:b").as_deref(), Some("c"));
    }

    #[test]
    fn a_line_ends_before_its_carriage_returns() {
        let password = find("*:*:*:*:one\r\r\r\n", ("db1", 5432, "builder", "hab"));
        assert_eq!(password.as_deref(), Some("one"));
    }

    #[test]
    fn the_first_line_that_matches_decides() {
        let file = "\
# db1:5432:builder:hab:comment
db1:5432:builder:hab:one\r
db1:*:builder:hab:two
*:*:*:hab:three

too:few:fields
db2:*:*:*:
*:*:*:*:four:ignored
";
        let of = |wanted| find(file, wanted);
        assert_eq!(of(("db1", 5432, "builder", "hab")).as_deref(), Some("one"));
        assert_eq!(of(("db1", 5433, "builder", "hab")).as_deref(), Some("two"));
        assert_eq!(of(("db9", 5432, "other", "hab")).as_deref(), Some("three"));
        assert_eq!(
            of(("db2", 5432, "other", "eve")),
            None,
            "an empty password is none"
        );
        assert_eq!(of(("db9", 5432, "other", "eve")).as_deref(), Some("four"));
    }

    #[test]
    fn a_star_is_any_only_when_it_stands_alone() {
        assert_eq!(find("db*:*:*:*:x", ("db1", 5432, "d", "u")), None);
        assert_eq!(find(r"\*:*:*:*:x", ("db1", 5432, "d", "u")), None);
        assert_eq!(
            find(r"\*:*:*:*:x", ("*", 5432, "d", "u")).as_deref(),
            Some("x")
        );
    }

    #[test]
    fn a_file_that_others_can_read_is_ignored_with_a_warning() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "*:*:*:*:secret\n").unwrap();
        let chmod = |mode| {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        };

        chmod(0o640);
        let (passfile, warning) = Passfile::read(file.path());
        assert_eq!(passfile.find("h", 1, "d", "u"), None);
        assert!(
            warning
                .unwrap()
                .ends_with("has group or world access; permissions should be u=rw (0600) or less")
        );

        chmod(0o600);
        let (passfile, warning) = Passfile::read(file.path());
        assert_eq!(
            passfile.find("h", 1, "d", "u"),
            Some(Password::from("secret"))
        );
        assert_eq!(warning, None);
    }

    #[test]
    fn no_debug_output_shows_a_password() {
        let passfile = Passfile::parse(Path::new("test"), b"*:*:*:*:secret");
        assert!(!format!("{passfile:?}").contains("secret"));
    }

    proptest! {
        #[test]
        fn a_backslash_makes_any_character_ordinary(
            host in "[^\n\r\0]+", database in "[^\n\r\0]+", password in "[^\n\r\0]+",
        ) {
            let escape = |text: &str| text.replace('\\', r"\\").replace(':', r"\:");
            let host_field = if host.starts_with('#') || host == "*" {
                format!(r"\{}", escape(&host))
            } else {
                escape(&host)
            };
            let database_field = if database == "*" { r"\*".to_owned() } else { escape(&database) };
            let line = format!("{host_field}:5432:{database_field}:*:{}", escape(&password));
            prop_assert_eq!(find(&line, (&host, 5432, &database, "u")), Some(password));
        }

        #[test]
        fn any_bytes_are_a_passfile(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let passfile = Passfile::parse(Path::new("test"), &bytes);
            // A line has five fields.
            let found = passfile.find("h", 5432, "d", "u").is_some();
            prop_assert!(!found || bytes.split(|byte| *byte == b':').count() >= 5);
        }
    }
}
