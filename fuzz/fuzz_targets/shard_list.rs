//! A shard list that is printed reads back the same, and has each shard that a simple reading of
//! the text has.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shardq::sharding::shard::{Ranges, Shard, ShardList};

fuzz_target!(|text: &str| {
    schema(text);
    let Ok(list) = text.parse::<ShardList>() else {
        return;
    };
    let ranges = list.ranges();
    assert!(!ranges.is_empty() && ranges.iter().all(|range| range.start() <= range.end()));
    assert!(list.count() >= ranges.len());

    let printed = list.to_string();
    assert_eq!(printed.parse::<ShardList>().as_ref(), Ok(&list), "{printed}");
    // The syntax that messages use, with names; adjacent ranges are one there.
    let mut merged = Ranges::default();
    for range in ranges {
        merged.push(range.clone());
    }
    let named: ShardList = merged.to_string().parse().expect("messages name valid lists");
    assert_eq!(named.count(), list.count());

    let ends = ranges.iter().flat_map(|range| [*range.start(), *range.end()]);
    for number in ends.flat_map(|end| [end.saturating_sub(1), end, end.saturating_add(1)]) {
        let is_listed = text.split(',').any(|item| has(item, number));
        assert_eq!(list.contains(Shard::new(number)), is_listed, "{number}");
        assert_eq!(named.contains(Shard::new(number)), is_listed, "{number}");
    }
});

/// Whether an item of a valid list has this number.
fn has(item: &str, number: u32) -> bool {
    let parse = |text: &str| text.trim().trim_start_matches("shard_").parse::<u32>();
    let (start, end) = item.split_once('-').unwrap_or((item, item));
    let Ok(start) = parse(start) else {
        return false;
    };
    start <= number && parse(end).map_or(true, |end| number <= end)
}

/// A schema's name is that of at most one shard.
fn schema(text: &str) {
    if let Some(shard) = Shard::from_schema(text) {
        assert_eq!(shard.to_string(), text);
    }
}
