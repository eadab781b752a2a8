//! Why a line is no command.

use super::super::words::WordsError;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Words(#[from] WordsError),
    #[error("invalid command \\{}; try \\? for help{}", .name, meant(*.nearest))]
    Unknown {
        name: String,
        nearest: Option<&'static str>,
    },
    #[error("the shell does not have psql's \\{0}; {1}")]
    OfPsql(String, &'static str),
    #[error("\\{0}: missing required argument")]
    Missing(String),
    #[error("\\{0}: extra argument \"{1}\"")]
    Extra(String, String),
    #[error("unrecognized value \"{value}\" for \"\\{name}\": expected {expected}")]
    Value {
        name: String,
        value: String,
        expected: &'static str,
    },
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean \\{name}?"))
}
