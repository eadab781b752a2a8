//! Server processes, what they have locked, and who blocks whom. Pure but for [`read`].

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::super::session::InspectSession;
use super::super::statement::TextRow;
use crate::commands::error::Error;
use crate::pg::sql_template;
use crate::sharding::database::Database;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;

/// A pid; 0 is any prepared transaction, as for `pg_blocking_pids`.
pub type Pid = u32;

/// A server process, or a prepared transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Process {
    /// The one of several databases in which it was found.
    pub database: Option<Database>,
    /// `None` if it is prepared.
    pub pid: Option<Pid>,
    pub user: Option<String>,
    pub application: Option<String>,
    pub client: Option<String>,
    /// `None` if this role may not see it.
    pub state: Option<String>,
    /// Of its transaction.
    pub age: Option<Duration>,
    /// For how long it has been waiting for a lock.
    pub waiting: Option<Duration>,
    pub locked: Vec<Shard>,
    /// The strongest mode of these locks: `ACCESS EXCLUSIVE`.
    pub mode: Option<String>,
    /// `ACCESS SHARE on shard_3.origins`
    pub waits_for: Option<String>,
    pub blocked_by: Vec<Pid>,
    /// Those that wait for it.
    pub blocks: Vec<Pid>,
    pub query: Option<String>,
}

/// The lock modes of tables, from the weakest. Their strength is the position, from 1.
const MODES: [&str; 8] = [
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
];

pub async fn read(session: &InspectSession<'_>) -> Result<Vec<Process>, Error> {
    let sql = sql_template::fill(
        include_str!("../../../../sql/inspect/activity.sql"),
        &[("shards", &session.shards_sql())],
    );
    let rows = session.query(&sql).await?;
    let processes = rows.iter().map(|row| Process {
        database: session.database(),
        ..process(row, session.shards())
    });
    let mut processes: Vec<_> = processes.collect();
    note_blocked(&mut processes);
    Ok(processes)
}

/// Those of all databases. Those that block most come first, then those that wait longest, then the
/// oldest.
pub fn united(of_databases: Vec<Vec<Process>>) -> Vec<Process> {
    let mut processes: Vec<_> = of_databases.into_iter().flatten().collect();
    processes.sort_by_key(|it| {
        (
            Reverse(it.blocks.len()),
            Reverse(it.waiting),
            Reverse(it.age),
        )
    });
    processes
}

fn process(row: &TextRow, shards: &[Shard]) -> Process {
    let text = |column: usize| row.get(column).cloned().flatten();
    let seconds = |column| {
        let seconds: f64 = text(column)?.parse().ok()?;
        Duration::try_from_secs_f64(seconds.max(0.0)).ok()
    };
    let shard = |position: &str| {
        let position: usize = position.parse().ok()?;
        shards.get(position.checked_sub(1)?).copied()
    };
    let list = |column| text(column).unwrap_or_default();
    let mut locked: Vec<_> = list(7).split(',').filter_map(shard).collect();
    locked.sort_unstable();
    let strength = text(8).and_then(|text| text.parse::<usize>().ok());
    let mode = strength.and_then(|strength| MODES.get(strength.checked_sub(1)?));
    let waits_for = text(9).map(|kind| {
        let mode = text(10).map(|mode| spelled(&mode)).unwrap_or_default();
        let table = text(11).as_deref().and_then(shard).zip(text(12));
        match (kind.as_str(), table) {
            ("tuple", Some((shard, table))) => format!("a row of {shard}.{table}"),
            (_, Some((shard, table))) => format!("{mode} on {shard}.{table}"),
            ("transactionid" | "virtualxid", None) => "the end of a transaction".to_owned(),
            (kind, None) => format!("{mode} on {kind}"),
        }
    });
    Process {
        database: None,
        pid: text(0).and_then(|pid| pid.parse().ok()),
        user: text(1),
        application: text(2).filter(|name| !name.is_empty()),
        client: text(3),
        state: text(4),
        age: seconds(5),
        waiting: seconds(6),
        locked,
        mode: mode.map(|mode| spelled(mode)),
        waits_for,
        blocked_by: list(13)
            .split(',')
            .filter_map(|pid| pid.parse().ok())
            .collect(),
        blocks: Vec::new(),
        query: text(14).filter(|query| !query.is_empty()),
    }
}

