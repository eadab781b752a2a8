//! Whether a server is what `target_session_attrs` asks for. Costs a round trip, so only if it asks
//! for something.

use tokio_postgres::SimpleQueryMessage::Row;
use tokio_postgres::{Client, Error};

use super::error::Cause;
use crate::config::TargetSessionAttrs;

/// What tells a standby from a primary, and whether transactions can write by default.
const STATE: &str = "SELECT pg_catalog.pg_is_in_recovery(), \
     pg_catalog.current_setting('transaction_read_only')";

/// The requirements to try one after the other.
pub(super) fn passes(wanted: TargetSessionAttrs) -> &'static [TargetSessionAttrs] {
    use TargetSessionAttrs::{Any, PreferStandby, Primary, ReadOnly, ReadWrite, Standby};
    match wanted {
        Any => &[Any],
        ReadWrite => &[ReadWrite],
        ReadOnly => &[ReadOnly],
        Primary => &[Primary],
        Standby => &[Standby],
        PreferStandby => &[Standby, Any],
    }
}

/// Polls the connection meanwhile.
///
/// # Errors
/// In libpq's words, what the server is not; or that the connection was lost.
pub(super) async fn check(
    client: &Client,
    connection: &mut (impl Future<Output = Result<(), Error>> + Unpin),
    wanted: TargetSessionAttrs,
) -> Result<(), Cause> {
    if wanted == TargetSessionAttrs::Any {
        return Ok(());
    }
    let answers = tokio::select! {
        answers = client.simple_query(STATE) => answers?,
        ended = connection => {
            ended?;
            return Err(Cause::Protocol("the server closed the connection".to_owned()));
        }
    };
    let row = answers.iter().find_map(|message| match message {
        Row(row) => Some((row.get(0) == Some("t"), row.get(1) == Some("on"))),
        _ => None,
    });
    let (is_standby, is_read_only) = row.unwrap_or_default();
    let fault = match wanted {
        TargetSessionAttrs::ReadWrite if is_read_only => "session is read-only",
        TargetSessionAttrs::ReadOnly if !is_read_only => "session is not read-only",
        TargetSessionAttrs::Primary if is_standby => "server is in hot standby mode",
        TargetSessionAttrs::Standby if !is_standby => "server is not in hot standby mode",
        _ => return Ok(()),
    };
    Err(Cause::WrongSession(fault))
}
