//! The dashboard of a cluster: its CPU, memory, disks and network, from the node exporters of its nodes.
//!
//! Every figure is of the whole cluster, whatever the number of its nodes: shares are of all their CPUs and bytes. What stands for
//! something else is left out, or it would count twice: disks that lie on disks, file systems in memory, cards of containers.

use super::dashboard::Dashboard;
use super::panel::{Kind, Panel, Place, Query, Unit};
use super::promql::quoted;

/// What rates are taken over: four scrapes of Prometheus' usual half minute.
const WINDOW: &str = "2m";
/// Disks that are parts of others, or memory.
const DISKS: &str = "device!~\"(dm-|loop|md|ram|sr|zram).*\"";
/// File systems that are memory, or views of others.
const FILE_SYSTEMS: &str =
    "device!=\"rootfs\", fstype!~\"(autofs|fuse.*|nsfs|overlay|proc|ramfs|rootfs|squashfs|sysfs|tmpfs)\"";
/// Network cards that lead to others on the same node.
const CARDS: &str = "device!~\"(lo|(cali|cni|docker|flannel|kube|tunl|veth|virbr).*)\"";

/// A cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its name, which is the value of its label.
    pub name: String,
    /// The label that tells clusters apart.
    pub cluster_label: String,
}

impl Cluster {
    /// Its dashboard.
    pub fn dashboard(&self) -> Dashboard {
        let panels = vec![
            at((0, 0, 14), self.cpu()),
            at((14, 0, 4), self.panel("CPU cores", (Unit::Count, Kind::Figure), vec![query(self.cores(), "cores")])),
            at((18, 0, 6), self.gauge("CPU busy", self.busy(), (80, 90))),
            at((0, 7, 18), self.memory()),
            at((18, 7, 6), self.gauge("Memory used", self.memory_used(), (80, 90))),
            at((0, 14, 18), self.disks()),
            at((18, 14, 6), self.gauge("Disk space used", self.space_used(), (75, 90))),
            at((0, 21, 12), self.network("Network received", "receive")),
            at((12, 21, 12), self.network("Network transmitted", "transmit")),
        ];
        Dashboard {
            // Two dashes below: a project's name is followed by that of a graph.
            uid: Dashboard::uid_below(&["cluster", "", &self.name]),
            title: format!("Cluster {}", self.name),
            panels,
            variables: Vec::new(),
        }
    }

    fn panel(&self, title: &str, (unit, kind): (Unit, Kind), queries: Vec<Query>) -> Panel {
        Panel { title: format!("{title} of {}", self.name), unit, kind, queries, ..Panel::default() }
    }

    fn gauge(&self, title: &str, expr: String, limits: (u32, u32)) -> Panel {
        Panel { limits: Some(limits), ..self.panel(title, (Unit::Share, Kind::Gauge), vec![query(expr, "used")]) }
    }

    /// A series of this cluster, with more labels where there are any.
    fn of(&self, series: &str, more: &str) -> String {
        let separator = if more.is_empty() { "" } else { ", " };
        format!("{series}{{{}={}{separator}{more}}}", self.cluster_label, quoted(&self.name))
    }

    /// A series for each CPU of each node has the mode `idle`.
    fn cores(&self) -> String {
        format!("count({})", self.of("node_cpu_seconds_total", "mode=\"idle\""))
    }

    fn cpu(&self) -> Panel {
        let modes = [
            ("mode=\"system\"", "system"),
            ("mode=\"user\"", "user"),
            ("mode=\"iowait\"", "waits for disks"),
            ("mode=~\".*irq\"", "interrupts"),
            ("mode!~\"idle|user|system|iowait|.*irq\"", "other"),
            ("mode=\"idle\"", "idle"),
        ];
        let share = |(mode, name): (&str, &str)| {
            let busy = self.of("node_cpu_seconds_total", mode);
            query(format!("sum(rate({busy}[{WINDOW}])) / {}", self.cores()), name)
        };
        self.panel("CPU", (Unit::Share, Kind::Stacked), modes.map(share).into())
    }

    fn busy(&self) -> String {
        format!("1 - avg(rate({}[{WINDOW}]))", self.of("node_cpu_seconds_total", "mode=\"idle\""))
    }

    /// Bytes of memory of a sort, on all nodes.
    fn bytes(&self, sort: &str) -> String {
        format!("sum({})", self.of(&format!("node_memory_{sort}_bytes"), ""))
    }

