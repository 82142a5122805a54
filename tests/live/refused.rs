//! What is wrong, hostile or not allowed: a clear problem, and nothing changed anywhere.

use crate::graphs::{app, plain, publish_all, push_artifact, push_layer, releases};
use crate::service::{Service, free_port};
use crate::shop::wait;
use crate::stack::{Stack, stack};
use serde_json::{Value, json};
use smo::serve::at::At;
use std::io::Write as _;
use std::time::Duration;

const GRAPHS: &str = "/v1/projects/smo-refused/graphs";

/// Nothing of the project is anywhere.
#[track_caller]
fn untouched(stack: &Stack, service: &Service<'_>) {
    assert_eq!(service.get("/v1/graphs?project=smo-refused").is(200).json()["items"], json!([]));
    assert_eq!(releases(stack, "smo-refused"), []);
    let rules = stack.get("karmada", &["prometheusrules", "--all-namespaces"]).unwrap();
    assert!(!rules.to_string().contains("smo-refused"), "{rules}");
}

#[test]
fn descriptors_that_cannot_be_meant_are_refused_before_anything_is_stored() {
    let Some(stack) = stack("refused") else { return };
    let mut service = Service::new(&stack, free_port());
    service.start();
    let good = || plain(&stack, "wrong", &[app("hello-world", "1", "1Gi"), app("web-server", "1", "1Gi")]);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut graph = good();
        change(&mut graph["hdaGraph"]);
        graph
    };
    let depends = |graph: &mut Value, from: usize, on: &str| {
        graph["services"][from]["deployment"]["trigger"]["auto"]["dependencies"] = json!([on]);
    };
    let event = |query: &str| {
        json!({"event": {"condition": "ANY", "events": [{"id": "e", "source": [],
            "condition": {"promQuery": query, "gracePeriod": "1m", "description": "d"}}]}})
    };
    let cases: Vec<(&str, Value, &str)> = vec![
        ("two of a name", changed(&|graph| graph["services"][1]["id"] = json!("hello-world")), "hello-world"),
        (
            "a circle",
            changed(&|graph| {
                depends(graph, 0, "web-server");
                depends(graph, 1, "hello-world");
            }),
            "go round",
        ),
        (
            "bad PromQL",
            changed(&|graph| graph["services"][1]["deployment"]["trigger"] = event("sum(rate(")),
            "is no PromQL",
        ),
        ("a name that is none", changed(&|graph| graph["id"] = json!("Big_Graph")), "Big_Graph"),
        ("a path as a name", changed(&|graph| graph["id"] = json!("../../etc")), "../../etc"),
        (
            "a flag as a name",
            changed(&|graph| graph["services"][0]["id"] = json!("--post-renderer=x")),
            "--post-renderer",
        ),
        ("no services", changed(&|graph| graph["services"] = json!([])), "service"),
        (
            "a level that is none",
            changed(&|graph| graph["services"][0]["deployment"]["intent"]["compute"]["cpu"] = json!("enormous")),
            "enormous",
        ),
        (
            "a chart from nowhere",
            changed(&|graph| graph["services"][0]["artifact"]["ociImage"] = json!("file:///etc/passwd")),
            "registry",
        ),
        (
            "a policy that is none",
            {
                let mut one = good();
                one["options"] = json!({"policy": "alhpa"});
                one
            },
            "alhpa",
        ),
        (
            "a program as a policy",
            {
                let mut one = good();
                one["options"] = json!({"policy": "exec:touch /tmp/x"});
                one
            },
            "exec:",
        ),
    ];
    for (what, body, words) in cases {
        let answer = service.post(GRAPHS, &body);
        assert!([400, 422].contains(&answer.status) && answer.text.contains(words), "{what}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
    }
    let broken = service.send_text("POST", GRAPHS, "application/yaml", "hdaGraph: [".to_owned());
    assert!([400, 422].contains(&broken.status), "{broken:?}");
    service.send_text("POST", GRAPHS, "text/plain", good().to_string()).is_problem(415, "");
    service.post(&format!("{GRAPHS}?bogus=1"), &good()).is_problem(400, "bogus");
    // 11 MB where 10 MiB are allowed; and a small bomb of aliases.
    let large = format!("{{\"hdaGraph\": {{\"description\": \"{}\"}}}}", "x".repeat(11 << 20));
    service.send_text("POST", GRAPHS, "application/json", large).is(413);
    let bomb = format!("a: &a [x,x,x,x,x,x,x,x,x]\n{}hdaGraph: *j\n", bomb_lines());
    let answer = service.send_text("POST", GRAPHS, "application/yaml", bomb);
    assert!([400, 413, 422].contains(&answer.status), "{answer:?}");
    untouched(&stack, &service);
}

fn bomb_lines() -> String {
    let line =
        |(before, name): (char, char)| format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 9].join(","));
    ('a'..='i').zip('b'..='j').map(line).collect()
}

