//! Addresses that no upstream connection may go to.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

/// Networks that the gateway does not connect to, whatever name led there.
#[derive(Debug, Clone, Default)]
pub struct DenyList {
    networks: Vec<IpNet>,
}

/// An entry of a deny list that is neither a network nor an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a network in CIDR notation nor an IP address")]
pub struct DenyListError(String);

impl DenyList {
    /// A list of networks in CIDR notation (`10.0.0.0/8`, `fe80::/10`) or single addresses.
    ///
    /// # Errors
    /// Names the first entry that is neither.
    pub fn parse<S: AsRef<str>>(
        entries: impl IntoIterator<Item = S>,
    ) -> Result<Self, DenyListError> {
        let networks = entries
            .into_iter()
            .map(|entry| {
                let entry = entry.as_ref().trim();
                IpNet::from_str(entry)
                    .or_else(|_| IpAddr::from_str(entry).map(IpNet::from))
                    .map(unmapped_network)
                    .map_err(|_| DenyListError(entry.to_owned()))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { networks })
    }

    /// Whether connections to this address are denied. An IPv4 address written as IPv6
    /// (`::ffff:127.0.0.1`) is judged as the IPv4 address that the kernel would connect to, one that
    /// lies in an address of a translator or tunnel (NAT64, 6to4) also as itself, and the unspecified
    /// address also as loopback, which the kernel would connect to instead.
    #[must_use]
    pub fn denies(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let denied = |address: IpAddr| {
            self.networks
                .iter()
                .any(|network| network.contains(&address))
        };
        denied(address)
            || match address {
                IpAddr::V4(v4) => v4.is_unspecified() && denied(Ipv4Addr::LOCALHOST.into()),
                IpAddr::V6(v6) if v6.is_unspecified() => denied(Ipv6Addr::LOCALHOST.into()),
                IpAddr::V6(v6) => carried(v6).is_some_and(|v4| self.denies(v4.into())),
            }
    }
}

/// The IPv4 address that packets to this one end up at: by NAT64 with its well-known prefix (RFC 6052
/// §2.1) or the last bits of one for local use (RFC 8215), by 6to4 (RFC 3056 §2), or written as
/// IPv4-compatible (RFC 4291 §2.5.5.1).
fn carried(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, _, _, _, high, low] => {
            Some(from(high, low))
        }
        [0x2002, high, low, ..] => Some(from(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high > 0 => Some(from(high, low)),
        _ => None,
    }
}

/// `::ffff:10.0.0.0/104` means `10.0.0.0/8`, and has to be kept as that to match canonical addresses.
fn unmapped_network(network: IpNet) -> IpNet {
    if let IpNet::V6(v6) = network
        && v6.prefix_len() >= 96
        && let Some(v4) = v6.addr().to_ipv4_mapped()
        && let Ok(v4) = ipnet::Ipv4Net::new(v4, v6.prefix_len() - 96)
    {
        return IpNet::V4(v4);
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(entries: &[&str], addresses: &[&str]) -> Vec<bool> {
        let list = DenyList::parse(entries).unwrap();
        addresses
            .iter()
            .map(|a| list.denies(a.parse().unwrap()))
            .collect()
    }

    #[test]
    fn networks_and_single_addresses_deny_what_lies_in_them() {
        assert_eq!(
            denied(
                &["127.0.0.0/8", "169.254.169.254", "fe80::/10"],
                &[
                    "127.1.2.3",
                    "169.254.169.254",
                    "169.254.169.253",
                    "fe80::1",
                    "2001:db8::1"
                ],
            ),
            [true, true, false, true, false]
        );
    }

    #[test]
    fn an_ipv4_address_in_ipv6_clothes_is_judged_as_ipv4() {
        assert_eq!(
            denied(&["127.0.0.0/8"], &["::ffff:127.0.0.1", "::ffff:10.0.0.1"]),
            [true, false]
        );
        assert_eq!(
            denied(
                &["127.0.0.0/8", "::1"],
                &["0.0.0.0", "::", "::ffff:0.0.0.0"]
            ),
            [true; 3]
        );
        assert_eq!(
            denied(&["::ffff:10.0.0.0/104"], &["10.9.8.7", "11.0.0.1"]),
            [true, false]
        );
    }

    #[test]
    fn an_ipv4_address_behind_a_translator_is_judged_too() {
        let metadata = [
            "64:ff9b::169.254.169.254",
            "64:ff9b:1:2:3:4:a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "::169.254.169.254",
            "64:ff9b::0.0.0.0",
        ];
        assert_eq!(
            denied(&["169.254.0.0/16", "127.0.0.0/8"], &metadata),
            [true; 5]
        );
        assert_eq!(denied(&["10.0.0.0/8"], &metadata), [false; 5]);
        assert_eq!(
            denied(
                &["64:ff9b::/96", "::1"],
                &["64:ff9b::1.2.3.4", "::1", "::2"]
            ),
            [true, true, false]
        );
    }

    #[test]
    fn what_is_no_network_is_named() {
        assert_eq!(
            DenyList::parse(["10.0.0.0/8", "10.0.0.0/33"]).unwrap_err(),
            DenyListError("10.0.0.0/33".to_owned())
        );
    }
}
