//! L02: a chart goes through a real registry and becomes a release, with each Helm; an unchanged wish changes nothing.

use super::charts::{HELMS, helm, pack, push, run};
use super::stack::{Stack, stack};
use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::secrets::RegistryAuth;
use serde_json::json;
use smo::backend::live::helm::{Chart, Helm, Hooks, Release, Status, Wanted};
use smo::backend::live::http::Auth;
use smo::backend::live::oci::{Kind, Registry};
use smo::backend::live::outside::Class;
use std::process::Stdio;
use std::time::Duration;

const NAMESPACE: &str = "smo-l02";

/// Goal: what was pushed is pulled, by tag and by digest, to the same file; what is not there, or is another, is refused.
#[tokio::test(flavor = "multi_thread")]
async fn l02_a_chart_is_pulled_by_digest() {
    let Some(stack) = stack("l02") else { return };
    let (folder, pulled) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let packed = pack(folder.path(), "l02-pull");
    let name = push(&stack, &packed, "l02-pull");
    let registry = Registry::new(&[stack.address("registry")], Auth::None);
    let by_tag = registry.pull(&format!("{name}:0.1.0"), pulled.path()).await.unwrap();
    assert_eq!((by_tag.kind, std::fs::read(&by_tag.file).unwrap()), (Kind::Chart, std::fs::read(&packed).unwrap()));
    assert_eq!(registry.pull(&format!("{name}@{}", by_tag.digest), pulled.path()).await.unwrap(), by_tag);
    let nothing = format!("{name}@sha256:{}", "0".repeat(64));
    for absent in [nothing, format!("{name}:9.9.9"), format!("{name}-not:1")] {
        let error = registry.pull(&absent, pulled.path()).await.unwrap_err();
        assert!(error.is_absent() && error.class == Class::Permanent, "{error}");
    }
    let strict = Registry::new(&[], Auth::None).pull(&format!("{name}:0.1.0"), pulled.path()).await.unwrap_err();
    assert!(strict.reason.contains("plain HTTP"), "{strict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn l02_a_descriptor_is_pulled_too() {
    let Some(stack) = stack("l02") else { return };
    let (host, folder) = (stack.address("registry"), tempfile::tempdir().unwrap());
    let config = ClientConfig { protocol: ClientProtocol::HttpsExcept(vec![host.clone()]), ..ClientConfig::default() };
    smo::backend::live::tls::install();
    let name = format!("{host}/smo-test/l02-descriptor:1");
    let layer = ImageLayer::new(b"name: shop".to_vec(), "application/yaml".to_owned(), None);
    let kind = Config::new(b"{}".to_vec(), "application/vnd.smo.descriptor.config.v1+json".to_owned(), None);
    let client = oci_client::Client::new(config);
    client.push(&name.parse().unwrap(), &[layer], kind, &RegistryAuth::Anonymous, None).await.unwrap();
    let pulled = Registry::new(&[host], Auth::None).pull(&format!("oci://{name}"), folder.path()).await.unwrap();
    assert_eq!((pulled.kind, std::fs::read(pulled.file).unwrap()), (Kind::Descriptor, b"name: shop".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn l02_each_helm_deploys_once_changes_restores_and_removes() {
    let Some(stack) = stack("l02") else { return };
    let folder = tempfile::tempdir().unwrap();
    let name = push(&stack, &pack(folder.path(), "l02"), "l02");
    let registry = Registry::new(&[stack.address("registry")], Auth::None);
    let pulled = registry.pull(&format!("{name}:0.1.0"), folder.path()).await.unwrap();
    let chart = Chart { file: pulled.file, digest: Some(pulled.file_digest) };
    for program in HELMS {
        let home = tempfile::tempdir().unwrap();
        let helm = helm(program, stack.kubeconfig("karmada"), home.path()).await;
        let release = Release::new(NAMESPACE, &program.replace('.', "-")).unwrap();
        helm.uninstall(&release).await.unwrap();
        let values = json!({"replicas": 2});
        let wanted = Wanted { release, chart: chart.clone(), values, hooks: Hooks::Skip };
        deploys_once(&stack, &helm, &wanted).await;
        changes_and_restores(&stack, &helm, &wanted).await;
        helm.uninstall(&wanted.release).await.unwrap();
        assert!(stack.get("karmada", &["deployment", wanted.release.name(), "-n", NAMESPACE]).is_none());
        assert_eq!(helm.status(&wanted.release).await.unwrap(), None, "{program}");
        helm.uninstall(&wanted.release).await.unwrap();
    }
}

async fn deploys_once(stack: &Stack, helm: &Helm, wanted: &Wanted) {
    let made = helm.ensure(wanted).await.unwrap();
    assert!(made.is_new && made.recovery.is_none());
    assert_eq!((made.revision.revision, made.revision.status), (1, Status::Deployed));
    assert_eq!(replicas(stack, wanted), 2);
    let again = helm.ensure(wanted).await.unwrap();
    assert_eq!((again.is_new, again.revision.revision), (false, 1));
    assert_eq!(helm.history(&wanted.release).await.unwrap().len(), 1);
    let listed = helm.list(NAMESPACE).await.unwrap();
    let ours = listed.iter().find(|listed| listed.name == wanted.release.name()).unwrap();
    assert_eq!((ours.revision, ours.status, ours.chart.as_str()), (1, Status::Deployed, "l02-0.1.0"));
}

async fn changes_and_restores(stack: &Stack, helm: &Helm, wanted: &Wanted) {
    let more = Wanted { values: json!({"replicas": 3}), ..wanted.clone() };
    assert_eq!(helm.ensure(&more).await.unwrap().revision.revision, 2);
    assert_eq!(replicas(stack, wanted), 3);
    helm.rollback(&wanted.release, 1).await.unwrap();
    assert_eq!(replicas(stack, wanted), 2);
    // Without values those of the chart are meant, not those of the last revision.
    let bare = Wanted { values: json!({}), ..wanted.clone() };
    assert_eq!(helm.ensure(&bare).await.unwrap().revision.revision, 4);
    assert_eq!(replicas(stack, wanted), 1);
    // A chart that Kubernetes refuses leaves a failed revision, and the next wish repairs it.
    let wrong = Wanted { values: json!({"replicas": "many"}), ..wanted.clone() };
    assert_eq!(helm.ensure(&wrong).await.unwrap_err().class, Class::Permanent);
    assert!(helm.ensure(wanted).await.unwrap().is_new);
    assert_eq!(replicas(stack, wanted), 2);
}

fn replicas(stack: &Stack, wanted: &Wanted) -> u64 {
    let found = stack.get("karmada", &["deployment", wanted.release.name(), "-n", wanted.release.namespace()]);
    found.expect("the deployment is there")["spec"]["replicas"].as_u64().expect("it says its replicas")
}

/// Replicas that we scaled are not Helm's: 4.x says so with a conflict, and the current count as a value is no conflict.
#[tokio::test(flavor = "multi_thread")]
async fn l02_a_field_that_we_hold_is_not_taken_by_helm() {
    let Some(stack) = stack("l02") else { return };
    let folder = tempfile::tempdir().unwrap();
    let chart = Chart { file: pack(folder.path(), "l02-held"), digest: None };
    for program in &HELMS[1..] {
        let helm = helm(program, stack.kubeconfig("karmada"), folder.path()).await;
        let release = Release::new(NAMESPACE, &format!("held-{}", program.replace('.', "-"))).unwrap();
        helm.uninstall(&release).await.unwrap();
        let wish = |replicas: u32| Wanted {
            release: release.clone(),
            chart: chart.clone(),
            values: json!({ "replicas": replicas }),
            hooks: Hooks::Skip,
        };
        helm.ensure(&wish(1)).await.unwrap();
        let scale = ["--subresource=scale", "--type=merge", "--field-manager=smo", "-p", r#"{"spec":{"replicas":5}}"#];
        let patch = [&["patch", "deployment", release.name(), "-n", NAMESPACE], &scale[..]].concat();
        stack.kubectl("karmada", &patch).unwrap();
        let error = helm.ensure(&wish(2)).await.unwrap_err();
        assert!(error.class == Class::Conflict && error.reason.contains(".spec.replicas"), "{error}");
        assert_eq!(replicas(&stack, &wish(2)), 5);
        helm.ensure(&wish(5)).await.unwrap();
        assert_eq!(replicas(&stack, &wish(5)), 5);
        helm.uninstall(&release).await.unwrap();
    }
}

/// A registry that wants to know who asks: a real one, started by the test on a port of its own.
#[tokio::test(flavor = "multi_thread")]
async fn l02_a_registry_may_want_a_password() {
    let Some(_stack) = stack("l02") else { return };
    let (folder, host) = (tempfile::tempdir().unwrap(), "127.0.0.1:5998");
    // `smo:secret`.
    let known = "smo:$2b$04$oPEpXbjXDo9CbqYbqM2Rr.2RxGHNb1Z2Zvt/ahTkuGcVAJsQaw94K\n";
    std::fs::write(folder.path().join("htpasswd"), known).unwrap();
    let config = json!({"version": 0.1, "http": {"addr": host}, "storage": {"filesystem": {"rootdirectory": folder.path()}},
        "auth": {"htpasswd": {"realm": "smo", "path": folder.path().join("htpasswd")}}});
    std::fs::write(folder.path().join("registry.yml"), config.to_string()).unwrap();
    let mut command = tokio::process::Command::new("docker-registry");
    command.arg("serve").arg(folder.path().join("registry.yml")).kill_on_drop(true);
    let _registry = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let listens = async { while tokio::net::TcpStream::connect(host).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(30), listens).await.expect("the registry starts");
    let chart = pack(folder.path(), "l02-secret");
    let login = ["registry", "login", host, "--plain-http", "-u", "smo", "-p", "secret", "--registry-config"];
    let credentials = folder.path().join("credentials.json");
    let file = credentials.to_str().unwrap();
    run(HELMS[1], &[&login[..], &[file]].concat()).unwrap();
    let target = format!("oci://{host}/charts");
    run(HELMS[1], &["push", chart.to_str().unwrap(), &target, "--plain-http", "--registry-config", file]).unwrap();

    let name = format!("{target}/l02-secret:0.1.0");
    let basic = |password: &str| Auth::Basic { user: "smo".to_owned(), password: password.to_owned() };
    for auth in [Auth::None, basic("guess")] {
        let error = Registry::new(&[host.to_owned()], auth).pull(&name, folder.path()).await.unwrap_err();
        assert_eq!((error.status, error.class), (Some(401), Class::Permanent), "{error}");
    }
    let pulled = Registry::new(&[host.to_owned()], basic("secret")).pull(&name, folder.path()).await.unwrap();
    assert_eq!(std::fs::read(pulled.file).unwrap(), std::fs::read(chart).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn l02_bad_input_is_one_clear_error() {
    let Some(stack) = stack("l02") else { return };
    let folder = tempfile::tempdir().unwrap();
    let packed = pack(folder.path(), "l02-bad");
    let nowhere = folder.path().join("nowhere.kubeconfig");
    let known = std::fs::read_to_string(stack.kubeconfig("karmada")).unwrap();
    std::fs::write(&nowhere, known.replace(":5443", ":1")).unwrap();
    for program in HELMS {
        let release = Release::new(NAMESPACE, "bad").unwrap();
        let chart = Chart { file: packed.clone(), digest: Some(format!("sha256:{}", "0".repeat(64))) };
        let wanted = Wanted { release, chart, values: json!({}), hooks: Hooks::Skip };
        let helm_there = helm(program, stack.kubeconfig("karmada"), folder.path()).await;
        let error = helm_there.ensure(&wanted).await.unwrap_err();
        assert!(error.reason.contains("wanted sha256:0000"), "{error}");
        let chart = Chart { file: folder.path().join("none.tgz"), digest: None };
        let error = helm_there.ensure(&Wanted { chart, ..wanted.clone() }).await.unwrap_err();
        assert!(error.class == Class::Permanent && error.reason.contains("none.tgz"), "{error}");
        std::fs::write(folder.path().join("junk.tgz"), "junk").unwrap();
        let chart = Chart { file: folder.path().join("junk.tgz"), digest: None };
        let error = helm_there.ensure(&Wanted { chart, ..wanted.clone() }).await.unwrap_err();
        assert_eq!(error.class, Class::Permanent, "{error}");
        let away = helm(program, nowhere.clone(), folder.path()).await;
        let error = away.status(&wanted.release).await.unwrap_err();
        assert_eq!(error.class, Class::Retryable, "{error}");
        assert_eq!(away.outside().counts().tries, 3, "{program}: {error}");
    }
}
