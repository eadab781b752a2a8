//! `\?`.

use crate::commands::error::Error;
use crate::output::sink;

pub async fn print() -> Result<(), Error> {
    Ok(sink::print(include_str!("help.txt").to_owned()).await?)
}
