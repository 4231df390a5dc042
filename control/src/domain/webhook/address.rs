//! Which addresses a webhook may be sent to: those of the public internet, and private ones that the operator names.
//!
//! Whoever may enter an address must not reach with it what stands beside this server and trusts its neighbours.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A block of addresses, such as `10.1.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

impl Network {
    const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Self {
        Self { first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    const fn v6(a: u16, b: u16, prefix: u8) -> Self {
        Self { first: IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0)), prefix }
    }

    /// Whether an address is in this block.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let apart = u32::from(first) ^ u32::from(address);
                apart.checked_shr(32 - u32::from(self.prefix)).unwrap_or(0) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let apart = u128::from(first) ^ u128::from(address);
                apart.checked_shr(128 - u32::from(self.prefix)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// A text that is no block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a block of addresses")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    /// Reads `10.0.0.0/8`, `fd00::/8` or a single address. The address must be the first of its block.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let bits = if first.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| NotANetwork)?
            }
            Some(_) => return Err(NotANetwork),
            None => bits,
        };
        let spelled_first = match first {
            _ if prefix > bits => false,
            IpAddr::V4(first) => u32::from(first).checked_shl(prefix.into()).unwrap_or(0) == 0,
            IpAddr::V6(first) => u128::from(first).checked_shl(prefix.into()).unwrap_or(0) == 0,
        };
        if spelled_first { Ok(Self { first, prefix }) } else { Err(NotANetwork) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// IPv4 that is not the public internet (IANA's special-purpose registry, multicast and what is reserved).
const CLOSED_V4: [Network; 15] = [
    Network::v4(0, 0, 0, 0, 8),
    Network::v4(10, 0, 0, 0, 8),
    // Shared by customers of one provider (RFC 6598).
    Network::v4(100, 64, 0, 0, 10),
    Network::v4(127, 0, 0, 0, 8),
    Network::v4(169, 254, 0, 0, 16),
    Network::v4(172, 16, 0, 0, 12),
    Network::v4(192, 0, 0, 0, 24),
    Network::v4(192, 0, 2, 0, 24),
    // Relays of 6to4 (RFC 7526).
    Network::v4(192, 88, 99, 0, 24),
    Network::v4(192, 168, 0, 0, 16),
    Network::v4(198, 18, 0, 0, 15),
    Network::v4(198, 51, 100, 0, 24),
    Network::v4(203, 0, 113, 0, 24),
    // Multicast; and what is above it: reserved, broadcast.
    Network::v4(224, 0, 0, 0, 4),
    Network::v4(240, 0, 0, 0, 4),
];

/// The part of IPv6 that is given out for the public internet; everything else is closed: loopback, unspecified, unique
/// local, link-local, site-local, multicast, local NAT64.
const OPEN_V6: Network = Network::v6(0x2000, 0, 3);
/// What within it is not: protocols (Teredo, benchmarks, ORCHID), documentation, 6to4, which hides an IPv4 address.
const CLOSED_V6: [Network; 4] = [
    Network::v6(0x2001, 0, 23),
    Network::v6(0x2001, 0xdb8, 32),
    Network::v6(0x2002, 0, 16),
    Network::v6(0x3fff, 0, 20),
];

/// Where clouds tell a machine, or a container on it, its credentials. Closed whatever the operator allows: no receiver
/// is there.
const METADATA: [IpAddr; 9] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// Whether a webhook may connect to an address; `private`: blocks that the operator allows besides the internet.
pub fn is_allowed(address: IpAddr, private: &[Network]) -> bool {
    let address = meant(address);
    !METADATA.contains(&address)
        && (is_public(address) || private.iter().any(|network| network.contains(address)))
}

/// The IPv4 address behind the spellings of one that IPv6 has: mapped (`::ffff:0:0/96`), and translated by a network
/// without IPv4 (`64:ff9b::/96`). Any other address is what it is.
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    match v6.octets() {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
        | [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => Ipv4Addr::new(a, b, c, d).into(),
        _ => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => !CLOSED_V4.iter().any(|closed| closed.contains(address)),
        IpAddr::V6(_) => {
            OPEN_V6.contains(address) && !CLOSED_V6.iter().any(|closed| closed.contains(address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    fn network(text: &str) -> Network {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn c_60_addresses_of_the_internet_are_open() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "203.0.112.255",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(is_allowed(ip(text), &[]), "{text}");
        }
    }

    #[test]
    fn c_60_addresses_beside_this_server_are_closed_in_every_spelling() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "2002:808:808::1",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ffff::1",
        ] {
            assert!(!is_allowed(ip(text), &[]), "{text}");
        }
    }

    #[test]
    fn an_operator_opens_single_blocks_and_never_the_credentials_of_a_cloud() {
        let private =
            ["10.1.0.0/16", "127.0.0.1", "fd00::/8", "169.254.0.0/16", "100.64.0.0/10"].map(network);
        for text in ["10.1.255.255", "127.0.0.1", "::ffff:10.1.0.9", "fd12::1", "169.254.1.1", "1.1.1.1"] {
            assert!(is_allowed(ip(text), &private), "{text}");
        }
        for text in ["10.2.0.0", "127.0.0.2", "fc00::1", "::1"] {
            assert!(!is_allowed(ip(text), &private), "{text}");
        }
        let everything = ["0.0.0.0/0", "::/0"].map(network);
        assert!(is_allowed(ip("192.168.1.1"), &everything) && is_allowed(ip("::1"), &everything));
        for text in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "::ffff:169.254.170.2",
            "64:ff9b::169.254.170.23",
        ] {
            assert!(!is_allowed(ip(text), &private) && !is_allowed(ip(text), &everything), "{text}");
        }
    }

    #[test]
    fn a_block_is_read_by_its_first_address() {
        for text in
            ["10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8", "192.168.7.0/24", "10.1.2.3/32", "::1/128"]
        {
            assert_eq!(network(text).to_string(), text);
        }
        assert_eq!(network("10.1.2.3").to_string(), "10.1.2.3/32");
        for text in [
            "",
            "/",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.1/8",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "host/8",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
        }
    }
}
