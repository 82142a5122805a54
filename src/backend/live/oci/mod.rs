//! Charts and descriptors from registries: pulled by digest, looked at before they are used, kept as local files.
//!
//! A tag may mean another thing tomorrow, so what is deployed is named by the digest of its manifest, and both the manifest and
//! the layer are checked against their digests. What comes from a registry is not trusted: it has a size, a number of entries, and
//! no path that leaves its folder. Files are named by digest, so pulling the same thing twice downloads it once.

mod archive;
mod newest;
mod reference;
mod trouble;

pub use reference::Name;

use super::digest::{is_digest, sha256};
use super::http::Auth;
use super::outside::{CallError, Class, Limits, Outside};
use super::tls;
use futures::TryStreamExt as _;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::manifest::{OciDescriptor, OciImageManifest, OciManifest};
use oci_client::{Client, Reference};
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a layer may weigh.
const LAYER_BYTES_MAX: usize = 64 << 20;
/// One try moves at most [`LAYER_BYTES_MAX`].
const LIMITS: Limits = Limits { each: Duration::from_mins(1), all: Duration::from_mins(3), tries: 4 };

/// The configuration that makes an artifact a Helm chart.
const CHART_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// The layer of a Helm chart that holds it; another may hold its provenance.
const CHART_LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// Layers that are archives.
const ARCHIVE_LAYERS: [&str; 2] = ["application/vnd.oci.image.layer.v1.tar+gzip", CHART_LAYER];
/// Layers that are a descriptor as it stands.
const YAML_LAYERS: [&str; 3] = ["application/yaml", "application/x-yaml", "text/yaml"];

/// What an artifact turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Helm chart, packed (`.tgz`).
    Chart,
    /// A descriptor (`.yaml`).
    Descriptor,
}

/// An artifact that was pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// What it is.
    pub kind: Kind,
    /// The digest of its manifest: the name under which it is pulled again.
    pub digest: String,
    /// Where it is now.
    pub file: PathBuf,
    /// The digest of that file.
    pub file_digest: String,
}

/// A client of registries.
pub struct Registry {
    client: Client,
    auth: Auth,
    outside: Outside,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("auth", &self.auth).field("outside", &self.outside).finish_non_exhaustive()
    }
}

impl Registry {
    /// A client; `plain_hosts` (with port) are spoken to without encryption, all others never.
    pub fn new(plain_hosts: &[String], auth: Auth) -> Self {
        tls::install();
        let config = ClientConfig {
            protocol: ClientProtocol::HttpsExcept(plain_hosts.to_vec()),
            connect_timeout: Some(Duration::from_secs(5)),
            read_timeout: Some(Duration::from_secs(20)),
            ..ClientConfig::default()
        };
        Self { client: Client::new(config), auth, outside: Outside::new("registry", LIMITS) }
    }

    /// Its tries, counts and breaker.
    pub const fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Pulls what `reference` (`oci://host/repository:tag` or `...@sha256:...`) names into `folder`.
    ///
    /// # Errors
    /// The reference is wrong, there is no such thing ([`CallError::is_absent`]), its digest is another, it is neither a chart nor a
    /// descriptor, it breaks a limit, or the registry does not answer.
    pub async fn pull(&self, reference: &str, folder: &Path) -> Result<Pulled, CallError> {
        let what = format!("pull {reference}");
        let name = reference.parse::<Name>().map_err(|reason| permanent(&what, reason))?;
        let (manifest, digest) = self.manifest(&what, &name).await?;
        let (kind, layer) = chosen(&what, &manifest)?;
        let kept = folder.join(format!("{}.tgz", layer.digest.replace(':', "-")));
        let bytes = match std::fs::read(&kept) {
            Ok(bytes) if sha256(&bytes) == layer.digest => bytes,
            _ => self.outside.call(&what, || self.layer(&what, &name, layer)).await?,
        };
        let (file, bytes) = match kind {
            Kind::Chart => {
                archive::check_chart(&bytes).map_err(|reason| permanent(&what, reason))?;
                (kept, bytes)
            }
            Kind::Descriptor => {
                let is_archive = ARCHIVE_LAYERS.contains(&layer.media_type.as_str());
                let text = if is_archive { archive::descriptor(&bytes) } else { Ok(bytes) };
                let text = text.map_err(|reason| permanent(&what, reason))?;
                (folder.join(format!("{}.yaml", digest.replace(':', "-"))), text)
            }
        };
        keep(&file, &bytes).map_err(|error| {
            let reason = format!("{}: {error}", file.display());
            CallError::new("registry", &what, Class::Retryable, reason)
        })?;
        Ok(Pulled { kind, digest, file, file_digest: sha256(&bytes) })
    }

