//! A deploy of ten services on the real stack: what it takes beside Helm.
//!
//! Helm is called through a script that notes when it began and ended. Our own part is the time from the wish until the last Helm
//! ended, less the times in which some Helm was at a release; what comes after (Karmada propagates, pods get ready) is the world's. That
//! Helm is asked for its version is our own doing, and counts as such.

use crate::http::now;
use crate::server::Server;
use crate::told;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SERVICES: usize = 10;
const NAMESPACE: &str = "smo-bench-serve";

/// Deploys and removes it so many times; only inside the live stack.
pub async fn deploys(rounds: usize) {
    let Some(run) = std::env::var_os("SMO_LIVE_RUN").map(PathBuf::from) else {
        println!("SKIPPED: deploy: not inside the live stack; `make bench-serve` brings it up");
        return;
    };
    let (folder, registry) =
        (tempfile::tempdir().expect("a folder"), std::env::var("SMO_LIVE_REGISTRY").expect("it is set"));
    let helm = script(folder.path());
    publish(folder.path(), &registry);
    let config = json!({
        "karmada": {"kubeconfig": run.join("karmada.kubeconfig")},
        "charts": {"helm": helm, "plain_hosts": [registry], "allow_hosts": [registry]},
    });
    let (server, _) = Server::start(folder.path(), &config).await;
    let (mut before, mut own, mut whole, mut busy) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        std::fs::write(folder.path().join("helms"), "").expect("it is written");
        let (asked, start, processor) = (since_epoch(), now(), server.processor_time());
        let path = format!("/v1/projects/{NAMESPACE}/graphs?wait=120s");
        let (status, answer, _) = server.ask("POST", &path, &wish(&registry)).await;
        assert_eq!(status, 200, "{answer}");
        whole.push(start.elapsed());
        busy.push(server.processor_time().saturating_sub(processor));
        let (first, all) = beside_helm(&folder.path().join("helms"), asked);
        before.push(first);
        own.push(all);
        let (status, answer, _) =
            server.ask("DELETE", &format!("/v1/projects/{NAMESPACE}/graphs/ten?wait=120s"), &Value::Null).await;
        assert!(status < 300, "{answer}");
        forgotten(&run.join("karmada.kubeconfig")).await;
    }
    told("deploy of 10 services, our own part", &mut own, 50.0);
    told("  of that, until the first Helm", &mut before, f64::INFINITY);
    told("  processor time of the server until ready", &mut busy, f64::INFINITY);
    told("  all of it, until ready", &mut whole, f64::INFINITY);
    let kubeconfig = run.join("karmada.kubeconfig");
    let arguments = ["delete", "namespace", NAMESPACE, "--wait=false"];
    Command::new("kubectl").arg("--kubeconfig").arg(kubeconfig).args(arguments).output().expect("kubectl starts");
}

/// Helm, with its times; those in which it is asked for its version are none.
fn script(folder: &Path) -> PathBuf {
    let (file, log) = (folder.join("helm-timed"), folder.join("helms"));
    let text = format!(
        "#!/bin/bash\nbegin=$EPOCHREALTIME\nhelm-4.3 \"$@\"\ncode=$?\n[ \"$1\" = version ] || echo \"$begin $EPOCHREALTIME\" >>{}\nexit $code\n",
        log.display()
    );
    std::fs::write(&file, text).expect("it is written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    file
}

/// Waits until Karmada has let go of the last round, which takes it a second: the next one would wait for that.
async fn forgotten(kubeconfig: &Path) {
    loop {
        let arguments = ["get", "propagationpolicies,resourcebindings", "--namespace", NAMESPACE, "--output", "name"];
        let left = Command::new("kubectl").arg("--kubeconfig").arg(kubeconfig).args(arguments).output();
        if left.expect("kubectl starts").stdout.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// From `asked` until the first Helm began, and until the last one ended, without the times in which one ran.
fn beside_helm(log: &Path, asked: f64) -> (Duration, Duration) {
    let text = std::fs::read_to_string(log).expect("Helm was called");
    let mut spans: Vec<(f64, f64)> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(begin, end)| Some((begin.parse().ok()?, end.parse().ok()?)))
        .collect();
    spans.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert!(spans.len() >= SERVICES, "a Helm for each service: {}", spans.len());
    let first = spans.first().map_or(0.0, |(begin, _)| begin - asked);
    let (mut reached, mut own) = (asked, 0.0);
    for (begin, end) in spans {
        own += (begin - reached).max(0.0);
        reached = reached.max(end);
    }
    (Duration::from_secs_f64(first), Duration::from_secs_f64(own))
}

/// One chart for all services would be one release name for all: a chart each.
fn publish(folder: &Path, registry: &str) {
    for index in 0..SERVICES {
        let name = format!("ten-s{index}");
        let root = folder.join(&name);
        std::fs::create_dir_all(root.join("templates")).expect("folders can be made");
        let mut template = String::new();
        let _ = writeln!(template, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:");
        let _ = writeln!(template, "  replicas: 1\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:");
        let _ = writeln!(template, "    metadata: {{labels: {{app: {name}}}}}");
        let amounts = "{cpu: 100m, memory: 64Mi}";
        let _ = writeln!(
            template,
            "    spec: {{containers: [{{name: main, image: web, resources: {{requests: {amounts}, limits: {amounts}}}}}]}}"
        );
        let _ = writeln!(
            template,
            "---\napiVersion: policy.karmada.io/v1alpha1\nkind: PropagationPolicy\nmetadata: {{name: {name}}}\nspec:"
        );
        let _ = writeln!(template, "  resourceSelectors: [{{apiVersion: apps/v1, kind: Deployment, name: {name}}}]");
        template.push_str("  placement: {clusterAffinity: {clusterNames: {{ toJson .Values.clustersAffinity }}}}\n");
        let head = json!({"apiVersion": "v2", "name": name, "version": "0.1.0"}).to_string();
        let values = json!({"clustersAffinity": ["member1"]}).to_string();
        for (file, text) in [("Chart.yaml", head), ("values.yaml", values), ("templates/all.yaml", template)] {
            std::fs::write(root.join(file), text).expect("files can be written");
        }
        helm(&["package", &root.display().to_string(), "--destination", &folder.display().to_string()]);
        let packed = folder.join(format!("{name}-0.1.0.tgz")).display().to_string();
        helm(&["push", &packed, &format!("oci://{registry}/smo-bench"), "--plain-http"]);
    }
}

fn helm(arguments: &[&str]) {
    let done = Command::new("helm-4.3").args(arguments).output().expect("helm is on the path");
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn wish(registry: &str) -> Value {
    let mut wish = crate::server::descriptor("ten", SERVICES, false);
    for service in wish["hdaGraph"]["services"].as_array_mut().expect("a list") {
        let name = service["id"].as_str().expect("a name").to_owned();
        service["artifact"]["ociImage"] = json!(format!("oci://{registry}/smo-bench/{name}"));
        service["deployment"]["intent"]["compute"] =
            json!({"cpu": "100m", "ram": "64Mi", "storage": "small", "gpu": {"enabled": false}});
    }
    wish
}

#[expect(clippy::disallowed_methods, reason = "compared with the times that the script notes")]
fn since_epoch() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs_f64()
}
