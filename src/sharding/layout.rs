//! Which schemas are shards: `--schemas 'shard_{n}'`. Pure.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::pg::quote::Literal;
use crate::sharding::numbering::Numbering;
use crate::sharding::schemas_from::SchemasFrom;
use crate::sharding::shard::Shard;

/// Which schemas are shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Those that a pattern matches, and no excluded one.
    Patterns {
        patterns: Vec<Pattern>,
        excluded: Vec<Pattern>,
    },
    /// Those that the database lists.
    Listed(SchemasFrom),
}

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

/// `NAMEDATALEN - 1`, in bytes.
const LONGEST_NAME: usize = 63;

/// A regular expression that matches nothing.
const NOTHING: &str = "$.";

impl Layout {
    pub fn new(patterns: Vec<Pattern>, excluded: Vec<Pattern>) -> Self {
        Self(Kind::Patterns {
            patterns: if patterns.is_empty() {
                vec![Pattern::shard_number()]
            } else {
                patterns
            },
            excluded,
        })
    }

    /// All schemas but Postgres's own.
    pub fn any() -> Self {
        Self::new(vec![Pattern(vec![Part::Any])], Vec::new())
    }

    pub fn listed(schemas: SchemasFrom) -> Self {
        Self(Kind::Listed(schemas))
    }

    /// Where the list of shards comes from, if the database has one.
    pub fn schemas_from(&self) -> Option<&SchemasFrom> {
        match &self.0 {
            Kind::Listed(schemas) => Some(schemas),
            Kind::Patterns { .. } => None,
        }
    }

    /// The shard that a schema is, if it is one. Postgres's own schemas match no pattern.
    pub fn shard(&self, schema: &str) -> Option<Shard> {
        let (patterns, excluded) = match &self.0 {
            Kind::Patterns { patterns, excluded } => (patterns, excluded),
            Kind::Listed(schemas) => return schemas.list().shard(schema),
        };
        let is = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(schema));
        let is_own = schema.starts_with("pg_") || schema == "information_schema";
        (!is_own && is(patterns) && !is(excluded)).then(|| Shard::named(schema))
    }

    /// What follows the name of a schema in SQL to make the condition that it is a shard.
    pub fn condition(&self) -> String {
        let Kind::Listed(schemas) = &self.0 else {
            return format!("OPERATOR(pg_catalog.~) {}", Literal(&self.regex()));
        };
        // A longer name is not that of a schema, but would be truncated to one here.
        let list = schemas.list();
        let names = list.shards().iter().map(|shard| shard.name());
        let names = names.filter(|name| name.len() <= LONGEST_NAME);
        let names: Vec<_> = names.map(|name| Literal(name).to_string()).collect();
        format!(
            "OPERATOR(pg_catalog.=) ANY (ARRAY[{}]::pg_catalog.name[])",
            names.join(", ")
        )
    }

    /// The patterns as a regular expression of Postgres. Numbers that are too large match too.
    pub fn regex(&self) -> String {
        let Kind::Patterns { patterns, excluded } = &self.0 else {
            return NOTHING.to_owned();
        };
        let any = |patterns: &[Pattern]| {
            let patterns: Vec<_> = patterns.iter().map(Pattern::regex).collect();
            patterns.join("|")
        };
        let mut others = "(?!pg_|information_schema$)".to_owned();
        if !excluded.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(others, "(?!(?:{})$)", any(excluded));
        }
        format!("^{others}(?:{})$", any(patterns))
    }

    /// A regular expression for schemas that look like shards, whether they are or not.
    pub fn look_alikes(&self) -> String {
        match self.numbering() {
            // `Shard_2`, `shard007`, `shards-1`, `shard_2_old`.
            Some(numbering) if self.is_default() && numbering.before() == "shard_" => {
                "^shards?([^a-z]*[0-9]|[^a-z]+$)".to_owned()
            }
            Some(numbering) if !numbering.before().is_empty() => {
                let mut before = String::new();
                escape(numbering.before(), &mut before);
                format!("^{before}[^a-z]*[0-9]")
            }
            // Also where nothing can look like a shard, because shards are listed.
            _ => self.regex(),
        }
    }

    /// `named shard_0, shard_1, …`
    pub fn naming(&self) -> String {
        match &self.0 {
            _ if self.is_default() => "named shard_0, shard_1, …".to_owned(),
            Kind::Patterns { .. } => format!("named {self}"),
            Kind::Listed(_) => format!("listed by {self}"),
        }
    }

    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What `{name}` stands for in the name of a shard, or what it is called in a list.
    pub fn label(&self, shard: Shard) -> Option<String> {
        let patterns = match &self.0 {
            Kind::Patterns { patterns, .. } => patterns,
            Kind::Listed(schemas) => return schemas.list().label(shard).map(str::to_owned),
        };
        let name = shard.name();
        patterns.iter().find_map(|pattern| {
            let (before, after) = match &pattern.0[..] {
                [Part::Text(before), Part::Name] => (before.as_str(), ""),
                [Part::Name, Part::Text(after)] => ("", after.as_str()),
                [Part::Text(before), Part::Name, Part::Text(after)] => {
                    (before.as_str(), after.as_str())
                }
                _ => return None,
            };
            let label = name.strip_prefix(before)?.strip_suffix(after)?;
            (!label.is_empty()).then(|| label.to_owned())
        })
    }

    /// How shards are numbered, if by one number in one pattern.
    pub fn numbering(&self) -> Option<Numbering> {
        let Kind::Patterns { patterns, .. } = &self.0 else {
            return None;
        };
        let [pattern] = &patterns[..] else {
            return None;
        };
        let (before, width, after) = match &pattern.0[..] {
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

impl Default for Layout {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new())
    }
}

