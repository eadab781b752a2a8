//! Has every shard compute its part, through the fan-out, and keeps them all.

use super::combine::Parts;
use crate::fanout::{Fanout, Session, ShardError, Survey};
use crate::interrupt::Interrupt;
use crate::merge::{Delivery, Merge, Piece};
use crate::plan::Plan;
use crate::server::{Server, Spare};
use crate::shard::Shard;
use crate::types::TypeNames;

/// How it went.
pub enum Gathered {
    /// Every shard's part, and a session at the instant they are of.
    All(Box<(Parts, Session)>),
    /// One statement may still give the answer.
    Failed(String),
    Interrupted,
}

/// Asks these shards. Unless it went well, nothing runs on the server afterwards.
pub async fn gather(
    plan: &Plan,
    shards: Vec<Shard>,
    survey: Survey,
    server: Server,
    spares: Vec<Spare>,
    mut parts: Parts,
    interrupt: &Interrupt,
) -> Gathered {
    let mut fanout = Fanout::start(plan.clone(), shards.clone(), server, survey, spares);
    let mut merge = Merge::new(
        shards,
        TypeNames::default(),
        fanout.window(),
        Delivery::IN_ORDER,
    );
    while !merge.is_complete() {
        tokio::select! {
            biased;
            () = interrupt.requested() => {
                fanout.stop().await;
                return Gathered::Interrupted;
            }
            message = fanout.next() => match message {
                Some(message) => merge.accept(message),
                None => merge.close(&ShardError::NotAsked),
            },
        }
        while let Some(piece) = merge.pop() {
            let failed = match piece {
                Piece::Rows(_, rows) => match parts.add(&rows) {
                    Ok(()) => continue,
                    Err(unfit) => unfit.to_string(),
                },
                Piece::Failed(shard, error) => format!("{shard}: {error}"),
                // Nothing is taken back of shards that come in order.
                Piece::Columns(_)
                | Piece::Lines(..)
                | Piece::TakenBack(_)
                | Piece::Answered(..)
                | Piece::Notice(_) => continue,
            };
            fanout.stop().await;
            return Gathered::Failed(failed);
        }
    }
    match fanout.into_session().await {
        Some(session) => Gathered::All(Box::new((parts, session))),
        None => Gathered::Failed("no connection is left".to_owned()),
    }
}
