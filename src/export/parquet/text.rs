//! Converts the server's text to the numbers that Parquet stores. `None` for values that do
//! not fit, or that readers do not handle: `NaN`, `infinity`, years before 1 or after 9999.

use jiff::civil::{Date, DateTime};

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
    days(text.parse().ok()?)
}

fn days(date: Date) -> Option<i32> {
    // Postgres writes the year before 1 as 1 BC.
    if date.year() < 1 {
        return None;
    }
    let epoch = Date::constant(1970, 1, 1);
    Some(epoch.until(date).ok()?.get_days())
}

/// Microseconds since 1970, from ISO text. Computed from the date, because jiff's `Timestamp`
/// ends hours before 9999-12-31, a common value for "no end".
pub fn timestamp(text: &str) -> Option<i64> {
    let time: DateTime = text.parse().ok()?;
    let seconds = i64::from(days(time.date())?) * 86_400
        + i64::from(time.hour()) * 3600
        + i64::from(time.minute()) * 60
        + i64::from(time.second());
    Some(seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1000)
}

/// The first and last supported moment, in microseconds since 1970.
///
/// Source: Postgres's `extract(epoch FROM …) * 1000000`.
const FIRST: i64 = -62_135_596_800_000_000;
const LAST: i64 = 253_402_300_799_999_999;

/// The server appends the offset (`+00`, `-03:30`, `+01:22:45`) and, if needed, ` BC`. The
/// range applies to the moment in UTC: in the session's time zone, the year may be 10000 or
/// 1 BC.
pub fn timestamp_utc(text: &str) -> Option<i64> {
    let (text, year_of) = match text.strip_suffix(" BC") {
        // 1 BC is year 0.
        Some(text) => (text, (|year| 1 - year) as fn(i64) -> i64),
        None => (text, (|year| year) as fn(i64) -> i64),
    };
    let (date, rest) = text.split_once(' ')?;
    let sign = rest.find(['+', '-'])?;
    let (time, offset) = rest.split_at(sign);
    let (year, day) = date.split_once('-')?;
    let year = year_of(year.parse().ok()?);
    // Any other year is out of range, whatever the offset.
    let moment = match year {
        // Computed in another leap year, because 1 BC and 10000 are leap years.
        0 => timestamp(&format!("0004-{day} {time}"))? - DAYS_OF_4_YEARS * DAY,
        10_000 => timestamp(&format!("9996-{day} {time}"))? + DAYS_OF_4_YEARS * DAY,
        ..0 => return None,
        _ => timestamp(&format!("{date} {time}"))?,
    };
    let mut seconds = 0;
    for (part, unit) in offset[1..].split(':').zip([3600, 60, 1]) {
        // Two digits each; more are not the server's.
        seconds += i64::from(part.parse::<u8>().ok()?) * unit;
    }
    let seconds = if offset.starts_with('-') {
        -seconds
    } else {
        seconds
    };
    let moment = moment - seconds * 1_000_000;
    (FIRST..=LAST).contains(&moment).then_some(moment)
}

/// Microseconds.
const DAY: i64 = 86_400_000_000;

/// From one leap year to the next.
const DAYS_OF_4_YEARS: i64 = 4 * 365 + 1;

/// The elements of a one-dimensional array, from the server's text.
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_microseconds_in_utc() {
        assert_eq!(timestamp_utc("1970-01-01 00:00:01+00"), Some(1_000_000));
        assert_eq!(timestamp_utc("1970-01-01 01:00:00+01"), Some(0));
        assert_eq!(timestamp_utc("1969-12-31 20:30:00-03:30"), Some(0));
        // No server's.
        let offset = "2017-05-19 00:00:00-01777777777777777";
        assert_eq!(timestamp_utc(offset), None);
        assert_eq!(
            timestamp_utc("2017-05-19 21:00:27.943+00"),
            Some(1_495_227_627_943_000)
        );
        assert_eq!(
            timestamp("2017-05-19 21:00:27.943"),
            timestamp_utc("2017-05-19 21:00:27.943+00")
        );
        for text in [
            "infinity",
            "0044-03-15 00:00:00+00 BC",
            "10000-01-01 00:00:00+00",
            "19/05/2017",
        ] {
            assert_eq!(timestamp_utc(text), None, "{text}");
            assert_eq!(
                date(text.split(' ').next().unwrap()).is_some(),
                text.starts_with("0044")
            );
        }
        assert_eq!(date("0044-03-15 BC"), None);
        assert_eq!(date("1970-01-02"), Some(1));
        assert_eq!(date("1969-12-31"), Some(-1));
        assert_eq!(date("2026-11-20"), Some(20_777));
    }

    #[test]
    fn the_first_and_the_last_moments_that_are_read() {
        // Source: Postgres's `extract(epoch FROM …) * 1000000`.
        assert_eq!(
            timestamp("9999-12-31 23:59:59.999999"),
            Some(253_402_300_799_999_999)
        );
        assert_eq!(
            timestamp("0001-01-01 00:00:00"),
            Some(-62_135_596_800_000_000)
        );
        // In any session time zone.
        for (text, moment) in [
            ("9999-12-31 23:59:59.999999+00", Some(LAST)),
            ("10000-01-01 11:59:59.999999+12", Some(LAST)),
            ("9999-12-31 11:59:59.999999-12", Some(LAST)),
            ("10000-01-01 00:00:00+00", None),
            ("9999-12-31 23:59:59-05", None),
            ("10000-02-29 00:00:00+15:59", None),
            ("0001-01-01 00:00:00+00", Some(FIRST)),
            ("0001-12-31 20:00:00-04 BC", Some(FIRST)),
            ("0001-01-01 05:30:00+05:30", Some(FIRST)),
            ("0001-12-31 19:59:59.999999-04 BC", None),
            ("0001-01-01 00:00:00+12", None),
            ("0002-12-31 23:59:59-00 BC", None),
        ] {
            assert_eq!(timestamp_utc(text), moment, "{text}");
        }
    }

    proptest! {
        /// Agrees with jiff on every moment that both support.
        #[test]
        fn moments_are_counted_as_others_count_them(
            second in -62_000_000_000_i64..253_000_000_000,
            micro in 0_i32..1_000_000,
        ) {
            let moment = jiff::Timestamp::new(second, 0).unwrap()
                + jiff::SignedDuration::from_micros(micro.into());
            let text = moment.to_string().replace('T', " ");
            let counted = Some(moment.as_microsecond());
            prop_assert_eq!(timestamp(text.trim_end_matches('Z')), counted);
            prop_assert_eq!(timestamp_utc(&text.replace('Z', "+00")), counted);
        }
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
