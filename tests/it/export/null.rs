//! The text for NULL in CSV and TSV, and the end-of-data marker: distinct from every value, or
//! rejected.

use std::fs;
use std::path::Path;

use crate::support::{ANY, Db, export, folder, has, has_all};

#[test]
fn csv_quotes_a_text_that_is_the_same_as_nulls() {
    let db = Db::with_shards(2);
    db.sql("CREATE TABLE public.back (shard text, a text, b text)");
    let folder = folder();
    let file = folder.path().join("t.csv");
    let sql = "SELECT 'NA' AS a, NULL AS b UNION ALL SELECT 'shard_1', NULL";
    for (null, first) in [
        ("NA", "shard_0,\"NA\",NA\nshard_0,shard_1,NA\n"),
        (
            "shard_1",
            "shard_0,NA,shard_1\nshard_0,\"shard_1\",shard_1\n",
        ),
    ] {
        export(&db, sql, &file)
            .args(["--null", null, "--force"])
            .run()
            .assert(0, "", has("4 rows · 2/2 shards"));
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with(&format!("shard,a,b\n{first}")), "{text}");
        let load = format!("COPY public.back FROM STDIN (FORMAT csv, HEADER, NULL '{null}')");
        db.psql_program(["-c", "TRUNCATE public.back", "-c", &load])
            .stdin(text)
            .run()
            .assert(0, "", "");
        assert_eq!(
            db.ask("SELECT * FROM public.back ORDER BY 1, 2"),
            "shard_0|NA|\nshard_0|shard_1|\nshard_1|NA|\nshard_1|shard_1|"
        );
    }
}

#[test]
fn tsv_has_no_null_that_a_value_may_look_like() {
    let db = Db::with_shards(1);
    let folder = folder();
    let file = folder.path().join("t.tsv");
    let sql = "SELECT 'NA' AS a, NULL AS b, E'\\\\N' AS c";
    for null in ["NA", "", "shard_0", r"\.", r"\n", r"x\N"] {
        // Fails before connecting: nothing listens on that port.
        export(&db, sql, &file)
            .args(["--null", null, "-p", "1"])
            .run()
            .assert(
                2,
                "",
                has_all([
                    "in TSV: an equal string could not be told from NULL",
                    r"TSV has \N for NULL",
                    "coalesce(column::text, ",
                ]),
            );
        assert!(!file.exists());
    }
    export(&db, sql, &file)
        .args(["--null", r"\N"])
        .run()
        .assert(0, "", ANY);
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "shard\ta\tb\tc\nshard_0\tNA\t\\N\t\\\\N\n"
    );
}

#[test]
fn no_null_ends_the_data() {
    let db = Db::with_shards(1);
    export(&db, "SELECT NULL", Path::new("-"))
        .args(["--null", r"\.", "--no-shard-column", "-p", "1"])
        .run()
        .assert(2, "", has("would end the data where COPY reads it"));
}
