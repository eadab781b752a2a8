//! How a shard's rows arrive: as values, or as lines that the server has formatted and that are
//! passed on byte for byte.

use crate::output::format::{Delimiter, csv, tsv};
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
    /// The prefix of each line of a shard.
    pub fn lead(&self, shard: Shard) -> Vec<u8> {
        let mut lead = Vec::new();
        if !self.shard_column {
            return lead;
        }
        match self.format {
            CopyFormat::Csv => {
                let null = self.null.as_deref().unwrap_or_default();
                csv::field(shard.name(), null, self.delimiter, &mut lead);
                lead.push(self.delimiter.byte());
            }
            CopyFormat::Text => {
                tsv::escaped(shard.name(), &mut lead);
                lead.push(b'\t');
            }
        }
        lead
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

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: CopyOptions = CopyOptions {
        format: CopyFormat::Csv,
        null: None,
        delimiter: Delimiter::COMMA,
        shard_column: true,
    };

    fn csv(null: Option<&str>, delimiter: &str) -> CopyOptions {
        CopyOptions {
            null: null.map(str::to_owned),
            delimiter: delimiter.parse().unwrap(),
            ..CSV
        }
    }

    #[test]
    fn a_line_begins_with_its_shard() {
        let lead = |options: &CopyOptions| String::from_utf8(options.lead(Shard::new(3))).unwrap();
        assert_eq!(lead(&csv(None, ",")), "shard_3,");
        assert_eq!(lead(&csv(Some("-"), ";")), "shard_3;");
        // Unquoted, it would be read as NULL.
        assert_eq!(lead(&csv(Some("shard_3"), ",")), "\"shard_3\",");
        let text = CopyOptions {
            format: CopyFormat::Text,
            ..CSV
        };
        assert_eq!(lead(&text), "shard_3\t");
        let odd = Shard::named("a;\"b\"\\\n");
        assert_eq!(csv(None, ";").lead(odd), b"\"a;\"\"b\"\"\\\n\";");
        assert_eq!(text.lead(odd), b"a;\"b\"\\\\\\n\t");
        let without = CopyOptions {
            shard_column: false,
            ..CSV
        };
        assert_eq!(lead(&without), "");
    }

    #[test]
    fn copy_gets_only_options_that_differ_from_its_own() {
        let options = |options: CopyOptions| {
            let (format, others) = options.options();
            format!("{format}{others}")
        };
        assert_eq!(options(CSV), "csv");
        assert_eq!(options(csv(None, ";")), "csv, DELIMITER ';'");
        assert_eq!(options(csv(Some("it's"), ",")), "csv, NULL 'it''s'");
        let text = CopyOptions {
            format: CopyFormat::Text,
            ..csv(None, ";")
        };
        assert_eq!(options(text), "text", "the delimiter is for CSV");
    }

    #[test]
    fn a_batch_that_is_taken_leaves_an_empty_one() {
        let mut chunk = CopyChunk::default();
        chunk.push(b"shard_0,", b"a\n");
        chunk.push(b"shard_0,", b"b\n");
        let taken = chunk.take();
        assert_eq!(taken.text, b"shard_0,a\nshard_0,b\n");
        assert_eq!((taken.rows, chunk.rows, chunk.text.len()), (2, 0, 0));
    }
}
