//! The layering of the architecture, kept by a test: who may name whom, and which crate may be used where.
//!
//! Siblings among the stages never import each other, so that a stage can be read, tested and replaced alone. The checker
//! reads source text, not the compiler's view: it sees `crate::x`, `super::` chains that reach the crate's root, and
//! paths into third-party crates, outside comments. It is tried on planted breaches first.

use std::fmt::Write as _;
use std::path::Path;

/// What each top-level module of the library may name, besides itself. `report` is the one stage with a sibling: records
/// are the file format that it reads. `cli` names solvers for `smo bench`, which measures them without a policy.
const LAYERS: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("seed", &[]),
    ("model", &["units", "seed"]),
    ("input", &["model", "units", "seed"]),
    ("solver", &["model", "units", "seed"]),
    ("capacity", &["model", "units", "seed"]),
    ("policy", &["solver", "model", "units", "seed"]),
    ("backend", &["model", "units", "seed"]),
    ("record", &["model", "units", "seed"]),
    ("report", &["record", "model", "units", "seed"]),
    ("learning", &["backend", "capacity", "model", "units", "seed"]),
    ("run", &["policy", "backend", "record", "model", "units", "seed"]),
    ("drill", &["run", "learning", "policy", "backend", "record", "model", "units", "seed"]),
    (
        "serve",
        &[
            "run", "learning", "input", "policy", "solver", "capacity", "backend", "record", "report", "model",
            "units", "seed",
        ],
    ),
    (
        "cli",
        &[
            "serve", "drill", "run", "learning", "input", "policy", "solver", "capacity", "backend", "record",
            "report", "model", "units", "seed",
        ],
    ),
];

/// Third-party crates that stay where they belong: crate, and the paths below `src` that may name it.
const CONFINED: &[(&str, &[&str])] = &[
    ("anyhow", &["cli/", "main.rs"]),
    ("clap", &["cli/", "main.rs"]),
    ("clap_complete", &["cli/"]),
    ("clap_mangen", &["cli/"]),
    ("indicatif", &["cli/"]),
    ("console", &["cli/client/"]),
    ("rayon", &["cli/", "capacity/"]),
    ("comfy_table", &["report/"]),
    ("plotters", &["report/"]),
    ("polars", &["input/trace/", "input/observations/", "record/", "report/"]),
    ("nalgebra", &["capacity/"]),
    ("csv", &["input/"]),
    ("flate2", &["input/", "backend/live/oci/"]),
    ("zstd", &["input/"]),
    ("serde_saphyr", &["input/", "cli/yaml.rs", "serve/"]),
    ("good_lp", &["solver/"]),
    ("highs", &["solver/"]),
    ("kube", &["backend/live/"]),
    ("k8s_openapi", &["backend/live/"]),
    ("reqwest", &["backend/live/", "serve/", "cli/client/"]),
    ("oci_client", &["backend/live/"]),
    ("sysinfo", &["backend/live/helm/"]),
    ("rustls", &["backend/live/"]),
    ("tar", &["backend/live/"]),
    ("axum", &["backend/live/", "serve/"]),
    ("tokio", &["backend/live/", "serve/", "cli/client/"]),
    ("sqlx", &["serve/store/"]),
    ("utoipa", &["serve/"]),
    ("axum_server", &["serve/"]),
    ("jsonwebtoken", &["serve/auth/"]),
    ("governor", &["serve/"]),
    ("prometheus_client", &["serve/"]),
    ("tracing", &["serve/", "backend/live/"]),
    ("opentelemetry", &["serve/traces/otel.rs"]),
    ("opentelemetry_sdk", &["serve/traces/otel.rs"]),
    ("opentelemetry_otlp", &["serve/traces/otel.rs"]),
    ("jiff", &["serve/", "backend/live/"]),
];

/// Lines that a file may have.
const LINES_MAX: usize = 400;

/// A file of a source tree, by its path below the crate's root.
struct Source<'a> {
    path: &'a str,
    text: &'a str,
}

