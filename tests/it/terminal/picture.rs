//! The pictures in the README: sessions on a real terminal, as they were, but for the time they took
//! and where the database is. `UPDATE_DOCS=1 cargo test --test it picture` draws them anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use shardq::sandbox::sample;

use crate::support::{Db, Program, Terminal, folder};

/// Wide enough for the place of the test's database, which the picture does not show.
const COLUMNS: u16 = 300;

/// In pixels.
const CELL: (usize, usize) = (8, 18);
const MARGIN: usize = 16;

const QUERY: &str = "\
SELECT origin_name AS origin, count(*) AS members
FROM origin_members GROUP BY origin_name HAVING count(*) > 5
";

/// A session on the sample data.
struct Session {
    commands: &'static [&'static str],
    /// What is done to the data before.
    prepare: fn(&Db),
}

const QUERIES: Session = Session {
    commands: &[
        "shardq find core",
        r#"shardq query -g "SELECT count(*) FROM origin_packages""#,
        "shardq query -f large_teams.sql",
        "echo $?",
    ],
    prepare: |db| {
        db.in_each_shard("UPDATE origins SET id = 721096797631602718 WHERE name = 'core'");
        for shard in [17, 98, 99] {
            db.in_shard(shard, "DROP TABLE origin_members CASCADE");
        }
    },
};

const INSPECTIONS: Session = Session {
    commands: &[
        "shardq shards --map --by rows",
        "shardq drift --no-migrations",
    ],
    prepare: |db| {
        db.sql(sample::DRIFT);
    },
};

/// What a shell with a prompt in color would show.
fn script(session: &Session) -> String {
    let mut script = "status=0\n".to_owned();
    for command in session.commands {
        let shown = command.replace('\'', r"'\''");
        let run = command.replace("$?", "$status");
        writeln!(script, r"printf '\033[1;32m$\033[0m %s\n' '{shown}'").unwrap();
        writeln!(script, "{run}\nstatus=$?").unwrap();
    }
    script
}

fn shown(session: &Session) -> String {
    let db = Db::with_sample(128);
    // A superuser is warned on a terminal.
    let role = format!("reader_{}", db.name());
    db.sql(&format!("CREATE ROLE \"{role}\" LOGIN"));
    db.in_each_shard(&format!(
        "GRANT USAGE ON SCHEMA shard_{{n}} TO \"{role}\";
         GRANT SELECT ON ALL TABLES IN SCHEMA shard_{{n}} TO \"{role}\""
    ));
    (session.prepare)(&db);
    let folder = folder();
    fs::write(folder.path().join("large_teams.sql"), QUERY).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_shardq")).parent().unwrap();
    let script = format!("cd '{}'\n{}", folder.path().display(), script(session));
    let program = Program::new("sh")
        .args(["-c", &script])
        .db(&db)
        .env("PGUSER", &role)
        .env("TERM", "xterm-256color")
        .env("COLORTERM", "")
        .env(
            "PATH",
            format!("{}:{}", binary.display(), std::env::var("PATH").unwrap()),
        );
    let shown = Terminal::start(program, COLUMNS, 40).finish().stdout;
    db.sql(&format!("DROP OWNED BY \"{role}\"; DROP ROLE \"{role}\""));
    let (host, port) = (db.variable("PGHOST"), db.variable("PGPORT"));
    let place = format!("{} on {host}", db.name());
    let shown = shown
        .replace(&format!("{place}:{port}"), &place)
        .replace(&place, "builder_originsrv on db7");
    let lines = shown
        .split_inclusive('\n')
        .map(|line| match line.split_once(SNAPSHOT) {
            Some((before, _)) => format!("{before}{SNAPSHOT}21 ms\n"),
            None => line.to_owned(),
        });
    lines.collect()
}

/// In front of the time.
const SNAPSHOT: &str = " · one snapshot · ";

/// A piece of a line, and the number of its color: `1;31`.
type Span = (String, String);

