//! The server: everything that it is made of, put together; and its end.
//!
//! On SIGTERM or SIGINT nothing new is taken, streams of events end, what is being answered is answered, and then the engine ends
//! what it is at. A second signal ends it at once. What was wanted is stored, so that nothing is lost either way.

use super::acting::Acting;
use super::api::{self, Acts, App, Parts};
use super::auth::{self, Bootstrap};
use super::config::{Config, SignIn, Tls};
use super::nfvcl::{Nfvcl, Sites};
use super::store::{Store, StoreError};
use super::traces::Exporting;
use super::webhooks::{Pace, Sender};
use super::{engine, logs};
use crate::backend::live::connect::auth_at;
use crate::backend::live::http::Auth;
use crate::backend::live::karmada::Karmada;
use crate::backend::live::outside::CallError;
use crate::backend::live::reach::Reach;
use crate::backend::live::tls;
use axum::Router;
use axum_server::tls_rustls::RustlsConfig;
use axum_server::{Handle, Server};
use std::future::Future;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long what is being answered may take at the end.
const DRAIN: Duration = Duration::from_secs(30);
/// A client that has not said what it wants by then is let go.
const HEAD_MAX: Duration = Duration::from_secs(30);
/// Threads that may be busy: every graph that is kept has one.
const BUSY_THREADS: usize = 8_192;

/// The server cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody else listens there, or nobody may.
    #[error("nobody can listen at {address}: {reason}; choose another by `listen`")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// Certificate or key are none.
    #[error("`{}` and `{}` are no certificate with its key: {reason}; write both as PEM", certificate, key)]
    Tls {
        /// The certificate.
        certificate: String,
        /// The key.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Who may ask, or what is logged.
    #[error("{0}")]
    Config(String),
    /// The system.
    #[error("the server cannot go on: {0}")]
    System(#[from] io::Error),
}

/// Serves until the process is told to end; what people have to know at the start is written to `out`.
///
/// # Errors
/// A place where nobody can listen, a database that does not answer at the start, and what else cannot be used.
pub fn run(config: Config, out: &mut dyn Write) -> Result<(), ServeError> {
    tls::install();
    let runtime: Runtime = Builder::new_multi_thread().enable_all().max_blocking_threads(BUSY_THREADS).build()?;
    let exporting = Exporting::begin(config.otel.as_ref(), runtime.handle()).map_err(ServeError::Config)?;
    logs::begin(&config.log, exporting.layer()).map_err(ServeError::Config)?;
    let ended = runtime.block_on(async {
        let until = told()?;
        serve(config, out, until).await
    });
    // What waits is done on the runtime: as long as there is one.
    exporting.end();
    runtime.shutdown_timeout(Duration::from_secs(5));
    ended
}

/// The same inside a runtime, until `until`.
///
/// # Errors
/// See [`run`].
pub async fn serve(
    config: Config,
    out: &mut (impl Write + ?Sized),
    until: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let listener = listen(config.listen)?;
    let encrypted = match &config.tls {
        Some(tls) => Some(certificate(tls).await?),
        None => None,
    };
    let store = Store::open(config.database.reveal()).await?;
    let folder = tempfile::Builder::new().prefix("smo-").tempdir()?;
    let settings = engine::Settings::of(&config, folder.path()).map_err(ServeError::Config)?;
    let me = settings.me.clone();
    let auth = auth::Auth::new(store.clone(), config.auth.clone(), config.alerts.token_file.as_deref());
    let auth = auth.map_err(ServeError::Config)?;
    let first = auth.bootstrap(&me).await?;
    out.write_all(announced(&config, listener.local_addr()?, first).as_bytes())?;
    out.flush()?;
    let sites = sites(&config, &store, &me).await?;
    let limits = api::Settings::from(&config);
    let reach = Reach::new(config.webhook_hosts.clone());
    let acts: Arc<dyn Acts> = Arc::new(Acting::start(store.clone(), Arc::new(config), settings));
    let aside = Aside::begin(&store, &acts, (reach, sites.clone(), me));
    let parts = Parts { store: store.clone(), acts: Arc::clone(&acts), auth, sites, settings: limits };
    let served = answer(api::build(parts), (listener, encrypted), until).await;
    aside.end().await;
    acts.shutdown().await;
    store.close().await;
    tracing::info!("ended");
    served
}

/// What is done beside answering: webhooks are sent, and clusters of NFVCL are followed.
struct Aside {
    ending: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Aside {
    fn begin(store: &Store, acts: &Arc<dyn Acts>, (reach, sites, me): (Reach, Option<Sites>, String)) -> Self {
        let ending = watch::Sender::new(false);
        let sender = Sender { store: store.clone(), me, reach, pace: Pace::default() };
        let mut tasks = vec![tokio::spawn(sender.deliver(acts.events(), ended(&ending)))];
        tasks.extend(sites.map(|sites| tokio::spawn(sites.follow(ended(&ending)))));
        Self { ending, tasks }
    }

    async fn end(self) {
        self.ending.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "what is done aside failed");
            }
        }
    }
}

