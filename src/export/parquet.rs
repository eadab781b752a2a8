//! Parquet, with the types kept as far as it has them; all else is the server's text.
//!
//! | Postgres | Parquet |
//! | --- | --- |
//! | smallint, integer, bigint, real, double precision, boolean, date | the same |
//! | numeric(p,s), p to 38, s from 0 to p | decimal(p,s) |
//! | timestamp with time zone | timestamp, microseconds, UTC |
//! | timestamp | timestamp, microseconds, local |
//! | an array of one of these, or of text | a list |
//! | all others, numeric without precision too | string |
//!
//! A value that a type here cannot hold (NaN in a decimal, an infinite date, an array
//! of two dimensions) ends the export, rather than being another value.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder,
    Int16Builder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, ListArray, RecordBatch};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use tokio_postgres::types::{Kind, Type};

use super::ExportError;
use super::check::Counted;
use super::pack::{Content, Tally};
use super::writer::{Books, Input, Trouble};
use crate::row::{Column, Rows};
use crate::shard::Shard;
use crate::types::numeric;

/// Rows are encoded when there are this many, or when they are this large.
const BATCH_ROWS: usize = 8 << 10;
const BATCH_BYTES: usize = 4 << 20;

/// Encoded rows wait in memory for the end of their row group.
const ROW_GROUP_ROWS: usize = 1 << 20;
const ROW_GROUP_BYTES: usize = 32 << 20;

pub struct Parquet {
    shard_column: Option<String>,
    state: State,
}

enum State {
    Unopened(Tally),
    Open(Box<Open>),
    /// An error was told.
    Closed,
}

struct Open {
    writer: ArrowWriter<Tally>,
    schema: Arc<Schema>,
    names: Vec<String>,
    shards: Option<StringBuilder>,
    columns: Vec<Values>,
    rows: usize,
    bytes: usize,
}

impl Parquet {
    pub fn new(file: File, shard_column: Option<String>) -> Self {
        Self {
            shard_column,
            state: State::Unopened(Tally::new(file)),
        }
    }

    pub fn take(&mut self, input: Input, books: &mut Books) -> Result<(), Trouble> {
        match (input, &mut self.state) {
            (Input::Columns(columns), state) => {
                if let State::Unopened(tally) = std::mem::replace(state, State::Closed) {
                    let shard_column = self.shard_column.as_deref();
                    *state = State::Open(Box::new(Open::new(tally, shard_column, &columns)?));
                }
                Ok(())
            }
            (Input::Rows(shard, rows), State::Open(open)) => {
                books.add(shard, rows.text_bytes());
                open.push(shard, &rows)
            }
            _ => Ok(()),
        }
    }

    pub fn finish(&mut self) -> Result<Content, Trouble> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Open(open) => open.finish(),
            State::Unopened(_) | State::Closed => {
                Err(refused("no shard has said what columns there are"))
            }
        }
    }
}

impl Open {
    fn new(tally: Tally, shard_column: Option<&str>, columns: &[Column]) -> Result<Self, Trouble> {
        let mut seen: HashSet<&str> = shard_column.into_iter().collect();
        if let Some(twice) = columns.iter().find(|column| !seen.insert(&column.name)) {
            return Err(refused(&format!(
                "two columns are named \"{}\", and readers could not tell them apart; \
                 give one of them another name in the query: … AS other_name",
                twice.name
            )));
        }
        let values: Vec<_> = columns.iter().map(Values::of).collect();
        let shard = shard_column.map(|name| Field::new(name, DataType::Utf8, false));
        let fields = columns
            .iter()
            .zip(&values)
            .map(|(column, values)| Field::new(&column.name, values.data_type(), true));
        let schema = Arc::new(Schema::new(
            shard.into_iter().chain(fields).collect::<Vec<_>>(),
        ));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("shardq ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .build();
        Ok(Self {
            writer: ArrowWriter::try_new(tally, Arc::clone(&schema), Some(properties))?,
            schema,
            names: columns.iter().map(|column| column.name.clone()).collect(),
            shards: shard_column.map(|_| StringBuilder::new()),
            columns: values,
            rows: 0,
            bytes: 0,
        })
    }

    fn push(&mut self, shard: Shard, rows: &Rows) -> Result<(), Trouble> {
        let name = shard.to_string();
        for row in rows.iter() {
            for (index, (values, value)) in self.columns.iter_mut().zip(row.values()).enumerate() {
                if values.push(value).is_none() {
                    return Err(Trouble::Other(ExportError::Value {
                        column: self.names[index].clone(),
                        shard: name,
                        value: value.unwrap_or("NULL").to_owned(),
                        type_name: values.describe(),
                        format: "Parquet",
                    }));
                }
            }
            if let Some(shards) = &mut self.shards {
                shards.append_value(&name);
            }
        }
        self.rows += rows.len();
        self.bytes += rows.text_bytes();
        if self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES {
            self.encode()?;
        }
        Ok(())
    }

    fn encode(&mut self) -> Result<(), Trouble> {
        let shards = self.shards.iter_mut().map(ArrayBuilder::finish);
        let columns: Vec<ArrayRef> = shards
            .chain(self.columns.iter_mut().map(Values::finish))
            .collect();
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| refused(&error.to_string()))?;
        self.rows = 0;
        self.bytes = 0;
        Ok(self.writer.write(&batch)?)
    }

