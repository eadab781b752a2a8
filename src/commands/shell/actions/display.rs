//! How results look: `\x`, `\t`, `\a`, `\pset`, `\timing`, and `\g on`. Messages are psql's.

use clap::ValueEnum as _;

use super::{print, say};
use crate::cli::query::{Expanded, OutputArgs};
use crate::commands::error::Error;
use crate::commands::shell::command::{ExpandedChoice, switch};
use crate::commands::shell::shell::Shell;
use crate::output::format::Format;

pub async fn set_global(shell: &mut Shell, on: bool) -> Result<(), Error> {
    shell.state.query.global.global = on;
    let text = if on {
        "Statements treat all shards as one."
    } else {
        "Statements run in every shard."
    };
    say(shell, text.to_owned()).await
}

pub async fn set_expanded(shell: &mut Shell, choice: Option<ExpandedChoice>) -> Result<(), Error> {
    let output = &mut shell.state.query.output;
    let toggled = match output.expanded {
        None => ExpandedChoice::On,
        Some(_) => ExpandedChoice::Off,
    };
    let (expanded, text) = match choice.unwrap_or(toggled) {
        ExpandedChoice::On => (Some(Expanded::On), "Expanded display is on."),
        ExpandedChoice::Off => (None, "Expanded display is off."),
        ExpandedChoice::Auto => {
            let text = "Expanded display is used automatically.";
            (Some(Expanded::Auto), text)
        }
    };
    set_format(output, Format::Table);
    output.expanded = expanded;
    say(shell, text.to_owned()).await
}

pub async fn set_tuples_only(shell: &mut Shell, on: Option<bool>) -> Result<(), Error> {
    let tuples_only = &mut shell.state.query.output.tuples_only;
    *tuples_only = on.unwrap_or(!*tuples_only);
    // psql says nothing of what it was told.
    match on {
        None => {
            let text = format!("Tuples only is {}.", on_or_off(*tuples_only));
            say(shell, text).await
        }
        Some(_) => Ok(()),
    }
}

pub async fn toggle_aligned(shell: &mut Shell) -> Result<(), Error> {
    let output = &mut shell.state.query.output;
    let format = match output.format()? {
        Format::Tsv => Format::Table,
        _ => Format::Tsv,
    };
    set_format(output, format);
    say_format(shell).await
}

pub async fn set_timing(shell: &mut Shell, on: Option<bool>) -> Result<(), Error> {
    let timing = &mut shell.state.query.run.timing;
    *timing = on.unwrap_or(!*timing);
    let text = format!("Timing is {}.", on_or_off(*timing));
    say(shell, text).await
}

pub async fn pset(
    shell: &mut Shell,
    name: Option<String>,
    value: Option<String>,
) -> Result<(), Error> {
    let Some(name) = name else {
        return print(settings(&shell.state.query.output)?).await;
    };
    match name.as_str() {
        "format" => pset_format(shell, value).await,
        "null" => {
            let null = &mut shell.state.query.output.null;
            *null = value.or_else(|| null.take());
            let text = format!(
                "Null display is \"{}\".",
                null.as_deref().unwrap_or_default()
            );
            say(shell, text).await
        }
        "expanded" | "x" | "vertical" => {
            let choice = match value.as_deref() {
                Some("auto") => Some(ExpandedChoice::Auto),
                Some(value) if on(value)? => Some(ExpandedChoice::On),
                Some(_) => Some(ExpandedChoice::Off),
                None => None,
            };
            set_expanded(shell, choice).await
        }
        "tuples_only" | "t" => {
            let on = value.as_deref().map(on).transpose()?;
            set_tuples_only(shell, on).await
        }
        "pager" => set_pager(shell, value.as_deref()).await,
        "fieldsep" | "csv_fieldsep" | "delimiter" => set_delimiter(shell, value).await,
        "border"
        | "linestyle"
        | "unicode_border_linestyle"
        | "unicode_column_linestyle"
        | "unicode_header_linestyle"
        | "columns"
        | "footer"
        | "numericlocale"
        | "recordsep"
        | "recordsep_zero"
        | "fieldsep_zero"
        | "tableattr"
        | "title"
        | "pager_min_lines"
        | "xheader_width" => Err(Error::Usage(format!(
            "\\pset: shardq has no {name}; its tables look as psql's do by default"
        ))),
        _ => Err(Error::Usage(format!(
            "\\pset: unknown option: {name}; there are delimiter, expanded, format, null, pager and \
             tuples_only"
        ))),
    }
}