/// The lines that are left on the screen: a progress line is erased again.
fn lines(shown: &str) -> Vec<Vec<Span>> {
    let mut lines = vec![Vec::new()];
    let mut style = String::new();
    let mut rest = shown;
    while let Some(c) = rest.chars().next() {
        if let Some(sequence) = rest.strip_prefix("\x1b[") {
            let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap();
            match &sequence[end..=end] {
                "m" if &sequence[..end] == "0" => style.clear(),
                "m" => sequence[..end].clone_into(&mut style),
                "K" => lines.last_mut().unwrap().clear(),
                other => panic!("an escape sequence that this cannot draw: {other}"),
            }
            rest = &sequence[end + 1..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '\r' => {}
            '\n' => lines.push(Vec::new()),
            c => {
                let line: &mut Vec<Span> = lines.last_mut().unwrap();
                match line.last_mut() {
                    Some((text, last)) if *last == style => text.push(c),
                    _ => line.push((c.to_string(), style.clone())),
                }
            }
        }
    }
    lines.pop_if(|last| last.is_empty());
    lines
}

fn drawn(lines: &[Vec<Span>]) -> String {
    let columns = |line: &Vec<Span>| -> usize {
        let texts = line.iter().map(|(text, _)| text.chars().count());
        texts.sum()
    };
    let columns = lines.iter().map(columns).max().unwrap_or_default();
    let width = columns * CELL.0 + 2 * MARGIN;
    let height = lines.len() * CELL.1 + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\">\n\
         <style>\n\
         text {{ font: 13px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; \
         fill: #d0d0d0; white-space: pre }}\n\
         .red {{ fill: #f07178; font-weight: bold }}\n\
         .green {{ fill: #aad94c; font-weight: bold }}\n\
         .yellow {{ fill: #ffb454; font-weight: bold }}\n\
         .cyan {{ fill: #59c2ff; font-weight: bold }}\n\
         .dim {{ fill: #808080 }}\n\
         </style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#1c1f26\"/>\n"
    );
    for (row, line) in lines.iter().enumerate() {
        let mut column = 0;
        for (text, style) in line {
            let class = match style.as_str() {
                "" => "",
                "1;31" => " class=\"red\"",
                "1;32" => " class=\"green\"",
                "1;33" => " class=\"yellow\"",
                "1;36" => " class=\"cyan\"",
                "2" => " class=\"dim\"",
                style if style.starts_with(BACKGROUND) => {
                    let (x, y) = (MARGIN + column * CELL.0, MARGIN + row * CELL.1);
                    let length = text.chars().count();
                    let (width, height) = (length * CELL.0, CELL.1);
                    let fill = cube(&style[BACKGROUND.len()..]);
                    writeln!(
                        svg,
                        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
                         fill=\"{fill}\"/>"
                    )
                    .unwrap();
                    column += length;
                    continue;
                }
                other => panic!("a style that this cannot draw: {other}"),
            };
            let (x, y) = (MARGIN + column * CELL.0, MARGIN + (row + 1) * CELL.1 - 5);
            let length = text.chars().count();
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
            writeln!(
                svg,
                "<text x=\"{x}\" y=\"{y}\" textLength=\"{}\"{class}>{escaped}</text>",
                length * CELL.0
            )
            .unwrap();
            column += length;
        }
    }
    svg + "</svg>\n"
}

/// In front of the number of a color.
const BACKGROUND: &str = "48;5;";

/// A color of xterm's cube.
fn cube(number: &str) -> String {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let number = number.parse::<usize>().unwrap() - 16;
    let [red, green, blue] = [number / 36, number / 6 % 6, number % 6].map(|it| LEVELS[it]);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[test]
fn the_picture_in_the_readme_is_what_the_program_shows() {
    compare("terminal.svg", &QUERIES);
}

#[test]
fn the_picture_of_inspections_is_what_the_program_shows() {
    compare("inspection.svg", &INSPECTIONS);
}

fn compare(file: &str, session: &Session) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(file);
    let expected = drawn(&lines(&shown(session)));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/{file} is out of date: UPDATE_DOCS=1 cargo test --test it picture\n{expected}"
    );
}
