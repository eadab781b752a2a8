//! From the user's statement to the plan of a global query: which tables it names, whether
//! they are one table in all shards, and in which way the statement is answered. The
//! pipeline of `query --global` and `export --global`, and of the tests that compare them
//! with one table.

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

/// What the user grants a global query, and asks of it.
#[derive(Debug, Clone, Copy)]
pub struct GlobalOptions {
    pub strategy: Strategy,
    pub drift: OnSchemaDrift,
    pub colocation: Colocation,
    pub float_sums: FloatAggregation,
}

/// A global query that the server has understood.
pub struct Prepared {
    pub plan: ExecutionPlan,
    /// The tables as all shards have them: the plan's own catalog may say more of joins.
    pub catalog: Catalog,
}

/// Checks the statement over these shards' tables, and chooses how it is answered. In the
/// run's transaction, on the session of the introspection.
///
/// # Errors
/// If the answer could differ from one table's, or the server does not take the statement.
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
        heirs: &found.heirs,
        shards,
        differing: options.drift,
        version: found.version,
        strings: found.strings,
    };
    let mut catalog = agree(session, plan, text, &tables).await?;
    catalog.joined = options.colocation;
    catalog.float_sums = options.float_sums;
    let plan = choose(session, plan, text, &catalog, found, options.strategy).await?;
    Ok(Prepared { plan, catalog })
}

/// What the text alone, and the functions that it calls, rule out.
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

/// A text as a server may read it.
struct Reading<'a> {
    text: Text<'a>,
    strings: StringSyntax,
    encoding: Encoding,
}

/// The statement as any server may read it, mostly all alike: whether a backslash escapes
/// and where a long name is cut depends on the server's settings. The first is that of most.
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

    /// What the statement names, however it is read.
    pub fn names(&self) -> ReferencedNames {
        let readings: Vec<_> = self.0.iter().map(|it| (&it.text, it.strings)).collect();
        ReferencedNames::by(&readings)
    }

    /// Whether the statement may be answered in parts, as far as its text tells.
    pub fn may_be_partial(&self) -> bool {
        may_apply(&self.0[0].text)
    }

    /// As this server reads it.
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
