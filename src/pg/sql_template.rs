//! Renders the statements of `sql/`: strips their comments and replaces placeholders (`{name}`)
//! with SQL that [`crate::pg::quote`] has made safe.
//!
//! One pass only: a table may be named `{column}`, so substituted text is never scanned again.

/// Renders a template. Braces that are not a placeholder are kept, such as a pattern's `{0,9}`.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    substitute(&without_comments(template), values)
}

/// Renders the text before and after a template's `{statement}`, so that the user's statement is
/// never scanned for placeholders.
pub fn split_at_statement(template: &str, values: &[(&str, &str)]) -> (String, String) {
    let template = without_comments(template);
    let (before, after) = template
        .split_once("{statement}")
        .unwrap_or((&template, ""));
    (substitute(before, values), substitute(after, values))
}

fn substitute(template: &str, values: &[(&str, &str)]) -> String {
    let mut sql = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        sql += before;
        let placeholder = values.iter().find_map(|(name, value)| {
            let behind = behind.strip_prefix(name)?.strip_prefix('}')?;
            Some((value, behind))
        });
        if let Some((value, behind)) = placeholder {
            sql += value;
            rest = behind;
        } else {
            sql.push('{');
            rest = behind;
        }
    }
    sql + rest
}

/// Comments are for readers of `sql/`; they are not sent.
fn without_comments(template: &str) -> String {
    let lines: Vec<_> = template
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        assert_eq!(
            fill(
                "-- {a}\n  -- {b}\n{a} {b} {a}{c}",
                &[("a", "{b}"), ("b", "{a}{")]
            ),
            "{b} {a}{ {b}{c}"
        );
        assert_eq!(
            split_at_statement("{a}{statement}{b}", &[("a", "{statement}"), ("b", "{a}")]),
            ("{statement}".to_owned(), "{a}".to_owned())
        );
    }

    #[test]
    fn other_braces_stay() {
        assert_eq!(fill("'^{0,9}{' {{n} {n", &[("n", "1")]), "'^{0,9}{' {1 {n");
    }

    proptest! {
        /// Whatever the values are, the text between them is the template's.
        #[test]
        fn values_stand_where_their_placeholders_stood(
            one in "[{}abn'\"]{0,12}",
            two in "[{}abn'\"]{0,12}",
        ) {
            prop_assert_eq!(
                fill("{a}-{b}-{a}", &[("a", &one), ("b", &two)]),
                format!("{one}-{two}-{one}")
            );
        }
    }
}
