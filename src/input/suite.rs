//! The file of a suite: what people write, and how it is checked.
//!
//! Only what can be said without reading scenarios or knowing policies is checked here; the rest keeps its place in the file
//! for whoever finds it wrong. Scenarios are named by their files, from the folder of the suite.

use super::at::At;
use super::defaults::limits;
use super::error::{InputError, known_names};
use super::file::Files;
use super::read::read;
use super::written::{Positive, Written};
use crate::model::suite::{Contestant, Days, Field, Suite, WarmUp};
use crate::model::window::Window;
use crate::units::{Money, Ratio, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Runs of tuning that a contestant may spend.
const TUNING_RUNS_MAX: u32 = 10_000;
/// Values of a knob.
const VALUES_MAX: usize = 1_000;

/// A suite: policies against each other over scenarios. Knobs are tuned on some days and reported on others.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteFile {
    /// The question that the suite answers, in one sentence.
    pub question: String,
    /// The scenarios.
    pub scenarios: Vec<FieldFile>,
    /// The policies: as `smo policies` lists them, or with a name and knobs to tune.
    pub contestants: Vec<Written<String, ContestantFile>>,
    /// The name of the contestant that the others are compared with.
    pub baseline: String,
    /// What a million of bad requests (slow, dropped, failed) costs besides the bill: what is tuned and compared is the sum.
    pub bad_million: Money,
    /// Runs of tuning that each contestant may spend in a scenario. A grid with more settings is tried in part: the defaults,
    /// and those that come first when settings are ordered by the sha256 of their text; with fewer, each is run with as many
    /// seeds as the budget allows.
    #[serde(default = "tuning_runs")]
    pub tuning_runs: Positive<u32>,
    /// Seeds of a contestant in a scenario.
    #[serde(default)]
    pub seeds: SeedsFile,
    /// Seeds are added until half of the 95 % interval of the loss is less than this share of its mean.
    #[serde(default = "precision")]
    pub precision: Positive<Ratio>,
    /// What is not counted at the begin of each run: `auto` (what MSER-5 cuts from the baseline's first training run), or a
    /// time.
    #[serde(default)]
    pub warm_up: WarmUpFile,
}

/// A scenario of a suite.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldFile {
    /// Its name in the suite; where nothing is said, the file's, and the variant's behind an `@`.
    #[serde(default)]
    pub name: Option<String>,
    /// The scenario's file, from the folder of the suite.
    pub file: String,
    /// Its variant.
    #[serde(default)]
    pub variant: Option<String>,
    /// Fields that are set, by their paths, as by `--set`.
    #[serde(default)]
    pub set: serde_json::Map<String, serde_json::Value>,
    /// The days that knobs are tuned on.
    pub train: DaysFile,
    /// The days that are reported. They share no instant with those of the training, unless something else is patched.
    pub test: DaysFile,
}

/// A part of a scenario: all of it moves, so that the begin of the part is the start of the run. Faults, new versions, freezes,
/// carbon and prices keep their places next to the load.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DaysFile {
    /// Its begin, in the time of the scenario's runs.
    pub from: Time,
    /// Its end; where nothing is said, the scenario's.
    pub until: Option<Time>,
    /// Fields that are different on these days, by their paths, as in a variant.
    pub patch: serde_json::Map<String, serde_json::Value>,
}

/// A policy of a suite.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContestantFile {
    /// Its name in the suite; where nothing is said, the policy's.
    #[serde(default)]
    pub name: Option<String>,
    /// The policy, as `smo policies` lists them, with parameters that are not tuned.
    pub policy: String,
    /// Knobs to tune, each with the values to try: `{target: [50 %, 60 %, 70 %]}`. Where both halves of a policy have a knob of
    /// that name, it is written `hpa.target`.
    #[serde(default)]
    pub tune: BTreeMap<String, Vec<KnobValue>>,
    /// Whether its knobs are tuned on the reported days themselves: a yardstick of what could have been known only afterwards,
    /// such as the best fixed number of replicas, and no contestant.
    #[serde(default)]
    pub hindsight: bool,
}

/// How many seeds a cell has.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SeedsFile {
    /// So many in any case; at least 2, for one has no interval.
    pub least: u32,
    /// No more than so many.
    pub most: u32,
}

impl Default for SeedsFile {
    fn default() -> Self {
        Self { least: 5, most: 20 }
    }
}

