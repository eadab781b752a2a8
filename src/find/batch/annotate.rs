//! The rows of the input as CSV, with the columns that the search adds. Pure.

use csv::{ByteRecord, Writer, WriterBuilder};

use crate::find::batch::input::AddedColumns;
use crate::find::batch::key_state::KeyState;

/// Renders the header.
pub fn header(record: &ByteRecord, added: AddedColumns) -> Vec<u8> {
    let mut writer = writer();
    write(&mut writer, record, added.names());
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
    added: AddedColumns,
) -> Vec<u8> {
    let mut writer = writer();
    for (record, state) in rows {
        let shards = state.map(KeyState::shards).unwrap_or_default();
        let expected = state.and_then(|state| state.expected);
        let expected = expected.map_or("", |shard| shard.name());
        let verified = match (verification, state) {
            (Verification::Skipped, _) => "",
            (Verification::Done, Some(state)) => match state.verified() {
                Some(true) => "true",
                Some(false) => "false",
                None => "",
            },
            (Verification::Done, None) => "false",
        };
        match added {
            AddedColumns::Shard => write(&mut writer, record, &[&shards, expected, verified]),
            AddedColumns::ServerAndShard => {
                let servers = state.map(KeyState::servers).unwrap_or_default();
                write(
                    &mut writer,
                    record,
                    &[&servers, &shards, expected, verified],
                );
            }
        }
    }
    finish(writer)
}

fn writer() -> Writer<Vec<u8>> {
    // More columns than the input had.
    WriterBuilder::new().flexible(true).from_writer(Vec::new())
}

fn write(writer: &mut Writer<Vec<u8>>, record: &ByteRecord, added: &[&str]) {
    let added = added.iter().map(|field| field.as_bytes());
    // Writing to memory cannot fail.
    let _ = writer.write_record(record.iter().chain(added));
}

fn finish(writer: Writer<Vec<u8>>) -> Vec<u8> {
    writer.into_inner().unwrap_or_default()
}
