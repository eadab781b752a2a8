//! The messages of a run. Every connection opens one read-only transaction, takes the run's
//! snapshot, and then runs one shard's statement after the other. Pure; `--dry-run` prints them.

use std::fmt::Write as _;
use std::time::Duration;

use super::{CheckFrequency, ChildTables, Consistency, Plan, RowSecurity, TableName};
use crate::exec::copy::ResultProtocol;
use crate::pg::quote::{Identifier, Literal};
use crate::pg::sql_template::fill;
use crate::sharding::layout::Layout;
use crate::sharding::shard::Shard;

/// Lists the shards of a database, and schemas that look like one.
pub fn shards_sql(layout: &Layout, having_table: Option<&str>) -> String {
    let has_table = match having_table {
        Some(table) => fill(
            include_str!("../../../sql/session/has_table.sql"),
            &[("table", &Literal(table).to_string())],
        ),
        None => "true".to_owned(),
    };
    fill(
        include_str!("../../../sql/session/shards.sql"),
        &[
            ("is_shard", &layout.condition()),
            ("look_alikes", &Literal(&layout.look_alikes()).to_string()),
            ("has_table", &has_table),
        ],
    )
}

impl Plan {
    /// The message before the statement is prepared: see `sql/session/set_probe_path.sql`.
    pub fn probe(&self) -> String {
        let begin = self.bounded(include_str!("../../../sql/session/begin_probe.sql"), &[]);
        format!("{begin};\n{}", self.probe_in_transaction())
    }

    /// The same if the run's transaction is open already.
    pub fn probe_in_transaction(&self) -> String {
        fill(
            include_str!("../../../sql/session/set_probe_path.sql"),
            &[
                ("search_path", &self.search_path.expression("nspname")),
                ("is_shard", &self.layout.condition()),
            ],
        )
    }

    /// Two messages that open the transaction: the first takes the snapshot, and returns its name.
    pub fn open_together(&self, locked: &[TableName]) -> [String; 2] {
        [self.begin_at_snapshot(locked), self.settings()]
    }

    /// Lists the tables of [`Plan::lock`] that exist.
    pub fn lockable_tables(&self) -> String {
        let array = |part: fn(&TableName) -> &str| {
            let names: Vec<_> = self
                .lock
                .iter()
                .map(|table| Literal(part(table)).to_string())
                .collect();
            format!("ARRAY[{}]::pg_catalog.name[]", names.join(", "))
        };
        fill(
            include_str!("../../../sql/session/lockable_tables.sql"),
            &[
                ("schemas", &array(|table| &table.schema)),
                ("tables", &array(|table| &table.name)),
                ("is_shard", &self.layout.condition()),
            ],
        )
    }

    /// Opens the first connection's transaction, with these tables locked before its snapshot is
    /// taken. Results: the snapshot's name (if shared), then the shards.
    pub fn preflight(&self, locked: &[TableName]) -> String {
        let (begin, shards) = (self.begin_at_snapshot(locked), self.list_shards());
        format!("{begin};\n{shards};\n{}", self.settings())
    }

    /// The same, if a statement of the user's lists the shards next.
    pub fn opening(&self, locked: &[TableName]) -> String {
        let mut sql = format!("{};\n{}", self.begin_at_snapshot(locked), self.settings());
        if self.row_security == RowSecurity::Warn {
            // Until the check of the tables rolls back to a savepoint before it.
            sql += ";\n";
            sql += &fill(include_str!("../../../sql/session/row_security.sql"), &[]);
        }
        sql
    }

    /// What is left of the preflight then, after the statement is checked.
    pub fn rest_of_preflight(&self) -> String {
        format!("{};\n{}", Self::recover(), self.list_shards())
    }

    fn list_shards(&self) -> String {
        shards_sql(&self.layout, self.filter.having_table.as_deref())
    }

    /// Keeps these tables as they are until the transaction ends.
    pub fn lock_tables(&self, tables: &[TableName]) -> String {
        let tables: Vec<_> = tables
            .iter()
            .map(|table| format!("{}.{}", Identifier(&table.schema), Identifier(&table.name)))
            .collect();
        self.bounded(
            include_str!("../../../sql/session/lock_tables.sql"),
            &[("tables", &tables.join(", "))],
        )
    }

    fn begin_at_snapshot(&self, locked: &[TableName]) -> String {
        let mut sql = format!("ROLLBACK;\n{}", self.begin());
        if let Some(snapshot) = &self.snapshot {
            sql += ";\n";
            sql += &import(snapshot);
        }
        if !locked.is_empty() {
            sql += ";\n";
            sql += &self.lock_tables(locked);
        }
        if self.instant == Consistency::SharedSnapshot {
            sql += ";\n";
            sql += &fill(
                include_str!("../../../sql/session/export_snapshot.sql"),
                &[],
            );
        }
        sql
    }

