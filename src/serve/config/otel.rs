//! From what was written of a collector to what is meant: an address, headers, and a build that can send anything there.

use super::checked::Checker;
use super::outside::OtelFile;
use super::{Otel, Secret};
use crate::input::InputError;
use axum::http::{HeaderName, HeaderValue};

/// Where collectors take traces, below their address.
const TRACES: &str = "/v1/traces";

impl Checker<'_> {
    /// The collector, where one is named; `is_built`: whether this build can send traces.
    pub(super) fn otel(&self, file: &OtelFile, is_built: bool) -> Result<Option<Otel>, InputError> {
        let Some(written) = file.endpoint.as_deref().filter(|written| !written.is_empty()) else { return Ok(None) };
        let endpoint = self.url("otel.endpoint", written)?;
        if !is_built {
            let message = "needs the feature `otel`, which this build lacks; build it by \
                           `cargo build --release --features live,otel`, or leave the key out";
            return Err(self.error("otel.endpoint", message));
        }
        let endpoint = if endpoint.ends_with(TRACES) { endpoint } else { format!("{endpoint}{TRACES}") };
        let headers = headers(file.headers.as_deref().unwrap_or_default());
        let headers = headers.map_err(|message| self.error("otel.headers", message))?;
        Ok(Some(Otel { endpoint, headers, service_name: file.service_name.clone() }))
    }
}

/// Headers as the standard variable has them: `name=value,name=value`, letters by their number where they would end something. What is wrong
/// is told by its place, since any part of it may be a secret.
fn headers(written: &str) -> Result<Vec<(String, Secret)>, String> {
    let header = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (name.trim().to_ascii_lowercase(), decoded(value.trim())?);
        let is_header = HeaderName::try_from(&name).is_ok() && HeaderValue::try_from(&value).is_ok();
        is_header.then_some((name, Secret::new(value)))
    };
    let wrong =
        |number| format!("number {number} is no header; write `authorization=Bearer%20TOKEN`, with commas between");
    let pairs = written.split(',').map(str::trim).zip(1..).filter(|(pair, _)| !pair.is_empty());
    pairs.map(|(pair, number)| header(pair).ok_or_else(|| wrong(number))).collect()
}

/// A text in which `%20` stands for a blank.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::super::environment::Environment;
    use super::super::outside::OtelFile;
    use super::{Checker, decoded, headers};
    use crate::input::settings::Settings;
    use std::collections::BTreeMap;

    #[test]
    fn headers_are_read_as_the_standard_variable_has_them() {
        let read = headers("Authorization=Bearer%20a%3Db, x-scope = team ,").unwrap();
        let plain: Vec<(&str, &str)> = read.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
        assert_eq!(plain, [("authorization", "Bearer a=b"), ("x-scope", "team")]);
        assert_eq!(headers("").unwrap(), []);
        for wrong in ["a=1,hunter2", "a=1,b c=hunter2", "a=1,b=hunter2%2", "a=1,b=hunter2%0A"] {
            let said = headers(wrong).unwrap_err();
            assert!(said.starts_with("number 2 is no header") && !said.contains("hunter2"), "{said}");
        }
        assert_eq!(decoded("%zz"), None);
        assert_eq!(decoded("100%25").as_deref(), Some("100%"));
    }

    #[test]
    fn a_build_without_the_feature_says_which_one_is_missing() {
        let (settings, environment) = (Settings::read(None, "h").unwrap(), Environment::new());
        let checker = Checker {
            settings: &settings,
            outside: &BTreeMap::new(),
            folder: std::path::PathBuf::new(),
            environment: &environment,
        };
        let file = OtelFile { endpoint: Some("http://collector:4318/".to_owned()), ..OtelFile::default() };
        let said = checker.otel(&file, false).unwrap_err().to_string();
        assert!(said.contains("field `otel.endpoint`: needs the feature `otel`, which this build lacks"), "{said}");
        assert_eq!(checker.otel(&OtelFile::default(), false).unwrap(), None, "who wants nothing lacks nothing");
        assert_eq!(checker.otel(&file, true).unwrap().unwrap().endpoint, "http://collector:4318/v1/traces");
        let whole = OtelFile { endpoint: Some("http://collector/otlp/v1/traces".to_owned()), ..OtelFile::default() };
        assert_eq!(checker.otel(&whole, true).unwrap().unwrap().endpoint, "http://collector/otlp/v1/traces");
    }
}
