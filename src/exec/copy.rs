//! How a shard's rows arrive: as values, or as lines that the server has formatted and that are
//! passed on byte for byte.

use crate::output::format::Delimiter;
use crate::pg::quote::Literal;
use crate::sharding::shard::Shard;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ResultProtocol {
    /// Values, from the simple query protocol.
    #[default]
    SimpleQuery,
    /// Lines, from `COPY … TO STDOUT`.
    Copy(CopyOptions),
}

impl ResultProtocol {
    pub fn copying(&self) -> Option<&CopyOptions> {
        match self {
            Self::SimpleQuery => None,
            Self::Copy(copying) => Some(copying),
        }
    }

    /// The supported kinds of query, for an error message.
    pub fn taken(&self) -> &'static str {
        match self {
            Self::SimpleQuery => "shardq accepts SELECT, VALUES, TABLE, WITH, SHOW and EXPLAIN",
            Self::Copy(_) => {
                "COPY, which writes this format, accepts SELECT, VALUES, TABLE and WITH; --format \
                 jsonl also accepts SHOW and EXPLAIN"
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOptions {
    pub format: CopyFormat,
    /// Written for NULL instead of the format's default.
    pub null: Option<String>,
    /// For CSV only.
    pub delimiter: Delimiter,
    /// Whether each line begins with its shard's name.
    pub shard_column: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFormat {
    Csv,
    Text,
}

/// Lines of one shard, and how many rows they are.
#[derive(Debug, Default)]
pub struct CopyChunk {
    pub text: Vec<u8>,
    pub rows: u64,
}

impl CopyOptions {
    /// The prefix of each line of a shard. A shard's name needs no quotes, unless it is the NULL
    /// string.
    pub fn lead(&self, shard: Shard) -> Vec<u8> {
        let name = shard.to_string();
        let delimiter = self.delimiter;
        match (self.shard_column, self.format) {
            (false, _) => Vec::new(),
            (true, CopyFormat::Csv) if self.null.as_ref() == Some(&name) => {
                format!("\"{name}\"{delimiter}").into_bytes()
            }
            (true, CopyFormat::Csv) => format!("{name}{delimiter}").into_bytes(),
            (true, CopyFormat::Text) => format!("{name}\t").into_bytes(),
        }
    }

    /// The format's name, and other options, each after a comma.
    pub(crate) fn options(&self) -> (&'static str, String) {
        let format = match self.format {
            CopyFormat::Csv => "csv",
            CopyFormat::Text => "text",
        };
        let mut others = match &self.null {
            Some(null) => format!(", NULL {}", Literal(null)),
            None => String::new(),
        };
        if self.format == CopyFormat::Csv && self.delimiter != Delimiter::COMMA {
            others += ", DELIMITER ";
            others += &Literal(&self.delimiter.to_string()).to_string();
        }
        (format, others)
    }
}

impl CopyChunk {
    pub fn push(&mut self, lead: &[u8], line: &[u8]) {
        self.text.extend_from_slice(lead);
        self.text.extend_from_slice(line);
        self.rows += 1;
    }

    /// Returns the batch and leaves an empty one.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}
