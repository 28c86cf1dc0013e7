//! Requests that go on whatever is done to the control plane, and what gateways should say meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use weir_tests::cluster::{
    CONFIG_NAMESPACE, Cluster, GatewayPod, Namespace, OperatorPod, RELEASE_NAMESPACE, eventually,
    eventually_else,
};
use weir_tests::{Caller, Key, Provider, Request, Route};

/// Between two requests to one gateway.
const PAUSE: Duration = Duration::from_millis(20);
/// Requests on one connection.
const ON_ONE: u64 = 20;

/// The API key of a namespace.
pub(crate) fn key_of(namespace: &Namespace<'_>) -> String {
    format!("key-of-{}-0123456789-0123456789", namespace.name())
}

/// Has the gateways say `text` to the key of a namespace; it may take until they know.
pub(crate) async fn say(namespace: &Namespace<'_>, text: &str) {
    namespace
        .apply(&[
            &Provider::mock("mock", json!({"text": text})),
            &Route::named("chat").models(&["fast"]).to("mock"),
            &Key::named("app", &key_of(namespace)),
        ])
        .await;
}

/// Takes away what [`say`] applies.
pub(crate) async fn take_away(namespace: &Namespace<'_>) {
    let all = ["delete", "airoute/chat", "aiprovider/mock", "secret/app"];
    namespace.kubectl(&all).await.ok();
}

/// What a gateway answers: the text of the mock, or the code of the error.
pub(crate) async fn says(gateway: &GatewayPod, key: &str) -> String {
    let answer = gateway.ask(&Request::chat(key, "fast")).await;
    if answer.status == 200 {
        said(&answer.json())
    } else {
        answer.code()
    }
}

fn said(answer: &Value) -> String {
    let text = &answer["choices"][0]["message"]["content"];
    text.as_str().unwrap().to_owned()
}

/// Waits until every gateway that runs says this to the key of a namespace.
pub(crate) async fn until_say(namespace: &Namespace<'_>, gateways: &[GatewayPod], text: &str) {
    let key = key_of(namespace);
    for gateway in gateways.iter().filter(|gateway| gateway.runs()) {
        let name = &gateway.pod().name;
        eventually_else(&format!("{name} says {text}"), async || {
            let said = says(gateway, &key).await;
            if said == text {
                return Ok(());
            }
            Err(format!("{said}\n{}", gateway.log.text()))
        })
        .await;
    }
}

/// Asserts that every gateway that runs says this, now.
pub(crate) async fn all_say(
    namespace: &Namespace<'_>,
    gateways: &[GatewayPod],
    text: &str,
) -> Result<(), String> {
    let key = key_of(namespace);
    for gateway in gateways.iter().filter(|gateway| gateway.runs()) {
        let said = says(gateway, &key).await;
        if said != text {
            let name = &gateway.pod().name;
            return Err(format!("{name} says {said}\n{}", gateway.log.text()));
        }
    }
    Ok(())
}

/// [`say`], then waits until the status says that every gateway serves it, and then they do.
pub(crate) async fn live(namespace: &Namespace<'_>, gateways: &[GatewayPod], text: &str) {
    say(namespace, text).await;
    ready(namespace, gateways, text).await;
}

/// Waits until the status says that every gateway serves what [`say`] applied, and then they do.
pub(crate) async fn ready(namespace: &Namespace<'_>, gateways: &[GatewayPod], text: &str) {
    for object in ["aiprovider/mock", "airoute/chat"] {
        namespace
            .wait_reason(object, "Ready", "True", "Ready")
            .await;
    }
    all_say(namespace, gateways, text).await.unwrap();
}

/// The operator that leads by the Lease, once one of those that run does.
pub(crate) async fn leader(cluster: &Cluster, operators: &[OperatorPod]) -> usize {
    let (found, _) = eventually("an operator leads", async || {
        let holder = holder(cluster).await?;
        operators
            .iter()
            .position(|one| one.runs() && holder.starts_with(&one.pod().name))
    })
    .await;
    found
}

/// Who holds the Lease of the leader.
pub(crate) async fn holder(cluster: &Cluster) -> Option<String> {
    let lease = cluster.get(RELEASE_NAMESPACE, "lease/weir-operator").await;
    Some(lease?["spec"]["holderIdentity"].as_str()?.to_owned())
}