    fn held(&self) -> String {
        let [all, free, buffers, cached] = ["MemTotal", "MemFree", "Buffers", "Cached"].map(|sort| self.bytes(sort));
        format!("{all} - {free} - {buffers} - {cached}")
    }

    fn memory(&self) -> Panel {
        let queries = vec![
            query(self.held(), "used"),
            query(self.bytes("Buffers"), "buffers"),
            query(self.bytes("Cached"), "cached"),
            query(self.bytes("MemFree"), "free"),
        ];
        self.panel("Memory", (Unit::Bytes, Kind::Stacked), queries)
    }

    fn memory_used(&self) -> String {
        format!("({}) / {}", self.held(), self.bytes("MemTotal"))
    }

    fn disks(&self) -> Panel {
        let rate = |series: &str| format!("sum by (instance) (rate({}[{WINDOW}]))", self.of(series, DISKS));
        let busiest =
            format!("max by (instance) (rate({}[{WINDOW}]))", self.of("node_disk_io_time_seconds_total", DISKS));
        let queries = vec![
            query(rate("node_disk_read_bytes_total"), "read {{instance}}"),
            query(rate("node_disk_written_bytes_total"), "written {{instance}}"),
            query(busiest, "io time {{instance}}"),
        ];
        let panel = self.panel("Disk I/O", (Unit::BytesPerSecond, Kind::Lines), queries);
        // Seconds in which the busiest disk had something to do, of every second.
        Panel { aside: Some(("io time".to_owned(), Unit::Share)), ..panel }
    }

    /// A file system that is mounted in several places is there once.
    fn space_used(&self) -> String {
        let sum = |what: &str| {
            let series = self.of(&format!("node_filesystem_{what}_bytes"), FILE_SYSTEMS);
            format!("sum(max by (instance, device) ({series}))")
        };
        format!("1 - {} / {}", sum("free"), sum("size"))
    }

    fn network(&self, title: &str, direction: &str) -> Panel {
        let series = self.of(&format!("node_network_{direction}_bytes_total"), CARDS);
        let expr = format!("sum by (instance, device) (rate({series}[{WINDOW}]))");
        self.panel(title, (Unit::BytesPerSecond, Kind::Lines), vec![query(expr, "{{instance}} {{device}}")])
    }
}

fn query(expr: String, legend: &str) -> Query {
    Query { expr, legend: legend.to_owned() }
}

/// The panel at a place: from the left, from the top, and its width.
fn at((x, y, width): (usize, usize, usize), panel: Panel) -> Panel {
    Panel { place: Some(Place { x, y, width, height: 7 }), ..panel }
}

#[cfg(test)]
mod tests {
    use super::Cluster;

    fn cluster() -> Cluster {
        Cluster { name: "member1".into(), cluster_label: "source".into() }
    }

    #[test]
    fn nine_panels_ask_for_this_cluster_alone() {
        let dashboard = cluster().dashboard();
        assert_eq!((dashboard.uid.as_str(), dashboard.panels.len()), ("smo-cluster__member1", 9));
        let all: Vec<&str> = dashboard.expressions().collect();
        // CPU 6, cores, busy, memory 4, used, disks 3, space, network twice.
        assert_eq!(all.len(), 6 + 1 + 1 + 4 + 1 + 3 + 1 + 2);
        for expr in &all {
            let (series, ours) = (expr.matches('{').count(), expr.matches("{source=\"member1\"").count());
            assert!(series > 0 && series == ours, "{expr}");
        }
        // What the original asks of the label `instance`, and of an NFS server.
        assert!(!all.iter().any(|expr| expr.contains("instance=") || expr.contains("nfsd")), "{all:?}");
        assert_eq!(all[6], "count(node_cpu_seconds_total{source=\"member1\", mode=\"idle\"})");
        assert_eq!(
            all[1],
            "sum(rate(node_cpu_seconds_total{source=\"member1\", mode=\"user\"}[2m])) \
             / count(node_cpu_seconds_total{source=\"member1\", mode=\"idle\"})"
        );
    }

    /// By rows: 14 + 4 + 6, 18 + 6, 18 + 6, 12 + 12.
    #[test]
    fn panels_fill_the_grid_without_overlap() {
        let mut rows = std::collections::BTreeMap::<usize, usize>::new();
        for panel in &cluster().dashboard().panels {
            let place = panel.place.unwrap();
            assert_eq!(rows.insert(place.y, place.x + place.width).unwrap_or(0), place.x, "{}", panel.title);
        }
        assert_eq!(rows.into_iter().collect::<Vec<_>>(), [(0, 24), (7, 24), (14, 24), (21, 24)]);
    }
}
