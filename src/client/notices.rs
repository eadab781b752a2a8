//! What servers said beside their answers, like NOTICE and WARNING: equal messages
//! are one, with the shards that it came from.

use std::collections::BTreeSet;

use crate::client::Notice;
use crate::sharding::shard::{Shard, whose};
use crate::sharding::statement::Statement;
use crate::terminal::console::Console;
use crate::text::humanize::ThousandsSeparated;

/// How many different messages are kept. A function that writes one per row is not to
/// fill the screen or the memory.
const KEPT: usize = 20;

/// Messages in the order in which they turned up.
#[derive(Debug, Default)]
pub struct Notices {
    kept: Vec<Said>,
    /// How many came that are not kept.
    more: u64,
    warnings: u64,
}

#[derive(Debug)]
struct Said {
    notice: Notice,
    /// None of what a connection said when it was opened.
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

    /// Adds what another connection, or an earlier part of the run, was told.
    pub fn extend(&mut self, others: Self) {
        self.warnings += others.warnings;
        self.more += others.more;
        for Said { notice, shards } in others.kept {
            self.keep(notice, shards);
        }
    }

    /// Of statements that are not the user's text.
    #[must_use]
    pub fn of_other_text(mut self) -> Self {
        for said in &mut self.kept {
            said.notice.forget_position();
        }
        self
    }

    /// Of one statement over all shards, whose turn was a shard's in name only.
    #[must_use]
    pub fn of_no_shard(mut self) -> Self {
        for said in &mut self.kept {
            said.shards.clear();
        }
        self.of_other_text()
    }

    /// How many warnings came, equal ones counted each time.
    pub fn warnings(&self) -> u64 {
        self.warnings
    }

    /// Tells it, of a run that asked this many shards.
    pub fn say(&self, asked: usize, statement: &Statement, console: &mut Console) {
        // One by one: in the middle of a text, such a line would be somebody's imitation.
        for said in self.lines(asked, statement) {
            console.server(&said);
        }
    }

    pub fn describe(&self, asked: usize, statement: &Statement) -> String {
        self.lines(asked, statement).concat()
    }

    /// What to tell of each message, in one or more lines.
    fn lines(&self, asked: usize, statement: &Statement) -> Vec<String> {
        let each = self.kept.iter().map(|Said { notice, shards }| {
            let text = notice.describe(Some(statement));
            if shards.is_empty() {
                return text;
            }
            let shards: Vec<_> = shards.iter().copied().collect();
            format!("{}: {text}", whose(&shards, asked))
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
