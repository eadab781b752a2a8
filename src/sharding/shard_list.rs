//! The value of `--shards`: `0-15,30,100-`, `shard_7`, `acme,be*`. Pure.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::sharding::numbering::Numbering;
use crate::sharding::shard::Shard;

/// Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardList(Vec<Item>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// `u32::MAX` is an open end.
    Numbers(RangeInclusive<u32>),
    /// A name; with `*` or `?`, a pattern. `shard_7-9` is a name, or a range if there is no such
    /// name.
    Name(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardListError {
    #[error("invalid shard list \"{0}\"; expected e.g. 0-15,30,100-")]
    NotANumber(String),
    #[error("range \"{0}\" is reversed")]
    Backwards(String),
    #[error("empty item in shard list; expected e.g. 0-15,30,100-")]
    Empty,
    #[error("expected a file after @, or @- for standard input")]
    NoFile,
}

impl ShardList {
    pub fn items(&self) -> &[Item] {
        &self.0
    }

    /// How many shards can be on the list.
    pub fn count(&self) -> usize {
        self.0
            .iter()
            .map(Item::count)
            .fold(0, usize::saturating_add)
    }

    /// The union of all lists; `None` if there are none.
    pub fn union(lists: Vec<Self>) -> Option<Self> {
        let items: Vec<_> = lists.into_iter().flat_map(|list| list.0).collect();
        (!items.is_empty()).then_some(Self(items))
    }

    /// The list in a file: entries on lines of their own or with commas between them. Blank lines
    /// are skipped, and so are lines that begin with `#`. `None` if there are no entries.
    ///
    /// # Errors
    /// The first line that makes no sense, counted from 1, and why.
    pub fn in_lines(text: &str) -> Result<Option<Self>, (usize, ShardListError)> {
        let mut items = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            // A list that is wrapped has a comma at the end of its lines.
            let line = line.strip_suffix(',').unwrap_or(line);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            for item in line.split(',') {
                items.push(parse_item(item).map_err(|error| (number, error))?);
            }
        }
        Ok((!items.is_empty()).then_some(Self(items)))
    }

    /// Exactly these shards; `None` if there are none.
    pub fn of(shards: &[Shard]) -> Option<Self> {
        let items: Vec<_> = shards.iter().map(|shard| Item::of(*shard)).collect();
        (!items.is_empty()).then_some(Self(items))
    }

    pub fn single(shard: Shard) -> Self {
        Self(vec![Item::of(shard)])
    }

    /// The list that [`crate::sharding::ranges::Ranges`] wrote, of some of these shards: their names
    /// may hold commas.
    ///
    /// # Errors
    /// The first entry that makes no sense.
    pub fn recorded(text: &str, known: &BTreeSet<Shard>) -> Result<Self, ShardListError> {
        const BETWEEN: &str = ", ";
        let commas = |shard: &Shard| shard.name().matches(BETWEEN).count();
        let most = known.iter().map(commas).max().unwrap_or(0);
        let names: BTreeSet<_> = known.iter().map(|shard| shard.name()).collect();
        let is_known = |name: &str| {
            let has_some = |of: NameRange| known.iter().any(|shard| of.has(*shard));
            names.contains(name) || range(name).is_some_and(has_some)
        };
        let parts: Vec<_> = text.split(BETWEEN).collect();
        let mut items = Vec::new();
        let mut at = 0;
        while at < parts.len() {
            let longest = (at + 1..=parts.len().min(at + 1 + most)).rev();
            let mut joined = longest.map(|end| (end, parts[at..end].join(BETWEEN)));
            if let Some((end, name)) = joined.find(|(_, name)| is_known(name)) {
                items.push(Item::Name(name));
                at = end;
            } else {
                items.push(parse_item(parts[at])?);
                at += 1;
            }
        }
        Ok(Self(items))
    }

    /// Whether a shard is on a list that was written by [`crate::sharding::ranges::Ranges`].
    pub fn names(&self, shard: Shard) -> bool {
        self.0.iter().any(|item| match item {
            Item::Numbers(_) => false,
            Item::Name(name) => name == shard.name() || range(name).is_some_and(|it| it.has(shard)),
        })
    }
}

impl Item {
    fn of(shard: Shard) -> Self {
        Self::Name(shard.name().to_owned())
    }

    fn count(&self) -> usize {
        match self {
            Self::Numbers(range) => (range.end() - range.start()) as usize + 1,
            Self::Name(name) if is_pattern(name) => usize::MAX,
            Self::Name(name) => range(name).map_or(1, |it| it.count()),
        }
    }
}

pub fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Whether a name has the form of a pattern with `*` (any text) and `?` (any character). Takes time
/// in proportion to both, whatever the pattern.
pub fn glob(pattern: &str, name: &str) -> bool {
    let name: Vec<_> = name.chars().collect();
    // Where in the name the pattern so far can end.
    let mut ends = vec![false; name.len() + 1];
    ends[0] = true;
    for wanted in pattern.chars() {
        let before = ends.clone();
        let mut any = false;
        for (at, end) in ends.iter_mut().enumerate() {
            any |= before[at];
            *end = match wanted {
                '*' => any,
                wanted => at > 0 && before[at - 1] && (wanted == '?' || wanted == name[at - 1]),
            };
        }
    }
    ends[name.len()]
}

