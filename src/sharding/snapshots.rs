//! Snapshots that several runs read: one per database, held by somebody else.

use std::sync::Arc;

/// By the places of their databases. Each run numbers its databases anew, so they cannot tell.
#[derive(Debug, Clone)]
pub struct SharedSnapshots(Arc<[(String, Arc<str>)]>);

impl SharedSnapshots {
    pub fn new(by_place: impl Iterator<Item = (String, Arc<str>)>) -> Self {
        Self(by_place.collect())
    }

    pub fn of_place(&self, place: &str) -> Option<Arc<str>> {
        let mut snapshots = self.0.iter();
        let found = snapshots.find(|(known, _)| known == place);
        found.map(|(_, snapshot)| Arc::clone(snapshot))
    }
}
