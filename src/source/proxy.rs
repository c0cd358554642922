//! Which proxy the environment names for an address, as curl reads it. Pure:
//! the caller reads the environment.

use std::net::IpAddr;

use crate::source::address::Address;

/// The variables that name a proxy for this address, in the order in which they
/// are looked at. A web server sets HTTP_PROXY from a request's header, so that
/// it counts for nothing where REQUEST_METHOD shows that one is at work.
fn variables(https: bool, served: bool) -> impl Iterator<Item = &'static str> {
    let own: &[&str] = match (https, served) {
        (true, _) => &["https_proxy", "HTTPS_PROXY"],
        (false, false) => &["http_proxy", "HTTP_PROXY"],
        (false, true) => &["http_proxy"],
    };
    own.iter().chain(&["all_proxy", "ALL_PROXY"]).copied()
}

/// The proxy's URL and the variable that holds it, None where the address is
/// reached without one.
pub(crate) fn choose(
    to: &Address,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Option<(&'static str, String)> {
    // A server on this machine is not reached through another machine.
    if to.is_loopback() {
        return None;
    }
    let served = environment("REQUEST_METHOD").is_some();
    let (name, value) = variables(to.is_https(), served)
        .find_map(|name| Some((name, environment(name)?.trim().to_owned())))?;
    let exceptions = ["no_proxy", "NO_PROXY"]
        .iter()
        .find_map(|name| environment(name))
        .unwrap_or_default();
    // An empty variable says that there is no proxy.
    (!value.is_empty() && !is_exception(&exceptions, to.host(), to.port())).then_some((name, value))
}

/// Whether a list of exceptions names this host: by its name or that of a domain
/// above it, with or without the port, by its address or a network's, or all
/// hosts by a star.
fn is_exception(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_end_matches('.');
    let words = list.split([',', ' ', '\t', '\n']).map(str::trim);
    words.filter(|word| !word.is_empty()).any(|word| {
        if word == "*" {
            return true;
        }
        let word = word.to_ascii_lowercase();
        if let Some((network, bits)) = word.split_once('/') {
            return is_within(host, network, bits);
        }
        let (name, wanted) = split_port(&word);
        if wanted.is_some_and(|wanted| wanted != port) {
            return false;
        }
        if let (Ok(one), Ok(other)) = (name.parse::<IpAddr>(), host.parse::<IpAddr>()) {
            return one == other;
        }
        let name = name.trim_start_matches("*.").trim_matches('.');
        let above = host.strip_suffix(name);
        !name.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    })
}

/// A name or an address, and the port behind it.
fn split_port(word: &str) -> (&str, Option<u16>) {
    if let Some((address, rest)) = word.strip_prefix('[').and_then(|w| w.split_once(']')) {
        let port = rest.strip_prefix(':').and_then(|port| port.parse().ok());
        return (address, port);
    }
    match word.split_once(':') {
        // More than one colon is an address of IPv6.
        Some((name, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (word, None),
        },
        _ => (word, None),
    }
}

/// Whether an address is in a network of so many bits.
fn is_within(host: &str, network: &str, bits: &str) -> bool {
    let network = network.trim_start_matches('[').trim_end_matches(']');
    let (Ok(host), Ok(network), Ok(bits)) = (
        host.parse::<IpAddr>(),
        network.parse::<IpAddr>(),
        bits.parse::<u32>(),
    ) else {
        return false;
    };
    let (one, other, width) = match (host, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            (u128::from(one.to_bits()), u128::from(other.to_bits()), 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    bits <= width && (one ^ other).checked_shr(width - bits).unwrap_or(0) == 0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn chosen(url: &str, environment: &[(&str, &str)]) -> Option<(&'static str, String)> {
        let address = Address::parse(url).unwrap();
        choose(&address, &|name| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_scheme_has_a_proxy_of_its_own_and_lower_case_goes_first() {
        let all = [
            ("http_proxy", "http://a"),
            ("HTTP_PROXY", "http://b"),
            ("HTTPS_PROXY", "http://c"),
            ("ALL_PROXY", "http://d"),
        ];
        let name = |url, variables: &[(&str, &str)]| chosen(url, variables).map(|(name, _)| name);
        assert_eq!(name("http://h/", &all), Some("http_proxy"));
        assert_eq!(name("https://h/", &all), Some("HTTPS_PROXY"));
        assert_eq!(name("http://h/", &all[1..]), Some("HTTP_PROXY"));
        assert_eq!(name("http://h/", &all[2..]), Some("ALL_PROXY"));
        assert_eq!(name("https://h/", &all[..2]), None);
        assert_eq!(name("http://127.0.0.1/", &all), None);
        let served = [("HTTP_PROXY", "http://b"), ("REQUEST_METHOD", "GET")];
        assert_eq!(name("http://h/", &served), None);
        let none = [("http_proxy", ""), ("ALL_PROXY", "http://d")];
        assert_eq!(name("http://h/", &none), None);
    }

    #[test]
    fn exceptions_are_hosts_domains_ports_addresses_networks_and_a_star() {
        for (list, host, port, expected) in [
            ("*", "h", 80, true),
            ("example.test", "example.test", 80, true),
            ("example.test", "api.example.test", 80, true),
            (".example.test", "api.example.test", 80, true),
            (".example.test", "example.test", 80, true),
            ("*.example.test", "api.example.test", 80, true),
            ("EXAMPLE.test", "example.test", 80, true),
            ("example.test", "notexample.test", 80, false),
            ("example.test:8080", "api.example.test", 8080, true),
            ("example.test:8080", "api.example.test", 80, false),
            ("a.test, b.test c.test", "c.test", 80, true),
            ("10.0.0.0/8", "10.1.2.3", 80, true),
            ("10.0.0.0/8", "11.1.2.3", 80, false),
            ("0.0.0.0/0", "11.1.2.3", 80, true),
            ("10.0.0.0/33", "10.0.0.0", 80, false),
            ("10.1.2.3", "10.1.2.3", 80, true),
            ("10.1.2.3:81", "10.1.2.3", 80, false),
            ("fd00::/8", "fd12::1", 80, true),
            ("[fd12::1]:80", "fd12::1", 80, true),
            ("fd12:0::1", "fd12::1", 80, true),
            ("", "h", 80, false),
            (",", "h", 80, false),
            (".", "h", 80, false),
        ] {
            assert_eq!(is_exception(list, host, port), expected, "{list} {host}");
        }
    }
}