/// The root: format and term.
pub(crate) async fn root(cluster: &Cluster) -> (u64, u64) {
    let root = cluster
        .get(CONFIG_NAMESPACE, "secret/0-root")
        .await
        .unwrap();
    let number = |name: &str| {
        let text = root["metadata"]["annotations"][name].as_str().unwrap();
        text.parse().unwrap()
    };
    (number("weir.dev/format"), number("weir.dev/term"))
}

/// The Secret of a namespace, if there is one.
pub(crate) async fn published(namespace: &Namespace<'_>) -> Option<Value> {
    let name = format!("secret/ns.{}", namespace.name());
    namespace.cluster().get(CONFIG_NAMESPACE, &name).await
}

/// Name and version of each Secret that is published: the same twice where nobody wrote in between.
pub(crate) async fn versions(cluster: &Cluster) -> String {
    let columns = "custom-columns=NAME:.metadata.name,VERSION:.metadata.resourceVersion";
    let get = ["get", "secrets", "-n", CONFIG_NAMESPACE, "-o", columns];
    cluster.kubectl(&get).await.ok()
}

/// Requests to gateways that go on until the end. None may fail.
pub(crate) struct Load {
    key: String,
    rounds: Vec<Round>,
    texts: BTreeSet<String>,
}

struct Round {
    pod: String,
    stop: Arc<AtomicBool>,
    task: JoinHandle<(u64, BTreeSet<String>)>,
}

impl Load {
    /// To all that run, with the key of this namespace.
    pub(crate) fn on(namespace: &Namespace<'_>, gateways: &[GatewayPod]) -> Self {
        let mut load = Self {
            key: key_of(namespace),
            rounds: Vec::new(),
            texts: BTreeSet::new(),
        };
        for gateway in gateways.iter().filter(|gateway| gateway.runs()) {
            load.begin(gateway);
        }
        load
    }

    /// To this one too, as its Service does once it is ready.
    pub(crate) fn begin(&mut self, gateway: &GatewayPod) {
        let stop = Arc::new(AtomicBool::new(false));
        let round = round(gateway.listen, self.key.clone(), Arc::clone(&stop));
        self.rounds.push(Round {
            pod: gateway.pod().name.clone(),
            stop,
            task: tokio::spawn(round),
        });
    }

    /// Not to this one any more; what is under way is waited for.
    pub(crate) async fn end(&mut self, gateway: &GatewayPod) {
        let name = &gateway.pod().name;
        let index = self.rounds.iter().position(|round| round.pod == *name);
        let round = self.rounds.swap_remove(index.unwrap());
        self.ended(round).await;
    }

    async fn ended(&mut self, round: Round) {
        round.stop.store(true, Ordering::Relaxed);
        match round.task.await {
            Ok((count, texts)) => {
                assert!(count > 0, "{} was asked nothing", round.pod);
                self.texts.extend(texts);
            }
            Err(error) => panic!("a request to {} failed: {error}", round.pod),
        }
    }

    /// Ends it; gives all that gateways said.
    ///
    /// # Panics
    /// A request failed.
    pub(crate) async fn finish(mut self) -> BTreeSet<String> {
        for round in std::mem::take(&mut self.rounds) {
            self.ended(round).await;
        }
        self.texts
    }
}

async fn round(
    address: std::net::SocketAddr,
    key: String,
    stop: Arc<AtomicBool>,
) -> (u64, BTreeSet<String>) {
    let plain = Request::chat(&key, "fast");
    let stream = Request::stream(&key, "fast");
    let mut texts = BTreeSet::new();
    let mut count = 0;
    loop {
        let mut caller = Caller::connect(address).await;
        for number in 0..ON_ONE {
            if stop.load(Ordering::Relaxed) {
                return (count, texts);
            }
            let streamed = number % 5 == 4;
            caller.send(if streamed { &stream } else { &plain }).await;
            let answer = caller.answer().await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            if streamed {
                assert!(
                    answer.text().ends_with("data: [DONE]\n\n"),
                    "{}",
                    answer.text()
                );
            } else {
                texts.insert(said(&answer.json()));
            }
            count += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }
}
