//! Callers speak HTTP/1.1, HTTP/2 by prior knowledge, and either of them through TLS.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use bytes::Bytes;
use weir_tests::certificates::{Authority, Pair};
use weir_tests::gateway::Start;
use weir_tests::modern::{self, Client};
use weir_tests::upstream::{DONE, completion, event};
use weir_tests::wait::eventually;
use weir_tests::{Caller, Folder, Gateway, Request, Upstream};

use crate::common::{KEY, begun_over_http2, folder_of_mock, folder_to, said};

#[tokio::test]
async fn http1_connections_are_kept_and_closed_as_callers_ask() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    for _ in 0..3 {
        caller.send(&Request::chat(KEY, "fast")).await;
        assert_eq!(said(&caller.answer().await), "hello");
    }
    caller
        .send(&Request::chat(KEY, "fast").header("connection", "close"))
        .await;
    assert_eq!(said(&caller.answer().await), "hello");
    assert_eq!(caller.closed(Duration::from_secs(2)).await, b"");
    // HTTP/1.0 does not keep connections, and knows no chunks.
    let mut caller = gateway.connect().await;
    let old = String::from_utf8(Request::stream(KEY, "fast").bytes()).unwrap();
    caller
        .send_bytes(old.replace("HTTP/1.1", "HTTP/1.0").as_bytes())
        .await
        .unwrap();
    let answer = caller.answer().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("transfer-encoding"), None);
    assert!(answer.text().ends_with(DONE), "{}", answer.text());
}

#[tokio::test]
async fn a_caller_that_waits_for_100_continue_gets_it() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    let request = Request::chat(KEY, "fast").header("expect", "100-continue");
    let bytes = request.bytes();
    let (head, body) = bytes.split_at(bytes.len() - request.body.len());
    let mut caller = gateway.connect().await;
    caller.send_bytes(head).await.unwrap();
    assert_eq!(caller.raw(25).await, b"HTTP/1.1 100 Continue\r\n\r\n");
    caller.send_bytes(body).await.unwrap();
    assert_eq!(said(&caller.answer().await), "hello");
    // One that is refused need not send its body.
    let refused = Request::chat("nobodys", "fast").header("expect", "100-continue");
    let bytes = refused.bytes();
    let mut caller = gateway.connect().await;
    caller
        .send_bytes(&bytes[..bytes.len() - refused.body.len()])
        .await
        .unwrap();
    assert_eq!(caller.answer().await.status, 401);
}

#[tokio::test]
async fn http2_by_prior_knowledge_carries_many_streams() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    let mut client = Client::h2c(gateway.listen).await;
    let mut bodies = Vec::new();
    let mut calls = Vec::new();
    for number in 0..20 {
        let text = number.to_string();
        let (answer, call) = begun_over_http2(&client, &mut upstream, &text).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-weir-route"], "team/chat");
        bodies.push(answer.into_body());
        calls.push(call);
    }
    for (number, (body, mut call)) in bodies.iter_mut().zip(calls).enumerate() {
        assert_eq!(
            modern::next(body).await.unwrap().unwrap(),
            event(&number.to_string())
        );
        call.chunk(event("next")).await;
        assert_eq!(modern::next(body).await.unwrap().unwrap(), event("next"));
        call.chunk(DONE).await;
        call.end().await;
        assert_eq!(modern::next(body).await.unwrap().unwrap(), DONE);
        assert_eq!(modern::next(body).await.unwrap(), None);
    }
    let request = Request::chat(KEY, "fast");
    let (plain, ()) = tokio::join!(client.ask(&request), async {
        upstream
            .call()
            .await
            .answer(200, &completion("plain"))
            .await;
    });
    assert_eq!(plain.2, Bytes::from(completion("plain")));
}

#[tokio::test]
async fn a_caller_that_leaves_an_http2_stream_stops_the_call() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    let client = Client::h2c(gateway.listen).await;
    let (answer, call) = begun_over_http2(&client, &mut upstream, "one").await;
    drop(answer);
    call.closed(Duration::from_secs(1)).await;
    // Before there is an answer.
    let mut waiting = client.another();
    let request = Request::chat(KEY, "fast");
    let call = tokio::select! {
        _ = waiting.send(&request) => panic!("nobody answered"),
        call = upstream.call() => call,
    };
    call.closed(Duration::from_secs(1)).await;
    // And a provider that dies ends in an error event here as well.
    let (answer, call) = begun_over_http2(&client, &mut upstream, "one").await;
    call.reset();
    let mut body = answer.into_body();
    let mut text = Vec::new();
    while let Some(piece) = modern::next(&mut body).await.unwrap() {
        text.extend(piece);
    }
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with(&event("one")), "{text}");
    assert!(text.contains("\"code\":\"provider_broken\""), "{text}");
}

/// Files of a certificate, and a gateway that serves TLS with it.
async fn with_tls(folder: &Folder, pair: &Pair) -> Gateway {
    folder.write("..tls/tls.crt", &pair.certificate);
    folder.write("..tls/tls.key", &pair.key);
    Start::on(folder.path())
        .flag("--tls-cert", folder.file("..tls/tls.crt"))
        .flag("--tls-key", folder.file("..tls/tls.key"))
        .ready()
        .await
}

