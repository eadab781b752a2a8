//! What is being completed: the flag at the cursor, the beginning of its value, and the words in
//! front of both. Pure.

use std::ffi::OsString;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Databases,
    Shards,
    Origins,
    Profiles,
}

impl Kind {
    /// The flags that take such a value, as clap knows them, and as they are typed.
    pub const ALL: [(Self, &str, &[&str]); 5] = [
        (Self::Databases, "dbname", &["-d", "--dbname"]),
        (Self::Profiles, "profile", &["-P", "--profile"]),
        (Self::Shards, "shards", &["--shards"]),
        (Self::Shards, "exclude_shards", &["--exclude-shards"]),
        (Self::Origins, "origin", &["--origin"]),
    ];

    fn of(flag: &str) -> Option<Self> {
        let mut known = Self::ALL.into_iter();
        known
            .find(|(.., typed)| typed.contains(&flag))
            .map(|(kind, ..)| kind)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    pub kind: Kind,
    /// The value so far.
    pub prefix: String,
    /// The words before the flag, without the program.
    pub before: Vec<OsString>,
}

/// `None` if the words do not end in a flag whose values are known.
pub fn asked(words: &[OsString]) -> Option<Asked> {
    let (current, before) = words.split_last()?;
    let current = current.to_str()?;
    let asked = |kind, prefix: &str, before: &[OsString]| {
        Some(Asked {
            kind,
            prefix: prefix.to_owned(),
            before: before.to_vec(),
        })
    };
    // bash splits `--flag=value` into three words.
    let (prefix, before) = match before {
        [before @ .., equals] if equals == "=" => (current, before),
        _ if current == "=" => ("", before),
        _ => (current, before),
    };
    if let Some((flag, before)) = before.split_last()
        && let Some(kind) = flag.to_str().and_then(Kind::of)
    {
        return asked(kind, prefix, before);
    }
    if let Some((flag, value)) = current.split_once('=')
        && let Some(kind) = Kind::of(flag)
    {
        return asked(kind, value, before);
    }
    // `-dVALUE`
    let (flag, value) = current.split_at_checked(2)?;
    let kind = Kind::of(flag).filter(|_| !value.is_empty())?;
    asked(kind, value, before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &[&str]) -> Option<(Kind, String, usize)> {
        let words: Vec<OsString> = line.iter().map(OsString::from).collect();
        let asked = asked(&words)?;
        Some((asked.kind, asked.prefix, asked.before.len()))
    }

    #[test]
    fn the_flag_and_its_value_may_be_written_in_any_way() {
        for line in [
            &["query", "-d", "li"][..],
            &["query", "--dbname", "li"],
            &["query", "--dbname=li"],
            &["query", "--dbname", "=", "li"],
            &["query", "-dli"],
        ] {
            let expected = Some((Kind::Databases, "li".to_owned(), 1));
            assert_eq!(of(line), expected, "{line:?}");
        }
        let nothing_yet = Some((Kind::Databases, String::new(), 1));
        assert_eq!(of(&["query", "--dbname", "="]), nothing_yet);
        assert_eq!(of(&["query", "--dbname="]), nothing_yet);
        assert_eq!(of(&["query", "-d", ""]), nothing_yet);
    }

    #[test]
    fn other_words_have_no_values() {
        for line in [&["query", "SELECT 1"][..], &["query", "-d"], &["ü"], &[]] {
            assert_eq!(of(line), None, "{line:?}");
        }
    }
}
