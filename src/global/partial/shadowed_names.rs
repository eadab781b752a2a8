//! Whether a name that is assumed to be Postgres's own may resolve to something else: a function,
//! operator or type in public that is a better match.

use super::allowlist::{AGGREGATES, FUNCTIONS, TYPES};
use super::prove_joins::ask;
use crate::exec::fanout::{FanoutError, Session};
use crate::exec::type_names::FIRST_USER_OID;
use crate::global::catalog::Catalog;
use crate::pg::lexer::TokenKind;
use crate::pg::query_text::Text;
use crate::pg::quote::Literal;
use crate::pg::sql_template;
use crate::sharding::layout::Layout;

/// Why such a statement is not computed in partials.
pub const SHADOWED: &str =
    "a function, operator or type that it uses also exists outside pg_catalog";

/// Words that call operators without naming them.
const IMPLYING: [&str; 7] = ["between", "case", "ilike", "in", "like", "nullif", "using"];
const IMPLIED: [&str; 10] = ["=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "~~*", "!~~*"];

/// Uses the transaction's search path, which is also the statement's.
pub async fn is_shadowed(
    session: &Session,
    text: &Text<'_>,
    layout: &Layout,
    catalog: &Catalog,
) -> Result<bool, FanoutError> {
    let own_types = has_own_types(text, catalog);
    let own = |name: &&str| AGGREGATES.contains(name) || FUNCTIONS.contains(name);
    let tokens = || text.tokens.iter();
    let functions = tokens().filter_map(|token| token.identifier()).filter(own);
    let operators = (0..text.tokens.len())
        .filter(|index| text.tokens[*index].kind == TokenKind::Operator && !is_star(text, *index))
        .map(|index| &text.sql[text.tokens[index].span.clone()])
        .map(|operator| if operator == "!=" { "<>" } else { operator });
    let calls_more = tokens().any(|token| IMPLYING.iter().any(|word| token.is_word(word)));
    let implied = IMPLIED.into_iter().filter(|_| calls_more);
    let sql = sql_template::fill(
        include_str!("../../../sql/global/shadows.sql"),
        &[
            ("functions", &array(functions)),
            ("operators", &array(operators.chain(implied))),
            ("types", &array(TYPES.into_iter())),
            ("own_types", if own_types { "true" } else { "false" }),
            ("first_user_oid", &FIRST_USER_OID.to_string()),
            ("is_shard", &layout.condition()),
        ],
    );
    Ok(!ask(session, &sql).await?.is_empty())
}

/// Whether the statement may name a column of a user-defined type.
fn has_own_types(text: &Text<'_>, catalog: &Catalog) -> bool {
    let mut columns = catalog.tables.iter().flat_map(|table| &table.columns);
    columns.any(|column| !column.is_builtin() && text.mentions(&column.name))
}

/// `count(*)`, `t.*` and `SELECT *` call no operator.
fn is_star(text: &Text<'_>, index: usize) -> bool {
    &text.sql[text.tokens[index].span.clone()] == "*"
        && (['(', '.', ',']
            .iter()
            .any(|mark| text.follows_mark(index, *mark))
            || index > 0 && text.tokens[index - 1].is_word("select"))
}

fn array<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| Literal(name).to_string()).collect();
    format!("ARRAY[{}]::pg_catalog.name[]", names.join(", "))
}
