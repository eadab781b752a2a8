//! `~/.pgpass`: passwords by host, port, database and user.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Password;

/// The entries of a passfile, in its order. Read once: which password a
/// connection gets is then a pure question.
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
    /// A file that is not there or that others may read holds no passwords for
    /// us; of the latter the user has to know: the text is libpq's warning.
    pub fn read(path: &Path) -> (Self, Option<String>) {
        let Ok(metadata) = std::fs::metadata(path) else {
            return (Self::default(), None);
        };
        let shown = path.display();
        if !metadata.is_file() {
            let warning = format!("password file \"{shown}\" is not a plain file");
            return (Self::default(), Some(warning));
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            let warning = format!(
                "password file \"{shown}\" has group or world access; permissions should be u=rw (0600) or less"
            );
            return (Self::default(), Some(warning));
        }
        match std::fs::read(path) {
            Ok(bytes) => (Self::parse(path, &bytes), None),
            Err(error) => {
                let warning = format!("could not read password file \"{shown}\": {error}");
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

    /// The first entry that matches decides, even if its password is empty,
    /// which is as good as none.
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
    /// None for a line with too few fields: it can match nothing.
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
    /// A field and what follows its colon.
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

/// A backslash makes the next byte ordinary. Without a colon, nothing is after.
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
