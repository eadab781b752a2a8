//! The format of the changes.

use crate::cli::query::OutputArgs;
use crate::commands::error::Error;
use crate::commands::query::output;
use crate::output::format::{Format, Renderer};

/// The format of the changes.
pub fn format(args: &OutputArgs, refused: &[(bool, &str)]) -> Result<Format, Error> {
    let of_output = [(args.file().is_some(), "-o"), (args.pager, "--pager")];
    let mut refused = of_output.iter().chain(refused);
    if let Some((_, flag)) = refused.find(|(is_given, _)| *is_given) {
        let reason = format!("{flag} has no meaning for a query that is run again; remove it");
        return Err(Error::Usage(reason));
    }
    let format = args.format()?;
    if format == Format::Json {
        let reason = "--json writes one array, which would not end; use --jsonl";
        return Err(Error::Usage(reason.to_owned()));
    }
    Ok(format)
}

/// Whether a result is the first of its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    First,
    Later,
}

/// Programs read one header.
pub fn renderer(args: &OutputArgs, format: Format, place: Place) -> Renderer {
    let mut options = output::render_options(args);
    options.tuples_only |= place == Place::Later && matches!(format, Format::Csv | Format::Tsv);
    Renderer::new(format, options)
}
