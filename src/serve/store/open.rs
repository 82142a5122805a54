//! Opening a store: the file or server, its connections, its migrations.
//!
//! SQLite has one writer at a time. Its writers therefore queue here, in order, for one connection, instead of in SQLite, which
//! lets them try again and again; readers have connections of their own and never wait, since the log is written ahead. Another
//! process with the same file still meets SQLite's own lock, for which five seconds are waited; that is why every transaction says at its
//! beginning that it will write. PostgreSQL needs none of that: one pool for everything.

use super::Store;
use super::error::StoreError;
use backon::{ExponentialBuilder, Retryable};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions, Connection, SqlSafeStr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a connection is waited for.
const CONNECTION_MAX: Duration = Duration::from_secs(5);
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 12;
/// Readers of an SQLite file: two for each core that we are built for.
const SQLITE_READERS: u32 = 4;

const SQLITE_WRITER: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
                             PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = ON;";
const SQLITE_READER: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;";
const POSTGRES: &str = "SET statement_timeout = '15s'; SET lock_timeout = '10s'; \
                        SET idle_in_transaction_session_timeout = '60s';";

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// In a file, or in memory.
    Sqlite,
    /// A server.
    Postgres,
}

/// Opens a store, and brings it to the form of this program.
pub(super) async fn open(url: &str) -> Result<Store, StoreError> {
    sqlx::any::install_default_drivers();
    let store = match Place::of(url)? {
        Place::Memory => {
            // Every connection to memory would be a database of its own, and it is gone with its last connection.
            let pool = pool(1, SQLITE_WRITER).idle_timeout(None).max_lifetime(None);
            let pool = pool.connect_lazy_with(options("sqlite::memory:")?);
            Store { kind: Kind::Sqlite, reader: pool.clone(), writer: pool }
        }
        Place::File(path) => {
            make(&path)?;
            let options = options(&format!("sqlite://{}?mode=rwc", escaped(&path)))?;
            let writer = pool(1, SQLITE_WRITER).connect_lazy_with(options.clone());
            Store { kind: Kind::Sqlite, reader: pool(SQLITE_READERS, SQLITE_READER).connect_lazy_with(options), writer }
        }
        Place::Server => {
            let pool = pool(POSTGRES_CONNECTIONS, POSTGRES).test_before_acquire(true);
            let pool = pool.connect_lazy_with(options(url)?);
            Store { kind: Kind::Postgres, reader: pool.clone(), writer: pool }
        }
    };
    // Another server may be opening the same file at this moment.
    let tries = ExponentialBuilder::default().with_min_delay(Duration::from_millis(20)).with_max_times(6);
    let passing = |error: &StoreError| error.is_passing() && store.kind == Kind::Sqlite;
    (|| migrate(&store)).retry(tries).when(passing).await?;
    Ok(store)
}

enum Place {
    Memory,
    File(PathBuf),
    Server,
}

impl Place {
    fn of(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Server);
        }
        let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
        match path {
            Some(":memory:") => Ok(Self::Memory),
            Some(path) if !path.is_empty() && !path.contains('?') => std::path::absolute(path)
                .map(Self::File)
                .map_err(|error| StoreError::Broken(format!("`{path}` is no path: {error}"))),
            // The URL itself may hold a password, so that only its beginning is said.
            _ => Err(StoreError::Broken(format!(
                "`{}...` leads to no database; write `sqlite:///path/to/smo.db` or `postgres://user:password@host/database`",
                url.split(':').next().unwrap_or_default()
            ))),
        }
    }
}

/// The folder, and a file that only its owner can read: secrets that sign webhooks are in it.
fn make(path: &Path) -> Result<(), StoreError> {
    let unwritable = |error| {
        StoreError::Broken(format!("`{}` cannot be written: {error}; name another place by `database`", path.display()))
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(unwritable)?;
    }
    let mut file = std::fs::OpenOptions::new();
    file.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(path).map(drop).map_err(unwritable)
}

/// A path as it stands in a URL: it is taken as it is, so that what means something in a URL is escaped.
fn escaped(path: &Path) -> String {
    let escape = |byte: u8| match byte {
        b'/' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        plain if plain.is_ascii_alphanumeric() => char::from(plain).to_string(),
        other => format!("%{other:02X}"),
    };
    path.to_string_lossy().bytes().map(escape).collect()
}

fn options(url: &str) -> Result<AnyConnectOptions, StoreError> {
    let options: AnyConnectOptions = url.parse()?;
    Ok(options.disable_statement_logging())
}

fn pool(connections: u32, settings: &'static str) -> AnyPoolOptions {
    let pool = AnyPoolOptions::new().max_connections(connections).acquire_timeout(CONNECTION_MAX);
    pool.test_before_acquire(false).after_connect(move |connection, _| {
        Box::pin(async move { sqlx::raw_sql(settings).execute(connection).await.map(drop) })
    })
}

async fn migrate(store: &Store) -> Result<(), StoreError> {
    let mut connection = store.writing().await?;
    let migrations = MIGRATIONS.iter().map(|one| migration(one, store.kind)).collect();
    let migrator = Migrator::with_migrations(migrations);
    match store.kind {
        // The locks of the migrator do nothing here: the transaction is the lock.
        Kind::Sqlite => {
            let mut within = connection.begin_with("BEGIN IMMEDIATE").await?;
            migrator.run_direct(None, &mut *within, false).await?;
            within.commit().await?;
        }
        Kind::Postgres => migrator.run_direct::<AnyConnection>(None, &mut connection, false).await?,
    }
    Ok(())
}

/// A step in the form of the store: its number, its name, its text for both databases.
type Step = (i64, &'static str, &'static str);

/// All of them. What was released stays as it is: a store knows by their texts which it has taken.
const MIGRATIONS: &[Step] = &[
    (1, "first", include_str!("migrations/0001_first.sql")),
    (2, "samples", include_str!("migrations/0002_samples.sql")),
    (3, "fingerprints", include_str!("migrations/0003_fingerprints.sql")),
];

fn migration((number, name, text): &Step, kind: Kind) -> Migration {
    let text = match kind {
        Kind::Sqlite => AssertSqlSafe(text.replace(" COLLATE \"C\"", "")).into_sql_str(),
        Kind::Postgres => (*text).into_sql_str(),
    };
    Migration::new(*number, (*name).into(), MigrationType::Simple, text, false)
}
