//! Submariner: which addresses the clusters use, and how far apart their gateways are, read from its own objects.
//!
//! A broker keeps its `Cluster` objects in `submariner-k8s-broker`, a member in `submariner-operator`; gateways are in the members
//! alone. Nothing is written there: Submariner owns these objects.

use super::kubernetes;
use super::outside::{CallError, Class, Limits, Outside};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The addresses of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The cluster.
    pub cluster: String,
    /// Ranges of its services.
    pub services: Vec<String>,
    /// Ranges of its pods.
    pub pods: Vec<String>,
    /// Ranges that are its own in all clusters, where ranges overlap (Globalnet).
    pub global: Vec<String>,
}

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// Traffic flows.
    Connected,
    /// It is being set up.
    Connecting,
    /// It is broken.
    Error,
    /// Said in words that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A connection from the cluster that was asked to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The other cluster.
    pub cluster: String,
    /// How it stands.
    pub link: Link,
    /// The mean round trip that was measured; nothing where none was.
    pub rtt: Option<Duration>,
    /// What Submariner says about it.
    pub message: String,
}

/// A reader of Submariner's objects in one cluster.
pub struct Submariner {
    client: kube::Client,
    namespace: String,
    outside: Outside,
}

impl fmt::Debug for Submariner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submariner").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Submariner {
    /// The objects in `namespace` of the cluster that `client` speaks to.
    pub fn new(client: kube::Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned(), outside: Outside::new("submariner", Limits::CALL) }
    }

    /// Its tries, counts and breaker.
    pub const fn outside(&self) -> &Outside {
        &self.outside
    }

    /// The addresses of all clusters that joined, in order of their names; none where Submariner is not installed.
    ///
    /// # Errors
    /// No answer, no permission, or an object that cannot be read.
    pub async fn addresses(&self) -> Result<Vec<Addresses>, CallError> {
        let found: Vec<ClusterObject> = self.list("Cluster", "clusters").await?;
        let mut all: Vec<Addresses> = found.into_iter().map(|object| object.spec.into()).collect();
        all.sort_by(|one, other| one.cluster.cmp(&other.cluster));
        Ok(all)
    }

    /// The connections of the active gateway, in order of the other clusters' names; none where there is no such gateway.
    ///
    /// Where a cluster is reached by several connections the best one counts.
    ///
    /// # Errors
    /// No answer, no permission, or an object that cannot be read.
    pub async fn connections(&self) -> Result<Vec<Connection>, CallError> {
        let found: Vec<GatewayObject> = self.list("Gateway", "gateways").await?;
        let active = found.into_iter().filter_map(|object| object.status).filter(|status| status.ha_status == "active");
        let mut best: BTreeMap<String, Connection> = BTreeMap::new();
        for connection in active.flat_map(|status| status.connections).map(Connection::from) {
            let is_worse = best.get(&connection.cluster).is_some_and(|known| rank(known) <= rank(&connection));
            if !is_worse {
                best.insert(connection.cluster.clone(), connection);
            }
        }
        Ok(best.into_values().collect())
    }

    async fn list<T: DeserializeOwned>(&self, kind: &str, plural: &str) -> Result<Vec<T>, CallError> {
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("submariner.io", "v1", kind), plural);
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let what = format!("list {plural}");
        let attempt = || async {
            let found = api.list(&ListParams::default()).await;
            found.map_err(|error| kubernetes::error(self.outside.system(), &what, &error))
        };
        let found = match self.outside.call(&what, attempt).await {
            Ok(found) => found.items,
            Err(error) if error.is_absent() => Vec::new(),
            Err(error) => return Err(error),
        };
        let read = |object: DynamicObject| {
            let name = object.metadata.name.clone().unwrap_or_default();
            serde_json::from_value(object.data).map_err(|error| {
                let reason = format!("{kind} `{name}`: {error}");
                CallError::new(self.outside.system(), &what, Class::Permanent, reason)
            })
        };
        found.into_iter().map(read).collect()
    }
}

/// Connected before connecting before broken, then by round trip.
fn rank(connection: &Connection) -> (u8, Duration) {
    let link = match connection.link {
        Link::Connected => 0,
        Link::Connecting => 1,
        Link::Error | Link::Unknown => 2,
    };
    (link, connection.rtt.unwrap_or(Duration::MAX))
}

#[derive(Deserialize)]
struct ClusterObject {
    spec: ClusterSpec,
}

#[derive(Deserialize)]
struct ClusterSpec {
    cluster_id: String,
    service_cidr: Vec<String>,
    cluster_cidr: Vec<String>,
    #[serde(default)]
    global_cidr: Vec<String>,
}

impl From<ClusterSpec> for Addresses {
    fn from(spec: ClusterSpec) -> Self {
        let ClusterSpec { cluster_id, service_cidr, cluster_cidr, global_cidr } = spec;
        Self { cluster: cluster_id, services: service_cidr, pods: cluster_cidr, global: global_cidr }
    }
}