/// Artifacts that leave their folder, explode, are of another kind, or hold nothing; and references that lead where they must not.
#[test]
fn hostile_artifacts_are_refused() {
    let Some(stack) = stack("hostile") else { return };
    publish_all(&stack);
    let mut service = Service::new(&stack, free_port());
    service.start();
    let descriptor = plain(&stack, "hostile", &[app("hello-world", "1", "1Gi")]).to_string();
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut header = tar::Header::new_gnu();
    header.set_path("graph/hdag.yaml").unwrap();
    header.set_size(1 << 30);
    header.set_cksum();
    bomb.write_all(header.as_bytes()).unwrap();
    let zeros = vec![0; 1 << 20];
    (0..256).for_each(|_| bomb.write_all(&zeros).unwrap());
    let tar_gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    let references = [
        ("nothing in it", push_artifact(&stack, "hostile-empty", &[("graph/readme.txt", "no descriptor")])),
        ("a bomb", push_layer(&stack, "hostile-bomb", bomb.finish().unwrap(), tar_gzip)),
        (
            "another kind",
            push_layer(&stack, "hostile-kind", descriptor.clone().into_bytes(), "application/x-executable"),
        ),
        ("no archive", push_layer(&stack, "hostile-junk", b"junk".to_vec(), tar_gzip)),
        ("traversal", push_layer(&stack, "hostile-path", traversal(&descriptor), tar_gzip)),
    ];
    for (what, reference) in references {
        let answer = service.post(GRAPHS, &json!({"artifact": format!("oci://{reference}:1.0.0")}));
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
    }
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "http://127.0.0.1:6441/api",
        "oci://10.0.0.1/x/y:1",
        "gopher://x",
    ] {
        let answer = service.post(GRAPHS, &json!({"artifact": url}));
        assert!((400..500).contains(&answer.status), "{url}: {answer:?}");
    }
    let webhook = service.post("/v1/webhooks", &json!({"url": "http://169.254.169.254/latest/meta-data"}));
    assert!((400..500).contains(&webhook.status), "{webhook:?}");
    untouched(&stack, &service);
}

/// A file of an archive whose path leaves its folder.
fn traversal(text: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    // `tar` refuses to write such a path, so that it is written by hand.
    header.as_old_mut().name[..19].copy_from_slice(b"../../../../x.yaml\0");
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(header.as_bytes()).unwrap();
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.write_all(&vec![0; 1_024 + (512 - text.len() % 512) % 512]).unwrap();
    gzip.finish().unwrap()
}

/// Who may do what, with tokens: none, forged, of another project, of too little, revoked, expired.
#[test]
fn only_who_may_does() {
    let Some(stack) = stack("auth") else { return };
    publish_all(&stack);
    let mut service = Service::new(&stack, free_port());
    service.configure(&["auth"], json!({"mode": "on"}));
    service.start();
    let said = service.said();
    let secret = said
        .split(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c)))
        .find(|word| word.starts_with("smo_") && word.len() == 47);
    let admin = secret.expect("the first start says it once").to_owned();
    let graph = plain(&stack, "secret", &[app("hello-world", "1", "1Gi")]);
    service.get("/v1/graphs").is_problem(401, "");
    service.token = Some(format!("smo_{}", "a".repeat(43)));
    service.post(GRAPHS, &graph).is_problem(401, "");
    // A JWT that claims to be signed by nobody.
    service.token =
        Some("eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290Iiwicm9sZSI6ImFkbWluIiwiZXhwIjo5OTk5OTk5OTk5fQ.".to_owned());
    service.post(GRAPHS, &graph).is_problem(401, "");
    service.token = Some(admin.clone());
    let token = |service: &Service<'_>, body: Value| {
        let made = service.post("/v1/tokens", &body).is(201).json();
        (
            made["secret"].as_str().unwrap().to_owned(),
            made["id"].as_str().or_else(|| made["token"]["id"].as_str()).unwrap().to_owned(),
        )
    };
    let (viewer, viewer_id) = token(&service, json!({"name": "eve", "role": "viewer"}));
    let (other, _) = token(&service, json!({"name": "otto", "role": "operator", "project": "smo-other"}));
    let soon = At::now().after(Duration::from_secs(2)).to_string();
    let (expired, _) = token(&service, json!({"name": "old", "role": "admin", "expires_at": soon}));
    let past = json!({"name": "older", "role": "admin", "expires_at": "2001-01-01T00:00:00Z"});
    service.post("/v1/tokens", &past).is_problem(422, "is over already");
    service.token = Some(viewer.clone());
    service.get("/v1/graphs").is(200);
    service.post(GRAPHS, &graph).is_problem(403, "");
    // Whoever is let into another project is not even told that there is this one.
    service.token = Some(other);
    service.post(GRAPHS, &graph).is_problem(404, "no project");
    service.post("/v1/projects/smo-other/graphs", &graph).is(202);
    wait(3);
    service.token = Some(expired);
    service.get("/v1/graphs").is_problem(401, "");
    service.token = Some(admin);
    service.delete(&format!("/v1/tokens/{viewer_id}"));
    service.token = Some(viewer);
    service.get("/v1/graphs").is_problem(401, "");
    service.token = None;
    service.get("/healthz").is(200);
    let secrets = service.said().matches("smo_").count();
    assert!(secrets <= 1, "a secret is said once, at the first start:\n{}", service.said());
}
