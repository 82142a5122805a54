//! Helm, by process: releases are brought to what is wanted, removed, restored, and freed from the locks of killed Helms.
//!
//! Helm 3.17 and 4.x are spoken to by the same flags, all of which both know. Four decisions:
//!
//! * **Never `--wait` or `--atomic`** where something is made. A Karmada control plane has no replica sets and writes no conditions, so
//!   Helm would wait for ever; whether a service is ready is read from its binding and its deployment. A removal is waited for.
//! * **Hooks are off** unless a chart is known to need them: hooks are Jobs, and nothing runs Jobs on the control plane, so a Helm
//!   that waits for one never ends. [`Hooks::Run`] is for charts whose hooks are plain objects.
//! * **Level-triggered.** [`Helm::ensure`] compares what is wanted (chart and values, by digest) with what the newest revision
//!   says of itself and does nothing where they agree. The digest is the revision's description: a failed upgrade or a rollback
//!   replaces it, so the next call repairs them.
//! * **Replicas are not Helm's.** Where a chart sets them, its values have to carry the count of now: after we scaled, Helm 3 would
//!   put back its own count, and Helm 4, which applies on the server, ends in a conflict with us.
//!
//! Deliberately absent: what somebody deletes from a release by hand. Helm does not see it; [`Helm::rollback`] to the revision in
//! force makes it again.
//!
//! Charts are local files, pulled and checked by [`oci`](super::oci) first: from 4.2 on Helm writes notices before its JSON when it
//! pulls by itself, and a tag may mean another chart tomorrow.

mod answer;
mod lock;
mod process;
mod recovery;
mod trouble;
mod version;
mod wanted;

pub use answer::{Listed, Revision, Status};
pub use process::Patience;
pub use recovery::Recovery;
pub use version::Version;
pub use wanted::{Chart, Hooks, Release, Wanted};

use super::outside::{CallError, Class, Limits, Outside};
use lock::Lock;
use process::End;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;

/// Revisions of a release that are kept.
const HISTORY_MAX: &str = "10";
/// Releases that one page of a list holds.
const PAGE: usize = 256;
/// Reads end soon or not at all.
const READ: Patience = Patience { limit: Duration::from_secs(30), grace: Duration::from_secs(5) };

/// Where Helm is, and how it is called.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program, by name or path.
    pub program: PathBuf,
    /// Who the control plane is, and who we are to it.
    pub kubeconfig: PathBuf,
    /// A folder of this instance's own: Helm's caches, the locks, values while they are in use.
    pub home: PathBuf,
    /// For how long a change may take.
    pub patience: Patience,
}

/// A Helm that was found to be new enough.
#[derive(Debug)]
pub struct Helm {
    settings: Settings,
    version: Version,
    outside: Outside,
}

/// What [`Helm::ensure`] found or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensured {
    /// The revision that is in force.
    pub revision: Revision,
    /// Whether it was made now.
    pub is_new: bool,
    /// What had to be cleared away before.
    pub recovery: Option<Recovery>,
}

impl Helm {
    /// The Helm of `settings`, asked for its version.
    ///
    /// # Errors
    /// It is not there, it is older than 3.17, or the folder cannot be made.
    pub async fn new(settings: Settings) -> Result<Self, CallError> {
        let make = |name| std::fs::create_dir_all(settings.home.join(name));
        ["cache", "config", "data", "locks", "values"].into_iter().try_for_each(make).map_err(|error| {
            let reason = format!("{}: {error}", settings.home.display());
            CallError::new("helm", "start", Class::Permanent, reason)
        })?;
        // Each change is a wait for the lock, a repair and the change itself.
        let each = (settings.patience.limit + settings.patience.grace) * 3 + READ.limit;
        let outside = Outside::new("helm", Limits { each, all: each, tries: 3 });
        let mut helm = Self { settings, version: version::OLDEST, outside };
        helm.version = helm.find_version().await?;
        Ok(helm)
    }

    /// Its version.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Its tries, counts and breaker.
    pub const fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Brings a release to what is wanted; does nothing where it is there already.
    ///
    /// # Errors
    /// The chart is not there or not the one that was meant, somebody else is at the release (conflict), or Helm failed.
    pub async fn ensure(&self, wanted: &Wanted) -> Result<Ensured, CallError> {
        let what = format!("upgrade {}", wanted.release);
        let fingerprint = wanted.fingerprint()?;
        self.outside.call(&what, || self.try_ensure(&what, wanted, &fingerprint)).await
    }

