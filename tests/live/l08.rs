//! L08: a Helm that is killed in the middle leaves a lock, which is found and cleared; that of somebody else is left alone.
//!
//! The chart holds a policy, so that the control plane asks Karmada's webhook, which is frozen: Helm hangs where it has written
//! its `pending-*` revision and not yet ended, and is killed there.

use super::charts::{hasty, helm, pack, run};
use super::stack::{Stack, stack};
use serde_json::json;
use smo::backend::live::helm::{Chart, Helm, Hooks, Recovery, Release, Status, Wanted};
use smo::backend::live::outside::Class;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const NAMESPACE: &str = "smo-l08";
const MAJORS: [&str; 2] = ["helm-3.17", "helm-4.3"];

/// Karmada's webhook, frozen until this is dropped.
struct Frozen<'a>(&'a Stack);

impl<'a> Frozen<'a> {
    fn new(stack: &'a Stack) -> Self {
        stack.live(&["signal", "webhook", "STOP"]);
        Self(stack)
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.0.live(&["signal", "webhook", "CONT"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l08_a_killed_upgrade_is_rolled_back_and_done_again() {
    let Some(stack) = stack("l08") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = pack(folder.path(), "l08");
    for program in MAJORS {
        let wanted = wanted(&file, &format!("up-{}", program.replace('.', "-")), 1);
        let helm = fresh(&stack, program, folder.path(), &wanted.release).await;
        helm.ensure(&wanted).await.unwrap();
        let more = Wanted { values: json!({"replicas": 4}), ..wanted.clone() };
        killed(&stack, &helm, &more, "pending-upgrade").await;
        assert_eq!(helm.status(&wanted.release).await.unwrap().unwrap().status, Status::PendingUpgrade);
        assert!(plain(&stack, program, &more).unwrap_err().contains("another operation"), "the lock is Helm's own");
        let made = helm.ensure(&more).await.unwrap();
        assert_eq!(made.recovery, Some(Recovery::RolledBack { was: Status::PendingUpgrade, to: 1 }), "{program}");
        assert_eq!((made.revision.status, replicas(&stack, &more)), (Status::Deployed, 4));
        helm.uninstall(&wanted.release).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l08_a_killed_install_is_removed_and_done_again() {
    let Some(stack) = stack("l08") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = pack(folder.path(), "l08");
    for program in MAJORS {
        let wanted = wanted(&file, &format!("in-{}", program.replace('.', "-")), 2);
        let helm = fresh(&stack, program, folder.path(), &wanted.release).await;
        killed(&stack, &helm, &wanted, "pending-install").await;
        let made = helm.ensure(&wanted).await.unwrap();
        assert_eq!(made.recovery, Some(Recovery::Removed { was: Status::PendingInstall }), "{program}");
        assert_eq!((made.revision.revision, replicas(&stack, &wanted)), (1, 2));
        helm.uninstall(&wanted.release).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l08_what_somebody_else_left_is_not_touched_before_its_time() {
    let Some(stack) = stack("l08") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = pack(folder.path(), "l08");
    for program in MAJORS {
        let wanted = wanted(&file, &format!("no-{}", program.replace('.', "-")), 2);
        let helm = fresh(&stack, program, folder.path(), &wanted.release).await;
        let frozen = Frozen::new(&stack);
        let mut theirs = command(&stack, program, &wanted).spawn().unwrap();
        until_pending(&stack, wanted.release.name(), "pending-install").await;
        theirs.kill().unwrap();
        theirs.wait().unwrap();
        drop(frozen);
        let error = helm.ensure(&wanted).await.unwrap_err();
        assert!(error.class == Class::Conflict && error.reason.contains("another helm"), "{error}");
        assert_eq!(helm.status(&wanted.release).await.unwrap().unwrap().status, Status::PendingInstall);
        helm.uninstall(&wanted.release).await.unwrap();
    }
}

/// The real Helm, asked to end (SIGTERM) while it hangs: whatever it leaves is repaired by the next wish.
#[tokio::test(flavor = "multi_thread")]
async fn l08_a_helm_that_takes_too_long_is_asked_to_end() {
    let Some(stack) = stack("l08") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = pack(folder.path(), "l08");
    for program in MAJORS {
        let wanted = wanted(&file, &format!("late-{}", program.replace('.', "-")), 2);
        let patient = fresh(&stack, program, folder.path(), &wanted.release).await;
        let hasty = hasty(program, stack.kubeconfig("karmada"), folder.path(), Duration::from_secs(1)).await;
        let frozen = Frozen::new(&stack);
        let error = hasty.ensure(&wanted).await.unwrap_err();
        drop(frozen);
        assert!(error.class == Class::Retryable && error.reason.starts_with("stopped:"), "{program}: {error}");
        assert_ne!(patient.status(&wanted.release).await.unwrap().unwrap().status, Status::Deployed);
        let made = patient.ensure(&wanted).await.unwrap();
        assert_eq!((made.revision.status, replicas(&stack, &wanted)), (Status::Deployed, 2), "{program}");
        patient.uninstall(&wanted.release).await.unwrap();
    }
}

/// Our Helm, killed when the release is in this state: what is dropped is killed at once.
async fn killed(stack: &Stack, helm: &Helm, wanted: &Wanted, state: &str) {
    let _frozen = Frozen::new(stack);
    tokio::select! {
        done = helm.ensure(wanted) => panic!("it ended before it could be killed: {done:?}"),
        () = until_pending(stack, wanted.release.name(), state) => {}
    }
}

async fn until_pending(stack: &Stack, release: &str, state: &str) {
    let which = format!("owner=helm,name={release},status={state}");
    let pending = async {
        loop {
            let found = stack.get("karmada", &["secrets", "-n", NAMESPACE, "-l", &which]);
            if found.is_some_and(|found| found["items"].as_array().is_some_and(|items| !items.is_empty())) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), pending).await.expect("Helm writes a pending revision");
}

/// A client, and nothing of earlier runs.
async fn fresh(stack: &Stack, program: &str, folder: &Path, release: &Release) -> Helm {
    let helm = helm(program, stack.kubeconfig("karmada"), &folder.join(program)).await;
    helm.uninstall(release).await.unwrap();
    helm
}

fn wanted(file: &Path, name: &str, replicas: u32) -> Wanted {
    let chart = Chart { file: file.to_owned(), digest: None };
    let release = Release::new(NAMESPACE, name).unwrap();
    Wanted { release, chart, values: json!({ "replicas": replicas }), hooks: Hooks::Skip }
}

/// The same without our client.
fn command(stack: &Stack, program: &str, wanted: &Wanted) -> Command {
    let mut command = Command::new(program);
    command.args(["upgrade", "--install", wanted.release.name()]).arg(&wanted.chart.file);
    command.args(["-n", NAMESPACE, "--create-namespace", "--kubeconfig"]).arg(stack.kubeconfig("karmada"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn plain(stack: &Stack, program: &str, wanted: &Wanted) -> Result<String, String> {
    let command = command(stack, program, wanted);
    let arguments: Vec<&str> = command.get_args().map(|argument| argument.to_str().unwrap()).collect();
    run(program, &arguments)
}

fn replicas(stack: &Stack, wanted: &Wanted) -> u64 {
    let found = stack.get("karmada", &["deployment", wanted.release.name(), "-n", NAMESPACE]);
    found.expect("the deployment is there")["spec"]["replicas"].as_u64().expect("it says its replicas")
}
