//! From a path to a world that can be run: files are read and spliced, patches applied, types read, parts checked.

use super::at::At;
use super::capacities;
use super::cut;
use super::defaults::limits;
use super::error::{InputError, Mistake, known_names};
use super::expectation::{Nameable, expectation};
use super::file::{Files, InputFile};
use super::hdag::{self, Artifact};
use super::kubernetes;
use super::machines;
use super::node::{Node, Scalar, Value};
use super::read::read;
use super::scenario::{ScenarioFile, TraceFile, scenario};
use super::tables;
use super::tasks;
use super::trace::edit::Script;
use super::trace::{self, Import, Part, Selection, ServiceNames, TraceOptions};
use super::variant::{self, Patch};
use super::written::Written;
use crate::model::task::{TaskSource, TasksInMemory};
use crate::model::window::Window;
use crate::model::workload::{RateSource, RowsInMemory};
use crate::model::{Expectation, Scenario};
use crate::units::{Span, Time};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is wanted of a scenario besides what its file says.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `--set path=value`, in order, after the variant.
    pub set: Vec<(String, String)>,
    /// The variant; `None` for the scenario as it is.
    pub variant: Option<String>,
    /// `--until`, which wins over all else.
    pub until: Option<Span>,
    /// The part of it that is run; by default all.
    pub window: Window,
}

/// A scenario, checked and ready to run.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Name: the file's, without its ending.
    pub name: String,
    /// The question that it answers.
    pub question: String,
    /// What is expected of the answer.
    pub expect: Vec<Expectation>,
    /// The policies, as they are written.
    pub policies: Vec<String>,
    /// Runs a policy and variant: the seeds are 1 to this.
    pub seeds: u32,
    /// Names of the variants in the order of the file, the base excluded.
    pub variants: Vec<String>,
    /// The world.
    pub scenario: Arc<Scenario>,
    /// All files that were read.
    pub inputs: Vec<InputFile>,
    /// What was assumed or is unusual, in sentences.
    pub notes: Vec<String>,
    /// What a descriptor says of the charts of its services, by service: kept for whoever deploys, not simulated.
    pub artifacts: BTreeMap<String, Artifact>,
    file: Arc<ScenarioFile>,
    traces: Vec<TraceSource>,
    tasks: TasksInMemory,
}

/// A trace and what is done to it.
#[derive(Debug, Clone)]
pub(super) struct TraceSource {
    path: PathBuf,
    pub(super) options: TraceOptions,
}

/// Loads a scenario.
///
/// # Errors
/// The first mistake in the scenario or in a file that it names.
pub fn load(path: &Path, request: &Request) -> Result<Loaded, InputError> {
    let mut files = Files::of(path);
    let root = tree(path, request, &mut files)?;
    let mut file: ScenarioFile = read(&root)?;
    file.complete();
    let at = At::root(&root);
    let variants = variant::names(&root);
    let expect = expectations(&file, &variants, &at)?;
    let services = match &file.application {
        Written::Long(application) => application.services.len(),
        Written::Short(_) => 0,
    };
    let tasks = tasks::load(&file.tasks, services, &mut files, &at.key("tasks"))?;
    let mut scenario = scenario(&file, &tasks, &mut files, &at)?;
    let mut load = (traces(&file, &scenario, &mut files, &at.key("traces"))?, tasks.source);
    cut::cut(request.window, &mut scenario, &mut load, &at)?;
    let (traces, tasks) = load;
    Loaded {
        name: path.file_stem().map_or_else(|| "scenario".to_owned(), |stem| stem.to_string_lossy().into_owned()),
        question: file.question.trim().to_owned(),
        expect,
        policies: file.policies.clone(),
        seeds: file.seeds.0,
        variants,
        scenario: Arc::new(scenario),
        inputs: files.read,
        notes: files.notes,
        artifacts: files.artifacts,
        file: Arc::new(file),
        traces,
        tasks,
    }
    .opened()
}

impl Loaded {
    /// The load, from its start.
    ///
    /// # Errors
    /// Where a trace cannot be opened.
    pub fn workload(&self) -> Result<Box<dyn RateSource>, InputError> {
        if self.traces.is_empty() {
            return Ok(Box::new(RowsInMemory::new(Vec::new(), Span::ZERO)));
        }
        let services = self.service_names();
        let open = |trace: &TraceSource| {
            let source = trace::open(&trace.path, &services, &trace.options)?;
            Ok(Part { path: trace.path.clone(), source: Box::new(source) })
        };
        let parts = self.traces.iter().map(open).collect::<Result<Vec<_>, InputError>>()?;
        Ok(trace::merge(parts, &services)?)
    }

    /// The whole scenario, with other files spliced in, the variant and `--set` applied and defaults filled in. It is made
    /// when it is asked for: as JSON, a scenario takes ten times the memory of its file.
    #[expect(clippy::missing_panics_doc, reason = "a scenario file has only text as keys and finite numbers")]
    pub fn resolved(&self) -> serde_json::Value {
        serde_json::to_value(&*self.file).expect("a scenario file has only text as keys and finite numbers")
    }

