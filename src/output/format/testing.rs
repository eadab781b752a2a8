//! Test helpers for all formats.

use proptest::prelude::*;
use tokio_postgres::types::Type;

use super::{Finish, Format, RenderError, RenderOptions, Renderer};
use crate::pg::row_batch::Column;

pub fn column(name: &str, built_in: &Type) -> Column {
    Column {
        type_oid: built_in.oid(),
        ..Column::text(name)
    }
}

pub fn rendered<T: AsRef<str>>(
    format: Format,
    options: &RenderOptions,
    columns: &[Column],
    rows: &[Vec<Option<T>>],
) -> Result<String, RenderError> {
    let mut out = Vec::new();
    let mut renderer = Renderer::new(format, options.clone());
    renderer.begin(columns, &mut out)?;
    for row in rows {
        let values = row.iter().map(|value| value.as_ref().map(AsRef::as_ref));
        renderer.row(values, &mut out)?;
    }
    // Block by block, as a sink takes it.
    let mut block = Vec::new();
    while renderer.finish(&mut block) == Finish::More {
        out.append(&mut block);
    }
    out.append(&mut block);
    Ok(String::from_utf8(out).unwrap())
}

/// With default options and text columns.
pub fn text_rendered(format: Format, rows: &[Vec<Option<String>>]) -> String {
    let width = rows.first().map_or(1, Vec::len);
    let columns: Vec<_> = (0..width).map(|i| Column::text(format!("c{i}"))).collect();
    rendered(format, &RenderOptions::default(), &columns, rows).unwrap()
}

/// Values of one to three columns, anything that a server can send.
pub fn any_rows() -> impl Strategy<Value = Vec<Vec<Option<String>>>> {
    let value = prop_oneof![
        4 => "[^\0]{0,8}".prop_map(Some),
        3 => "[a\\\\.,\"'|\n\r\t\u{8}\u{b}\u{c}\u{1b}N日😀-]{0,6}".prop_map(Some),
        1 => Just(Some(String::new())),
        1 => Just(None),
    ];
    (1..4usize).prop_flat_map(move |width| {
        let row = prop::collection::vec(value.clone(), width);
        prop::collection::vec(row, 1..5)
    })
}
