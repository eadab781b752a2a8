//! Collects the values of one column, from text into an Arrow array.

use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder,
    Int16Builder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, ListArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, FieldRef};

use super::text::{boolean, date, decimal, elements, parsed, timestamp, timestamp_utc};

pub struct Values {
    scalars: Scalars,
    list: Option<Lists>,
}

/// The length of each list in a column, and whether it is NULL.
struct Lists {
    element: FieldRef,
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
        scale: usize,
    },
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    TimestampUtc(TimestampMicrosecondBuilder),
    Text(StringBuilder),
}

impl Values {
    pub fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::List(element) => Self {
                scalars: Scalars::of(element.data_type()),
                list: Some(Lists {
                    element: Arc::clone(element),
                    lengths: Vec::new(),
                    valid: Vec::new(),
                }),
            },
            scalar => Self {
                scalars: Scalars::of(scalar),
                list: None,
            },
        }
    }

    pub fn describe(&self) -> &'static str {
        match self.list {
            None => self.scalars.describe(),
            Some(_) => "a list",
        }
    }

    /// `None` if the type cannot hold the value.
    pub fn push(&mut self, value: Option<&str>) -> Option<()> {
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

    pub fn finish(&mut self) -> ArrayRef {
        let scalars = self.scalars.finish();
        match &mut self.list {
            None => scalars,
            Some(lists) => Arc::new(ListArray::new(
                Arc::clone(&lists.element),
                OffsetBuffer::from_lengths(std::mem::take(&mut lists.lengths)),
                scalars,
                Some(NullBuffer::from(std::mem::take(&mut lists.valid))),
            )),
        }
    }
}

impl Scalars {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Int16 => Self::Int16(Int16Builder::new()),
            DataType::Int32 => Self::Int32(Int32Builder::new()),
            DataType::Int64 => Self::Int64(Int64Builder::new()),
            DataType::Float32 => Self::Float32(Float32Builder::new()),
            DataType::Float64 => Self::Float64(Float64Builder::new()),
            DataType::Decimal128(_, scale) => Self::Decimal {
                builder: Decimal128Builder::new().with_data_type(data_type.clone()),
                scale: usize::from(scale.unsigned_abs()),
            },
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Timestamp(_, None) => Self::Timestamp(TimestampMicrosecondBuilder::new()),
            DataType::Timestamp(_, Some(zone)) => Self::TimestampUtc(
                TimestampMicrosecondBuilder::new().with_timezone(Arc::clone(zone)),
            ),
            _ => Self::Text(StringBuilder::new()),
        }
    }

    fn describe(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Int16(_) | Self::Int32(_) | Self::Int64(_) => "an integer",
            Self::Float32(_) | Self::Float64(_) => "a floating-point number",
            Self::Decimal { .. } => "a decimal",
            Self::Date(_) => "a date of the years 1 to 9999",
            Self::Timestamp(_) | Self::TimestampUtc(_) => "a timestamp of the years 1 to 9999",
            Self::Text(_) => "a string",
        }
    }

    fn push(&mut self, value: Option<&str>) -> Option<()> {
        // Every builder has its own `append_value` and `append_null`; there is no common trait.
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
                append!(builder, |text| decimal(text, *scale));
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
