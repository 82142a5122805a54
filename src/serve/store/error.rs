//! Why the store did not do what was asked.
//!
//! Four of the five are facts that a caller acts on; `Broken` is our own mistake, or a database that somebody else wrote into. No
//! message has the URL of the database in it, which may hold a password.

use sqlx::error::ErrorKind;

/// The store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is there already.
    #[error("{what} exists already; choose another name, or change the one that is there")]
    Exists {
        /// What is.
        what: String,
    },
    /// It is not there.
    #[error("there is no {what}")]
    Absent {
        /// What is not.
        what: String,
    },
    /// It is not as the caller believed, or something else stands against it.
    #[error("{what}")]
    Conflict {
        /// What stands against it, and what would be right.
        what: String,
    },
    /// The database does not answer; later it may.
    #[error("the database does not answer: {0}; it is asked again")]
    Unreachable(String),
    /// It holds what it cannot hold, or does not understand us.
    #[error("the database cannot be used: {0}")]
    Broken(String),
}

impl StoreError {
    /// Something is not there.
    pub(super) fn absent(what: &str, name: &str) -> Self {
        Self::Absent { what: format!("{what} `{name}`") }
    }

    /// Whether it may work later, by itself.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

/// States of PostgreSQL (the first two or five letters) in which another try is right: connections, resources, an operator who
/// ends the server, and transactions that met.
const PASSING_POSTGRES: &[&str] = &["08", "53", "57", "40001", "40P01", "55P03", "25006"];

/// Primary codes of SQLite of the same meaning: busy, locked, input or output.
const PASSING_SQLITE: &[i32] = &[5, 6, 10];

fn is_passing(code: &str) -> bool {
    let of_sqlite = code.parse::<i32>().is_ok_and(|code| PASSING_SQLITE.contains(&(code & 0xff)));
    // States of PostgreSQL have five letters, codes of SQLite at most four.
    if code.len() == 5 { PASSING_POSTGRES.iter().any(|state| code.starts_with(state)) } else { of_sqlite }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(error) => Self::Unreachable(error.to_string()),
            sqlx::Error::Tls(error) => Self::Unreachable(error.to_string()),
            sqlx::Error::PoolTimedOut => Self::Unreachable("no connection was to be had in time".to_owned()),
            sqlx::Error::PoolClosed => Self::Unreachable("the store was closed".to_owned()),
            sqlx::Error::WorkerCrashed => Self::Unreachable("its worker has ended".to_owned()),
            sqlx::Error::BeginFailed => Self::Unreachable("no transaction could be begun".to_owned()),
            sqlx::Error::Protocol(what) => Self::Unreachable(what),
            sqlx::Error::Database(error) if error.code().is_some_and(|code| is_passing(&code)) => {
                Self::Unreachable(error.message().to_owned())
            }
            sqlx::Error::Database(error) => match error.kind() {
                ErrorKind::ForeignKeyViolation => {
                    Self::Conflict { what: "something else belongs to it; remove that first".to_owned() }
                }
                ErrorKind::UniqueViolation => Self::Exists { what: "it".to_owned() },
                _ => Self::Broken(error.message().to_owned()),
            },
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError::{Execute, ExecuteMigration, VersionMissing};
        match error {
            Execute(error) | ExecuteMigration(error, _) => Self::from(error),
            VersionMissing(version) => Self::Broken(format!(
                "it was written by a newer smo (migration {version} is unknown here); use that one, or another database"
            )),
            other => Self::Broken(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{StoreError, is_passing};

    #[test]
    fn what_may_pass_is_told_from_what_stays() {
        // 5: SQLITE_BUSY, 261 = 5 + 256: SQLITE_BUSY_RECOVERY, 517 = 5 + 2 × 256: SQLITE_BUSY_SNAPSHOT; 57P01: the operator ends
        // PostgreSQL. 1: SQLITE_ERROR; 2067 = 19 + 8 × 256: a unique column; 42P01: no such table.
        for code in ["5", "6", "261", "517", "57P01", "08006", "40001", "53300"] {
            assert!(is_passing(code), "{code}");
        }
        for code in ["1", "2067", "42P01", "23505", ""] {
            assert!(!is_passing(code), "{code}");
        }
        assert!(StoreError::from(sqlx::Error::PoolTimedOut).is_passing());
        assert!(!StoreError::absent("graph", "g").is_passing());
    }
}
