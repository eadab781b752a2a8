//! Guards against quadratic passes over long texts.

use std::time::{Duration, Instant};

use super::objects::Objects;
use super::string_names::{self, Functions, check as check_strings};
use super::unsupported::check;
use crate::pg::lexer::{Encoding, StringSyntax};
use crate::pg::query_text::Text;

/// About 100,000 tokens each. A search from every token would take many minutes; each pass must
/// visit each token once. All of them took 12 s together in an unoptimized build on a busy machine.
#[test]
fn every_pass_over_a_text_is_linear() {
    const MANY: usize = 30_000;
    let list = |item: &str| {
        format!(
            "SELECT 1 FROM t WHERE a IN ({})",
            vec![item; MANY].join(", ")
        )
    };
    let began = Instant::now();
    for sql in [
        list("12345"),
        list("'abc'"),
        list("t"),
        list("shard"),
        list("('x')::regclass"),
        list("lower('x')::regclass"),
        list("to_regclass('x')"),
        format!("SELECT {}", vec!["f(a)"; MANY].join(" + ")),
        format!("SELECT {}'x'{}", "f(".repeat(MANY), ")".repeat(MANY)),
        format!("SELECT {}1{}", "(".repeat(MANY), ")".repeat(MANY)),
        format!("SELECT 'x'{}", "::regclass".repeat(MANY)),
        format!("SELECT a{}", "::text::regclass".repeat(MANY)),
        format!("{}SELECT 1", "(".repeat(MANY)),
        format!("SELECT {}", "pg_typeof(".repeat(MANY)),
        format!("SELECT 1 FROM {}", vec!["t"; MANY].join(", ")),
        format!("SELECT {}1", "-+".repeat(MANY)),
        format!("WITH {} SELECT 1", vec!["t AS (SELECT 1)"; MANY].join(", ")),
    ] {
        let text = Text::in_encoding(&sql, StringSyntax::StandardConforming, Encoding::Utf8);
        let _ = (
            check(&text),
            text.table_names(),
            text.references_table("t"),
            text.mentions("u"),
        );
        let _ = (text.names_shard_column(), text.cte_names(), text.opening());
        let (_, _) = (
            string_names::names(&text, StringSyntax::StandardConforming),
            string_names::functions(&text),
        );
        let (functions, objects) = (Functions::default(), Objects::default());
        let _ = check_strings(
            &text,
            StringSyntax::StandardConforming,
            &functions,
            &objects,
        );
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(120), "{took:?}");
}
