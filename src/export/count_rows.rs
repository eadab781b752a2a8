//! Counts the rows of a text file, in total and per shard, and parses no more than the first
//! column.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::file_format::FileFormat;

pub struct Counter {
    format: FileFormat,
    delimiter: u8,
    cells: Cells,
    /// Whether the header line is still to come.
    header: bool,
    /// What precedes the shard's name in a line of JSON; empty in other formats.
    before: Option<Vec<u8>>,
    /// Inside a quoted CSV field.
    quoted: bool,
    /// The start of the current line, as far as a shard's name can reach.
    start: Vec<u8>,
    begun: bool,
    counted: RowCounts,
    /// Rows of one shard are adjacent.
    current: (String, u64),
}

/// A schema's name has 63 bytes, each of which JSON can write as `\u0000`; and what is around it.
const LONGEST_NAME: usize = 63 * 6 + 8;

/// How values are written in CSV.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cells {
    Plain,
    /// From spreadsheets: `'=1`, `="1"` ([`super::excel`]).
    Protected,
}

impl Counter {
    pub fn new(format: FileFormat, header: bool, shard_column: Option<&str>) -> Self {
        let before = shard_column.map(|name| match format {
            FileFormat::Jsonl => format!("{{{}:", serde_json::Value::from(name)).into_bytes(),
            _ => Vec::new(),
        });
        Self {
            format,
            delimiter: b',',
            cells: Cells::Plain,
            header,
            before,
            quoted: false,
            start: Vec::new(),
            begun: false,
            counted: RowCounts::default(),
            current: (String::new(), 0),
        }
    }

    /// For CSV with another delimiter, or for spreadsheets.
    #[must_use]
    pub fn with_csv(self, delimiter: u8, cells: Cells) -> Self {
        Self {
            delimiter,
            cells,
            ..self
        }
    }

    pub fn take(&mut self, mut block: &[u8]) {
        let csv = self.format == FileFormat::Csv;
        let room = self.before.as_ref().map_or(0, Vec::len) + LONGEST_NAME;
        while !block.is_empty() {
            // Up to a line end, or to a quote, which decides whether a line end counts.
            let stop = block
                .iter()
                .position(|&byte| byte == b'\n' || (csv && byte == b'"'));
            let end = stop.map_or(block.len(), |at| at + 1);
            let (piece, rest) = block.split_at(end);
            block = rest;
            self.begun = true;
            let fits = piece.len().min(room.saturating_sub(self.start.len()));
            self.start.extend_from_slice(&piece[..fits]);
            match (stop, piece.last()) {
                (Some(_), Some(b'"')) => self.quoted = !self.quoted,
                (Some(_), _) if !self.quoted => self.line(),
                _ => {}
            }
        }
    }

    pub fn finish(mut self) -> RowCounts {
        if self.begun {
            self.line();
        }
        self.settle();
        self.counted
    }

    fn line(&mut self) {
        self.begun = false;
        let start = std::mem::take(&mut self.start);
        if std::mem::take(&mut self.header) {
            return;
        }
        self.counted.rows += 1;
        let Some(before) = &self.before else { return };
        let name = start.strip_prefix(before.as_slice()).unwrap_or_default();
        let name = name.strip_prefix(b"\xef\xbb\xbf").unwrap_or(name);
        let name = match self.format {
            FileFormat::Jsonl => json_string(name),
            FileFormat::Tsv => tsv_field(name),
            _ => self.csv_field(name),
        };
        if name == self.current.0.as_bytes() {
            self.current.1 += 1;
        } else {
            let name = String::from_utf8_lossy(&name).into_owned();
            self.settle();
            self.current = (name, 1);
        }
    }

    /// The first field of a line.
    fn csv_field<'a>(&self, line: &'a [u8]) -> Cow<'a, [u8]> {
        let is_end = |byte: &u8| [self.delimiter, b'\r', b'\n'].contains(byte);
        let Some(quoted) = line.strip_prefix(b"\"") else {
            let field = &line[..line.iter().position(is_end).unwrap_or(line.len())];
            return Cow::Borrowed(match field.strip_prefix(b"'") {
                Some(protected) if self.cells == Cells::Protected => protected,
                _ => field,
            });
        };
        let mut field = Vec::new();
        let mut bytes = quoted.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            if byte == b'"' && bytes.next_if_eq(&b'"').is_none() {
                break;
            }
            field.push(byte);
        }
        if self.cells == Cells::Protected {
            let inner = field
                .strip_prefix(b"=\"")
                .and_then(|it| it.strip_suffix(b"\""));
            if let Some(inner) = inner.or_else(|| field.strip_prefix(b"'")) {
                field = inner.to_vec();
            }
        }
        Cow::Owned(field)
    }

    fn settle(&mut self) {
        let (name, rows) = std::mem::take(&mut self.current);
        if rows > 0 {
            *self.counted.shards.entry(name).or_default() += rows;
        }
    }
}

