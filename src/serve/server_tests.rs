//! A whole server, on a socket of this host: it starts without any configuration, answers, drains and ends.

use super::{Config, ServeError, listen, serve};
use crate::serve::config::environment::Environment;
use std::net::SocketAddr;
use tokio::sync::oneshot;

/// A certificate for `localhost` and its key, made for this test and known to everybody.
const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBizCCATGgAwIBAgIUD9mKe4xTnKh0cvLQpQD36dFEtl8wCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIc21vLXRlc3QwIBcNMjYxMTMwMDM0OTE4WhgPMjEyNjExMDYw
MzQ5MThaMBMxETAPBgNVBAMMCHNtby10ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAE8/qveHi95c0CDyOCuzUEc7COk7tDy1UvCY8o6p9gzLT1AhWK3rjGah2G
i/Yct/DfAorlQaaBYW416y1eajJMwKNhMF8wHQYDVR0OBBYEFPYqylKEgpeBnlMF
UvmwRAZNQ3ULMB8GA1UdIwQYMBaAFPYqylKEgpeBnlMFUvmwRAZNQ3ULMA8GA1Ud
EQQIMAaHBH8AAAEwDAYDVR0TAQH/BAIwADAKBggqhkjOPQQDAgNIADBFAiEAtQRK
73PZqvwIkp3mkegrIJICMSsnkwAmzC7BhV1jsTICIGQ5vrAAZofnNSWCoBdfFSPM
EiAvD94RkJIbteynGZVZ
-----END CERTIFICATE-----
";
const KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgLU7yaaLqf0VWpoiD
Etd23d0+PjYDKH/A/YkUDQyH5UahRANCAATz+q94eL3lzQIPI4K7NQRzsI6Tu0PL
VS8Jjyjqn2DMtPUCFYreuMZqHYaL9hy38N8CiuVBpoFhbjXrLV5qMkzA
-----END PRIVATE KEY-----
";

/// A configuration of these keys, in a folder that is there.
fn config(folder: &std::path::Path, more: &[(&str, &str)]) -> Config {
    let database = format!("sqlite://{}", folder.join("smo.db").display());
    let mut flags = vec![("listen".to_owned(), "127.0.0.1:0".to_owned()), ("database".to_owned(), database)];
    flags.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let home = folder.display().to_string();
    let environment = Environment::from([("HOME".to_owned(), home.clone()), ("XDG_DATA_HOME".to_owned(), home)]);
    Config::load(None, &flags, &environment).unwrap()
}

/// Where what was written says that the server is.
fn url_in(text: &str) -> String {
    text.split_whitespace().find(|word| word.starts_with("http")).unwrap().trim_end_matches(';').to_owned()
}

/// Hands on what is written, once there is a whole line.
struct Told(Option<oneshot::Sender<String>>, Vec<u8>);

impl std::io::Write for Told {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.1.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if let Some(tell) = self.0.take() {
            let _ = tell.send(String::from_utf8_lossy(&self.1).into_owned());
        }
        Ok(())
    }
}

/// A server that runs, what it wrote at its start, and what ends it.
struct Running {
    told: String,
    end: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), ServeError>>,
}

impl Running {
    async fn start(config: Config) -> Self {
        crate::backend::live::tls::install();
        let (tell, told) = oneshot::channel();
        let (end, ended) = oneshot::channel::<()>();
        let until = async move {
            let _ = ended.await;
        };
        let task = tokio::spawn(async move { serve(config, &mut Told(Some(tell), Vec::new()), until).await });
        Self { told: told.await.unwrap(), end, task }
    }

    async fn end(self) {
        self.end.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_configuration_answers_and_ends_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(config(folder.path(), &[])).await;
    assert!(running.told.contains("no control plane is configured"), "{}", running.told);
    let url = url_in(&running.told);
    let ready: serde_json::Value = reqwest::get(format!("{url}/readyz")).await.unwrap().json().await.unwrap();
    assert_eq!((&ready["ready"], &ready["control_plane"]["state"]), (&true.into(), &"not_configured".into()));
    let client = reqwest::Client::new();
    // A client that follows events does not keep the server from its end.
    let follows = client.get(format!("{url}/v1/events")).header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(follows.status(), 200);
    running.end().await;
    assert!(follows.text().await.is_ok(), "the stream ended in good order");
    assert!(reqwest::get(format!("{url}/readyz")).await.is_err(), "nobody answers any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_being_answered_is_answered_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(config(folder.path(), &[])).await;
    let url = url_in(&running.told);
    let project = serde_json::json!({"name": "lab"});
    let made = reqwest::Client::new().post(format!("{url}/v1/projects")).json(&project).send().await.unwrap();
    assert_eq!(made.status(), 201);
    let slow = tokio::spawn(reqwest::get(format!("{url}/v1/jobs?limit=1000")));
    let answer = slow.await.unwrap().unwrap();
    running.end().await;
    assert_eq!(answer.status(), 200);
    let again = Running::start(config(folder.path(), &[])).await;
    let listed = reqwest::get(format!("{}/v1/projects", url_in(&again.told))).await.unwrap().text().await.unwrap();
    assert!(listed.contains("\"lab\""), "what was stored is there after a restart: {listed}");
    again.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_token_is_told_once_and_opens_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(config(folder.path(), &[("auth.mode", "on")])).await;
    let token = running.told.split_whitespace().find(|word| word.starts_with("smo_")).unwrap().to_owned();
    let url = url_in(&running.told);
    assert_eq!(reqwest::get(format!("{url}/v1/graphs")).await.unwrap().status(), 401);
    let with = reqwest::Client::new().get(format!("{url}/v1/whoami")).bearer_auth(&token);
    assert!(with.send().await.unwrap().text().await.unwrap().contains("\"admin\""));
    running.end().await;
    let again = Running::start(config(folder.path(), &[("auth.mode", "on")])).await;
    assert!(!again.told.contains("smo_"), "{}", again.told);
    again.end().await;
}

#[tokio::test]
async fn a_place_that_is_taken_is_said() {
    let taken = listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = taken.local_addr().unwrap();
    let error = listen(address).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("nobody can listen at {address}")) && error.ends_with("choose another by `listen`")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_a_certificate_speaks_by_tls_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, CERTIFICATE).unwrap();
    std::fs::write(&key, KEY).unwrap();
    let paths = [certificate.display().to_string(), key.display().to_string()];
    let running =
        Running::start(config(folder.path(), &[("tls.certificate", &paths[0]), ("tls.key", &paths[1])])).await;
    let url = url_in(&running.told);
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let trusted = reqwest::Certificate::from_pem(CERTIFICATE.as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_merge([trusted]).build().unwrap();
    assert_eq!(client.get(format!("{url}/healthz")).send().await.unwrap().status(), 200);
    assert!(reqwest::get(format!("{url}/healthz")).await.is_err(), "who does not trust it is not served");
    assert!(reqwest::get(url.replace("https", "http")).await.is_err(), "nothing is said in plain text");
    running.end().await;

    std::fs::write(&key, CERTIFICATE).unwrap();
    let wrong = config(folder.path(), &[("tls.certificate", &paths[0]), ("tls.key", &paths[1])]);
    let error = serve(wrong, &mut Vec::new(), std::future::pending()).await.unwrap_err().to_string();
    assert!(error.contains("are no certificate with its key"), "{error}");
}
