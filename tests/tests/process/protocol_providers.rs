//! Providers are called over HTTP/1.1 and HTTP/2, through TLS with a CA of one's own, and never
//! where the operator forbids it.

use std::sync::Arc;

use http::Version;
use serde_json::json;
use weir_tests::certificates::{Authority, Pair};
use weir_tests::gateway::Start;
use weir_tests::modern::{Server, Speaks, TEXT};
use weir_tests::resources::secret_with;
use weir_tests::upstream::{DONE, answer, event};
use weir_tests::wait::eventually;
use weir_tests::{Answer, Folder, Gateway, Provider, Request, Upstream};

use crate::common::{CREDENTIAL, KEY, basics, folder_for, folder_to, said};

fn tls(pair: &Pair, alpn: &[&str]) -> Speaks {
    Speaks::Tls(Arc::new(pair.server(alpn)))
}

fn over_tls(server: &Server) -> Provider {
    let endpoint = format!("https://localhost:{}/v1", server.address.port());
    Provider::openai("openai", &endpoint).with("/spec/tls", json!({"caSecretRef": {"name": "ca"}}))
}

fn folder_with_ca(provider: Provider, ca: &str) -> Folder {
    let folder = folder_for(provider);
    folder.write("ca.yaml", &secret_with("ca", "ca.crt", ca));
    folder
}

/// The version that each request came by, and that all of them came well.
async fn asks_twice(gateway: &Gateway, server: &Server) -> Version {
    assert_eq!(said(&gateway.chat(KEY, "fast").await), TEXT);
    let streamed = gateway.ask(&Request::stream(KEY, "fast")).await;
    assert_eq!(streamed.text(), event(TEXT) + DONE);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    for seen in &seen {
        assert_eq!(seen.method, "POST");
        assert!(seen.uri.ends_with("/v1/chat/completions"), "{}", seen.uri);
        assert_eq!(
            seen.headers["authorization"],
            format!("Bearer {CREDENTIAL}")
        );
        let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!(body["model"], "fast");
    }
    assert_eq!(seen[0].version, seen[1].version);
    seen[0].version
}

#[tokio::test]
async fn http2_in_plain_text_by_prior_knowledge() {
    let server = Server::start(Speaks::Http2).await;
    let provider = Provider::at("openai", server.address).with("/spec/httpVersion", "HTTP2".into());
    let folder = folder_for(provider);
    let gateway = Gateway::serving(&folder).await;
    assert_eq!(asks_twice(&gateway, &server).await, Version::HTTP_2);
}

#[tokio::test]
async fn tls_with_a_ca_of_ones_own_speaks_what_was_negotiated() {
    let authority = Authority::new();
    let pair = authority.certify(&["localhost"]);
    for (version, offers, spoken) in [
        (None, &["h2", "http/1.1"][..], Version::HTTP_2),
        (None, &["http/1.1"], Version::HTTP_11),
        (None, &[], Version::HTTP_11),
        (Some("HTTP1"), &["h2", "http/1.1"], Version::HTTP_11),
        (Some("HTTP2"), &["h2", "http/1.1"], Version::HTTP_2),
        (Some("Auto"), &["h2"], Version::HTTP_2),
    ] {
        let server = Server::start(tls(&pair, offers)).await;
        let mut provider = over_tls(&server);
        if let Some(version) = version {
            provider = provider.with("/spec/httpVersion", version.into());
        }
        let folder = folder_with_ca(provider, &authority.pem());
        let gateway = Gateway::serving(&folder).await;
        assert_eq!(
            asks_twice(&gateway, &server).await,
            spoken,
            "{version:?} {offers:?}"
        );
    }
}

fn unreachable(answer: &Answer) {
    assert_eq!(
        (answer.status, answer.code()),
        (502, "provider_unreachable".into())
    );
    assert!(!answer.text().contains("certificate"), "{}", answer.text());
}

