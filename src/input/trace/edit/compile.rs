//! From a script and a trace to a [`Plan`]: names are looked up, moments become times, and an edit that does not fit is a
//! mistake at its place in the script.

use super::cut::Cut;
use super::fill::Filling;
use super::flow::{Flow, Transform};
use super::glob::label;
use super::level::{Level, Rule, one, surge};
use super::lex::Wrong;
use super::pick::{Sum, Without};
use super::plan::{Base, Merging, Plan, Step};
use super::quantity::Moment;
use super::resample::Resample;
use super::script::{Alignment, During, Edit, Merge, Named, Script, Select, Spot, Statement, Surge, What};
use super::shift::Shift;
use super::smooth::Smooth;
use super::sort::Sorted;
use crate::input::error::known_names;
use crate::input::trace::error::{Fault, TraceError};
use crate::input::trace::{Import, TraceOptions, calendar, open, services};
use crate::model::ServiceId;
use crate::model::id::Id;
use crate::units::{Span, Time};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Selected = Arc<BTreeSet<ServiceId>>;

/// What stops a script from being carried out.
pub enum Refused {
    /// The script.
    Script(Wrong),
    /// A file.
    Trace(Box<TraceError>),
}

impl From<Wrong> for Refused {
    fn from(wrong: Wrong) -> Self {
        Self::Script(wrong)
    }
}

impl From<TraceError> for Refused {
    fn from(error: TraceError) -> Self {
        Self::Trace(Box::new(error))
    }
}

/// What comes out.
pub struct Compiled {
    /// Where rows come from and what is done to them.
    pub plan: Plan,
    /// The name of each service of the rows; `None` where it has none left.
    pub names: Vec<Option<String>>,
    /// The trace's own clock at its begin.
    pub begin: u64,
}

/// Holds a script against a trace; files that it names are looked for in `folder`.
///
/// # Errors
/// An edit that does not fit, or a file that cannot be read.
pub fn compile(path: &Path, script: &Script, folder: &Path, options: &TraceOptions) -> Result<Compiled, Refused> {
    let sorts = matches!(script.edits().next(), Some(Edit { what: What::Sort, .. }));
    let (base, names, begin) = base(path, options, sorts)?;
    let mut compiler =
        Compiler { folder: folder.to_owned(), options: options.clone(), names, begin, steps: Vec::new(), edits: 0 };
    script.statements.iter().try_for_each(|statement| compiler.statement(statement))?;
    let Compiler { names, begin, steps, .. } = compiler;
    if names.iter().all(Option::is_none) {
        let message = "no series is left; keep at least one".to_owned();
        return Err(Wrong { at: script.edits().last().map(|edit| edit.at).unwrap_or_default(), message }.into());
    }
    Ok(Compiled { plan: Plan { base, steps }, names, begin })
}

type Based = (Base, Vec<Option<String>>, u64);

fn base(path: &Path, options: &TraceOptions, sorts: bool) -> Result<Based, TraceError> {
    let services = services(path, options)?;
    let names = services.iter().map(|name| Some(name.to_owned())).collect();
    if sorts {
        let sorted = Sorted::read(path, &services, options)?;
        let begin = sorted.begin();
        return Ok((Base::Sorted(sorted), names, begin));
    }
    let options = TraceOptions { empty_rows: true, ..options.clone() };
    let begin = open(path, &services, &options)?.begin();
    Ok((Base::File { path: path.to_owned(), services, options: Box::new(options) }, names, begin))
}

struct Compiler {
    folder: PathBuf,
    options: TraceOptions,
    names: Vec<Option<String>>,
    begin: u64,
    steps: Vec<Step>,
    /// Edits so far.
    edits: usize,
}

fn wrong(at: Spot, message: impl Into<String>) -> Refused {
    Refused::Script(Wrong { at, message: message.into() })
}

impl Compiler {
    fn statement(&mut self, statement: &Statement) -> Result<(), Refused> {
        let select = &statement.select;
        let mut selected = self.select(select)?;
        for edit in &statement.edits {
            refuse_parts(select, edit)?;
            selected = self.edit(edit, (select, selected))?;
            self.edits += 1;
        }
        Ok(())
    }

