//! psql's variables in SQL: `:name`, `:'name'`, `:"name"` and `:{?name}`, outside of strings,
//! quoted names and comments. A name without a value stays as it is, as in psql.
//!
//! Source: `src/fe_utils/psqlscan.l` of Postgres.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::lexer::{Encoding, Scan, StringSyntax};
use super::quote::{Identifier, Literal};
use super::source_map::SourceMap;

/// Values by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// A variable without a value is undefined again. The last of one name counts.
    pub fn new(all: impl IntoIterator<Item = (String, Option<String>)>) -> Self {
        let mut values = BTreeMap::new();
        for (name, value) in all {
            match value {
                Some(value) => values.insert(name, value),
                None => values.remove(&name),
            };
        }
        Self(values)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    pub fn unset(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// By name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn is_name(text: &str) -> bool {
        !text.is_empty() && text.chars().all(is_of_name)
    }

    /// The text with its variables replaced. As in psql, the value of `:name` is read like the
    /// text around it, and may name other variables.
    pub fn substitute(&self, text: &str, strings: StringSyntax) -> (String, SourceMap) {
        let mut substitution = Substitution {
            variables: self,
            strings,
            length: text.len(),
            sql: String::with_capacity(text.len()),
            map: SourceMap::new(text),
            expanding: Vec::new(),
            value: None,
        };
        let mut rest = Cow::Borrowed(text);
        while let Some(more) = substitution.until_expanded(&rest) {
            rest = Cow::Owned(more);
        }
        (substitution.sql, substitution.map)
    }
}

/// psql's `variable_char`.
fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Literal,
    Identifier,
    IsDefined,
}

/// A variable that is named, behind the colon.
#[derive(Debug, Clone, Copy)]
struct Reference<'a> {
    form: Form,
    name: &'a str,
    /// In bytes.
    length: usize,
}

impl<'a> Reference<'a> {
    fn at_start_of(text: &'a str) -> Option<Self> {
        let forms = [
            (Form::Plain, "", ""),
            (Form::Literal, "'", "'"),
            (Form::Identifier, "\"", "\""),
            (Form::IsDefined, "{?", "}"),
        ];
        forms.into_iter().find_map(|(form, open, close)| {
            let inner = text.strip_prefix(open)?;
            let name = &inner[..inner.find(|c| !is_of_name(c)).unwrap_or(inner.len())];
            (!name.is_empty() && inner[name.len()..].starts_with(close)).then_some(Self {
                form,
                name,
                length: open.len() + name.len() + close.len(),
            })
        })
    }
}

struct Substitution<'a> {
    variables: &'a Variables,
    strings: StringSyntax,
    /// The length of what is written.
    length: usize,
    sql: String,
    map: SourceMap,
    /// The variables whose values are being read, and the number of bytes behind each value.
    expanding: Vec<(String, usize)>,
    /// The outermost of them: the number of bytes behind its value, and where it is named.
    value: Option<(usize, usize)>,
}

