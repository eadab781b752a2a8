//! What arguments of commands can be.

use std::time::Duration;

/// What `\c` leads to. `None`, as psql's `-`, is what it was before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    pub dbname: Option<String>,
    pub user: Option<String>,
    pub host: Option<String>,
    pub port: Option<String>,
}

/// How often, and how many times at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    pub pause: Duration,
    pub times: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpandedChoice {
    On,
    Off,
    Auto,
}

/// psql's booleans.
pub fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" | "t" | "y" => Some(true),
        "off" | "false" | "no" | "0" | "f" | "n" => Some(false),
        _ => None,
    }
}