impl Pattern {
    /// `shard_{n}`
    fn shard_number() -> Self {
        Self(vec![
            Part::Text("shard_".to_owned()),
            Part::Number { width: None },
        ])
    }

    fn matches(&self, name: &str) -> bool {
        matches(&self.0, name)
    }

    fn regex(&self) -> String {
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
}

/// Escapes what is special in a regular expression.
fn escape(text: &str, regex: &mut String) {
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
        None if name == "n" => Ok(Part::Number { width: None }),
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

/// `shard_{n}, public`
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kind::Patterns { patterns, excluded } = &self.0 else {
            return f.write_str("--schemas-from");
        };
        for (i, pattern) in patterns.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{pattern}")?;
        }
        for (i, pattern) in excluded.iter().enumerate() {
            let except = if i > 0 { ", " } else { " except " };
            write!(f, "{except}{pattern}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layout(patterns: &[&str], excluded: &[&str]) -> Layout {
        let parse = |patterns: &[&str]| patterns.iter().map(|it| it.parse().unwrap()).collect();
        Layout::new(parse(patterns), parse(excluded))
    }

    #[test]
    fn only_canonical_numbers_are_shards() {
        let layout = Layout::default();
        for shard in ["shard_0", "shard_127", "shard_4294967295"] {
            assert_eq!(layout.shard(shard), Some(Shard::named(shard)));
        }
        for other in [
            "shard_",
            "shard_x",
            "shard_2b",
            "shard_007",
            "shard_00",
            "shard_-1",
            "shard_+1",
            "Shard_1",
            "shard_4294967296",
            "xshard_1",
            "shard_1 ",
        ] {
            assert_eq!(layout.shard(other), None, "{other}");
        }
    }

    #[test]
    fn patterns_match_whole_names() {
        let is = |pattern: &str, name: &str| layout(&[pattern], &[]).shard(name).is_some();
        assert!(is("schema{n:3}", "schema007") && !is("schema{n:3}", "schema07"));
        assert!(!is("schema{n:3}", "schema0007"));
        assert!(is("tenant_{name}", "tenant_é") && !is("tenant_{name}", "tenant_"));
        assert!(is("tenant_*", "tenant_") && !is("tenant_*", "a_tenant_1"));
        assert!(is("a{n}_eu", "a10_eu") && !is("a{n}_eu", "a10_us"));
        assert!(is("public", "public") && !is("public", "public2"));
        assert!(is("{n}1", "11") && !is("{n}1", "1"));
        let long = "a".repeat(63);
        assert!(!is(&format!("{}b", "*a".repeat(200)), &long));
        assert!(is("*", "public") && !is("*", "pg_catalog") && !is("*", "information_schema"));
        let some = layout(&["t_{name}", "public"], &["t_old*"]);
        let shards = ["t_a", "t_old", "t_older", "public"].map(|name| some.shard(name).is_some());
        assert_eq!(shards, [true, false, false, true]);
    }

    #[test]
    fn a_label_is_the_name_in_the_pattern() {
        let layout = layout(&["t_{name}", "public"], &[]);
        assert_eq!(
            layout.label(Shard::named("t_acme")),
            Some("acme".to_owned())
        );
        assert_eq!(layout.label(Shard::named("public")), None);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, error) in [
            ("", PatternError::Empty),
            ("a{", PatternError::Unclosed),
            ("a{x}", PatternError::Placeholder("x".into())),
            ("a{n:0}", PatternError::Placeholder("n:0".into())),
            ("{n}{n}", PatternError::SecondNumber),
        ] {
            assert_eq!(text.parse::<Pattern>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_numbering_is_one_number_in_one_pattern() {
        let number = |patterns: &[&str]| layout(patterns, &[]).numbering();
        assert_eq!(number(&["shard_{n}"]), Some(Numbering::default()));
        let padded = number(&["s{n:3}_x"]).unwrap();
        assert_eq!(padded.shard(7), Shard::named("s007_x"));
        assert_eq!(padded.number(Shard::named("s012_x")), Some(12));
        assert_eq!(number(&["t_{name}"]), None);
        assert_eq!(number(&["a{n}", "b{n}"]), None);
    }

    proptest! {
        #[test]
        fn a_pattern_reads_back_as_it_is_written(text in r"[a-z_.*]{0,4}(\{n\}|\{n:4\}|\{name\})?[a-z*]{1,3}") {
            let pattern: Pattern = text.parse().unwrap();
            prop_assert_eq!(pattern.to_string(), text);
        }
    }
}