/// The first field of a line, in the format of COPY.
fn tsv_field(line: &[u8]) -> Cow<'_, [u8]> {
    let end = line.iter().position(|byte| b"\t\n".contains(byte));
    let field = &line[..end.unwrap_or(line.len())];
    if !field.contains(&b'\\') {
        return Cow::Borrowed(field);
    }
    let mut unescaped = Vec::new();
    let mut bytes = field.iter().copied();
    while let Some(byte) = bytes.next() {
        unescaped.push(match byte {
            b'\\' => match bytes.next().unwrap_or(b'\\') {
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'v' => 11,
                other => other,
            },
            other => other,
        });
    }
    Cow::Owned(unescaped)
}

/// The string that a text begins with.
fn json_string(text: &[u8]) -> Cow<'_, [u8]> {
    let mut strings = serde_json::Deserializer::from_slice(text).into_iter::<String>();
    match strings.next() {
        Some(Ok(string)) => Cow::Owned(string.into_bytes()),
        _ => Cow::Borrowed(b""),
    }
}

/// Counted from the file's content, not taken from the manifest.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    pub rows: u64,
    pub shards: BTreeMap<String, u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(format: FileFormat, header: bool, text: &str, block: usize) -> RowCounts {
        let mut counter = Counter::new(format, header, Some("shard"));
        for block in text.as_bytes().chunks(block) {
            counter.take(block);
        }
        counter.finish()
    }

    #[test]
    fn a_line_break_inside_quotes_ends_no_row() {
        let text = "shard,a\nshard_1,\"x\n\"\"y\nz\"\nshard_1,\nshard_2,\"\"\n";
        for block in 1..9 {
            let counted = counted(FileFormat::Csv, true, text, block);
            assert_eq!(counted.rows, 3);
            assert_eq!(counted.shards["shard_1"], 2);
            assert_eq!(counted.shards["shard_2"], 1);
        }
    }

    #[test]
    fn json_has_the_shard_behind_its_key() {
        let text = "{\"shard\":\"shard_1\",\"a\":1}\n{\"shard\":\"shard_12\"}\n";
        let counted = counted(FileFormat::Jsonl, false, text, 5);
        assert_eq!(counted.rows, 2);
        assert_eq!(counted.shards["shard_12"], 1);
    }

    #[test]
    fn names_are_read_as_they_were_written() {
        let shards = |format, text: &str, delimiter, cells| {
            let counter = Counter::new(format, false, Some("shard"));
            let mut counter = counter.with_csv(delimiter, cells);
            counter.take(text.as_bytes());
            let shards = counter.finish().shards;
            shards.into_keys().collect::<Vec<_>>()
        };
        let csv = |text, delimiter, cells| shards(FileFormat::Csv, text, delimiter, cells);
        assert_eq!(csv("a/b c,1\n", b',', Cells::Plain), ["a/b c"]);
        assert_eq!(csv("a,b;1\r\n", b';', Cells::Plain), ["a,b"]);
        assert_eq!(csv("\"a=\"\"b\"\"\",1\n", b',', Cells::Plain), ["a=\"b\""]);
        assert_eq!(
            csv("'=a,1\n\"=\"\"12\"\"\",1\n", b',', Cells::Protected),
            ["12", "=a"]
        );
        assert_eq!(
            shards(FileFormat::Tsv, "a\\tb\\\\\t1\n", b',', Cells::Plain),
            ["a\tb\\"]
        );
        let json = "{\"shard\":\"a\\\"\\u0001,\",\"n\":1}\n";
        assert_eq!(
            shards(FileFormat::Jsonl, json, b',', Cells::Plain),
            ["a\"\u{1},"]
        );
    }

    proptest! {
        #[test]
        fn rows_are_counted_whatever_is_in_them(
            values in prop::collection::vec("[a\",\n\r;]{0,8}", 0..20),
            block in 1usize..40,
        ) {
            let mut text = String::from("shard,v\n");
            for value in &values {
                text.extend(["shard_7,\"", &value.replace('"', "\"\""), "\"\n"]);
            }
            let counted = counted(FileFormat::Csv, true, &text, block);
            prop_assert_eq!(counted.rows, values.len() as u64);
        }
    }
}
