//! From the name of a receiver to the addresses that are connected to: looked up once for a connection, checked, and
//! connected to as they are. A name that says something else a moment later changes nothing (decision 0068).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::domain::webhook::address::{Network, is_allowed};

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Whoever knows the addresses of names.
pub trait Resolver: Send + Sync + 'static {
    /// The addresses of a name, the preferred first.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The machine's own resolver.
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// None of a name's addresses may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no public address")]
pub(super) struct NothingPublic;

/// Hands out addresses that may be connected to and no others. The client asks it for every connection it makes, and
/// connects to what it is told.
pub(super) struct Checked {
    resolver: Arc<dyn Resolver>,
    private: Arc<[Network]>,
}

impl Checked {
    pub(super) fn new(resolver: Arc<dyn Resolver>, private: Arc<[Network]>) -> Self {
        Self { resolver, private }
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, private) = (self.resolver.clone(), self.private.clone());
        Box::pin(async move {
            let found = resolver.resolve(name.as_str()).await?;
            let open = found.into_iter().filter(|address| is_allowed(*address, &private));
            // The port is that of the URL, which is put in for a 0.
            let open: Vec<_> = open.take(ADDRESSES_MAX).map(|address| SocketAddr::new(address, 0)).collect();
            if open.is_empty() {
                return Err(NothingPublic.into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}