    /// Removes a release; that it is not there is fine.
    ///
    /// # Errors
    /// Somebody else is at the release (conflict), or Helm failed.
    pub async fn uninstall(&self, release: &Release) -> Result<(), CallError> {
        let what = format!("uninstall {release}");
        let attempt = || async {
            let lock = self.lock(&what, release).await?;
            self.run_uninstall(release, &lock).await
        };
        self.outside.call(&what, attempt).await
    }

    /// Restores an earlier revision, as a new one.
    ///
    /// # Errors
    /// There is no such revision, somebody else is at the release (conflict), or Helm failed.
    pub async fn rollback(&self, release: &Release, revision: u32) -> Result<(), CallError> {
        let what = format!("rollback {release}");
        let attempt = || async {
            let lock = self.lock(&what, release).await?;
            self.clear(release, &lock).await?;
            self.run_rollback(release, revision, &lock).await
        };
        self.outside.call(&what, attempt).await
    }

    /// Clears away what a killed Helm left of a release; nothing where there is nothing to clear.
    ///
    /// # Errors
    /// Somebody else is at the release (conflict), or Helm failed.
    pub async fn recover(&self, release: &Release) -> Result<Option<Recovery>, CallError> {
        let what = format!("recover {release}");
        let attempt = || async {
            let lock = self.lock(&what, release).await?;
            self.clear(release, &lock).await.map(|(_newest, recovery)| recovery)
        };
        self.outside.call(&what, attempt).await
    }

    /// The newest revision of a release, or nothing where there is none.
    ///
    /// # Errors
    /// Helm failed.
    pub async fn status(&self, release: &Release) -> Result<Option<Revision>, CallError> {
        Ok(self.history(release).await?.pop())
    }

    /// The revisions of a release that are kept, oldest first; none where there is no release.
    ///
    /// # Errors
    /// Helm failed.
    pub async fn history(&self, release: &Release) -> Result<Vec<Revision>, CallError> {
        let what = format!("history {release}");
        self.outside.call(&what, || self.read_history(&what, release)).await
    }

    /// The releases of a namespace, whatever they are up to.
    ///
    /// # Errors
    /// Helm failed.
    pub async fn list(&self, namespace: &str) -> Result<Vec<Listed>, CallError> {
        let what = format!("list {namespace}");
        let mut all = Vec::new();
        loop {
            // Helm 3 shows two states only unless told otherwise, and Helm 4 does not know `--all`; both know these.
            let (offset, page) = (all.len().to_string(), PAGE.to_string());
            let states = ["--deployed", "--failed", "--pending", "--uninstalling"];
            let arguments =
                [&["list", "-n", namespace, "-o", "json", "--max", &page, "--offset", &offset], &states[..]];
            let arguments = arguments.concat();
            let output = self.outside.call(&what, || self.run(&what, self.command(&arguments), READ)).await?;
            let found: Vec<Listed> = answer::read(&what, &output.stdout)?;
            let is_last = found.len() < PAGE;
            all.extend(found);
            if is_last {
                return Ok(all);
            }
        }
    }

    async fn find_version(&self) -> Result<Version, CallError> {
        let output = self.run("version", self.bare(&["version", "--short"]), READ).await?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let wrong = |reason: String| CallError::new("helm", "version", Class::Permanent, reason);
        let version = Version::parse(&said);
        let version =
            version.ok_or_else(|| wrong(format!("`{said}` is no version of Helm; 3.17 or later is needed")))?;
        if version < version::OLDEST {
            return Err(wrong(format!("Helm {version} is too old; 3.17 or later is needed")));
        }
        Ok(version)
    }

    async fn try_ensure(&self, what: &str, wanted: &Wanted, fingerprint: &str) -> Result<Ensured, CallError> {
        let lock = self.lock(what, &wanted.release).await?;
        let (newest, recovery) = self.clear(&wanted.release, &lock).await?;
        let in_force = newest.filter(|newest| newest.status == Status::Deployed && newest.description == fingerprint);
        if let Some(revision) = in_force {
            return Ok(Ensured { revision, is_new: false, recovery });
        }
        let revision = self.run_upgrade(wanted, fingerprint, &lock).await?;
        Ok(Ensured { revision, is_new: true, recovery })
    }

    async fn run_upgrade(&self, wanted: &Wanted, fingerprint: &str, lock: &Lock) -> Result<Revision, CallError> {
        let values = wanted.write_values(&self.settings.home.join("values"))?;
        let Release { namespace, name } = &wanted.release;
        // `--reset-values`: with empty values Helm would go on with those of the last revision.
        let mut arguments = vec!["upgrade", "--install", name, "-n", namespace, "--create-namespace", "-o", "json"];
        arguments.extend(["--reset-values", "--history-max", HISTORY_MAX, "--description", fingerprint]);
        arguments.extend((wanted.hooks == Hooks::Skip).then_some("--no-hooks"));
        let mut command = self.command(&arguments);
        command.arg("-f").arg(values.path()).arg(&wanted.chart.file);
        let output = self.change(command, lock).await?;
        answer::read::<answer::Release>(lock.what(), &output.stdout).map(Revision::from)
    }

