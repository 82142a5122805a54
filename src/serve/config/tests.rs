//! Layers, origins, mistakes with their places, and that nothing secret is ever shown.

use super::environment::Environment;
use super::file::ConfigFile;
use super::keys::{KEYS, Kind};
use super::{AuthMode, Config, LogFormat, NfvclVersion, Origin, RulesAt, SignIn};
use crate::model::connection::Division;
use crate::serve::store::rows::Role;
use crate::units::{Ratio, Span};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use tempfile::TempDir;

/// A file, and what stands beside it.
fn written(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join(".kube")).unwrap();
    for name in [
        "serve.yaml",
        "karmada.config",
        "token",
        "cert.pem",
        "key.pem",
        "capacity.yaml",
        ".kube/karmada-apiserver.config",
    ] {
        std::fs::write(folder.path().join(name), if name == "serve.yaml" { text } else { "x" }).unwrap();
    }
    folder
}

fn environment(folder: &Path, pairs: &[(&str, &str)]) -> Environment {
    let home = [("HOME", folder.to_str().unwrap())];
    home.iter().chain(pairs).map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn loaded(text: &str, pairs: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, String> {
    let folder = written(text);
    let flags: Vec<(String, String)> = flags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    let path = folder.path().join("serve.yaml");
    Config::load(Some(&path), &flags, &environment(folder.path(), pairs))
        .map_err(|error| error.to_string().replace(folder.path().to_str().unwrap(), "DIR"))
}

fn origin<'a>(config: &'a Config, key: &str) -> &'a Origin {
    &config.shown.iter().find(|shown| shown.key == key).unwrap().origin
}

/// A file that sets every key.
const FULL: &str = "\
listen: 0.0.0.0:8443
database: postgres://smo:hunter2@db/smo
auth:
  mode: on
  token_file: first
  hosts: [smo.example.org]
  oidc: {issuer: https://id.example.org/realm, audience: smo, jwks_url: https://id.example.org/keys, role_claim: realm_access.roles,
    project_claim: team, roles: {admins: admin}}
tls: {certificate: cert.pem, key: key.pem}
karmada: {kubeconfig: karmada.config, context: karmada, division: weights}
submariner: {kubeconfig: karmada.config, context: broker, namespace: other}
inventory: capacity.yaml
prometheus: {url: http://prometheus:9090/, token_file: token, rate: 'x{s=\"$service\",p=\"$project\"}[$window]', window: 2 min,
  served: 'y{s=\"$service\"}', latency_p95: 'z{s=\"$service\",p=\"$project\"}', cpu_used: 'c{s=\"$service\"}[$window]'}
