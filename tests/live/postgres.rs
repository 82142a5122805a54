//! A PostgreSQL of the test's own, from Debian's package: it can be asked, cut off, killed and started again.

use crate::service::free_port;
use crate::shop::until;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const START: Duration = Duration::from_secs(30);
/// It refuses to run as root; this user comes with the package.
const USER: &str = "postgres";

/// A database server; it ends with the test.
pub struct Postgres {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
}

impl Postgres {
    /// Starts one with an empty database `smo`; nothing, after saying why, where Debian's package is not installed.
    ///
    /// # Panics
    /// Where there is none although there has to be (`SMO_LIVE_REQUIRED`).
    pub fn start(test: &str) -> Option<Self> {
        let Some(programs) = programs() else {
            let required = std::env::var_os("SMO_LIVE_REQUIRED").is_some();
            assert!(!required, "{test}: PostgreSQL is not installed, and is required: apt-get install postgresql");
            eprintln!("{test}: SKIPPED: PostgreSQL is not installed (Debian: postgresql)");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let mut postgres = Self { programs, folder, port: free_port(), child: None };
        let data = postgres.data();
        std::fs::create_dir(&data).expect("a folder can be made");
        for path in [postgres.folder.path().to_owned(), data.clone()] {
            run(Command::new("chown").arg(USER).arg(path));
        }
        run(postgres.program("initdb").arg("--pgdata").arg(data).args(["--username=smo", "--auth=trust", "--no-sync"]));
        postgres.again();
        run(postgres.program("createdb").args(postgres.way()).arg("smo"));
        Some(postgres)
    }

    /// Starts it (again) and waits until it answers.
    pub fn again(&mut self) {
        let socket = self.folder.path().display().to_string();
        let settings =
            [format!("port={}", self.port), format!("unix_socket_directories={socket}"), "fsync=off".to_owned()];
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data()).args(["-c", "listen_addresses=127.0.0.1"]);
        for setting in &settings {
            command.args(["-c", setting]);
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        until("PostgreSQL answers", START, || {
            // Right after a kill, what is left of the one before still holds its memory, and the new one gives up.
            let has_ended = |child: &mut Child| child.try_wait().expect("it can be asked").is_some();
            if self.child.as_mut().is_none_or(has_ended) {
                self.child = Some(command.spawn().expect("postgres starts"));
            }
            let mut ask = self.program("pg_isready");
            ask.args(self.way())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        });
    }

    /// Where it is, for `smo serve`.
    pub fn url(&self) -> String {
        format!("postgres://smo@127.0.0.1:{}/smo", self.port)
    }

    /// What a statement answers, a line a row.
    pub fn ask(&self, statement: &str) -> String {
        let mut command = self.program("psql");
        command.args(self.way()).args(["--dbname=smo", "--no-align", "--tuples-only", "--command", statement]);
        run(&mut command).trim().to_owned()
    }

    /// Cuts every other connection off.
    pub fn cut(&self) {
        self.ask(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'smo' and pid <> pg_backend_pid()",
        );
    }

    /// Kills it without a warning.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // The program that was started has become the server itself; its own children see that it is gone.
        let _ = child.kill();
        let _ = child.wait();
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn way(&self) -> [String; 3] {
        ["--host=127.0.0.1".to_owned(), format!("--port={}", self.port), "--username=smo".to_owned()]
    }

    /// A program of the package, as its user.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={USER}").as_str(), &format!("--regid={USER}"), "--clear-groups"]);
        command.arg(self.programs.join(name)).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where Debian keeps them, of the newest version.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<PathBuf> = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    folders.retain(|folder| folder.join("initdb").is_file());
    folders.sort();
    folders.pop()
}

fn run(command: &mut Command) -> String {
    let done = command.output().expect("it starts");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}
