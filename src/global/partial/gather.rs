//! Has every shard compute its part, through the fan-out, and keeps them all.

use super::combine::Parts;
use crate::fanout::{Answer, Fanout, Session, ShardError, Survey};
use crate::interrupt::Interrupt;
use crate::merge::{Delivery, Merge, Piece};
use crate::plan::Plan;
use crate::server::{Server, Spare};
use crate::shard::Shard;
use crate::types::TypeNames;

/// How it went.
pub enum Gathered {
    All(Box<All>),
    /// One statement may still give the answer.
    Failed(String),
    Interrupted,
}

/// Every shard's part.
pub struct All {
    pub parts: Parts,
    pub answers: Vec<(Shard, Answer)>,
    /// At the instant they are of.
    pub session: Session,
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
    let mut answers = Vec::new();
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
                Piece::Answered(shard, answer) => {
                    answers.push((shard, answer));
                    continue;
                }
                Piece::Failed(shard, error) => format!("{shard}: {error}"),
                // Nothing is taken back of shards that come in order.
                Piece::Columns(_) | Piece::Lines(..) | Piece::TakenBack(_) | Piece::Notice(_) => {
                    continue;
                }
            };
            fanout.stop().await;
            return Gathered::Failed(failed);
        }
    }
    match fanout.into_session().await {
        Some(session) => Gathered::All(Box::new(All {
            parts,
            answers,
            session,
        })),
        None => Gathered::Failed("no connection is left".to_owned()),
    }
}
