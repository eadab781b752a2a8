//! A pattern of schema names: `shard_{n}`, `tenant_{name}`. Pure.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::sharding::numbering::Numbering;

/// `shard_{n}`, `schema{n:3}`, `tenant_{name}`, `shard_*`, `public`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// `{n}`: a number without leading zeros; `{n:3}`: of exactly three digits.
    Number {
        width: Option<usize>,
    },
    /// `{name}`: any text that is not empty.
    Name,
    /// `*`: any text.
    Any,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("a pattern of schema names must not be empty")]
    Empty,
    #[error(
        "\"{{{0}}}\" is unknown in a pattern of schema names; there are {{n}} (a number), {{n:3}} \
         (a number of three digits), {{name}} and * (any text)"
    )]
    Placeholder(String),
    #[error("\"{{\" is not closed in a pattern of schema names")]
    Unclosed,
    #[error("a pattern of schema names can have one {{n}} only")]
    SecondNumber,
}

/// The most digits of a shard's number.
const MOST_DIGITS: usize = 10;

impl Pattern {
    /// `shard_{n}`
    pub(super) fn any() -> Self {
        Self(vec![Part::Any])
    }

    pub(super) fn shard_number() -> Self {
        Self(vec![
            Part::Text("shard_".to_owned()),
            Part::Number { width: None },
        ])
    }

    pub fn matches(&self, name: &str) -> bool {
        matches(&self.0, name)
    }

    pub(super) fn regex(&self) -> String {
        let mut regex = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => escape(text, &mut regex),
                Part::Number { width: None } => {
                    // Writing to a String cannot fail.
                    let _ = write!(regex, "(?:0|[1-9][0-9]{{0,{}}})", MOST_DIGITS - 1);
                }
                Part::Number { width: Some(width) } => {
                    let _ = write!(regex, "[0-9]{{{width}}}");
                }
                Part::Name => regex.push_str(".+"),
                Part::Any => regex.push_str(".*"),
            }
        }
        regex
    }

    /// What `{name}` stands for in this name.
    pub(super) fn label(&self, name: &str) -> Option<String> {
        let (before, after) = match &self.0[..] {
            [Part::Text(before), Part::Name] => (before.as_str(), ""),
            [Part::Name, Part::Text(after)] => ("", after.as_str()),
            [Part::Text(before), Part::Name, Part::Text(after)] => {
                (before.as_str(), after.as_str())
            }
            _ => return None,
        };
        let label = name.strip_prefix(before)?.strip_suffix(after)?;
        (!label.is_empty()).then(|| label.to_owned())
    }

    /// How names are numbered, if by one number.
    pub(super) fn numbering(&self) -> Option<Numbering> {
        let (before, width, after) = match &self.0[..] {
            [Part::Number { width }] => ("", width, ""),
            [Part::Text(before), Part::Number { width }] => (before.as_str(), width, ""),
            [Part::Number { width }, Part::Text(after)] => ("", width, after.as_str()),
            [
                Part::Text(before),
                Part::Number { width },
                Part::Text(after),
            ] => (before.as_str(), width, after.as_str()),
            _ => return None,
        };
        Some(Numbering::new(before, *width, after))
    }
}

/// Escapes what is special in a regular expression.
pub(super) fn escape(text: &str, regex: &mut String) {
    for c in text.chars() {
        if !c.is_alphanumeric() && c.is_ascii() && c != '_' {
            regex.push('\\');
        }
        regex.push(c);
    }
}

/// Takes time in proportion to both, whatever the pattern.
fn matches(parts: &[Part], name: &str) -> bool {
    // Where in the name, in bytes, the pattern so far can end.
    let mut ends = BTreeSet::from([0]);
    for part in parts {
        let mut next = BTreeSet::new();
        match part {
            Part::Text(text) => {
                let fits = |&&at: &&usize| name[at..].starts_with(text.as_str());
                next.extend(ends.iter().filter(fits).map(|at| at + text.len()));
            }
            Part::Number { width } => {
                for &at in &ends {
                    next.extend(numbers(&name[at..], *width).map(|length| at + length));
                }
            }
            Part::Name | Part::Any => {
                if let Some(&first) = ends.first() {
                    let least = first + usize::from(*part == Part::Name);
                    next.extend((least..=name.len()).filter(|&at| name.is_char_boundary(at)));
                }
            }
        }
        ends = next;
    }
    ends.contains(&name.len())
}

/// How long a number at the beginning can be.
fn numbers(text: &str, width: Option<usize>) -> impl Iterator<Item = usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=digits.min(MOST_DIGITS)).filter(move |&length| match width {
        Some(width) => length == width,
        None => (length == 1 || !text.starts_with('0')) && text[..length].parse::<u32>().is_ok(),
    })
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let (part, length) = match c {
                '*' => (Part::Any, 1),
                '{' => {
                    let end = rest.find('}').ok_or(PatternError::Unclosed)?;
                    (placeholder(&rest[1..end])?, end + 1)
                }
                c => {
                    literal.push(c);
                    rest = &rest[c.len_utf8()..];
                    continue;
                }
            };
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(part);
            rest = &rest[length..];
        }
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        let numbers = parts.iter().filter(|it| matches!(it, Part::Number { .. }));
        match (parts.is_empty(), numbers.count()) {
            (true, _) => Err(PatternError::Empty),
            (_, 0 | 1) => Ok(Self(parts)),
            _ => Err(PatternError::SecondNumber),
        }
    }
}

fn placeholder(name: &str) -> Result<Part, PatternError> {
    let unknown = || PatternError::Placeholder(name.to_owned());
    match name.split_once(':') {
        // clap turns `{n}` into a line break, so its help has the long form.
        None if ["n", "number"].contains(&name) => Ok(Part::Number { width: None }),
        None if name == "name" => Ok(Part::Name),
        Some(("n", width)) => match width.parse() {
            Ok(width @ 1..=MOST_DIGITS) => Ok(Part::Number { width: Some(width) }),
            _ => Err(unknown()),
        },
        _ => Err(unknown()),
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Number { width: None } => f.write_str("{n}")?,
                Part::Number { width: Some(width) } => write!(f, "{{n:{width}}}")?,
                Part::Name => f.write_str("{name}")?,
                Part::Any => f.write_char('*')?,
            }
        }
        Ok(())
    }
}
