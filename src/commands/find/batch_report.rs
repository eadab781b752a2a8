//! What `shardq find --from FILE` reports on stderr, and its exit status.

use super::search::unanswered::Unanswered;
use crate::find::batch::keys::Tally;
use crate::find::coverage::SearchCoverage;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{Location, SnapshotCount, SummaryLine, SummaryPart};
use crate::text::humanize::{HumanDuration, ThousandsSeparated};

/// What is to be reported on stderr.
pub struct Searched {
    pub coverage: SearchCoverage,
    pub unanswered: Vec<Unanswered>,
    pub location: Location,
    pub snapshots: SnapshotCount,
}

impl Searched {
    /// A reader who stopped early does not want the summary, nor a status for keys it did not read.
    pub fn report(self, tally: Tally, is_closed: bool, console: &mut Console) -> Exit {
        for unanswered in &self.unanswered {
            unanswered.say(console);
        }
        let shards = format!("{}{}", self.coverage.counted(), self.coverage.missing);
        let is_complete = self.coverage.is_complete();
        if is_closed {
            return if is_complete {
                Exit::Complete
            } else {
                Exit::Incomplete
            };
        }
        let is_verified = tally.verified == tally.rows;
        let keys = if tally.rows == 1 { "key" } else { "keys" };
        console.summary(&SummaryLine {
            before: vec![
                SummaryPart::Plain(format!("{} {keys}", ThousandsSeparated(tally.rows))),
                SummaryPart::complete_if(is_verified, tally.to_string()),
                SummaryPart::complete_if(is_complete, shards),
            ],
            location: self.location,
            after: vec![
                self.snapshots.to_string(),
                HumanDuration(console.elapsed()).to_string(),
            ],
        });
        if is_verified && is_complete {
            Exit::Complete
        } else {
            Exit::Incomplete
        }
    }
}