fn ended(ending: &watch::Sender<bool>) -> impl Future<Output = ()> + Send + use<> {
    let mut ending = ending.subscribe();
    async move {
        // An error: the server is gone already.
        let _ = ending.wait_for(|ending| *ending).await;
    }
}

/// VIMs and clusters, where NFVCL is configured.
async fn sites(config: &Config, store: &Store, me: &str) -> Result<Option<Sites>, ServeError> {
    let Some(at) = &config.nfvcl else { return Ok(None) };
    let wrong = |error: CallError| ServeError::Config(error.to_string());
    let auth = match &at.sign_in {
        SignIn::Nobody => Auth::None,
        SignIn::File(path) => auth_at(path).map_err(wrong)?,
        SignIn::User { name, password } => Auth::Basic { user: name.clone(), password: password.reveal().to_owned() },
    };
    let nfvcl = Nfvcl::new(&at.url, at.version.into(), auth).map_err(wrong)?;
    let karmada = match &config.karmada {
        Some(plane) => Some(Karmada::open(&plane.at("default")).await.map_err(wrong)?),
        None => None,
    };
    Ok(Some(Sites::new(store.clone(), nfvcl, karmada, me.to_owned())))
}

/// Answers at a listener until it is told to end, and then until what is being answered is.
///
/// # Errors
/// What the system says.
pub async fn answer(
    (router, app): (Router, App),
    (listener, encrypted): (TcpListener, Option<RustlsConfig>),
    until: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let handle: Handle<SocketAddr> = Handle::new();
    let ending = handle.clone();
    let waiting = tokio::spawn(async move {
        until.await;
        tracing::info!(connections = ending.connection_count(), "told to end: nothing new is taken");
        app.close();
        ending.graceful_shutdown(Some(DRAIN));
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let mut server: Server<SocketAddr> =
        axum_server::from_tcp(listener)?.handle(handle).first_request_timeout(HEAD_MAX);
    server.http_builder().http1().header_read_timeout(HEAD_MAX);
    let served = match encrypted {
        None => server.serve(service).await,
        Some(config) => server.acceptor(axum_server::tls_rustls::RustlsAcceptor::new(config)).serve(service).await,
    };
    waiting.abort();
    Ok(served?)
}

/// Takes a place to listen at.
///
/// # Errors
/// Somebody else has it, or nobody may.
pub fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).map_err(|error| ServeError::Listen { address, reason: error.to_string() })
}

async fn certificate(tls: &Tls) -> Result<RustlsConfig, ServeError> {
    let wrong = |error: io::Error| ServeError::Tls {
        certificate: tls.certificate.display().to_string(),
        key: tls.key.display().to_string(),
        reason: error.to_string(),
    };
    RustlsConfig::from_pem_file(&tls.certificate, &tls.key).await.map_err(wrong)
}

/// What people have to know at the start.
fn announced(config: &Config, address: SocketAddr, first: Option<Bootstrap>) -> String {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "serves");
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let mut lines =
        vec![format!("smo serves at {scheme}://{address}; the interface is described at {scheme}://{address}/docs")];
    if config.karmada.is_none() {
        lines.push("no control plane is configured: graphs are kept and planned, and none is deployed".to_owned());
    }
    if let Some(Bootstrap { secret, file }) = first {
        lines.push(format!("the first token, of an admin, shown now and never again: {secret}"));
        lines.push(match file {
            Ok(file) => format!("it lies in {}", file.display()),
            Err(reason) => format!("it lies nowhere else: {reason}"),
        });
    }
    lines.join("\n") + "\n"
}

/// Ends when the process is told to end; a second time ends the process.
fn told() -> Result<impl Future<Output = ()> + Send + 'static, ServeError> {
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::warn!("told to end again: ends at once");
            std::process::exit(130);
        });
    })
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