    /// Opens another connection's transaction at the same snapshot. Result: the snapshot's name in
    /// this transaction.
    pub fn join(&self, snapshot: Option<&str>) -> String {
        let mut sql = self.begin();
        if let Some(snapshot) = snapshot {
            sql += ";\n";
            sql += &import(snapshot);
            sql += ";\n";
            sql += &fill(
                include_str!("../../../sql/session/export_snapshot.sql"),
                &[],
            );
        }
        sql += ";\n";
        sql += &self.settings();
        sql
    }

    /// The SQL of the whole run in readable form, for `--dry-run`.
    pub fn describe(&self, shards: &[Shard]) -> String {
        let mut text = String::new();
        if let Some(schemas) = self.layout.schemas_from() {
            let statement = schemas
                .statement()
                .as_str()
                .trim_end()
                .trim_end_matches(';');
            let _ = write!(text, "-- first, for the list of shards\n{statement}\n;\n\n");
        }
        text += "-- on every connection\n";
        let snapshot =
            (self.instant == Consistency::SharedSnapshot).then_some("the run's snapshot");
        let _ = writeln!(text, "{};", self.join(snapshot));
        for &shard in shards {
            let task = match &self.transfer {
                ResultProtocol::SimpleQuery => self.task(shard).sql,
                ResultProtocol::Copy(copying) => {
                    [self.describe_in(shard).sql, self.copy(copying).sql].join(";\n")
                }
            };
            let _ = write!(text, "\n-- {shard}\n{task};\n");
        }
        let when = match self.check {
            CheckFrequency::EachShard => "after each shard",
            CheckFrequency::Batches => "after every few shards, and after the last",
        };
        let _ = write!(
            text,
            "\n-- {when}\n{};\n",
            Self::check_relations(ChildTables::Absent)
        );
        text
    }

    fn begin(&self) -> String {
        let isolation = match self.instant {
            Consistency::SharedSnapshot => "REPEATABLE READ",
            Consistency::PerShard => "READ COMMITTED",
        };
        fill(
            include_str!("../../../sql/session/begin.sql"),
            &[("isolation", isolation)],
        )
    }

    /// Settings for the whole transaction, and the savepoint after them.
    fn settings(&self) -> String {
        let mut sql = String::new();
        for template in self.pinned.templates() {
            sql += &fill(template, &[]);
            sql += ";\n";
        }
        if self.row_security == RowSecurity::Fail {
            sql += &fill(include_str!("../../../sql/session/row_security.sql"), &[]);
            sql += ";\n";
        }
        sql + &self.bounded(
            include_str!("../../../sql/session/session_settings.sql"),
            &[],
        )
    }

    /// Fills in a template that sets the timeouts, among others.
    fn bounded(&self, template: &str, values: &[(&str, &str)]) -> String {
        let statement_timeout = milliseconds(self.limits.statement_timeout);
        let lock_timeout = milliseconds(self.limits.lock_timeout);
        let limits = [
            ("statement_timeout", statement_timeout.as_str()),
            ("lock_timeout", &lock_timeout),
        ];
        fill(template, &[&limits, values].concat())
    }
}

fn import(snapshot: &str) -> String {
    fill(
        include_str!("../../../sql/session/import_snapshot.sql"),
        &[("snapshot", &Literal(snapshot).to_string())],
    )
}

