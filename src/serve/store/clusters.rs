//! Clusters: what was seen of them, and what the operator says of them, each written without touching the other.

use super::rows::{ClusterAttributes, ClusterRow};
use super::sql::{Row, sql};
use super::{Store, StoreError, next_number};

macro_rules! columns {
    () => {
        "present, seen, attributes, dashboard"
    };
}

impl Store {
    /// Writes down which clusters Karmada has, and how they are. Those that are not named have left: they stay as they were seen
    /// last, marked. Attributes and dashboards stay; those that come with the rows do not count.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn put_clusters(&self, seen: &[ClusterRow]) -> Result<(), StoreError> {
        let mut within = self.begin().await?;
        // Two servers that look at the same time write one after the other.
        next_number("clusters", &mut within).await?;
        sql("UPDATE clusters SET present = 0 WHERE present = 1").run(&mut within).await?;
        for cluster in seen {
            let put = sql("INSERT INTO clusters (name, present, seen, attributes) VALUES ($1, 1, $2, $3) \
                           ON CONFLICT (name) DO UPDATE SET present = 1, seen = excluded.seen");
            let attributes = ClusterAttributes::default();
            let bare = ClusterRow { attributes: attributes.clone(), dashboard: None, ..cluster.clone() };
            put.text(&cluster.name).json(&bare).json(&attributes).run(&mut within).await?;
        }
        within.commit().await?;
        Ok(())
    }

    /// All clusters that were ever seen, by name.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn clusters(&self) -> Result<Vec<ClusterRow>, StoreError> {
        let all = sql(concat!("SELECT ", columns!(), " FROM clusters ORDER BY name"));
        all.rows(&mut *self.reading().await?).await?.iter().map(cluster).collect()
    }

    /// A cluster.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn cluster(&self, name: &str) -> Result<Option<ClusterRow>, StoreError> {
        let found = sql(concat!("SELECT ", columns!(), " FROM clusters WHERE name = $1")).text(name);
        found.row(&mut *self.reading().await?).await?.as_ref().map(cluster).transpose()
    }

    /// Sets what the operator says of a cluster, all of it.
    ///
    /// # Errors
    /// [`StoreError::Absent`], or a database that does not answer.
    pub async fn set_attributes(&self, name: &str, attributes: &ClusterAttributes) -> Result<ClusterRow, StoreError> {
        let set = sql(concat!("UPDATE clusters SET attributes = $2 WHERE name = $1 RETURNING ", columns!()));
        let row = set.text(name).json(attributes).row(&mut *self.writing().await?).await?;
        cluster(&row.ok_or_else(|| StoreError::absent("cluster", name))?)
    }

    /// Sets where the dashboard of a cluster is.
    ///
    /// # Errors
    /// [`StoreError::Absent`], or a database that does not answer.
    pub async fn set_cluster_dashboard(&self, name: &str, url: Option<&str>) -> Result<(), StoreError> {
        let set = sql("UPDATE clusters SET dashboard = $2 WHERE name = $1").text(name).text_or_null(url);
        match set.run(&mut *self.writing().await?).await? {
            0 => Err(StoreError::absent("cluster", name)),
            _ => Ok(()),
        }
    }
}

fn cluster(row: &Row) -> Result<ClusterRow, StoreError> {
    let seen: ClusterRow = row.json("seen")?;
    let (attributes, dashboard) = (row.json("attributes")?, row.text_or_null("dashboard")?);
    Ok(ClusterRow { present: row.number("present")? != 0, attributes, dashboard, ..seen })
}
