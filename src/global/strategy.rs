//! Chooses the strategy that answers a global query, with the reason.

use std::collections::BTreeMap;

use super::catalog::{Catalog, Colocation};
use super::estimate;
use super::partial::row_shares::RowShares;
use super::partial::{self, Clauses, Parts, SelectOutline};
use super::rewrite::Composed;
use super::single_statement::{Checked, PrepareError};
use super::unsupported::UnsupportedQuery;
use crate::exec::fanout::{FanoutError, Session};
use crate::exec::plan::Plan;
use crate::global::PartialPlan;
use crate::pg::lexer::StringSyntax;
use crate::pg::query_text::Text;
use crate::pg::row_batch::Column;

const NOT_UNDERSTOOD: &str = "the server types the partial result differently";

/// The user's choice (`--strategy`). The comments on the variants are help text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Strategy {
    /// Partial results if they are exact and small, else one statement
    #[default]
    Auto,
    /// One statement over all shards
    One,
    /// Partial results per shard, combined; refused if they may not be exact
    Partial,
}

/// The chosen strategy, ready to run.
pub enum ExecutionPlan {
    SingleStatement(Box<Checked>, &'static str),
    PartialThenCombine(Box<PartialPlan>),
}

impl ExecutionPlan {
    /// Partials if they are certain to give the same result and known to be few; otherwise the
    /// single statement.
    pub async fn choose(
        session: &Session,
        plan: &Plan,
        text: &Text<'_>,
        catalog: &Catalog,
        strings: StringSyntax,
    ) -> Result<Self, PrepareError> {
        let why = match Self::in_parts(session, plan, text, catalog, strings).await? {
            Ok(mut in_parts) => {
                let few = estimate::few(session, &in_parts).await;
                match few.map_err(PrepareError::Connection)? {
                    Ok(shares) => {
                        in_parts.shares = shares;
                        return Ok(Self::PartialThenCombine(Box::new(in_parts)));
                    }
                    Err(why) => why,
                }
            }
            Err(why) => why,
        };
        Self::one(session, plan, text, catalog, strings, why).await
    }

    pub async fn one(
        session: &Session,
        plan: &Plan,
        text: &Text<'_>,
        catalog: &Catalog,
        strings: StringSyntax,
        why: &'static str,
    ) -> Result<Self, PrepareError> {
        let checked = Checked::take(session, plan, text, catalog.clone(), strings).await?;
        Ok(Self::SingleStatement(Box::new(checked), why))
    }

    /// Partials, or an error that says why not.
    pub async fn parts(
        session: &Session,
        plan: &Plan,
        text: &Text<'_>,
        catalog: &Catalog,
        strings: StringSyntax,
    ) -> Result<Self, PrepareError> {
        match Self::in_parts(session, plan, text, catalog, strings).await? {
            Ok(in_parts) => Ok(Self::PartialThenCombine(Box::new(in_parts))),
            Err(why) => Err(PrepareError::Unsupported(UnsupportedQuery::NotInParts(
                why.to_owned(),
            ))),
        }
    }