    async fn run_uninstall(&self, release: &Release, lock: &Lock) -> Result<(), CallError> {
        let Release { namespace, name } = release;
        // Objects with finalizers (policies) go a moment later: a release that is made again meanwhile would take them for its own.
        let arguments = ["uninstall", name, "-n", namespace, "--ignore-not-found", "--no-hooks", "--wait"];
        self.change(self.command(&arguments), lock).await.map(|_said| ())
    }

    async fn run_rollback(&self, release: &Release, to: u32, lock: &Lock) -> Result<(), CallError> {
        let Release { namespace, name } = release;
        let to = to.to_string();
        let arguments = ["rollback", name, &to, "-n", namespace, "--no-hooks", "--history-max", HISTORY_MAX];
        self.change(self.command(&arguments), lock).await.map(|_said| ())
    }

    async fn read_history(&self, what: &str, release: &Release) -> Result<Vec<Revision>, CallError> {
        let arguments = ["history", &release.name, "-n", &release.namespace, "-o", "json"];
        match self.run(what, self.command(&arguments), READ).await {
            Ok(output) => answer::read(what, &output.stdout),
            Err(error) if error.is_absent() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn lock(&self, what: &str, release: &Release) -> Result<Lock, CallError> {
        let path = self.settings.home.join("locks").join(format!("{}--{}", release.namespace, release.name));
        let limit = self.settings.patience.limit + self.settings.patience.grace;
        let taken = Lock::take(&path, what, limit).await.map_err(|error| trouble(what, &path, &error))?;
        let held = || CallError::new("helm", what, Class::Conflict, "another helm of ours is still at this release");
        taken.ok_or_else(held)
    }

    /// A run that changes something: the lock's file says so until it ended.
    async fn change(&self, mut command: Command, lock: &Lock) -> Result<Output, CallError> {
        let what = lock.what();
        let locks = self.settings.home.join("locks");
        let broken = |error: io::Error| trouble(what, &locks, &error);
        command.stdin(lock.share().map_err(broken)?);
        command.arg("--timeout").arg(format!("{}s", self.settings.patience.limit.as_secs().max(1)));
        lock.begin().map_err(broken)?;
        let done = self.run(what, command, self.settings.patience).await;
        // One that was stopped may have left anything: the next one looks.
        if done.as_ref().map_or_else(|error| !error.reason.starts_with(STOPPED), |_output| true) {
            lock.end().map_err(broken)?;
        }
        done
    }

    async fn run(&self, what: &str, command: Command, patience: Patience) -> Result<Output, CallError> {
        let program = &self.settings.program;
        match process::run(command, patience).await {
            Ok(End::Itself(output)) if output.status.success() => Ok(output),
            Ok(End::Itself(output)) => Err(trouble::error(what, &String::from_utf8_lossy(&output.stderr))),
            Ok(End::Stopped) => {
                let reason = format!("{STOPPED} it had not ended after {:?}", patience.limit);
                Err(CallError::new("helm", what, Class::Retryable, reason))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let reason = format!("`{}` is not there; install Helm 3.17 or later", program.display());
                Err(CallError::new("helm", what, Class::Permanent, reason))
            }
            Err(error) => Err(trouble(what, program, &error)),
        }
    }

    /// Helm at the control plane.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.arg("--kubeconfig").arg(&self.settings.kubeconfig);
        command
    }

    /// Helm with folders of our own, and nothing of what the environment says to it.
    fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.settings.program);
        let foreign = std::env::vars_os().map(|(name, _)| name).filter(|name| is_foreign(name));
        for name in foreign {
            command.env_remove(name);
        }
        for (name, folder) in [("CACHE", "cache"), ("CONFIG", "config"), ("DATA", "data")] {
            command.env(format!("HELM_{name}_HOME"), self.settings.home.join(folder));
        }
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// How the reason of a Helm begins that was stopped.
const STOPPED: &str = "stopped:";

/// What would lead Helm elsewhere.
fn is_foreign(name: &OsStr) -> bool {
    name == "KUBECONFIG" || name.to_string_lossy().starts_with("HELM_")
}

fn trouble(what: &str, path: &Path, error: &io::Error) -> CallError {
    CallError::new("helm", what, Class::Retryable, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
