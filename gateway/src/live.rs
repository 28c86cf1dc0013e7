//! The configuration that serves, and what outlives it: how each provider is reached.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use http::{HeaderValue, Uri};
use weir_config::linked::{Linked, LinkedProvider};
use weir_config::snapshot::{Dialect, HttpVersion, Responses};
use weir_llm::Format;
use weir_llm::exchange::{self, Exchange};
use weir_llm::provider::Settings;
use weir_llm::scrub::Scrubber;

use crate::credentials::{Authorizer, Keepers, Scheme, Status};
use crate::wire::{self, Target};

/// Where workers take the configuration from: one pointer, swapped in one step.
#[derive(Debug)]
pub struct Live {
    current: ArcSwapOption<Generation>,
    keepers: Keepers,
}

/// One configuration, ready to serve.
#[derive(Debug)]
pub struct Generation {
    /// Rises by one with each.
    pub revision: u64,
    /// What was linked.
    pub linked: Linked,
    /// How each provider is reached, by its id.
    endpoints: HashMap<Arc<str>, Arc<Endpoint>>,
}

/// How one provider is reached. Shared by the configurations in which it is the same.
#[derive(Debug)]
pub struct Endpoint {
    upstream_key: u64,
    /// What it speaks.
    pub dialect: Dialect,
    /// What its resource says beyond that.
    settings: Settings,
    /// What it answered with 404, where its resource does not say how callers of OpenAI's responses are served.
    lacks_responses: Learned,
    /// Whether that may be learned.
    may_lack_responses: bool,
    /// What the requests that go there have in common.
    pub kind: EndpointKind,
    /// Authorises the requests that go there.
    pub authorizer: Authorizer,
}

/// The two ways to be answered.
#[derive(Debug)]
pub enum EndpointKind {
    /// Over the network.
    Http(Box<Remote>),
    /// By the mock in this process; counts its requests.
    Mock(AtomicU64),
}

/// A provider across the network.
#[derive(Debug)]
pub struct Remote {
    /// Where to connect.
    pub target: Target,
}

impl Live {
    /// With no configuration yet. `keepers` keep the credentials of its providers.
    #[must_use]
    pub fn new(keepers: Keepers) -> Self {
        Self {
            current: ArcSwapOption::empty(),
            keepers,
        }
    }

    /// The configuration that serves now, if there is one.
    pub fn load(&self) -> Option<Arc<Generation>> {
        self.current.load_full()
    }

    /// Puts a configuration to work. Requests under way go on with theirs.
    ///
    /// Gives back the providers that can't be reached with what they say of themselves, with why;
    /// they are left without an endpoint.
    pub fn swap(&self, linked: Linked) -> Vec<(Arc<str>, String)> {
        let previous = self.load();
        let mut problems = Vec::new();
        let mut endpoints = HashMap::new();
        for provider in linked.providers() {
            let known = previous
                .as_ref()
                .and_then(|previous| previous.endpoints.get(&provider.id))
                .filter(|known| known.still_reaches(provider));
            let endpoint = match known {
                Some(known) => Ok(Arc::clone(known)),
                None => Endpoint::new(provider, &self.keepers).map(Arc::new),
            };
            match endpoint {
                Ok(endpoint) => {
                    endpoints.insert(Arc::clone(&provider.id), endpoint);
                }
                Err(why) => problems.push((Arc::clone(&provider.id), why)),
            }
        }
        self.current.store(Some(Arc::new(Generation {
            revision: previous.map_or(1, |previous| previous.revision + 1),
            linked,
            endpoints,
        })));
        problems
    }
}

impl Generation {
    /// How a provider of this configuration is reached.
    pub fn endpoint(&self, provider: &LinkedProvider) -> Option<&Arc<Endpoint>> {
        self.endpoints.get(&provider.id)
    }

    /// How it stands with each provider's credential that expires.
    pub fn credentials(&self) -> impl Iterator<Item = (&Arc<str>, Status)> {
        let endpoints = self.endpoints.iter();
        endpoints.filter_map(|(id, endpoint)| Some((id, endpoint.authorizer.status()?)))
    }
}