fn milliseconds(limit: Duration) -> String {
    limit.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::copy::CopyFormat;
    use crate::exec::copy::CopyOptions;
    use crate::exec::plan::*;
    use crate::output::format::Delimiter;

    fn plan(sql: &str) -> Plan {
        Plan {
            statement: Statement::new(sql).unwrap(),
            layout: Layout::default(),
            filter: Arc::default(),
            search_path: SearchPath::default(),
            instant: Consistency::SharedSnapshot,
            snapshot: None,
            max_skew: None,
            pinned: Determinism::None,
            limits: Timeouts::default(),
            transfer: ResultProtocol::SimpleQuery,
            check: CheckFrequency::Batches,
            row_security: RowSecurity::Warn,
            lock: Vec::new(),
        }
    }

    #[test]
    fn a_task_is_one_message_in_the_shard_alone() {
        let task = plan("SELECT 1 -- one").task(Shard::new(30));
        assert_eq!(
            task.sql,
            "SAVEPOINT task;\nSET LOCAL search_path TO \"shard_30\", \"pg_temp\";\nSELECT 1 -- one"
        );
        assert!(
            task.sql
                .chars()
                .skip(task.offset)
                .collect::<String>()
                .starts_with("SELECT 1")
        );
    }

    #[test]
    fn errors_are_located_in_the_users_statement_in_a_copy_too() {
        let options = CopyOptions {
            format: CopyFormat::Csv,
            null: None,
            delimiter: Delimiter::COMMA,
            shard_column: true,
        };
        let plan = plan("SELECT 'ž', x");
        for task in [plan.copy(&options), plan.describe_in(Shard::new(1))] {
            let rest: String = task.sql.chars().skip(task.offset).collect();
            assert!(rest.starts_with("SELECT 'ž', x\n"), "{}", task.sql);
        }
    }

    #[test]
    fn tables_are_locked_before_the_snapshot_is_taken() {
        let table = TableName {
            schema: "shard_3".to_owned(),
            name: "it's".to_owned(),
        };
        let sql = plan("SELECT 1").preflight(&[table]);
        let lock = sql.find("LOCK TABLE \"shard_3\".\"it's\" IN").unwrap();
        let limit = sql.find("SET LOCAL lock_timeout").unwrap();
        let snapshot = sql.find("pg_export_snapshot").unwrap();
        assert!(limit < lock && lock < snapshot, "{sql}");
        assert!(!plan("SELECT 1").preflight(&[]).contains("LOCK TABLE"));
    }

    #[test]
    fn row_level_security_fails_the_statement_only_if_it_must() {
        for (row_security, is_off) in [
            (RowSecurity::Warn, false),
            (RowSecurity::Apply, false),
            (RowSecurity::Fail, true),
        ] {
            let plan = Plan {
                row_security,
                ..plan("SELECT 1")
            };
            let found = plan.join(None).contains("SET LOCAL row_security = off");
            assert_eq!(found, is_off, "{row_security:?}");
        }
    }

    #[test]
    fn placeholders_in_the_users_sql_are_the_users() {
        let task = plan("SELECT '{search_path}', '{statement}'").task(Shard::new(1));
        assert!(task.sql.ends_with("SELECT '{search_path}', '{statement}'"));
    }

    #[test]
    fn every_connection_reads_at_the_shared_snapshot() {
        let plan = plan("SELECT 1");
        let join = plan.join(Some("00000003-0000001B-1"));
        assert!(join.starts_with(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n\
             SET TRANSACTION SNAPSHOT '00000003-0000001B-1';\n"
        ));
        assert!(join.ends_with("SAVEPOINT task"));
        assert!(!join.contains("--"), "comments stay out of the wire");
    }

    #[test]
    fn what_is_pinned_stands_in_front_of_the_savepoint_that_tasks_go_back_to() {
        let set = ["DateStyle", "synchronize_seqscans", "max_parallel_workers"];
        for (pinned, count) in [
            (Determinism::None, 0),
            (Determinism::ValueFormat, 1),
            (Determinism::ScanStart, 2),
            (Determinism::RowOrder, 3),
        ] {
            let plan = Plan {
                pinned,
                ..plan("SELECT 1")
            };
            for opening in [plan.preflight(&[]), plan.join(None)] {
                let (before, _) = opening.split_once("SAVEPOINT task").unwrap();
                let found = set.map(|name| before.contains(&format!("SET LOCAL {name}")));
                assert_eq!(found, [count > 0, count > 1, count > 2], "{before}");
            }
        }
    }

    #[test]
    fn a_silent_server_is_waited_for_a_little_longer_than_it_lets_statements_run() {
        let patience = |statement, lock| {
            let limits = Timeouts {
                statement_timeout: Duration::from_secs(statement),
                lock_timeout: Duration::from_secs(lock),
            };
            [limits.patience(), limits.patience_at_first()]
                .map(|limit| limit.map(|limit| limit.as_secs()))
        };
        assert_eq!(patience(60, 1), [Some(65), Some(65)]);
        assert_eq!(patience(1, 1), [Some(6), Some(35)]);
        // Without a statement timeout, our own statements still have a limit.
        assert_eq!(patience(0, 1), [None, Some(125)]);
        assert_eq!(patience(0, 300), [None, Some(305)]);
        // No limit if they may wait for locks forever.
        assert_eq!(patience(0, 0), [None, None]);
    }

    #[test]
    fn without_a_snapshot_each_task_reads_at_its_own_instant() {
        let plan = Plan {
            instant: Consistency::PerShard,
            ..plan("SELECT 1")
        };
        assert!(
            plan.join(None)
                .starts_with("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;\n")
        );
        assert!(!plan.preflight(&[]).contains("export_snapshot"));
    }
}
