//! A shard list that is printed reads back the same, and picks each shard that a simple reading of
//! the text has.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shardq::sharding::discovered::Discovered;
use shardq::sharding::layout::Layout;
use shardq::sharding::ranges::Ranges;
use shardq::sharding::shard::Shard;
use shardq::sharding::shard_list::{Item, ShardList};
use shardq::sharding::topology::Topology;

/// Shards with a gap: 0 to 19, 30, 31.
const SHARDS: u32 = 22;

fuzz_target!(|text: &str| {
    // Never more entries than lines and commas.
    if let Ok(Some(list)) = ShardList::in_lines(text) {
        assert!(list.items().len() <= 1 + text.matches(['\n', ',']).count());
    }
    let Ok(list) = text.parse::<ShardList>() else {
        return;
    };
    assert!(!list.items().is_empty());
    assert!(list.count() >= list.items().len());
    let printed = list.to_string();
    assert_eq!(printed.parse::<ShardList>().as_ref(), Ok(&list), "{printed}");

    if !printed.contains('\n') && !printed.starts_with('#') {
        assert_eq!(ShardList::in_lines(&printed), Ok(Some(list.clone())), "{printed}");
    }

    let layout = Layout::default();
    let names: Vec<_> = (0..SHARDS)
        .map(|n| Shard::new(if n < 20 { n } else { n + 10 }).to_string())
        .collect();
    let found = Discovered::new(&layout, names.iter().map(String::as_str));
    let topology = Topology::new(found, &layout).expect("there are shards");
    let Ok(picked) = topology.pick(&list) else {
        return;
    };
    assert!(!picked.is_empty() && picked.is_sorted());
    for item in list.items() {
        if let Item::Numbers(range) = item {
            let in_range = |shard: &&Shard| {
                let number: u32 = shard.name()["shard_".len()..].parse().expect("a number");
                range.contains(&number)
            };
            assert!(topology.shards().iter().filter(in_range).all(|shard| picked.contains(shard)));
        }
    }
    // What messages name, in the syntax of lists.
    let named: ShardList = Ranges::of(&picked).to_string().parse().expect("a valid list");
    assert_eq!(topology.pick(&named).as_ref(), Ok(&picked), "{named}");
    assert!(picked.iter().all(|shard| named.names(*shard)));
});