    fn push(&mut self, transform: impl Transform + 'static) {
        self.steps.push(Step::Transform(Box::new(transform)));
    }

    fn edit(&mut self, edit: &Edit, (select, selected): (&Select, Selected)) -> Result<Selected, Refused> {
        let during = |compiler: &Self| compiler.during(select.during.as_ref());
        match &edit.what {
            What::Scale(factor) => self.level(edit, &selected, (Rule::Scale(*factor), during(self)?)),
            What::Set(rate) => self.level(edit, &selected, (Rule::Set((*rate).into()), during(self)?)),
            What::Add(rate) => self.level(edit, &selected, (Rule::Add((*rate).into()), during(self)?)),
            What::Clip(low, high) => {
                let (low, high) = (low.map_or(Flow::ZERO, Flow::from), high.map_or(Flow(u128::MAX), Flow::from));
                self.level(edit, &selected, (Rule::Clip(low, high), during(self)?));
            }
            What::Surge(surge) => self.surge(edit, surge, &selected)?,
            What::Cut(part) => self.cut(part)?,
            What::Shift(by, _) if *by == Span::ZERO => {}
            What::Shift(by, earlier) => {
                let others = self.live().count() > selected.len();
                self.push(Shift::new(Arc::clone(&selected), others, (*by, *earlier)));
            }
            What::Repeat(count) => self.steps.push(Step::Repeat(*count)),
            What::RepeatFor(span) => {
                self.steps.push(Step::Repeat(u64::MAX));
                self.push(Cut::new(Time::ZERO, Time(span.0)));
            }
            What::Resample(step) => self.push(Resample::new(*step)),
            What::Smooth(window) => self.push(Smooth::new(Arc::clone(&selected), *window)),
            What::Fill(how, every) => self.push(Filling::new(Arc::clone(&selected), *how, *every)),
            What::Drop => self.remove(&selected),
            What::Keep => {
                let others = self.live().filter(|service| !selected.contains(service)).collect();
                self.remove(&Arc::new(others));
            }
            What::Rename(old, new) => self.rename(&selected, old, new)?,
            What::Sum(name) => return self.sum(&selected, name),
            What::Merge(merge) => return self.merge(edit.at, merge),
            What::Sort if self.edits > 0 => {
                return Err(wrong(edit.at, "`sort` is how a file is read; make it the first edit"));
            }
            What::Sort => {}
            What::Begin(moment) => self.begin = begin(edit.at, *moment)?,
        }
        Ok(selected)
    }

    fn live(&self) -> impl Iterator<Item = ServiceId> {
        self.names.iter().enumerate().filter(|(_, name)| name.is_some()).map(|(index, _)| ServiceId::from_index(index))
    }

    fn name(&self, service: ServiceId) -> &str {
        self.names.get(service.index()).and_then(Option::as_deref).unwrap_or_default()
    }

    /// The series that one of these patterns fits, each of which must fit one.
    fn fitting(&self, patterns: &[Named]) -> Result<BTreeSet<ServiceId>, Refused> {
        let mut found = BTreeSet::new();
        for Named { glob, at } in patterns {
            let fitting: Vec<ServiceId> = self.live().filter(|service| glob.fits(self.name(*service))).collect();
            if fitting.is_empty() {
                let known: Vec<&str> = self.live().map(|service| self.name(service)).collect();
                let what = if glob.is_plain() { "no series is called" } else { "no series fits" };
                return Err(wrong(*at, format!("{what} `{}`; {}", glob.0, known_names(&glob.0, "series", &known))));
            }
            found.extend(fitting);
        }
        Ok(found)
    }

