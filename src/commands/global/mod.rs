//! How a global query gets going, whatever becomes of its answer: connects, looks
//! at the catalog, chooses the way, and has the parts computed if that is the way.

pub mod gather;

use tokio_postgres::error::SqlState;

use crate::cli::query::{GlobalArgs, ShardArgs, Strategy};
use crate::client::notices::Notices;
use crate::client::{Server, Spare};
use crate::commands::error::Error;
use crate::config::Settings;
use crate::exec::cancel::Interrupt;
use crate::exec::copy::Transfer;
use crate::exec::driver::Started;
use crate::exec::fanout::{Answer, Session, ShardError, Survey};
use crate::exec::hints;
use crate::exec::merge::Delivery;
use crate::exec::plan::{Plan, TableName};
use crate::exec::timing;
use crate::exec::type_names::TypeNames;
use crate::exec::unknown_name::UnknownName;
use crate::global::partial::may_apply;
use crate::global::schema_diff::by_shard;
use crate::global::{
    self, Catalog, Differing, FloatSums, Found, Joined, Look, Refusal, Refused, Wanted, Way,
};
use crate::pg::lexer::{Encoding, Strings};
use crate::pg::query_text::Text;
use crate::sharding::discovered::Discovered;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use gather::{Gathered, gather};

use super::origin::{Located, Looks, Places};
use super::session_setup::{self, Acquaintance};

/// What the person wants, as far as it tells how to get it.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub global: &'a GlobalArgs,
    pub shards: &'a ShardArgs,
    pub connections: usize,
    pub settings: &'a Settings,
    /// The user's statement, and how the answer is to come.
    pub plan: &'a Plan,
    pub interrupt: &'a Interrupt,
}

/// What may be another the next time it is asked.
pub(super) struct Attempt {
    pub acquaintance: Acquaintance,
    strategy: Strategy,
}

/// Ready to be asked.
pub(super) struct Prepared {
    pub way: Way,
    /// The shards that were asked for, whether or not all can take part.
    pub selection: Selection,
    pub survey: Survey,
    pub server: Server,
    pub spares: Vec<Spare>,
}

/// What came of setting the one statement going.
pub(super) enum Start {
    Going(Box<Going>),
    /// The shards' parts could not be had.
    Failed(String),
    /// As the one statement would.
    TimedOut(Shard, ShardError),
    /// The snapshot is gone, or does not cover these tables.
    Retry(Vec<TableName>),
    Interrupted,
}

/// The one statement under way.
pub(super) struct Going {
    pub started: Started,
    pub way: Way,
    /// The shards that were asked for.
    pub selection: Selection,
    /// How the shards' parts went; none of one statement.
    pub parts: Vec<(Shard, Answer)>,
}

/// A flag that is about shards one by one: whether it is there, its name, and what
/// to do instead.
pub(super) type OfShards = (bool, &'static str, &'static str);

pub(super) const ONE_INSTANT: &str = "one answer is of one snapshot; leave it out";
pub(super) const SHARDED_FIRST: &str = "a name is the sharded table's if there is one; put {shard} first, and write public.t for another";
pub(super) const NO_COLUMN: &str = "one answer has no shard column; leave it out";
pub(super) const NAME_THE_COLUMN: &str = "one answer has no shard column; name the column shard in the statement, \
     and every sharded table has it: SELECT shard AS … FROM …";

const NULL_IS_A_TEXT: &str =
    "array_nulls is off, so that a NULL of a part would come back as a text";

/// Refuses flags that mean nothing for one answer of all shards.
pub(super) fn refuse(flags: &[OfShards]) -> Result<(), Error> {
    match flags.iter().find(|(given, ..)| *given) {
        Some((_, flag, instead)) => Err(Error::Usage(format!(
            "{flag} does not go with --global: {instead}"
        ))),
        None => Ok(()),
    }
}

impl Attempt {
    pub fn first(global: &GlobalArgs) -> Self {
        Self {
            acquaintance: Acquaintance::First,
            strategy: global.strategy,
        }
    }

