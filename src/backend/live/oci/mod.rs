//! Charts and descriptors from registries: pulled by digest, looked at before they are used, kept as local files.
//!
//! `reference` reads names, `wire` speaks the protocol, `archive` looks into what came, `trouble` says what went wrong; `download` is
//! for files that lie on a web server.
//!
//! A tag may mean another thing tomorrow, so what is deployed is named by the digest of its manifest, and both the manifest and
//! the layer are checked against their digests. What comes from a registry is not trusted: it has a size, a number of entries, and
//! no path that leaves its folder. Files are named by digest, so pulling the same thing twice downloads it once.

pub mod archive;
pub mod download;
mod newest;
mod reference;
mod trouble;
mod wire;

pub use reference::{Name, Wanted};

use super::busy::busy;
use super::digest::{is_digest, sha256};
use super::http::Auth;
use super::outside::{CallError, Class, Limits, Outside};
use super::reach::Reach;
use oci_client::manifest::{OciDescriptor, OciImageManifest, OciManifest};
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trouble::permanent;

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
/// How the media types of archives end, whoever made them: tools give descriptors types of their own.
const ARCHIVE_ENDS: [&str; 5] = ["tar+gzip", "tar.gzip", "tgz", "/gzip", "/x-gzip"];

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

/// A descriptor that was pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledDescriptor {
    /// The digest of its manifest.
    pub digest: String,
    /// Its text.
    pub text: Vec<u8>,
    /// What was chosen where there was a choice, in sentences.
    pub notes: Vec<String>,
}

/// A client of registries.
pub struct Registry {
    wire: wire::Wire,
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
        Self::of(plain_hosts, auth, None)
    }

    /// The same for references that come from users: it goes within `reach` alone.
    pub fn within(reach: Reach, plain_hosts: &[String], auth: Auth) -> Self {
        Self::of(plain_hosts, auth, Some(reach))
    }

    fn of(plain_hosts: &[String], auth: Auth, reach: Option<Reach>) -> Self {
        let wire = wire::Wire::new(plain_hosts, auth.clone(), reach);
        Self { wire, auth, outside: Outside::new("registry", LIMITS) }
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
            _ => self.outside.call(&what, || self.wire.layer(&what, name.reference(), layer)).await?,
        };
        let (file, bytes) = match kind {
            Kind::Chart => {
                archive::check_chart(&bytes).map_err(|reason| permanent(&what, reason))?;
                (kept, bytes)
            }
            Kind::Descriptor => {
                let is_archive = ARCHIVE_LAYERS.contains(&layer.media_type.as_str());
                let text = if is_archive { archive::descriptor(&bytes).map(|found| found.text) } else { Ok(bytes) };
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

    /// The descriptor of the graph that `wanted` names, whatever media types its tool has given it; without a version the newest.
    ///
    /// # Errors
    /// As [`Self::pull`]; and where it is a chart.
    pub async fn pull_descriptor(&self, wanted: &Wanted) -> Result<PulledDescriptor, CallError> {
        let what = format!("pull {wanted}");
        let (name, note) = self.versioned(&what, wanted).await?;
        let mut notes: Vec<String> = note.into_iter().collect();
        let (manifest, digest) = self.manifest(&what, &name).await?;
        let layer = packed(&what, &manifest)?;
        let bytes = self.outside.call(&what, || self.wire.layer(&what, name.reference(), layer)).await?;
        let is_yaml = YAML_LAYERS.contains(&layer.media_type.as_str());
        let found = busy(|| if is_yaml { archive::Found::whole(bytes) } else { archive::descriptor(&bytes) });
        let found = found.map_err(|reason| permanent(&what, reason))?;
        notes.extend(found.note());
        Ok(PulledDescriptor { digest, text: found.text, notes })
    }

    /// The reference by digest: what is pulled by it later is what was meant now. Without a version, the newest counts, as for Helm.
    ///
    /// # Errors
    /// The reference is wrong, there is no such thing or no version of it, or the registry does not answer.
    pub async fn resolve(&self, reference: &str) -> Result<String, CallError> {
        let what = format!("resolve {reference}");
        let wanted = reference.parse::<Wanted>().map_err(|reason| permanent(&what, reason))?;
        let (name, _) = self.versioned(&what, &wanted).await?;
        let (_, digest) = self.manifest(&what, &name).await?;
        Ok(name.pinned(&digest))
    }

    /// The name with its version: the newest where none is said, which is noted.
    async fn versioned(&self, what: &str, wanted: &Wanted) -> Result<(Name, Option<String>), CallError> {
        if let Some(name) = wanted.name() {
            return Ok((name.clone(), None));
        }
        let repository = wanted.repository();
        let tags = self.outside.call(what, || self.wire.tags(what, repository)).await?;
        let tag = newest::of(&tags).map_err(|reason| permanent(what, reason))?;
        let note = format!("no version was named: it is `{tag}`, the newest of {}", tags.len());
        Ok((wanted.tagged(tag).map_err(|reason| permanent(what, reason))?, Some(note)))
    }

    /// The manifest, and its digest; of an index the first manifest, and the digest of the index.
    async fn manifest(&self, what: &str, name: &Name) -> Result<(OciImageManifest, String), CallError> {
        let (found, digest) = self.outside.call(what, || self.wire.manifest(what, name.reference())).await?;
        let index = match found {
            OciManifest::Image(manifest) => return Ok((manifest, digest)),
            OciManifest::ImageIndex(index) => index,
        };
        let first = index.manifests.first().ok_or_else(|| permanent(what, "its index is empty"))?;
        let inner = name.at(&first.digest);
        match self.outside.call(what, || self.wire.manifest(what, &inner)).await?.0 {
            OciManifest::Image(manifest) => Ok((manifest, digest)),
            OciManifest::ImageIndex(_) => Err(permanent(what, "its index holds another index")),
        }
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
    check_layer(what, layer)?;
    Ok((kind, layer))
}

/// The one layer that may hold a descriptor.
fn packed<'a>(what: &str, manifest: &'a OciImageManifest) -> Result<&'a OciDescriptor, CallError> {
    let fits = |layer: &&OciDescriptor| {
        let media_type = layer.media_type.as_str();
        YAML_LAYERS.contains(&media_type) || ARCHIVE_ENDS.iter().any(|end| media_type.ends_with(end))
    };
    let mut fitting = manifest.layers.iter().filter(fits);
    let (Some(layer), None) = (fitting.next(), fitting.next()) else {
        let types: Vec<&str> = manifest.layers.iter().map(|layer| layer.media_type.as_str()).collect();
        let reason = format!(
            "wanted one layer with a descriptor (a media type like `application/yaml` or `...tar+gzip`), found [{}]",
            types.join(", ")
        );
        return Err(permanent(what, reason));
    };
    check_layer(what, layer)?;
    Ok(layer)
}

fn check_layer(what: &str, layer: &OciDescriptor) -> Result<(), CallError> {
    if usize::try_from(layer.size).map_or(true, |size| size > LAYER_BYTES_MAX) {
        let reason = format!("its layer is larger than {} MiB", LAYER_BYTES_MAX >> 20);
        return Err(permanent(what, reason));
    }
    if !is_digest(&layer.digest) {
        return Err(permanent(what, format!("`{}` is no digest; wanted sha256", layer.digest)));
    }
    Ok(())
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

#[cfg(test)]
mod tests;
