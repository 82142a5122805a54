//! `smo login`, and what becomes of a token: it is kept for its owner alone, shown to its server alone, and printed never.

use super::stub::{Answer, Stub};
use super::{problem, program, smo, smo_with};
use crate::program::Said;
use serde_json::json;

const TOKEN: &str = "smo_hush0123456789";

fn who() -> Answer {
    Answer::json(200, &json!({"name": "ann", "role": "operator", "project": null}))
}

fn unspoken(said: &Said) {
    assert!(!said.out.contains("hush") && !said.err.contains("hush"), "{said:?}");
}

#[test]
fn a_token_that_the_server_takes_is_kept_and_used_from_then_on_for_this_server_only() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::script(vec![who(), Answer::json(200, &json!({"items": [], "next": null}))]);
    let said = smo_with(home.path(), &["login", "--server", &stub.url, "--token-stdin"], TOKEN).well();
    unspoken(&said);
    assert!(said.out.starts_with(&format!("ann (operator) at {}\nkept   ", stub.url)), "{}", said.out);
    // No flag says where the server is any more.
    smo_with(home.path(), &["graph", "list"], "").well();
    let shown: Vec<Option<String>> =
        stub.seen().iter().map(|request| request.header("authorization").map(str::to_owned)).collect();
    let bearer = Some(format!("Bearer {TOKEN}"));
    assert_eq!((shown, stub.lines()[0].as_str()), (vec![bearer.clone(), bearer], "GET /v1/whoami"));
    let other = Stub::script(vec![Answer::json(200, &json!({"items": [], "next": null}))]);
    smo(&other, home.path(), &["graph", "list"]).well();
    assert_eq!(other.seen()[0].header("authorization"), None);
    let said = smo_with(home.path(), &["login", "--forget"], "").well();
    assert!(said.out.starts_with("forgotten  ") && !home.path().join("login.json").exists());
}

#[cfg(unix)]
#[test]
fn what_is_kept_can_be_read_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::script(vec![who()]);
    smo_with(home.path(), &["login", "--server", &stub.url, "--token-stdin"], TOKEN).well();
    let kept = home.path().join("login.json");
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = smo_with(home.path(), &["graph", "list"], "").refused(2, "chmod 600");
    unspoken(&said);
}

#[test]
fn a_token_that_the_server_does_not_take_is_not_kept() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::script(vec![Answer::json(401, &problem(401, "Unauthorized", "the token is not known"))]);
    let said = smo_with(home.path(), &["login", "--server", &stub.url, "--token-stdin"], TOKEN);
    let said = said.refused(2, "error: Unauthorized: the token is not known");
    unspoken(&said);
    let said = smo_with(home.path(), &["login", "--server", &stub.url], "").refused(2, "Unauthorized");
    assert!(said.err.contains("SMO_TOKEN"), "{}", said.err);
    smo_with(home.path(), &["login", "--server", &stub.url, "--token-stdin"], "").refused(2, "this is no token");
    assert!(!home.path().join("login.json").exists());
}

#[test]
fn a_token_comes_from_a_file_or_the_environment_too_and_no_redirect_carries_it_away() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let elsewhere = Stub::script(vec![who()]);
    let stub = Stub::script(vec![Answer::json(307, &json!({})).with("location", &elsewhere.url)]);
    let said = smo(&stub, home.path(), &["graph", "list", "--token-file", "token"]);
    unspoken(&said.refused(2, "name that server by `--server`"));
    let mut command = program(home.path(), &["graph", "list", "--server", &stub.url]);
    let said = Said::from(command.env("SMO_TOKEN", TOKEN).output().unwrap());
    unspoken(&said);
    assert!(stub.seen().iter().all(|request| request.header("authorization") == Some(&format!("Bearer {TOKEN}"))));
    assert_eq!(elsewhere.lines(), Vec::<String>::new());
}
