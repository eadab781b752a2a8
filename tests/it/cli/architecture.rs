//! The layout of `src/`: folders are layers, imports only go down, and no files import each other
//! in a cycle. CONTRIBUTING.md says what each folder is for. And a rule of `sql/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// From bottom to top. Files outside folders (`main.rs`, `lib.rs`) may import everything.
const LAYERS: [&str; 14] = [
    "text", "pg", "sharding", "config", "terminal", "client", "output", "exec", "global", "find",
    "export", "sandbox", "cli", "commands",
];
const MOST_AT_THE_TOP: usize = 16;

/// A module's path.
type Module = Vec<String>;

/// Every module of `src/`, with the modules that it imports, except in tests.
fn imports() -> BTreeMap<Module, BTreeSet<Module>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = BTreeMap::new();
    read(&src, &mut Vec::new(), &mut sources);
    let modules: BTreeSet<_> = sources.keys().cloned().collect();
    let imported = |(module, source): (&Module, &String)| {
        let paths = paths(source, module);
        let found = paths.into_iter().filter_map(|path| {
            let lengths = (1..=path.len()).rev();
            let mut prefixes = lengths.map(|length| path[..length].to_vec());
            prefixes.find(|prefix| modules.contains(prefix) && prefix != module)
        });
        (module.clone(), found.collect())
    };
    sources.iter().map(imported).collect()
}

fn read(folder: &Path, module: &mut Module, sources: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            module.push(stem);
            read(&path, module, sources);
            module.pop();
        } else if path.extension().is_some_and(|it| it == "rs") {
            let mut module = module.clone();
            if stem != "mod" {
                module.push(stem);
            }
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let lines = text.lines().map(|line| line.split("//").next().unwrap());
            sources.insert(module, lines.collect::<Vec<_>>().join(" "));
        }
    }
}

/// The paths that begin with `crate` or `super`, made absolute, with groups in braces expanded.
fn paths(source: &str, module: &Module) -> Vec<Module> {
    let mut paths = Vec::new();
    for keyword in ["crate::", "super::"] {
        for (at, _) in source.match_indices(keyword) {
            let before = source[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let end = |c: char| !(c.is_alphanumeric() || "_:{}, \n".contains(c));
            let path = &source[at..];
            leaves(
                &path[..path.find(end).unwrap_or(path.len())],
                &[],
                &mut paths,
            );
        }
    }
    let from_root = |path: Module| {
        let above = path.iter().take_while(|name| *name == "super").count();
        let base = module[..module.len().saturating_sub(above)].to_vec();
        let rest = path[above..].iter().filter(|name| *name != "self").cloned();
        if path[0] == "crate" {
            path[1..].to_vec()
        } else {
            base.into_iter().chain(rest).collect()
        }
    };
    paths.into_iter().map(from_root).collect()
}

/// Expands `a::{b, c::{d, e}}` to `a::b`, `a::c::d` and `a::c::e`.
fn leaves(path: &str, prefix: &[String], found: &mut Vec<Module>) {
    let name_end = path.find(|c: char| !(c.is_alphanumeric() || c == '_'));
    let (name, rest) = path.split_at(name_end.unwrap_or(path.len()));
    let mut whole = prefix.to_vec();
    whole.extend((!name.is_empty()).then(|| name.to_owned()));
    let Some(rest) = rest.strip_prefix("::") else {
        found.push(whole);
        return;
    };
    let Some(group) = rest.strip_prefix('{') else {
        return leaves(rest, &whole, found);
    };
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                leaves(group[start..at].trim(), &whole, found);
                start = at + 1;
                if c == '}' {
                    return;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
}

fn layer(module: &Module) -> Option<usize> {
    let folder = module.first()?;
    LAYERS.iter().position(|layer| layer == folder)
}

#[test]
fn the_top_is_what_fits_on_a_page() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let entries = fs::read_dir(src).unwrap();
    let names: BTreeSet<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.len() <= MOST_AT_THE_TOP, "{names:?}");
    for name in names.iter().filter_map(|name| name.to_str()) {
        let is_known = ["main.rs", "lib.rs"].contains(&name) || LAYERS.contains(&name);
        assert!(
            is_known,
            "src/{name} is no layer yet: give it a place in LAYERS"
        );
    }
}

#[test]
fn imports_go_down_only() {
    let mut up = Vec::new();
    for (module, imported) in imports() {
        for other in imported {
            if layer(&module).is_some() && layer(&module) < layer(&other) {
                up.push(format!("{} -> {}", module.join("::"), other.join("::")));
            }
        }
    }
    assert!(up.is_empty(), "imports that go up:\n{}", up.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut imports = imports();
    imports.retain(|module, _| layer(module).is_some());
    // A module that imports nothing remaining is not in a cycle, nor is one that nothing imports.
    loop {
        let before = imports.len();
        let importing: BTreeSet<_> = imports.keys().cloned().collect();
        for imported in imports.values_mut() {
            imported.retain(|other| importing.contains(other));
        }
        let imported: BTreeSet<_> = imports.values().flatten().cloned().collect();
        imports.retain(|module, others| !others.is_empty() && imported.contains(module));
        if imports.len() == before {
            break;
        }
    }
    let circle: Vec<_> = imports
        .iter()
        .flat_map(|(module, imported)| {
            let others = imported.iter().map(|other| other.join("::"));
            others.map(|other| format!("{} -> {other}", module.join("::")))
        })
        .collect();
    assert!(
        circle.is_empty(),
        "files that import each other:\n{}",
        circle.join("\n")
    );
}

/// An operator without a schema is resolved by the search path, where a user may have another.
#[test]
fn our_statements_name_the_schema_of_every_operator() {
    const BARE: [&str; 9] = [
        " = ", " <> ", " < ", " > ", " <= ", " >= ", " ~ ", " || ", " IN (",
    ];
    let sql = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let mut bare = Vec::new();
    // The sample data is created on a server of our own.
    for folder in ["exec", "export", "federation", "find", "global", "session"] {
        for entry in fs::read_dir(sql.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().map(str::trim_start);
            let lines = lines.filter(|line| !line.starts_with("--") && !line.starts_with("SET "));
            let found = lines.filter(|line| BARE.iter().any(|operator| line.contains(operator)));
            bare.extend(found.map(|line| format!("{}: {line}", path.display())));
        }
    }
    assert!(bare.is_empty(), "{}", bare.join("\n"));
}
