//! Charts for the tests, made and pushed by the real Helm.

use super::stack::Stack;
use smo::backend::live::helm::{Helm, Patience, Settings};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The Helms of the stack: the oldest that is spoken to, and the newer major early and late.
pub const HELMS: [&str; 3] = ["helm-3.17", "helm-4.1", "helm-4.3"];

/// A deployment, and a policy so that the control plane's webhook has to be asked.
const FILES: [(&str, &str); 4] = [
    ("Chart.yaml", "apiVersion: v2\nname: NAME\nversion: 0.1.0\n"),
    ("values.yaml", "replicas: 1\n"),
    (
        "templates/deployment.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Release.Name }}}\nspec:\n  replicas: {{ .Values.replicas }}\n  \
         selector: {matchLabels: {app: {{ .Release.Name }}}}\n  template:\n    metadata: {labels: {app: {{ .Release.Name }}}}\n    \
         spec: {containers: [{name: main, image: web, resources: {requests: {cpu: 10m}}}]}\n",
    ),
    (
        "templates/policy.yaml",
        "apiVersion: policy.karmada.io/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: {{ .Release.Name }}}\nspec:\n  \
         resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: {{ .Release.Name }}}]\n  \
         placement: {clusterAffinity: {clusterNames: [member1]}}\n",
    ),
];

/// A packed chart below `folder`, with a policy of its own.
pub fn pack(folder: &Path, name: &str) -> PathBuf {
    pack_files(folder, name, &FILES)
}

/// The same without a policy, for a workload whose replicas we divide: half a core each.
pub fn pack_plain(folder: &Path, name: &str) -> PathBuf {
    let deployment = FILES[2].1.replace("{cpu: 10m}", "{cpu: 500m, memory: 512Mi}");
    let plain = [FILES[0], FILES[1], (FILES[2].0, deployment.as_str())];
    pack_files(folder, name, &plain)
}

fn pack_files(folder: &Path, name: &str, files: &[(&str, &str)]) -> PathBuf {
    for (path, text) in files {
        let file = folder.join(name).join(path);
        std::fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("folders can be made");
        std::fs::write(file, text.replace("NAME", name)).expect("files can be written");
    }
    let chart = folder.join(name);
    run(HELMS[0], &["package", path(&chart), "--destination", path(folder)]).expect("helm packs it");
    folder.join(format!("{name}-0.1.0.tgz"))
}

/// Pushes a packed chart; says `host/repository` of it.
pub fn push(stack: &Stack, packed: &Path, name: &str) -> String {
    let repository = format!("{}/smo-test", stack.address("registry"));
    run(HELMS[0], &["push", path(packed), &format!("oci://{repository}"), "--plain-http"]).expect("helm pushes it");
    format!("oci://{repository}/{name}")
}

/// What a program says: of Helm itself, not of our client.
pub fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let done = Command::new(program).args(arguments).output().expect("it is on the path inside `scripts/live exec`");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
}

/// Our client of one of the Helms, with a folder of its own.
pub async fn helm(program: &str, kubeconfig: PathBuf, home: &Path) -> Helm {
    hasty(program, kubeconfig, home, Duration::from_mins(1)).await
}

/// The same, which asks Helm to end after `limit`.
pub async fn hasty(program: &str, kubeconfig: PathBuf, home: &Path, limit: Duration) -> Helm {
    let patience = Patience { limit, grace: Duration::from_secs(5) };
    let settings = Settings { program: program.into(), kubeconfig, home: home.to_owned(), patience };
    Helm::new(settings).await.expect("it is new enough")
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}