#[derive(Deserialize)]
struct GatewayObject {
    status: Option<GatewayStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatewayStatus {
    #[serde(default)]
    ha_status: String,
    #[serde(default)]
    connections: Vec<ConnectionStatus>,
}

#[derive(Deserialize)]
struct ConnectionStatus {
    status: Link,
    #[serde(default, rename = "statusMessage")]
    message: String,
    endpoint: Endpoint,
    #[serde(rename = "latencyRTT")]
    rtt: Option<Rtt>,
}

#[derive(Deserialize)]
struct Endpoint {
    cluster_id: String,
}

/// Go writes durations as text, like `1.234ms`.
#[derive(Deserialize)]
struct Rtt {
    #[serde(default)]
    average: String,
}

impl From<ConnectionStatus> for Connection {
    fn from(status: ConnectionStatus) -> Self {
        let ConnectionStatus { status, message, endpoint, rtt } = status;
        let rtt = rtt.and_then(|rtt| go_duration(&rtt.average)).filter(|rtt| !rtt.is_zero());
        Self { cluster: endpoint.cluster_id, link: status, rtt, message }
    }
}

/// A duration as Go writes it: `1m2.5s`, `12.3ms`, `450µs`, `80ns`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut sum = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !(letter.is_ascii_digit() || letter == '.'))?;
        let (number, after) = rest.split_at(end);
        let unit_end = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "µs" | "μs" | "us" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * seconds;
        rest = next;
    }
    if text.trim().is_empty() { None } else { Duration::try_from_secs_f64(sum).ok() }
}

#[cfg(test)]
mod tests {
    use super::super::stub::{Stub, get};
    use super::{Addresses, Connection, Link, Submariner, go_duration};
    use serde_json::{Value, json};
    use std::time::Duration;

    fn list(kind: &str, items: &Value) -> Value {
        json!({"apiVersion": "submariner.io/v1", "kind": format!("{kind}List"), "metadata": {}, "items": items})
    }

    fn submariner(stub: &Stub) -> Submariner {
        crate::backend::live::tls::install();
        let client = kube::Client::try_from(kube::Config::new(stub.url.parse().unwrap())).unwrap();
        Submariner::new(client, "submariner-operator")
    }

    fn object(kind: &str, name: &str, part: &Value) -> Value {
        let mut object = json!({"apiVersion": "submariner.io/v1", "kind": kind, "metadata": {"name": name}});
        object.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        object
    }

    const BELOW: &str = "/apis/submariner.io/v1/namespaces/submariner-operator";

    #[tokio::test]
    async fn addresses_are_read_and_none_are_where_it_is_not_installed() {
        let spec = |name: &str| {
            json!({"spec": {"cluster_id": name, "service_cidr": ["10.96.0.0/16"], "cluster_cidr": ["10.1.0.0/16"],
            "global_cidr": [], "color_codes": ["blue"]}})
        };
        let items = json!([object("Cluster", "b", &spec("member2")), object("Cluster", "a", &spec("member1"))]);
        let absent = json!({"kind": "Status", "status": "Failure", "code": 404});
        let target = format!("{BELOW}/clusters?");
        let stub = Stub::of(vec![get(&target, 200, list("Cluster", &items)), get(&target, 404, absent)]).await;
        let found = submariner(&stub).addresses().await.unwrap();
        let (services, pods) = (vec!["10.96.0.0/16".to_owned()], vec!["10.1.0.0/16".to_owned()]);
        assert_eq!(found[0], Addresses { cluster: "member1".to_owned(), services, pods, global: vec![] });
        assert_eq!((found.len(), submariner(&stub).addresses().await.unwrap().len()), (2, 0));
        stub.finish();
    }

    #[tokio::test]
    async fn connections_are_those_of_the_active_gateway_and_the_best_counts() {
        let connection = |to: &str, status: &str, average: &str| {
            json!({"status": status, "statusMessage": "", "usingIP": "1.2.3.4",
            "endpoint": {"cluster_id": to}, "latencyRTT": {"last": "1ms", "min": "1ms", "average": average, "max": "9ms"}})
        };
        let passive =
            json!({"status": {"haStatus": "passive", "connections": [connection("member9", "connected", "1ms")]}});
        let active = json!({"status": {"haStatus": "active", "connections": [
            connection("member3", "strange", ""),
            connection("member2", "error", "1ms"),
            connection("member2", "connected", "9ms"),
            connection("member2", "connected", "2.5ms"),
            connection("member2", "connecting", "1ms"),
        ]}});
        let items = json!([
            object("Gateway", "a", &passive),
            object("Gateway", "b", &active),
            object("Gateway", "c", &json!({}))
        ]);
        let stub = Stub::of(vec![get(&format!("{BELOW}/gateways?"), 200, list("Gateway", &items))]).await;
        let found = submariner(&stub).connections().await.unwrap();
        let to =
            |cluster: &str, link, rtt| Connection { cluster: cluster.to_owned(), link, rtt, message: String::new() };
        let rtt = Some(Duration::from_micros(2_500));
        assert_eq!(found, [to("member2", Link::Connected, rtt), to("member3", Link::Unknown, None)]);
        stub.finish();
    }

    #[test]
    fn durations_are_read_as_go_writes_them() {
        let of = |text| go_duration(text).map(|read| read.as_nanos());
        assert_eq!(of("1m2.5s"), Some(62_500_000_000));
        assert_eq!((of("450µs"), of("80ns"), of("1.5ms")), (Some(450_000), Some(80), Some(1_500_000)));
        assert_eq!((of(""), of("12"), of("fast")), (None, None, None));
    }
}
