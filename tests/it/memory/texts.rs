//! Large texts of each kind, as the tools that make them write them.

use std::fmt::Write as _;

/// Lines, as many as fit.
pub fn lines(head: &str, length: usize, mut line: impl FnMut(u64, &mut String)) -> String {
    let mut text = head.to_owned();
    let mut index = 0;
    while text.len() < length {
        line(index, &mut text);
        index += 1;
    }
    text
}

macro_rules! numbered {
    ($($part:tt)*) => { |i, out: &mut String| writeln!(out, $($part)*, i = i).unwrap() };
}

pub fn long_csv(length: usize) -> String {
    lines("timestamp_s,service,requests_per_s\n", length, |i, out| {
        writeln!(out, "{},service-{},{}.25", i / 8 * 60, i % 8, i % 1000).unwrap();
    })
}

pub fn log(length: usize) -> String {
    lines("", length, |i, out| {
        let (minute, second, host) = (i / 120_000, i / 2_000 % 60, i % 200);
        let stamp = format!("29/Feb/2024:12:{minute:02}:{second:02} +0000");
        writeln!(out, "192.0.2.{host} - - [{stamp}] \"GET /cart/{i} HTTP/1.1\" 200 2326").unwrap();
    })
}

pub fn prometheus(length: usize) -> String {
    let mut text = r#"{"status":"success","data":{"resultType":"matrix","result":["#.to_owned();
    let mut series = 0;
    while text.len() < length {
        let comma = if series == 0 { "" } else { "," };
        write!(text, "{comma}{{\"metric\":{{\"service\":\"s{series}\"}},\"values\":[[1709208000,\"1\"]").unwrap();
        (1..11_000).for_each(|i| write!(text, ",[{},\"{}.5\"]", 1_709_208_000 + i * 60, i % 100).unwrap());
        text.push_str("]}");
        series += 1;
    }
    text + "]}}"
}

pub fn functions(length: usize) -> String {
    let minutes: Vec<String> = (1..=1440).map(|minute| minute.to_string()).collect();
    let head = format!("HashOwner,HashApp,HashFunction,Trigger,{}\n", minutes.join(","));
    let counts = vec!["0"; 1440].join(",");
    lines(&head, length, |i, out| writeln!(out, "o,a,f{i},http,{counts}").unwrap())
}

/// What `kubectl get nodes -o yaml` prints of one node of a cloud, images and managed fields included.
pub fn node(i: u64, out: &mut String) {
    write!(
        out,
        "- apiVersion: v1\n  kind: Node\n  metadata:\n    annotations:\n      csi.volume.kubernetes.io/nodeid: '{{\"pd.csi.storage.gke.io\":\"projects/p/zones/europe-west8-a/instances/node-{i}\"}}'\n      node.alpha.kubernetes.io/ttl: \"0\"\n      volumes.kubernetes.io/controller-managed-attach-detach: \"true\"\n    creationTimestamp: \"2026-01-01T00:00:00Z\"\n    labels:\n      beta.kubernetes.io/arch: amd64\n      beta.kubernetes.io/instance-type: n2-standard-8\n      kubernetes.io/hostname: node-{i}\n      topology.kubernetes.io/region: europe-west8\n      topology.kubernetes.io/zone: europe-west8-a\n    managedFields:\n    - apiVersion: v1\n      fieldsType: FieldsV1\n      fieldsV1:\n        f:metadata:\n          f:annotations:\n            .: {{}}\n            f:volumes.kubernetes.io/controller-managed-attach-detach: {{}}\n          f:labels:\n            .: {{}}\n            f:beta.kubernetes.io/arch: {{}}\n      manager: kubelet\n      operation: Update\n      time: \"2026-01-01T00:00:00Z\"\n    name: node-{i}\n    resourceVersion: \"123456\"\n    uid: 2f0e9ad6-8a2d-4b5e-9f2b-000000{i:06}\n  spec:\n    podCIDR: 10.0.{z}.0/24\n    podCIDRs:\n    - 10.0.{z}.0/24\n    providerID: gce://p/europe-west8-a/node-{i}\n  status:\n    addresses:\n    - address: 10.132.0.{z}\n      type: InternalIP\n    - address: node-{i}\n      type: Hostname\n    allocatable:\n      cpu: 7910m\n      ephemeral-storage: \"47093746742\"\n      hugepages-1Gi: \"0\"\n      memory: {memory}Ki\n      pods: \"110\"\n    capacity:\n      cpu: \"8\"\n      memory: 32886928Ki\n      pods: \"110\"\n    conditions:\n    - lastHeartbeatTime: \"2026-01-01T00:00:00Z\"\n      lastTransitionTime: \"2026-01-01T00:00:00Z\"\n      message: kubelet is posting ready status\n      reason: KubeletReady\n      status: \"True\"\n      type: Ready\n    images:\n",
        z = i % 250,
        memory = 29_000_000 + i % 4
    ).unwrap();
    for image in 0..20 {
        write!(out, "    - names:\n      - registry.k8s.io/image-{image}@sha256:4fbe3f1d0e8e4d1e9a6bb1a3c3f8c5b3f1e8d9c7b6a5f4e3d2c1b0a9f8e7d6c5\n      - registry.k8s.io/image-{image}:v1.30.{image}\n      sizeBytes: {}\n", 1_000_000 + image).unwrap();
    }
    out.push_str("    nodeInfo:\n      architecture: amd64\n      kernelVersion: 6.1.100+\n      kubeletVersion: v1.30.5-gke.1\n      operatingSystem: linux\n");
}