/// `AccessShareLock` as `LOCK TABLE` writes it: `ACCESS SHARE`.
fn spelled(mode: &str) -> String {
    let mut spelled = String::new();
    for character in mode.strip_suffix("Lock").unwrap_or(mode).chars() {
        if character.is_ascii_uppercase() && !spelled.is_empty() {
            spelled.push(' ');
        }
        spelled.push(character.to_ascii_uppercase());
    }
    spelled
}

/// Notes whom each blocks. Pids are those of one server.
fn note_blocked(processes: &mut [Process]) {
    let mut blocks: BTreeMap<Pid, Vec<Pid>> = BTreeMap::new();
    for process in processes.iter() {
        for blocker in &process.blocked_by {
            let blocked = blocks.entry(*blocker).or_default();
            blocked.extend(process.pid.filter(|pid| !blocked.contains(pid)));
        }
    }
    for process in processes {
        // No query tells which of the prepared transactions it is.
        let found = blocks.get(&process.pid.unwrap_or(0));
        process.blocks = found.cloned().unwrap_or_default();
        process.blocks.sort_unstable();
    }
}

impl Process {
    /// The shards it has locked: `shard_0-127 ACCESS SHARE`.
    pub fn holds(&self) -> Option<String> {
        let mode = self.mode.as_ref()?;
        Some(format!("{mode} in {}", Ranges::of(&self.locked).brief()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pid: Option<Pid>, blocked_by: &[Pid]) -> Process {
        Process {
            pid,
            blocked_by: blocked_by.to_vec(),
            ..Process::default()
        }
    }

    #[test]
    fn whoever_is_in_the_way_of_most_comes_first() {
        let mut processes = vec![
            of(Some(1), &[3]),
            of(Some(2), &[3, 1]),
            of(Some(3), &[]),
            of(None, &[]),
            of(Some(4), &[0]),
        ];
        note_blocked(&mut processes);
        let (some, others) = processes.split_at(2);
        let ordered = united(vec![some.to_vec(), others.to_vec()]);
        let order = ordered.iter().map(|it| (it.pid, it.blocks.clone()));
        assert_eq!(
            order.collect::<Vec<_>>(),
            [
                (Some(3), vec![1, 2]),
                (Some(1), vec![2]),
                (None, vec![4]),
                (Some(2), vec![]),
                (Some(4), vec![]),
            ]
        );
    }

    #[test]
    fn a_row_says_what_is_held_and_waited_for() {
        let shards = [0, 1, 2, 3].map(Shard::new);
        let row = [
            "7",
            "hab",
            "",
            "10.0.0.1",
            "active",
            "1.5",
            "0.25",
            "3,1,2",
            "8",
            "relation",
            "RowExclusiveLock",
            "4",
            "t",
            "8,9",
            "SELECT 1",
        ];
        let process = process(&row.map(|it| Some(it.to_owned())).to_vec(), &shards);
        assert_eq!(
            process.holds().as_deref(),
            Some("ACCESS EXCLUSIVE in shard_0-2")
        );
        assert_eq!(
            process.waits_for.as_deref(),
            Some("ROW EXCLUSIVE on shard_3.t")
        );
        assert_eq!(process.application, None);
        assert_eq!(process.waiting, Some(Duration::from_millis(250)));
        assert_eq!(process.blocked_by, [8, 9]);
    }

    #[test]
    fn a_row_lock_is_waited_for_until_a_transaction_ends() {
        let mut row = vec![None; 15];
        row[9] = Some("transactionid".to_owned());
        row[10] = Some("ShareLock".to_owned());
        let process = process(&row, &[]);
        assert_eq!(
            process.waits_for.as_deref(),
            Some("the end of a transaction")
        );
        assert_eq!(process.holds(), None);
    }
}
