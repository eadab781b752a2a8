//! The outline of a simple SELECT: the spans of its clauses, and the tables and joins of FROM. It is
//! read from the tokens once per statement; everything else here works on it.

use super::allowlist::NotDecomposable;
use super::clauses::Clauses;
use super::sources::Sources;
use crate::global::catalog::Catalog;
use crate::pg::query_text::Text;

pub struct SelectOutline<'a> {
    pub(super) clauses: Clauses,
    pub sources: Sources<'a>,
}

impl<'a> SelectOutline<'a> {
    /// # Errors
    /// If FROM has anything but sharded tables, joined or left joined.
    pub fn new(
        text: &'a Text<'a>,
        clauses: Clauses,
        catalog: &'a Catalog,
    ) -> Result<Self, NotDecomposable> {
        let sources = Sources::find(text, &clauses.from, catalog)?;
        Ok(Self { clauses, sources })
    }
}