    /// The tasks, from their start; none where there are none.
    pub fn tasks(&self) -> Box<dyn TaskSource> {
        Box::new(self.tasks.clone())
    }

    /// How many tasks there are.
    pub fn task_count(&self) -> usize {
        self.tasks.len()
    }

    fn service_names(&self) -> ServiceNames {
        let application = &self.scenario.known.application;
        ServiceNames::new(application.requests().map(|service| application.services[service].name.as_str()))
    }

    /// Opens every trace once: one that cannot be opened is a mistake of the scenario, and is told before anything runs.
    fn opened(mut self) -> Result<Self, InputError> {
        let services = self.service_names();
        for source in &self.traces {
            let trace = trace::open(&source.path, &services, &source.options)?;
            let written = source.path.display();
            self.notes.extend(trace.notes().into_iter().map(|note| format!("Trace {written}: {note}")));
        }
        Ok(self)
    }
}

/// The tree of the scenario with patches applied and files spliced in. Patches of whole sections come first: a variant
/// may name another inventory and change something in it.
fn tree(path: &Path, request: &Request, files: &mut Files) -> Result<Node, InputError> {
    let mut root = files.read_scenario(path)?;
    if !matches!(root.value, Value::Map(_)) {
        let message =
            "a scenario is a map that begins with `question:`; `smo scenario schema` says what belongs into it";
        return Err(Box::new(Mistake::new(root.place, String::new(), message)).into());
    }
    let mut patches = match &request.variant {
        Some(name) => Patch::of_variant(&root, name)?,
        None => Vec::new(),
    };
    for (path, value) in &request.set {
        patches.push(Patch::set(path, value)?);
    }
    if let Some(until) = request.until {
        patches.push(Patch::of_option(&format!("--until {until}"), "until", &until.to_string())?);
    }
    let (sections, fields): (Vec<Patch>, Vec<Patch>) = patches.into_iter().partition(Patch::is_of_section);
    sections.iter().try_for_each(|patch| patch.apply(&mut root))?;
    for section in ["application", "inventory"] {
        splice(&mut root, section, files)?;
    }
    let described = splice_descriptor(&mut root, files)?;
    let (of_tables, fields): (Vec<Patch>, Vec<Patch>) =
        fields.into_iter().partition(|patch| tables::expand::is_of_table(&patch.path));
    of_tables.iter().try_for_each(|patch| patch.apply(&mut root))?;
    tables::expand::expand(&mut root, files)?;
    fields.iter().try_for_each(|patch| patch.apply(&mut root))?;
    capacities::fill(&mut root, files)?;
    if let Some(application) = root.get("application").filter(|_| described) {
        hdag::need_capacities(application)?;
    }
    tables::join::join(&mut root, files)?;
    Ok(root)
}

/// Puts the content of a file in the place of its path.
pub(super) fn splice(root: &mut Node, section: &str, files: &mut Files) -> Result<(), InputError> {
    let at = At::root(root).key(section);
    let resolved = match kubernetes::resolve(section, &at, files)? {
        None if section == "inventory" => machines::inventory(&at, files)?,
        resolved => resolved,
    };
    let content = match (resolved, at.node().map(|node| &node.value)) {
        (Some(content), _) => content,
        (None, Some(Value::Scalar(Scalar::Text(path)))) => files.read_yaml(path, &at)?,
        (None, _) => return Ok(()),
    };
    let names_others = content.get("kubectl").is_some();
    if let Value::Map(entries) = &mut root.value
        && let Some(entry) = entries.iter_mut().find(|entry| entry.key == section)
    {
        entry.node = content;
    }
    if names_others { splice(root, section, files) } else { Ok(()) }
}

/// Translates a descriptor that stands under `application`, or is named there; tells whether there is one.
pub(super) fn splice_descriptor(root: &mut Node, files: &mut Files) -> Result<bool, InputError> {
    let at = At::root(root).key("application");
    let is_descriptor = |node: &&Node| node.get("hdaGraph").is_some() || node.get("descriptor").is_some();
    let Some(node) = at.node().filter(is_descriptor) else { return Ok(false) };
    let application = hdag::resolve(node.clone(), files, &at)?;
    if let Value::Map(entries) = &mut root.value
        && let Some(entry) = entries.iter_mut().find(|entry| entry.key == "application")
    {
        entry.node = application;
    }
    Ok(true)
}

