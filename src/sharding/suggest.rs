//! Suggests names for one that was mistyped. Pure.

use crate::sharding::shard::Shard;

/// How many names to show.
const SHOWN: usize = 3;

/// How many typos a name of this many characters may have and still be suggested.
fn max_edit_distance(characters: usize) -> usize {
    (characters / 3).clamp(1, 4)
}

/// The lengths that similar names can have, in characters.
pub fn lengths(name: &str) -> (i32, i32) {
    let characters = name.chars().count();
    let slips = max_edit_distance(characters);
    let bound = |length: usize| i32::try_from(length).unwrap_or(i32::MAX);
    (
        bound(characters.saturating_sub(slips)),
        bound(characters + slips),
    )
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub name: String,
    pub shard: Shard,
}

/// Collects the names nearest to `wanted` from any number of candidates.
#[derive(Debug)]
pub struct Nearest {
    wanted: String,
    slips: usize,
    /// The best so far, with their distances; nearest first.
    best: Vec<(usize, Suggestion)>,
}

impl Nearest {
    pub fn to(name: &str) -> Self {
        Self {
            wanted: name.to_lowercase(),
            slips: max_edit_distance(name.chars().count()),
            best: Vec::new(),
        }
    }

    pub fn offer(&mut self, name: &str, shard: Shard) {
        // Two swapped characters are one edit.
        let distance = strsim::osa_distance(&self.wanted, &name.to_lowercase());
        if distance > self.slips {
            return;
        }
        let name = name.to_owned();
        let place = self
            .best
            .partition_point(|(other, near)| (*other, &near.name) <= (distance, &name));
        self.best
            .insert(place, (distance, Suggestion { name, shard }));
        self.best.truncate(SHOWN);
    }

    /// Nearest first; ties by name.
    pub fn found(self) -> Vec<Suggestion> {
        self.best.into_iter().map(|(_, near)| near).collect()
    }
}

/// The nearest of these suggestions, which several databases made.
pub fn nearest_of(wanted: &str, all: impl Iterator<Item = Suggestion>) -> Vec<Suggestion> {
    let mut nearest = Nearest::to(wanted);
    for Suggestion { name, shard } in all {
        nearest.offer(&name, shard);
    }
    nearest.found()
}

/// The nearest of these names; ties go to the first by name.
pub fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let slips = max_edit_distance(wanted.chars().count());
    let wanted = wanted.to_lowercase();
    names
        .map(|name| (strsim::osa_distance(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, name)| name)
}

/// Puts names that are similar in front, and keeps the order of the others.
pub fn similar_first(wanted: &str, names: &mut [String]) {
    let slips = max_edit_distance(wanted.chars().count());
    let wanted = wanted.to_lowercase();
    let distance = |name: &String| strsim::osa_distance(&wanted, &name.to_lowercase());
    names.sort_by_cached_key(|name| distance(name).min(slips + 1));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nearest(wanted: &str, names: &[&str]) -> Vec<String> {
        let mut nearest = Nearest::to(wanted);
        for name in names {
            nearest.offer(name, Shard::new(0));
        }
        nearest.found().into_iter().map(|near| near.name).collect()
    }

    #[test]
    fn slips_of_the_finger_are_near_and_other_names_are_not() {
        assert_eq!(
            nearest("croe", &["redis", "core", "cord", "crow", "crab"]),
            ["core", "crow"]
        );
        assert_eq!(nearest("CORE", &["core"]), ["core"]);
        assert_eq!(nearest("x", &["core"]), [""; 0]);
    }

    #[test]
    fn the_few_nearest_are_kept_in_order_of_nearness() {
        assert_eq!(
            nearest(
                "habitat",
                &["habitue", "habitant", "habit", "habitats", "habitat2"]
            ),
            ["habitant", "habitat2", "habitats"]
        );
    }

    proptest! {
        #[test]
        fn the_lengths_leave_out_nothing_that_is_near(wanted in "[a-z]{1,12}", name in "[a-z]{1,12}") {
            if !nearest(&wanted, &[&name]).is_empty() {
                let (shortest, longest) = lengths(&wanted);
                prop_assert!((shortest..=longest).contains(&i32::try_from(name.len()).unwrap()));
            }
        }
    }
}
