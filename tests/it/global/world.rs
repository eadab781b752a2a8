//! The same rows, whole and sharded; the same question, asked both ways.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use futures::StreamExt;
use shardq::cli::connection::ConnectionArgs;
use shardq::client::{ConnectionPool, row_description};
use shardq::commands::error::Error;
use shardq::commands::global::gather::{All, GatherResult, gather};
use shardq::config::{Environment, Settings};
use shardq::exec::cancel::Interrupt;
use shardq::exec::copy::ResultProtocol;
use shardq::exec::fanout::{DatabaseRun, DatabaseStart, Preflight, Session};
use shardq::exec::plan::{CheckFrequency, Consistency, Determinism, Plan, RowSecurity, Timeouts};
use shardq::global::{
    self, Colocation, ExecutionPlan, FloatAggregation, GlobalOptions, Introspection, OnSchemaDrift,
    PartialPlan, Readings, Strategy,
};
use shardq::pg::lexer::StringSyntax;
use shardq::pg::query_text::Text;
use shardq::sharding::layout::Layout;
use shardq::sharding::search_path::SearchPath;
use shardq::sharding::statement::Statement;
use shardq::terminal::console::Console;
use tokio_postgres::SimpleQueryMessage;

use crate::support::Db;

const TABLES: [&str; 14] = [
    "numbers",
    "extremes",
    "scales",
    "parents",
    "children",
    "texts",
    "people",
    "orders",
    "events",
    "nodes",
    "\"Order\"",
    "own",
    "nothing",
    "extra",
];

/// A database with the tables of `tables.sql`: whole in the schema `whole`, with an extra column
/// `shard` in `whole_shard`, and spread over shards.
pub struct World {
    pub db: Db,
}

/// The result of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Rows {
        columns: Vec<String>,
        rows: Vec<Vec<Option<String>>>,
    },
    /// An SQLSTATE, or the text of an unsupported-query error.
    Error(String),
}

/// The start of the error for `--strategy partial`.
pub const NOT_IN_PARTS: &str = "--strategy partial";

/// The start of the error for a statement that needs what differs between shards.
pub const DIFFER: &str = "table definitions differ between shards";

const NULL: &str = "-null-";
const FIELD: &str = "\u{1f}";
const RECORD: &str = "\u{1e}";

impl World {
    /// `shard_of` is an SQL expression over `id`.
    pub fn new(shards: u32, shard_of: &str) -> Self {
        Self::within(Db::empty(), shards, shard_of)
    }

    /// In an empty database.
    pub fn within(db: Db, shards: u32, shard_of: &str) -> Self {
        let tables = include_str!("tables.sql");
        let mut script = format!(
            "{}\nCREATE SCHEMA whole; SET search_path TO whole, public;\n{tables}\n\
             CREATE TABLE extra (id int PRIMARY KEY, x int); CREATE SCHEMA whole_shard;\n",
            include_str!("world.sql")
        );
        for table in TABLES {
            // A table's own column of that name wins.
            let shard = match table {
                "own" => String::new(),
                _ => format!(", 'shard_' || ({shard_of}) AS shard"),
            };
            writeln!(
                script,
                "CREATE TABLE whole_shard.{table} AS SELECT *{shard} FROM whole.{table};"
            )
            .unwrap();
        }
        db.sql(&script);
        db.create_shards(0..shards);
        let mut spread = String::new();
        for table in TABLES {
            writeln!(
                spread,
                "CREATE TABLE {table} (LIKE whole.{table} INCLUDING ALL);\n\
                 INSERT INTO {table} SELECT * FROM whole.{table} WHERE {shard_of} = {{n}};"
            )
            .unwrap();
        }
        spread += "ALTER TABLE children ADD FOREIGN KEY (parent) REFERENCES parents (id);";
        db.in_each_shard(&spread);
        Self { db }
    }

    /// The same in the middle of a migration: every other shard has extra columns, named like
    /// columns of other tables and like aliases, and longer types.
    pub fn drifted(shards: u32, shard_of: &str) -> Self {
        let world = Self::new(shards, shard_of);
        for schema in ["whole", "whole_shard"] {
            world.db.sql(&format!(
                "ALTER TABLE {schema}.texts ALTER ch TYPE char(8), ALTER v TYPE varchar;
                 ALTER TABLE {schema}.orders ALTER price TYPE numeric"
            ));
        }
        for shard in (1..shards).step_by(2) {
            world.db.in_shard(
                shard,
                "ALTER TABLE orders ADD name text DEFAULT 'new', ADD boss int DEFAULT 1,
                     ADD grp int DEFAULT 2, ALTER price TYPE numeric(12, 2);
                 ALTER TABLE people ADD item text DEFAULT 'new', ADD qty int DEFAULT 1, ADD p int,
                     ADD t text DEFAULT 'new', ADD x int DEFAULT 4;
                 ALTER TABLE numbers ADD label text DEFAULT 'new', ADD person int DEFAULT 3, ADD a int;
                 ALTER TABLE nodes ADD x int DEFAULT 3, ADD name text DEFAULT 'new';
                 ALTER TABLE texts ADD a int, ADD n int DEFAULT 3,
                     ALTER ch TYPE char(8), ALTER v TYPE varchar(20);
                 ALTER TABLE scales ADD b boolean DEFAULT true, DROP y, ADD y text DEFAULT 'new'",
            );
        }
        world
    }

