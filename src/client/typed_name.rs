//! A column's name with its type in front of it, `20:-1:id`: how `row_description` hands types
//! through tokio-postgres.

use crate::pg::row_batch::Column;

/// The tag of a row description.
pub const ROW_DESCRIPTION: u8 = b'T';

/// The bytes after a field's name: table, attribute, type, type length, modifier, format.
pub const FIELD_TAIL: usize = 4 + 2 + 4 + 2 + 4 + 2;

/// Parses a rewritten name.
pub fn column(rewritten: &str) -> Option<Column> {
    let mut parts = rewritten.splitn(3, ':');
    let type_oid = parts.next()?.parse().ok()?;
    let modifier = parts.next()?.parse().ok()?;
    let name = parts.next()?.to_owned();
    Some(Column {
        name,
        type_oid,
        modifier,
    })
}

/// Builds the complete message for a row description's body, with types in the names.
pub fn rewrite(mut body: &[u8]) -> Option<Vec<u8>> {
    let fields = u16::from_be_bytes(*body.split_off(..2)?.first_chunk()?);
    let mut new = fields.to_be_bytes().to_vec();
    for _ in 0..fields {
        let end = body.iter().position(|&byte| byte == 0)?;
        let name = body.split_off(..=end)?;
        let tail = body.split_off(..FIELD_TAIL)?;
        let type_oid = u32::from_be_bytes(*tail[6..].first_chunk()?);
        let modifier = i32::from_be_bytes(*tail[12..].first_chunk()?);
        new.extend_from_slice(format!("{type_oid}:{modifier}:").as_bytes());
        new.extend_from_slice(name);
        new.extend_from_slice(tail);
    }
    if !body.is_empty() {
        return None;
    }
    let length = u32::try_from(new.len() + 4).ok()?;
    let mut message = vec![ROW_DESCRIPTION];
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(&new);
    Some(message)
}
