//! How the number of a shard is part of its name. Pure.

use crate::sharding::shard::Shard;

/// How the number of a shard is part of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbering {
    before: String,
    after: String,
    /// The number of digits, with leading zeros.
    width: Option<usize>,
}

impl Numbering {
    pub fn new(before: &str, width: Option<usize>, after: &str) -> Self {
        Self {
            before: before.to_owned(),
            after: after.to_owned(),
            width,
        }
    }

    pub fn before(&self) -> &str {
        &self.before
    }

    pub fn after(&self) -> &str {
        &self.after
    }

    /// By the last number in a name; `None` if there is none, or if it is too large.
    pub fn of(shard: Shard) -> Option<(Self, u32)> {
        let name = shard.name();
        let end = name.rfind(|c: char| c.is_ascii_digit())? + 1;
        let start = name[..end]
            .rfind(|c: char| !c.is_ascii_digit())
            .map_or(0, |at| {
                at + name[at..].chars().next().map_or(1, char::len_utf8)
            });
        let digits = &name[start..end];
        let numbering = Self {
            before: name[..start].to_owned(),
            after: name[end..].to_owned(),
            width: (digits.len() > 1 && digits.starts_with('0')).then_some(digits.len()),
        };
        Some((numbering, digits.parse().ok()?))
    }

    pub fn shard(&self, number: u32) -> Shard {
        Shard::named(&format!(
            "{}{}{}",
            self.before,
            self.digits(number),
            self.after
        ))
    }

    pub fn digits(&self, number: u32) -> String {
        format!("{number:0width$}", width = self.width.unwrap_or(0))
    }

    pub fn number(&self, shard: Shard) -> Option<u32> {
        let name = shard.name().strip_prefix(self.before.as_str())?;
        name.strip_suffix(self.after.as_str())?.parse().ok()
    }

    pub fn has_suffix(&self) -> bool {
        !self.after.is_empty()
    }
}

impl Default for Numbering {
    fn default() -> Self {
        Self {
            before: "shard_".to_owned(),
            after: String::new(),
            width: None,
        }
    }
}
