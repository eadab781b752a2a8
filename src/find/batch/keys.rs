//! The distinct keys of a chunk, where they belong, and where they were found. Pure.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::find::batch::input::{Chunk, InputError, InputFile};
use crate::find::batch::key_state::{KeyRule, KeyState, Unsearched};
use crate::sharding::routing::key::{Key, ServerAnswer};
use crate::sharding::routing::rule::NoRoute;
use crate::sharding::shard::Shard;
use crate::text::humanize::ThousandsSeparated;

/// Which tables may hold a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyGroup {
    Origins,
    Accounts,
    Ids,
    Column,
    Listed,
}

/// The keys of a chunk.
#[derive(Debug, Default)]
pub struct ChunkKeys {
    /// Each once.
    pub states: Vec<KeyState>,
    /// By row; `None` for an empty key.
    of_row: Vec<Option<usize>>,
}

/// What became of the rows of the input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub rows: u64,
    pub verified: u64,
    /// Only in other shards.
    pub misplaced: u64,
    /// In no shard.
    pub missing: u64,
    /// Not found, but not looked up where they belong either.
    pub not_looked_up: u64,
    /// Not found in the shards that answered.
    pub not_found: u64,
    /// Rows without a key.
    pub empty: u64,
}

/// `99,998 verified, 1 misplaced, 1 missing`
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} verified", ThousandsSeparated(self.verified))?;
        let others = [
            (self.misplaced, "misplaced"),
            (self.missing, "missing"),
            (self.not_found, "not found"),
            (self.not_looked_up, "not looked up"),
            (self.empty, "empty"),
        ];
        for (count, kind) in others.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {} {kind}", ThousandsSeparated(count))?;
        }
        Ok(())
    }
}

impl KeyGroup {
    pub fn of(key: &Key) -> Self {
        match key {
            Key::Origin(_) => Self::Origins,
            Key::Account(_) => Self::Accounts,
            Key::Id(_) => Self::Ids,
            Key::Value { .. } => Self::Column,
            Key::Listed { .. } => Self::Listed,
        }
    }
}

impl ChunkKeys {
    /// Each of these once, without rows.
    ///
    /// # Errors
    /// If a shard needs the number of shards.
    pub fn of(keys: &[Key], rule: &KeyRule) -> Result<Self, NoRoute> {
        let mut known = HashSet::new();
        let mut chunk = Self::default();
        for key in keys.iter().filter(|key| known.insert(key.to_string())) {
            chunk.states.push(KeyState {
                expected: rule.expected(key, None)?,
                key: key.clone(),
                found: Vec::new(),
                unsearched: None,
            });
        }
        Ok(chunk)
    }

    /// # Errors
    /// If a row has no valid key.
    pub fn new(
        chunk: &Chunk,
        column: usize,
        rule: &KeyRule,
        file: &InputFile,
    ) -> Result<Self, InputError> {
        let mut keys = Self::default();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for row in &chunk.rows {
            let invalid = |reason: String| InputError::Key {
                file: file.clone(),
                line: row.position().map_or(0, csv::Position::line),
                reason,
            };
            let text = std::str::from_utf8(row.get(column).unwrap_or_default());
            let text = text.map_err(|_| invalid("invalid UTF-8".to_owned()))?;
            if text.contains('\0') {
                return Err(invalid("the key contains a NUL byte".to_owned()));
            }
            let index = match (text, known.get(text)) {
                ("", _) => None,
                (_, Some(index)) => Some(*index),
                (_, None) => {
                    let index = keys.states.len();
                    keys.states.push(rule.state(text).map_err(invalid)?);
                    known.insert(text, index);
                    Some(index)
                }
            };
            keys.of_row.push(index);
        }
        Ok(keys)
    }

    /// What became of each row's key, in the order of the rows.
    pub fn rows(&self) -> impl Iterator<Item = Option<&KeyState>> {
        self.of_row
            .iter()
            .map(|index| index.and_then(|index| self.states.get(index)))
    }

    /// Sets where these keys belong, from what the server computed for them.
    ///
    /// # Errors
    /// If a shard needs the number of shards.
    pub fn expect(
        &mut self,
        indexes: &[usize],
        answers: &[ServerAnswer],
        rule: &KeyRule,
    ) -> Result<(), NoRoute> {
        for (index, answer) in indexes.iter().zip(answers) {
            if let Some(state) = self.states.get_mut(*index) {
                state.expected = rule.expected(&state.key, Some(answer))?;
            }
        }
        Ok(())
    }

    /// The texts of these keys.
    pub fn texts(&self, indexes: &[usize]) -> Vec<String> {
        let states = indexes.iter().filter_map(|index| self.states.get(*index));
        states.map(|state| state.key.to_string()).collect()
    }

    /// A key whose route only the server can compute.
    pub fn of_server(&self) -> Option<&Key> {
        let mut keys = self.states.iter().map(|state| &state.key);
        keys.find(|key| key.server_rule().is_some())
    }

    /// The indexes of the keys that are not verified, by group.
    pub fn not_verified(&self, group: KeyGroup) -> Vec<usize> {
        let indexed = self.states.iter().enumerate();
        indexed
            .filter(|(_, state)| KeyGroup::of(&state.key) == group && !state.is_verified())
            .map(|(index, _)| index)
            .collect()
    }

    pub fn groups(&self) -> Vec<KeyGroup> {
        let mut groups: Vec<_> = self
            .states
            .iter()
            .map(|state| KeyGroup::of(&state.key))
            .collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// Several tables of a shard may have an id. Results come in shard order.
    pub fn add(&mut self, index: usize, shard: Shard) {
        if let Some(state) = self.states.get_mut(index)
            && !state.found.contains(&shard)
        {
            state.found.push(shard);
        }
    }

    pub fn tally(&self, tally: &mut Tally) {
        for state in self.rows() {
            tally.rows += 1;
            let kind = match state {
                None => &mut tally.empty,
                Some(state) if state.is_verified() => &mut tally.verified,
                Some(state) if !state.found.is_empty() => &mut tally.misplaced,
                Some(state) => match state.unsearched {
                    None => &mut tally.missing,
                    Some(Unsearched::Home) => &mut tally.not_looked_up,
                    Some(Unsearched::Others) => &mut tally.not_found,
                },
            };
            *kind += 1;
        }
    }
}
