//! What people do to a connection without a run: check its queries, turn its kill switch, and give up all that it holds.

use super::connect::prometheus_at;
use super::karmada::{Karmada, store};
use super::outside::CallError;
use super::tasks::measure;
use super::{clock, deploy, driver, runtime, triggers};
use crate::model::connection::{Connection, KarmadaAt};
use crate::model::scenario::Known;

/// Checks that Prometheus takes all queries of a connection. That it does not answer is no error here.
///
/// # Errors
/// The first that it does not take.
pub fn check_queries(connection: &Connection) -> Result<(), CallError> {
    let Some(prometheus) = connection.prometheus.as_ref().map(prometheus_at).transpose()? else { return Ok(()) };
    runtime()?.block_on(measure::check(&prometheus, connection))
}

/// Turns the kill switch of a connection on, with a reason, or off.
///
/// # Errors
/// A control plane that cannot be reached, or does not let us.
pub fn pause(at: &KarmadaAt, connection: &str, reason: Option<&str>) -> Result<(), CallError> {
    let runtime = runtime()?;
    runtime.block_on(async { Karmada::open(at).await?.pause(connection, reason).await })
}

/// Gives up all workloads of a connection and forgets what was wanted; what of it was there.
///
/// # Errors
/// Somebody who drives it; a control plane that cannot be reached, or does not let us.
pub fn remove(connection: &Connection, known: &Known) -> Result<Vec<String>, CallError> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let karmada = Karmada::open(&connection.karmada).await?;
        let stored = karmada.stored(&connection.name).await?;
        if let Some(other) = stored.other_driver("", clock::since_epoch()) {
            return Err(driver::double_control(&connection.name, other));
        }
        let mut removed = Vec::new();
        for counterpart in connection.services.values() {
            removed.extend(karmada.release(&counterpart.workload).await?);
        }
        removed.extend(deploy::uninstall(&karmada, connection, &|| false).await?);
        if deploy::remove_dashboard(connection).await {
            removed.push("Grafana dashboard".to_owned());
        }
        if triggers::remove(&karmada, connection, known).await? {
            removed.push(format!("PrometheusRule {}", triggers::rules(connection, known)?.name()));
        }
        if karmada.forget(&connection.name).await? {
            removed.push(format!("ConfigMap {}", store::store_name(&connection.name)));
        }
        Ok(removed)
    })
}
