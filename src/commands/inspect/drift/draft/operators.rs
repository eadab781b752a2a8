//! The draft for operators.

use super::Draft;
use super::steps::{Stage, Step};
use crate::commands::inspect::drift::shape::ObjectName;

/// What can be altered: `NONE` removes it.
const ALTERABLE: [&str; 2] = ["RESTRICT", "JOIN"];

impl Draft<'_> {
    /// With the types of its operands: `"shard_7".=== (pair, pair)`.
    pub fn operator(self, name: &str) -> String {
        let (symbol, operands) = name.split_once('(').unwrap_or((name, ")"));
        // One without a left operand.
        let left = if operands.contains(',') { "" } else { "NONE," };
        format!("{}.{symbol} ({left}{operands}", self.schema())
    }

    pub fn create_operator(self, name: &str, definition: &str) -> String {
        let (symbol, _) = name.split_once('(').unwrap_or((name, ")"));
        format!("CREATE OPERATOR {}.{symbol} ({definition});", self.schema())
    }

    pub fn alter_operator(self, name: &ObjectName, has: &str, expected: &str) -> Vec<Step> {
        let fixed = |text: &str| {
            let parts = text.split(", ");
            let fixed = parts.filter(|part| value(part).is_none());
            fixed.map(str::to_owned).collect::<Vec<_>>()
        };
        let text = self.definition(name).unwrap_or_default();
        if fixed(has) != fixed(expected) {
            return vec![Step::not_drafted(name, Some(has), Some(expected))];
        }
        let of = |wanted: &str| {
            let mut parts = text.split(", ").filter_map(value);
            let found = parts.find(|(option, _)| *option == wanted);
            found.map_or("NONE", |(_, function)| function).to_owned()
        };
        let options = ALTERABLE.map(|option| format!("{option} = {}", of(option)));
        let operator = self.operator(&name.name);
        let options = options.join(", ");
        let sql = format!("ALTER OPERATOR {operator} SET ({options});");
        vec![Step::new(Stage::Operator, sql)]
    }
}

fn value(part: &str) -> Option<(&str, &str)> {
    let (option, function) = part.split_once(" = ")?;
    ALTERABLE.contains(&option).then_some((option, function))
}
