//! The draft for comments.

use super::Draft;
use crate::commands::inspect::drift::shape::ObjectName;
use crate::pg::quote::{Identifier, Literal};

impl Draft<'_> {
    pub fn comment(self, name: &ObjectName, text: Option<&str>) -> String {
        let kind = name.kind.trim_start_matches("comment on ");
        let (whole, part) = (self.qualified(&name.parent), Identifier(&name.name));
        let object = match kind {
            "column" => format!("COLUMN {whole}.{part}"),
            "constraint" if self.is("domain", &name.parent) => {
                format!("CONSTRAINT {part} ON DOMAIN {whole}")
            }
            "constraint" | "trigger" | "rule" | "policy" => {
                format!("{} {part} ON {whole}", kind.to_uppercase())
            }
            "index" | "statistics" => {
                format!("{} {}", kind.to_uppercase(), self.qualified(&name.name))
            }
            kind => self.object(kind, &name.parent),
        };
        let text = text.map_or("NULL".to_owned(), |text| Literal(text).to_string());
        format!("COMMENT ON {object} IS {text};")
    }
}