    fn finish(mut self) -> Result<Content, Trouble> {
        self.encode()?;
        Ok(self.writer.into_inner()?.content()?)
    }
}

/// The values of one column.
struct Values {
    scalars: Scalars,
    list: Option<Lists>,
}

/// Where the lists of a column end, and which are NULL.
#[derive(Default)]
struct Lists {
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

enum Scalars {
    Bool(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal {
        builder: Decimal128Builder,
        precision: u8,
        scale: u8,
    },
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    TimestampUtc(TimestampMicrosecondBuilder),
    Text(StringBuilder),
}

impl Values {
    fn of(column: &Column) -> Self {
        let Some(builtin) = column.builtin() else {
            return Self::text();
        };
        match builtin.kind() {
            Kind::Array(element) => match Scalars::of(element, column.modifier) {
                Some(scalars) => Self {
                    scalars,
                    list: Some(Lists::default()),
                },
                None => Self::text(),
            },
            _ => match Scalars::of(&builtin, column.modifier) {
                Some(scalars) => Self {
                    scalars,
                    list: None,
                },
                None => Self::text(),
            },
        }
    }

    fn text() -> Self {
        Self {
            scalars: Scalars::Text(StringBuilder::new()),
            list: None,
        }
    }

    fn data_type(&self) -> DataType {
        match self.list {
            None => self.scalars.data_type(),
            Some(_) => DataType::List(self.element()),
        }
    }

    fn element(&self) -> Arc<Field> {
        Arc::new(Field::new_list_field(self.scalars.data_type(), true))
    }

    fn describe(&self) -> &'static str {
        match self.list {
            None => self.scalars.describe(),
            Some(_) => "a list",
        }
    }

    /// `None` if the value is none that the type can hold.
    fn push(&mut self, value: Option<&str>) -> Option<()> {
        let Some(lists) = &mut self.list else {
            return self.scalars.push(value);
        };
        let mut length = 0;
        if let Some(text) = value {
            for element in elements(text)? {
                self.scalars.push(element.as_deref())?;
                length += 1;
            }
        }
        lists.lengths.push(length);
        lists.valid.push(value.is_some());
        Some(())
    }

    fn finish(&mut self) -> ArrayRef {
        let scalars = self.scalars.finish();
        let element = self.element();
        match &mut self.list {
            None => scalars,
            Some(lists) => {
                let Lists { lengths, valid } = std::mem::take(lists);
                Arc::new(ListArray::new(
                    element,
                    OffsetBuffer::from_lengths(lengths),
                    scalars,
                    Some(NullBuffer::from(valid)),
                ))
            }
        }
    }
}

impl Scalars {
    fn of(builtin: &Type, modifier: i32) -> Option<Self> {
        Some(match *builtin {
            Type::BOOL => Self::Bool(BooleanBuilder::new()),
            Type::INT2 => Self::Int16(Int16Builder::new()),
            Type::INT4 => Self::Int32(Int32Builder::new()),
            Type::INT8 => Self::Int64(Int64Builder::new()),
            Type::FLOAT4 => Self::Float32(Float32Builder::new()),
            Type::FLOAT8 => Self::Float64(Float64Builder::new()),
            Type::NUMERIC => {
                let (precision, scale) = numeric(u32::try_from(modifier - 4).ok()?);
                let precision = u8::try_from(precision).ok().filter(|p| *p <= 38)?;
                let scale = u8::try_from(scale).ok().filter(|s| *s <= precision)?;
                let builder = Decimal128Builder::new()
                    .with_precision_and_scale(precision, i8::try_from(scale).ok()?)
                    .ok()?;
                Self::Decimal {
                    builder,
                    precision,
                    scale,
                }
            }
            Type::DATE => Self::Date(Date32Builder::new()),
            Type::TIMESTAMP => Self::Timestamp(TimestampMicrosecondBuilder::new()),
            Type::TIMESTAMPTZ => {
                Self::TimestampUtc(TimestampMicrosecondBuilder::new().with_timezone("UTC"))
            }
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => {
                Self::Text(StringBuilder::new())
            }
            _ => return None,
        })
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Bool(_) => DataType::Boolean,
            Self::Int16(_) => DataType::Int16,
            Self::Int32(_) => DataType::Int32,
            Self::Int64(_) => DataType::Int64,
            Self::Float32(_) => DataType::Float32,
            Self::Float64(_) => DataType::Float64,
            Self::Decimal {
                precision, scale, ..
            } => DataType::Decimal128(*precision, scale.cast_signed()),
            Self::Date(_) => DataType::Date32,
            Self::Timestamp(_) => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::TimestampUtc(_) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Text(_) => DataType::Utf8,
        }
    }

