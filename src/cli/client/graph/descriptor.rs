//! What is sent of a graph: a file as it stands, once it was read without a mistake; or the name of an artifact, which the
//! server pulls.

use super::Sent;
use crate::cli::client::server::Ask;
use crate::cli::{Failure, yaml};
use crate::input::hdag;
use crate::serve::store::rows::Options;
use anyhow::{Context, anyhow};
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::Path;

/// What an artifact begins with.
const SCHEMES: [&str; 3] = ["oci://", "http://", "https://"];

/// What is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// The graph's name, where the descriptor is at hand.
    pub name: Option<String>,
    /// What is odd about the descriptor.
    pub notes: Vec<String>,
    media_type: &'static str,
    bytes: Vec<u8>,
}

impl Body {
    /// Reads what is to be sent.
    ///
    /// # Errors
    /// A file that cannot be read, or mistakes in it, with their lines.
    pub fn read(sent: &Sent) -> Result<Self, Failure> {
        let options = sent.options.as_deref().map(options).transpose()?;
        if SCHEMES.iter().any(|scheme| sent.what.starts_with(scheme)) {
            let mut body = json!({"artifact": sent.what});
            if let Some(options) = options {
                body["options"] = options;
            }
            return Ok(Self::json(None, Vec::new(), &body));
        }
        let text = text(&sent.what)?;
        let (descriptor, notes) = hdag::parse(text.as_str(), &sent.what).map_err(Failure::input)?;
        let notes = notes.iter().map(ToString::to_string).collect();
        let Some(options) = options else {
            let is_json = Path::new(&sent.what).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
            let media_type = if is_json { "application/json" } else { "application/yaml" };
            return Ok(Self { name: Some(descriptor.id), notes, media_type, bytes: text.into_bytes() });
        };
        let document = yaml::read(&text).with_context(|| sent.what.clone()).map_err(Failure::input)?;
        let Some(graph) = document.get("hdaGraph") else {
            return Err(Failure::input(anyhow!(
                "{}: the descriptor stands in a text, beside which no options can\n  write the document itself",
                sent.what
            )));
        };
        Ok(Self::json(Some(descriptor.id), notes, &json!({"hdaGraph": graph, "options": options})))
    }

    fn json(name: Option<String>, notes: Vec<String>, body: &Value) -> Self {
        Self { name, notes, media_type: "application/json", bytes: body.to_string().into_bytes() }
    }

    /// A request with this as its body.
    pub fn in_ask<'a>(&self, ask: Ask<'a>) -> Ask<'a> {
        ask.sending(self.media_type, self.bytes.clone())
    }
}

fn text(path: &str) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        let absent = error.kind() == io::ErrorKind::NotFound;
        let said = if absent { format!("there is no file `{path}`") } else { format!("{path}: {error}") };
        let remedy = "an artifact is written like oci://registry/repository:tag";
        Failure::input(anyhow!("{said}\n  {remedy}"))
    })
}

/// The options in a file, as the server reads them.
fn options(path: &Path) -> Result<Value, Failure> {
    let read = || {
        let document = yaml::read(&fs::read_to_string(path)?)?;
        let options: Options = serde_json::from_value(document)?;
        Ok::<_, anyhow::Error>(serde_json::to_value(options)?)
    };
    read().with_context(|| format!("{}: these are no options of a graph", path.display())).map_err(Failure::input)
}

#[cfg(test)]
mod tests {
    use super::{Body, Sent};
    use serde_json::{Value, json};
    use std::path::PathBuf;

    const SHOP: &str =
        "hdaGraph:\n  id: shop\n  services: [{id: front, deployment: {intent: {compute: {cpu: light, ram: light}}}}]\n";

    fn read(file: (&str, &str), options: Option<&str>) -> Result<Body, String> {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at(file.0), file.1).unwrap();
        let options: Option<PathBuf> = options.map(|text| {
            std::fs::write(at("options.yaml"), text).unwrap();
            at("options.yaml")
        });
        let sent = Sent { what: at(file.0).display().to_string(), options };
        Body::read(&sent).map_err(|failure| {
            assert_eq!(failure.code, 2);
            format!("{:#}", failure.error.unwrap())
        })
    }

    #[test]
    fn a_file_is_sent_as_it_stands() {
        let body = read(("shop.yaml", SHOP), None).unwrap();
        assert_eq!(
            (body.name.as_deref(), body.media_type, body.bytes.as_slice()),
            (Some("shop"), "application/yaml", SHOP.as_bytes())
        );
        let body = read(("shop.json", &json!({"hdaGraph": {"id": "j", "services": []}}).to_string()), None);
        assert!(body.is_err() || body.unwrap().media_type == "application/json");
    }

    #[test]
    fn options_stand_beside_the_descriptor() {
        let body = read(("shop.yaml", SHOP), Some("policy: anytime\nservices: {front: {replicas_max: 4}}\n")).unwrap();
        let sent: Value = serde_json::from_slice(&body.bytes).unwrap();
        assert_eq!(sent["hdaGraph"]["id"], "shop");
        assert_eq!(sent["options"]["services"]["front"], json!({"replicas_max": 4}));
        let said = read(("shop.yaml", SHOP), Some("polcy: anytime\n")).unwrap_err();
        assert!(said.contains("options.yaml") && said.contains("polcy"), "{said}");
    }

    #[test]
    fn a_mistake_is_told_with_its_line_before_anything_is_sent() {
        let wrong = SHOP.replace("cpu: light", "cpu: enormous");
        let said = read(("shop.yaml", &wrong), None).unwrap_err();
        assert!(said.contains("shop.yaml: line 3") && said.contains("enormous"), "{said}");
    }

    #[test]
    fn an_artifact_is_only_named() {
        let sent = Sent { what: "oci://registry/shop:1".into(), options: None };
        let body = Body::read(&sent).unwrap();
        assert_eq!(
            (body.name, serde_json::from_slice::<Value>(&body.bytes).unwrap()),
            (None, json!({"artifact": "oci://registry/shop:1"}))
        );
        let sent = Sent { what: "registry/shop:1".into(), options: None };
        let said = Body::read(&sent).unwrap_err().error.unwrap().to_string();
        assert!(said.contains("there is no file") && said.contains("oci://"), "{said}");
    }
}
