//! The shop of `scenarios/live/shop.yaml` on the stack: its Deployments, its load, and smo as the program that drives it.
//!
//! Each test has a namespace of its own, and so workloads, policies and wishes of its own; clusters and nodes are shared.

use crate::stack::Stack;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

/// Who decides: replicas go down as soon as the load does, so that tests need not wait.
pub const POLICY: &str = "greedy+rate:headroom=30%,down_after=3s";

/// How names of what smo makes begin.
pub const POLICY_NAME: &str = "smo-";

/// A shop in a namespace.
pub struct Shop<'a> {
    pub stack: &'a Stack,
    pub namespace: String,
    pub folder: tempfile::TempDir,
    connection: Value,
}

/// A running smo; it ends with the test.
pub struct Smo {
    child: Child,
    pub directory: PathBuf,
    log: PathBuf,
}

impl<'a> Shop<'a> {
    /// A shop in namespace `smo-NAME`, freshly made.
    pub fn new(stack: &'a Stack, name: &str) -> Self {
        let namespace = format!("smo-{name}");
        empty(stack);
        stack.apply("karmada", &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
        let folder = tempfile::tempdir().expect("a folder");
        let query = |service: &str| format!(r#"sum(rate(http_requests_total{{service="{name}-{service}"}}[5s]))"#);
        let connection = json!({
            "karmada": {"kubeconfig": stack.kubeconfig("karmada"), "namespace": namespace},
            "prometheus": {"url": stack.address("prometheus")},
            "clusters": {"near": "member1", "far": "member2"},
            "services": {"front": {"rate": query("front")}, "back": {"rate": query("back")}},
            "moves": {"timeout": "15 s"},
            "probe": {"back_after": "5 s"},
        });
        let shop = Self { stack, namespace, folder, connection };
        shop.deploy("front", "500m", "512Mi");
        shop.deploy("back", "1", "1Gi");
        shop
    }

    /// A Deployment without anybody to propagate it yet.
    pub fn deploy(&self, name: &str, cpu: &str, memory: &str) {
        let requests = json!({"cpu": cpu, "memory": memory});
        self.stack.apply(
            "karmada",
            &json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [
                    {"name": "main", "image": format!("{name}:1"), "resources": {"requests": requests}}]}}}}),
        );
    }

    /// Another value of the connection, by its path of keys; what it was.
    pub fn connect(&mut self, path: &[&str], value: Value) -> Value {
        let slot = path.iter().fold(&mut self.connection, |slot, key| &mut slot[*key]);
        std::mem::replace(slot, value)
    }

    /// A file with a secret.
    pub fn secret(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join("secret");
        fs::write(&path, text).expect("it can be written");
        path
    }

    /// The connection's file.
    pub fn connection(&self) -> PathBuf {
        let path = self.folder.path().join("live.yaml");
        fs::write(&path, self.connection.to_string()).expect("it can be written");
        path
    }

    /// The load from now on, in requests per second at the front; the back gets half.
    pub fn load(&self, rate: f64) {
        self.load_each(rate, rate / 2.0);
    }

    /// The loads of both from now on.
    pub fn load_each(&self, front: f64, back: f64) {
        let name = self.namespace.trim_start_matches("smo-");
        let line = |service: &str, rate: f64| json!({"name": "http_requests_total", "labels": {"service": format!("{name}-{service}")}, "kind": "counter", "rate": rate});
        let lines = format!("{}\n{}\n", line("front", front), line("back", back));
        let done = Command::new("curl")
            .args(["--silent", "--fail", "--request", "PUT", "--data-binary", &lines])
            .arg(format!("{}/series", self.stack.address("exporter")))
            .output()
            .expect("curl starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// smo's arguments for a run of the shop's scenario.
    fn arguments(&self, mode: &str, more: &[&str]) -> Vec<String> {
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/live/shop.yaml");
        let out = self.folder.path().join("runs");
        let fixed = [
            "run".to_owned(),
            scenario.display().to_string(),
            mode.to_owned(),
            self.connection().display().to_string(),
        ];
        let rest = ["--set", "control.every=2s", "--policy", POLICY, "--out"].map(str::to_owned);
        fixed
            .into_iter()
            .chain(rest)
            .chain([out.display().to_string()])
            .chain(more.iter().map(|one| (*one).to_owned()))
            .collect()
    }

    /// Starts smo in mode `--live` or `--shadow`.
    pub fn start(&self, mode: &str, more: &[&str]) -> Smo {
        let log =
            self.folder.path().join(format!("log-{}", fs::read_dir(self.folder.path()).expect("a folder").count()));
        let file = fs::File::create(&log).expect("it can be written");
        let child = Command::new(env!("CARGO_BIN_EXE_smo"))
            .args(self.arguments(mode, more))
            .stdout(Stdio::from(file.try_clone().expect("a second handle")))
            .stderr(Stdio::from(file))
            .spawn()
            .expect("smo starts");
        Smo { child, directory: self.folder.path().join("runs/shop"), log }
    }

    /// Runs smo to its end; exit code, what it printed, what it complained of.
    pub fn run(&self, mode: &str, more: &[&str]) -> (i32, String, String) {
        let done =
            Command::new(env!("CARGO_BIN_EXE_smo")).args(self.arguments(mode, more)).output().expect("smo starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (done.status.code().unwrap_or(-1), text(&done.stdout), text(&done.stderr))
    }

    /// A question about the live state: `observe`, or another command with `--now`.
    pub fn ask(&self, command: &str, more: &[&str]) -> String {
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/live/shop.yaml");
        let (connection, out) = (self.connection(), self.folder.path().join("runs"));
        let plain = |path: &Path| path.to_str().expect("a plain path").to_owned();
        let (scenario, connection, out) = (plain(&scenario), plain(&connection), plain(&out));
        let mut arguments = vec![command, &scenario];
        if command == "observe" {
            arguments.push(&connection);
        } else {
            arguments.extend(["--now", &connection, "--out", &out]);
        }
        arguments.extend(more);
        smo(&arguments)
    }

    /// What is where now.
    pub fn observe(&self) -> Value {
        serde_json::from_str(&self.ask("observe", &["--format", "json"])).expect("it is JSON")
    }

    /// `smo remove`; what it said.
    pub fn remove(&self) -> String {
        self.remove_with(&[])
    }

    /// The same with fields of the scenario.
    pub fn remove_with(&self, more: &[&str]) -> String {
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/live/shop.yaml");
        let done = Command::new(env!("CARGO_BIN_EXE_smo"))
            .arg("remove")
            .arg(scenario)
            .arg(self.connection())
            .args(more)
            .output();
        let done = done.expect("smo starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// Ready replicas of a Deployment in a member, as the member itself says.
    pub fn ready(&self, member: &str, name: &str) -> u64 {
        self.stack.ready(member, (&self.namespace, name))
    }

    /// Ready replicas of a Deployment over both members.
    pub fn ready_all(&self, name: &str) -> u64 {
        self.ready("member1", name) + self.ready("member2", name)
    }

    /// How Karmada's binding divides a Deployment.
    pub fn shares(&self, name: &str) -> BTreeMap<String, u64> {
        let bindings = format!("/apis/work.karmada.io/v1alpha2/namespaces/{}/resourcebindings", self.namespace);
        let object = self.stack.at("karmada", &format!("{bindings}/{name}-deployment"));
        let clusters = object.map(|object| object["spec"]["clusters"].clone()).unwrap_or_default();
        let share =
            |one: &Value| (one["name"].as_str().unwrap_or_default().to_owned(), one["replicas"].as_u64().unwrap_or(0));
        clusters.as_array().into_iter().flatten().map(share).collect()
    }
}

impl Drop for Shop<'_> {
    fn drop(&mut self) {
        self.load(0.0);
        clear(self.stack, &self.namespace);
    }
}

/// What a command of smo prints.
pub fn smo(arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_smo")).args(arguments).output().expect("smo starts");
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

impl Smo {
    /// What it has said so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The directory of its record in `mode`.
    pub fn record(&self, mode: &str) -> PathBuf {
        let found =
            fs::read_dir(&self.directory).expect("a record is there").filter_map(Result::ok).map(|entry| entry.path());
        let is_it = |path: &PathBuf| path.to_string_lossy().ends_with(&format!("-{mode}"));
        found.into_iter().find(is_it).unwrap_or_else(|| panic!("no record in {}", self.directory.display()))
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked").is_none()
    }

    /// Kills it without a warning.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }

    /// Ends it politely and waits for its record; its exit code.
    pub fn end(&mut self) -> i32 {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill starts");
        self.child.wait().expect("it has ended").code().unwrap_or(-1)
    }
}

impl Drop for Smo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("smo said:\n{}", self.said());
        }
    }
}

/// What others hold in a member: pods that smo knows nothing of. They go with the test.
pub struct Filler<'a> {
    stack: &'a Stack,
    member: &'static str,
}