/// All rules on one file; a breach is a sentence that begins with the place.
fn breaches(source: &Source<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if !source.text.starts_with("//!") {
        found.push(format!("{}:1: a file opens with a `//!` header that says why it exists", source.path));
    }
    let lines = source.text.lines().count();
    if lines > LINES_MAX {
        found.push(format!("{}:{lines}: a file has at most {LINES_MAX} lines", source.path));
    }
    let Some(below) = source.path.strip_prefix("src/") else { return found };
    let code = without_comments(source.text);
    found.extend(layer_breaches(source.path, below, &code));
    found.extend(confinement_breaches(source.path, below, &code));
    found
}

fn layer_breaches(path: &str, below: &str, code: &str) -> Vec<String> {
    let module = below.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    let named = match module {
        "lib" => Vec::new(),
        "main" => names_after(code, "smo::"),
        _ => root_names(code, depth(below)),
    };
    let allowed: &[&str] = match LAYERS.iter().find(|(layer, _)| *layer == module) {
        Some((_, allowed)) => allowed,
        None if module == "main" => &["cli"],
        None if module == "lib" => &[],
        None => return vec![format!("{path}:1: `{module}` is not in the table of layers; say there what it may name")],
    };
    let is_layer = |name: &str| LAYERS.iter().any(|(layer, _)| *layer == name);
    let strangers = named.into_iter().filter(|(_, name)| is_layer(name) && name != module);
    let strangers = strangers.filter(|(_, name)| !allowed.contains(&name.as_str()));
    let sentence = |(at, name)| format!("{path}:{}: `{module}` may not name `{name}`", line_of(code, at));
    strangers.map(sentence).collect()
}

fn confinement_breaches(path: &str, below: &str, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (name, homes) in CONFINED.iter().filter(|(_, homes)| !homes.iter().any(|home| below.starts_with(home))) {
        for at in words(code, &format!("{name}::")) {
            found.push(format!("{path}:{}: `{name}` stays in {}", line_of(code, at), homes.join(", ")));
        }
    }
    found
}

/// Names that follow the crate's root: `crate::name`, `crate::{a, b::c}`, and `super::` chains that reach it.
fn root_names(code: &str, depth: usize) -> Vec<(usize, String)> {
    let mut found = names_after(code, "crate::");
    let tests_from = code.find("mod tests {").unwrap_or(code.len());
    for at in words(code, "super::").into_iter().filter(|at| !code[..*at].ends_with("super::")) {
        let chain = code[at..].split("super::").take_while(|between| between.is_empty()).count();
        let supers = chain.max(1);
        let end = at + supers * "super::".len();
        if supers == depth + usize::from(at > tests_from) {
            found.extend(names_at(code, end).into_iter().map(|name| (at, name)));
        }
    }
    found
}

fn names_after(code: &str, root: &str) -> Vec<(usize, String)> {
    let all = words(code, root).into_iter();
    all.flat_map(|at| names_at(code, at + root.len()).into_iter().map(move |name| (at, name))).collect()
}

/// The first segment of the path at `start`, or of each path of the group there.
fn names_at(code: &str, start: usize) -> Vec<String> {
    let rest = &code[start..];
    let Some(group) = rest.strip_prefix('{') else { return vec![identifier(rest)] };
    let (mut names, mut level, mut expects_name) = (Vec::new(), 1_u32, true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => level += 1,
            '}' => level -= 1,
            ',' if level == 1 => expects_name = true,
            _ if expects_name && is_word(letter) => {
                names.push(identifier(&group[at..]));
                expects_name = false;
            }
            _ => {}
        }
        if level == 0 {
            break;
        }
    }
    names
}

