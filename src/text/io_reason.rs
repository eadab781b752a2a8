//! Why the system refused something, in words alone: nobody looks up `(os error 2)`.

use std::io;

/// `No such file or directory`, without the number that Rust adds.
pub fn io_reason(error: &io::Error) -> String {
    without_numbers(&error.to_string())
}

/// The same for an error that contains one.
pub fn without_numbers(text: &str) -> String {
    const START: &str = " (os error ";
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(START) {
        let behind = &rest[at + START.len()..];
        let digits = behind.find(|c: char| !c.is_ascii_digit());
        let end = digits.filter(|end| *end > 0 && behind[*end..].starts_with(')'));
        let skipped = end.map_or(0, |end| START.len() + end + 1);
        let kept = if skipped == 0 { START.len() } else { 0 };
        plain += &rest[..at + kept];
        rest = &rest[at + kept + skipped..];
    }
    plain + rest
}

/// Whether there is no such file. Below `/dev/null`, the home of many daemons, none can be.
pub fn is_absent(error: &io::Error) -> bool {
    [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_left_out_and_nothing_else() {
        let missing = io::Error::from_raw_os_error(2);
        assert_eq!(io_reason(&missing), "No such file or directory");
        for (text, plain) in [
            ("a: b (os error 13); c", "a: b; c"),
            ("a (os error 1) (os error 22)", "a"),
            ("a (os error x) b (os error ", "a (os error x) b (os error "),
        ] {
            assert_eq!(without_numbers(text), plain);
        }
    }
}
