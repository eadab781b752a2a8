//! Which schemas are shards: `--schemas 'shard_{n}'`. Pure.

use std::fmt::{self, Write as _};

use crate::pg::quote::Literal;
use crate::sharding::database::Database;
use crate::sharding::numbering::Numbering;
use crate::sharding::pattern::{Pattern, escape};
use crate::sharding::schemas_from::SchemasFrom;
use crate::sharding::shard::{Place, Shard};

/// Which schemas of a database are shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    kind: Kind,
    /// One of several databases.
    database: Option<Database>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Those that a pattern matches, and no excluded one.
    Patterns {
        patterns: Vec<Pattern>,
        excluded: Vec<Pattern>,
    },
    /// Those that the database lists.
    Listed(SchemasFrom),
    /// Each database that a pattern matches is one shard: the first schema of its search path.
    Databases(Vec<Pattern>),
}

/// `NAMEDATALEN - 1`, in bytes.
const LONGEST_NAME: usize = 63;

/// A regular expression that matches nothing.
const NOTHING: &str = "$.";

impl Layout {
    pub fn new(patterns: Vec<Pattern>, excluded: Vec<Pattern>) -> Self {
        Self::of(Kind::Patterns {
            patterns: if patterns.is_empty() {
                vec![Pattern::shard_number()]
            } else {
                patterns
            },
            excluded,
        })
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            database: None,
        }
    }

    /// All schemas but Postgres's own.
    pub fn any() -> Self {
        Self::new(vec![Pattern::any()], Vec::new())
    }

    pub fn listed(schemas: SchemasFrom) -> Self {
        Self::of(Kind::Listed(schemas))
    }

    /// Each database that a pattern matches is one shard.
    pub fn databases(patterns: Vec<Pattern>) -> Self {
        Self::of(Kind::Databases(patterns))
    }

    /// The same for one of several databases.
    #[must_use]
    pub fn in_database(&self, database: Database) -> Self {
        Self {
            kind: match &self.kind {
                Kind::Listed(schemas) => Kind::Listed(schemas.in_database(database)),
                other => other.clone(),
            },
            database: Some(database),
        }
    }

    /// The one of several databases that it is for.
    pub fn of_database(&self) -> Option<Database> {
        self.database
    }

    /// Whether each database is one shard.
    pub fn is_database(&self) -> bool {
        matches!(self.kind, Kind::Databases(_))
    }

    /// Where the list of shards comes from, if the database has one.
    pub fn schemas_from(&self) -> Option<&SchemasFrom> {
        match &self.kind {
            Kind::Listed(schemas) => Some(schemas),
            Kind::Patterns { .. } | Kind::Databases(_) => None,
        }
    }

    /// The shard that a schema is, if it is one. Postgres's own schemas match no pattern.
    pub fn shard(&self, schema: &str) -> Option<Shard> {
        let place = Place {
            position: 0,
            database: self.database,
        };
        let (patterns, excluded) = match &self.kind {
            Kind::Patterns { patterns, excluded } => (patterns, excluded),
            Kind::Listed(schemas) => return schemas.list().shard(schema),
            Kind::Databases(_) => return Some(Shard::at(place, schema)),
        };
        let is = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(schema));
        let is_own = schema.starts_with("pg_") || schema == "information_schema";
        (!is_own && is(patterns) && !is(excluded)).then(|| Shard::at(place, schema))
    }

    /// What follows the name of a schema in SQL to make the condition that it is a shard.
    pub fn condition(&self) -> String {
        let schemas = match &self.kind {
            Kind::Patterns { .. } => {
                return format!("OPERATOR(pg_catalog.~) {}", Literal(&self.regex()));
            }
            Kind::Databases(_) => {
                return "OPERATOR(pg_catalog.=) pg_catalog.current_schema()".to_owned();
            }
            Kind::Listed(schemas) => schemas,
        };
        // A longer name is not that of a schema, but would be truncated to one here.
        let list = schemas.list();
        let names = list.shards().iter().map(|shard| shard.schema());
        let names = names.filter(|name| name.len() <= LONGEST_NAME);
        let names: Vec<_> = names.map(|name| Literal(name).to_string()).collect();
        format!(
            "OPERATOR(pg_catalog.=) ANY (ARRAY[{}]::pg_catalog.name[])",
            names.join(", ")
        )
    }

    /// The patterns as a regular expression of Postgres. Numbers that are too large match too.
    pub fn regex(&self) -> String {
        let Kind::Patterns { patterns, excluded } = &self.kind else {
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
            _ if self.is_database() => NOTHING.to_owned(),
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
        match &self.kind {
            _ if self.is_default() => "named shard_0, shard_1, …".to_owned(),
            Kind::Patterns { .. } => format!("named {self}"),
            Kind::Listed(_) => format!("listed by {self}"),
            Kind::Databases(_) => format!("databases named {self}"),
        }
    }

    pub fn is_default(&self) -> bool {
        self.kind == Self::default().kind
    }

    /// What `{name}` stands for in the name of a shard, or what it is called in a list.
    pub fn label(&self, shard: Shard) -> Option<String> {
        let (patterns, name) = match &self.kind {
            Kind::Patterns { patterns, .. } => (patterns, shard.schema()),
            Kind::Databases(patterns) => (patterns, shard.name()),
            Kind::Listed(schemas) => return schemas.list().label(shard).map(str::to_owned),
        };
        patterns.iter().find_map(|pattern| pattern.label(name))
    }

    /// How shards are numbered, if by one number in one pattern.
    pub fn numbering(&self) -> Option<Numbering> {
        let (Kind::Patterns { patterns, .. } | Kind::Databases(patterns)) = &self.kind else {
            return None;
        };
        let [pattern] = &patterns[..] else {
            return None;
        };
        pattern.numbering()
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new())
    }
}

/// `shard_{n}, public`
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (patterns, excluded) = match &self.kind {
            Kind::Patterns { patterns, excluded } => (patterns, excluded),
            Kind::Listed(_) => return f.write_str("--schemas-from"),
            Kind::Databases(patterns) => (patterns, &Vec::new()),
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
    use crate::sharding::pattern::PatternError;
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
    fn a_number_has_a_short_and_a_long_form() {
        assert_eq!(layout(&["t{n}"], &[]), layout(&["t{number}"], &[]));
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
