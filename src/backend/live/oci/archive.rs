//! A look into a packed archive, before anybody unpacks it.
//!
//! Nothing is unpacked to disk here: entries are read in memory, counted and weighed, so that a small archive that grows without
//! end, or one whose paths leave its folder, is refused by the first entry that breaks a limit.

use flate2::read::GzDecoder;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Entries that an archive may have.
const ENTRIES_MAX: usize = 10_000;
/// What it may weigh unpacked.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;
/// What a descriptor may weigh.
const DESCRIPTOR_BYTES_MAX: u64 = 4 << 20;

/// Whether `packed` is a chart that may be given to Helm: it holds one `Chart.yaml` below one folder.
pub(super) fn check_chart(packed: &[u8]) -> Result<(), String> {
    let depth = |path: &Path| path.components().filter(|part| *part != Component::CurDir).count();
    let is_chart = |path: &Path| depth(path) == 2 && path.ends_with("Chart.yaml");
    let charts = files(packed, is_chart)?.len();
    if charts == 1 { Ok(()) } else { Err(format!("it is no chart: it holds {charts} files like `name/Chart.yaml`")) }
}

/// The one YAML file in `packed`.
pub(super) fn descriptor(packed: &[u8]) -> Result<Vec<u8>, String> {
    let is_yaml = |path: &Path| path.extension().is_some_and(|end| end == "yml" || end == "yaml");
    let mut found = files(packed, is_yaml)?;
    match (found.pop(), found.as_slice()) {
        (Some((_path, text)), []) => Ok(text),
        (None, _) => Err("it holds no descriptor; wanted one file `*.yml` or `*.yaml`".to_owned()),
        (Some(last), others) => {
            let names = others.iter().chain([&last]).map(|(path, _)| path.display().to_string());
            let mut names: Vec<String> = names.collect();
            names.sort();
            Err(format!("which of {} is the descriptor? wanted one file `*.yml` or `*.yaml`", names.join(", ")))
        }
    }
}

/// The files that are `wanted`, after every entry was found to be harmless.
fn files(packed: &[u8], wanted: impl Fn(&Path) -> bool) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
    // One byte more than is allowed, so that reaching it shows.
    let unpacked = GzDecoder::new(packed).take(UNPACKED_BYTES_MAX + 1);
    let mut archive = tar::Archive::new(unpacked);
    let broken = |error: std::io::Error| format!("it is no tar archive packed by gzip: {error}");
    let (mut found, mut weight) = (Vec::new(), 0_u64);
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.into_owned();
        weight = weight.saturating_add(entry.size());
        if count >= ENTRIES_MAX || weight > UNPACKED_BYTES_MAX {
            return Err(format!("it has more than {ENTRIES_MAX} entries or {} MiB unpacked", UNPACKED_BYTES_MAX >> 20));
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
pub(super) mod tests {
    use super::{check_chart, descriptor};
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
    fn the_descriptor_is_the_one_yaml_file() {
        let one = packed(&[("readme.md", "x"), ("graph/graph.yml", "name: shop")]);
        assert_eq!(descriptor(&one).unwrap(), b"name: shop");
        let two = descriptor(&packed(&[("b.yaml", ""), ("a.yml", "")])).unwrap_err();
        assert_eq!(two, "which of a.yml, b.yaml is the descriptor? wanted one file `*.yml` or `*.yaml`");
        assert!(descriptor(&packed(&[])).unwrap_err().contains("no descriptor"));
    }

    #[test]
    fn a_chart_has_one_chart_file_below_one_folder() {
        assert_eq!(check_chart(&packed(&[("web/Chart.yaml", ""), ("web/charts/db/Chart.yaml", "")])), Ok(()));
        assert_eq!(check_chart(&packed(&[("./web/Chart.yaml", "")])), Ok(()));
        assert!(check_chart(&packed(&[("Chart.yaml", "")])).unwrap_err().contains("holds 0 files"));
    }

    #[test]
    fn what_is_harmful_is_refused() {
        for path in ["../x.yaml", "/etc/x.yaml", "a/../../x.yaml"] {
            let reason = descriptor(&packed(&[(path, "")])).unwrap_err();
            assert_eq!(reason, format!("its entry `{path}` leaves its folder"));
        }
        assert!(descriptor(b"PK").unwrap_err().contains("no tar archive packed by gzip"));
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let mut header = tar::Header::new_ustar();
        header.set_path("big.yaml").unwrap();
        header.set_size(1 << 40);
        header.set_cksum();
        bomb.write_all(header.as_bytes()).unwrap();
        assert!(descriptor(&bomb.finish().unwrap()).unwrap_err().contains("256 MiB unpacked"));
        let mut link = tar::Header::new_ustar();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_path("x.yaml").unwrap();
        link.set_link_name("/etc/passwd").unwrap();
        link.set_size(0);
        link.set_cksum();
        let mut archive = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        archive.write_all(link.as_bytes()).unwrap();
        assert!(descriptor(&archive.finish().unwrap()).unwrap_err().contains("neither a file nor a folder"));
    }
}
