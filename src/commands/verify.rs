//! `shardq verify`: compares exports with their manifests.

use std::path::{Path, PathBuf};

use crate::cli::verify::VerifyArgs;
use crate::commands::error::Error;
use crate::export::create_table::{TableName, create_table};
use crate::export::manifest::Manifest;
use crate::export::verify::{self, Verified};
use crate::output::sink;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::text::humanize::Bytes;

pub async fn run(args: &VerifyArgs) -> Result<Exit, Error> {
    let mut console = Console::new(args.quiet);
    let mut files: Vec<PathBuf> = Vec::new();
    for file in args.files.iter().map(|file| Manifest::export_of(file)) {
        // A pattern finds an export and its manifest.
        if !files.contains(&file) {
            files.push(file);
        }
    }
    if let [file] = files.as_slice() {
        let found = check(file, &mut console)?;
        if let Some(name) = &args.create_table {
            print_table(name, file, &found, &mut console).await?;
        }
        return Ok(Exit::Complete);
    }
    if args.create_table.is_some() {
        let reason = "--create-table is for one file; check the others separately";
        return Err(Error::Usage(reason.to_owned()));
    }
    let mut worst = Exit::Complete;
    for file in &files {
        if let Err(error) = check(file, &mut console) {
            console.error(&error);
            worst = worst.or_worse(error.exit());
        }
    }
    Ok(worst)
}

fn check(file: &Path, console: &mut Console) -> Result<Verified, Error> {
    let found = verify::verify(file)?;
    console.note(&format!(
        "{}: OK · {} · {}",
        file.display(),
        found.extent,
        Bytes(found.bytes),
    ));
    Ok(found)
}

async fn print_table(
    name: &TableName,
    file: &Path,
    found: &Verified,
    console: &mut Console,
) -> Result<(), Error> {
    let table = create_table(name, &found.manifest).map_err(|reason| Error::NoTableFor {
        file: file.to_owned(),
        reason,
    })?;
    for line in &table.renamed {
        console.note(line);
    }
    Ok(sink::print(table.sql).await?)
}