    /// The manifest, and its digest; of an index the first manifest, and the digest of the index.
    async fn manifest(&self, what: &str, name: &Name) -> Result<(OciImageManifest, String), CallError> {
        let (found, digest) = self.outside.call(what, || self.try_manifest(what, name.reference())).await?;
        let index = match found {
            OciManifest::Image(manifest) => return Ok((manifest, digest)),
            OciManifest::ImageIndex(index) => index,
        };
        let first = index.manifests.first().ok_or_else(|| permanent(what, "its index is empty"))?;
        let inner = name.at(&first.digest);
        match self.outside.call(what, || self.try_manifest(what, &inner)).await?.0 {
            OciManifest::Image(manifest) => Ok((manifest, digest)),
            OciManifest::ImageIndex(_) => Err(permanent(what, "its index holds another index")),
        }
    }

    async fn try_manifest(&self, what: &str, reference: &Reference) -> Result<(OciManifest, String), CallError> {
        let auth = self.auth();
        let found = self.client.pull_manifest(reference, &auth).await;
        found.map_err(|error| trouble::error(what, &error))
    }

    async fn layer(&self, what: &str, name: &Name, layer: &OciDescriptor) -> Result<Vec<u8>, CallError> {
        let stream = self.client.pull_blob_stream(name.reference(), layer).await;
        let mut stream = stream.map_err(|error| trouble::error(what, &error))?;
        let mut bytes = Vec::new();
        // The client checks the digest when the stream ends.
        while let Some(chunk) = stream.try_next().await.map_err(|error| trouble::of_stream(what, &error))? {
            if bytes.len() + chunk.len() > LAYER_BYTES_MAX {
                return Err(too_large(what));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// What the artifact is, and the layer that holds it.
fn chosen<'a>(what: &str, manifest: &'a OciImageManifest) -> Result<(Kind, &'a OciDescriptor), CallError> {
    let kind = if manifest.config.media_type == CHART_CONFIG { Kind::Chart } else { Kind::Descriptor };
    let fits = |media_type: &str| match kind {
        Kind::Chart => media_type == CHART_LAYER,
        Kind::Descriptor => ARCHIVE_LAYERS.contains(&media_type) || YAML_LAYERS.contains(&media_type),
    };
    let mut fitting = manifest.layers.iter().filter(|layer| fits(&layer.media_type));
    let (Some(layer), None) = (fitting.next(), fitting.next()) else {
        let types: Vec<&str> = manifest.layers.iter().map(|layer| layer.media_type.as_str()).collect();
        let reason = format!("wanted one layer with a chart or a descriptor, found [{}]", types.join(", "));
        return Err(permanent(what, reason));
    };
    if usize::try_from(layer.size).map_or(true, |size| size > LAYER_BYTES_MAX) {
        return Err(too_large(what));
    }
    if !is_digest(&layer.digest) {
        return Err(permanent(what, format!("`{}` is no digest; wanted sha256", layer.digest)));
    }
    Ok((kind, layer))
}

/// Writes a file so that it is there as a whole or not at all.
fn keep(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut whole = tempfile::NamedTempFile::new_in(folder)?;
    whole.write_all(bytes)?;
    whole.persist(file)?;
    Ok(())
}

fn permanent(what: &str, reason: impl fmt::Display) -> CallError {
    CallError::new("registry", what, Class::Permanent, reason)
}

fn too_large(what: &str) -> CallError {
    permanent(what, format!("its layer is larger than {} MiB", LAYER_BYTES_MAX >> 20))
}

#[cfg(test)]
mod tests;
