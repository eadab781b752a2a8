//! The server's text of arrays, decimals and times, as numbers for Parquet. Arrays that are
//! written as `array_out` writes them read back the same; numbers are in the range that is
//! promised, and mean what the text says.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use shardq::export::fuzzing::text;

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Array(Vec<Option<String>>),
    Decimal(i128, u8),
    Any(&'a str),
}

/// Microseconds since 1970 at the begin of year 1 and of year 10000.
const YEARS: std::ops::Range<i64> = -62_135_596_800_000_000..253_402_300_800_000_000;
const DAY: i64 = 86_400_000_000;

fuzz_target!(|input: Input<'_>| match input {
    Input::Array(elements) => {
        assert_eq!(text::elements(&array_out(&elements)), Some(elements));
    }
    Input::Decimal(unscaled, scale) => decimal(unscaled, usize::from(scale % 38)),
    Input::Any(any) => {
        array(any);
        if let Some(day) = text::date(any) {
            assert!(YEARS.contains(&(i64::from(day) * DAY)), "{day}");
        }
        for moment in [text::timestamp(any), text::timestamp_utc(any)] {
            assert!(moment.is_none_or(|moment| YEARS.contains(&moment)));
        }
        for scale in [0, 2, 37] {
            if let Some(unscaled) = text::decimal(any, scale) {
                let plain = text::decimal(&decimal_out(unscaled, scale), scale);
                assert_eq!(plain, Some(unscaled));
                assert!(any.bytes().all(|byte| b"+-.0123456789".contains(&byte)));
            }
        }
    }
});

/// As Postgres's `array_out`: what could be mistaken is quoted.
fn array_out(elements: &[Option<String>]) -> String {
    let written = elements.iter().map(|element| match element {
        None => "NULL".to_owned(),
        Some(text)
            if !text.is_empty()
                && !text.eq_ignore_ascii_case("null")
                && !text.contains(['{', '}', ',', '"', '\\', ' ', '\t', '\n', '\r', '\x0b', '\x0c']) =>
        {
            text.clone()
        }
        Some(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
    });
    format!("{{{}}}", written.collect::<Vec<_>>().join(","))
}

/// What is read from any text is what its own spelling reads as.
fn array(any: &str) {
    if let Some(elements) = text::elements(any) {
        assert!(any.starts_with('{') && any.ends_with('}'));
        assert_eq!(text::elements(&array_out(&elements)), Some(elements));
    }
}

fn decimal(unscaled: i128, scale: usize) {
    let written = decimal_out(unscaled, scale);
    assert_eq!(text::decimal(&written, scale), Some(unscaled), "{written}");
}

fn decimal_out(unscaled: i128, scale: usize) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}