impl<'a> Filler<'a> {
    /// So many pods of so many cores.
    pub fn new(stack: &'a Stack, member: &'static str, (cpu, replicas): (&str, u32)) -> Self {
        let requests = json!({"cpu": cpu, "memory": "1Gi"});
        stack.apply(member, &json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "filler", "namespace": "default"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "filler"}}, "template": {
                "metadata": {"labels": {"app": "filler"}},
                "spec": {"containers": [{"name": "main", "image": "filler:1", "resources": {"requests": requests}}]}}}}));
        Self { stack, member }
    }
}

impl Drop for Filler<'_> {
    fn drop(&mut self) {
        let _ = self.stack.kubectl(self.member, &["delete", "deployment", "filler", "--namespace", "default"]);
    }
}

/// Waits until nothing runs in the members, as they say and as Karmada sees it: what the test before left is others' to this one.
///
/// Kubernetes takes a quarter of a minute for a namespace, so what runs there is removed by itself, and nobody waits for the namespaces:
/// no test has one that another had. Only those of a run before are waited for.
pub fn empty(stack: &Stack) {
    static FIRST: Once = Once::new();
    let ours = |phase: Option<&str>| -> Vec<String> {
        let listed = stack.at("karmada", "/api/v1/namespaces").expect("listed");
        let all = listed["items"].as_array().into_iter().flatten();
        let such = all.filter(|one| phase.is_none_or(|phase| one["status"]["phase"] == phase));
        let names = such.filter_map(|one| one["metadata"]["name"].as_str());
        names.filter(|name| name.starts_with("smo-") || *name == "hello").map(str::to_owned).collect()
    };
    for name in ours(Some("Active")) {
        clear(stack, &name);
    }
    FIRST.call_once_force(|_| {
        until("namespaces of runs before are gone", Duration::from_mins(1), || ours(None).is_empty());
    });
    // Karmada takes its time to speak to a member again whose API server was away.
    until("the members are empty", Duration::from_mins(3), || {
        ["member1", "member2"].iter().all(|member| is_empty(stack, member))
    });
}

