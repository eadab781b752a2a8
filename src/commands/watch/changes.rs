//! Changes as rows for people and programs, and as JSON. Pure.

use super::difference::Change;
use crate::output::format::{Format, RenderError, RenderOptions, Renderer, ResultRows, Row};
use crate::pg::row_batch::Column;

/// Each with the time and what became of it in front; a changed row before and after.
pub fn rows(changes: &[Change], time: &str) -> Vec<Row> {
    let row = |what: &str, row: &Row| {
        let lead = [time, what].map(|it| Some(it.to_owned()));
        lead.into_iter().chain(row.iter().cloned()).collect()
    };
    let rows = changes.iter().flat_map(|change| match change {
        Change::Gone(gone) => vec![row("gone", gone)],
        Change::Added(added) => vec![row("added", added)],
        Change::Changed { before, after } => vec![row("before", before), row("after", after)],
    });
    rows.collect()
}

pub fn columns(of: &[Column]) -> Vec<Column> {
    let lead = ["time", "change"].map(Column::text);
    lead.into_iter().chain(of.iter().cloned()).collect()
}

/// One JSON object: `{"time": …, "sql": …, "rows": …, "added": […], "gone": […], "changed":
/// [{"before": …, "after": …}]}`
///
/// # Errors
/// If two columns have the same name.
pub fn json(
    changes: &[Change],
    result: &ResultRows,
    sql: &str,
    time: &str,
) -> Result<String, RenderError> {
    let mut renderer = Renderer::new(Format::Jsonl, RenderOptions::default());
    let mut nothing = Vec::new();
    renderer.begin(&result.columns, &mut nothing)?;
    let mut object = |row: &Row| {
        let mut text = Vec::new();
        renderer.row(row.iter().map(Option::as_deref), &mut text)?;
        Ok(String::from_utf8_lossy(&text).trim_end().to_owned())
    };
    let (mut added, mut gone, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
    for change in changes {
        match change {
            Change::Added(row) => added.push(object(row)?),
            Change::Gone(row) => gone.push(object(row)?),
            Change::Changed { before, after } => {
                let (before, after) = (object(before)?, object(after)?);
                pairs.push(format!("{{\"before\": {before}, \"after\": {after}}}"));
            }
        }
    }
    let [time, sql] = [time, sql].map(|text| serde_json::Value::from(text).to_string());
    let rows = result.rows.len();
    let [added, gone, pairs] = [added, gone, pairs].map(|objects| objects.join(", "));
    Ok(format!(
        "{{\"time\": {time}, \"sql\": {sql}, \"rows\": {rows}, \"added\": [{added}], \"gone\": \
         [{gone}], \"changed\": [{pairs}]}}\n"
    ))
}
