//! The layers: defaults, variables of the original SMO and of OpenTelemetry, the file, `SMO_...`, the command line. The later wins, key by key.

use super::Config;
use super::checked::{Checker, check};
use super::environment::{self, Assigned, Environment};
use super::file::ConfigFile;
use super::keys::{KEYS, by_path};
use super::shown::{self, Origin};
use crate::input::settings::Settings;
use crate::input::{InputError, Mistake, known_names};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What says which keys there are.
const HELP: &str = "smo config show";

impl Config {
    /// The configuration that holds: of a file (else of the one that `SMO_CONFIG` names, else of none), the environment, and the
    /// command line as pairs of key and value.
    ///
    /// # Errors
    /// The first thing that is wrong: where, which key, and what would be right.
    pub fn load(
        file: Option<&Path>,
        flags: &[(String, String)],
        environment: &Environment,
    ) -> Result<Self, InputError> {
        let named = environment.get("SMO_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
        let file = file.map(Path::to_path_buf).or(named);
        let mut layers = Layers::of(file.as_deref())?;
        for assigned in environment::originals(environment).into_iter().chain(environment::standard(environment)) {
            if !layers.settings.has(assigned.path) {
                layers.assign(&assigned)?;
            }
        }
        for assigned in environment::ours(environment) {
            layers.assign(&assigned)?;
        }
        for (path, text) in flags {
            layers.flag(path, text)?;
        }
        let mut written: ConfigFile = layers.settings.typed()?;
        let folder = file.as_deref().and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default();
        let checker = Checker { settings: &layers.settings, outside: &layers.outside, folder, environment };
        let mut config = check(&checker, &mut written)?;
        config.warnings.extend(environment::misspelt(environment));
        config.shown = shown::all(&written, |path| layers.origin(path));
        Ok(config)
    }
}

/// Settings, and which of them came from outside of the file.
struct Layers {
    settings: Settings,
    outside: BTreeMap<String, Origin>,
}

impl Layers {
    fn of(file: Option<&Path>) -> Result<Self, InputError> {
        Ok(Self { settings: Settings::read(file, HELP)?, outside: BTreeMap::new() })
    }

    fn assign(&mut self, assigned: &Assigned) -> Result<(), InputError> {
        let label = format!("environment variable `{}`", assigned.variable);
        self.settings.set(&label, assigned.path, &assigned.given)?;
        self.outside.insert(assigned.path.to_owned(), Origin::Environment(assigned.variable.clone()));
        Ok(())
    }

    fn flag(&mut self, path: &str, text: &str) -> Result<(), InputError> {
        let label = "command line";
        let Some(key) = by_path(path) else {
            let known: Vec<&str> = KEYS.iter().map(|key| key.path).collect();
            return Err(Mistake::in_file(
                label,
                &format!("no key is called `{path}`; {}", known_names(path, "keys", &known)),
            ));
        };
        self.settings.set(label, path, &environment::given(key.kind, text))?;
        self.outside.insert(path.to_owned(), Origin::Flag(path.to_owned()));
        Ok(())
    }

    fn origin(&self, path: &str) -> Origin {
        match (self.outside.get(path), self.settings.place(path)) {
            (Some(origin), _) => origin.clone(),
            (None, Some(place)) => Origin::File(place.file.to_string(), place.line),
            (None, None) => Origin::Default,
        }
    }
}