    /// Partials, or why they are not certain to give the same result. The server checks this
    /// against one shard's tables only, since they are alike in all shards.
    async fn in_parts(
        session: &Session,
        plan: &Plan,
        text: &Text<'_>,
        catalog: &Catalog,
        strings: StringSyntax,
    ) -> Result<Result<PartialPlan, &'static str>, PrepareError> {
        if partial::is_long(text) {
            return Ok(Err(partial::LONG));
        }
        let clauses = match Clauses::find(text) {
            Ok(clauses) if !catalog.tables.is_empty() => clauses,
            _ => return Ok(Err("it is not a simple SELECT from sharded tables")),
        };
        let alone = catalog.in_shard(catalog.shards[0]);
        let whole = Checked::take(session, plan, text, alone.clone(), strings).await?;
        let names: Vec<_> = whole.columns.iter().map(|c| c.name.as_str()).collect();
        let outline = match SelectOutline::new(text, clauses, catalog) {
            Ok(outline) => outline,
            Err(why) => return Ok(Err(why)),
        };
        let joins = outline.sources.unproven_joins(catalog.joined);
        let mut catalog = catalog.clone();
        if joins.is_some() {
            catalog.joined = Colocation::Proven;
        }
        let partial = match partial::analyze(outline, strings, catalog.joined, &names) {
            Ok(partial) => partial,
            Err(why) => return Ok(Err(why)),
        };
        let part = Text::new(&partial.part, strings);
        let (shadowed, checked) = futures::join!(
            partial::is_shadowed(session, text, &plan.layout, &catalog),
            Self::try_prepare(session, plan, &part, alone, strings)
        );
        let checked = match checked? {
            Some(_) if shadowed.map_err(PrepareError::Connection)? => {
                return Ok(Err(partial::SHADOWED));
            }
            Some(checked) => checked,
            None => return Ok(Err(NOT_UNDERSTOOD)),
        };
        let parts = match Parts::new(&partial, &checked.columns, catalog.float_sums) {
            Ok(parts) => parts,
            Err(why) => return Ok(Err(why)),
        };
        if parts.sums_floats(&partial)
            && !partial::floats_round_trip(session)
                .await
                .map_err(PrepareError::Connection)?
        {
            return Ok(Err(partial::DIGITS_CUT));
        }
        let combined = parts.statement(&partial);
        let combined = Text::new(&combined, strings);
        let nothing = Catalog::default();
        match Self::try_prepare(session, plan, &combined, nothing, strings).await? {
            Some(combined) if same_result_columns(&combined.columns, &whole.columns) => {}
            _ => return Ok(Err(NOT_UNDERSTOOD)),
        }
        // Last, because this reads rows.
        if let Some(joins) = &joins {
            let proved = partial::verify_colocation(session, joins, &catalog.shards).await;
            if !proved.map_err(PrepareError::Connection)? {
                return Ok(Err(partial::APART));
            }
        }
        let texts: BTreeMap<_, _> = catalog
            .shards
            .iter()
            .map(|&shard| (shard, Composed::new(&part, &catalog.in_shard(shard)).sql))
            .collect();
        let plan = Plan {
            statement: plan.statement.clone().with_text_in(texts),
            search_path: checked.plan.search_path.clone(),
            ..plan.clone()
        };
        Ok(Ok(PartialPlan {
            partial,
            parts,
            plan,
            catalog,
            shares: RowShares::default(),
        }))
    }

    /// Prepares SQL that we generated; `None` if the server rejects it. The transaction is then
    /// back at its savepoint.
    async fn try_prepare(
        session: &Session,
        plan: &Plan,
        text: &Text<'_>,
        catalog: Catalog,
        strings: StringSyntax,
    ) -> Result<Option<Checked>, PrepareError> {
        match Checked::take(session, plan, text, catalog, strings).await {
            Ok(checked) => Ok(Some(checked)),
            Err(PrepareError::Connection(error)) => Err(PrepareError::Connection(error)),
            Err(PrepareError::Unsupported(_) | PrepareError::Server(_)) => {
                let client = session.connection();
                let recovered = client.simple_query(&Plan::recover()).await;
                recovered
                    .map_err(|error| PrepareError::Connection(FanoutError::setup_failed(&error)))?;
                Ok(None)
            }
        }
    }

    /// The strategy, the reason for it, and the SQL.
    pub fn explain(&self) -> String {
        match self {
            Self::SingleStatement(checked, why) => checked.explain(why),
            Self::PartialThenCombine(in_parts) => in_parts.explain(),
        }
    }

    pub fn catalog(&self) -> &Catalog {
        match self {
            Self::SingleStatement(checked, _) => &checked.catalog,
            Self::PartialThenCombine(in_parts) => &in_parts.catalog,
        }
    }
}

/// Whether the columns have the same names and types.
fn same_result_columns(some: &[Column], others: &[Column]) -> bool {
    let known = |columns: &[Column]| -> Vec<_> {
        let column = |c: &Column| (c.name.clone(), c.type_oid);
        columns.iter().map(column).collect()
    };
    known(some) == known(others)
}
