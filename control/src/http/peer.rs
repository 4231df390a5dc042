//! Where a request comes from, for counting strangers. Never logged.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http::{Extensions, HeaderMap};

/// The other end of the connection; the listener puts it into every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Proxies whose word about their clients we take.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpAddr]>);

impl TrustedProxies {
    /// Trusts these addresses.
    pub fn new(addresses: Vec<IpAddr>) -> Self {
        Self(addresses.into())
    }

    /// The client's address: the connection's, or, when that is a trusted proxy's, the last one in `X-Forwarded-For`
    /// that is not.
    pub fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
        // Requests made within the process (tests) come from nowhere.
        let peer = extensions
            .get::<Peer>()
            .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip().to_canonical());
        if !self.0.contains(&peer) {
            return peer;
        }
        let hops = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<IpAddr> =
            hops.flat_map(|value| value.split(',')).filter_map(|hop| hop.trim().parse().ok()).collect();
        hops.into_iter().rev().find(|hop| !self.0.contains(hop)).unwrap_or(peer)
    }
}

/// The text under which an address is counted. IPv6 by /64, which is what one customer has.
pub fn key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &[&str], peer: &str, forwarded: &str) -> IpAddr {
        let proxies = TrustedProxies::new(proxies.iter().filter_map(|p| p.parse().ok()).collect());
        let mut extensions = Extensions::new();
        extensions.insert(Peer(SocketAddr::new(peer.parse().expect("an address"), 1)));
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().expect("a header"));
        proxies.client(&extensions, &headers)
    }

    #[test]
    fn a_stranger_cannot_choose_the_address_it_is_counted_under() {
        assert_eq!(client(&[], "192.0.2.1", "198.51.100.7").to_string(), "192.0.2.1");
        let through_proxy = client(&["192.0.2.1"], "192.0.2.1", "203.0.113.9, 198.51.100.7");
        assert_eq!(through_proxy.to_string(), "198.51.100.7");
    }

    #[test]
    fn ipv6_is_counted_by_network() {
        let (a, b): (IpAddr, IpAddr) =
            ("2001:db8:1:2::1".parse().expect("v6"), "2001:db8:1:2:ffff::9".parse().expect("v6"));
        assert_eq!(key(a), key(b));
    }
}