/// Places of `wanted` that do not stand inside a longer word.
fn words(code: &str, wanted: &str) -> Vec<usize> {
    let whole = |at: &usize| !code[..*at].ends_with(|before: char| is_word(before) || before == '$');
    code.match_indices(wanted).map(|(at, _)| at).filter(whole).collect()
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|letter| is_word(*letter)).collect()
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// How far below the crate's root the module of a file is: 1 for `run.rs` and `model/mod.rs`, 2 for `model/id.rs`.
fn depth(below: &str) -> usize {
    let parts = below.split('/').count();
    if below.ends_with("/mod.rs") { parts - 1 } else { parts }
}

/// The text with every `//` comment blanked; lines stay where they are.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    for line in text.lines() {
        let end = line.find("//").unwrap_or(line.len());
        let _ = writeln!(code, "{}", &line[..end]);
    }
    code
}

fn collect(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_checker_finds_planted_breaches() {
    let long = format!("//! why\n{}", "\n".repeat(LINES_MAX));
    let planted = [
        ("src/model/x.rs", "use crate::units::Time;", "a file opens with a `//!` header"),
        ("src/model/x.rs", long.as_str(), "src/model/x.rs:401: a file has at most 400 lines"),
        (
            "src/policy/x.rs",
            "//! why\n\nuse crate::backend::Backend;",
            "src/policy/x.rs:3: `policy` may not name `backend`",
        ),
        ("src/policy/x.rs", "//! why\nuse super::super::backend::Backend;", "`policy` may not name `backend`"),
        (
            "src/policy/a/x.rs",
            "//! why\nmod tests {\n    use super::super::super::super::run;\n}",
            "x.rs:3: `policy` may not",
        ),
        ("src/seed.rs", "//! why\nuse super::model::Plan;", "`seed` may not name `model`"),
        (
            "src/report/x.rs",
            "//! why\nuse crate::{\n    units::{Span, Time},\n    input::load,\n};",
            "`report` may not name `input`",
        ),
        ("src/backend/sim/x.rs", "//! why\nfn f() { crate::cli::main() }", "`backend` may not name `cli`"),
        (
            "src/model/x.rs",
            "//! why\nuse polars::prelude::*;",
            "x.rs:2: `polars` stays in input/trace/, input/observations/, record/, report/",
        ),
        ("src/input/scenario.rs", "//! why\nuse polars::prelude::*;", "`polars` stays in"),
        ("src/policy/x.rs", "//! why\nfn f(p: highs::Problem) {}", "`highs` stays in solver/"),
        ("src/run.rs", "//! why\nuse anyhow::Result;", "`anyhow` stays in cli/, main.rs"),
        ("src/main.rs", "//! why\nuse smo::backend::sim;", "`main` may not name `backend`"),
        ("src/brand_new/x.rs", "//! why\n", "`brand_new` is not in the table"),
    ];
    for (path, text, wanted) in planted {
        let found = breaches(&Source { path, text });
        assert!(found.iter().any(|breach| breach.contains(wanted)), "{path}: wanted {wanted:?}, found {found:?}");
    }
}

#[test]
fn the_checker_finds_nothing_where_nothing_is() {
    let clean = [
        ("src/policy/a/x.rs", "//! why\nuse super::super::Budget;\nuse crate::{model::{Plan, record}, solver};"),
        ("src/run.rs", "//! why\n// crate::cli\nuse crate::record::Record;\nmod tests {\n    use super::run;\n}"),
        ("src/model/x.rs", "//! why\nuse crate::model::id;\nfn not_polars::x() {}\nfn csv_like() {}"),
        ("src/solver/x.rs", "//! why\nuse highs::Problem;"),
        ("tests/it/x.rs", "//! why\nuse smo::backend;"),
    ];
    for (path, text) in clean {
        assert_eq!(breaches(&Source { path, text }), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn this_source_tree_keeps_its_layers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        collect(&root.join(folder), &mut files);
    }
    files.sort();
    assert!(files.len() > 30, "the source tree was not found below {}", root.display());
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(root).unwrap().to_str().unwrap();
        found.extend(breaches(&Source { path, text: &text }));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