impl Endpoint {
    fn new(provider: &LinkedProvider, keepers: &Keepers) -> Result<Self, String> {
        let spec = &provider.spec;
        let kind = match spec.dialect {
            Dialect::Mock => EndpointKind::Mock(AtomicU64::new(0)),
            _ => http(provider)?,
        };
        let responses = spec.settings.responses;
        Ok(Self {
            upstream_key: provider.upstream_key,
            dialect: spec.dialect,
            settings: Settings {
                base: base(&spec.endpoint),
                preset: spec.preset,
                api_version: spec.settings.azure_api_version.clone(),
                responses_by_chat: responses == Some(Responses::ChatCompletions),
            },
            lacks_responses: Learned::new(Instant::now()),
            may_lack_responses: responses.is_none(),
            kind,
            authorizer: Authorizer::new(&Scheme::of(spec), spec.credential.as_ref(), keepers)?,
        })
    }

    /// Takes the credential out of what the provider says: to be taken once the provider has begun to answer.
    #[must_use]
    pub fn scrubber(&self) -> Arc<Scrubber> {
        self.authorizer.scrubber()
    }

    /// Whether it is what [`Endpoint::new`] would make of this provider. The key of its connections does
    /// not tell how long to wait for one.
    fn still_reaches(&self, provider: &LinkedProvider) -> bool {
        self.upstream_key == provider.upstream_key
            && match &self.kind {
                EndpointKind::Http(remote) => {
                    remote.target.connect_timeout == provider.spec.timeouts.connect
                }
                EndpointKind::Mock(_) => true,
            }
    }
}

impl Endpoint {
    /// What is known of it: what its resource says, and what was learned since.
    pub fn settings(&self) -> Cow<'_, Settings> {
        if self.settings.responses_by_chat || !self.lacks_responses.holds(Instant::now()) {
            return Cow::Borrowed(&self.settings);
        }
        Cow::Owned(Settings {
            responses_by_chat: true,
            ..self.settings.clone()
        })
    }

    /// Learns from an answer with status 404 whether there are no responses at all; true if so. A model that is not
    /// there, or an answer that is not kept, says nothing of that. It is held to be true for
    /// [ten minutes](LEARNED_FOR), and then asked again.
    pub fn learn(&self, exchange: &Exchange, body: &[u8]) -> bool {
        let asked = exchange.passes() && exchange.provider_format() == Format::Responses;
        if !asked || !self.may_lack_responses || !exchange::names_no_such_path(body) {
            return false;
        }
        self.lacks_responses.learn(Instant::now());
        true
    }
}

/// How long a provider is held to be as it was seen: a server that was updated, or a proxy that had no route for a moment,
/// is asked again, at the cost of one call in so long.
const LEARNED_FOR: Duration = Duration::from_secs(600);

/// Something that was seen of a provider, which may change behind our back.
#[derive(Debug)]
struct Learned {
    since: Instant,
    /// Milliseconds since then at which it is forgotten; 0 if nothing was learned.
    until: AtomicU64,
}

impl Learned {
    fn new(now: Instant) -> Self {
        Self {
            since: now,
            until: AtomicU64::new(0),
        }
    }

    fn learn(&self, now: Instant) {
        let until = self.millis(now + LEARNED_FOR);
        self.until.store(until, Ordering::Relaxed);
    }

    fn holds(&self, now: Instant) -> bool {
        match self.until.load(Ordering::Relaxed) {
            0 => false,
            until => self.millis(now) < until,
        }
    }

    fn millis(&self, at: Instant) -> u64 {
        let passed = at.saturating_duration_since(self.since).as_millis();
        u64::try_from(passed).unwrap_or(u64::MAX)
    }
}

