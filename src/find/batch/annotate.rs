//! The rows of the input as CSV, with the columns that the search adds. Pure.

use csv::{ByteRecord, Writer, WriterBuilder};

use crate::find::batch::input::ADDED;
use crate::find::batch::key_state::KeyState;

/// Renders the header.
pub fn header(record: &ByteRecord) -> Vec<u8> {
    let mut writer = writer();
    write(&mut writer, record, ADDED.map(str::as_bytes));
    finish(writer)
}

/// Whether the keys were looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    Skipped,
    Done,
}

/// Renders rows with what became of their keys; `None` for those without a key.
pub fn rows<'a>(
    rows: impl Iterator<Item = (&'a ByteRecord, Option<&'a KeyState>)>,
    verification: Verification,
) -> Vec<u8> {
    let mut writer = writer();
    for (record, state) in rows {
        let shards = state.map(KeyState::shards).unwrap_or_default();
        let expected = state.and_then(|state| state.expected);
        let expected = expected.map_or("", |shard| shard.name());
        let verified = match (verification, state) {
            (Verification::Skipped, _) => "",
            (Verification::Done, Some(state)) if state.is_verified() => "true",
            (Verification::Done, _) => "false",
        };
        let added = [&shards, expected, verified].map(str::as_bytes);
        write(&mut writer, record, added);
    }
    finish(writer)
}

fn writer() -> Writer<Vec<u8>> {
    // The three columns can be more than the input had.
    WriterBuilder::new().flexible(true).from_writer(Vec::new())
}

fn write(writer: &mut Writer<Vec<u8>>, record: &ByteRecord, added: [&[u8]; 3]) {
    // Writing to memory cannot fail.
    let _ = writer.write_record(record.iter().chain(added));
}

fn finish(writer: Writer<Vec<u8>>) -> Vec<u8> {
    writer.into_inner().unwrap_or_default()
}
