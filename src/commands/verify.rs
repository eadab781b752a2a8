//! `shardq verify`: is an export still what its manifest says?

use crate::cli::verify::VerifyArgs;
use crate::console::Console;
use crate::error::Error;
use crate::exit::Exit;
use crate::export::check;
use crate::export::progress::Bytes;

pub fn run(args: &VerifyArgs) -> Result<Exit, Error> {
    let mut console = Console::new(args.quiet);
    let found = check::verify(&args.file)?;
    console.note(&format!(
        "{}: as exported · {} · {}",
        args.file.display(),
        found.extent,
        Bytes(found.bytes),
    ));
    Ok(Exit::Complete)
}
