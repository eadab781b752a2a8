//! What a file says about itself, where its format has room for it.

use crate::config::Settings;
use crate::exec::plan::Plan;
use crate::export::server_info::ServerInfo;

/// Names and values for people: what was queried, where and when.
#[derive(Debug, Clone, Default)]
pub struct Provenance(pub Vec<(&'static str, String)>);

impl Provenance {
    pub fn new(plan: &Plan, settings: &Settings, server: &ServerInfo) -> Self {
        let snapshot = server.snapshot.as_ref();
        let host = server.host.as_ref().map(ToString::to_string);
        let facts = [
            ("statement", Some(plan.statement.as_str().to_owned())),
            ("search_path", Some(plan.search_path.to_string())),
            ("server", host),
            ("database", Some(settings.database().to_owned())),
            ("user", Some(server.user.clone())),
            ("server version", Some(server.version.clone())),
            ("snapshot taken", snapshot.map(|it| it.taken.clone())),
            (
                "exported by",
                Some(concat!("shardq ", env!("CARGO_PKG_VERSION")).to_owned()),
            ),
        ];
        let known = facts
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        Self(known.collect())
    }
}