pub fn nodes(length: usize) -> String {
    lines("apiVersion: v1\nkind: List\nitems:\n", length, node)
}

/// Nodes without anything that is left out: the worst that a dump can be.
pub fn bare_nodes(length: usize) -> String {
    // Of so short ones, more are refused.
    lines(
        "{\"apiVersion\": \"v1\", \"kind\": \"NodeList\", \"items\": [\n{\"metadata\": {\"name\": \"first\"}, \"status\": {\"allocatable\": {\"cpu\": 4, \"memory\": \"16Gi\"}}}\n",
        length / 3,
        |i, out| {
            writeln!(out, "  ,{{\n    \"metadata\": {{\n      \"name\": \"node-{i}\",\n      \"labels\": {{\n        \"kubernetes.io/hostname\": \"node-{i}\",\n        \"topology.kubernetes.io/zone\": \"zone-{}\"\n      }}\n    }},\n    \"status\": {{\n      \"allocatable\": {{\n        \"cpu\": \"7910m\",\n        \"memory\": \"29Gi\",\n        \"pods\": \"110\"\n      }},\n      \"conditions\": [\n        {{\n          \"type\": \"Ready\",\n          \"status\": \"True\"\n        }}\n      ]\n    }}\n  }}", i % 3).unwrap();
        },
    ) + "]}"
}

pub fn deployments(length: usize) -> String {
    lines("", length, |i, out| {
        write!(out, "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-{i}\n  namespace: shop\n  labels:\n    app.kubernetes.io/name: web-{i}\n    app.kubernetes.io/managed-by: Helm\nspec:\n  replicas: 3\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: web-{i}\n  template:\n    metadata:\n      labels:\n        app.kubernetes.io/name: web-{i}\n    spec:\n      containers:\n      - name: web\n        image: registry.example.com/shop/web:1.2.3\n        imagePullPolicy: IfNotPresent\n        command: [\"/bin/sh\", \"-c\", \"{}\"]\n        resources:\n          requests:\n            cpu: 250m\n            memory: 256Mi\n", "exec serve --verbose ".repeat(60)).unwrap();
    })
}

/// Nodes of which nothing is said but what must be.
pub fn dense_nodes(length: usize) -> String {
    let head = "{\"apiVersion\":\"v1\",\"kind\":\"NodeList\",\"items\":[{\"metadata\":{\"name\":\"n\"},\"status\":{\"allocatable\":{\"cpu\":1,\"memory\":1,\"pods\":1}}}";
    let node = numbered!(
        ",{{\"metadata\":{{\"name\":\"n{i}\"}},\"status\":{{\"allocatable\":{{\"cpu\":1{i},\"memory\":1,\"pods\":1}}}}}}"
    );
    lines(head, length.min(NODES_DENSE * 80), node) + "]}"
}