alerts: {token_file: token, place: operator, namespace: observed, rule_labels: {release: stack}, folder: .kube}
grafana: {url: https://grafana, token_file: token, username: u, password: hunter3, folder: graphs, data_source: prom, cluster_label: source}
charts: {helm: /usr/bin/helm, plain_hosts: [localhost:5000], allow_hosts: ['*.example.org']}
nfvcl: {url: http://nfvcl:5002, version: 0.4, token_file: token, username: u, password: hunter4}
policy: greedy+rate
control: {enabled: false, every: 30 s, deploy_timeout: 3 min}
rails: {moves_per_tick: 2, removed_share: 50 %, freeze: [{from: 2026-12-24T00:00:00Z, until: 2026-12-27T00:00:00Z}]}
moves: {timeout: 3 min}
probe: {every: 2 s, lost_after: 4, back_after: 1 min}
webhooks: {allow_hosts: [hooks.example.org]}
limits: {body: 1 MiB, requests_per_second: 7, burst: 9}
log: {format: json, level: 'warn,smo=debug'}
otel: {endpoint: 'https://collector:4318', headers: 'authorization=Bearer%20hunter4', service_name: smo-lab}
capacities: capacity.yaml
learn: {every: 30 s, samples: 90, ceiling: 95 %, quantile: 10 %}
inject_resources: true
";

/// The table of keys and the types of the file are two lists of one thing.
#[test]
fn every_key_of_the_file_is_in_the_table_and_only_those() {
    fn leaves(value: &Value, path: &str, known: &BTreeSet<&str>, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(entries) if !known.contains(path) => {
                for (key, value) in entries {
                    leaves(value, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, known, found);
                }
            }
            _ => {
                found.insert(path.to_owned());
            }
        }
    }
    let folder = written(FULL);
    let settings = crate::input::settings::Settings::read(Some(&folder.path().join("serve.yaml")), "h").unwrap();
    let file: ConfigFile = settings.typed().unwrap();
    let known: BTreeSet<&str> = KEYS.iter().map(|key| key.path).collect();
    let mut found = BTreeSet::new();
    leaves(&serde_json::to_value(&file).unwrap(), "", &known, &mut found);
    assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
    for key in KEYS {
        assert!(settings.has(key.path), "the full file does not set `{}`", key.path);
    }
}

#[test]
fn a_full_file_is_meant_as_it_is_written() {
    let config = loaded(FULL, &[], &[]).unwrap();
    assert_eq!((config.listen.port(), config.database.reveal()), (8443, "postgres://smo:hunter2@db/smo"));
    let oidc = config.auth.oidc.as_ref().unwrap();
    assert!(config.auth.required && config.auth.token_file.ends_with("first"));
    assert_eq!((oidc.issuer.as_str(), oidc.roles["admins"]), ("https://id.example.org/realm", Role::Admin));
    assert!(config.names.names_somehow("smo.example.org") && !config.names.names_somehow("example.org"));
    let karmada = config.karmada.as_ref().unwrap().at("shop");
    assert!(karmada.kubeconfig.is_absolute() && karmada.kubeconfig.ends_with("karmada.config"));
    assert_eq!((karmada.namespace.as_str(), karmada.division), ("shop", Division::Weights));
    let prometheus = config.prometheus.as_ref().unwrap();
    assert_eq!(prometheus.url, "http://prometheus:9090");
    assert_eq!(prometheus.rate("shop", "ca\"rt"), "x{s=\"ca\\\"rt\",p=\"shop\"}[120s]");
    assert_eq!(prometheus.served("shop", "cart").unwrap(), "y{s=\"cart\"}");
    assert_eq!(prometheus.latency_p95("shop", "cart").unwrap(), "z{s=\"cart\",p=\"shop\"}");
    assert_eq!(prometheus.cpu_used("shop", "cart").unwrap(), "c{s=\"cart\"}[120s]");
    let learn = config.learn.unwrap();
    assert_eq!((learn.every, learn.samples), (Span::seconds(30), 90));
    assert_eq!((learn.ceiling.unwrap(), learn.quantile), (Ratio(950_000), Ratio(100_000)));
    assert!(
        matches!(&config.alerts.rules, RulesAt::Operator { namespace, labels } if namespace.as_deref() == Some("observed") && labels["release"] == "stack")
    );
    assert!(matches!(&config.grafana.as_ref().unwrap().sign_in, SignIn::File(path) if path.ends_with("token")));
    assert!(config.charts.is_plain("localhost:5000") && !config.charts.is_plain("localhost:5001"));
    assert!(config.charts.hosts.names("localhost", 5000) && config.charts.hosts.names("a.example.org", 443));
    let nfvcl = config.nfvcl.as_ref().unwrap();
    assert_eq!(nfvcl.version, NfvclVersion::V04);
    assert!(matches!(&nfvcl.sign_in, SignIn::File(path) if path.ends_with("token")));
    assert_eq!(
        (config.policy.as_str(), config.control.enabled, config.control.every, config.control.deploy_timeout),
        ("greedy+rate", false, Span::seconds(30), Span::seconds(180))
    );
    assert_eq!((config.rails.moves_per_tick, config.rails.freezes.len()), (Some(2), 1));
    assert_eq!((config.limits.body, config.limits.requests_per_second, config.limits.burst), (1 << 20, 7, 9));
    assert_eq!((config.log.format, config.log.level.as_str()), (LogFormat::Json, "warn,smo=debug"));
    let otel = config.otel.as_ref().unwrap();
    assert_eq!((otel.endpoint.as_str(), otel.service_name.as_str()), ("https://collector:4318/v1/traces", "smo-lab"));
    assert_eq!(otel.headers[0].1.reveal(), "Bearer hunter4");
    assert!(config.capacities.is_some() && config.inject_resources && config.tls.is_some());
    assert_eq!(config.warnings, [""; 0]);
}

#[test]
fn without_a_word_there_is_a_file_of_the_user_and_nobody_else_comes_in() {
    let folder = written("");
    let config = Config::load(None, &[], &environment(folder.path(), &[])).unwrap();
    let data = folder.path().join(".local/share/smo");
    assert_eq!(config.database.reveal(), format!("sqlite://{}", data.join("smo.db").display()));
    assert_eq!((config.listen.to_string().as_str(), config.auth.required), ("127.0.0.1:8000", false));
    assert_eq!((config.policy.as_str(), config.limits.body), ("anytime+rate", 10 << 20));
    assert!(config.karmada.is_none() && config.warnings.len() == 1, "{:?}", config.warnings);
    assert!(config.shown.iter().all(|shown| shown.origin == Origin::Default));
    assert_eq!(config.shown.len(), KEYS.len());
    let config = Config::load(None, &[], &environment(folder.path(), &[("XDG_DATA_HOME", "/data")])).unwrap();
    assert_eq!(config.database.reveal(), "sqlite:///data/smo/smo.db");
    assert_eq!(config.auth.token_file, Path::new("/data/smo/admin-token"));
}

#[test]
fn whoever_comes_later_wins_and_each_value_knows_its_origin() {
    let text = "# a comment\npolicy: greedy+rate\ncontrol:\n  every: 20 s\nprometheus: {url: 'http://file:1'}\n";
    let pairs = [
        ("PROMETHEUS_HOST", "http://original:1"),
        ("SCALING_INTERVAL", "40"),
        ("NFVCL_BASE_URL", "http://nfvcl:5002"),
        ("SMO_CONTROL_EVERY", "50 s"),
        ("SMO_LISTEN", "127.0.0.1:1"),
        ("SMO_CHARTS_PLAIN_HOSTS", "a:5000, b"),
        ("SMO_POLICY", ""),
    ];
    let config = loaded(text, &pairs, &[("listen", "127.0.0.1:2")]).unwrap();
    assert_eq!(config.prometheus.as_ref().unwrap().url, "http://file:1", "the file overrules the original's variables");
    assert_eq!(config.control.every, Span::seconds(50), "ours overrule the file");
    assert_eq!(config.listen.port(), 2, "the command line overrules all");
    assert_eq!(config.policy, "greedy+rate", "an empty variable is none");
    assert_eq!(config.nfvcl.as_ref().unwrap().url, "http://nfvcl:5002");
    assert!(config.charts.is_plain("a:5000") && config.charts.is_plain("b"));
    assert!(matches!(origin(&config, "policy"), Origin::File(file, 2) if file.ends_with("serve.yaml")));
    assert!(matches!(origin(&config, "prometheus.url"), Origin::File(_, 5)));
    assert_eq!(origin(&config, "control.every"), &Origin::Environment("SMO_CONTROL_EVERY".into()));
    assert_eq!(origin(&config, "nfvcl.url").to_string(), "environment NFVCL_BASE_URL");
    assert_eq!(origin(&config, "listen").to_string(), "command line");
    assert_eq!(origin(&config, "rails.freeze"), &Origin::Default);
}

/// `.env` of the original, as its repository has it, with the database of its compose file.
#[test]
fn the_originals_variables_go_on_to_work() {
    let pairs = [
        ("DB_USER", "root"),
        ("DB_PASSWORD", "p@ss/word"),
        ("DB_HOST", "postgres"),
        ("DB_NAME", "smo"),
        ("KARMADA_KUBECONFIG", "karmada-apiserver.config"),
        ("KARMADA_CONTEXT", "karmada-apiserver"),
        ("INSECURE_REGISTRY", "True"),
        ("PROMETHEUS_HOST", "http://10.0.3.53:30090"),
        ("SCALING_ENABLED", "False"),
        ("SCALING_INTERVAL", "30"),
        ("GRAFANA_HOST", "http://10.0.2.114:30095"),
        ("GRAFANA_USERNAME", "admin"),
        ("GRAFANA_PASSWORD", "{prom: operator"),
        ("FLASK_RUN_PORT", "8001"),
    ];
    let config = loaded("", &pairs, &[]).unwrap();
    assert_eq!(config.database.reveal(), "postgres://root:p%40ss%2Fword@postgres:5432/smo");
    let karmada = config.karmada.as_ref().unwrap();
    assert!(karmada.kubeconfig.ends_with(".kube/karmada-apiserver.config"), "{karmada:?}");
    assert_eq!(karmada.context.as_deref(), Some("karmada-apiserver"));
    assert!(config.charts.is_plain("anything:5000"));
    assert!(!config.charts.hosts.names("localhost", 5000), "without encryption is not without a guard");
    assert_eq!((config.control.enabled, config.control.every), (false, Span::seconds(30)));
    match &config.grafana.as_ref().unwrap().sign_in {
        SignIn::User { name, password } => assert_eq!((name.as_str(), password.reveal()), ("admin", "{prom: operator")),
        other => panic!("{other:?}"),
    }
    assert_eq!(config.listen.to_string(), "127.0.0.1:8001");
    assert_eq!(origin(&config, "database").to_string(), "environment DB_HOST");

    for (variable, url, wanted) in [
        ("SQLALCHEMY_URI", "sqlite:////var/smo.db", "sqlite:///var/smo.db"),
        ("FLASK_SQLALCHEMY_DATABASE_URI", "postgresql+psycopg2://a:b@h/d", "postgres://a:b@h/d"),
        ("FLASK_SQLALCHEMY_DATABASE_URI", "sqlite:///smo.db", "sqlite://smo.db"),
    ] {
        assert_eq!(loaded("", &[(variable, url)], &[]).unwrap().database.reveal(), wanted);
    }
    // Without a host there is no server to speak of: the names are anybody's.
    assert!(loaded("", &[("DB_NAME", "x"), ("DB_USER", "y")], &[]).unwrap().database.reveal().starts_with("sqlite://"));
}

#[test]
fn what_every_program_with_opentelemetry_reads_is_read_and_can_be_turned_off() {
    let pairs = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://standard:4318"), ("OTEL_SERVICE_NAME", "smo-a")];
    let config = loaded("", &pairs, &[]).unwrap();
    let otel = config.otel.as_ref().unwrap();
    assert_eq!((otel.endpoint.as_str(), otel.service_name.as_str()), ("http://standard:4318/v1/traces", "smo-a"));
    assert_eq!(origin(&config, "otel.endpoint").to_string(), "environment OTEL_EXPORTER_OTLP_ENDPOINT");
    let config = loaded("otel: {endpoint: 'http://file:4318'}\n", &pairs, &[]).unwrap();
    assert_eq!(
        config.otel.unwrap().endpoint,
        "http://file:4318/v1/traces",
        "the file overrules the standard's variables"
    );
    let off = [pairs[0], ("OTEL_SDK_DISABLED", "true")];
    assert!(loaded("", &off, &[]).unwrap().otel.is_none() && loaded("", &[], &[]).unwrap().otel.is_none());
}

#[test]
fn a_mistake_has_its_place_its_key_and_what_would_be_right() {
    let wrong = |text: &str| loaded(text, &[], &[]).unwrap_err();
    let cases = [
        ("listn: a\n", "DIR/serve.yaml: line 1, column 1: field `listn`: no such key\n  did you mean `listen`?"),
        ("listen: here\n", "line 1, column 9: field `listen`: `here` is no address\n  write it like `127.0.0.1:8000`"),
        (
            "\nkarmada: {kubeconfig: none}\n",
            "line 2, column 23: field `karmada.kubeconfig`: there is no file `DIR/none`",
        ),
        (
            "karmada: {context: a}\n",
            "field `karmada.kubeconfig`: is missing\n  add `kubeconfig: ...` here (`smo config show` says",
        ),
        ("policy: best\n", "line 1, column 9: field `policy`: "),
        ("control: {every: 1}\n", "field `control.every`: `1` is not a time span\n  write it like `30 s`"),
        (
            "control: {deploy_timeout: 1 s}\n",
            "field `control.deploy_timeout`: 1 s is too short\n  write at least `10 s`",
        ),
        ("control: {every: 1 ms}\n", "field `control.every`: 1 ms is too short\n  write at least `1 s`"),
        (
            "auth: {mode: maybe}\n",
            "field `auth.mode`: `maybe` is unknown here\n  accepted words are `auto`, `on`, `off`",
        ),
        ("database: mysql://a:secret@h/d\n", "field `database`: `mysql://a:***@h/d` is no database"),
        ("prometheus: {url: prometheus}\n", "field `prometheus.url`: `prometheus` is no address"),
        ("prometheus: {url: 'http://p', rate: x}\n", "field `prometheus.rate`: is the same for all services"),
        ("prometheus: {url: 'http://p', cpu_used: x}\n", "field `prometheus.cpu_used`: is the same for all services"),
        ("learn: {every: 10 ms}\n", "field `learn.every`: 10 ms is too short; write at least `1 s`"),
        ("learn: {quantile: 60 %}\n", "field `learn.quantile`: 0.6 is no quantile to plan by"),
        ("learn: {ceiling: 120 %}\n", "field `learn.ceiling`: 1.2 is more than the whole"),
        ("alerts: {place: files}\n", "field `alerts.place`: is `files`, and no folder is named"),
        ("alerts: {place: files, folder: none}\n", "field `alerts.folder`: there is no folder `DIR/none`"),
        ("grafana: {url: 'http://g', cluster_label: 'a-b'}\n", "field `grafana.cluster_label`: "),
        ("grafana: {url: 'http://g', username: u}\n", "field `grafana.username`: has no password"),
        ("nfvcl: {url: 'http://n', username: u}\n", "field `nfvcl.username`: has no password; set `nfvcl.password`"),
        ("nfvcl: {url: 'http://n', password: secret}\n", "field `nfvcl.password`: has no user; set `nfvcl.username`"),
        ("charts: {allow_hosts: ['http://a']}\n", "field `charts.allow_hosts`: `http://a` is no host"),
        ("rails: {removed_share: 120 %}\n", "field `rails.removed_share`: 1.2 is more than the whole"),
        (
            "rails: {freeze: [{from: 2026-01-02T00:00:00Z, until: 2026-01-01T00:00:00Z}]}\n",
            "field `rails.freeze`: a window from",
        ),
        ("rails: {freeze: [{from: now, until: 2026-01-01T00:00:00Z}]}\n", "`now` is no time; write it like"),
        ("probe: {lost_after: 0}\n", "field `probe.lost_after`: a cluster cannot be lost before it was asked"),
        ("limits: {burst: 0}\n", "field `limits.burst`: nobody could ask anything"),
        ("limits: {body: 10}\n", "field `limits.body`: "),
        ("log: {level: 'smo=loud'}\n", "field `log.level`: `smo=loud` is no level"),
        ("otel: {endpoint: 'collector:4318'}\n", "field `otel.endpoint`: `collector:4318` is no address"),
        (
            "otel: {endpoint: 'http://c', headers: 'authorization secret'}\n",
            "field `otel.headers`: number 1 is no header; write `authorization=Bearer%20TOKEN`",
        ),
        ("nfvcl: {url: 'http://n', version: 0.5}\n", "field `nfvcl.version`: `0.5` is unknown here"),
        ("listen: [\n", "DIR/serve.yaml: line"),
    ];
    for (text, wanted) in cases {
        let error = wrong(text);
        assert!(error.replace("\n  ", "; ").contains(&wanted.replace("\n  ", "; ")), "{text}{error}\nwanted {wanted}");
        assert!(!error.contains("secret"), "{error}");
    }
    let error = loaded("", &[("SMO_LISTEN", "here")], &[]).unwrap_err();
    assert!(error.starts_with("environment variable `SMO_LISTEN`: field `listen`: `here` is no address"), "{error}");
    let error = loaded("", &[], &[("listn", "x")]).unwrap_err();
    assert!(error.starts_with("command line: no key is called `listn`\n  did you mean `listen`?"), "{error}");
    let error = loaded("", &[("KARMADA_KUBECONFIG", "none.config")], &[]).unwrap_err();
    assert!(error.contains("environment variable `KARMADA_KUBECONFIG`: field `karmada.kubeconfig`: there is no file `DIR/.kube/none.config`"), "{error}");
}

#[test]
fn whoever_is_open_is_told_so() {
    let open = loaded("listen: 0.0.0.0:80\n", &[], &[]).unwrap();
    assert!(open.auth.required && open.warnings.iter().any(|warning| warning.contains("without encryption")));
    let off = loaded("listen: 0.0.0.0:80\nauth: {mode: off}\n", &[], &[]).unwrap();
    assert!(!off.auth.required && off.warnings[0].starts_with("whoever reaches 0.0.0.0:80 may do everything"));
    let local = loaded("auth: {mode: on}\n", &[], &[]).unwrap();
    assert!(local.auth.required && AuthMode::default() == AuthMode::Auto);
    let near = loaded("", &[("SMO_LISTNE", "x"), ("SMO_LIVE_REQUIRED", "1"), ("SMO_SERVER", "x")], &[]).unwrap();
    let odd: Vec<&String> = near.warnings.iter().filter(|warning| warning.contains("SMO_")).collect();
    assert_eq!(odd, ["environment variable `SMO_LISTNE` means nothing; did you mean `SMO_LISTEN`?"]);
}

#[test]
fn who_wants_to_learn_from_nothing_is_told_so() {
    let told = |text: &str| {
        let config = loaded(text, &[], &[]).unwrap();
        let is_told = config.warnings.iter().any(|warning| warning.contains("nothing is learnt"));
        (config.learn.is_some(), is_told)
    };
    assert_eq!(told(""), (false, false));
    assert_eq!(told("learn: {}\n"), (true, true));
    assert_eq!(told("learn: {}\nprometheus: {url: 'http://p'}\n"), (true, true));
    assert_eq!(told("learn: {}\nprometheus: {url: 'http://p', cpu_used: 'c{s=\"$service\"}'}\n"), (true, false));
}

#[test]
fn secrets_are_shown_nowhere() {
    let config = loaded(FULL, &[], &[]).unwrap();
    let all = format!("{config:?}{}", serde_json::to_string(&config.shown).unwrap());
    for secret in ["hunter2", "hunter3", "hunter4"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    let shown = |key: &str| config.shown.iter().find(|shown| shown.key == key).unwrap().value.clone();
    assert_eq!(shown("database"), "postgres://smo:***@db/smo");
    assert_eq!((shown("grafana.password"), shown("otel.headers")), ("***".into(), "***".into()));
    assert!(KEYS.iter().any(|key| key.kind == Kind::Secret));
}

#[test]
fn a_dotenv_file_fills_in_what_the_process_does_not_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    std::fs::write(&path, "# theirs\nSMO_TEST_DOTENV='a b'\nPATH=nowhere\n").unwrap();
    let environment = super::environment::of_process(folder.path()).unwrap();
    assert_eq!(environment["SMO_TEST_DOTENV"], "a b");
    assert_ne!(environment["PATH"], "nowhere");
    std::fs::write(&path, "PASSWORD 'secret\n").unwrap();
    let error = super::environment::of_process(folder.path()).unwrap_err();
    assert!(error.contains("a line is no `NAME=value`") && !error.contains("secret"), "{error}");
}
