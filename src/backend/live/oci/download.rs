//! One file from a web server, by a reference that comes from a user: within [`Reach`], within a size.

use super::super::outside::{CallError, Outside};
use super::super::reach::Reach;
use super::{LIMITS, trouble, wire};
use reqwest::Url;
use std::time::Duration;

/// What lies at `url`.
///
/// # Errors
/// It is not gone to (status 403), is not there ([`CallError::is_absent`]), is larger than `max` bytes, or does not answer.
pub async fn file(reach: &Reach, url: &str, max: usize) -> Result<Vec<u8>, CallError> {
    let shown = url.split(['?', '#']).next().unwrap_or_default();
    let what = format!("get {shown}");
    let url: Url = url.parse().map_err(|error| trouble::permanent("get", format!("it is no address: {error}")))?;
    let client = reach.following_client().connect_timeout(Duration::from_secs(5)).read_timeout(Duration::from_secs(20));
    let client = client.build().map_err(|error| trouble::permanent(&what, error))?;
    let outside = Outside::new("registry", LIMITS);
    outside
        .call(&what, || async {
            reach.admit(&url).await.map_err(|refused| trouble::refused(&what, &refused))?;
            let response = wire::successful(&what, wire::send(&what, client.get(url.clone())).await?).await?;
            wire::body(&what, response, max).await
        })
        .await
}
