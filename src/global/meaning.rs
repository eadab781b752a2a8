//! What names mean that may mean either of two things, asked of the server, in the
//! run's transaction: a view of the shards or a relation of public. A statement
//! without such names costs nothing.

use super::catalog::Catalog;
use super::check::Refused;
use super::look::array;
use super::names::Text;
use super::refusal;
use crate::fanout::{FanoutError, Session, result_rows};
use crate::plan::{self, Plan};

/// The catalog, with what the names in the text mean.
///
/// # Errors
/// If a name would mean what its author may well not.
pub async fn settle(
    session: &Session,
    plan: &Plan,
    text: &Text<'_>,
    catalog: Catalog,
) -> Result<Catalog, Refused> {
    let unsharded: Vec<_> = catalog
        .views
        .union(&catalog.elsewhere)
        .filter(|name| text.may_read(name))
        .collect();
    if unsharded.is_empty() {
        return Ok(catalog);
    }
    let scene = plan::fill(
        include_str!("../../sql/global/scene.sql"),
        &[("search_path", &plan.search_path.schemas())],
    );
    let look = plan::fill(
        include_str!("../../sql/global/elsewhere.sql"),
        &[("names", &array(unsharded.iter().copied()))],
    );
    let message = format!("{scene};\n{look}");
    let client = session.connection().client();
    let answers = client.simple_query(&message).await;
    let answers = answers.map_err(|error| Refused::Failed(FanoutError::opening(&error)))?;
    let found = result_rows(&answers).into_iter().flatten();
    let mut refusals =
        found.filter_map(|row| refusal::unsharded(row.get(0)?, row.get(1), &catalog));
    match refusals.next() {
        Some(refusal) => Err(Refused::ByUs(refusal)),
        None => Ok(catalog),
    }
}
