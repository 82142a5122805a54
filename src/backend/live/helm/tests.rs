//! How Helm is called, and what becomes of what it says, with a stub in its place.

use super::{Chart, Helm, Hooks, Patience, Recovery, Release, Settings, Status, Wanted};
use crate::backend::live::outside::Class;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const PATIENT: Patience = Patience { limit: Duration::from_secs(30), grace: Duration::from_secs(5) };

/// A folder with a chart, and a Helm in whose place the script stands.
struct Bench {
    folder: tempfile::TempDir,
    helm: Helm,
}

impl Bench {
    async fn of(script: &str) -> Self {
        Self::with(PATIENT, script).await
    }

    async fn with(patience: Patience, script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("web.tgz"), b"chart").unwrap();
        let helm = helm(folder.path(), patience, script).await.unwrap();
        Self { folder, helm }
    }

    fn script(&self, script: &str) {
        std::fs::write(self.folder.path().join("script"), script).unwrap();
    }

    fn wanted(&self, values: Value) -> Wanted {
        let chart = Chart { file: self.folder.path().join("web.tgz"), digest: None };
        Wanted { release: web(), chart, values, hooks: Hooks::Skip }
    }

    /// The calls that change something, without paths.
    fn changes(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.folder.path().join("calls")).unwrap();
        let home = format!("{}/", self.folder.path().display());
        let changes = calls.lines().filter(|call| !call.starts_with("history") && !call.starts_with("version"));
        changes.map(|call| call.replace(&home, "")).collect()
    }
}

fn web() -> Release {
    Release::new("shop", "web").unwrap()
}

async fn helm(folder: &Path, patience: Patience, script: &str) -> Result<Helm, super::CallError> {
    std::fs::write(folder.join("script"), script).unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/backend/live/helm/stub.sh");
    let kubeconfig = folder.join("kubeconfig");
    Helm::new(Settings { program, kubeconfig, home: folder.to_owned(), patience }).await
}

/// A history of one revision.
fn history(status: &str, description: &str) -> String {
    let revision = json!([{"revision": 4, "updated": "2026-11-23T20:15:50Z", "status": status, "chart": "web-0.1.0",
        "description": description}]);
    format!("history) echo '{revision}';;")
}

/// A stub of a new enough Helm with these cases.
fn cases(cases: &[&str]) -> String {
    format!(
        "case $1 in version) echo v3.17.2+g1;; {} *) echo \"Error: unexpected $1\" >&2; exit 1;; esac",
        cases.join("\n")
    )
}

const ABSENT: &str = "history) echo 'Error: release: not found' >&2; exit 1;;";
const UPGRADED: &str = r#"upgrade) echo '{"name":"web","version":5,"info":{"status":"deployed",
    "description":"x","last_deployed":"2026-11-23T20:15:50Z"}}';;"#;

#[tokio::test]
async fn a_helm_that_is_too_old_missing_or_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (says, wanted) in [
        ("echo v3.12.0+g1", "Helm 3.12.0 is too old; 3.17 or later is needed"),
        ("echo Client: v2.17.0", "`Client: v2.17.0` is no version of Helm; 3.17 or later is needed"),
    ] {
        let error = helm(folder.path(), PATIENT, says).await.unwrap_err();
        assert_eq!((error.class, error.reason.as_str()), (Class::Permanent, wanted));
    }
    let program = "/nowhere/helm".into();
    let settings = Settings { program, kubeconfig: "x".into(), home: folder.path().to_owned(), patience: PATIENT };
    let error = Helm::new(settings).await.unwrap_err();
    assert_eq!(error.reason, "`/nowhere/helm` is not there; install Helm 3.17 or later");
}

/// Goal: the first call makes the release, never waits and runs no hooks, and the second call with the same wish does nothing.
#[tokio::test]
async fn a_release_is_made_once() {
    let bench = Bench::of(&cases(&[ABSENT, UPGRADED])).await;
    let wanted = bench.wanted(json!({"replicas": 2}));
    let made = bench.helm.ensure(&wanted).await.unwrap();
    assert!(made.is_new && made.recovery.is_none());
    assert_eq!((made.revision.revision, made.revision.status), (5, Status::Deployed));
    let fingerprint = wanted.fingerprint().unwrap();
    let call = bench.changes().pop().unwrap();
    let start = format!(
        "upgrade --install web -n shop --create-namespace -o json --reset-values --history-max 10 \
         --description {fingerprint} --no-hooks --kubeconfig kubeconfig -f values/"
    );
    assert!(call.starts_with(&start) && call.ends_with(".json web.tgz --timeout 30s"), "{call}");
    assert!(!call.contains("--wait") && !call.contains("--atomic"));
    assert_eq!(std::fs::read_dir(bench.folder.path().join("values")).unwrap().count(), 0, "values do not stay");

    bench.script(&cases(&[&history("deployed", &fingerprint)]));
    let again = bench.helm.ensure(&wanted).await.unwrap();
    assert!(!again.is_new);
    assert_eq!((again.revision.revision, bench.changes().len()), (4, 1));
    // A failed upgrade has another description, other values another digest: both are brought to what is wanted.
    bench.script(&cases(&[&history("failed", "Upgrade failed"), UPGRADED]));
    assert!(bench.helm.ensure(&wanted).await.unwrap().is_new);
    bench.script(&cases(&[&history("deployed", &fingerprint), UPGRADED]));
    assert!(bench.helm.ensure(&bench.wanted(json!({}))).await.unwrap().is_new);
}