    /// psql's results over the whole tables.
    pub fn psql(&self, statements: &[String]) -> Vec<Answer> {
        const END: &str = "-~-~- end of";
        let mut script = format!("\\pset null '{NULL}'\n");
        for sql in statements {
            let schema = if Text::new(sql, StringSyntax::StandardConforming).names_shard_column() {
                "whole_shard"
            } else {
                "whole"
            };
            writeln!(
                script,
                "SET search_path TO {schema}, public;\n{sql}\n;\n\\echo '{END}' :SQLSTATE"
            )
            .unwrap();
        }
        let ran = self
            .db
            .psql_program(["-A", "-F", FIELD, "-R", RECORD, "-P", "footer=off"])
            .stdin(script)
            .run();
        let mut answers = Vec::new();
        let mut output = String::new();
        for line in ran.stdout.split_inclusive('\n') {
            match line.strip_prefix(END) {
                Some(state) if state.trim() == "00000" => {
                    answers.push(parsed(&std::mem::take(&mut output)));
                }
                Some(state) => {
                    output.clear();
                    answers.push(Answer::Error(state.trim().to_owned()));
                }
                None => output += line,
            }
        }
        assert_eq!(answers.len(), statements.len(), "{}", ran.stderr);
        answers
    }

    /// The library's results over the shards. One connection for all statements, each of which is
    /// introspected, rewritten, checked and run as the command does. `joined` says what is assumed
    /// about joined rows.
    pub fn shardq(
        &self,
        statements: &[String],
        strategy: Strategy,
        joined: Colocation,
    ) -> Vec<Answer> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = self.server(2);
            let interrupt = Interrupt::listen().unwrap();
            let mut answers = Vec::new();
            for sql in statements {
                let interrupt = &interrupt;
                answers.push(
                    one(&server, sql, strategy, joined, interrupt)
                        .await
                        .unwrap_or_else(Answer::Error),
                );
            }
            server.close().await;
            answers
        })
    }

    pub fn server(&self, connections: usize) -> ConnectionPool {
        let variable = |name| Some(self.db.variable(name).to_owned());
        let args = ConnectionArgs {
            host: variable("PGHOST"),
            port: variable("PGPORT"),
            username: variable("PGUSER"),
            dbname: vec![self.db.name().to_owned()],
            ..ConnectionArgs::default()
        };
        let settings =
            Settings::resolve(&(&args).into(), &Environment::of_process().unwrap()).unwrap();
        ConnectionPool::new(settings, connections).unwrap()
    }
}

pub fn plan(sql: &str) -> Plan {
    Plan {
        layout: Layout::default(),
        filter: Arc::default(),
        statement: Statement::new(sql).unwrap(),
        search_path: SearchPath::default(),
        instant: Consistency::SharedSnapshot,
        max_skew: None,
        pinned: Determinism::None,
        limits: Timeouts::default(),
        transfer: ResultProtocol::SimpleQuery,
        check: CheckFrequency::Batches,
        row_security: RowSecurity::Fail,
        snapshot: None,
        lock: Vec::new(),
    }
}

async fn one(
    server: &ConnectionPool,
    sql: &str,
    strategy: Strategy,
    colocation: Colocation,
    interrupt: &Interrupt,
) -> Result<Answer, String> {
    let plan = plan(sql);
    let readings = Readings::new(sql);
    let options = GlobalOptions {
        strategy,
        drift: OnSchemaDrift::Refuse,
        colocation,
        float_sums: FloatAggregation::Exact,
    };
    let connection = server.connection().await.map_err(|e| e.to_string())?;
    let found = Introspection::take(connection, &plan, &readings.names(), None)
        .await
        .map_err(|e| e.to_string())?;
    let shards = found.preflight.shards.shards.clone();
    let prepared = global::prepare(&plan, &readings, &found, &shards, &options).await;
    let prepared = prepared.map_err(|error| sqlstate(&Error::global(error, &plan.statement)))?;
    let (session, turn) = match prepared.plan {
        ExecutionPlan::SingleStatement(checked, _) => {
            (found.preflight.session, checked.plan.task(shards[0]))
        }
        ExecutionPlan::PartialThenCombine(partial) => {
            let all = parts(&partial, found.preflight, server, interrupt).await?;
            (
                all.session,
                partial.combine_plan(&all.parts).task(shards[0]),
            )
        }
    };
    answer(&session, &turn.sql).await
}