impl EndpointKind {
    /// The number of the next request of a mock; the first is 1.
    pub fn next_number(count: &AtomicU64) -> u64 {
        count.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The path of an endpoint, without a slash at its end.
fn base(endpoint: &str) -> String {
    let uri = endpoint.parse::<Uri>();
    uri.map_or_else(
        |_| String::new(),
        |uri| uri.path().trim_end_matches('/').to_owned(),
    )
}

fn http(provider: &LinkedProvider) -> Result<EndpointKind, String> {
    let spec = &provider.spec;
    let uri: Uri = spec
        .endpoint
        .parse()
        .map_err(|error| format!("endpoint: {error}"))?;
    let secure = uri.scheme_str() == Some("https");
    let authority = uri.authority().ok_or("endpoint: it names no host")?;
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let version = match spec.http_version {
        HttpVersion::Auto => wire::HttpVersion::Auto,
        HttpVersion::Http1 => wire::HttpVersion::Http1,
        HttpVersion::Http2 => wire::HttpVersion::Http2,
    };
    let tls = secure
        .then(|| wire::tls::ClientTls::new(spec.ca.as_deref(), version))
        .transpose()
        .map_err(|error| error.to_string())?;
    Ok(EndpointKind::Http(Box::new(Remote {
        target: Target {
            key: provider.upstream_key,
            tls,
            host: host.into(),
            port: authority
                .port_u16()
                .unwrap_or(if secure { 443 } else { 80 }),
            authority: HeaderValue::try_from(authority.as_str())
                .map_err(|_| "endpoint: the host can't stand in a header")?,
            http: version,
            connect_timeout: spec.timeouts.connect,
        },
    })))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use tokio::runtime::Handle;
    use weir_config::link::link;
    use weir_config::snapshot::{Provider, Shard, Snapshot, Timeouts};

    use super::*;
    use crate::credentials::Environment;

    fn linked(connect: u64, idle: u64) -> Linked {
        let provider = Provider {
            timeouts: Timeouts {
                connect: Duration::from_secs(connect),
                idle: Duration::from_secs(idle),
                ..Timeouts::default()
            },
            ..Provider::new(Dialect::OpenAI, "http://models.example/v1")
        };
        let shard = Shard {
            namespace: "team".into(),
            providers: BTreeMap::from([("openai".into(), provider)]),
            ..Shard::default()
        };
        let snapshot = Snapshot {
            namespaces: BTreeMap::from([("team".into(), Arc::new(shard))]),
            ..Snapshot::default()
        };
        link(&snapshot, "weir-system", None)
    }

    #[test]
    fn what_was_learned_is_forgotten_in_time() {
        let start = Instant::now();
        let learned = Learned::new(start);
        assert!(!learned.holds(start));
        let seen = start + Duration::from_secs(5);
        learned.learn(seen);
        assert!(learned.holds(seen));
        assert!(learned.holds(seen + LEARNED_FOR - Duration::from_millis(1)));
        assert!(!learned.holds(seen + LEARNED_FOR));
        // And learned anew.
        learned.learn(seen + LEARNED_FOR);
        assert!(learned.holds(seen + LEARNED_FOR));
    }

    #[tokio::test]
    async fn an_endpoint_is_kept_until_what_it_is_made_of_changes() {
        let live = Live::new(Keepers::new(
            Handle::current(),
            Arc::default(),
            Environment::default(),
        ));
        let swap = |linked| {
            assert_eq!(live.swap(linked), []);
            let now = live.load().unwrap();
            let provider = now.linked.provider("team", "openai").unwrap();
            let endpoint = Arc::clone(now.endpoint(provider).unwrap());
            let EndpointKind::Http(remote) = &endpoint.kind else {
                panic!("it is no mock");
            };
            let waits = (now.revision, remote.target.connect_timeout);
            (endpoint, waits)
        };
        let (first, waits) = swap(linked(5, 60));
        assert_eq!(waits, (1, Duration::from_secs(5)));
        let (same, waits) = swap(linked(5, 90));
        assert_eq!(waits, (2, Duration::from_secs(5)));
        assert!(Arc::ptr_eq(&first, &same));
        let (other, waits) = swap(linked(1, 90));
        assert_eq!(waits, (3, Duration::from_secs(1)));
        assert!(!Arc::ptr_eq(&same, &other));
    }
}
