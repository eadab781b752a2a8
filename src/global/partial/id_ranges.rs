//! Decides from summaries whether shards have ids in common.

/// What is known about a shard's ids without listing them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdSummary {
    pub least: i64,
    pub most: i64,
    /// Bitwise AND and OR of all ids.
    pub and: i64,
    pub or: i64,
}

impl IdSummary {
    /// Whether two shards certainly share no id: the ranges do not overlap, or some bit is set in
    /// all ids of one and in none of the other. An id that contains its shard's number, in any
    /// position, has such a bit.
    fn are_apart_from(&self, other: &Self) -> bool {
        let differs = (self.and & !other.or) | (other.and & !self.or);
        self.most < other.least || other.most < self.least || differs != 0
    }

    /// The summary of both together.
    pub fn with(&self, other: &Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
            and: self.and & other.and,
            or: self.or | other.or,
        }
    }

    /// Whether certainly no two of these shards share an id.
    pub fn are_apart(shards: &[Self]) -> bool {
        let pairs = shards
            .iter()
            .enumerate()
            .flat_map(|(index, one)| shards[index + 1..].iter().map(move |other| (one, other)));
        pairs
            .into_iter()
            .all(|(one, other)| one.are_apart_from(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(ids: &[i64]) -> IdSummary {
        IdSummary {
            least: *ids.iter().min().unwrap(),
            most: *ids.iter().max().unwrap(),
            and: ids.iter().fold(-1, |and, id| and & id),
            or: ids.iter().fold(0, |or, id| or | id),
        }
    }

    #[test]
    fn the_number_of_the_shard_in_the_id_keeps_them_apart() {
        let shards: Vec<_> = (0..128)
            .map(|shard| of(&[7 << 23, 9 << 40, 123 << 23 | 5 << 13].map(|id| id | shard)))
            .collect();
        assert!(IdSummary::are_apart(&shards));
        assert!(IdSummary::are_apart(&[of(&[1, 5]), of(&[6, 9]), of(&[-3])]));
        assert!(!IdSummary::are_apart(&[of(&[1, 5]), of(&[5, 9])]));
        assert!(
            !IdSummary::are_apart(&[of(&[1, 2, 5]), of(&[3, 9])]),
            "not known"
        );
    }

    proptest! {
        #[test]
        fn what_is_apart_has_nothing_in_common(
            one in prop::collection::vec(-20_i64..20, 1..4),
            other in prop::collection::vec(-20_i64..20, 1..4),
        ) {
            let common = one.iter().any(|id| other.contains(id));
            prop_assert!(!common || !IdSummary::are_apart(&[of(&one), of(&other)]));
            prop_assert_eq!(of(&one).with(&of(&other)), of(&[one, other].concat()));
        }
    }
}
