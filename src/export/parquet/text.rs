//! The server's text of a value, as a number that Parquet keeps. `None` for what such
//! a number cannot be: `NaN`, `infinity`, years before Christ.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

pub fn parsed<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "t" => Some(true),
        "f" => Some(false),
        _ => None,
    }
}

/// `-1.50` at scale 2 is -150. The server pads to the declared scale.
pub fn decimal(text: &str, scale: usize) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > scale {
        return None;
    }
    format!("{whole}{fraction:0<scale$}").parse().ok()
}

/// Days since 1970, from ISO text.
pub fn date(text: &str) -> Option<i32> {
    let date: Date = text.parse().ok()?;
    let epoch = Date::constant(1970, 1, 1);
    Some(epoch.until(date).ok()?.get_days())
}

/// Microseconds since 1970, from ISO text.
pub fn timestamp(text: &str) -> Option<i64> {
    let time: DateTime = text.parse().ok()?;
    Some(
        time.to_zoned(TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_microsecond(),
    )
}

/// The server ends such a time with its offset: `+00`, `-03:30`, `+01:22:45`.
pub fn timestamp_utc(text: &str) -> Option<i64> {
    // Behind the date, whose hyphens are no signs.
    let sign = text.get(10..)?.rfind(['+', '-'])? + 10;
    let (local, offset) = text.split_at(sign);
    let mut seconds = 0;
    for (part, unit) in offset[1..].split(':').zip([3600, 60, 1]) {
        seconds += part.parse::<i64>().ok()? * unit;
    }
    let seconds = if offset.starts_with('-') {
        -seconds
    } else {
        seconds
    };
    Some(timestamp(local)? - seconds * 1_000_000)
}

/// The elements of an array of one dimension, from the server's text.
///
/// Source: `array_out` in Postgres's `src/backend/utils/adt/arrayfuncs.c`.
pub fn elements(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    if inner.is_empty() {
        return Some(elements);
    }
    let mut characters = inner.chars().peekable();
    loop {
        let quoted = characters.next_if_eq(&'"').is_some();
        let mut element = String::new();
        loop {
            match characters.peek() {
                None | Some(',') if !quoted => break,
                // A second dimension.
                Some('{') if !quoted => return None,
                _ => {}
            }
            match characters.next()? {
                '"' if quoted => break,
                '\\' => element.push(characters.next()?),
                character => element.push(character),
            }
        }
        elements.push((quoted || element != "NULL").then_some(element));
        match characters.next() {
            None => return Some(elements),
            Some(',') => {}
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_microseconds_in_utc() {
        assert_eq!(timestamp_utc("1970-01-01 00:00:01+00"), Some(1_000_000));
        assert_eq!(timestamp_utc("1970-01-01 01:00:00+01"), Some(0));
        assert_eq!(timestamp_utc("1969-12-31 20:30:00-03:30"), Some(0));
        assert_eq!(
            timestamp_utc("2017-05-19 21:00:27.943+00"),
            Some(1_495_227_627_943_000)
        );
        assert_eq!(
            timestamp("2017-05-19 21:00:27.943"),
            timestamp_utc("2017-05-19 21:00:27.943+00")
        );
        for text in ["infinity", "0044-03-15 00:00:00+00 BC", "19/05/2017"] {
            assert_eq!(timestamp_utc(text), None, "{text}");
        }
        assert_eq!(date("1970-01-02"), Some(1));
        assert_eq!(date("1969-12-31"), Some(-1));
        assert_eq!(date("2026-11-20"), Some(20_777));
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal("1.50", 2), Some(150));
        assert_eq!(decimal("-0.05", 2), Some(-5));
        assert_eq!(decimal("7", 3), Some(7000));
        assert_eq!(decimal("NaN", 2), None);
        assert_eq!(
            decimal("99999999999999999999999999999999999999", 0),
            Some(99_999_999_999_999_999_999_999_999_999_999_999_999)
        );
    }

    #[test]
    fn arrays_are_read_as_the_server_writes_them() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(elements("{}"), Some(vec![]));
        assert_eq!(
            elements(r#"{1,NULL,"NULL","a \"b\" \\,{}",""}"#),
            Some(vec![
                some("1"),
                None,
                some("NULL"),
                some(r#"a "b" \,{}"#),
                some("")
            ])
        );
        assert_eq!(elements("{{1},{2}}"), None);
        assert_eq!(elements("[0:1]={1,2}"), None);
    }
}
