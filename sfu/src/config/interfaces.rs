//! Addresses of this machine that clients may reach.

use nix::{errno::Errno, ifaddrs::getifaddrs, net::if_::InterfaceFlags};
use std::net::{IpAddr, Ipv6Addr};

/// Every address of an interface that is up, reachable ones before loopback. IPv6 link-local addresses are left out:
/// they mean something only together with an interface, which an ICE candidate cannot carry.
pub(super) fn addresses() -> Result<Vec<IpAddr>, Errno> {
    let mut found: Vec<IpAddr> = Vec::new();
    for interface in getifaddrs()?.filter(|one| one.flags.contains(InterfaceFlags::IFF_UP)) {
        let Some(socket_address) = interface.address else { continue };
        let v4 = socket_address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        let v6 = socket_address.as_sockaddr_in6().map(|v6| v6.ip()).filter(|ip| !is_link_local(ip));
        if let Some(ip) = v4.or(v6.map(IpAddr::V6)).filter(|ip| !found.contains(ip)) {
            found.push(ip);
        }
    }
    found.sort_by_key(IpAddr::is_loopback);
    Ok(found)
}

/// fe80::/10.
fn is_link_local(address: &Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_loopback_and_it_comes_last() {
        let found = addresses().unwrap();
        assert!(found.last().is_some_and(IpAddr::is_loopback));
        assert!(!found.iter().any(|ip| matches!(ip, IpAddr::V6(v6) if is_link_local(v6))));
    }

    #[test]
    fn link_local_is_told_by_its_prefix() {
        assert!(is_link_local(&"fe80::1".parse().unwrap()));
        assert!(is_link_local(&"febf::1".parse().unwrap()));
        assert!(!is_link_local(&"fec0::1".parse().unwrap()));
        assert!(!is_link_local(&"2001:db8::1".parse().unwrap()));
    }
}