/// `auto`, or a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum WarmUpFile {
    /// MSER-5.
    #[default]
    Auto,
    /// So much.
    Fixed(Span),
}

/// A value of a knob, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum KnobValue {
    /// Yes or no.
    Switch(bool),
    /// A count.
    Count(u64),
    /// A number.
    Number(f64),
    /// Anything else.
    Text(String),
}

impl std::fmt::Display for KnobValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Switch(switch) => write!(f, "{switch}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Number(number) => write!(f, "{number}"),
            // The text of a policy has no blanks.
            Self::Text(text) => f.write_str(&text.split_whitespace().collect::<String>()),
        }
    }
}

impl TryFrom<String> for WarmUpFile {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |_| format!("`{text}` is no warm-up; write `auto`, or a time like `30 min` or `0 s`");
        if text == "auto" { Ok(Self::Auto) } else { text.parse().map(Self::Fixed).map_err(wrong) }
    }
}

impl From<WarmUpFile> for String {
    fn from(warm_up: WarmUpFile) -> Self {
        match warm_up {
            WarmUpFile::Auto => "auto".to_owned(),
            WarmUpFile::Fixed(span) => span.to_string(),
        }
    }
}

const fn tuning_runs() -> Positive<u32> {
    Positive(8)
}

const fn precision() -> Positive<Ratio> {
    Positive(Ratio(50_000))
}

/// JSON Schema of a suite, made from the types that read it.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(SuiteFile).to_value()
}

/// Reads and checks a suite.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn load(path: &Path) -> Result<Suite, InputError> {
    let mut files = Files::of(path);
    let root = files.read_scenario(path).map_err(of_suite)?;
    let file: SuiteFile = read(&root).map_err(of_suite)?;
    let at = At::root(&root);
    if file.question.trim().is_empty() {
        return Err(at.key("question").error("the question is empty; say in one sentence what the suite answers"));
    }
    let (seeds_least, seeds_most) = seeds(&file, &at.key("seeds"))?;
    if file.tuning_runs.0 > TUNING_RUNS_MAX {
        let message = format!("{} runs are too many; write at most {TUNING_RUNS_MAX}", file.tuning_runs.0);
        return Err(at.key("tuning_runs").error(message));
    }
    if !(file.bad_million.0.is_finite() && file.bad_million.0 >= 0.0) {
        return Err(at
            .key("bad_million")
            .error(format!("`{}` is no price; write one from `0 $` up", file.bad_million)));
    }
    let scenarios = fields(&file, &files, &at.key("scenarios"))?;
    let contestants = contestants(&file, &at.key("contestants"))?;
    let names: Vec<&str> = contestants.iter().map(|one| one.name.as_str()).collect();
    let Some(baseline) = names.iter().position(|name| *name == file.baseline) else {
        let known = known_names(&file.baseline, "contestants", &names);
        return Err(at.key("baseline").error(format!("no contestant is called `{}`; {known}", file.baseline)));
    };
    Ok(Suite {
        name: path.file_stem().map_or_else(|| "suite".to_owned(), |stem| stem.to_string_lossy().into_owned()),
        question: file.question.trim().to_owned(),
        baseline,
        scenarios,
        contestants,
        bad_million: file.bad_million,
        tuning_runs: file.tuning_runs.0,
        seeds_least,
        seeds_most,
        precision: file.precision.0,
        warm_up: match file.warm_up {
            WarmUpFile::Auto => WarmUp::Auto,
            WarmUpFile::Fixed(span) => WarmUp::Fixed(span),
        },
        sha256: files.read.first().map_or_else(String::new, |read| read.sha256.clone()),
    })
}

/// A reader of suites speaks of their schema.
pub(super) fn of_suite(error: InputError) -> InputError {
    let InputError::File(mut mistake) = error else { return error };
    for text in [Some(&mut mistake.what), mistake.remedy.as_mut()].into_iter().flatten() {
        *text = text.replace("smo scenario schema", "smo bench schema");
    }
    InputError::File(mistake)
}

fn seeds(file: &SuiteFile, at: &At<'_>) -> Result<(u32, u32), InputError> {
    let SeedsFile { least, most } = file.seeds;
    if least < 2 {
        let message = format!("{least} of a cell say nothing of how sure its mean is; write at least 2");
        return Err(at.key("least").error(message));
    }
    if most < least {
        return Err(at.key("most").error(format!("{most} is less than the least, {least}; write at least that")));
    }
    if most > limits::SEEDS {
        return Err(at.key("most").error(format!("{most} seeds are too many; write at most {}", limits::SEEDS)));
    }
    Ok((least, most))
}