    /// What is wrong, if anything is, one statement tells in terms of the user's
    /// text.
    ///
    /// # Errors
    /// If it is to be in parts, whatever comes of it.
    pub fn without_parts(&mut self, why: String) -> Result<(), Error> {
        if self.strategy == Strategy::Partial {
            return Err(Refusal::NotInParts(why).into());
        }
        self.strategy = Strategy::One;
        Ok(())
    }
}

/// Connects, looks at the catalog, chooses the way and has the statement checked.
/// `None` if interrupted.
pub(super) async fn prepare(
    asked: &Asked<'_>,
    attempt: &Attempt,
    console: &mut Console,
) -> Result<Option<Prepared>, Error> {
    // The parts come as values, however the answer is to come.
    let plan = &Plan {
        transfer: Transfer::Rows,
        ..asked.plan.clone()
    };
    let sql = plan.statement.as_str();
    // Which of them it is, the server tells in the same round trip.
    let readings = readings(sql);
    let wanted: Vec<_> = readings.iter().map(|it| (&it.text, it.strings)).collect();
    let wanted = Wanted::by(&wanted);
    let connections = connections(asked, attempt, &readings[0].text);
    let opened = tokio::select! {
        opened = session_setup::open(asked.settings, connections, attempt.acquaintance, console) => opened?,
        () = asked.interrupt.requested() => return Ok(None),
    };
    let server = opened.server.clone();
    let work = async {
        let look = Look::take(opened.first, plan, &wanted)
            .await
            .map_err(|error| Error::fanout(error, &plan.statement))?;
        let survey = Survey {
            session: look.session,
            shards: look.shards,
            types: TypeNames::default(),
            round_trip: look.round_trip,
        };
        let topology = session_setup::topology(&survey, asked.settings).await?;
        let selection = session_setup::choose_all(asked.shards, &topology, console)?;
        let looks = Looks::send(&survey.session, selection.origins.as_ref()).await;
        let shards = &selection.shards;

        let text = read(&readings, look.strings, look.encoding)?;
        global::check(text)?;
        global::check_strings(text, look.strings, &look.functions, &look.objects)?;
        if attempt.strategy == Strategy::Partial {
            if let Some(name) = look.functions.volatile.first() {
                return Err(Refusal::VolatileInParts(name.clone()).into());
            }
            if look.null_is_a_text {
                return Err(Refusal::NotInParts(NULL_IS_A_TEXT.to_owned()).into());
            }
        }
        let differing = if asked.global.skip_missing {
            Differing::Skip
        } else {
            Differing::Refuse
        };
        let found = Found {
            relations: &look.relations,
            heirs: &look.heirs,
            shards,
            differing,
            version: look.version,
            strings: look.strings,
        };
        let session = &survey.session;
        let mut catalog = global::agree(session, plan, text, &found)
            .await
            .map_err(|refused| Error::global(refused, &plan.statement))?;
        report_drift(&catalog, console);
        if asked.global.colocated {
            catalog.joined = Joined::Stated;
        }
        if asked.global.float_sums_in_parts {
            catalog.float_sums = FloatSums::InParts;
        }
        let strings = look.strings;
        let way = match attempt.strategy {
            Strategy::One => Way::one(session, plan, text, &catalog, strings, "as asked").await,
            Strategy::Auto if look.null_is_a_text => {
                Way::one(session, plan, text, &catalog, strings, NULL_IS_A_TEXT).await
            }
            Strategy::Auto => Way::choose(session, plan, text, &catalog, strings).await,
            Strategy::Partial => Way::parts(session, plan, text, &catalog, strings).await,
        };
        let way = or_explanation(way, session, plan).await?;
        // The looks are answered by now.
        if let Some(origins) = &selection.origins {
            let places = Places {
                session,
                topology: &topology,
                modulus: origins.modulus,
                limits: plan.limits,
            };
            let located = Located::by(looks, places, console).await?;
            located.or_refuse(console)?;
        }
        Ok(Prepared {
            way,
            selection,
            survey,
            server: server.clone(),
            spares: opened.spares,
        })
    };
    session_setup::or_close(&server, asked.interrupt, work).await
}

