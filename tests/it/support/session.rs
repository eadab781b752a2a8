//! A psql that stays open: what another user of the database does meanwhile.

use super::{Program, Running};

#[derive(Debug)]
pub struct Session {
    psql: Running,
    turns: usize,
}

impl Session {
    pub(super) fn start(psql: Program) -> Self {
        Self {
            psql: psql.spawn_interactive(),
            turns: 0,
        }
    }

    /// Runs SQL, waits until it is done, and returns its output.
    #[track_caller]
    pub fn run(&mut self, sql: &str) -> String {
        let before = format!("turn {} over\n", self.turns);
        self.turns += 1;
        let after = format!("turn {} over\n", self.turns);
        self.psql.feed(&format!("{sql};\n\\echo {after}"));
        let output = self.psql.wait_for_stdout(|text| text.contains(&after));
        let answer = output.split(&after).next().unwrap_or_default();
        answer.rsplit(&before).next().unwrap_or_default().to_owned()
    }
}
