//! Which addresses are on the public internet. Everything else is somebody's inside: ourselves,
//! the network Doorward runs in, or a range no server lives in (the special-purpose registries of
//! RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address of the public internet, and nothing else, is reached by connecting to it.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Refused, in this order: this network, private, loopback, multicast and all above it;
/// carrier-grade NAT (RFC 6598); link-local, where clouds keep their instance metadata; private;
/// private; protocol assignments and documentation; the former 6to4 relays; documentation twice;
/// benchmarking.
fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [198, 18 | 19, ..]
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64 (RFC 6052) leads to the IPv4 address in its last 32 bits. Networks without IPv4
        // reach every IPv4 server like this, so it is vetted and not refused.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // protocol assignments with Teredo and benchmarking (2001::/23), documentation, 6to4: a
        // tunnel of those leads to an IPv4 address nobody vetted
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Global unicast. Outside it are loopback, IPv4-mapped and -compatible, unique local,
        // link-local and multicast addresses, and what is not assigned.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses that lead inside, by every spelling that survives parsing.
    pub(crate) const INSIDE: &[&str] = &[
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.127.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.9",
        "198.18.0.1",
        "198.19.255.255",
        "192.88.99.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::8.8.8.8",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::8.8.8.8",
        "2001::1",
        "2001:2::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "5f00::1",
    ];

    #[test]
    fn addresses_that_lead_inside_are_not_public() {
        for text in INSIDE {
            assert!(!is_public(text.parse().expect(text)), "{text}");
        }
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for text in [
            "8.8.8.8",
            "1.1.1.1",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.254",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(is_public(text.parse().expect(text)), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_the_standard_library_calls_special_is_public(bits in proptest::num::u32::ANY) {
            let address = Ipv4Addr::from_bits(bits);
            let special = address.is_loopback() || address.is_private() || address.is_link_local()
                || address.is_broadcast() || address.is_documentation() || address.is_multicast()
                || address.is_unspecified();
            proptest::prop_assert!(!(special && is_public(address.into())));
            let mapped = address.to_ipv6_mapped();
            proptest::prop_assert!(!is_public(mapped.into()));
        }

        #[test]
        fn nothing_outside_global_unicast_is_public(bits in proptest::num::u128::ANY) {
            let address = Ipv6Addr::from_bits(bits);
            let special = address.is_loopback() || address.is_unicast_link_local()
                || address.is_unique_local() || address.is_multicast() || address.is_unspecified();
            proptest::prop_assert!(!(special && is_public(address.into())));
        }
    }
}