/// `shard_7-9`, `shard_7-`.
#[derive(Debug, PartialEq, Eq)]
pub struct NameRange {
    pub numbering: Numbering,
    pub numbers: RangeInclusive<u32>,
}

impl NameRange {
    fn has(&self, shard: Shard) -> bool {
        let number = self.numbering.number(shard);
        number.is_some_and(|number| {
            self.numbers.contains(&number) && self.numbering.shard(number).name() == shard.name()
        })
    }

    fn count(&self) -> usize {
        (self.numbers.end() - self.numbers.start()) as usize + 1
    }
}

/// A name that is a range.
pub fn range(name: &str) -> Option<NameRange> {
    let (first, last) = name.rsplit_once('-')?;
    let (numbering, start) = Numbering::of(Shard::named(first.trim()))?;
    if numbering.has_suffix() {
        return None;
    }
    let end = match last.trim() {
        "" => u32::MAX,
        last => number(last.strip_prefix(numbering.before()).unwrap_or(last))?,
    };
    (start <= end).then_some(NameRange {
        numbering,
        numbers: start..=end,
    })
}

/// `parse` alone would accept a sign.
fn number(text: &str) -> Option<u32> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// In the syntax of `--shards`.
impl fmt::Display for ShardList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, item) in self.0.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{item}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Numbers(range) => match (*range.start(), *range.end()) {
                (start, end) if start == end => write!(f, "{start}"),
                (start, u32::MAX) => write!(f, "{start}-"),
                (start, end) => write!(f, "{start}-{end}"),
            },
        }
    }
}

impl FromStr for ShardList {
    type Err = ShardListError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',')
            .map(parse_item)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn parse_item(item: &str) -> Result<Item, ShardListError> {
    let item = item.trim();
    let invalid = || ShardListError::NotANumber(item.to_owned());
    let Some(first) = item.chars().next() else {
        return Err(ShardListError::Empty);
    };
    if !first.is_ascii_digit() {
        // A sign, a range without its start, or a URI, which may hold a password.
        if matches!(first, '+' | '-') || item.contains("://") {
            return Err(invalid());
        }
        return Ok(Item::Name(item.to_owned()));
    }
    let numbers = match item.split_once('-') {
        None => number(item).map(|only| only..=only),
        Some((start, "")) => number(start.trim()).map(|start| start..=u32::MAX),
        Some((start, end)) => {
            let start = number(start.trim()).ok_or_else(invalid)?;
            let end = number(end.trim()).ok_or_else(invalid)?;
            if start > end {
                return Err(ShardListError::Backwards(item.to_owned()));
            }
            Some(start..=end)
        }
    };
    match numbers {
        Some(numbers) => Ok(Item::Numbers(numbers)),
        // `2fast` is a name.
        None if item.chars().any(char::is_alphabetic) => Ok(Item::Name(item.to_owned())),
        None => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharding::ranges::Ranges;
    use proptest::prelude::*;

    #[test]
    fn lists_that_make_no_sense_are_refused() {
        for (text, error) in [
            ("", ShardListError::Empty),
            ("1,,2", ShardListError::Empty),
            ("+1", ShardListError::NotANumber("+1".into())),
            ("-5", ShardListError::NotANumber("-5".into())),
            ("1-2-3", ShardListError::NotANumber("1-2-3".into())),
            ("9-3", ShardListError::Backwards("9-3".into())),
        ] {
            assert_eq!(text.parse::<ShardList>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_glob_matches_the_whole_name() {
        assert!(glob("be*", "beta") && glob("*", "") && glob("?cm?", "acme"));
        assert!(glob("*a*b*", "xaxbx") && glob("é?*", "éa"));
        let long = "a".repeat(63);
        assert!(!glob(&format!("{}b", "*a".repeat(200)), &long));
        assert!(!glob("be*", "abe") && !glob("?", "") && !glob("a", "ab"));
    }

    #[test]
    fn a_file_has_entries_on_lines_or_between_commas() {
        let list = ShardList::in_lines("# eu\r\nacme,\n\n 7 , shard_3-5\n#9\n  # us\nbe*");
        assert_eq!(list, Ok(Some("acme,7,shard_3-5,be*".parse().unwrap())));
        assert_eq!(ShardList::in_lines("\n# none\n"), Ok(None));
        let backwards = ShardListError::Backwards("9-3".into());
        assert_eq!(ShardList::in_lines("1\n\n2, 9-3"), Err((3, backwards)));
        assert_eq!(ShardList::in_lines("1,,2"), Err((1, ShardListError::Empty)));
    }

    proptest! {
        #[test]
        fn what_is_written_as_ranges_reads_back_the_same(numbers in prop::collection::btree_set(0u32..500, 1..60)) {
            let shards: Vec<_> = numbers.iter().copied().map(Shard::new).collect();
            let list: ShardList = Ranges::of(&shards).to_string().parse().unwrap();
            let named: Vec<_> = (0..500).map(Shard::new).filter(|shard| list.names(*shard)).collect();
            prop_assert_eq!(named, shards);
        }

        #[test]
        fn a_list_is_written_as_it_was_read(text in "[0-9a-z*_,-]{1,12}") {
            if let Ok(list) = text.parse::<ShardList>() {
                prop_assert_eq!(list.to_string().parse(), Ok(list));
            }
        }
    }
}