#[tokio::test]
async fn tls_agrees_on_what_the_caller_offers() {
    let authority = Authority::new();
    let folder = folder_of_mock("hello");
    let gateway = with_tls(&folder, &authority.certify(&["localhost"])).await;
    for (offer, agreed) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let mut client = Client::tls(gateway.listen, authority.roots(), offer)
            .await
            .unwrap();
        assert_eq!(client.alpn.as_deref(), agreed);
        for _ in 0..2 {
            let (status, headers, body) = client.ask(&Request::chat(KEY, "fast")).await;
            assert_eq!(status, 200);
            assert_eq!(headers["x-weir-provider"], "team/openai");
            assert!(String::from_utf8(body.to_vec()).unwrap().contains("hello"));
        }
        let (_, _, body) = client.ask(&Request::stream(KEY, "fast")).await;
        assert!(body.ends_with(DONE.as_bytes()));
    }
    // Plain text is not served there.
    let mut caller = gateway.connect().await;
    caller.send(&Request::chat(KEY, "fast")).await;
    let said = caller.closed(Duration::from_secs(15)).await;
    assert!(!said.starts_with(b"HTTP/1.1 200"), "{said:?}");
    // An authority that is not trusted is no matter of the gateway's.
    let others = Authority::new().roots();
    assert!(Client::tls(gateway.listen, others, &["h2"]).await.is_err());
    let mut client = Client::tls(gateway.listen, authority.roots(), &["h2"])
        .await
        .unwrap();
    assert_eq!(client.ask(&Request::chat(KEY, "fast")).await.0, 200);
}

#[tokio::test]
async fn a_certificate_that_changes_is_served_to_new_connections() {
    let authority = Authority::new();
    let shown = async |gateway: &Gateway| {
        let client = Client::tls(gateway.listen, authority.roots(), &["h2"]).await;
        client.unwrap().certificate.unwrap()
    };
    let folder = folder_of_mock("hello");
    let gateway = with_tls(&folder, &authority.certify(&["localhost"])).await;
    let mut old = Client::tls(gateway.listen, authority.roots(), &["h2"])
        .await
        .unwrap();
    let mut before = shown(&gateway).await;
    let changed = async |before: &mut rustls::pki_types::CertificateDer<'static>, how: &str| {
        let (now, took) = eventually(&format!("the certificate is new: {how}"), async || {
            let now = shown(&gateway).await;
            (now != *before).then_some(now)
        })
        .await;
        println!("a certificate {how} serves after {took:?}");
        *before = now;
    };
    let pair = authority.certify(&["localhost"]);
    folder.write("..tls/tls.crt", &pair.certificate);
    folder.write("..tls/tls.key", &pair.key);
    changed(&mut before, "renamed into place").await;
    let pair = authority.certify(&["localhost"]);
    folder.write_in_place("..tls/tls.key", &pair.key);
    folder.write_in_place("..tls/tls.crt", &pair.certificate);
    changed(&mut before, "written in place").await;

    // A pair that does not fit, or makes no sense: the last good one serves on.
    folder.write("..tls/tls.crt", "no certificate");
    gateway
        .log
        .record("the broken certificate is named", |record| {
            (record["level"] == "ERROR" || record["level"] == "WARN")
                && record.to_string().contains("tls.crt")
        })
        .await;
    assert!(!gateway.log.text().contains("PRIVATE KEY"));
    assert_eq!(shown(&gateway).await, before);
    let pair = authority.certify(&["localhost"]);
    folder.write("..tls/tls.crt", &pair.certificate);
    folder.write("..tls/tls.key", &pair.key);
    changed(&mut before, "mended").await;
    // A connection that was there all along.
    assert_eq!(old.ask(&Request::chat(KEY, "fast")).await.0, 200);
}

#[tokio::test]
async fn a_mounted_certificate_is_followed() {
    let authority = Authority::new();
    let folder = folder_of_mock("hello");
    let publish = |version: &str| {
        let pair = authority.certify(&["localhost"]);
        folder.write(&format!("..tls/..{version}/tls.crt"), &pair.certificate);
        folder.write(&format!("..tls/..{version}/tls.key"), &pair.key);
        let fresh = folder.file("..tls/..data_tmp");
        symlink(format!("..{version}"), &fresh).unwrap();
        fs::rename(fresh, folder.file("..tls/..data")).unwrap();
    };
    publish("one");
    for name in ["tls.crt", "tls.key"] {
        symlink(
            format!("..data/{name}"),
            folder.file(&format!("..tls/{name}")),
        )
        .unwrap();
    }
    let gateway = Start::on(folder.path())
        .flag("--tls-cert", folder.file("..tls/tls.crt"))
        .flag("--tls-key", folder.file("..tls/tls.key"))
        .ready()
        .await;
    let shown = async || {
        let client = Client::tls(gateway.listen, authority.roots(), &["h2"]).await;
        client.unwrap().certificate.unwrap()
    };
    let before = shown().await;
    publish("two");
    let (_, took) = eventually("the certificate is new", async || {
        (shown().await != before).then_some(())
    })
    .await;
    println!("a certificate that is swapped by ..data serves after {took:?}");
}

#[tokio::test]
async fn callers_that_say_nothing_are_no_trouble() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    let _silent: Vec<Caller> = {
        let mut silent = Vec::new();
        for _ in 0..20 {
            silent.push(gateway.connect().await);
        }
        silent
    };
    gateway.assert_serves(KEY, "fast").await;
}