/// We were killed before a Helm began or behind its end: what is unfinished later is not taken for ours.
#[tokio::test]
async fn a_mark_of_an_operation_that_left_nothing_is_wiped() {
    let bench = Bench::of(&cases(&[&history("deployed", "x")])).await;
    bench.helm.lock("test", &web()).await.unwrap().begin().unwrap();
    assert_eq!(bench.helm.recover(&web()).await, Ok(None));
    assert!(!bench.helm.lock("test", &web()).await.unwrap().was_interrupted().unwrap());
}

/// A Helm that leaves a lock and hangs is ended; the next one clears the lock away before it upgrades.
#[tokio::test]
async fn what_a_killed_helm_left_is_cleared_away() {
    let short = Patience { limit: Duration::from_millis(500), grace: Duration::from_millis(200) };
    let hanging = "upgrade) trap '' TERM; while :; do sleep 0.05; done;;";
    let bench = Bench::with(short, &cases(&[ABSENT, hanging])).await;
    let wanted = bench.wanted(json!({}));
    let lock = bench.helm.lock("test", &web()).await.unwrap();
    let error = bench.helm.run_upgrade(&wanted, "x", &lock).await.unwrap_err();
    assert_eq!((error.class, error.reason.as_str()), (Class::Retryable, "stopped: it had not ended after 500ms"));
    assert!(lock.was_interrupted().unwrap());
    drop(lock);
    let helm = helm(bench.folder.path(), PATIENT, "echo v4.1.4+g1").await.unwrap();
    let bench = Bench { folder: bench.folder, helm };
    let left = r#"history) [ -e "$home/cleared" ] && exec echo '[]'; echo '[
        {"revision":1,"updated":"2026-11-23T20:15:50Z","status":"deployed"},
        {"revision":2,"updated":"2999-11-23T20:15:50Z","status":"pending-upgrade"}]';;
        rollback) touch "$home/cleared";;"#;
    bench.script(&cases(&[left, UPGRADED]));
    let made = bench.helm.ensure(&wanted).await.unwrap();
    assert_eq!(made.recovery, Some(Recovery::RolledBack { was: Status::PendingUpgrade, to: 1 }));
    let rollback = "rollback web 1 -n shop --no-hooks --history-max 10 --kubeconfig kubeconfig --timeout 30s";
    assert_eq!(bench.changes()[1], rollback);
}

#[tokio::test]
async fn a_helm_of_somebody_else_is_left_alone_until_it_must_be_dead() {
    let young = r#"history) echo '[{"revision":1,"updated":"2999-11-23T20:15:50Z","status":"pending-install"}]';;"#;
    let bench = Bench::of(&cases(&[young])).await;
    let error = bench.helm.ensure(&bench.wanted(json!({}))).await.unwrap_err();
    assert_eq!(error.class, Class::Conflict);
    let old = r#"history) [ -e "$home/cleared" ] && exec echo '[]';
        echo '[{"revision":1,"updated":"2001-11-23T20:15:50Z","status":"pending-install"}]';;
        uninstall) touch "$home/cleared";;"#;
    bench.script(&cases(&[old]));
    let recovery = bench.helm.recover(&web()).await.unwrap();
    assert_eq!(recovery, Some(Recovery::Removed { was: Status::PendingInstall }));
    assert_eq!(bench.helm.recover(&web()).await.unwrap(), None);
}

#[tokio::test]
async fn an_unreachable_control_plane_is_tried_again_and_a_wrong_chart_is_not() {
    let flaky = r#"upgrade) if [ -e "$home/tried" ]; then echo 'Error: UPGRADE FAILED: template: x' >&2; exit 1; fi
        touch "$home/tried"; echo 'Error: Kubernetes cluster unreachable: connection refused' >&2; exit 1;;"#;
    let bench = Bench::of(&cases(&[ABSENT, flaky])).await;
    let error = bench.helm.ensure(&bench.wanted(json!({}))).await.unwrap_err();
    assert_eq!(error.to_string(), "helm: upgrade shop/web: UPGRADE FAILED: template: x");
    assert_eq!((error.class, bench.changes().len()), (Class::Permanent, 2));
}

#[tokio::test]
async fn releases_are_listed_removed_and_restored() {
    let one = r#"{"name":"web","namespace":"shop","revision":"2","status":"deployed","chart":"web-0.1.0"}"#;
    let full = vec![one; 256].join(",");
    let list = format!("list) case \"$*\" in *'--offset 0 '*) echo '[{full}]';; *) echo '[{one}]';; esac;;");
    let bench = Bench::of(&cases(&[&list, "uninstall) echo gone;;", "rollback) echo back;;", ABSENT])).await;
    assert_eq!(bench.helm.list("shop").await.unwrap().len(), 257);
    bench.helm.uninstall(&web()).await.unwrap();
    bench.helm.rollback(&web(), 3).await.unwrap();
    assert_eq!(bench.helm.status(&web()).await.unwrap(), None);
    let calls = bench.changes();
    let states = "--deployed --failed --pending --uninstalling --kubeconfig kubeconfig";
    assert_eq!(calls[1], format!("list -n shop -o json --max 256 --offset 256 {states}"));
    assert!(calls[2].starts_with("uninstall web -n shop --ignore-not-found --no-hooks --wait "), "{calls:?}");
    assert!(calls[3].starts_with("rollback web 3 -n shop --no-hooks "), "{calls:?}");
}