/// Runs the partial of every shard.
async fn parts(
    partial: &PartialPlan,
    preflight: Preflight,
    server: &ConnectionPool,
    interrupt: &Interrupt,
) -> Result<All, String> {
    let run = DatabaseRun {
        plan: partial.plan.clone(),
        shards: partial.catalog.shards.clone(),
        server: server.clone(),
        start: DatabaseStart::Now {
            preflight: Box::new(preflight),
            pending_connections: Vec::new(),
        },
    };
    let mut console = Console::new(true);
    match gather(partial, vec![run], interrupt, &mut console).await {
        GatherResult::Complete(all) => Ok(*all),
        GatherResult::TimedOut(shard, error) => Err(format!("{shard}: {error}")),
        GatherResult::Fallback(why) => Err(format!("{NOT_IN_PARTS}: {why}")),
        GatherResult::Interrupted => Err("interrupted".to_owned()),
        GatherResult::Retry(tables) => Err(format!("rewritten: {tables:?}")),
    }
}

async fn answer(session: &Session, sql: &str) -> Result<Answer, String> {
    let mut stream = session.send(sql).await.map_err(|e| e.to_string())?;
    let (mut columns, mut rows) = (Vec::new(), Vec::new());
    while let Some(message) = stream.next().await {
        match message.map_err(|e| {
            e.code()
                .map_or(e.to_string(), |code| code.code().to_owned())
        })? {
            SimpleQueryMessage::RowDescription(names) => {
                columns = names
                    .iter()
                    .map(|c| row_description::column(c.name()).unwrap().name)
                    .collect();
            }
            SimpleQueryMessage::Row(row) => {
                rows.push(
                    (0..row.len())
                        .map(|i| row.get(i).map(str::to_owned))
                        .collect(),
                );
            }
            _ => {}
        }
    }
    Ok(Answer::Rows { columns, rows })
}

fn sqlstate(error: &Error) -> String {
    match error {
        Error::Refused { report, .. } => report.code.code().to_owned(),
        other => other.to_string(),
    }
}

/// Parses psql's unaligned output, whose separators occur in no value.
fn parsed(output: &str) -> Answer {
    let output = output.strip_suffix('\n').unwrap_or(output);
    let mut records = output
        .split(RECORD)
        .map(|record| record.split(FIELD).map(str::to_owned).collect::<Vec<_>>());
    let columns = records.next().unwrap_or_default();
    let value = |text: String| (text != NULL).then_some(text);
    let rows = records
        .map(|row| row.into_iter().map(value).collect())
        .collect();
    Answer::Rows { columns, rows }
}

/// The statements of a file, one per line. A line `-- with $x in a, b` expands those that follow,
/// up to the next such line or `-- once`.
pub fn statements(file: &str) -> Vec<String> {
    let mut substitutes: Option<(String, Vec<String>)> = None;
    let mut all = Vec::new();
    let mut statement = String::new();
    for line in file.lines() {
        if let Some(with) = line.strip_prefix("-- with ") {
            let (name, values) = with.split_once(" in ").unwrap();
            substitutes = Some((
                name.to_owned(),
                values.split(", ").fold(Vec::new(), rejoined),
            ));
        } else if line == "-- once" {
            substitutes = None;
        } else if !line.starts_with("-- ") {
            statement += line;
            match statement.strip_suffix(';') {
                Some(whole) => {
                    match &substitutes {
                        None => all.push(whole.to_owned()),
                        Some((name, values)) => {
                            all.extend(values.iter().map(|value| whole.replace(name, value)));
                        }
                    }
                    statement.clear();
                }
                None => statement.push('\n'),
            }
        }
    }
    all
}

/// A comma inside parentheses is not a separator.
fn rejoined(mut values: Vec<String>, part: &str) -> Vec<String> {
    match values.last_mut() {
        Some(last) if last.matches('(').count() > last.matches(')').count() => {
            *last += ", ";
            *last += part;
        }
        _ => values.push(part.to_owned()),
    }
    values
}

/// The difference between two results, if any.
pub fn difference(sql: &str, whole: &Answer, sharded: &Answer) -> Option<String> {
    let same = match (whole, sharded) {
        (
            Answer::Rows {
                columns: a,
                rows: x,
            },
            Answer::Rows {
                columns: b,
                rows: y,
            },
        ) => {
            // psql shows no rows if there are no columns.
            let rows = a.is_empty()
                || a == &[""]
                || if ordered(sql) {
                    x == y
                } else {
                    bag(x) == bag(y)
                };
            (a == b || b.is_empty()) && rows
        }
        (a, b) => a == b,
    };
    (!same).then(|| {
        format!(
            "{sql}\n  psql:   {}\n  shardq: {}\n",
            shown(whole),
            shown(sharded)
        )
    })
}

/// Whether the statement itself defines the order of its rows.
fn ordered(sql: &str) -> bool {
    let text = Text::new(sql, StringSyntax::StandardConforming);
    let mut depth = 0;
    text.tokens.iter().any(|token| {
        depth += i32::from(token.is_mark('(')) - i32::from(token.is_mark(')'));
        depth == 0 && token.is_word("order")
    })
}

fn bag(rows: &[Vec<Option<String>>]) -> BTreeMap<&Vec<Option<String>>, usize> {
    let mut bag = BTreeMap::new();
    for row in rows {
        *bag.entry(row).or_default() += 1;
    }
    bag
}

fn shown(answer: &Answer) -> String {
    let text = format!("{answer:?}");
    text.chars().take(300).collect()
}