/// A text as a server may read it.
struct Reading<'a> {
    text: Text<'a>,
    strings: Strings,
    encoding: Encoding,
}

/// As any server may read it: mostly all alike. The first is that of most.
fn readings(sql: &str) -> Vec<Reading<'_>> {
    let reading = |strings, encoding| Reading {
        text: Text::in_encoding(sql, strings, encoding),
        strings,
        encoding,
    };
    let mut readings = vec![reading(Strings::Conforming, Encoding::Utf8)];
    let backslash = sql.contains('\\');
    if backslash {
        readings.push(reading(Strings::Escaped, Encoding::Utf8));
    }
    if readings.iter().any(|it| it.text.has_long_names())
        && (!sql.is_ascii() || sql.contains("&\""))
    {
        readings.push(reading(Strings::Conforming, Encoding::OneByte));
        if backslash {
            readings.push(reading(Strings::Escaped, Encoding::OneByte));
        }
    }
    readings
}

/// As this server reads it.
fn read<'t, 'a>(
    readings: &'t [Reading<'a>],
    strings: Strings,
    encoding: Encoding,
) -> Result<&'t Text<'a>, Refusal> {
    let same = |it: &&Reading<'_>| it.strings == strings;
    let known = readings.iter().filter(same);
    let found = known.clone().find(|it| it.encoding == encoding);
    let found = found
        .or_else(|| known.clone().next())
        .unwrap_or(&readings[0]);
    if encoding == Encoding::Other && readings.iter().any(|it| it.encoding == Encoding::OneByte) {
        return Err(Refusal::LongName);
    }
    Ok(&found.text)
}

/// Which shards take no part, and in what the tables differ besides.
fn report_drift(catalog: &Catalog, console: &mut Console) {
    for line in by_shard(&catalog.deviations) {
        console.warning(&format!("left out: {line}"));
    }
    for table in &catalog.tables {
        for deviation in &table.left_out {
            if table.need.every.is_some() {
                console.warning(&format!("left out: {deviation}"));
            } else {
                console.note(&format!("not needed: {deviation}"));
            }
        }
    }
}

/// The way; or why there is none, with what may have been meant where a name was not
/// found.
async fn or_explanation(
    way: Result<Way, Refused>,
    session: &Session,
    plan: &Plan,
) -> Result<Way, Error> {
    let mut refused = match way {
        Ok(way) => return Ok(way),
        Err(refused) => refused,
    };
    if let Refused::ByServer(report) = &mut refused
        && let Some(unknown) = UnknownName::of(report, &plan.statement)
        // The check has failed, and the transaction with it.
        && session.recover().await.is_ok()
        && let Some(found) = unknown.look(session.connection().client(), &[]).await
        && let Some(hint) = found.hint(&unknown, &plan.search_path.with_default())
    {
        report.hint = Some(hint);
    }
    Err(Error::global(refused, &plan.statement))
}

/// One for one statement.
fn connections(asked: &Asked<'_>, attempt: &Attempt, text: &Text<'_>) -> usize {
    match attempt.strategy {
        Strategy::Auto | Strategy::Partial if may_apply(text) => {
            session_setup::connections(asked.connections, asked.shards, asked.plan)
        }
        _ => 1,
    }
}

