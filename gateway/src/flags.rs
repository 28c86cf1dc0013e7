//! The flags of `weir-gateway`. Each can be given in the environment too, as `WEIR_` and its name.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::wire::DenyList;

/// The data plane of Weir: takes its configuration from what the operator publishes in the cluster, or
/// from a folder of YAML, follows its changes and proxies LLM traffic to the providers declared there.
#[derive(Debug, Clone, Parser)]
#[command(name = "weir-gateway", version, max_term_width = 100)]
pub struct Flags {
    /// Folder of YAML to serve: AIProviders, AIRoutes, Secrets and Namespaces. Changes apply live.
    /// Without it the gateway serves what the operator publishes; it finds the API server by its
    /// ServiceAccount in a cluster, else by KUBECONFIG, and itself by POD_NAMESPACE and POD_NAME.
    #[arg(long, env = "WEIR_CONFIG", value_name = "DIR")]
    pub config: Option<PathBuf>,

    /// Namespace that the operator publishes the configuration in [default: the pod's own].
    #[arg(
        long,
        env = "WEIR_CONFIG_NAMESPACE",
        value_name = "NAME",
        value_parser = namespace,
        conflicts_with = "config"
    )]
    pub config_namespace: Option<String>,

    /// Audience that the tokens of ServiceAccounts must be meant for.
    #[arg(
        long,
        env = "WEIR_TOKEN_AUDIENCE",
        value_name = "AUDIENCE",
        default_value = "weir",
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        conflicts_with = "config"
    )]
    pub token_audience: String,

    /// Address that callers connect to; HTTP/1.1 and HTTP/2.
    #[arg(
        long,
        env = "WEIR_LISTEN",
        value_name = "ADDRESS",
        default_value = "0.0.0.0:8080",
        value_parser = address
    )]
    pub listen: SocketAddr,

    /// Address of /livez, /readyz and /metrics.
    #[arg(
        long,
        env = "WEIR_ADMIN_LISTEN",
        value_name = "ADDRESS",
        default_value = "0.0.0.0:9090",
        value_parser = address
    )]
    pub admin_listen: SocketAddr,

    /// Folder that keeps the last good configuration, credentials included, so that a restart
    /// serves it even if the configuration is broken by then, or the API server is down. Without it
    /// nothing is kept, and a gateway that starts while the API server is down waits for it.
    #[arg(long, env = "WEIR_STATE", value_name = "DIR")]
    pub state: Option<PathBuf>,

    /// Namespace of the gateway: its routes serve callers of every namespace that they admit
    /// [default: the pod's own; weir-system with --config].
    #[arg(long, env = "WEIR_NAMESPACE", value_name = "NAME", value_parser = namespace)]
    pub namespace: Option<String>,

    /// Worker threads; 0 is one for each core.
    #[arg(long, env = "WEIR_WORKERS", value_name = "N", default_value_t = 0)]
    pub workers: usize,

    /// How long requests under way may take to finish after SIGTERM; what is left then is cut.
    #[arg(long, env = "WEIR_DRAIN_TIMEOUT", value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub drain_timeout: Duration,

    /// Certificate chain (PEM) to serve TLS with on --listen; read anew when it changes.
    #[arg(long, env = "WEIR_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Private key (PEM) of --tls-cert.
    #[arg(long, env = "WEIR_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Networks and addresses that no provider may be reached at, checked on the address that is
    /// connected to. In a cluster the API server's is always one of them.
    #[arg(
        long,
        env = "WEIR_DENY_UPSTREAM",
        value_name = "CIDR",
        value_delimiter = ',',
        num_args = 1..,
        value_parser = network
    )]
    pub deny_upstream: Vec<String>,

    /// Largest request body; a larger one is answered 413.
    #[arg(long, env = "WEIR_MAX_BODY_BYTES", value_name = "BYTES", default_value = "32Mi", value_parser = bytes)]
    pub max_body_bytes: usize,

    /// Bytes of bodies that the process holds at once; beyond it requests are answered 503.
    #[arg(long, env = "WEIR_MAX_BUFFERED_BYTES", value_name = "BYTES", default_value = "512Mi", value_parser = bytes)]
    pub max_buffered_bytes: usize,

    /// Requests under way at once; beyond it requests are answered 503.
    #[arg(
        long,
        env = "WEIR_MAX_REQUESTS",
        value_name = "N",
        default_value = "10000",
        value_parser = count
    )]
    pub max_requests: usize,

    /// Connections of callers at once; beyond it new ones are answered 503 and closed.
    #[arg(
        long,
        env = "WEIR_MAX_CONNECTIONS",
        value_name = "N",
        default_value = "50000",
        value_parser = count
    )]
    pub max_connections: usize,

    /// Where one JSON line a request goes.
    #[arg(
        long,
        env = "WEIR_ACCESS_LOG",
        value_name = "WHERE",
        default_value = "stdout"
    )]
    pub access_log: AccessLogTarget,

    /// What the gateway says of itself on stderr: error, warn, info, debug, trace, or a filter by module.
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

