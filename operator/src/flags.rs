//! The flags of `weir-operator`. Each can be given in the environment too, as `WEIR_` and its name.

use std::net::{SocketAddr, ToSocketAddrs};

use clap::{Parser, ValueEnum};
use tracing_subscriber::EnvFilter;

/// The control plane of Weir: watches AIProviders, AIRoutes and what they refer to, compiles them namespace by
/// namespace, publishes the result for the gateways and reports in the resources' status what serves.
///
/// Of several replicas one leads; the others follow along and take over within seconds. The API server is found as
/// from within a pod, else by KUBECONFIG. POD_NAMESPACE and POD_NAME say which pod this is.
#[derive(Debug, Clone, Parser)]
#[command(name = "weir-operator", version, max_term_width = 100)]
pub struct Flags {
    /// Address of /livez, /readyz and /metrics.
    #[arg(
        long,
        env = "WEIR_ADMIN_LISTEN",
        value_name = "ADDRESS",
        default_value = "0.0.0.0:9090",
        value_parser = address
    )]
    pub admin_listen: SocketAddr,

    /// Namespace that the config is published in, which gateways may read Secrets in, and where they hold their
    /// Leases. Nothing else should be in it. Default: the operator's own.
    #[arg(long, env = "WEIR_CONFIG_NAMESPACE", value_name = "NAME", value_parser = namespace)]
    pub config_namespace: Option<String>,

    /// Namespaces to look at; what is in others does not exist for the operator. Default: all.
    #[arg(
        long,
        env = "WEIR_WATCH_NAMESPACES",
        value_name = "NAME",
        value_delimiter = ',',
        num_args = 1..,
        value_parser = namespace
    )]
    pub watch_namespaces: Vec<String>,

    /// What the operator says of itself on stderr: error, warn, info, debug, trace, or a filter by module.
    #[arg(long, env = "WEIR_LOG", value_name = "FILTER", default_value = "info", value_parser = filter)]
    pub log: String,

    /// How it says it.
    #[arg(
        long,
        env = "WEIR_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "json"
    )]
    pub log_format: LogFormat,
}

/// How the operator's log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Reads an address to listen on. The host may be a name, as `localhost` is; its first address counts.
fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| error.to_string())?;
    found
        .next()
        .ok_or_else(|| format!("`{text}` has no address"))
}

/// Reads a filter as `tracing_subscriber` knows it. To that a lone word which is no level is a module
/// of which everything is told, and nothing of any other: hardly what was meant.
fn filter(text: &str) -> Result<String, String> {
    let level = |word: &str| {
        word.parse::<tracing_subscriber::filter::LevelFilter>()
            .is_ok()
    };
    if let Some(word) = text
        .split(',')
        .find(|word| !word.contains(['=', '[']) && !level(word.trim()))
    {
        return Err(format!(
            "`{word}` is no level; write error, warn, info, debug or trace, or module=level"
        ));
    }
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.into()),
        Err(error) => Err(format!("{error}; write a level, or module=level")),
    }
}

/// Reads the name of a namespace (RFC 1123 label).
fn namespace(text: &str) -> Result<String, String> {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=63).contains(&text.len())
        && text.bytes().all(inside)
        && !text.starts_with('-')
        && !text.ends_with('-')
    {
        return Ok(text.into());
    }
    Err(format!(
        "`{text}` is no namespace; write lowercase letters, digits and -, at most 63, with a letter or a digit at both ends"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        for (arguments, right) in [
            (["--config-namespace", "Bad_NS"], "lowercase letters"),
            (["--watch-namespaces", "a,b.c"], "lowercase letters"),
            (
                ["--log", "verbose"],
                "write error, warn, info, debug or trace",
            ),
            (["--admin-listen", "9090"], "invalid socket address"),
        ] {
            let error =
                Flags::try_parse_from(["weir-operator"].iter().chain(&arguments)).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            let said = error.to_string();
            assert!(said.contains(right), "{arguments:?}: {said}");
        }
    }

    #[test]
    fn a_host_to_listen_on_may_be_a_name() {
        for text in ["localhost:9090", "[::1]:9090", "127.0.0.1:9090"] {
            let address = address(text).unwrap();
            assert!(address.ip().is_loopback(), "{text}: {address}");
            assert_eq!(address.port(), 9090);
        }
        for wrong in ["9090", "localhost", "localhost:99999", "", ":9090"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn namespaces_stand_in_a_list() {
        let flags = Flags::parse_from(["weir-operator", "--watch-namespaces", "a,b"]);
        assert_eq!(flags.watch_namespaces, ["a", "b"]);
    }

    #[test]
    fn every_flag_has_its_name_in_the_environment() {
        let command = <Flags as clap::CommandFactory>::command();
        for arg in command.get_arguments() {
            let long = arg.get_long().unwrap_or_default();
            if ["help", "version"].contains(&long) {
                continue;
            }
            let env = arg.get_env().map(|env| env.to_string_lossy().into_owned());
            assert_eq!(
                env,
                Some(format!("WEIR_{}", long.to_uppercase().replace('-', "_"))),
                "--{long}"
            );
        }
    }
}
