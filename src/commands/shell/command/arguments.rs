//! The arguments of a command, taken one after the other.

use std::time::Duration;

use super::error::CommandError;
use super::values::{ExpandedChoice, Target, Watch, switch};

pub(super) struct Arguments<'a> {
    pub name: &'a str,
    pub rest: std::vec::IntoIter<String>,
}

impl Arguments<'_> {
    pub fn next(&mut self) -> Option<String> {
        self.rest.next()
    }

    pub fn required(&mut self) -> Result<String, CommandError> {
        let missing = || CommandError::Missing(self.name.to_owned());
        self.rest.next().ok_or_else(missing)
    }

    pub fn all(&mut self) -> Vec<String> {
        self.rest.by_ref().collect()
    }

    pub fn ignore(&mut self) {
        self.rest.by_ref().for_each(drop);
    }

    pub fn is_empty(&self) -> bool {
        self.rest.as_slice().is_empty()
    }

    pub fn target(&mut self) -> Target {
        let mut next = || self.rest.next().filter(|it| it != "-");
        Target {
            dbname: next(),
            user: next(),
            host: next(),
            port: next(),
        }
    }

    /// psql's `[[i=]SEC] [[c=]COUNT]`.
    pub fn watch(&mut self) -> Result<Watch, CommandError> {
        const EVERY: Duration = Duration::from_secs(2);
        let mut watch = Watch {
            pause: EVERY,
            times: None,
        };
        let seconds = self.next();
        let seconds = seconds.map(|it| it.strip_prefix("i=").unwrap_or(&it).to_owned());
        if let Some(seconds) = seconds {
            match seconds.parse().map(Duration::try_from_secs_f64) {
                Ok(Ok(pause)) => watch.pause = pause,
                _ => return Err(self.invalid(seconds, "a number of seconds")),
            }
        }
        let times = self.next();
        let times = times.map(|it| it.strip_prefix("c=").unwrap_or(&it).to_owned());
        if let Some(times) = times {
            match times.parse() {
                Ok(count @ 1..) => watch.times = Some(count),
                _ => return Err(self.invalid(times, "a number of times, at least 1")),
            }
        }
        Ok(watch)
    }

    fn invalid(&self, value: String, expected: &'static str) -> CommandError {
        CommandError::Value {
            name: self.name.to_owned(),
            value,
            expected,
        }
    }

    pub fn switch(&mut self) -> Result<Option<bool>, CommandError> {
        let Some(value) = self.next() else {
            return Ok(None);
        };
        match switch(&value) {
            Some(on) => Ok(Some(on)),
            None => Err(self.invalid(value, "on or off")),
        }
    }

    pub fn expanded(&mut self) -> Result<Option<ExpandedChoice>, CommandError> {
        let Some(value) = self.next() else {
            return Ok(None);
        };
        match (value.as_str(), switch(&value)) {
            ("auto", _) => Ok(Some(ExpandedChoice::Auto)),
            (_, Some(true)) => Ok(Some(ExpandedChoice::On)),
            (_, Some(false)) => Ok(Some(ExpandedChoice::Off)),
            (_, None) => Err(self.invalid(value, "on, off or auto")),
        }
    }
}