/// Where access records go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AccessLogTarget {
    /// One JSON line a request on standard output.
    Stdout,
    /// Nowhere.
    Off,
}

/// How the gateway's own log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Reads a duration as Gateway API writes it (GEP-2257): `300s`, `5m`, `1h30m`, `500ms`.
fn duration(text: &str) -> Result<Duration, String> {
    weir_config::compile::duration(text)
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| format!("`{text}` is no duration; write one as 30s, 5m, 1h30m or 500ms"))
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

/// Reads a network or an address.
fn network(text: &str) -> Result<String, String> {
    match DenyList::parse([text]) {
        Ok(_) => Ok(text.into()),
        Err(error) => Err(error.to_string()),
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

/// Reads a count of which there is at least one.
fn count(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| *count > 0)
        .ok_or_else(|| format!("`{text}` is no count; write an integer of at least 1"))
}

/// Reads a count of bytes: an integer, or one with `Ki`, `Mi` or `Gi`.
fn bytes(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.len().checked_sub(2).map(|at| text.split_at(at)) {
        Some((digits, "Ki")) => (digits, 10),
        Some((digits, "Mi")) => (digits, 20),
        Some((digits, "Gi")) => (digits, 30),
        _ => (text, 0),
    };
    let wrong = || {
        format!(
            "`{text}` is no count of bytes; write an integer, or one with Ki, Mi or Gi, as 32Mi"
        )
    };
    let count: usize = digits.parse().map_err(|_| wrong())?;
    count
        .checked_mul(1 << shift)
        .filter(|&n| n > 0)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_bytes_take_binary_suffixes() {
        assert_eq!(bytes("32Mi"), Ok(32 << 20));
        assert_eq!(bytes("7"), Ok(7));
        assert_eq!(bytes("1Gi"), Ok(1 << 30));
        for wrong in ["", "Mi", "-1", "1.5Mi", "0", "99999999999999Gi"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
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
    fn what_makes_no_sense_is_refused_with_what_would() {
        let refused = |arguments: &[&str]| {
            let arguments = ["weir-gateway", "--config", "c"].iter().chain(arguments);
            let error = Flags::try_parse_from(arguments).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            error.to_string()
        };
        for (arguments, right) in [
            (["--deny-upstream", "10.0.0.0/99"], "10.0.0.0/99"),
            (
                ["--log", "verbose"],
                "write error, warn, info, debug or trace",
            ),
            (["--log", "info,x=loud"], "write a level, or module=level"),
            (["--max-requests", "0"], "at least 1"),
            (["--max-connections", "0"], "at least 1"),
            (["--namespace", "Bad_NS"], "lowercase letters"),
            (["--config-namespace", "weir-config"], "--config <DIR>"),
            (["--token-audience", "weir"], "--config <DIR>"),
            (["--drain-timeout", "0s"], "30s, 5m, 1h30m or 500ms"),
            (["--drain-timeout", "soon"], "30s, 5m, 1h30m or 500ms"),
            (["--max-body-bytes", "1.5Mi"], "32Mi"),
            (["--tls-cert", "c.pem"], "--tls-key"),
        ] {
            let said = refused(&arguments);
            assert!(said.contains(right), "{arguments:?}: {said}");
        }
        let flags = [
            "weir-gateway",
            "--config",
            "c",
            "--log",
            "warn,weir_gateway=debug",
        ];
        assert!(Flags::try_parse_from(flags).is_ok());
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
