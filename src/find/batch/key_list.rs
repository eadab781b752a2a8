//! Reads the keys of `--key-from FILE`: one per line, as they are, without blank lines.

use std::io::Read as _;

use crate::find::batch::input::{InputError, InputFile};
use crate::sharding::routing::key::Key;
use crate::sharding::routing::key_kind::KeyKind;
use crate::sharding::routing::key_kinds::KeyKinds;

/// # Errors
/// If the file cannot be read, has no keys, or a line is no key of the kind, which is guessed
/// without one.
pub fn read(
    file: &InputFile,
    kinds: &KeyKinds,
    kind: Option<&KeyKind>,
) -> Result<Vec<Key>, InputError> {
    let mut bytes = Vec::new();
    let read = file.open().and_then(|mut it| it.read_to_end(&mut bytes));
    read.map_err(|error| InputError::Unreadable {
        file: file.clone(),
        error,
    })?;
    // Windows editors write a byte-order mark.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let mut keys = Vec::new();
    for (line, bytes) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let invalid = |reason: String| InputError::Key {
            file: file.clone(),
            line,
            reason,
        };
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes);
        let text = text.map_err(|_| invalid("invalid UTF-8".to_owned()))?;
        if text.contains('\0') {
            return Err(invalid("the key contains a NUL byte".to_owned()));
        }
        if text.trim().is_empty() {
            continue;
        }
        let kind = match kind {
            Some(kind) => kind,
            None => kinds.guess(text).map_err(|it| invalid(it.to_string()))?,
        };
        keys.push(Key::new(text, kind).map_err(|error| invalid(error.to_string()))?);
    }
    if keys.is_empty() {
        return Err(InputError::NoKeys(file.clone()));
    }
    Ok(keys)
}
