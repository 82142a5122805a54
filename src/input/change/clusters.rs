//! Changes of the inventory and of what breaks: clusters lost or added, nodes, prices.

use super::words::Words;
use super::{Draft, number, rounded};
use crate::input::error::known_names;
use serde_json::{Map, Value, json};

/// How long a loss lasts where nothing is said.
const LASTS: &str = "1 h";
/// As long as any run.
const ALWAYS: &str = "87600 h";

/// Places of a cluster and of a pool in it, and the path of the pool.
type PoolPath = ((usize, usize), String);

impl Draft {
    fn clusters(&self) -> &[Value] {
        self.world["inventory"]["clusters"].as_array().map_or(&[], Vec::as_slice)
    }

    fn names(&self) -> Vec<&str> {
        self.clusters().iter().filter_map(|cluster| cluster["name"].as_str()).collect()
    }

    fn cluster(&self, name: &str) -> Result<usize, String> {
        let names = self.names();
        let place = names.iter().position(|known| *known == name);
        place.ok_or_else(|| format!("no cluster is called `{name}`; {}", known_names(name, "clusters", &names)))
    }

    /// The names of the clusters of a region.
    fn of_region(&self, region: &str) -> Result<Vec<String>, String> {
        let in_region = |cluster: &&Value| cluster["region"] == region;
        let found = self.clusters().iter().filter(in_region).filter_map(|cluster| cluster["name"].as_str());
        let found: Vec<String> = found.map(str::to_owned).collect();
        if found.is_empty() {
            let mut regions: Vec<&str> =
                self.clusters().iter().filter_map(|cluster| cluster["region"].as_str()).collect();
            regions.sort_unstable();
            regions.dedup();
            return Err(format!("no cluster is in `{region}`; {}", known_names(region, "regions", &regions)));
        }
        Ok(found)
    }

    /// `lose ...`: for good where no time is said, else a fault.
    pub(super) fn lose(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        let what = words.until("at");
        let when = if words.takes("at") {
            let at = words.until("for");
            let lasts = if words.takes("for") { words.rest() } else { None };
            Some((at, lasts.unwrap_or_else(|| LASTS.to_owned())))
        } else {
            None
        };
        let parts: Vec<&str> = what.split_whitespace().collect();
        let targets = match parts[..] {
            ["cluster", name] => self.cluster(name).map(|_| vec![format!("cluster {name}")])?,
            ["region", region] => self.of_region(region)?.into_iter().map(|name| format!("cluster {name}")).collect(),
            ["link" | "node" | "replica" | "telemetry", ..] => vec![what.clone()],
            _ => {
                return Err("what is lost is not clear; write `lose cluster NAME`, `region NAME`, `link A B`, \
                            `node CLUSTER`, `replica SERVICE` or `telemetry`"
                    .to_owned());
            }
        };
        let for_good = when.is_none() && matches!(parts[0], "cluster" | "region");
        for target in targets {
            match (&when, for_good) {
                (_, true) => self.switch_off(target.trim_start_matches("cluster "))?,
                (Some((at, lasts)), _) => self.fault(&target, at, lasts),
                (None, _) => self.fault(&target, "0 s", ALWAYS),
            }
        }
        Ok(())
    }

    fn switch_off(&mut self, name: &str) -> Result<(), String> {
        let index = self.cluster(name)?;
        self.world["inventory"]["clusters"][index]["enabled"] = false.into();
        self.set(format!("inventory.clusters.{name}.enabled"), &false.into());
        if self.clusters().iter().all(|cluster| cluster["enabled"] == false) {
            return Err("no cluster would be left; leave one".to_owned());
        }
        Ok(())
    }

    fn fault(&mut self, target: &str, at: &str, lasts: &str) {
        let fault = json!({"lose": target, "at": at, "for": lasts});
        let count = self.world["faults"].as_array().map_or(0, Vec::len);
        if count == 0 {
            self.set("faults".to_owned(), &json!([fault]));
            self.world["faults"] = json!([fault]);
        } else {
            self.set(format!("faults.{count}"), &fault);
            if let Some(faults) = self.world["faults"].as_array_mut() {
                faults.push(fault);
            }
        }
    }

    /// `add cluster NEW like OLD`: with its nodes, prices and distances.
    pub(super) fn add(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        let form = "write `add cluster NEW like OLD`";
        if !words.takes("cluster") {
            return Err(format!("only clusters can be added; {form}"));
        }
        let name = words.need("the name of the new cluster")?.to_owned();
        if !words.takes("like") {
            return Err(format!("which cluster it is like is missing; {form}"));
        }
        let model = words.need("the cluster that it is like")?.to_owned();
        if self.names().contains(&name.as_str()) {
            return Err(format!("there is a cluster `{name}`; choose another name"));
        }
        let mut cluster = without_nulls(&self.clusters()[self.cluster(&model)?]);
        cluster["name"] = name.clone().into();
        cluster["enabled"] = true.into();
        self.set(format!("inventory.clusters.{}", self.clusters().len()), &cluster);
        if let Some(clusters) = self.world["inventory"]["clusters"].as_array_mut() {
            clusters.push(cluster);
        }
        self.copy_distances(&name, &model);
        self.notes.push(format!(
            "`{name}` is like `{model}` in all but its name; from one to the other are the round trip and the price of traffic that hold where nothing is said of a pair."
        ));
        Ok(())
    }

