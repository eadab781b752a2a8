//! What changed between two results. Pure.

use std::collections::{HashMap, VecDeque};

use crate::output::format::Row;

/// Which rows are the same: those that are equal, or equal in these columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowKey {
    WholeRow,
    /// Positions.
    Columns(Vec<usize>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Gone(Row),
    Added(Row),
    Changed { before: Row, after: Row },
}

/// Rows that are gone come first, in the order of `before`, then the others in that of `after`. Of
/// equal rows, only their number counts.
pub fn difference(before: &[Row], after: &[Row], key: &RowKey) -> Vec<Change> {
    let mut unmatched: HashMap<&Row, usize> = HashMap::new();
    for row in before {
        *unmatched.entry(row).or_default() += 1;
    }
    let mut new = Vec::new();
    for row in after {
        match unmatched.get_mut(row) {
            Some(count @ 1..) => *count -= 1,
            _ => new.push(row),
        }
    }
    let old = before.iter().filter(|row| {
        let count = unmatched.get_mut(row);
        count.is_some_and(|count| std::mem::replace(count, count.saturating_sub(1)) > 0)
    });
    let old: Vec<_> = old.collect();
    let mut by_key: HashMap<Vec<&Option<String>>, VecDeque<usize>> = HashMap::new();
    for (index, row) in old.iter().enumerate() {
        if let Some(values) = key.of(row) {
            by_key.entry(values).or_default().push_back(index);
        }
    }
    let mut is_paired = vec![false; old.len()];
    let mut others = Vec::new();
    for row in new {
        let pair = key.of(row).and_then(|values| by_key.get_mut(&values));
        others.push(match pair.and_then(VecDeque::pop_front) {
            Some(index) => {
                is_paired[index] = true;
                Change::Changed {
                    before: old[index].clone(),
                    after: row.clone(),
                }
            }
            None => Change::Added(row.clone()),
        });
    }
    let gone = old.into_iter().zip(is_paired);
    let gone = gone.filter(|(_, is_paired)| !is_paired);
    let gone = gone.map(|(row, _)| Change::Gone(row.clone()));
    gone.chain(others).collect()
}

impl RowKey {
    fn of<'a>(&self, row: &'a Row) -> Option<Vec<&'a Option<String>>> {
        match self {
            Self::WholeRow => None,
            Self::Columns(places) => {
                Some(places.iter().filter_map(|place| row.get(*place)).collect())
            }
        }
    }
}

/// `2 added, 1 gone, 3 changed`
pub fn count(changes: &[Change]) -> String {
    let of = |is: fn(&Change) -> bool| changes.iter().filter(|change| is(change)).count();
    let counts = [
        (of(|it| matches!(it, Change::Added(_))), "added"),
        (of(|it| matches!(it, Change::Gone(_))), "gone"),
        (of(|it| matches!(it, Change::Changed { .. })), "changed"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    counts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(rows: &[&str]) -> Vec<Row> {
        let row = |row: &&str| row.split(' ').map(|it| Some(it.to_owned())).collect();
        rows.iter().map(row).collect()
    }

    fn shown(before: &[&str], after: &[&str], key: &RowKey) -> Vec<String> {
        let text = |row: &Row| row.iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        let changes = difference(&rows(before), &rows(after), key);
        let lines = changes.iter().map(|change| match change {
            Change::Gone(row) => format!("- {}", text(row)),
            Change::Added(row) => format!("+ {}", text(row)),
            Change::Changed { before, after } => format!("{} > {}", text(before), text(after)),
        });
        lines.collect()
    }

    #[test]
    fn rows_are_the_same_if_they_are_equal() {
        let key = RowKey::WholeRow;
        assert_eq!(
            shown(&["1 a", "2 b", "2 b", "3 c"], &["3 c", "2 b", "4 d"], &key),
            ["- 1 a", "- 2 b", "+ 4 d"]
        );
        assert!(shown(&["1 a", "2 b"], &["2 b", "1 a"], &key).is_empty());
    }

    #[test]
    fn rows_of_the_same_key_have_changed() {
        let key = RowKey::Columns(vec![0]);
        assert_eq!(
            shown(&["1 a", "2 b", "3 c"], &["1 x", "3 c", "4 d"], &key),
            ["- 2 b", "1 a > 1 x", "+ 4 d"]
        );
        // A key that is no key: each row is compared once.
        assert_eq!(
            shown(&["1 a", "1 b"], &["1 b", "1 c", "1 d"], &key),
            ["1 a > 1 c", "+ 1 d"]
        );
    }

    #[test]
    fn what_there_is_none_of_is_not_counted() {
        let changes = difference(&rows(&["1 a"]), &rows(&["2 b", "3 c"]), &RowKey::WholeRow);
        assert_eq!(count(&changes), "2 added, 1 gone");
    }

    proptest! {
        #[test]
        fn the_changes_lead_from_one_to_the_other(
            before in prop::collection::vec("[ab] [ab]", 0..8),
            after in prop::collection::vec("[ab] [ab]", 0..8),
            has_key: bool,
        ) {
            let key = if has_key { RowKey::Columns(vec![0]) } else { RowKey::WholeRow };
            let of = |texts: &[String]| rows(&texts.iter().map(String::as_str).collect::<Vec<_>>());
            let (mut before, mut after) = (of(&before), of(&after));
            for change in difference(&before.clone(), &after, &key) {
                let (old, new) = match change {
                    Change::Gone(row) => (Some(row), None),
                    Change::Added(row) => (None, Some(row)),
                    Change::Changed { before, after } => (Some(before), Some(after)),
                };
                if let Some(old) = old {
                    let place = before.iter().position(|row| *row == old);
                    before.remove(place.unwrap());
                }
                before.extend(new);
            }
            before.sort();
            after.sort();
            prop_assert_eq!(before, after);
        }
    }
}