#[tokio::test]
async fn a_provider_that_is_not_who_it_should_be_is_not_called() {
    let (authority, other) = (Authority::new(), Authority::new());
    // Another authority's; another name's; and one that speaks no HTTP/2.
    let right = authority.certify(&["localhost"]);
    for (speaks, version) in [
        (tls(&other.certify(&["localhost"]), &["http/1.1"]), "Auto"),
        (
            tls(&authority.certify(&["example.com"]), &["http/1.1"]),
            "Auto",
        ),
        (tls(&right, &["http/1.1"]), "HTTP2"),
    ] {
        let server = Server::start(speaks).await;
        let provider = over_tls(&server).with("/spec/httpVersion", version.into());
        let folder = folder_with_ca(provider, &authority.pem());
        let gateway = Gateway::serving(&folder).await;
        unreachable(&gateway.chat(KEY, "fast").await);
        assert!(server.seen().is_empty());
    }
    // A CA bundle replaces the system's, and a change of it counts.
    let server = Server::start(tls(&right, &["http/1.1"])).await;
    let folder = folder_with_ca(over_tls(&server), &other.pem());
    let gateway = Gateway::serving(&folder).await;
    unreachable(&gateway.chat(KEY, "fast").await);
    folder.write(
        "ca.yaml",
        &secret_with("ca", "ca.crt", &(other.pem() + &authority.pem())),
    );
    eventually("the new bundle counts", async || {
        (gateway.chat(KEY, "fast").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn addresses_that_are_denied_are_not_connected_to() {
    let mut upstream = Upstream::scripted().await;
    let port = upstream.address.port();
    let folder = folder_to(upstream.address);
    let gateway = Start::on(folder.path())
        .flag("--deny-upstream", "10.0.0.0/8,127.0.0.0/8,::1")
        .ready()
        .await;
    for (number, host) in [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "127.1",
        "[::1]",
    ]
    .iter()
    .enumerate()
    {
        let endpoint = format!("http://{host}:{port}/v1");
        folder.write(
            "config.yaml",
            &basics(&Provider::openai("openai", &endpoint)),
        );
        if number > 0 {
            let wanted = f64::from(u32::try_from(number).unwrap() + 1);
            eventually("the change is applied", async || {
                (gateway.metric("weir_config_revision").await? >= wanted).then_some(())
            })
            .await;
        }
        let answer = gateway.chat(KEY, "fast").await;
        // A name that no resolver knows has no address that could be denied.
        if !(*host == "127.1" && answer.code() == "provider_unreachable") {
            assert_eq!(
                (answer.status, answer.code()),
                (502, "provider_denied".into()),
                "{host}"
            );
            assert_eq!(
                answer.json()["error"]["message"],
                "This gateway may not connect to the provider: team/openai has an address that may not be connected to."
            );
        }
    }
    assert!(!upstream.was_called());
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let mut elsewhere = Upstream::scripted().await;
    let location = format!("http://{}/v1/chat/completions", elsewhere.address);
    for status in [301, 302, 307, 308] {
        let location = location.clone();
        let upstream =
            Upstream::replying(move |_| answer(status, &[("location", &location)], "")).await;
        let folder = folder_to(upstream.address);
        let gateway = Gateway::serving(&folder).await;
        let answer = gateway.chat(KEY, "fast").await;
        assert_eq!(
            (answer.status, answer.code()),
            (502, "provider_redirect".into())
        );
        assert_eq!(answer.header("location"), None);
    }
    assert!(!elsewhere.was_called());
}

#[tokio::test]
async fn a_kept_connection_that_the_provider_closed_is_replaced() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Start::on(folder.path())
        .flag("--workers", "1")
        .ready()
        .await;
    for round in 0..10 {
        let mut caller = gateway.connect().await;
        caller.send(&Request::chat(KEY, "fast")).await;
        let mut call = upstream.call().await;
        let body = weir_tests::upstream::completion("hello");
        call.send(answer(200, &[], &body)).await;
        assert_eq!(said(&caller.answer().await), "hello", "round {round}");
        // The gateway may keep the connection; the provider does not.
        call.hang_up();
    }
}
