//! Excel workbooks. The first sheet has the result, with typed cells and a frozen header; the
//! second says what was queried.
//!
//! Rows go to temporary files until the end, so memory does not grow with the result.

mod cell;

use std::collections::HashMap;

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::ExportError;
use super::compress::{FileDigest, HashingFile};
use super::encoder::{EncodeError, WriteStats, WriterCommand};
use super::provenance::Provenance;
use crate::pg::row_batch::{Column, Rows};
use crate::sharding::shard::Shard;
use cell::{Cell, CellType, Day};

/// Limits of the format: <https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3>.
const MOST_ROWS: u32 = 1_048_576;
const MOST_COLUMNS: usize = 16_384;
const LONGEST_TEXT: usize = 32_767;

/// Column widths, in characters, are those of the first rows, within these limits.
const NARROW: u16 = 8;
const WIDE: u16 = 60;
const MEASURED_ROWS: u32 = 1000;

const RESULT: usize = 0;

pub struct Xlsx {
    file: Option<HashingFile>,
    workbook: Workbook,
    shard_column: Option<String>,
    provenance: Provenance,
    columns: Vec<CellType>,
    names: Vec<String>,
    widths: Vec<u16>,
    /// Number formats; creating one per cell would be slow.
    formats: HashMap<String, Format>,
    /// The next row of the result's sheet.
    next: u32,
}

impl Xlsx {
    pub fn new(
        file: HashingFile,
        shard_column: Option<String>,
        provenance: Provenance,
    ) -> Result<Self, ExportError> {
        let mut workbook = Workbook::new();
        workbook
            .add_worksheet_with_constant_memory()
            .and_then(|sheet| sheet.set_name("Result"))
            .map_err(|error| ExportError::Xlsx(error.to_string()))?;
        Ok(Self {
            file: Some(file),
            workbook,
            shard_column,
            provenance,
            columns: Vec::new(),
            names: Vec::new(),
            widths: Vec::new(),
            formats: HashMap::new(),
            next: 0,
        })
    }

