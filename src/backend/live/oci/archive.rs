//! A look into a packed archive, before anybody unpacks it.
//!
//! Nothing is unpacked to disk here: entries are read in memory, counted and weighed, so that a small archive that grows without
//! end, or one whose paths leave its folder, is refused by the first entry that breaks a limit.

use flate2::read::GzDecoder;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Entries that an archive may have.
const ENTRIES_MAX: usize = 10_000;
/// What a chart may weigh unpacked.
const CHART_BYTES_MAX: u64 = 256 << 20;
/// What an archive with a descriptor may: anybody may name one.
const PACKED_DESCRIPTOR_BYTES_MAX: u64 = 32 << 20;
/// What a descriptor may weigh.
const DESCRIPTOR_BYTES_MAX: u64 = 4 << 20;

/// Whether `packed` is a chart that may be given to Helm: it holds one `Chart.yaml` below one folder.
pub(super) fn check_chart(packed: &[u8]) -> Result<(), String> {
    let is_chart = |path: &Path| depth(path) == 2 && path.ends_with("Chart.yaml");
    let charts = files(packed, CHART_BYTES_MAX, is_chart)?.len();
    if charts == 1 { Ok(()) } else { Err(format!("it is no chart: it holds {charts} files like `name/Chart.yaml`")) }
}

/// A descriptor, and what lay beside it.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Its text.
    pub text: Vec<u8>,
    path: PathBuf,
    left_out: Vec<PathBuf>,
}

impl Found {
    /// A descriptor that was not packed.
    ///
    /// # Errors
    /// It is too large.
    pub fn whole(text: Vec<u8>) -> Result<Self, String> {
        if text.len() as u64 > DESCRIPTOR_BYTES_MAX {
            return Err(format!("it is larger than {} MiB", DESCRIPTOR_BYTES_MAX >> 20));
        }
        Ok(Self { text, path: PathBuf::new(), left_out: Vec::new() })
    }

    /// Which of several files was taken, in a sentence.
    pub fn note(&self) -> Option<String> {
        let others: Vec<String> = self.left_out.iter().map(|path| format!("`{}`", path.display())).collect();
        (!others.is_empty())
            .then(|| format!("the descriptor is `{}`, and not {}", self.path.display(), others.join(" or ")))
    }
}

/// The descriptor in `packed`: the first `*.yml`, else the first `*.yaml`; of several that which lies highest, then by name, and
/// not in the order of the archive, which may differ from one packing to the next.
///
/// # Errors
/// It is no archive, breaks a limit, holds no YAML file, or is a chart.
pub fn descriptor(packed: &[u8]) -> Result<Found, String> {
    let ends = |path: &Path, end: &str| path.extension().is_some_and(|found| found == end);
    let mut found = files(packed, PACKED_DESCRIPTOR_BYTES_MAX, |path| ends(path, "yml") || ends(path, "yaml"))?;
    if let Some((chart, _)) = found.iter().find(|(path, _)| depth(path) <= 2 && path.ends_with("Chart.yaml")) {
        return Err(format!("it is a Helm chart (it holds `{}`) and no descriptor of a graph", chart.display()));
    }
    found.sort_by_cached_key(|(path, _)| (!ends(path, "yml"), depth(path), path.clone()));
    let mut found = found.into_iter();
    let Some((path, text)) = found.next() else {
        return Err("it holds no descriptor; wanted a file `*.yml` or `*.yaml`".to_owned());
    };
    Ok(Found { text, path, left_out: found.map(|(path, _)| path).collect() })
}

fn depth(path: &Path) -> usize {
    path.components().filter(|part| *part != Component::CurDir).count()
}

