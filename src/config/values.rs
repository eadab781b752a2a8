//! Parameters whose values are numbers, times or options of the server.

use std::str::FromStr;
use std::time::Duration;

use super::parameters::Parameters;
use super::{Environment, Keepalive, SettingsError};

/// libpq waits forever. Neither a person nor a script should.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// `options`, plus the session settings for which libpq has environment variables: dates should
/// look the same in every tool. As in libpq, the variables come last and so win.
pub(super) fn server_options(options: Option<&str>, environment: &Environment) -> Option<String> {
    let session = [
        ("PGDATESTYLE", "datestyle"),
        ("PGTZ", "timezone"),
        ("PGGEQO", "geqo"),
    ]
    .into_iter()
    .filter_map(|(variable, setting)| {
        let value = environment.variable(variable)?;
        (!value.eq_ignore_ascii_case("default"))
            .then(|| format!("-c {setting}={}", escape_option(value)))
    });
    let all: Vec<_> = options
        .map(str::to_owned)
        .into_iter()
        .chain(session)
        .collect();
    (!all.is_empty()).then(|| all.join(" "))
}

/// The server splits options at spaces that are not escaped.
pub(crate) fn escape_option(value: &str) -> String {
    value
        .chars()
        .flat_map(|c| {
            let escaped = c.is_ascii_whitespace() || c == '\\';
            escaped.then_some('\\').into_iter().chain([c])
        })
        .collect()
}

pub(super) fn connect_timeout(parameters: &Parameters) -> Result<Option<Duration>, SettingsError> {
    if parameters.get("connect_timeout").is_none() {
        return Ok(Some(DEFAULT_CONNECT_TIMEOUT));
    }
    seconds(parameters, "connect_timeout")
}

pub(super) fn keepalive(parameters: &Parameters) -> Result<Option<Keepalive>, SettingsError> {
    let keepalive = Keepalive {
        idle: seconds(parameters, "keepalives_idle")?,
        interval: seconds(parameters, "keepalives_interval")?,
        count: positive(parameters, "keepalives_count")?,
    };
    let wanted = integer(parameters, "keepalives")? != Some(0);
    Ok(wanted.then_some(keepalive))
}

pub(super) fn parsed<T>(parameters: &Parameters, keyword: &str) -> Result<T, SettingsError>
where
    T: FromStr<Err = SettingsError> + Default,
{
    parameters
        .get(keyword)
        .map_or_else(|| Ok(T::default()), str::parse)
}

/// Zero and less mean "not set", as everywhere in libpq.
fn seconds(
    parameters: &Parameters,
    keyword: &'static str,
) -> Result<Option<Duration>, SettingsError> {
    Ok(positive(parameters, keyword)?.map(|seconds| Duration::from_secs(seconds.into())))
}

pub(super) fn positive(
    parameters: &Parameters,
    keyword: &'static str,
) -> Result<Option<u32>, SettingsError> {
    Ok(integer(parameters, keyword)?
        .and_then(|number| u32::try_from(number).ok())
        .filter(|&number| number > 0))
}

fn integer(parameters: &Parameters, keyword: &'static str) -> Result<Option<i32>, SettingsError> {
    parameters
        .get(keyword)
        .map(|text| {
            text.trim()
                .parse()
                .map_err(|_| SettingsError::not_an_integer(keyword, text))
        })
        .transpose()
}