    fn describe(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Int16(_) | Self::Int32(_) | Self::Int64(_) => "an integer",
            Self::Float32(_) | Self::Float64(_) => "a floating-point number",
            Self::Decimal { .. } => "a decimal",
            Self::Date(_) => "a date",
            Self::Timestamp(_) | Self::TimestampUtc(_) => "a timestamp",
            Self::Text(_) => "a string",
        }
    }

    fn push(&mut self, value: Option<&str>) -> Option<()> {
        // Every builder has `append_option`, of its own type.
        macro_rules! append {
            ($builder:expr, $parse:expr) => {
                match value {
                    Some(text) => $builder.append_value($parse(text)?),
                    None => $builder.append_null(),
                }
            };
        }
        match self {
            Self::Bool(builder) => append!(builder, boolean),
            Self::Int16(builder) => append!(builder, parsed),
            Self::Int32(builder) => append!(builder, parsed),
            Self::Int64(builder) => append!(builder, parsed),
            Self::Float32(builder) => append!(builder, parsed),
            Self::Float64(builder) => append!(builder, parsed),
            Self::Decimal { builder, scale, .. } => {
                append!(builder, |text| decimal(text, usize::from(*scale)));
            }
            Self::Date(builder) => append!(builder, date),
            Self::Timestamp(builder) => append!(builder, timestamp),
            Self::TimestampUtc(builder) => append!(builder, timestamp_utc),
            Self::Text(builder) => append!(builder, Some),
        }
        Some(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(builder) => ArrayBuilder::finish(builder),
            Self::Int16(builder) => ArrayBuilder::finish(builder),
            Self::Int32(builder) => ArrayBuilder::finish(builder),
            Self::Int64(builder) => ArrayBuilder::finish(builder),
            Self::Float32(builder) => ArrayBuilder::finish(builder),
            Self::Float64(builder) => ArrayBuilder::finish(builder),
            Self::Decimal { builder, .. } => ArrayBuilder::finish(builder),
            Self::Date(builder) => ArrayBuilder::finish(builder),
            Self::Timestamp(builder) | Self::TimestampUtc(builder) => ArrayBuilder::finish(builder),
            Self::Text(builder) => ArrayBuilder::finish(builder),
        }
    }
}

fn parsed<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "t" => Some(true),
        "f" => Some(false),
        _ => None,
    }
}

/// `-1.50` at scale 2 is -150. The server pads to the declared scale.
fn decimal(text: &str, scale: usize) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > scale {
        return None;
    }
    format!("{whole}{fraction:0<scale$}").parse().ok()
}

/// Days since 1970, from ISO text.
fn date(text: &str) -> Option<i32> {
    let date: Date = text.parse().ok()?;
    let epoch = Date::constant(1970, 1, 1);
    Some(epoch.until(date).ok()?.get_days())
}