/// Whether a member has no workloads and no pods, and Karmada knows it.
fn is_empty(stack: &Stack, member: &str) -> bool {
    let none = |path: &str| {
        let listed = stack.at(member, path);
        listed.is_some_and(|listed| listed["items"].as_array().is_some_and(Vec::is_empty))
    };
    let known = || {
        let cluster = stack.at("karmada", &format!("/apis/cluster.karmada.io/v1alpha1/clusters/{member}"));
        let summary = &cluster.expect("it has joined")["status"]["resourceSummary"];
        let nothing = |part: &str| matches!(summary[part]["cpu"].as_str(), None | Some("0"));
        nothing("allocated") && nothing("allocating") && summary["allocatable"]["cpu"].is_string()
    };
    none("/apis/apps/v1/deployments") && none("/api/v1/pods") && known()
}

/// Removes what runs and what wakes in a namespace, and begins to remove the namespace.
pub fn clear(stack: &Stack, namespace: &str) {
    let kinds = "deployments.apps,propagationpolicies.policy.karmada.io,prometheusrules.monitoring.coreos.com";
    let _ = stack.kubectl("karmada", &["delete", kinds, "--all", "--namespace", namespace, "--wait=false"]);
    let _ = stack.kubectl("karmada", &["delete", "namespace", namespace, "--ignore-not-found", "--wait=false"]);
}

/// Waits, for what must *not* happen.
#[expect(clippy::disallowed_methods, reason = "waits for the real world")]
pub fn wait(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}

/// Waits until something holds; how long that took.
///
/// # Panics
/// Where it does not within `limit`.
#[expect(clippy::disallowed_methods, reason = "waits for the real world")]
pub fn until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    start.elapsed()
}
