//! Definitions of an object in two shards: whether they differ in more than the shards' own names.
//! Pure.

use crate::pg::quote::Identifier;
use crate::sharding::shard::Shard;

/// A definition as the server prints it for one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// For people: without the shard's name.
    pub text: String,
    pub printed: Printed,
}

/// What the server printed, and for which shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    pub text: String,
    pub shard: String,
}

impl Definition {
    pub fn new(text: String, printed: Option<String>, shard: Shard) -> Self {
        Self {
            printed: Printed {
                text: printed.unwrap_or_else(|| text.clone()),
                shard: shard.schema().to_owned(),
            },
            text,
        }
    }

    /// Whether the definitions are the same but for the names of their shards.
    ///
    /// Removing the names from each text is not enough: in a schema "text", `id text` would become
    /// `id`. So both are read side by side. They may differ only where one has the name of its
    /// shard, and the other that of its own.
    pub fn is_same(&self, other: &Self) -> bool {
        self.text == other.text || self.printed.is_same(&other.printed)
    }
}

impl Printed {
    /// What the server would print for another shard.
    pub fn in_shard(&self, shard: &str) -> String {
        let (ours, quoted) = (spellings(&self.shard), Identifier(shard).to_string());
        let mut text = String::with_capacity(self.text.len());
        let (mut rest, mut before) = (self.text.as_str(), None);
        loop {
            let after = without_name(before, rest, &ours).filter(|_| !self.shard.is_empty());
            if let Some(after) = after {
                // As the name of a schema, also inside a string: nextval('"a.b".t_id_seq').
                let is_quoted = rest.starts_with('"') || after.starts_with('.');
                text += if is_quoted { &quoted } else { shard };
                (rest, before) = (after, Some('_'));
                continue;
            }
            let mut chars = rest.chars();
            match chars.next() {
                None => return text,
                next => {
                    text.extend(next);
                    before = next;
                }
            }
            rest = chars.as_str();
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (spellings(&self.shard), spellings(&other.shard));
        let (mut one, mut two) = (self.text.as_str(), other.text.as_str());
        let mut before = None;
        loop {
            let names = [
                without_name(before, one, &ours),
                without_name(before, two, &theirs),
            ];
            match names {
                [Some(rest_of_one), Some(rest_of_two)] => {
                    (one, two) = (rest_of_one, rest_of_two);
                    // A name cannot follow directly.
                    before = Some('_');
                    continue;
                }
                // The other names this shard rather than its own.
                [Some(_), None] if is_distinctive(&self.shard) => return false,
                [None, Some(_)] if is_distinctive(&other.shard) => return false,
                _ => {}
            }
            let (mut chars, mut others) = (one.chars(), two.chars());
            match (chars.next(), others.next()) {
                (None, None) => return true,
                (a, b) if a == b => before = a,
                _ => return false,
            }
            (one, two) = (chars.as_str(), others.as_str());
        }
    }
}

/// Whether a name is hardly a word of a definition, as "text" is.
fn is_distinctive(schema: &str) -> bool {
    schema.contains(|c: char| c.is_ascii_digit())
}

/// How a schema is named in SQL: the longest first.
fn spellings(schema: &str) -> Vec<String> {
    let quoted = Identifier(schema).to_string();
    // Inside a string: nextval('"it''s".t_id_seq').
    let doubled = [&quoted, schema].map(|name| name.replace('\'', "''"));
    let [quoted_in_string, in_string] = doubled;
    let mut all = vec![quoted_in_string, quoted, in_string, schema.to_owned()];
    all.dedup();
    all
}

/// What follows the name, if the text begins with it as a whole word.
fn without_name<'a>(before: Option<char>, text: &'a str, names: &[String]) -> Option<&'a str> {
    if before.is_some_and(is_of_word) {
        return None;
    }
    let rests = names.iter().filter_map(|name| text.strip_prefix(name));
    let mut whole = rests.filter(|rest| !rest.starts_with(is_of_word));
    whole.next()
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_same(one: (&str, &str), two: (&str, &str)) -> bool {
        let printed = |(shard, text): (&str, &str)| Printed {
            text: text.to_owned(),
            shard: shard.to_owned(),
        };
        printed(one).is_same(&printed(two))
    }

    #[test]
    fn only_the_own_name_may_differ() {
        for (one, two, same) in [
            (("s_1", "s_1.t"), ("s_2", "s_2.t"), true),
            // The other's name, or a third one's.
            (("s_1", "s_1.t"), ("s_2", "s_1.t"), false),
            (("s_1", "s_3.t"), ("s_2", "s_4.t"), false),
            (("s_1", "s_3.t"), ("s_2", "s_3.t"), true),
            (("s_1", "s_1.t"), ("s_2", "t"), false),
            // Part of a longer name.
            (("s_1", "s_10.t"), ("s_10", "s_10.t"), false),
            (("s_1", "s_1.t, s_10"), ("s_2", "s_2.t, s_10"), true),
            (("s_1", "xs_1"), ("s_2", "xs_2"), false),
            (("s_1", "s_1$"), ("s_2", "s_2$"), false),
            // Quoted where it must be.
            (("a.b", "\"a.b\".t"), ("s_2", "s_2.t"), true),
            (
                ("it's", "nextval('\"it''s\".q')"),
                ("s", "nextval('s.q')"),
                true,
            ),
            (("Té", "\"Té\".t, 'Té'"), ("s", "s.t, 's'"), true),
            // A name that is a word of the definition.
            (("text", "text.f(t text)"), ("s", "s.f(t text)"), true),
            (("text", "text.f(t text)"), ("s", "s.f(t s)"), true),
            (("text", "text.f(t text)"), ("s", "s.f(t int)"), false),
            (("", ""), ("s", ""), true),
            (("s", "s"), ("t", "t."), false),
        ] {
            assert_eq!(is_same(one, two), same, "{one:?} {two:?}");
            assert_eq!(is_same(two, one), same, "{two:?} {one:?}");
        }
    }

    #[test]
    fn a_definition_is_printed_for_another_shard() {
        let printed = Printed {
            text: "SELECT shard_1.f('shard_1', nextval('shard_1.q')) FROM shard_10.t, xshard_1"
                .to_owned(),
            shard: "shard_1".to_owned(),
        };
        assert_eq!(
            printed.in_shard("a.b"),
            "SELECT \"a.b\".f('a.b', nextval('\"a.b\".q')) FROM shard_10.t, xshard_1"
        );
    }

    proptest! {
        #[test]
        fn a_template_is_the_same_for_every_name(
            parts in prop::collection::vec("[a-c .('\"é]{0,6}", 1..5),
            one in "[a-c]{1,3}_1",
            two in "[a-c]{1,3}_2",
        ) {
            let text = |name: &str| parts.join(&format!(" {name}."));
            prop_assert!(is_same((&one, &text(&one)), (&two, &text(&two))));
            let other = text(&two) + "x";
            prop_assert!(!is_same((&one, &text(&one)), (&two, &other)));
        }
    }
}
