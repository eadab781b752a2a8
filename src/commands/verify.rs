//! `shardq verify`: compares an export with its manifest.

use crate::cli::verify::VerifyArgs;
use crate::commands::error::Error;
use crate::export::create_table::create_table;
use crate::export::verify;
use crate::output::sink;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::text::humanize::Bytes;

pub async fn run(args: &VerifyArgs) -> Result<Exit, Error> {
    let mut console = Console::new(args.quiet);
    let found = verify::verify(&args.file)?;
    console.note(&format!(
        "{}: OK · {} · {}",
        args.file.display(),
        found.extent,
        Bytes(found.bytes),
    ));
    if let Some(name) = &args.create_table {
        let table = create_table(name, &found.manifest).map_err(|reason| Error::NoTableFor {
            file: args.file.clone(),
            reason,
        })?;
        for line in &table.renamed {
            console.note(line);
        }
        sink::print(table.sql).await?;
    }
    Ok(Exit::Complete)
}