    fn select(&self, select: &Select) -> Result<Selected, Refused> {
        let mut selected: BTreeSet<ServiceId> =
            if select.services.is_empty() { self.live().collect() } else { self.fitting(&select.services)? };
        let except = self.fitting(&select.except)?;
        selected.retain(|service| !except.contains(service));
        for (key, Named { glob, at }) in &select.labels {
            selected.retain(|service| label(self.name(*service), key).is_some_and(|value| glob.fits(value)));
            if selected.is_empty() {
                let message = format!(
                    "no series has the label `{key}` with `{}`; labels stand in the name: `web{{{key}=\"...\"}}`",
                    glob.0
                );
                return Err(wrong(*at, message));
            }
        }
        match select.except.first() {
            Some(named) if selected.is_empty() => Err(wrong(named.at, "nothing is left of the selection; except less")),
            _ => Ok(Arc::new(selected)),
        }
    }

    fn time(&self, at: Spot, moment: Moment) -> Result<Time, Refused> {
        moment.time(self.begin).map_err(|message| wrong(at, message))
    }

    fn during(&self, during: Option<&During>) -> Result<(Time, Time), Refused> {
        let Some(During { from, until, at }) = during else { return Ok((Time::ZERO, Time::MAX)) };
        let from = from.map_or(Ok(Time::ZERO), |moment| self.time(*at, moment))?;
        let until = until.map_or(Ok(Time::MAX), |moment| self.time(*at, moment))?;
        if until <= from {
            return Err(wrong(*at, format!("the range ends at {until} and begins at {from}; write a later end")));
        }
        Ok((from, until))
    }

    fn level(&mut self, edit: &Edit, selected: &Selected, (rule, during): (Rule, (Time, Time))) {
        self.push(Level::new(&edit.what.to_string(), Arc::clone(selected), one(rule, during)));
    }

    fn surge(&mut self, edit: &Edit, found: &Surge, selected: &Selected) -> Result<(), Refused> {
        let named = if found.to.is_empty() { None } else { Some(self.fitting(&found.to)?) };
        let to = named.map_or_else(|| Arc::clone(selected), |named| Arc::new(&named & selected));
        if to.is_empty() {
            return Err(wrong(edit.at, "no series is both selected and named after `to`; leave one of them out"));
        }
        let rules = surge(self.time(edit.at, found.start)?, found.times, found.shape);
        let rules =
            rules.ok_or_else(|| wrong(edit.at, "the burst leaves the range of numbers; write a simpler factor"))?;
        self.push(Level::new(&edit.what.to_string(), to, rules));
        Ok(())
    }

    fn cut(&mut self, part: &During) -> Result<(), Refused> {
        let (from, until) = self.during(Some(part))?;
        self.begin =
            self.begin.checked_add(from.0).ok_or_else(|| wrong(part.at, "the range begins beyond all clocks"))?;
        self.push(Cut::new(from, until));
        Ok(())
    }

    fn remove(&mut self, gone: &Selected) {
        gone.iter().for_each(|service| self.names[service.index()] = None);
        self.push(Without { gone: Arc::clone(gone) });
    }

    fn rename(&mut self, selected: &Selected, old: &Named, new: &Named) -> Result<(), Refused> {
        let fitting = self.fitting(std::slice::from_ref(old))?;
        if fitting.is_disjoint(selected) {
            return Err(wrong(old.at, format!("nothing that is selected fits `{}`; select it too", old.glob.0)));
        }
        for service in fitting.intersection(selected) {
            let parts = old.glob.parts(self.name(*service)).unwrap_or_default();
            let name = new.glob.filled(&parts).filter(|name| !name.trim().is_empty());
            let name = name.ok_or_else(|| wrong(new.at, "a series would have no name; write one"))?;
            self.names[service.index()] = Some(name);
        }
        let mut seen = BTreeSet::new();
        match self.names.iter().flatten().find(|name| !seen.insert(name.as_str())) {
            Some(name) => Err(wrong(new.at, format!("two series would be called `{name}`; add them up by `sum into`"))),
            None => Ok(()),
        }
    }

    fn sum(&mut self, selected: &Selected, into: &Named) -> Result<Selected, Refused> {
        let taken = self.live().find(|service| self.name(*service) == into.glob.0 && !selected.contains(service));
        if taken.is_some() {
            let message = format!("there is a series `{}` that is not selected; choose another name", into.glob.0);
            return Err(wrong(into.at, message));
        }
        let sum = ServiceId::from_index(self.names.len());
        selected.iter().for_each(|service| self.names[service.index()] = None);
        self.names.push(Some(into.glob.0.clone()));
        self.push(Sum::new(Arc::clone(selected), sum));
        Ok(Arc::new(BTreeSet::from([sum])))
    }

