//! Values of every type that Postgres has: ordinary ones, and those that renderers and readers get
//! wrong.

use std::fmt::Write;

/// A type, and literals of it without quotes.
pub type Sample = (&'static str, &'static [&'static str]);

/// Built-in types. `xml` is separate: a server may be built without it.
pub const BUILT_IN: &[Sample] = &[
    ("bool", &["true", "false"]),
    ("\"char\"", &["a", "", "\\", "\""]),
    (
        "name",
        &[
            "core",
            "",
            "with \"quotes\", spaces",
            "žluťoučký 日本",
            "a name of 63 bytes, which is as long as any name in Postgres is",
        ],
    ),
    (
        "text",
        &[
            "core",
            "",
            " ",
            "NULL",
            "\\N",
            "\\.",
            "a,b",
            "a\tb",
            "two\nlines",
            "\r\n",
            "a \"b\" ''c''",
            "\x1b[31mred\x07\u{9b}1m\x7f",
            "žluť 日本語 😀",
            "{a,b}",
            "a\\b",
        ],
    ),
    ("varchar", &["core", "", "日本"]),
    ("bpchar(5)", &["core", "", "日本"]),
    ("bytea", &["\\xdeadbeef", "", "\\x00", "\\x0a5c27"]),
    ("int2", &["0", "-32768", "32767"]),
    ("int4", &["0", "-2147483648", "2147483647"]),
    (
        "int8",
        &[
            "0",
            "-9223372036854775808",
            "9223372036854775807",
            "721096797631602718",
            "9007199254740993",
        ],
    ),
    (
        "float4",
        &[
            "0",
            "-0",
            "1.5",
            "NaN",
            "Infinity",
            "-Infinity",
            "1e-45",
            "3.4028235e38",
            "0.1",
            "16777217",
        ],
    ),
    (
        "float8",
        &[
            "0",
            "-0",
            "1.5",
            "NaN",
            "Infinity",
            "-Infinity",
            "5e-324",
            "1.7976931348623157e308",
            "0.1",
            "0.30000000000000004",
            "1e20",
            "1e15",
            "1e16",
        ],
    ),
    (
        "numeric",
        &[
            "0",
            "-0.00",
            "1.50",
            "NaN",
            "Infinity",
            "-Infinity",
            "0.1",
            "1e50",
            "123456789012345678901234567890.123456789012345678901234567890",
        ],
    ),
    ("numeric(10,2)", &["1.5", "-99999999.99", "NaN"]),
    ("money", &["0", "-1234567.89", "92233720368547758.07"]),
    ("oid", &["0", "4294967295"]),
    ("xid", &["0", "4294967295"]),
    ("xid8", &["0", "18446744073709551615"]),
    ("cid", &["0", "4294967295"]),
    ("tid", &["(0,0)", "(4294967295,65535)"]),
    ("pg_lsn", &["0/0", "FFFFFFFF/FFFFFFFF"]),
    ("pg_snapshot", &["10:20:10,14,15", "1:1:"]),
    ("txid_snapshot", &["10:20:10,14,15", "1:1:"]),
    (
        "date",
        &[
            "2017-05-19",
            "infinity",
            "-infinity",
            "0044-03-15 BC",
            "5874897-12-31",
            "epoch",
        ],
    ),
    ("time", &["00:00", "24:00", "23:59:59.999999"]),
    ("timetz", &["00:00+00", "12:34:56.789-15:59", "24:00+05:45"]),
    (
        "timestamp",
        &[
            "2017-05-19 21:00:27.943",
            "infinity",
            "-infinity",
            "4713-01-01 00:00:00 BC",
            "294276-12-31 23:59:59.999999",
        ],
    ),
    (
        "timestamptz",
        &[
            "2017-05-19 21:00:27.943+00",
            "infinity",
            "-infinity",
            "0044-03-15 12:00:00+00 BC",
            "1883-11-18 12:00:00+00",
            "epoch",
        ],
    ),
    (
        "interval",
        &[
            "0",
            "1 year 2 mons -3 days 04:05:06.789",
            "-178000000 years",
            "-1 day +01:00",
            "1 us",
        ],
    ),
    (
        "uuid",
        &[
            "00000000-0000-0000-0000-000000000000",
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
        ],
    ),
    (
        "json",
        &[
            "{}",
            "null",
            "[1, 2.50,\n \"a\\u0000\\\"b\"]",
            "\"text\"",
            "{\"a\":1,  \"a\":2}",
            "1e400",
        ],
    ),
    (
        "jsonb",
        &[
            "{}",
            "null",
            "[1, 2.50, \"a\\\"b\"]",
            "\"日本\\n\"",
            "{\"a\":{\"b\":[true, null]}}",
            "12345678901234567890.10",
        ],
    ),
    (
        "jsonpath",
        &["$", "strict $.a[*] ? (@.b == \"x\" && @.c > 1)"],
    ),
    ("inet", &["10.0.0.1", "10.0.0.1/8", "::1", "2001:db8::/32"]),
    ("cidr", &["10.0.0.0/8", "::/0", "192.168.1.1/32"]),
    ("macaddr", &["08:00:2b:01:02:03"]),
    ("macaddr8", &["08:00:2b:01:02:03:04:05"]),
    ("bit(3)", &["101", "000"]),
    ("varbit", &["", "10110"]),
    ("point", &["(1,2)", "(-0,NaN)", "(Infinity,1e-300)"]),
    ("line", &["{1,-1,0}"]),
    ("lseg", &["[(0,0),(1,1.5)]"]),
    ("box", &["(1,1),(0,0)"]),
    ("path", &["[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"]),
    ("polygon", &["((0,0),(1,1),(2,0))"]),
    ("circle", &["<(0,0),1.5>"]),
    ("tsvector", &["", "a:1A fat:2B,4C cat:5", "''it''''s''"]),
    ("tsquery", &["", "fat & (rat | !cat:ab) <-> x:*"]),
    ("int4range", &["empty", "[1,5)", "(,)"]),
    ("int8range", &["empty", "[1,]", "(,9223372036854775806]"]),
    ("numrange", &["empty", "(1.50,2.5]", "[NaN,NaN]"]),
    (
        "daterange",
        &["empty", "[2017-05-19,infinity)", "(,2017-05-19]"],
    ),
    ("tsrange", &["empty", "[2017-05-19 12:00,infinity]"]),
    ("tstzrange", &["empty", "[2017-05-19 12:00+00,)"]),
    ("int4multirange", &["{}", "{[1,5),[7,9)}"]),
    ("int8multirange", &["{}", "{(,5),[7,)}"]),
    ("nummultirange", &["{}", "{[1.5,2.5],(3,4)}"]),
    ("datemultirange", &["{}", "{[2017-05-19,2017-05-21)}"]),
    (
        "tsmultirange",
        &["{}", "{[2017-05-19 12:00,2017-05-19 13:00]}"],
    ),
    ("tstzmultirange", &["{}", "{[2017-05-19 12:00+00,)}"]),
    ("int2vector", &["", "1 2 3"]),
    ("oidvector", &["", "1 2 3"]),
    ("aclitem", &["postgres=arwdDxt/postgres", "=r/postgres"]),
    ("refcursor", &["c1", ""]),
    ("regclass", &["-", "pg_class", "12345678"]),
    ("regproc", &["-", "now"]),
    ("regprocedure", &["-", "abs(integer)", "pg_catalog.now()"]),
    ("regoper", &["0", "||/"]),
    (
        "regoperator",
        &["0", "+(integer,integer)", "-(NONE,bigint)"],
    ),
    ("regtype", &["-", "timestamp with time zone", "int[]"]),
    ("regrole", &["-", "postgres"]),
    ("regnamespace", &["-", "pg_catalog"]),
    ("regconfig", &["-", "english"]),
    ("regdictionary", &["-", "simple"]),
    ("regcollation", &["-", "\"C\""]),
];

pub const XML: Sample = ("xml", &["<a/>", "", "<a b=\"1\">\n&lt;text&gt;</a>"]);

/// Built-in types without an input syntax: their values exist only in system catalogs and indexes.
pub const NOT_WRITABLE: &[&str] = &[
    "gtsvector",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
    "pg_dependencies",
    "pg_mcv_list",
    "pg_ndistinct",
    "pg_node_tree",
];

/// SQL for a table `t` with one column per type and one per array of it. `turn` rotates the values,
/// so that two tables differ in every row.
pub fn table(samples: &[Sample], turn: usize) -> String {
    let rows = samples
        .iter()
        .map(|(_, values)| values.len())
        .max()
        .unwrap_or(0)
        + 1;
    let columns: Vec<_> = (1..)
        .zip(samples)
        .map(|(i, (name, _))| format!("v{i} {name}, a{i} {name}[]"))
        .collect();
    let mut script = format!("CREATE TABLE t (row int, {});\n", columns.join(", "));
    for row in 0..rows {
        let values: Vec<_> = samples
            .iter()
            .map(|(name, literals)| {
                let value = match literals.get((row + turn) % rows) {
                    Some(literal) => format!("'{literal}'"),
                    None => "NULL".to_owned(),
                };
                format!("{value}::{name}, {}", array(name, literals, row + turn))
            })
            .collect();
        let values = values.join(", ");
        writeln!(script, "INSERT INTO t VALUES ({row}, {values});").unwrap();
    }
    script
}

/// Empty, whole with a NULL, two-dimensional, NULL.
fn array(name: &str, literals: &[&str], kind: usize) -> String {
    let elements: Vec<_> = literals
        .iter()
        .map(|literal| format!("'{literal}'::{name}"))
        .collect();
    match kind % 4 {
        0 => format!("'{{}}'::{name}[]"),
        1 => format!("ARRAY[{}, NULL]::{name}[]", elements.join(", ")),
        2 => format!("ARRAY[ARRAY[{0}, {0}]]::{name}[]", elements[0]),
        _ => "NULL".to_owned(),
    }
}
