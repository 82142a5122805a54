//! The commands against the real `smo serve`, without a control plane: what the two say to each other is what both mean.

use super::{program, smo_with};
use crate::program::Said;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

pub const SHOP: &str = "\
hdaGraph:
  imVersion: 0.4.0
  id: shop
  version: 1.0.0
  designer: somebody
  description: a shop
  services:
    - id: front
      deployment: {trigger: {auto: {dependencies: []}}, intent: {compute: {cpu: light, ram: light}}}
      artifact: {ociImage: \"oci://127.0.0.1:5000/front\", ociConfig: {implementer: HELM, type: App}, valuesOverwrite: {}}
";

/// A server on a port of its own, with the shipped clusters to plan on; it ends with the test.
pub struct Server {
    pub child: Child,
    pub url: String,
}

impl Server {
    fn start(home: &Path, more: &[&str]) -> Self {
        Self::with(home, more, (&[], Stdio::null()))
    }

    /// The same with variables of its environment, and with what it logs.
    pub fn with(home: &Path, more: &[&str], (variables, log): (&[(&str, &str)], Stdio)) -> Self {
        let inventory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/inventories/edge-cloud.yaml");
        let (inventory, database) = (format!("inventory={}", inventory.display()), home.join("smo.db"));
        let database = format!("database=sqlite://{}", database.display());
        let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--set", &inventory, "--set", &database];
        // Nobody is asked for charts: what may be asked at all is looked at before.
        arguments.extend(["--set", "charts.allow_hosts=127.0.0.1:5000", "--set", "charts.plain_hosts=127.0.0.1:5000"]);
        arguments.extend(more);
        let mut program = program(home, &arguments);
        let mut child = program.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut first = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut first).unwrap();
        // Whatever else it says at its start is read to its end, so that it never waits for a reader.
        std::thread::spawn(move || lines.lines().for_each(drop));
        let url = first.split_whitespace().nth(3).unwrap_or_else(|| panic!("it said {first:?}")).trim_end_matches(';');
        Self { child, url: url.to_owned() }
    }

    fn smo(&self, home: &Path, arguments: &[&str]) -> Said {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--server", &self.url]).collect();
        smo_with(home, &arguments, "")
    }

    fn json(&self, home: &Path, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
        serde_json::from_str(&self.smo(home, &arguments).well().out).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("shop.yaml"), SHOP).unwrap();
    std::fs::write(home.path().join("big.yaml"), SHOP.replace("cpu: light", "cpu: 500")).unwrap();
    home
}

#[test]
fn a_graph_is_tried_kept_looked_at_and_removed() {
    let home = home();
    let (at, server) = (home.path(), Server::start(home.path(), &[]));
    let said = server.smo(at, &["graph", "deploy", "shop.yaml", "--dry-run"]).well();
    assert!(
        said.out.starts_with("1 replica of 1 service by ") && said.out.ends_with("nothing was stored\n"),
        "{}",
        said.out
    );
    assert!(server.smo(at, &["graph", "list"]).well().out.starts_with("no graphs"));
    let big = server.smo(at, &["graph", "deploy", "big.yaml", "--dry-run"]);
    assert!(big.code == 3 && big.out.contains("refused   "), "{big:?}");

    let said = server.smo(at, &["graph", "deploy", "shop.yaml", "-p", "demo"]).well();
    let job = said.out.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
    assert!(
        server.smo(at, &["graph", "deploy", "shop.yaml", "-p", "demo"]).refused(2, "Conflict").err.contains("--update")
    );
    assert_eq!(server.json(at, &["graph", "list"])[0]["name"], "shop");
    let shown = server.smo(at, &["graph", "show", "shop", "-p", "demo"]).well();
    assert!(shown.out.starts_with("shop in project demo, generation 1\nphase "), "{}", shown.out);
    server.smo(at, &["graph", "show", "shop"]).refused(2, "looked for in project `default`");
    assert_eq!(server.json(at, &["job", "show", &job])["graph"], "shop");
    assert!(server.smo(at, &["job", "list", "--graph", "shop"]).well().out.contains(&job));
    let descriptor = server.smo(at, &["graph", "show", "shop", "-p", "demo", "--descriptor"]).well().out;
    std::fs::write(at.join("again.yaml"), descriptor).unwrap();
    assert_eq!(server.smo(at, &["graph", "diff", "shop", "again.yaml", "-p", "demo"]).code, 0);

    std::fs::write(at.join("other.yaml"), SHOP.replace("cpu: light", "cpu: medium")).unwrap();
    let said = server.smo(at, &["graph", "diff", "shop", "other.yaml", "-p", "demo"]).well();
    assert!(said.out.contains("~ front\n") && said.out.contains("compute.cpu"), "{}", said.out);
    server.smo(at, &["graph", "deploy", "other.yaml", "-p", "demo", "--update", "--yes"]).well();
    assert_eq!(server.json(at, &["graph", "show", "shop", "-p", "demo"])["generation"], 2);

    let held = ["graph", "pause", "shop", "-p", "demo", "--reason", "incident 4711"];
    assert_eq!(server.smo(at, &held).well().out, "paused  shop in project demo\n");
    assert_eq!(server.json(at, &["graph", "show", "shop", "-p", "demo"])["paused"], "incident 4711");
    server.smo(at, &["graph", "pause", "shop", "-p", "demo", "--off"]).well();
    server.smo(at, &["graph", "remove", "shop", "-p", "demo", "--yes", "--wait=2min"]).well();
    server.smo(at, &["graph", "watch", "shop", "-p", "demo", "--until", "gone"]).refused(2, "Not Found");
    let events = server.smo(at, &["events", "-p", "demo", "--kind", "graph"]).well();
    assert!(events.out.contains("demo/shop"), "{}", events.out);
}

#[test]
fn clusters_are_none_without_a_control_plane_and_that_is_said() {
    let home = home();
    let (at, server) = (home.path(), Server::start(home.path(), &[]));
    assert!(server.smo(at, &["cluster", "list"]).well().out.contains("smo cluster sync"));
    let said = server.smo(at, &["cluster", "sync"]);
    assert!(said.code > 0 && said.err.contains("control plane"), "{said:?}");
    server.smo(at, &["cluster", "show", "edge-1"]).refused(2, "edge-1");
    server.smo(at, &["cluster", "set", "edge-1", "pue=0.5"]).refused(2, "error: ");
    server.smo(at, &["vim", "list"]).refused(2, "no NFVCL is configured");
    server.smo(at, &["os-k8s", "list"]).refused(2, "no NFVCL is configured");
}

#[test]
fn where_callers_have_to_say_who_they_are_the_first_token_lets_one_in() {
    let home = home();
    let token = home.path().join("token");
    let file = format!("auth.token_file={}", token.display());
    let server = Server::start(home.path(), &["--set", "auth.mode=on", "--set", &file]);
    let at = home.path();
    let said = server.smo(at, &["graph", "list"]).refused(2, "Unauthorized");
    assert!(said.err.contains("`smo login`"), "{}", said.err);
    let said = smo_with(at, &["login", "--server", &server.url, "--token-file", "token"], "").well();
    assert!(said.out.starts_with("admin (admin) at "), "{}", said.out);
    // Neither server nor token are said any more.
    smo_with(at, &["graph", "list"], "").well();
    let secret = std::fs::read_to_string(token).unwrap();
    assert!(!said.out.contains(secret.trim()) && !said.err.contains(secret.trim()));
    std::fs::write(at.join("wrong"), "smo_wrong").unwrap();
    server.smo(at, &["graph", "list", "--token-file", "wrong"]).refused(2, "the token is not taken");
}
