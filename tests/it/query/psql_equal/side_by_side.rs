//! The same SQL in shardq and in psql, in every format that both have.

use crate::support::{ANY, Db, shardq};

/// One of our formats, and how to make psql print the same.
pub(super) struct Format {
    flags: &'static [&'static str],
    theirs: Theirs,
}

enum Theirs {
    /// With `\pset`, on top of the options of the formats above it.
    Psql(&'static str),
    /// With `COPY`: psql's own CSV does not distinguish NULL and ''.
    Copy(&'static str),
}

const fn psql(flags: &'static [&'static str], pset: &'static str) -> Format {
    let theirs = Theirs::Psql(pset);
    Format { flags, theirs }
}

const fn copy(flags: &'static [&'static str], options: &'static str) -> Format {
    let theirs = Theirs::Copy(options);
    Format { flags, theirs }
}

pub(super) const FORMATS: &[Format] = &[
    psql(&[], "null ''"),
    copy(&["--csv"], "FORMAT csv, HEADER"),
    psql(&["--null", "∅"], "null ∅"),
    psql(&["-t"], "null ''\n\\pset tuples_only on"),
    psql(&["-x", "-t", "--null", "∅"], "null ∅\n\\pset expanded on"),
    psql(&["-x"], "tuples_only off\n\\pset null ''"),
    copy(
        &["--csv", "-t", "--null", "null"],
        "FORMAT csv, NULL 'null'",
    ),
    copy(&["--tsv"], "HEADER"),
    copy(&["--tsv", "-t", "--null", ""], "NULL ''"),
];

/// One format for people and one for programs.
pub(super) const TWO_FORMATS: &[Format] = FORMATS.split_at(2).0;

/// Settings for both programs.
#[derive(Default, Clone, Copy)]
pub(super) struct Session<'a> {
    /// For psql only; ours sets its own.
    pub search_path: &'a str,
    pub options: &'a str,
    pub env: &'a [(&'a str, &'a str)],
}

impl Session<'_> {
    #[track_caller]
    pub(super) fn ours(&self, db: &Db, args: &[&str], sql: &str) -> String {
        let mut shardq = shardq(["query", "-q"])
            .db(db)
            .env("PGOPTIONS", self.options);
        for (name, value) in self.env {
            shardq = shardq.env(name, value);
        }
        let ran = shardq.args(args).args(["-f", "-"]).stdin(sql).run();
        ran.assert(0, ANY, "");
        ran.stdout
    }

    #[track_caller]
    pub(super) fn psqls(&self, db: &Db, args: &[&str], sql: &str) -> String {
        let options = format!("{} -c search_path={}", self.options, self.search_path);
        let mut psql = db
            .psql_program(["-v", "ON_ERROR_STOP=1"])
            .env("PGOPTIONS", options);
        for (name, value) in self.env {
            psql = psql.env(name, value);
        }
        let ran = psql.args(args).args(["-f", "-"]).stdin(sql).run();
        ran.assert(0, ANY, "");
        ran.stdout
    }

    /// Runs `our_sql` with our `args`, and `sql` in psql.
    #[track_caller]
    pub(super) fn assert_same(
        &self,
        db: &Db,
        formats: &[Format],
        args: &[&str],
        our_sql: &str,
        sql: &str,
    ) {
        const NEXT: &str = "== the next format ==\n";
        let commands = formats.iter().map(|format| match format.theirs {
            Theirs::Psql(pset) => format!("\\pset {pset}\n{sql}"),
            Theirs::Copy(options) => format!("COPY ({sql}) TO STDOUT ({options})"),
        });
        let script = commands
            .collect::<Vec<_>>()
            .join(&format!(";\n\\echo {NEXT}"));
        let psqls = self.psqls(db, &[], &script);
        let psqls: Vec<_> = psqls.split(NEXT).collect();
        assert_eq!(psqls.len(), formats.len(), "psql printed all of them");
        for (format, psqls) in formats.iter().zip(psqls) {
            let ours = self.ours(db, &[args, format.flags].concat(), our_sql);
            same(format.flags, &ours, psqls);
        }
    }

    /// Runs the same SQL in both, in one shard.
    #[track_caller]
    pub(super) fn assert_same_in_shard(self, db: &Db, formats: &[Format], shard: u32, sql: &str) {
        let number = shard.to_string();
        let schema = format!("shard_{shard}");
        let there = Session {
            search_path: &schema,
            ..self
        };
        let args = ["--shards", &number, "--no-shard-column"];
        there.assert_same(db, formats, &args, sql, sql);
    }
}

#[track_caller]
pub(super) fn same(flags: &[&str], ours: &str, psqls: &str) {
    assert!(!ours.trim().is_empty(), "{flags:?}: nothing to compare");
    let differ = ours
        .lines()
        .zip(psqls.lines())
        .find(|(ours, psqls)| ours != psqls);
    assert!(
        ours == psqls,
        "{flags:?}: the first line that differs, ours and psql's: {differ:#?}"
    );
}
