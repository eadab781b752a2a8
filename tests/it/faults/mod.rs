//! What a run does when connections, servers and tables change under it.

mod liveness;
mod lost_connections;
mod pooler;
mod rewritten;
mod slow_link;
