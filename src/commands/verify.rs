//! `shardq verify`: is an export still what its manifest says?

use crate::cli::verify::VerifyArgs;
use crate::console::Console;
use crate::error::Error;
use crate::exit::Exit;
use crate::export::check;
use crate::export::progress::Bytes;
use crate::footer::Grouped;

pub fn run(args: &VerifyArgs) -> Result<Exit, Error> {
    let mut console = Console::new(args.quiet);
    let found = check::verify(&args.file)?;
    let runs = match found.runs {
        1 => String::new(),
        runs => format!(" · {runs} runs, so not of one instant"),
    };
    console.note(&format!(
        "{}: as exported · {} rows · {}/{} shards · {}{runs}",
        args.file.display(),
        Grouped(found.rows),
        found.answered,
        found.expected,
        Bytes(found.bytes),
    ));
    Ok(Exit::Complete)
}
