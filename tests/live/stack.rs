//! The running stack, as the tests find it: where it lies, and how its programs are frozen, killed and started again.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard};

/// One test at a time: they share the stack.
static ALONE: Mutex<()> = Mutex::new(());

/// The running stack. Whoever holds it has it alone.
pub struct Stack {
    /// Kubeconfigs, logs.
    pub run: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

/// The stack, or nothing after saying why.
///
/// # Panics
/// Where there is none although there has to be (`SMO_LIVE_REQUIRED`).
pub fn stack(test: &str) -> Option<Stack> {
    let alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(run) = std::env::var_os("SMO_LIVE_RUN").map(PathBuf::from) else {
        assert!(
            std::env::var_os("SMO_LIVE_REQUIRED").is_none(),
            "{test}: SMO_LIVE_RUN is not set, and the stack is required"
        );
        eprintln!("{test}: SKIPPED: not inside the live stack; `make test-live` brings it up");
        return None;
    };
    Some(Stack { run, _alone: alone })
}

/// A frozen program of the stack; it goes on when this is dropped.
pub struct Frozen<'a> {
    stack: &'a Stack,
    program: &'a str,
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.stack.live(&["signal", self.program, "CONT"]);
    }
}

impl Stack {
    /// The kubeconfig of `karmada`, `member1`, `member2`.
    pub fn kubeconfig(&self, name: &str) -> PathBuf {
        self.run.join(format!("{name}.kubeconfig"))
    }

    /// The address of an outside system: `prometheus`, `alertmanager`, `registry`, `grafana`, `exporter`.
    #[expect(clippy::unused_self, reason = "only who holds the stack may use it")]
    pub fn address(&self, system: &str) -> String {
        let name = format!("SMO_LIVE_{}", system.to_uppercase());
        std::env::var(&name).unwrap_or_else(|_| panic!("{name} is not set by `scripts/live exec`"))
    }

    /// `scripts/live` with arguments, like `signal api-member1 STOP` or `restart webhook`.
    #[expect(clippy::unused_self, reason = "only who holds the stack may use it")]
    pub fn live(&self, arguments: &[&str]) {
        let script = std::env::var("SMO_LIVE").expect("`scripts/live exec` sets SMO_LIVE");
        let done = Command::new(script).args(arguments).output().expect("scripts/live starts");
        assert!(done.status.success(), "scripts/live {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// A program that is frozen until this is dropped.
    pub fn freeze<'a>(&'a self, program: &'a str) -> Frozen<'a> {
        self.live(&["signal", program, "STOP"]);
        Frozen { stack: self, program }
    }

    /// What kubectl says.
    pub fn kubectl(&self, cluster: &str, arguments: &[&str]) -> Result<String, String> {
        let done = Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(self.kubeconfig(cluster))
            .args(arguments)
            .output()
            .expect("kubectl is on the path inside `scripts/live exec`");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
    }

    /// An object as JSON; nothing where it is not there.
    pub fn get(&self, cluster: &str, arguments: &[&str]) -> Option<serde_json::Value> {
        let all: Vec<&str> = ["get", "-o", "json"].into_iter().chain(arguments.iter().copied()).collect();
        self.kubectl(cluster, &all).ok().and_then(|text| serde_json::from_str(&text).ok())
    }

    /// What an API server answers at a path, as JSON; nothing where it does not. For what is looked at again and again: kubectl asks the
    /// same, and takes a fifth of a second of the machine that the stack runs on.
    pub fn at(&self, cluster: &str, path: &str) -> Option<serde_json::Value> {
        let known = std::fs::read_to_string(self.kubeconfig(cluster)).expect("the stack has written it");
        let known: serde_json::Value = serde_json::from_str(&known).expect("the stack writes JSON");
        let server = known["clusters"][0]["cluster"]["server"].as_str().expect("it says where");
        let pki = |name: &str| self.run.join("pki").join(name);
        let done = Command::new("curl")
            .args(["--silent", "--fail", "--max-time", "10", "--retry", "1", "--cacert"])
            .arg(pki("ca.crt"))
            .arg("--cert")
            .arg(pki("admin.crt"))
            .arg("--key")
            .arg(pki("admin.key"))
            .arg(format!("{server}{path}"))
            .output()
            .expect("curl starts");
        if done.status.success() { serde_json::from_slice(&done.stdout).ok() } else { None }
    }

    /// Ready replicas of a Deployment, as its cluster says; none where it is not there, or where it does not answer at all. Who looks at every
    /// instant must not take one look that failed for an instant without replicas: a failed one is made again.
    pub fn ready(&self, cluster: &str, (namespace, name): (&str, &str)) -> u64 {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
        let found = (0..3).find_map(|_| self.at(cluster, &path));
        found.and_then(|object| object["status"]["readyReplicas"].as_u64()).unwrap_or(0)
    }

    /// What an outside system answers at a path.
    pub fn fetch(&self, system: &str, path: &str) -> serde_json::Value {
        let url = format!("{}{path}", self.address(system));
        let done = Command::new("curl").args(["--silent", "--fail", &url]).output().expect("curl starts");
        assert!(done.status.success(), "{url}: {}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).expect("it answers in JSON")
    }

    /// The digest of a chart's manifest in the registry, as the registry says.
    pub fn digest(&self, chart: &str, tag: &str) -> String {
        let repository = chart.trim_start_matches("oci://").split_once('/').expect("a host and a repository").1;
        let url = format!("http://{}/v2/{repository}/manifests/{tag}", self.address("registry"));
        let accept = "Accept: application/vnd.oci.image.manifest.v1+json";
        let done = Command::new("curl").args(["--silent", "--fail", "--head", "--header", accept, &url]).output();
        let head = String::from_utf8_lossy(&done.expect("curl starts").stdout).to_lowercase();
        let line = head.lines().find_map(|line| line.strip_prefix("docker-content-digest:").map(str::to_owned));
        line.unwrap_or_else(|| panic!("{url}: {head}")).trim().to_owned()
    }

    /// Applies objects.
    pub fn apply(&self, cluster: &str, objects: &serde_json::Value) {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), objects.to_string()).expect("it can be written");
        let path = file.path().to_str().expect("a plain path");
        self.kubectl(cluster, &["apply", "--server-side", "-f", path]).expect("it is applied");
    }
}