impl Substitution<'_> {
    /// Reads on until a value has to be read itself, and returns this value with all that follows.
    fn until_expanded(&mut self, rest: &str) -> Option<String> {
        let mut scan = Scan::new(rest, self.strings, Encoding::Utf8);
        let mut done = 0;
        while let Some(token) = scan.next() {
            if !token.is_mark(':') {
                continue;
            }
            let (start, behind) = (token.span.start, token.span.end);
            // A cast, or PL/pgSQL's assignment.
            if rest[behind..].starts_with([':', '=']) {
                scan.seek(behind + 1);
                continue;
            }
            let Some(reference) = Reference::at_start_of(&rest[behind..]) else {
                continue;
            };
            let end = behind + reference.length;
            let left = rest.len() - start;
            self.expanding.retain(|(_, behind)| left > *behind);
            let Some(value) = self.value_of(reference) else {
                scan.seek(end);
                continue;
            };
            self.copy(rest, done, start);
            let name_at = self.name_at(left);
            if reference.form == Form::Plain {
                let behind = rest.len() - end;
                self.expanding.push((reference.name.to_owned(), behind));
                if self.value.is_none_or(|(behind, _)| left <= behind) {
                    self.value = Some((behind, name_at));
                }
                return Some(format!("{value}{}", &rest[end..]));
            }
            self.map.value(self.sql.len(), name_at);
            self.sql += &value;
            done = end;
            scan.seek(end);
        }
        self.copy(rest, done, rest.len());
        None
    }

    /// `None` if it stays as it is.
    fn value_of(&self, reference: Reference<'_>) -> Option<String> {
        let Reference { form, name, .. } = reference;
        let value = self.variables.0.get(name);
        if form == Form::IsDefined {
            let answer = if value.is_some() { "TRUE" } else { "FALSE" };
            return Some(answer.to_owned());
        }
        let value = value?;
        match form {
            Form::Literal => Some(Literal(value).to_string()),
            Form::Identifier => Some(Identifier(value).to_string()),
            // A variable in its own value would have no end.
            _ if self.expanding.iter().any(|(outer, _)| outer == name) => None,
            _ => Some(value.clone()),
        }
    }

    /// Where the variable is named in what is written, if so many bytes are left.
    fn name_at(&self, left: usize) -> usize {
        match self.value {
            Some((behind, name_at)) if left > behind => name_at,
            _ => self.length - left,
        }
    }

    fn copy(&mut self, rest: &str, from: usize, to: usize) {
        let mut from = from;
        if let Some((behind, name_at)) = self.value {
            let end = (rest.len() - behind).min(to);
            if from < end {
                self.map.value(self.sql.len(), name_at);
                self.sql += &rest[from..end];
                from = end;
            }
        }
        if from < to {
            self.map
                .copied(self.sql.len(), self.length - (rest.len() - from));
            self.sql += &rest[from..to];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn variables(all: &[(&str, &str)]) -> Variables {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), Some((*value).to_owned()));
        Variables::new(all.iter().map(owned))
    }

    fn substituted(text: &str, all: &[(&str, &str)]) -> String {
        variables(all)
            .substitute(text, StringSyntax::StandardConforming)
            .0
    }

    #[test]
    fn a_value_may_name_others_but_not_itself() {
        let all = [
            ("a", ":b + :b"),
            ("b", ":c"),
            ("c", "1"),
            ("x", ":y"),
            ("y", "[:x]"),
        ];
        assert_eq!(substituted("SELECT :a, :a", &all), "SELECT 1 + 1, 1 + 1");
        assert_eq!(substituted("SELECT :x :x", &all), "SELECT [:x] [:x]");
        assert_eq!(substituted(":x:c", &all), "[:x]1");
    }

    #[test]
    fn a_value_that_opens_a_string_hides_what_follows() {
        let all = [("open", "'it"), ("c", "1")];
        assert_eq!(
            substituted("SELECT :open :c', :c", &all),
            "SELECT 'it :c', 1"
        );
    }

    #[test]
    fn a_backslash_hides_the_quote_only_in_old_strings() {
        let (text, all) = (r"'a\' :c '", variables(&[("c", "1")]));
        let with = |strings| all.substitute(text, strings).0;
        assert_eq!(with(StringSyntax::StandardConforming), r"'a\' 1 '");
        assert_eq!(with(StringSyntax::BackslashEscapes), text);
    }

    #[test]
    fn positions_are_those_of_the_written_text() {
        let all = variables(&[("a", "é :b é"), ("b", "x")]);
        let text = "ß :a, :'b', y";
        let (sql, map) = all.substitute(text, StringSyntax::StandardConforming);
        assert_eq!(sql, "ß é x é, 'x', y");
        let at = |found: &str| map.position(sql.find(found).unwrap());
        assert_eq!(at("ß"), 1);
        assert_eq!((at("é"), at("x"), at(" é,")), (3, 3, 3));
        assert_eq!((at(","), at("'x'"), at("y")), (5, 7, 13));
        assert_eq!(map.position(sql.len()), 14);
    }

    /// What is written, and what becomes of it.
    fn piece() -> impl Strategy<Value = (String, String)> {
        let same = |text: &str| Just((text.to_owned(), text.to_owned())).boxed();
        let becomes = |text: &str, to: &str| Just((text.to_owned(), to.to_owned())).boxed();
        let hiding = "[a-z0-9:;(é ]{0,8}";
        prop_oneof![
            hiding.prop_map(|s| (format!("':n{s}'"), format!("':n{s}'"))),
            hiding.prop_map(|s| (format!("\"{s}:n\""), format!("\"{s}:n\""))),
            hiding.prop_map(|s| (format!("$q${s}:n$q$"), format!("$q${s}:n$q$"))),
            hiding.prop_map(|s| (format!("/*{s}:n*/"), format!("/*{s}:n*/"))),
            hiding.prop_map(|s| (format!("--{s}:n\n"), format!("--{s}:n\n"))),
            hiding.prop_map(|s| (format!(r"E'\'{s}:n'"), format!(r"E'\'{s}:n'"))),
            same("1::n"),
            same("a[1:2]"),
            same(":nope"),
            same(":'nope'"),
            same("x := n"),
            same("(é)"),
            becomes(":n", "42"),
            becomes("a[1:n]", "a[142]"),
            becomes("1:::n", "1::42"),
            becomes(":'q'", "'it''s'"),
            becomes(":\"q\"", "\"it's\""),
            becomes(":{?n}", "TRUE"),
            becomes(":{?nope}", "FALSE"),
        ]
    }

    proptest! {
        #[test]
        fn only_variables_are_replaced(pieces in prop::collection::vec(piece(), 0..12)) {
            let join = |texts: Vec<&str>| texts.join(" ");
            let written = join(pieces.iter().map(|(written, _)| written.as_str()).collect());
            let expected = join(pieces.iter().map(|(_, becomes)| becomes.as_str()).collect());
            let all = variables(&[("n", "42"), ("q", "it's")]);
            let (sql, map) = all.substitute(&written, StringSyntax::StandardConforming);
            prop_assert_eq!(&sql, &expected);
            // Each piece begins where it is written.
            let (mut at, mut from) = (0, 1);
            for (written, becomes) in &pieces {
                prop_assert_eq!(map.position(at), from);
                at += becomes.len() + 1;
                from += written.chars().count() + 1;
            }
        }

        #[test]
        fn no_text_is_too_strange(text in r#"([:'"{?}$;nab\\é \n(/*\-]|E'|:n|:\{\?){0,30}"#) {
            let all = variables(&[("n", ":a'"), ("a", ":n"), ("b", "\"")]);
            for strings in [StringSyntax::StandardConforming, StringSyntax::BackslashEscapes] {
                let (sql, map) = all.substitute(&text, strings);
                for at in (0..=sql.len()).filter(|at| sql.is_char_boundary(*at)) {
                    prop_assert!((1..=text.chars().count() + 1).contains(&map.position(at)));
                }
                let none = Variables::default().substitute(&text, strings).0;
                prop_assert!(none == text || none.contains("FALSE"));
            }
        }
    }
}
