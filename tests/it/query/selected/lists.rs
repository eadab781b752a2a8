//! A list of shards from a file or from standard input.

use std::fs;

use super::{numbers, query};
use crate::support::{export, folder, has, manifest, shardq};

#[test]
fn a_list_is_read_from_a_file_or_from_standard_input() {
    let db = numbers(12);
    let folder = folder();
    let file = folder.path().join("broken shards.txt");
    fs::write(
        &file,
        "\u{feff}# since Monday\r\n\r\n 1, shard_3-5,\r\n0\r\n#2\r\n_1?",
    )
    .unwrap();
    let all = format!("@{}", file.display());
    let error = has("no such shard: _1?; the shards are shard_0-11");
    query(&db, ["--shards", &all]).run().assert(1, "", error);
    fs::write(
        &file,
        "\u{feff}# since Monday\r\n\r\n 1, shard_3-5,\r\n0\r\n#2\r\n*_1?",
    )
    .unwrap();
    query(&db, ["--shards", &all])
        .run()
        .assert(0, "0\n1\n3\n4\n5\n10\n11\n", has("7/7 shards"));
    query(&db, ["--exclude-shards", &all, "--exclude-shards=2"])
        .run()
        .assert(0, "6\n7\n8\n9\n", has("4/4 shards"));
    query(&db, ["--shards=@-", "--exclude-shards", &all])
        .stdin("1\n2\n")
        .run()
        .assert(0, "2\n", has("1/1 shards"));
    query(&db, ["--exclude-shards=@-"])
        .stdin("# none today\n")
        .run()
        .assert(0, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n", has("12/12"));
    shardq([
        "query",
        "-gt",
        "--tsv",
        "SELECT sum(n) FROM t",
        "--shards=@-",
    ])
    .db(&db)
    .stdin("1\n10\n")
    .run()
    .assert(0, "11\n", has("2/2 shards"));
    let exported = folder.path().join("t.csv");
    export(&db, "SELECT n FROM t", &exported)
        .args(["--shards", &all])
        .run()
        .assert(0, "", has("7/7 shards"));
    assert_eq!(
        manifest(&exported)["options"]["shards"],
        "1,shard_3-5,0,*_1?"
    );
}

#[test]
fn a_list_that_cannot_be_read_is_a_usage_error() {
    let folder = folder();
    let path = folder.path().join("list");
    let name = path.display().to_string();
    let listed = |flag: &str, list: &str| {
        let program = shardq(["query", "SELECT 1", flag, list]);
        program.env("PGHOST", "/nonexistent")
    };
    let from_file = |text: &[u8]| {
        fs::write(&path, text).unwrap();
        listed("--shards", &format!("@{name}")).run()
    };
    for (text, error) in [
        (&b"1\n\n7,9-3\n"[..], ":3: range \"9-3\" is reversed\n"),
        (b"1\n2,,3", ":2: empty item in shard list"),
        (b"1\n+2", ":2: invalid shard list \"+2\""),
        (b"1\n2\na\xff\n", ":3: invalid UTF-8\n"),
        (b"# none\n", ": lists no shards\n"),
    ] {
        from_file(text).assert(2, "", has(&format!("shardq: error: {name}{error}")));
    }
    fs::remove_file(&path).unwrap();
    for flag in ["--shards", "--exclude-shards"] {
        listed(flag, &format!("@{name}")).run().assert(
            2,
            "",
            &*format!("shardq: error: {name}: No such file or directory\n"),
        );
        listed(flag, "@").run().assert(
            2,
            "",
            has("expected a file after @, or @- for standard input"),
        );
        listed(flag, "@-").stdin("1\n5-2\n").run().assert(
            2,
            "",
            "shardq: error: standard input:2: range \"5-2\" is reversed\n",
        );
        listed(flag, "@-").args(["--shards", "@-"]).run().assert(
            2,
            "",
            has("standard input can hold only one list"),
        );
        for command in ["query", "export"] {
            for sql in [&[][..], &["-f", "-"]] {
                shardq([command, flag, "@-"])
                    .args(if command == "export" {
                        &["-o-"][..]
                    } else {
                        &[]
                    })
                    .args(sql)
                    .stdin("SELECT 1")
                    .run()
                    .assert(
                        2,
                        "",
                        has(
                            "@- reads a list of shards from standard input, so the SQL cannot come \
                             from there",
                        ),
                    );
            }
        }
    }
}
