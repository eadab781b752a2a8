//! Columns of a result of ours, and for whom a format is.

use tokio_postgres::types::Type;

use crate::output::format::Format;
use crate::pg::row_batch::Column;

pub fn column(name: &str, of: &Type) -> Column {
    Column {
        type_oid: of.oid(),
        ..Column::text(name)
    }
}

/// Whether sizes and times are written as people read them. Programs get bytes and seconds.
pub fn is_for_people(format: Format) -> bool {
    match format {
        Format::Table | Format::Expanded | Format::Markdown => true,
        Format::Csv | Format::Tsv | Format::Json | Format::Jsonl => false,
    }
}