    /// The new cluster is as far from the others as its model.
    fn copy_distances(&mut self, name: &str, model: &str) {
        let pairs = self.world["network"]["pairs"].as_array().cloned().unwrap_or_default();
        let mut count = pairs.len();
        for pair in &pairs {
            let between = [0_usize, 1].map(|side| pair["between"][side].as_str().unwrap_or_default().to_owned());
            if !between.iter().any(|side| side == model) {
                continue;
            }
            let mut copy = without_nulls(pair);
            copy["between"] = json!(between.map(|side| if side == model { name.to_owned() } else { side }));
            self.set(format!("network.pairs.{count}"), &copy);
            if let Some(pairs) = self.world["network"]["pairs"].as_array_mut() {
                pairs.push(copy);
            }
            count += 1;
        }
        let egress = self.world["network"]["egress_per_gb"][model].clone();
        if !egress.is_null() {
            self.set(format!("network.egress_per_gb.{name}"), &egress);
        }
    }

    /// The pools that `CLUSTER`, `CLUSTER/POOL`, or nothing for all, means: places of cluster and pool, and their path.
    fn pools(&self, named: Option<&str>) -> Result<Vec<PoolPath>, String> {
        let (cluster, pool) =
            match named.map(|named| named.split_once('/').map_or((named, None), |(c, p)| (c, Some(p)))) {
                Some((cluster, pool)) => (Some(self.cluster(cluster)?), pool),
                None => (None, None),
            };
        let mut found = Vec::new();
        for (index, one) in
            self.clusters().iter().enumerate().filter(|(index, _)| cluster.is_none_or(|it| it == *index))
        {
            for (place, other) in one["pools"].as_array().into_iter().flatten().enumerate() {
                let (Some(cluster), Some(name)) = (one["name"].as_str(), other["name"].as_str()) else { continue };
                if pool.is_none_or(|pool| pool == name) {
                    found.push(((index, place), format!("inventory.clusters.{cluster}.pools.{name}")));
                }
            }
        }
        match (found.is_empty(), pool) {
            (true, Some(pool)) => Err(format!("the cluster has no pool `{pool}`")),
            _ => Ok(found),
        }
    }

    /// `nodes CLUSTER[/POOL] = N | + N | - N | x F`
    pub(super) fn nodes(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        let named = words.need("the cluster")?;
        let how = words.need("how many; write `= N`, `+ N`, `- N` or `x F`,")?;
        let amount = words.need("the number of nodes")?;
        let amount: f64 = amount.parse().map_err(|_| format!("`{amount}` is not a number"))?;
        let of = |now: f64| match how {
            "=" => Ok(amount),
            "+" => Ok(now + amount),
            "-" => Ok(now - amount),
            "x" | "×" | "*" => Ok((now * amount).ceil()),
            other => Err(format!("`{other}` is no way to say how many; write `= N`, `+ N`, `- N` or `x F`")),
        };
        for ((cluster, pool), path) in self.pools(Some(named))? {
            let nodes = self.world["inventory"]["clusters"][cluster]["pools"][pool]["nodes"].clone();
            let bound = |key: &str| of(number(&nodes[key]).unwrap_or(0.0)).map(whole);
            let [min, initial, max] = [bound("min")?, bound("initial")?, bound("max")?];
            let value = if min == max {
                json!(max)
            } else {
                json!({"min": min, "initial": initial.clamp(min, max), "max": max})
            };
            self.set(format!("{path}.nodes"), &value);
            self.world["inventory"]["clusters"][cluster]["pools"][pool]["nodes"] =
                json!({"min": min, "initial": initial, "max": max});
        }
        Ok(())
    }

    /// `price [CLUSTER[/POOL]] x F | = PRICE`
    pub(super) fn price(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        let named = if words.peek_is_times() { None } else { Some(words.need("whose price")?.to_owned()) };
        let exact = if words.takes("=") { Some(words.rest().ok_or("the price is missing")?) } else { None };
        let factor = if exact.is_none() { words.times()? } else { 1.0 };
        for ((cluster, pool), path) in self.pools(named.as_deref())? {
            let now = number(&self.world["inventory"]["clusters"][cluster]["pools"][pool]["price_per_hour"]);
            let price = exact.clone().unwrap_or_else(|| format!("{} $", rounded(now.unwrap_or(0.0) * factor)));
            let price = Value::from(price);
            self.set(format!("{path}.price_per_hour"), &price);
            self.world["inventory"]["clusters"][cluster]["pools"][pool]["price_per_hour"] = price;
        }
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of nodes, and `as` saturates")]
fn whole(nodes: f64) -> u32 {
    nodes.max(0.0) as u32
}

/// The same without what is not said.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let said = entries.iter().filter(|(_, value)| !value.is_null());
            Value::Object(said.map(|(key, value)| (key.clone(), without_nulls(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
