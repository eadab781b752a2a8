//! Merging against a simple model: what a worker sent last of a shard is what is emitted.

use std::time::Duration;

use futures::FutureExt;
use proptest::prelude::*;
use tokio_postgres::types::Type;

use super::*;
use crate::exec::fanout::ShardStats;
use crate::exec::type_names::TypeNames;
use crate::pg::row_batch::{Row, Rows};
use crate::sharding::numbering::Numbering;

const ARRIVAL: MergeMode = MergeMode {
    order: Order::Arrival,
    restart: Restart::WhileIncomplete,
};

/// A merge, the workers' side of its read-ahead, and all that came out.
struct Scene {
    merge: Merge,
    window: Arc<ReadAhead>,
    attempts: Vec<AttemptNumber>,
    emitted: Vec<MergedEvent>,
}

impl Scene {
    fn new(shards: u32, mode: MergeMode) -> Self {
        let window = Arc::new(ReadAhead::default());
        let all = (0..shards).map(Shard::new).collect();
        let mut types = TypeNames::default();
        types.add(20_000, "visibility".to_owned());
        types.add(20_001, "visibility".to_owned());
        let of_database = DatabaseTypes::default();
        of_database.add(None, types);
        Self {
            merge: Merge::new(all, of_database, Arc::clone(&window), mode),
            window,
            attempts: vec![0; shards as usize],
            emitted: Vec::new(),
        }
    }

    fn send(&mut self, index: TaskIndex, event: ShardEvent) -> &mut Self {
        let bytes = event.bytes();
        let admitted = self.window.admit(index, bytes).now_or_never();
        assert!(bytes == 0 || admitted.is_some(), "no read-ahead left");
        self.merge.accept(Message::Shard {
            index,
            attempt: self.attempts[index],
            event,
        });
        self.emitted.extend(std::iter::from_fn(|| self.merge.pop()));
        self
    }

    fn columns(&mut self, index: TaskIndex) -> &mut Self {
        self.send(index, ShardEvent::Columns(vec![Column::text("n")]))
    }

    fn row(&mut self, index: TaskIndex, value: &str) -> &mut Self {
        let mut rows = Rows::new(1);
        rows.push([Some(value)]);
        self.send(index, ShardEvent::Rows(rows))
    }

    fn finished(&mut self, index: TaskIndex) -> &mut Self {
        let took = Duration::ZERO;
        self.send(index, ShardEvent::Finished(ShardStats { rows: 0, took }))
    }

    fn confirmed(&mut self, index: TaskIndex) -> &mut Self {
        self.send(index, ShardEvent::Confirmed)
    }

    fn failed(&mut self, index: TaskIndex) -> &mut Self {
        self.send(index, ShardEvent::Failed(ShardError::NotAQuery))
    }

    /// The connection is lost: the shard starts again, or fails if its rows were emitted.
    fn lost(&mut self, index: TaskIndex) -> bool {
        match self.window.restart(index) {
            Some(attempt) => self.attempts[index] = attempt,
            None => {
                self.failed(index);
            }
        }
        self.attempts[index] > 0 && !self.merge.failed[index]
    }

