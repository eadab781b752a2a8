//! Which layouts a database's schemas suggest, for a hint where no shard was found. Pure.

use std::collections::BTreeMap;

use crate::sharding::numbering::Numbering;
use crate::sharding::shard::Shard;

/// `212 schemas tenant_{name}`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// As `--schemas` takes it.
    pub pattern: String,
    pub schemas: usize,
}

/// Fewer schemas with a common beginning are chance.
const FEWEST: usize = 3;

/// How many guesses are worth reading.
const MOST: usize = 3;

/// The most frequent patterns first.
pub fn layouts(schemas: &[String]) -> Vec<Guess> {
    let mut numbered: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    let mut named: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for schema in schemas {
        if let Some((before, digits, after)) = parts(schema) {
            numbered.entry((before, after)).or_default().push(digits);
        }
        if let Some(end) = schema.find('_') {
            named.entry(&schema[..=end]).or_default().push(schema);
        }
    }
    let mut guesses: Vec<Guess> = numbered
        .into_iter()
        .filter_map(|((before, after), digits)| {
            let number = number(&digits)?;
            Some(Guess {
                pattern: format!("{before}{number}{after}"),
                schemas: digits.len(),
            })
        })
        .collect();
    // `tenant_{name}` only where it is more than `tenant_{n}`.
    let of_names = named.into_iter().map(|(before, schemas)| Guess {
        pattern: format!("{before}{{name}}"),
        schemas: schemas.len(),
    });
    let numbered = guesses.clone();
    guesses.extend(of_names.filter(|guess| !numbered.iter().any(|it| it.schemas == guess.schemas)));
    guesses.retain(|guess| guess.schemas >= FEWEST);
    guesses.sort_by(|a, b| (b.schemas.cmp(&a.schemas)).then_with(|| a.pattern.cmp(&b.pattern)));
    guesses.truncate(MOST);
    guesses
}

/// A name around its last number.
fn parts(schema: &str) -> Option<(&str, &str, &str)> {
    let (numbering, _) = Numbering::of(Shard::named(schema))?;
    let (start, end) = (
        numbering.before().len(),
        schema.len() - numbering.after().len(),
    );
    Some((&schema[..start], &schema[start..end], &schema[end..]))
}

/// The placeholder that matches all of these; `None` if there is none.
fn number(digits: &[&str]) -> Option<String> {
    let padded = |digits: &&&str| digits.len() > 1 && digits.starts_with('0');
    let width = digits.first()?.len();
    if !digits.iter().any(|it| padded(&it)) {
        Some("{n}".to_owned())
    } else if digits.iter().all(|it| it.len() == width) {
        Some(format!("{{n:{width}}}"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guesses(schemas: impl IntoIterator<Item = String>) -> Vec<(String, usize)> {
        let schemas: Vec<_> = schemas.into_iter().collect();
        let guesses = layouts(&schemas).into_iter();
        guesses.map(|it| (it.pattern, it.schemas)).collect()
    }

    #[test]
    fn numbers_are_guessed_with_their_width() {
        let schemas = (1..=480).map(|n| format!("schema{n:03}"));
        assert_eq!(guesses(schemas), [("schema{n:3}".to_owned(), 480)]);
        let schemas = (0..12).map(|n| format!("t{n}_eu"));
        assert_eq!(guesses(schemas), [("t{n}_eu".to_owned(), 12)]);
    }

    #[test]
    fn names_are_guessed_by_their_beginning() {
        let schemas = [
            "tenant_acme",
            "tenant_beta",
            "tenant_2fast",
            "public",
            "app_x",
        ];
        assert_eq!(
            guesses(schemas.map(str::to_owned)),
            [("tenant_{name}".to_owned(), 3)]
        );
        assert_eq!(guesses(["public", "a_1", "b"].map(str::to_owned)), []);
    }
}