    fn merge(&mut self, at: Spot, merge: &Merge) -> Result<Selected, Refused> {
        let path = self.folder.join(&merge.file);
        let (base, names, begin) =
            base(&path, &TraceOptions { last: None, import: Import::default(), ..self.options.clone() }, false)?;
        let offsets = self.offsets(at, merge, begin)?;
        let mut ids = Vec::with_capacity(names.len());
        for name in names.into_iter().flatten() {
            let there = self.live().find(|service| self.name(*service) == name);
            match there {
                Some(service) if merge.adding => ids.push(service),
                Some(_) => {
                    let message =
                        format!("`{name}` is in both traces; `rename` it before, or write `adding` to add them up");
                    return Err(wrong(at, message));
                }
                None => {
                    ids.push(ServiceId::from_index(self.names.len()));
                    self.names.push(Some(name));
                }
            }
        }
        self.begin -= offsets[0].0;
        self.steps.push(Step::Merge(Box::new(Merging { base, offsets, ids: ids.into() })));
        Ok(Arc::new(self.live().collect()))
    }

    /// Where this trace's begin comes to lie in the merged one, and that of the other, which begins at `begin`.
    fn offsets(&self, at: Spot, merge: &Merge, begin: u64) -> Result<[Span; 2], Refused> {
        match merge.place {
            Alignment::Begin => Ok([Span::ZERO; 2]),
            Alignment::At(moment) => Ok([Span::ZERO, self.time(at, moment)?.since(Time::ZERO)]),
            Alignment::Clock if calendar::has_dates(begin) && calendar::has_dates(self.begin) => {
                let first = begin.min(self.begin);
                Ok([Span(self.begin - first), Span(begin - first)])
            }
            Alignment::Clock => {
                Err(wrong(at, "only traces with dates can be merged by clock; write where: `merge \"...\" at 2h`"))
            }
        }
    }
}

/// Whole-trace edits take no selection, and only levels can be changed for a time.
fn refuse_parts(select: &Select, edit: &Edit) -> Result<(), Refused> {
    use What as W;
    let text = edit.what.to_string();
    let name = text.split(' ').next().unwrap_or_default();
    let levels = matches!(edit.what, W::Scale(_) | W::Set(_) | W::Add(_) | W::Clip(..));
    let whole = matches!(
        edit.what,
        W::Cut(_) | W::Repeat(_) | W::RepeatFor(_) | W::Resample(_) | W::Merge(_) | W::Sort | W::Begin(_)
    );
    if whole && *select != Select::default() {
        return Err(wrong(edit.at, format!("`{name}` is of the whole trace; make it a statement without `select`")));
    }
    if let (Some(during), false) = (&select.during, levels) {
        let message = format!("`{name}` is of whole series; `during` goes with `scale`, `set`, `add RATE` and `clip`");
        return Err(wrong(during.at, message));
    }
    Ok(())
}

fn begin(at: Spot, moment: Moment) -> Result<u64, Refused> {
    match moment {
        Moment::Date(nanos) => Ok(nanos),
        Moment::Offset(span) if !calendar::has_dates(span.0) => Ok(span.0),
        _ => Err(wrong(
            at,
            "a trace begins at a date or at a number of seconds; write `begin at 2024-01-01` or `begin at 0s`",
        )),
    }
}

/// An edit that does not fit, as a mistake of the trace that it was held against.
impl Refused {
    /// As a mistake of a trace.
    pub fn of_trace(self, path: &Path) -> TraceError {
        match self {
            Self::Script(Wrong { at, message }) => {
                let what = crate::input::error::split_message(&message);
                let remedy = what.1.map(|remedy| format!("\n  {remedy}")).unwrap_or_default();
                let message = format!("edit: line {}, column {}: {}{remedy}", at.line, at.column, what.0);
                TraceError::whole(path, Fault::Edit(message))
            }
            Self::Trace(error) => *error,
        }
    }
}
