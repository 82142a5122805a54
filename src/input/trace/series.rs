//! Which series of a trace is which service.
//!
//! A trace names its series as whoever recorded it did; a scenario may take them by their names, give the only series of a
//! file to a service, or choose some and name the service of each. What is left over is an error unless it was chosen so:
//! a misspelled name must not become a service without load.

use super::error::{Fault, listed, shown};
use crate::input::error::nearest;
use crate::model::ServiceId;
use crate::model::id::Id;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The services that rates can be for, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceNames(Arc<Names>);

#[derive(Debug, PartialEq, Eq)]
struct Names {
    list: Vec<String>,
    /// A public trace may have a hundred thousand.
    by_name: BTreeMap<String, ServiceId>,
}

impl ServiceNames {
    /// The services of an application, in the order of their ids.
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        let list: Vec<String> = names.into_iter().map(Into::into).collect();
        let mut by_name = BTreeMap::new();
        for (index, name) in list.iter().enumerate() {
            by_name.entry(name.clone()).or_insert(ServiceId::from_index(index));
        }
        Self(Arc::new(Names { list, by_name }))
    }

    /// The service of this name.
    pub fn id(&self, name: &str) -> Option<ServiceId> {
        self.0.by_name.get(name).copied()
    }

    /// The name of a service.
    ///
    /// # Panics
    /// Where the id is from another application.
    pub fn name(&self, id: ServiceId) -> &str {
        &self.0.list[id.index()]
    }

    /// The number of services.
    pub fn count(&self) -> usize {
        self.0.list.len()
    }

    /// All names, in the order of the ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.list.iter().map(String::as_str)
    }

    fn require(&self, name: &str) -> Result<ServiceId, Fault> {
        self.id(name).ok_or_else(|| {
            let nearest = nearest(name, self.iter());
            Fault::UnknownService {
                name: shown(name.as_bytes()),
                hint: nearest.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default(),
                known: listed(self.iter()),
            }
        })
    }
}

/// Which series are read, and as which services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Selection {
    /// All of them, each as the service of its name.
    #[default]
    ByName,
    /// The only series of the file, whatever its name, as this service.
    Only(String),
    /// These, by their names in the trace, each as the service given; the others are ignored.
    Chosen(BTreeMap<String, String>),
}

/// The names that a trace turns out to have, in the order in which they are met: for whoever reads a file without knowing
/// what is in it.
#[derive(Debug, Clone, Default)]
pub struct Found(Arc<Mutex<FoundNames>>);

#[derive(Debug, Default)]
struct FoundNames {
    list: Vec<String>,
    by_name: BTreeMap<String, ServiceId>,
}

impl Found {
    /// The names so far.
    pub fn names(&self) -> ServiceNames {
        ServiceNames::new(self.0.lock().unwrap_or_else(PoisonError::into_inner).list.iter().cloned())
    }

    /// The service of a name, which is a new one if need be.
    fn id(&self, name: &str) -> ServiceId {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = found.by_name.get(name) {
            return *id;
        }
        let id = ServiceId::from_index(found.list.len());
        found.list.push(name.to_owned());
        found.by_name.insert(name.to_owned(), id);
        id
    }
}

/// The series of one trace, as they are met.
#[derive(Debug, Clone)]
pub struct Series {
    services: ServiceNames,
    /// Where new names go, if every name is welcome.
    found: Option<Found>,
    selection: Selection,
    /// Every name that was met, with its service; `None` where it is not chosen.
    met: Vec<(Box<[u8]>, Option<ServiceId>)>,
    by_name: BTreeMap<Box<[u8]>, usize>,
    /// Which of `met` is which service.
    by_service: BTreeMap<ServiceId, usize>,
    /// Where in `met` the next name is expected: rows come in the same order at every time.
    expected: usize,
    /// Whether other files of the same trace may have the series that this one lacks.
    is_part: bool,
}

/// More series than any application has services.
const SERIES_MAX: usize = 100_000;

impl Series {
    /// None met so far.
    pub fn new(services: ServiceNames, selection: Selection) -> Self {
        let (by_name, by_service) = (BTreeMap::new(), BTreeMap::new());
        let (found, met) = (None, Vec::new());
        Self { services, found, selection, met, by_name, by_service, expected: 0, is_part: false }
    }

    /// None met so far, and every name a service of its own, which `found` collects.
    pub fn finding(found: &Found) -> Self {
        let none = ServiceNames::new::<String>([]);
        Self { found: Some(found.clone()), ..Self::new(none, Selection::ByName) }
    }

    /// For one of several files of a trace: it need not have every series that is chosen.
    #[must_use]
    pub fn of_part(self) -> Self {
        Self { is_part: true, ..self }
    }

    /// The service of the series `name`; `None` where it is not to be read.
    ///
    /// # Errors
    /// Where the name is no text or no service.
    pub fn service(&mut self, name: &[u8]) -> Result<Option<ServiceId>, Fault> {
        if let Some((known, service)) = self.met.get(self.expected)
            && **known == *name
        {
            let service = *service;
            self.expect_after(self.expected);
            return Ok(service);
        }
        let index = match self.by_name.get(name) {
            Some(&index) => index,
            None if self.met.len() >= SERIES_MAX && self.is_left_out(name) => return Ok(None),
            None => self.meet(name)?,
        };
        self.expect_after(index);
        Ok(self.met[index].1)
    }

    /// Whether a name is not chosen where others are: of those there may be any number.
    fn is_left_out(&self, name: &[u8]) -> bool {
        let text = std::str::from_utf8(name).unwrap_or_default().trim();
        matches!(&self.selection, Selection::Chosen(chosen) if !chosen.contains_key(text))
    }

