//! A pattern of schema names that is printed reads back the same, and matches its own numbers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shardq::sharding::layout::Layout;
use shardq::sharding::pattern::Pattern;
use shardq::sharding::ranges::Ranges;
use shardq::sharding::shard::Shard;

fuzz_target!(|input: (&str, &str, u32)| {
    let (text, name, number) = input;
    let shard = Shard::named(name);
    assert_eq!(Ranges::of(&[shard]).to_string(), name, "one shard is shown by its name");
    let Ok(pattern) = text.parse::<Pattern>() else {
        return;
    };
    // Two texts beside each other are one.
    assert_eq!(pattern.to_string(), text);
    let layout = Layout::new(vec![pattern.clone()], Vec::new());
    let excluded = Layout::new(vec![pattern.clone()], vec![pattern]);
    assert_eq!(excluded.shard(name), None);
    if let Some(shard) = layout.shard(name) {
        assert_eq!(shard.name(), name);
        let numbered = layout.numbering().and_then(|it| Some((it.number(shard)?, it)));
        if let Some((number, numbering)) = numbered {
            assert_eq!(numbering.shard(number), shard);
        }
    }
    if let Some(numbering) = layout.numbering() {
        let shard = numbering.shard(number);
        assert_eq!(numbering.number(shard), Some(number));
    }
});
