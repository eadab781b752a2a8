//! Which of several servers is wanted: libpq's `target_session_attrs` and `load_balance_hosts`.

use std::str::FromStr;

use super::SettingsError;

/// What a server must be like to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetSessionAttrs {
    #[default]
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    /// A standby if there is one, else any server.
    PreferStandby,
}

/// The order in which hosts, and the addresses of each, are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoadBalanceHosts {
    /// As they are given.
    #[default]
    Disable,
    Random,
}

impl FromStr for TargetSessionAttrs {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "any" => Self::Any,
            "read-write" => Self::ReadWrite,
            "read-only" => Self::ReadOnly,
            "primary" => Self::Primary,
            "standby" => Self::Standby,
            "prefer-standby" => Self::PreferStandby,
            _ => return Err(SettingsError::invalid_value("target_session_attrs", text)),
        })
    }
}

impl FromStr for LoadBalanceHosts {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "disable" => Self::Disable,
            "random" => Self::Random,
            _ => return Err(SettingsError::invalid_value("load_balance_hosts", text)),
        })
    }
}
