//! Notices of a run. Equal messages are grouped, with the shards that they came from.

use std::collections::BTreeSet;

use crate::client::Notice;
use crate::sharding::ranges::whose;
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;
use crate::terminal::console::Console;
use crate::text::humanize::ThousandsSeparated;

/// How many different messages are kept, so that a function that sends one per row fills neither
/// the screen nor memory.
const KEPT: usize = 20;

/// Messages in the order of first appearance.
#[derive(Debug, Default)]
pub struct Notices {
    kept: Vec<Said>,
    /// How many came beyond those kept.
    more: u64,
    warnings: u64,
}

#[derive(Debug)]
struct Said {
    notice: Notice,
    /// Empty for messages sent while connecting.
    shards: BTreeSet<Shard>,
}

impl Notices {
    pub fn add(&mut self, shard: Option<Shard>, notice: Notice) {
        self.warnings += u64::from(notice.is_warning());
        self.keep(notice, shard);
    }

    fn keep(&mut self, notice: Notice, shards: impl IntoIterator<Item = Shard>) {
        match self.kept.iter().position(|said| said.notice == notice) {
            Some(known) => self.kept[known].shards.extend(shards),
            None if self.kept.len() < KEPT => {
                let shards = shards.into_iter().collect();
                self.kept.push(Said { notice, shards });
            }
            None => self.more += 1,
        }
    }

    /// Adds the notices of another connection or of an earlier part of the run.
    pub fn extend(&mut self, others: Self) {
        self.warnings += others.warnings;
        self.more += others.more;
        for Said { notice, shards } in others.kept {
            self.keep(notice, shards);
        }
    }

    /// Drops positions: the notices belong to statements other than the user's text.
    #[must_use]
    pub fn of_other_text(mut self) -> Self {
        for said in &mut self.kept {
            said.notice.forget_position();
        }
        self
    }

    /// Drops shards and positions: the notices belong to a single statement over all shards.
    #[must_use]
    pub fn of_no_shard(mut self) -> Self {
        for said in &mut self.kept {
            said.shards.clear();
        }
        self.of_other_text()
    }

    /// Number of warnings, with repetitions.
    pub fn warnings(&self) -> u64 {
        self.warnings
    }

    /// Prints the notices of a run over `queried` shards.
    pub fn say(&self, queried: usize, statement: &Statement, console: &mut Console) {
        // One by one, because inside a longer text such a line would be treated as a forgery.
        for said in self.lines(queried, statement) {
            console.server(&said);
        }
    }

    pub fn describe(&self, queried: usize, statement: &Statement) -> String {
        self.lines(queried, statement).concat()
    }

    /// One entry of one or more lines per message.
    fn lines(&self, queried: usize, statement: &Statement) -> Vec<String> {
        let each = self.kept.iter().map(|Said { notice, shards }| {
            let text = notice.describe(Some(statement));
            if shards.is_empty() {
                return text;
            }
            let shards: Vec<_> = shards.iter().copied().collect();
            format!("{}: {text}", whose(&shards, queried))
        });
        let more = (self.more > 0).then(|| {
            let more = ThousandsSeparated(self.more);
            format!("… and {more} more messages from the server\n")
        });
        each.chain(more).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(message: &str) -> Notice {
        Notice::read(format!("SNOTICE\0VNOTICE\0M{message}\0\0").as_bytes(), 0)
    }

    #[test]
    fn equal_messages_are_one_with_their_shards_and_what_is_too_much_is_counted() {
        let statement = Statement::new("SELECT 1").unwrap();
        let mut notices = Notices::default();
        for shard in [3, 1, 2, 1] {
            notices.add(Some(Shard::new(shard)), notice("same"));
        }
        notices.add(None, notice("at the door"));
        assert_eq!(
            notices.describe(128, &statement),
            "shard_1-3 (3 shards): NOTICE:  same\nNOTICE:  at the door\n"
        );
        let mut many = Notices::default();
        for number in 0..1_025 {
            many.add(Some(Shard::new(0)), notice(&number.to_string()));
        }
        let text = many.describe(1, &statement);
        assert_eq!(text.lines().count(), KEPT + 1);
        assert!(text.ends_with("… and 1,005 more messages from the server\n"));
        notices.extend(many);
        assert!(
            notices
                .describe(1, &statement)
                .ends_with("… and 1,007 more messages from the server\n")
        );
    }
}