    pub fn take(
        &mut self,
        input: WriterCommand,
        stats: &mut WriteStats,
    ) -> Result<(), EncodeError> {
        match input {
            WriterCommand::Columns(columns) => self.begin(&columns),
            WriterCommand::Rows(shard, rows) => {
                stats.add(shard, rows.text_bytes());
                self.rows(shard, &rows)
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, columns: &[Column]) -> Result<(), EncodeError> {
        let shard = self.shard_column.clone().map(Column::text);
        let columns: Vec<_> = shard.iter().chain(columns).collect();
        if columns.len() > MOST_COLUMNS {
            return Err(too_large(format!(
                "{} columns, and a worksheet has at most {MOST_COLUMNS}",
                columns.len()
            )));
        }
        self.columns = columns.iter().map(|column| CellType::of(column)).collect();
        self.names = columns.iter().map(|column| column.name.clone()).collect();
        self.widths = vec![NARROW; columns.len()];
        let header = Format::new().set_bold();
        for (index, name) in (0..).zip(self.names.clone()) {
            self.measure(usize::from(index), &name);
            let sheet = self.workbook.worksheet_from_index(RESULT)?;
            sheet.write_string_with_format(0, index, name, &header)?;
        }
        self.next = 1;
        Ok(())
    }

    fn rows(&mut self, shard: Shard, rows: &Rows) -> Result<(), EncodeError> {
        let shard_name = self.shard_column.is_some().then(|| shard.to_string());
        for row in rows.iter() {
            if self.next == MOST_ROWS {
                return Err(too_large(format!(
                    "more than {} rows, and a worksheet has no more",
                    MOST_ROWS - 1
                )));
            }
            let shard_name = shard_name.iter().map(|name| Some(name.as_str()));
            let values = shard_name.chain(row.values());
            for (column, value) in values.enumerate() {
                if let Some(text) = value {
                    self.write(shard, column, text)?;
                }
            }
            self.next += 1;
        }
        Ok(())
    }

    fn write(&mut self, shard: Shard, column: usize, text: &str) -> Result<(), EncodeError> {
        self.measure(column, text);
        let cell = Cell::of(self.columns[column], text);
        // At most MOST_COLUMNS.
        let (row, index) = (self.next, u16::try_from(column).unwrap_or(u16::MAX));
        let sheet = self.workbook.worksheet_from_index(RESULT)?;
        match cell {
            Cell::Number { value, decimals } => {
                let shown = match decimals {
                    Some(0) => "0".to_owned(),
                    Some(decimals) => format!("0.{}", "0".repeat(decimals)),
                    None => "General".to_owned(),
                };
                let format = numbers(&mut self.formats, shown);
                sheet.write_number_with_format(row, index, value, format)?;
            }
            Cell::Boolean(value) => {
                sheet.write_boolean(row, index, value)?;
            }
            Cell::Day(Day { days, has_time }) => {
                let shown = if has_time {
                    "yyyy-mm-dd hh:mm:ss.000"
                } else {
                    "yyyy-mm-dd"
                };
                let format = numbers(&mut self.formats, shown.to_owned());
                sheet.write_number_with_format(row, index, days, format)?;
            }
            Cell::Text if text.encode_utf16().count() > LONGEST_TEXT => {
                return Err(EncodeError::Other(ExportError::XlsxText {
                    column: self.names[column].clone(),
                    shard,
                    characters: text.encode_utf16().count(),
                    most: LONGEST_TEXT,
                }));
            }
            Cell::Text => {
                sheet.write_string(row, index, text)?;
            }
        }
        Ok(())
    }

    fn measure(&mut self, column: usize, text: &str) {
        if self.next < MEASURED_ROWS {
            let width = u16::try_from(text.chars().count()).map_or(WIDE, |width| width.min(WIDE));
            self.widths[column] = self.widths[column].max(width);
        }
    }

    pub fn finish(&mut self) -> Result<FileDigest, EncodeError> {
        let Some(mut file) = self.file.take() else {
            return Err(too_large("written already".to_owned()));
        };
        let last_column = u16::try_from(self.columns.len().saturating_sub(1)).unwrap_or(u16::MAX);
        let sheet = self.workbook.worksheet_from_index(RESULT)?;
        sheet.set_freeze_panes(1, 0)?;
        if self.next > 1 {
            sheet.autofilter(0, 0, self.next - 1, last_column)?;
        }
        for (index, &width) in (0..).zip(&self.widths) {
            // Room for the button of the filter.
            sheet.set_column_width(index, f64::from(width) + 2.0)?;
        }
        let rows = self.next.saturating_sub(1);
        about(self.workbook.add_worksheet(), &self.provenance, rows)?;
        self.workbook.save_to_writer(&mut file)?;
        Ok(file.content()?)
    }
}

fn numbers(formats: &mut HashMap<String, Format>, shown: String) -> &Format {
    formats
        .entry(shown)
        .or_insert_with_key(|shown| Format::new().set_num_format(shown))
}

/// The sheet that says what ran.
fn about(sheet: &mut Worksheet, provenance: &Provenance, rows: u32) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    sheet.set_name("About")?;
    sheet.set_column_width(0, 16)?;
    sheet.set_column_width(1, 100)?;
    let wrapped = Format::new().set_text_wrap();
    let counted = [("rows", rows.to_string())];
    for (row, (name, value)) in (0..).zip(provenance.0.iter().chain(&counted)) {
        sheet.write_string_with_format(row, 0, *name, &bold)?;
        let value: String = value.chars().take(LONGEST_TEXT / 2).collect();
        sheet.write_string_with_format(row, 1, value, &wrapped)?;
    }
    Ok(())
}

fn too_large(what: String) -> EncodeError {
    EncodeError::Other(ExportError::Xlsx(what))
}

impl From<XlsxError> for EncodeError {
    fn from(error: XlsxError) -> Self {
        match error {
            XlsxError::IoError(error) => Self::Io(error),
            other => Self::Other(ExportError::Xlsx(other.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_too_many_is_an_error() {
        let file = HashingFile::of_stream(tempfile::tempfile().unwrap());
        let mut xlsx = Xlsx::new(file, None, Provenance::default()).unwrap();
        xlsx.begin(&[Column::text("n")]).unwrap();
        xlsx.next = MOST_ROWS - 1;
        let mut rows = Rows::new(1);
        rows.push([Some("1")]);
        let shard = Shard::new(0);
        xlsx.rows(shard, &rows).unwrap();
        let Err(EncodeError::Other(error)) = xlsx.rows(shard, &rows) else {
            panic!("written");
        };
        assert!(
            error.to_string().contains("more than 1048575 rows"),
            "{error}"
        );
    }
}
