//! Whether a float survives the round trip through its text.

use super::prove_joins::ask;
use crate::exec::fanout::{FanoutError, Session};

/// Why a sum of floats is not computed in partials.
pub const DIGITS_CUT: &str = "extra_float_digits cuts digits off floating-point values";

pub async fn floats_round_trip(session: &Session) -> Result<bool, FanoutError> {
    let rows = ask(
        session,
        include_str!("../../../sql/global/float_digits.sql"),
    )
    .await?;
    Ok(!rows.is_empty())
}
