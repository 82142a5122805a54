//! A PostgreSQL of a test's own: made in a temporary folder, on a free port of this machine, gone with the value.
//!
//! Depends on nothing of this crate, so that other test binaries can take it by its path. Where PostgreSQL is not installed the test
//! says so aloud and passes, unless `SMO_LIVE_REQUIRED` or `SMO_POSTGRES_REQUIRED` (which has nothing to do with the live stack) is set. PostgreSQL refuses to be run by root: then it is `nobody`'s.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The user that everybody has, and nobody is.
const NOBODY: u32 = 65_534;
const PASSWORD: &str = "not:a/secret@all";

/// A server.
pub struct Postgres {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
    running: Option<Child>,
    databases: u32,
}

impl Postgres {
    /// A server for a test; `None` where there is none to be had, which was said.
    pub fn start(test: &str) -> Option<Self> {
        let Some(programs) = programs() else {
            let required =
                ["SMO_LIVE_REQUIRED", "SMO_POSTGRES_REQUIRED"].iter().any(|name| std::env::var_os(name).is_some());
            assert!(!required, "{test}: PostgreSQL is not installed; `.ci/setup service` installs it");
            #[expect(clippy::print_stderr, reason = "a test says aloud what it skips")]
            {
                eprintln!("{test}: SKIPPED: PostgreSQL is not installed; `.ci/setup service` installs it");
            }
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        if is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("root may give away");
        }
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).expect("a temporary file");
        let mut server = Self { folder, programs, port: free_port(), running: None, databases: 0 };
        let mut initdb = server.program("initdb");
        // A collation that is not the bytes' order, so that a store which needs that has to ask for it.
        initdb.args([
            "--locale-provider=icu",
            "--icu-locale=en-US",
            "--locale=C.UTF-8",
            "--encoding=UTF8",
            "--no-sync",
        ]);
        initdb.args(["--auth=scram-sha-256", "--username=smo"]);
        initdb.arg("--pwfile").arg(&password).arg("--pgdata").arg(server.data());
        let made = initdb.output().expect("initdb can be run");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.start_again();
        Some(server)
    }

    /// Starts it, and waits until it answers.
    pub fn start_again(&mut self) {
        assert!(self.running.is_none(), "it is running");
        let mut postgres = self.program("postgres");
        postgres.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path()).args(["-h", "127.0.0.1", "-p"]);
        postgres.arg(self.port.to_string()).args(["-c", "fsync=off", "-c", "log_min_messages=log"]);
        let mut child = postgres.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("postgres can be run");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let mut said = String::new();
        loop {
            let Some(Ok(line)) = lines.next() else { panic!("postgres ended: {said}") };
            let _ = writeln!(said, "{line}");
            if line.contains("ready to accept connections") {
                break;
            }
        }
        // Nobody reads what it says from now on, but somebody has to take it.
        std::thread::spawn(move || lines.for_each(drop));
        self.running = Some(child);
    }

    /// Ends it as a crash would: connections break, nothing is written any more.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let told = Command::new("kill").arg("-QUIT").arg(child.id().to_string()).status();
            if !told.is_ok_and(|told| told.success()) {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
    }

    /// A new database; how it is reached.
    pub fn database(&mut self) -> String {
        self.databases += 1;
        let name = format!("smo{}", self.databases);
        self.sql(&format!("CREATE DATABASE {name}"));
        format!("postgres://smo:{}@127.0.0.1:{}/{name}", "not%3Aa%2Fsecret%40all", self.port)
    }

    /// Does what SQL says, as somebody else would.
    pub fn sql(&self, text: &str) {
        let mut psql = self.program("psql");
        psql.env("PGPASSWORD", PASSWORD).args(["-h", "127.0.0.1", "-U", "smo", "-d", "postgres", "-c", text, "-p"]);
        let done = psql.arg(self.port.to_string()).output().expect("psql can be run");
        assert!(done.status.success(), "{text}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(self.folder.path()).env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/bin:/bin");
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where the newest PostgreSQL's programs are.
fn programs() -> Option<PathBuf> {
    let all = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = all.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path()))).max();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = newest.map(|(_, path)| path.join("bin")).into_iter().chain(std::env::split_paths(&path));
    folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

fn is_root() -> bool {
    // Who owns what we have just made is who we are.
    use std::os::unix::fs::MetadataExt;
    Path::new("/proc/self").metadata().is_ok_and(|us| us.uid() == 0)
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    free.expect("a free port").port()
}