    /// What was emitted since the last call, one word per event.
    fn log(&mut self) -> String {
        let events = std::mem::take(&mut self.emitted);
        events.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

/// The number of `shard_N`.
fn number(shard: Shard) -> u32 {
    Numbering::default().number(shard).unwrap()
}

fn word(event: &MergedEvent) -> String {
    match event {
        MergedEvent::Columns(_) => "columns".to_owned(),
        MergedEvent::Notice(text) => text.clone(),
        MergedEvent::Filtered(table) => table.to_string(),
        MergedEvent::Shard(shard, event) => {
            let what = match event {
                ShardEvent::Columns(_) => "columns".to_owned(),
                ShardEvent::Rows(rows) => values(rows).join(","),
                ShardEvent::CopyData(_) => "lines".to_owned(),
                ShardEvent::Finished(_) => "finished".to_owned(),
                ShardEvent::Confirmed => "confirmed".to_owned(),
                ShardEvent::RolledBack => "rolled-back".to_owned(),
                ShardEvent::Failed(_) => "failed".to_owned(),
            };
            format!("{}:{what}", number(*shard))
        }
    }
}

fn values(rows: &Rows) -> Vec<String> {
    let values = rows.iter().flat_map(Row::values);
    values
        .map(|value| value.unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn shards_come_in_order_whichever_arrives_first() {
    let mut scene = Scene::new(3, MergeMode::IN_ORDER);
    scene.columns(2).row(2, "c").finished(2).confirmed(2);
    scene.columns(1).row(1, "b");
    assert_eq!(scene.log(), "", "shard_0 comes first");
    scene.columns(0).row(0, "a");
    assert_eq!(scene.log(), "columns 0:columns 0:a", "at once");
    scene.finished(0);
    assert_eq!(scene.log(), "0:finished 1:columns 1:b");
    scene.row(1, "d").finished(1);
    assert_eq!(scene.log(), "1:d 1:finished 2:columns 2:c 2:finished");
    scene.confirmed(0);
    assert!(!scene.merge.is_complete(), "shard_1 can still fail");
    scene.confirmed(1);
    assert!(scene.merge.is_complete());
}

#[test]
fn in_order_of_arrival_the_lowest_shard_still_gives_the_columns() {
    let mut scene = Scene::new(2, ARRIVAL);
    scene.columns(1).row(1, "b");
    assert_eq!(scene.log(), "", "the fastest shard decides nothing");
    scene.columns(0);
    assert_eq!(scene.log(), "columns 0:columns 1:columns 1:b");
    scene.row(0, "a").row(1, "c").finished(1).row(0, "d");
    assert_eq!(scene.log(), "0:a 1:c 1:finished 0:d");
    scene.finished(0).confirmed(1).confirmed(0);
    assert!(scene.merge.is_complete());
}

#[test]
fn if_the_lowest_shard_fails_the_next_one_gives_the_columns() {
    for mode in [MergeMode::IN_ORDER, ARRIVAL] {
        let mut scene = Scene::new(2, mode);
        scene.columns(1).row(1, "b").failed(0);
        assert_eq!(scene.log(), "0:failed columns 1:columns 1:b");
    }
}

#[test]
fn rows_of_an_attempt_that_was_given_up_are_not_emitted() {
    let mut scene = Scene::new(2, MergeMode::IN_ORDER);
    scene.columns(1).row(1, "void");
    assert!(scene.lost(1), "nothing of it was emitted yet");
    scene.columns(1).row(1, "again").finished(1);
    scene.columns(0).finished(0);
    assert_eq!(
        scene.log(),
        "columns 0:columns 0:finished 1:columns 1:columns 1:again 1:finished"
    );
}

#[test]
fn a_shard_whose_rows_were_emitted_cannot_restart() {
    let mut scene = Scene::new(2, MergeMode::IN_ORDER);
    scene.columns(0).row(0, "a");
    assert!(!scene.lost(0));
    assert_eq!(scene.log(), "columns 0:columns 0:a 0:failed");
    scene.columns(1).row(1, "b");
    assert_eq!(scene.log(), "1:columns 1:b", "the others go on");
}

#[test]
fn a_shard_that_restarts_is_rolled_back_before_its_new_rows() {
    for order in [Order::Shard, Order::Arrival] {
        let restart = Restart::WhileIncomplete;
        let mut scene = Scene::new(1, MergeMode { order, restart });
        scene.columns(0).row(0, "a");
        assert!(scene.lost(0));
        scene.columns(0).row(0, "b").finished(0);
        assert_eq!(
            scene.log(),
            "columns 0:columns 0:a 0:rolled-back 0:columns 0:b 0:finished"
        );
    }
}

#[test]
fn the_shard_that_comes_next_is_read_though_the_read_ahead_is_spent() {
    let mut scene = Scene::new(3, MergeMode::IN_ORDER);
    let spend = || scene.window.admit(2, 1 << 16).now_or_never();
    while spend().is_some() {}
    scene.columns(0).finished(0);
    scene.columns(1).row(1, "b");
    assert!(scene.log().ends_with("1:b"));
}

#[test]
fn a_failure_is_reported_at_once_and_ends_the_shard() {
    let mut scene = Scene::new(3, MergeMode::IN_ORDER);
    scene.columns(1).row(1, "b").failed(1);
    assert_eq!(scene.log(), "1:failed", "though shard_0 is not read yet");
    scene.columns(0).finished(0).columns(2);
    assert_eq!(
        scene.log(),
        "columns 0:columns 0:finished 2:columns",
        "without rows of shard_1, which is incomplete"
    );
}

#[test]
fn a_shard_can_fail_after_it_finished() {
    let mut scene = Scene::new(1, MergeMode::IN_ORDER);
    scene.columns(0).finished(0);
    scene.log();
    scene.failed(0).failed(0);
    assert_eq!(scene.log(), "0:failed", "once");
    assert!(scene.merge.is_complete());
}

#[test]
fn a_shard_with_other_columns_fails() {
    let column = |name: &str, type_oid| Column {
        name: name.to_owned(),
        type_oid,
        modifier: -1,
    };
    let (text, int) = (Type::TEXT.oid(), Type::INT4.oid());
    for (columns, told) in [
        (
            vec![column("m", text), column("kind", 20_001)],
            "column 1 is \"m\", but it is \"n\" in shard_0",
        ),
        (
            vec![column("n", int), column("kind", 20_001)],
            "column 1 \"n\" is integer, but it is text in shard_0",
        ),
        (
            vec![column("n", text)],
            "the result has 1 columns, but it has 2 in shard_0",
        ),
        // Each shard has its own type of that name.
        (vec![column("n", text), column("kind", 20_001)], ""),
    ] {
        let mut scene = Scene::new(3, MergeMode::IN_ORDER);
        let reference = vec![column("n", text), column("kind", 20_000)];
        scene.send(0, ShardEvent::Columns(reference)).finished(0);
        scene.log();
        scene.send(1, ShardEvent::Columns(columns));
        let error = scene.emitted.iter().find_map(|event| match event {
            MergedEvent::Shard(_, ShardEvent::Failed(error)) => Some(error.to_string()),
            _ => None,
        });
        assert_eq!(error.unwrap_or_default(), told);
        scene.log();
        scene.row(1, "b").finished(1);
        let rows = if told.is_empty() {
            "1:b 1:finished"
        } else {
            ""
        };
        assert_eq!(scene.log(), rows, "{told}");
    }
}

#[test]
fn when_no_more_comes_every_shard_without_an_end_fails() {
    let mut scene = Scene::new(4, MergeMode::IN_ORDER);
    scene.columns(0).finished(0).confirmed(0);
    scene.columns(1).finished(1);
    scene.columns(3).row(3, "d");
    scene.log();
    scene.merge.close(&ShardError::NotAsked);
    scene
        .emitted
        .extend(std::iter::from_fn(|| scene.merge.pop()));
    assert_eq!(scene.log(), "1:failed 2:failed 3:failed");
    assert!(scene.merge.is_complete());
}

/// What a worker does with one shard.
#[derive(Debug, Clone)]
struct Script {
    /// How many rows came before each loss of the connection.
    losses: Vec<u32>,
    /// How many come in the end.
    rows: u32,
    end: End,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Finished,
    Failed,
    /// Its rows turn out not to be the snapshot's.
    FinishedThenFailed,
}

#[derive(Debug, Clone)]
enum Step {
    Columns,
    Row(String),
    Lost,
    Finished,
    Confirmed,
    Failed,
}

impl Script {
    fn strategy() -> impl Strategy<Value = Self> {
        let end = prop_oneof![
            4 => Just(End::Finished),
            1 => Just(End::Failed),
            1 => Just(End::FinishedThenFailed),
        ];
        let losses = prop::collection::vec(0..3_u32, 0..3);
        (losses, 0..4_u32, end).prop_map(|(losses, rows, end)| Self { losses, rows, end })
    }

    fn steps(&self) -> VecDeque<Step> {
        let mut steps = VecDeque::new();
        let rows = |steps: &mut VecDeque<Step>, attempt: usize, count| {
            steps.push_back(Step::Columns);
            steps.extend((0..count).map(|row| Step::Row(format!("{attempt}.{row}"))));
        };
        for (attempt, count) in self.losses.iter().enumerate() {
            rows(&mut steps, attempt, *count);
            steps.push_back(Step::Lost);
        }
        rows(&mut steps, self.losses.len(), self.rows);
        match self.end {
            End::Finished => steps.extend([Step::Finished, Step::Confirmed]),
            End::Failed => steps.push_back(Step::Failed),
            End::FinishedThenFailed => steps.extend([Step::Finished, Step::Failed]),
        }
        steps
    }

    fn rows(&self) -> Vec<String> {
        let attempt = self.losses.len();
        (0..self.rows)
            .map(|row| format!("{attempt}.{row}"))
            .collect()
    }
}

/// What a reader of the merged events has of one shard.
#[derive(Debug, Default, PartialEq, Eq)]
struct Received {
    rows: Vec<String>,
    finished: u32,
    failed: u32,
}

fn received(events: &[MergedEvent], shards: usize) -> Vec<Received> {
    let mut all: Vec<_> = (0..shards).map(|_| Received::default()).collect();
    let mut has_columns = false;
    for event in events {
        let MergedEvent::Shard(shard, event) = event else {
            assert!(!std::mem::replace(&mut has_columns, true), "columns twice");
            continue;
        };
        let of = &mut all[number(*shard) as usize];
        assert!(
            of.failed == 0,
            "{shard} was over: {}",
            word(&MergedEvent::Notice(format!("{event:?}")))
        );
        match event {
            ShardEvent::Rows(rows) => {
                assert!(has_columns && of.finished == 0);
                of.rows.extend(values(rows));
            }
            ShardEvent::RolledBack => of.rows.clear(),
            ShardEvent::Finished(_) => of.finished += 1,
            ShardEvent::Failed(_) => of.failed += 1,
            _ => {}
        }
    }
    all
}

proptest! {
    #[test]
    fn a_reader_gets_each_shard_once_and_whole(
        scripts in prop::collection::vec(Script::strategy(), 1..6),
        turns in prop::collection::vec(any::<prop::sample::Index>(), 120),
        arrival in any::<bool>(),
        restart in prop_oneof![Just(Restart::Never), Just(Restart::WhileIncomplete)],
    ) {
        let order = if arrival { Order::Arrival } else { Order::Shard };
        let count = scripts.len();
        let mut scene = Scene::new(u32::try_from(count).unwrap(), MergeMode { order, restart });
        let mut steps: Vec<_> = scripts.iter().map(Script::steps).collect();
        let mut could_not_restart = vec![false; count];
        for turn in turns {
            let left: Vec<_> = (0..count).filter(|index| !steps[*index].is_empty()).collect();
            if left.is_empty() {
                break;
            }
            prop_assert!(!scene.merge.is_complete(), "{left:?} have not ended");
            let index = *turn.get(&left);
            match steps[index].pop_front().unwrap() {
                Step::Columns => scene.columns(index),
                Step::Row(value) => scene.row(index, &value),
                Step::Finished => scene.finished(index),
                Step::Confirmed => scene.confirmed(index),
                Step::Failed => scene.failed(index),
                Step::Lost => {
                    if !scene.lost(index) {
                        could_not_restart[index] = true;
                        steps[index].clear();
                    }
                    &mut scene
                }
            };
        }
        prop_assert!(scene.merge.is_complete());

        let events = std::mem::take(&mut scene.emitted);
        let log = events.iter().map(word).collect::<Vec<_>>().join(" ");
        for (index, of) in received(&events, count).iter().enumerate() {
            let script = &scripts[index];
            let fails = could_not_restart[index] || !matches!(script.end, End::Finished);
            prop_assert_eq!(of.failed, u32::from(fails), "{}", log);
            if !fails {
                prop_assert_eq!(&of.rows, &script.rows(), "{}", log);
                prop_assert_eq!(of.finished, 1, "{}", log);
            }
        }
        if restart == Restart::Never {
            prop_assert!(!log.contains("rolled-back"), "{}", log);
        } else {
            prop_assert!(!could_not_restart.contains(&true), "{}", log);
        }
        // Failures are not waited for.
        let in_order = events.iter().filter_map(|event| match event {
            MergedEvent::Shard(_, ShardEvent::Failed(_)) => None,
            MergedEvent::Shard(shard, _) => Some(number(*shard)),
            _ => None,
        });
        prop_assert!(arrival || in_order.is_sorted(), "{}", log);
        // All read-ahead is free again.
        let budget = 4 << 20;
        prop_assert!(scene.window.admit(count, budget).now_or_never().is_some());
    }
}
