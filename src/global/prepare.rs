//! From the user's statement to the plan of a global query: which tables it names, whether each is
//! the same table in all shards, and which strategy answers it. Used by `query --global`,
//! `export --global`, and the tests that compare them with a single table.

use super::catalog::{Catalog, Colocation, FloatAggregation, OnSchemaDrift};
use super::introspect::{Introspection, ReferencedNames};
use super::need::{Introspected, agree};
use super::partial::may_apply;
use super::single_statement::PrepareError;
use super::strategy::{ExecutionPlan, Strategy};
use super::string_names;
use super::unsupported::{self, UnsupportedQuery};
use crate::exec::fanout::Session;
use crate::exec::plan::Plan;
use crate::pg::lexer::{Encoding, StringSyntax};
use crate::pg::query_text::Text;
use crate::sharding::shard::Shard;

const ARRAY_NULLS_OFF: &str =
    "array_nulls is off, so a NULL in a partial result would come back as text";

/// The user's choices for a global query.
#[derive(Debug, Clone, Copy)]
pub struct GlobalOptions {
    pub strategy: Strategy,
    pub drift: OnSchemaDrift,
    pub colocation: Colocation,
    pub float_sums: FloatAggregation,
}

/// A global query that the server has parsed and accepted.
pub struct Prepared {
    pub plan: ExecutionPlan,
    /// The tables over all shards. The plan's own catalog may know more about colocation.
    pub catalog: Catalog,
}

/// Checks the statement against the shards' tables and chooses the strategy. Runs in the run's
/// transaction, on the introspection's session.
///
/// # Errors
/// If the result could differ from a single table's, or the server rejects the statement.
pub async fn prepare(
    plan: &Plan,
    readings: &Readings<'_>,
    found: &Introspection,
    shards: &[Shard],
    options: &GlobalOptions,
) -> Result<Prepared, PrepareError> {
    let text = readings.read(found.strings, found.encoding)?;
    check(text, found, options.strategy)?;
    let session = &found.preflight.session;
    let tables = Introspected {
        relations: &found.relations,
        inherited: &found.inherited,
        shards,
        differing: options.drift,
        version: found.version,
        strings: found.strings,
    };
    let mut catalog = agree(session, plan, text, &tables).await?;
    catalog.joined = options.colocation;
    catalog.float_sums = options.float_sums;
    catalog.united.clone_from(&found.united);
    let plan = choose(session, plan, text, &catalog, found, options.strategy).await?;
    Ok(Prepared { plan, catalog })
}

/// Rejects what the text alone, or a function that it calls, rules out.
fn check(
    text: &Text<'_>,
    found: &Introspection,
    strategy: Strategy,
) -> Result<(), UnsupportedQuery> {
    unsupported::check(text)?;
    string_names::check(text, found.strings, &found.functions, &found.objects)?;
    if strategy == Strategy::Partial {
        if let Some(name) = found.functions.volatile.first() {
            return Err(UnsupportedQuery::VolatileInParts(name.clone()));
        }
        if found.array_nulls_off {
            return Err(UnsupportedQuery::NotInParts(ARRAY_NULLS_OFF.to_owned()));
        }
    }
    Ok(())
}

async fn choose(
    session: &Session,
    plan: &Plan,
    text: &Text<'_>,
    catalog: &Catalog,
    found: &Introspection,
    strategy: Strategy,
) -> Result<ExecutionPlan, PrepareError> {
    let strings = found.strings;
    match strategy {
        Strategy::One => {
            ExecutionPlan::one(session, plan, text, catalog, strings, "as requested").await
        }
        Strategy::Auto if found.array_nulls_off => {
            ExecutionPlan::one(session, plan, text, catalog, strings, ARRAY_NULLS_OFF).await
        }
        Strategy::Auto => ExecutionPlan::choose(session, plan, text, catalog, strings).await,
        Strategy::Partial => ExecutionPlan::parts(session, plan, text, catalog, strings).await,
    }
}

/// The text as lexed under one combination of server settings.
struct Reading<'a> {
    text: Text<'a>,
    strings: StringSyntax,
    encoding: Encoding,
}

/// The statement as each kind of server would lex it: whether a backslash escapes and where a long
/// name is truncated depend on the server's settings. The first reading is the most common one, and
/// usually the only one.
pub struct Readings<'a>(Vec<Reading<'a>>);

impl<'a> Readings<'a> {
    pub fn new(sql: &'a str) -> Self {
        let reading = |strings, encoding| Reading {
            text: Text::in_encoding(sql, strings, encoding),
            strings,
            encoding,
        };
        let mut readings = vec![reading(StringSyntax::StandardConforming, Encoding::Utf8)];
        let backslash = sql.contains('\\');
        if backslash {
            readings.push(reading(StringSyntax::BackslashEscapes, Encoding::Utf8));
        }
        if readings.iter().any(|it| it.text.has_long_names())
            && (!sql.is_ascii() || sql.contains("&\""))
        {
            readings.push(reading(StringSyntax::StandardConforming, Encoding::OneByte));
            if backslash {
                readings.push(reading(StringSyntax::BackslashEscapes, Encoding::OneByte));
            }
        }
        Self(readings)
    }

    /// The union of the names in all readings.
    pub fn names(&self) -> ReferencedNames {
        let readings: Vec<_> = self.0.iter().map(|it| (&it.text, it.strings)).collect();
        ReferencedNames::by(&readings)
    }

    /// Whether the text alone permits partials.
    pub fn may_be_partial(&self) -> bool {
        may_apply(&self.0[0].text)
    }

    fn read(
        &self,
        strings: StringSyntax,
        encoding: Encoding,
    ) -> Result<&Text<'a>, UnsupportedQuery> {
        let readings = &self.0;
        if encoding == Encoding::Other && readings.iter().any(|it| it.encoding == Encoding::OneByte)
        {
            return Err(UnsupportedQuery::LongName);
        }
        let known = readings.iter().filter(|it| it.strings == strings);
        let found = known.clone().find(|it| it.encoding == encoding);
        let found = found.or_else(|| known.clone().next());
        Ok(&found.unwrap_or(&readings[0]).text)
    }
}