/// Of 80 bytes and 8 values each, each of another size.
const NODES_DENSE: usize = 15_000;

/// Services of which nothing is said but what must be.
pub fn dense_scenario(length: usize) -> String {
    lines(
        SCENARIO,
        length.min(SERVICES_DENSE * 52),
        numbered!("  - {{name: service-{i:06}, capacity: 9 /s, cpu: 1, memory: 1 B}}"),
    )
}

/// Of 52 bytes and 9 values and keys each.
const SERVICES_DENSE: usize = 22_000;

const SCENARIO: &str = "question: q?\ninventory: {clusters: [{name: a, pools: [{name: p, cpu: 8, memory: 32 GiB, nodes: 2}]}]}\npolicies: [naive]\nuntil: 1 h\ntraces: [{file: load.csv}]\napplication:\n  services:\n";

pub fn scenario(length: usize) -> String {
    lines(
        SCENARIO,
        length,
        numbered!(
            "    - {{name: service-{i:06}, capacity: {{alpha: 40, beta: -2}}, cpu: 500m, memory: 256 MiB, image: 120 MB}}   # {i:0860}"
        ),
    )
}

pub fn descriptor(length: usize) -> String {
    lines(
        "hdaGraph:\n  id: shop\n  services:\n",
        length,
        numbered!(
            "  - id: service-{i:06}\n    deployment:\n      trigger: {{type: auto}}\n      intent:\n        compute:\n          cpu: small\n          ram: medium\n          storage: small\n        connectionPoints: []\n    artifact:\n      ociImage: oci://registry.example.com/shop/service-{i:06}\n      ociConfig: {{type: helm, implementer: WOT}}\n      # {i:02600}"
        ),
    )
}

pub fn containers(length: usize) -> String {
    lines("app,minute,containers\n", length, |i, out| {
        writeln!(out, "app{},{},1.5", i % 8, i / 8).unwrap();
    })
}

pub fn machine_model(length: usize) -> String {
    // So many machines that the matrix of move costs is the text.
    let machines = (length / 3).isqrt();
    let row = vec!["12"; machines].join(" ");
    let mut text = format!("1\n0 10\n{machines}\n");
    (0..machines).for_each(|i| writeln!(text, "{i} 0 30 20 {row}").unwrap());
    text + "1\n1 0\n1\n0 12 10\n0\n1\n10\n100\n"
}

pub fn simkube(length: usize) -> String {
    let text = lines("{\"version\": 2, \"config\": {}, \"events\": [\n", length, |i, out| {
        let comma = if i == 0 { "" } else { "," };
        writeln!(out, "{comma}{{\"ts\": {}, \"applied_objs\": [{{\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", \"metadata\": {{\"name\": \"web-{i}\", \"namespace\": \"default\", \"labels\": {{\"a\": \"b\", \"c\": \"d\"}}}}, \"spec\": {{\"replicas\": 1, \"selector\": {{\"matchLabels\": {{\"a\": \"b\"}}}}, \"template\": {{\"spec\": {{\"containers\": [{{\"name\": \"c\", \"image\": \"i\", \"env\": [], \"resources\": {{\"requests\": {{\"cpu\": \"500m\", \"memory\": \"1Gi\"}}}}}}]}}}}}}}}], \"deleted_objs\": []}}", 1_710_892_138 + i).unwrap();
    });
    text + "]}"
}

pub fn carbon_long(length: usize) -> String {
    lines("datetime_utc,zone,ci_lca_g_per_kwh\n", length, |i, out| {
        let day = i / 24;
        writeln!(out, "{}-{:02}-{:02} {:02}:00:00,ES,153.2", 2000 + day / 336, day / 28 % 12 + 1, day % 28 + 1, i % 24)
            .unwrap();
    })
}

pub fn carbon_wide(length: usize) -> String {
    let zones: Vec<String> = (0..120).map(|zone| format!("Z{zone}")).collect();
    let hours = vec!["400.5"; 120].join(",");
    lines(&format!("hour_utc,{}\n", zones.join(",")), length, |i, out| writeln!(out, "{i},{hours}").unwrap())
}

pub(crate) use numbered;