fn fields(file: &SuiteFile, files: &Files, at: &At<'_>) -> Result<Vec<Field>, InputError> {
    if file.scenarios.is_empty() {
        return Err(
            at.error("there is no scenario; name one: `[{file: a.yaml, train: {until: 1 d}, test: {from: 1 d}}]`")
        );
    }
    let mut fields: Vec<Field> = Vec::with_capacity(file.scenarios.len());
    for (index, one) in file.scenarios.iter().enumerate() {
        let at = at.index(index);
        let (train, test) = (days(&one.train, &at.key("train"))?, days(&one.test, &at.key("test"))?);
        if train.window.overlaps(&test.window) && train.patch == test.patch {
            let message = "these days are tuned on too, so nothing would be learnt from them; report others";
            return Err(at.key("test").error(message));
        }
        let stem = Path::new(&one.file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let variant = one.variant.as_ref().map_or_else(String::new, |variant| format!("@{variant}"));
        let name = one.name.clone().unwrap_or_else(|| stem.unwrap_or_else(|| one.file.clone()) + &variant);
        if fields.iter().any(|other| other.name == name) {
            return Err(at.error(format!("two scenarios are called `{name}`; give this one another `name`")));
        }
        let place = format!("{}: field `scenarios.{name}`", at.nearest_place());
        fields.push(Field {
            name,
            path: files.path(&one.file, &at.key("file"))?,
            file: one.file.clone(),
            variant: one.variant.clone(),
            set: patches(&one.set),
            train,
            test,
            place,
        });
    }
    Ok(fields)
}

fn days(file: &DaysFile, at: &At<'_>) -> Result<Days, InputError> {
    let window = Window { from: file.from, until: file.until };
    if window.until.is_some_and(|until| until <= window.from) {
        return Err(at
            .key("until")
            .error(format!("the part ends before it begins, at {}; write a later end", file.from)));
    }
    Ok(Days { window, patch: patches(&file.patch) })
}

/// Paths and values; JSON is YAML.
fn patches(map: &serde_json::Map<String, serde_json::Value>) -> Vec<(String, String)> {
    map.iter().map(|(path, value)| (path.clone(), value.to_string())).collect()
}

fn contestants(file: &SuiteFile, at: &At<'_>) -> Result<Vec<Contestant>, InputError> {
    if file.contestants.is_empty() {
        return Err(at.error("nobody is to be compared; name policies, `smo policies` lists them"));
    }
    let mut all: Vec<Contestant> = Vec::with_capacity(file.contestants.len());
    for (index, written) in file.contestants.iter().enumerate() {
        let at = at.index(index);
        let none = BTreeMap::new();
        let (name, policy, tune, hindsight) = match written {
            Written::Short(policy) => (None, policy, &none, false),
            Written::Long(long) => (long.name.as_ref(), &long.policy, &long.tune, long.hindsight),
        };
        if hindsight && tune.is_empty() {
            let message = "there is no knob to tune in hindsight; name some in `tune`, or leave `hindsight` out";
            return Err(at.key("hindsight").error(message));
        }
        let name = name.map_or_else(|| policy.split_whitespace().collect(), |name| name.trim().to_owned());
        if all.iter().any(|other| other.name == name) {
            return Err(at.error(format!("two contestants are called `{name}`; give this one another `name`")));
        }
        let knobs =
            tune.iter().map(|(knob, values)| Ok((knob.clone(), knob_values(values, &at.key("tune").key(knob))?)));
        let tune = knobs.collect::<Result<Vec<_>, InputError>>()?;
        let place = format!("{}: field `contestants.{name}`", at.nearest_place());
        all.push(Contestant { name, policy: policy.clone(), tune, hindsight, place });
    }
    Ok(all)
}

fn knob_values(values: &[KnobValue], at: &At<'_>) -> Result<Vec<String>, InputError> {
    if values.is_empty() || values.len() > VALUES_MAX {
        return Err(at.error(format!("these are {} values; write 1 to {VALUES_MAX} to try", values.len())));
    }
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    if let Some(twice) = (1..texts.len()).find(|index| texts[..*index].contains(&texts[*index])) {
        return Err(at.index(twice).error(format!("`{}` is tried already; remove it", texts[twice])));
    }
    Ok(texts)
}