/// The files that are `wanted`, after every entry was found to be harmless.
fn files(packed: &[u8], max: u64, wanted: impl Fn(&Path) -> bool) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
    // One byte more than is allowed, so that reaching it shows.
    let unpacked = GzDecoder::new(packed).take(max + 1);
    let mut archive = tar::Archive::new(unpacked);
    let broken = |error: std::io::Error| format!("it is no tar archive packed by gzip: {error}");
    let (mut found, mut weight) = (Vec::new(), 0_u64);
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.into_owned();
        weight = weight.saturating_add(entry.size());
        if count >= ENTRIES_MAX || weight > max {
            return Err(format!("it has more than {ENTRIES_MAX} entries or {} MiB unpacked", max >> 20));
        }
        if path.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(format!("its entry `{}` leaves its folder", path.display()));
        }
        let kind = entry.header().entry_type();
        if !(kind.is_file() || kind.is_dir() || kind.is_pax_global_extensions()) {
            return Err(format!("its entry `{}` is neither a file nor a folder", path.display()));
        }
        if kind.is_file() && wanted(&path) {
            if entry.size() > DESCRIPTOR_BYTES_MAX {
                return Err(format!("its file `{}` is larger than {} MiB", path.display(), DESCRIPTOR_BYTES_MAX >> 20));
            }
            let mut text = Vec::new();
            entry.read_to_end(&mut text).map_err(broken)?;
            found.push((path, text));
        }
    }
    Ok(found)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Found, check_chart, descriptor};
    use std::io::Write as _;

    /// An archive of these files; paths are written as they stand.
    pub fn packed(files: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, text) in files {
            let mut header = tar::Header::new_ustar();
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            archive.append(&header, text.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn the_descriptor_is_the_first_yaml_file_whatever_the_order_of_the_archive() {
        let one = descriptor(&packed(&[("readme.md", "x"), ("graph/graph.yml", "name: shop")])).unwrap();
        assert_eq!((one.text.as_slice(), one.note()), (b"name: shop".as_slice(), None));
        let files = [("b.yaml", "b"), ("a.yaml", "a"), ("deep/a.yml", "deep"), ("z.yml", "z")];
        let mut turned = files;
        turned.reverse();
        for files in [files, turned] {
            let found = descriptor(&packed(&files)).unwrap();
            assert_eq!(found.text, b"z");
            let note = "the descriptor is `z.yml`, and not `deep/a.yml` or `a.yaml` or `b.yaml`";
            assert_eq!(found.note().as_deref(), Some(note));
        }
        assert!(descriptor(&packed(&[])).unwrap_err().contains("no descriptor"));
        let chart = descriptor(&packed(&[("web/values.yaml", ""), ("web/Chart.yaml", "")])).unwrap_err();
        assert_eq!(chart, "it is a Helm chart (it holds `web/Chart.yaml`) and no descriptor of a graph");
    }

    #[test]
    fn a_descriptor_has_a_size() {
        assert_eq!(Found::whole(vec![b'x'; 10_000_000]).unwrap_err(), "it is larger than 4 MiB");
    }

    #[test]
    fn a_chart_has_one_chart_file_below_one_folder() {
        assert_eq!(check_chart(&packed(&[("web/Chart.yaml", ""), ("web/charts/db/Chart.yaml", "")])), Ok(()));
        assert_eq!(check_chart(&packed(&[("./web/Chart.yaml", "")])), Ok(()));
        assert!(check_chart(&packed(&[("Chart.yaml", "")])).unwrap_err().contains("holds 0 files"));
    }

    /// An archive of one empty entry with that header.
    fn one(change: impl Fn(&mut tar::Header)) -> Vec<u8> {
        let mut header = tar::Header::new_ustar();
        header.set_size(0);
        header.set_path("x.yaml").unwrap();
        change(&mut header);
        header.set_cksum();
        let mut archive = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        archive.write_all(header.as_bytes()).unwrap();
        archive.finish().unwrap()
    }

    /// Archives that are no good, and what is said of them.
    pub fn hostile() -> Vec<(Vec<u8>, &'static str)> {
        let link = |kind| {
            one(move |header| {
                header.set_entry_type(kind);
                header.set_link_name("/etc/passwd").unwrap();
            })
        };
        let zeros = "0".repeat(40_000_000);
        let many: Vec<String> = (0..10_001).map(|at| format!("{at}.txt")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|path| (path.as_str(), "")).collect();
        vec![
            (packed(&[("../x.yaml", "")]), "its entry `../x.yaml` leaves its folder"),
            (packed(&[("/etc/x.yaml", "")]), "its entry `/etc/x.yaml` leaves its folder"),
            (packed(&[("a/../../x.yaml", "")]), "its entry `a/../../x.yaml` leaves its folder"),
            (link(tar::EntryType::Symlink), "neither a file nor a folder"),
            (link(tar::EntryType::Link), "neither a file nor a folder"),
            (one(|header| header.set_entry_type(tar::EntryType::Fifo)), "neither a file nor a folder"),
            (one(|header| header.set_size(1 << 40)), "32 MiB unpacked"),
            (packed(&[("zeros.bin", &zeros), ("x.yaml", "")]), "32 MiB unpacked"),
            (packed(&many), "more than 10000 entries"),
            (packed(&[("large.yaml", &zeros[..10_000_000])]), "its file `large.yaml` is larger than 4 MiB"),
            (packed(&[("readme.md", "x")]), "it holds no descriptor"),
            (b"PK".to_vec(), "no tar archive packed by gzip"),
            (b"\x1f\x8b and no more".to_vec(), "no tar archive packed by gzip"),
        ]
    }

    #[test]
    fn what_is_harmful_is_refused() {
        for (archive, says) in hostile() {
            let reason = descriptor(&archive).unwrap_err();
            assert!(reason.contains(says), "wanted `{says}`: {reason}");
        }
    }
}
