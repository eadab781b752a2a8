//! Rows are counted as the `csv` crate wrote them, wherever the file's blocks end; and any bytes
//! give the same counts in one block as in several.

#![no_main]

use arbitrary::Arbitrary;
use csv::{QuoteStyle, WriterBuilder};
use libfuzzer_sys::fuzz_target;
use shardq::export::FileFormat;
use shardq::export::fuzzing::{Cells, Counter, RowCounts};

#[derive(Debug, Arbitrary)]
struct Input {
    blocks: Vec<u8>,
    header: bool,
    always_quoted: bool,
    semicolon: bool,
    /// Each row's shard, and its value.
    rows: Vec<(u32, String)>,
    column: String,
    raw: Vec<u8>,
}

fuzz_target!(|input: Input| {
    csv(&input);
    jsonl(&input);
    for format in [FileFormat::Csv, FileFormat::Tsv, FileFormat::Jsonl] {
        for column in [None, Some(input.column.as_str())] {
            let new = || Counter::new(format, input.header, column);
            let whole = counted(new(), &input.raw, &[]);
            assert_eq!(counted(new(), &input.raw, &input.blocks), whole);
            if format != FileFormat::Csv {
                let lines = input.raw.split_inclusive(|&byte| byte == b'\n').count() as u64;
                let header = u64::from(input.header);
                assert_eq!(whole.rows, lines.saturating_sub(header));
            }
            if column.is_some() {
                assert_eq!(whole.shards.values().sum::<u64>(), whole.rows);
            }
        }
    }
});

fn csv(input: &Input) {
    let mut writer = WriterBuilder::new()
        .delimiter(if input.semicolon { b';' } else { b',' })
        .quote_style(if input.always_quoted {
            QuoteStyle::Always
        } else {
            QuoteStyle::Necessary
        })
        .from_writer(Vec::new());
    if input.header {
        writer
            .write_record([&input.column, "v"])
            .expect("in memory");
    }
    for (shard, value) in &input.rows {
        let shard = format!("shard_{shard}");
        writer.write_record([&shard, value]).expect("in memory");
    }
    let text = writer.into_inner().expect("in memory");
    let counter = Counter::new(FileFormat::Csv, input.header, Some(&input.column))
        .with_csv(if input.semicolon { b';' } else { b',' }, Cells::Plain);
    assert_counts(&counted(counter, &text, &input.blocks), input);
}

fn jsonl(input: &Input) {
    let mut text = String::new();
    let name = serde_json::Value::from(input.column.as_str());
    for (shard, value) in &input.rows {
        let value = serde_json::Value::from(value.as_str());
        text += &format!("{{{name}:\"shard_{shard}\",\"v\":{value}}}\n");
    }
    let counter = Counter::new(FileFormat::Jsonl, false, Some(&input.column));
    assert_counts(&counted(counter, text.as_bytes(), &input.blocks), input);
}

fn assert_counts(counts: &RowCounts, input: &Input) {
    assert_eq!(counts.rows, input.rows.len() as u64);
    for (shard, _) in &input.rows {
        let rows = input.rows.iter().filter(|(other, _)| other == shard);
        assert_eq!(counts.shards[&format!("shard_{shard}")], rows.count() as u64);
    }
}

fn counted(mut counter: Counter, mut text: &[u8], blocks: &[u8]) -> RowCounts {
    for block in blocks {
        let (now, later) = text.split_at(text.len().min(usize::from(*block)));
        counter.take(now);
        text = later;
    }
    counter.take(text);
    counter.finish()
}