fn expectations(file: &ScenarioFile, variants: &[String], at: &At<'_>) -> Result<Vec<Expectation>, InputError> {
    if file.question.trim().is_empty() {
        return Err(at.key("question").error("the question is empty; say in one sentence what the runs answer"));
    }
    if file.seeds.0 > limits::SEEDS {
        let most = limits::SEEDS;
        return Err(at.key("seeds").error(format!("{} seeds are too many; write at most {most}", file.seeds.0)));
    }
    let policies: Vec<String> =
        file.policies.iter().map(|policy| policy.split_whitespace().collect::<String>()).collect();
    if policies.is_empty() {
        return Err(at.key("policies").error("no policy is to be run; name one, `smo policies` lists them"));
    }
    if let Some(index) = (1..policies.len()).find(|index| policies[..*index].contains(&policies[*index])) {
        let twice = format!("`{}` stands here for the second time; remove one of the two", policies[index]);
        return Err(at.key("policies").index(index).error(twice));
    }
    let nameable = Nameable { policies, variants: variants.to_vec() };
    let read = |(index, text): (usize, &String)| {
        expectation(text, &nameable).map_err(|message| at.key("expect").index(index).error(message))
    };
    file.expect.iter().enumerate().map(read).collect()
}

fn traces(
    file: &ScenarioFile,
    scenario: &Scenario,
    files: &mut Files,
    at: &At<'_>,
) -> Result<Vec<TraceSource>, InputError> {
    if file.traces.is_empty() && file.tasks.is_empty() {
        return Err(at.error("there is no load; name a trace: `traces: [{file: traces/day.csv.gz}]`, or tasks: `tasks: [{file: pods.csv}]`"));
    }
    let services = &scenario.known.application.services;
    let requests = scenario.known.application.requests();
    let names: Vec<&str> = requests.map(|service| services[service].name.as_str()).collect();
    let known = |name: &str, at: At<'_>| {
        if names.contains(&name) {
            return Ok(());
        }
        Err(at.error(format!("no service is called `{name}`; {}", known_names(name, "services", &names))))
    };
    let mut sources = Vec::with_capacity(file.traces.len());
    for (index, trace) in file.traces.iter().enumerate() {
        let at = at.index(index);
        trace.service.as_ref().map_or(Ok(()), |service| known(service, at.key("service")))?;
        for (series, service) in &trace.series {
            known(service, at.key("series").key(series))?;
        }
        let path = files.hash(&trace.file, &at.key("file"))?;
        let then = trace.then.iter().enumerate();
        let then = then.map(|(index, file)| files.hash(file, &at.key("then").index(index)));
        let mut options = trace.options(&at)?;
        options.import.then = then.collect::<Result<_, _>>()?;
        options.edit = edits(&trace.edit, files, &at.key("edit"))?;
        sources.push(TraceSource { path, options });
    }
    Ok(sources)
}

/// The edits of a trace; the files that they merge are inputs like any other.
fn edits(texts: &[String], files: &mut Files, at: &At<'_>) -> Result<Option<Arc<Script>>, InputError> {
    let mut script = Script::default();
    for (index, text) in texts.iter().enumerate() {
        let at = at.index(index);
        let mut read = Script::parse(text, "edit").map_err(|mistake| at.error(mistake.in_text()))?;
        for file in read.files() {
            *file = files.hash(file, &at)?.display().to_string();
        }
        script.append(read);
    }
    Ok(if script.is_empty() { None } else { Some(Arc::new(script)) })
}

impl TraceFile {
    fn options(&self, at: &At<'_>) -> Result<TraceOptions, InputError> {
        let selection = match (&self.service, self.series.is_empty()) {
            (None, true) => Selection::ByName,
            (Some(service), true) => Selection::Only(service.clone()),
            (None, false) => Selection::Chosen(self.series.clone()),
            (Some(_), false) => {
                return Err(at.key("series").error(
                    "`service` and `series` both say whose the rates are; keep `service` for a file with one series",
                ));
            }
        };
        let (from, until) = (self.from, self.until.unwrap_or(Time::MAX));
        if until <= from {
            return Err(at
                .key("until")
                .error(format!("the part ends at {until} and begins at {from}; write a later end")));
        }
        Ok(TraceOptions {
            selection,
            scale: self.scale.0,
            from,
            until,
            shift: self.shift,
            hold: self.hold.map(|hold| hold.0),
            last: self.last.map(|last| last.0),
            size_max: self.size_max.map_or(TraceOptions::default().size_max, |size_max| size_max.0),
            import: self.import(at)?,
            ..TraceOptions::default()
        })
    }

    /// What is said about the file of another tool; the files that continue it are left to the caller.
    fn import(&self, at: &At<'_>) -> Result<Import, InputError> {
        let zone = |text: &String| {
            trace::Zone::read(text.as_bytes())
                .ok_or_else(|| at.key("timezone").error(format!("`{text}` is no zone; write `UTC`, or `+02:00`")))
        };
        let epoch = |text: &String| {
            trace::instant(text).map_err(|fault| at.key("epoch").error(fault.to_string().replace("\n  ", "; ")))
        };
        Ok(Import {
            format: self.format.clone(),
            step: self.step.map(|step| step.0),
            service_from: self.service_from.clone(),
            time_from: self.time_from.clone(),
            timezone: self.timezone.as_ref().map(zone).transpose()?,
            out_of_order: self.out_of_order,
            counter: self.counter,
            epoch: self.epoch.as_ref().map(epoch).transpose()?,
            then: Vec::new(),
        })
    }
}