async fn pset_format(shell: &mut Shell, value: Option<String>) -> Result<(), Error> {
    if let Some(value) = value {
        let format = match value.as_str() {
            "aligned" => Some(Format::Table),
            "unaligned" => Some(Format::Tsv),
            other => Format::from_str(other, true).ok(),
        };
        let format = format.ok_or_else(|| {
            let names = Format::value_variants().iter();
            let names = names.filter_map(|it| Some(it.to_possible_value()?.get_name().to_owned()));
            let names = names.collect::<Vec<_>>().join(", ");
            Error::Usage(format!("\\pset: allowed formats are {names}"))
        })?;
        set_format(&mut shell.state.query.output, format);
    }
    say_format(shell).await
}

async fn set_pager(shell: &mut Shell, value: Option<&str>) -> Result<(), Error> {
    let output = &mut shell.state.query.output;
    let (pager, no_pager) = match value {
        Some("always") => (true, false),
        Some(value) => (false, !on(value)?),
        None => (false, !output.no_pager),
    };
    (output.pager, output.no_pager) = (pager, no_pager);
    let text = match (pager, no_pager) {
        (true, _) => "Pager is always used.",
        (_, true) => "Pager usage is off.",
        _ => "Pager is used for long output.",
    };
    say(shell, text.to_owned()).await
}

async fn set_delimiter(shell: &mut Shell, value: Option<String>) -> Result<(), Error> {
    let output = &mut shell.state.query.output;
    if let Some(value) = value {
        let delimiter = value.parse();
        output.delimiter =
            Some(delimiter.map_err(|error| Error::Usage(format!("\\pset: {error}")))?);
    }
    let delimiter = output.delimiter.unwrap_or_default();
    say(
        shell,
        format!("Field separator for CSV is \"{delimiter}\"."),
    )
    .await
}

/// This format, and no flag that says otherwise.
fn set_format(output: &mut OutputArgs, format: Format) {
    *output = OutputArgs {
        format: Some(format),
        expanded: None,
        csv: false,
        tsv: false,
        json: false,
        jsonl: false,
        markdown: false,
        delimiter: output.delimiter.filter(|_| format == Format::Csv),
        ..output.clone()
    };
}

async fn say_format(shell: &Shell) -> Result<(), Error> {
    let format = format_name(&shell.state.query.output)?;
    say(shell, format!("Output format is {format}.")).await
}

fn format_name(output: &OutputArgs) -> Result<String, Error> {
    Ok(match output.format()? {
        Format::Table => "aligned".to_owned(),
        format => format
            .to_possible_value()
            .map(|it| it.get_name().to_owned())
            .unwrap_or_default(),
    })
}

fn settings(output: &OutputArgs) -> Result<String, Error> {
    let expanded = match output.expanded {
        Some(Expanded::On) => "on",
        Some(Expanded::Auto) => "auto",
        None => "off",
    };
    let pager = match (output.pager, output.no_pager) {
        (true, _) => "always",
        (_, true) => "off",
        _ => "on",
    };
    Ok(format!(
        "delimiter                '{}'\nexpanded                 {expanded}\n\
         format                   {}\nnull                     '{}'\n\
         pager                    {pager}\ntuples_only              {}",
        output.delimiter.unwrap_or_default(),
        format_name(output)?,
        output.null.as_deref().unwrap_or_default(),
        on_or_off(output.tuples_only)
    ))
}

fn on(value: &str) -> Result<bool, Error> {
    switch(value).ok_or_else(|| {
        Error::Usage(format!(
            "unrecognized value \"{value}\" for \"\\pset\": expected on or off"
        ))
    })
}

fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
