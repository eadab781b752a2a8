//! `shardq verify`: compares exports with their manifests.

use std::path::{Path, PathBuf};

use crate::cli::verify::VerifyArgs;
use crate::commands::error::Error;
use crate::export::create_table::{TableName, create_table};
use crate::export::create_view::{NoView, create_view};
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
        if let Some(name) = &args.create_view {
            print_view(name, file, &found).await?;
        }
        return Ok(Exit::Complete);
    }
    let flags = [
        ("--create-table", &args.create_table),
        ("--create-view", &args.create_view),
    ];
    if let Some((flag, _)) = flags.iter().find(|(_, name)| name.is_some()) {
        return Err(Error::Usage(format!(
            "{flag} is for one file; check the others separately"
        )));
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

async fn print_view(name: &TableName, file: &Path, found: &Verified) -> Result<(), Error> {
    let path = std::path::absolute(file).map_err(|_| NoView::NoDirectory);
    let view = path.and_then(|path| create_view(name, &path, &found.manifest));
    let view = view.map_err(|reason| Error::NoViewFor {
        file: file.to_owned(),
        reason,
    })?;
    Ok(sink::print(view).await?)
}
