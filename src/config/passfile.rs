//! `~/.pgpass`: passwords by host, port, database and user.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Password;
use crate::text::io_reason::io_reason;

/// The entries of a passfile, in order. Read once, so that looking up a password is pure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Passfile {
    path: PathBuf,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Host, port, database, user.
    fields: [Field; 4],
    password: Password,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    Any,
    Is(Vec<u8>),
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
        let entries = bytes
            .split(|&b| b == b'\n')
            .filter(|line| !line.starts_with(b"#"))
            .filter_map(Entry::parse)
            .collect();
        Self {
            path: path.to_owned(),
            entries,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first matching entry decides, even if its password is empty, which counts as none.
    pub fn find(&self, host: &str, port: u16, database: &str, user: &str) -> Option<&Password> {
        let port = port.to_string();
        let wanted = [host, &port, database, user];
        self.entries
            .iter()
            .find(|entry| entry.fields.iter().zip(wanted).all(|(f, w)| f.matches(w)))
            .map(|entry| &entry.password)
            .filter(|password| !password.is_empty())
    }
}

impl Entry {
    /// `None` for a line with too few fields, which cannot match.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut rest = line.strip_suffix(b"\r").unwrap_or(line);
        let mut field = || {
            let (field, after) = Field::parse(rest)?;
            rest = after;
            Some(field)
        };
        let fields = [field()?, field()?, field()?, field()?];
        Some(Self {
            fields,
            password: Password::from(unescape_until_colon(rest).0),
        })
    }
}

impl Field {
    /// A field and the text after its colon.
    fn parse(text: &[u8]) -> Option<(Self, &[u8])> {
        if let Some(after) = text.strip_prefix(b"*:") {
            return Some((Self::Any, after));
        }
        let (value, after) = unescape_until_colon(text);
        Some((Self::Is(value), after?))
    }

    fn matches(&self, wanted: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Is(value) => value == wanted.as_bytes(),
        }
    }
}

/// A backslash escapes the next byte. The rest is `None` if there is no colon.
fn unescape_until_colon(text: &[u8]) -> (Vec<u8>, Option<&[u8]>) {
    let mut value = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after.split_first()) {
            (b':', _) => return (value, Some(after)),
            (b'\\', Some((&escaped, after))) => {
                value.push(escaped);
                rest = after;
            }
            (byte, _) => value.push(byte),
        }
    }
    (value, None)
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
            Some(&Password::from("secret"))
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
