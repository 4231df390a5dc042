//! A live side without anybody in it: what REST says of meetings as long as no socket can enter one.

use futures_util::future::{BoxFuture, FutureExt, ready};
use serde_json::{Value, json};

use crate::domain::admission::Occupancy;
use crate::domain::id::{MeetingId, UserId};
use crate::domain::meeting::Meeting;
use crate::service::live_side::{LiveSide, LiveStats, MediaConnection, Present};

pub(super) struct Unmanned {
    pub(super) ice_servers: Value,
}

impl LiveSide for Unmanned {
    fn started<'a>(&'a self, _: &'a Meeting) -> BoxFuture<'a, ()> {
        ready(()).boxed()
    }

    fn changed<'a>(&'a self, _: &'a Meeting) -> BoxFuture<'a, ()> {
        ready(()).boxed()
    }

    fn ended<'a>(&'a self, _: &'a Meeting) -> BoxFuture<'a, ()> {
        ready(()).boxed()
    }

    fn present(&self, _: MeetingId) -> BoxFuture<'_, Vec<Present>> {
        ready(Vec::new()).boxed()
    }

    fn occupancy(&self, _: MeetingId, _: Option<UserId>) -> BoxFuture<'_, Occupancy> {
        ready(Occupancy::default()).boxed()
    }

    fn connection(&self, _: MeetingId) -> BoxFuture<'_, MediaConnection> {
        let ice_servers = self.ice_servers.clone();
        ready(MediaConnection { router_id: None, router_capabilities: json!(null), ice_servers }).boxed()
    }

    fn stats(&self, _: MeetingId) -> BoxFuture<'_, Option<LiveStats>> {
        ready(None).boxed()
    }
}
