//! Sockets live no longer than the token they came with (decision 0045), in every dialect that has some.

use std::time::Duration;

use crate::domain::event::{AccessEnd, DomainEvent};
use crate::domain::participant::ConnectionId;
use crate::hub::Hub;
use crate::service::clock::Clock;

/// How often connections are looked at whose credential may have expired.
const EVERY: Duration = Duration::from_secs(1);

/// Ends connections whose credential's time is over. One look over all of them costs less than a timer for each.
/// `expired`: those whose time was over at a unix second; `None` ends the watching.
pub async fn watch(
    hub: Hub,
    clock: Clock,
    expired: impl Fn(i64) -> Option<Vec<ConnectionId>> + Send + 'static,
) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(expired) = expired(clock.now().unix_timestamp()) else { return };
        hub.deliver(&DomainEvent::AccessEnded(AccessEnd::Expired), &expired);
    }
}
