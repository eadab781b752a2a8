//! What a word that is being typed may become. Names are asked of whoever has the connections.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use tokio::sync::mpsc;

use super::keywords::KEYWORDS;
use crate::commands::query::names::NameKind;
use crate::commands::shell::command;

/// A question for names, and where the answer goes.
#[derive(Debug)]
pub struct NamesWanted {
    pub kind: NameKind,
    pub start: String,
    pub reply: Sender<Vec<String>>,
}

/// Where such questions go.
#[derive(Debug, Clone)]
pub struct NameSource(pub mpsc::UnboundedSender<NamesWanted>);

impl NameSource {
    /// A person does not wait longer.
    const PATIENCE: Duration = Duration::from_secs(2);

    fn names(&self, kind: NameKind, start: &str) -> Vec<String> {
        let (reply, names) = channel();
        let wanted = NamesWanted {
            kind,
            start: start.to_owned(),
            reply,
        };
        // It fails only if the shell has ended.
        let _ = self.0.send(wanted);
        names.recv_timeout(Self::PATIENCE).unwrap_or_default()
    }
}

/// Where the word begins, and what it may become.
pub fn candidates(before: &str, source: &NameSource) -> (usize, Vec<String>) {
    let is_end = |c: char| c.is_whitespace() || "(),;=<>+*".contains(c);
    let start = before.rfind(is_end).map_or(0, |at| at + 1);
    let word = &before[start..];
    if let Some(name) = word.strip_prefix('\\') {
        let commands = command::NAMES.iter().filter(|it| it.starts_with(name));
        return (start, commands.map(|name| format!("\\{name}")).collect());
    }
    let command = before.trim_start().strip_prefix('\\');
    let command = command.and_then(|command| command.split_whitespace().next());
    if let Some(kinds) = command.and_then(of_argument) {
        let list = word.rfind(',').map_or(0, |at| at + 1);
        let names = kinds.iter().map(|kind| source.names(*kind, &word[list..]));
        return (start + list, names.flatten().collect());
    }
    if word.is_empty() {
        return (start, Vec::new());
    }
    // Behind a dot is a column.
    let behind = word.rfind('.').map_or(0, |at| at + 1);
    let name = &word[behind..];
    let mut all = source.names(NameKind::InShard, &name.to_ascii_lowercase());
    if behind == 0 && command.is_none() {
        all.extend(keywords(name));
        all.sort_unstable();
        all.dedup();
    }
    (start + behind, all)
}

/// What a command's arguments are.
fn of_argument(command: &str) -> Option<&'static [NameKind]> {
    Some(match command {
        "shards" => &[NameKind::Shards],
        "psql" => &[NameKind::Shards, NameKind::Keys],
        "find" => &[NameKind::Keys],
        "named" => &[NameKind::Queries],
        _ => return None,
    })
}

/// In the case in which they are typed.
fn keywords(word: &str) -> impl Iterator<Item = String> {
    let lower = word.to_ascii_lowercase();
    let is_upper = !word.chars().any(|c| c.is_ascii_lowercase());
    let found = KEYWORDS.iter().filter(move |it| it.starts_with(&lower));
    found.map(move |keyword| {
        if is_upper {
            keyword.to_ascii_uppercase()
        } else {
            (*keyword).to_owned()
        }
    })
}