/// Microseconds since 1970, from ISO text.
fn timestamp(text: &str) -> Option<i64> {
    let time: DateTime = text.parse().ok()?;
    Some(
        time.to_zoned(TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_microsecond(),
    )
}

/// The server ends such a time with its offset: `+00`, `-03:30`, `+01:22:45`.
fn timestamp_utc(text: &str) -> Option<i64> {
    // Behind the date, whose hyphens are no signs.
    let sign = text.get(10..)?.rfind(['+', '-'])? + 10;
    let (local, offset) = text.split_at(sign);
    let mut seconds = 0;
    for (part, unit) in offset[1..].split(':').zip([3600, 60, 1]) {
        seconds += part.parse::<i64>().ok()? * unit;
    }
    let seconds = if offset.starts_with('-') {
        -seconds
    } else {
        seconds
    };
    Some(timestamp(local)? - seconds * 1_000_000)
}

/// The elements of an array of one dimension, from the server's text.
///
/// Source: `array_out` in Postgres's `src/backend/utils/adt/arrayfuncs.c`.
fn elements(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    if inner.is_empty() {
        return Some(elements);
    }
    let mut characters = inner.chars().peekable();
    loop {
        let quoted = characters.next_if_eq(&'"').is_some();
        let mut element = String::new();
        loop {
            match characters.peek() {
                None | Some(',') if !quoted => break,
                // A second dimension.
                Some('{') if !quoted => return None,
                _ => {}
            }
            match characters.next()? {
                '"' if quoted => break,
                '\\' => element.push(characters.next()?),
                character => element.push(character),
            }
        }
        elements.push((quoted || element != "NULL").then_some(element));
        match characters.next() {
            None => return Some(elements),
            Some(',') => {}
            Some(_) => return None,
        }
    }
}

/// The rows of a file, in all and by shard.
pub fn count(path: &Path, shard_column: bool) -> io::Result<Counted> {
    let broken = |error: ParquetError| io::Error::other(error.to_string());
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?).map_err(broken)?;
    let rows = builder.metadata().file_metadata().num_rows();
    let rows = u64::try_from(rows).map_err(io::Error::other)?;
    let mut shards = BTreeMap::new();
    if shard_column {
        let first = ProjectionMask::roots(builder.parquet_schema(), [0]);
        let reader = builder.with_projection(first).build().map_err(broken)?;
        for batch in reader {
            let batch = batch.map_err(io::Error::other)?;
            let names = batch.column(0).as_string_opt::<i32>();
            let names = names.ok_or_else(|| io::Error::other("the shard is no string"))?;
            for name in names.iter().flatten() {
                match shards.get_mut(name) {
                    Some(count) => *count += 1,
                    None => _ = shards.insert(name.to_owned(), 1),
                }
            }
        }
    }
    Ok(Counted { rows, shards })
}

fn refused(reason: &str) -> Trouble {
    Trouble::Other(ExportError::Encoder {
        file: "Parquet".to_owned(),
        reason: reason.to_owned(),
    })
}

impl From<ParquetError> for Trouble {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(source) => match source.downcast::<io::Error>() {
                Ok(error) => Self::Io(*error),
                Err(other) => refused(&other.to_string()),
            },
            other => refused(&other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_microseconds_in_utc() {
        assert_eq!(timestamp_utc("1970-01-01 00:00:01+00"), Some(1_000_000));
        assert_eq!(timestamp_utc("1970-01-01 01:00:00+01"), Some(0));
        assert_eq!(timestamp_utc("1969-12-31 20:30:00-03:30"), Some(0));
        assert_eq!(
            timestamp_utc("2017-05-19 21:00:27.943+00"),
            Some(1_495_227_627_943_000)
        );
        assert_eq!(
            timestamp("2017-05-19 21:00:27.943"),
            timestamp_utc("2017-05-19 21:00:27.943+00")
        );
        for text in ["infinity", "0044-03-15 00:00:00+00 BC", "19/05/2017"] {
            assert_eq!(timestamp_utc(text), None, "{text}");
        }
        assert_eq!(date("1970-01-02"), Some(1));
        assert_eq!(date("1969-12-31"), Some(-1));
        assert_eq!(date("2026-11-20"), Some(20_777));
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal("1.50", 2), Some(150));
        assert_eq!(decimal("-0.05", 2), Some(-5));
        assert_eq!(decimal("7", 3), Some(7000));
        assert_eq!(decimal("NaN", 2), None);
        assert_eq!(
            decimal("99999999999999999999999999999999999999", 0),
            Some(99_999_999_999_999_999_999_999_999_999_999_999_999)
        );
    }

    #[test]
    fn arrays_are_read_as_the_server_writes_them() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(elements("{}"), Some(vec![]));
        assert_eq!(
            elements(r#"{1,NULL,"NULL","a \"b\" \\,{}",""}"#),
            Some(vec![
                some("1"),
                None,
                some("NULL"),
                some(r#"a "b" \,{}"#),
                some("")
            ])
        );
        assert_eq!(elements("{{1},{2}}"), None);
        assert_eq!(elements("[0:1]={1,2}"), None);
    }
}