    fn expect_after(&mut self, index: usize) {
        self.expected = if index + 1 < self.met.len() { index + 1 } else { 0 };
    }

    fn meet(&mut self, name: &[u8]) -> Result<usize, Fault> {
        if self.met.len() >= SERIES_MAX {
            return Err(Fault::TooManySeries(SERIES_MAX));
        }
        let service = self.resolve(name)?;
        if let Some(service) = service
            && let Some(first) = self.by_service.insert(service, self.met.len())
        {
            let first = shown(&self.met[first].0);
            return Err(Fault::SharedService { service: self.name(service).to_owned(), first, second: shown(name) });
        }
        self.met.push((name.into(), service));
        self.by_name.insert(name.into(), self.met.len() - 1);
        Ok(self.met.len() - 1)
    }

    fn resolve(&self, name: &[u8]) -> Result<Option<ServiceId>, Fault> {
        if name.trim_ascii().is_empty() {
            return Err(Fault::Missing);
        }
        let text = std::str::from_utf8(name).map_err(|_| Fault::NotUtf8(shown(name)))?;
        match &self.selection {
            Selection::ByName if self.found.is_some() => Ok(self.found.as_ref().map(|found| found.id(text.trim()))),
            Selection::ByName => self.services.require(text.trim()).map(Some),
            Selection::Only(service) if self.met.is_empty() => self.services.require(service).map(Some),
            Selection::Only(_) => Err(Fault::SeveralSeries { found: self.names_met(Some(text)) }),
            Selection::Chosen(chosen) => {
                chosen.get(text.trim()).map(|service| self.services.require(service)).transpose()
            }
        }
    }

    /// Checks, once all series were met, that every chosen one was.
    ///
    /// # Errors
    /// The first that was not.
    pub fn check_all_met(&self) -> Result<(), Fault> {
        let Selection::Chosen(chosen) = &self.selection else { return Ok(()) };
        if self.is_part {
            return Ok(());
        }
        let met = |name: &String| self.met.iter().any(|(met, _)| met.trim_ascii() == name.as_bytes());
        match chosen.keys().find(|name| !met(name)) {
            Some(name) => Err(Fault::UnknownSeries { name: shown(name.as_bytes()), found: self.names_met(None) }),
            None => Ok(()),
        }
    }

    fn names_met(&self, more: Option<&str>) -> String {
        let names: Vec<String> = self
            .met
            .iter()
            .map(|(name, _)| String::from_utf8_lossy(name).into_owned())
            .chain(more.map(str::to_owned))
            .collect();
        listed(names.iter().map(String::as_str))
    }

    /// The services that series can be for.
    pub fn services(&self) -> ServiceNames {
        self.found.as_ref().map_or_else(|| self.services.clone(), Found::names)
    }

    /// The name of a service.
    pub fn name(&self, service: ServiceId) -> &str {
        if self.found.is_none() {
            return self.services.name(service);
        }
        let met = self.by_service.get(&service).map(|index| &self.met[*index].0);
        met.and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default().trim()
    }
}

#[cfg(test)]
mod tests {
    use super::{Selection, Series, ServiceNames};
    use crate::input::trace::error::Fault;
    use crate::model::ServiceId;

    fn series(selection: Selection) -> Series {
        Series::new(ServiceNames::new(["frontend", "cart", "payment"]), selection)
    }

    #[test]
    fn names_are_found_in_any_order() {
        let mut series = series(Selection::ByName);
        for (name, id) in
            [("cart", 1), ("frontend", 0), ("cart", 1), ("cart", 1), ("payment", 2), ("cart", 1), ("frontend", 0)]
        {
            assert_eq!(series.service(name.as_bytes()), Ok(Some(ServiceId(id))), "{name}");
        }
    }

    #[test]
    fn an_unknown_service_is_told_with_the_nearest_and_all_names() {
        let error = series(Selection::ByName).service(b"fronted").expect_err("nobody defines it").to_string();
        assert!(error.starts_with("nobody defines the service `fronted`, did you mean `frontend`?\n"), "{error}");
        assert!(error.contains("services are `frontend`, `cart`, `payment`"), "{error}");
    }

    #[test]
    fn the_only_series_may_have_any_name() {
        let mut series = series(Selection::Only("cart".into()));
        assert_eq!(series.service(b"nasa-www"), Ok(Some(ServiceId(1))));
        assert_eq!(series.service(b"nasa-www"), Ok(Some(ServiceId(1))));
        assert!(matches!(series.service(b"other"), Err(Fault::SeveralSeries { .. })));
    }

    #[test]
    fn chosen_series_take_their_service_and_others_are_ignored() {
        let chosen = [("llm-code", "cart"), ("absent", "payment")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let mut series = series(Selection::Chosen(chosen.into()));
        assert_eq!(series.service(b"llm-conv"), Ok(None));
        assert_eq!(series.service(b"llm-code"), Ok(Some(ServiceId(1))));
        assert!(matches!(series.check_all_met(), Err(Fault::UnknownSeries { name, .. }) if name == "absent"));
    }

    #[test]
    fn two_series_cannot_be_one_service() {
        let chosen = [("a", "cart"), ("b", "cart")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let mut series = series(Selection::Chosen(chosen.into()));
        assert_eq!(series.service(b"a"), Ok(Some(ServiceId(1))));
        assert!(matches!(series.service(b"b"), Err(Fault::SharedService { .. })));
    }
}