impl Prepared {
    /// Sets the one statement going, at once or behind the shards' parts.
    pub async fn start(self, asked: &Asked<'_>, console: &mut Console) -> Result<Start, Error> {
        let Self {
            way,
            selection,
            survey,
            server,
            spares,
        } = self;
        let mut said = Notices::default();
        let (plan, mut survey, parts) = match &way {
            Way::One(checked, _) => {
                drop(spares);
                (checked.plan.clone(), survey, Vec::new())
            }
            Way::Parts(in_parts) => {
                let round_trip = survey.round_trip;
                let gathering = gather(
                    in_parts,
                    survey,
                    server.clone(),
                    spares,
                    asked.interrupt,
                    console,
                );
                let gathered = gathering.await;
                if !matches!(gathered, Gathered::All(_)) {
                    server.close().await;
                }
                let all = match gathered {
                    Gathered::All(all) => *all,
                    Gathered::Unfit(why) => return Ok(Start::Failed(why)),
                    Gathered::TimedOut(shard, error) => return Ok(Start::TimedOut(shard, error)),
                    Gathered::Retry(rewritten) => return Ok(Start::Retry(rewritten)),
                    Gathered::Interrupted => return Ok(Start::Interrupted),
                };
                let survey = Survey {
                    session: all.session,
                    shards: Discovered::default(),
                    types: TypeNames::default(),
                    round_trip,
                };
                said = server.take_notices().of_other_text();
                (in_parts.final_plan(&all.parts), survey, all.answers)
            }
        };
        let plan = Plan {
            transfer: asked.plan.transfer.clone(),
            ..plan
        };
        let parsing = session_setup::copyable(&mut survey.session, &plan);
        let Some(plan) = session_setup::or_close(&server, asked.interrupt, parsing).await? else {
            return Ok(Start::Interrupted);
        };
        // It is asked as if it were a shard's turn.
        let turn = vec![selection.shards[0]];
        let started = Started::new(&plan, turn, survey, server, Vec::new(), Delivery::IN_ORDER)
            .over(way.catalog().shards.len())
            .having_heard(said);
        Ok(Start::Going(Box::new(Going {
            started,
            way,
            selection,
            parts,
        })))
    }
}

/// What the way and the SQL are. The statement is checked, and not run. `None` if
/// interrupted.
pub(super) async fn explain(
    asked: &Asked<'_>,
    console: &mut Console,
) -> Result<Option<String>, Error> {
    let attempt = Attempt::first(asked.global);
    let Some(prepared) = prepare(asked, &attempt, console).await? else {
        return Ok(None);
    };
    let text = prepared.way.explain();
    drop((prepared.survey, prepared.spares));
    prepared.server.close().await;
    Ok(Some(text))
}

/// `limit` is the flag that says how long a statement may take.
pub(super) fn timed_out(shard: Shard, error: ShardError, limit: &str) -> Error {
    let hint = match &error {
        ShardError::Server(report) if report.code == SqlState::QUERY_CANCELED => {
            hints::cancelled(report, limit)
        }
        _ => hints::LOCKED.to_owned(),
    };
    Error::Part { shard, error, hint }
}

/// Which shards' parts took longest.
pub(super) fn timing(parts: &[(Shard, Answer)]) -> String {
    if parts.is_empty() {
        "one statement answered: no shard has a time of its own".to_owned()
    } else {
        timing::describe(parts)
    }
}

/// An answer that shards were left out of is incomplete, though it was asked for so.
pub(super) fn exit(way: &Way, shards: &[Shard]) -> Exit {
    if way.catalog().shards.len() < shards.len() {
        Exit::Incomplete
    } else {
        Exit::Complete
    }
}

/// Why there is no answer, in terms of the user's text where that is what the
/// server ran. `limit` is the flag that says how long a statement may take.
pub(super) fn failure(mut error: ShardError, way: &Way, plan: &Plan, limit: &str) -> Error {
    if let ShardError::Server(report) = &mut error {
        if report.code == SqlState::QUERY_CANCELED {
            report.hint = Some(hints::cancelled(report, limit));
        } else if report.code == SqlState::CHARACTER_NOT_IN_REPERTOIRE {
            report.hint = Some(hints::NOT_UTF8.to_owned());
        }
    }
    match (error, way) {
        (ShardError::Server(report), Way::One(checked, _)) => {
            Error::global(checked.refused(plan, report), &plan.statement)
        }
        (error, _) => Error::Incomplete(error),
    }
}
