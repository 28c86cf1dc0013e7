//! Who calls by the token of a ServiceAccount: the right one in, every other one out, with an error
//! in OpenAI's shape that says what would be right.

use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, EncodingKey, Header, decode_header, encode};
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};
use weir_tests::caller::Answer;
use weir_tests::cluster::{Cluster, GatewayPod, Namespace, Token, World, eventually_else};
use weir_tests::{Key, Provider, Request, Route};

const KEY: &str = "key-of-the-app-0123456789-0123456789";
const WEIR: Token<'_> = Token {
    audience: Some("weir"),
    seconds: None,
    pod: None,
};
/// How long a token may be taken after its ServiceAccount is gone.
const GONE: Duration = Duration::from_secs(2);

/// A namespace with a route for whoever is in it, and the ServiceAccount `web`.
async fn team<'a>(world: &'a World, prefix: &str) -> Namespace<'a> {
    let team = world.cluster().namespace(prefix).await;
    team.service_account("web").await;
    team.apply(&[
        &Provider::mock("mock", json!({"text": "Hello"})),
        &Route::named("chat").models(&["fast"]).to("mock"),
    ])
    .await;
    eventually_else("the route is ready", async || {
        let condition = team.condition("airoute/chat", "Ready").await;
        let ready = condition
            .as_ref()
            .is_some_and(|ready| ready["status"] == "True");
        ready
            .then_some(())
            .ok_or_else(|| format!("{condition:?}\n{}", world.logs()))
    })
    .await;
    team
}

async fn ask(gateway: &GatewayPod, token: &str) -> Answer {
    gateway.ask(&Request::chat(token, "fast")).await
}

async fn until_status(gateway: &GatewayPod, token: &str, status: u16) -> Duration {
    let (_, took) = eventually_else(&format!("{status} is answered"), async || {
        let answer = ask(gateway, token).await;
        if answer.status == status {
            return Ok(());
        }
        Err(format!(
            "{} {}\n{}",
            answer.status,
            answer.text(),
            gateway.log.text()
        ))
    })
    .await;
    took
}

/// Refused by every gateway with this status and code, in OpenAI's shape; gives the message.
async fn refused(world: &World, token: &str, status: u16, code: &str) -> String {
    let mut messages = Vec::new();
    for gateway in world.gateways() {
        let answer = ask(gateway, token).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{}",
            answer.text()
        );
        let error = &answer.json()["error"];
        assert_eq!(error["type"], "invalid_request_error");
        assert!(error.as_object().unwrap().contains_key("param"));
        let text = answer.text();
        let mut parts = token.split('.');
        assert!(
            parts.all(|part| part.is_empty() || !text.contains(part)),
            "{text}"
        );
        messages.push(error["message"].as_str().unwrap().to_owned());
    }
    messages.dedup();
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

/// A private key of a cluster, and what its tokens are signed with.
struct Signer(EncodingKey);

impl Signer {
    fn of(pair: &KeyPair) -> Self {
        // What PKCS#8 puts before the key of PKCS#1 is this long for 2,048 bits.
        Self(EncodingKey::from_rsa_der(&pair.serialize_der()[26..]))
    }

    /// The key that the cluster signs with: the first one, which is RSA.
    fn of_cluster(cluster: &Cluster) -> Self {
        let (_, folders) = cluster.traces();
        let files = folders.iter().map(|folder| folder.join("sign-1.key"));
        let file = files.into_iter().find(|file| file.exists()).unwrap();
        let pem = std::fs::read_to_string(file).unwrap();
        Self::of(&KeyPair::from_pem(&pem).unwrap())
    }

    /// Of a cluster that nobody here knows.
    fn foreign() -> Self {
        Self::of(&KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap())
    }

    /// A token like this one, but for what is changed.
    fn like(&self, token: &str, change: impl FnOnce(&mut Value, &mut Header)) -> String {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = decode_header(token).unwrap().kid;
        let mut claims = claims(token);
        change(&mut claims, &mut header);
        encode(&header, &claims, &self.0).unwrap()
    }
}

fn claims(token: &str) -> Value {
    jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap()
}

#[tokio::test]
async fn a_pods_token_is_let_in_by_its_routes_and_by_no_others() {
    let world = World::shared().await;
    let (mine, other) = (team(world, "identity").await, team(world, "other").await);
    let token = mine.token("web", &WEIR).await;
    for gateway in world.gateways() {
        until_status(gateway, &token, 200).await;
        let streamed = gateway.ask(&Request::stream(&token, "fast")).await;
        assert_eq!(streamed.status, 200);
        assert!(
            streamed.text().ends_with("data: [DONE]\n\n"),
            "{}",
            streamed.text()
        );
        let models = Request::get("/v1/models").header("x-api-key", &token);
        let models = gateway.ask(&models).await.json();
        assert_eq!(models["data"].as_array().unwrap().len(), 1, "{models}");
        let elsewhere = format!("{}/chat", other.name());
        let named = Request::chat(&token, "fast").header("x-weir-route", &elsewhere);
        let named = gateway.ask(&named).await;
        assert_eq!(
            (named.status, named.code().as_str()),
            (404, "model_not_found")
        );
    }

    // A route that admits another account, and one that admits keys alone.
    mine.service_account("db").await;
    let accounts = json!([{"serviceAccounts": {"names": ["db"]}}]);
    let key = Key::named("app", KEY);
    mine.apply(&[
        &key,
        &Route::named("chat")
            .models(&["fast"])
            .to("mock")
            .with("/spec/consumers", accounts),
    ])
    .await;
    mine.wait_ready("airoute/chat").await;
    let db = mine.token("db", &WEIR).await;
    for gateway in world.gateways() {
        until_status(gateway, &db, 200).await;
        until_status(gateway, &token, 404).await;
    }
    refused(world, &token, 404, "model_not_found").await;
    refused(world, KEY, 404, "model_not_found").await;

    // Of a namespace for which nothing is configured.
    let nobody = world.cluster().namespace("nobody").await;
    let nobody = nobody.token("default", &WEIR).await;
    let message = refused(world, &nobody, 401, "invalid_token").await;
    assert!(
        message.starts_with("Weir knows no such ServiceAccount"),
        "{message}"
    );
}

#[tokio::test]
async fn a_token_that_is_not_right_is_refused_and_it_is_said_why() {
    let world = World::shared().await;
    let team = team(world, "refused").await;
    let good = team.token("web", &WEIR).await;
    for gateway in world.gateways() {
        until_status(gateway, &good, 200).await;
    }
    let said = async |token: &str, code: &str| refused(world, token, 401, code).await;
    let for_api_server = team.token("web", &Token::default()).await;
    let message = said(&for_api_server, "invalid_token").await;
    assert!(message.contains("audience `weir`"), "{message}");

    let foreign = Signer::foreign();
    let same_id = foreign.like(&good, |_, _| {});
    let message = said(&same_id, "invalid_token").await;
    assert_eq!(message, "The signature of this token is wrong.");
    let other_id = foreign.like(&good, |_, header| header.kid = Some("foreign".into()));
    let message = said(&other_id, "invalid_token").await;
    assert!(message.contains("does not have the key"), "{message}");
    let elsewhere = foreign.like(&good, |claims, header| {
        header.kid = Some("foreign".into());
        claims["iss"] = json!("https://other.example");
    });
    let message = said(&elsewhere, "invalid_token").await;
    assert!(message.contains("issued by another cluster"), "{message}");

    if !world.cluster().is_own() {
        println!("not run: tokens signed with the key of a cluster that is not this test's");
        return;
    }
    let signer = Signer::of_cluster(world.cluster());
    let as_good = signer.like(&good, |_, _| {});
    assert_eq!(ask(world.gateway(0), &as_good).await.status, 200);
    let past = claims(&good)["iat"].as_u64().unwrap() - 60;
    let expired = signer.like(&good, |claims, _| claims["exp"] = json!(past));
    let message = said(&expired, "expired_token").await;
    assert!(message.contains("read it anew"), "{message}");
    let issuer = signer.like(&good, |claims, _| {
        claims["iss"] = json!("https://other.example")
    });
    let message = said(&issuer, "invalid_token").await;
    assert!(message.contains("issued by another cluster"), "{message}");
    let uid = signer.like(&good, |claims, _| {
        claims["kubernetes.io"]["serviceaccount"]["uid"] = json!("another");
    });
    let message = said(&uid, "invalid_token").await;
    assert!(
        message.starts_with("Weir knows no such ServiceAccount"),
        "{message}"
    );
}

#[tokio::test]
async fn a_deleted_account_is_refused_within_two_seconds_also_when_it_is_made_anew() {
    let world = World::shared().await;
    let team = team(world, "gone").await;
    let before = team.token("web", &WEIR).await;
    for gateway in world.gateways() {
        until_status(gateway, &before, 200).await;
    }
    team.delete("serviceaccount/web").await;
    let deleted = Instant::now();
    for gateway in world.gateways() {
        until_status(gateway, &before, 401).await;
    }
    let took = deleted.elapsed();
    println!("refused {took:?} after it was deleted");
    assert!(took < GONE, "{took:?}");

    team.service_account("web").await;
    let after = team.token("web", &WEIR).await;
    for gateway in world.gateways() {
        until_status(gateway, &after, 200).await;
    }
    let message = refused(world, &before, 401, "invalid_token").await;
    assert!(
        message.starts_with("Weir knows no such ServiceAccount"),
        "{message}"
    );
}

#[tokio::test]
async fn signing_keys_are_rotated_with_no_failed_request() {
    let start = World::new().operators(1).gateways(2);
    let Some(mut world) = start.of_its_own("identity_keys").await else {
        return;
    };
    let team = team(&world, "keys").await;
    let old = team.token("web", &WEIR).await;
    let name = team.name().to_owned();
    for gateway in world.gateways() {
        until_status(gateway, &old, 200).await;
    }
    world.cluster().sign_with_new_key().await;
    let new = world.cluster().token(&name, "web", &WEIR).await;
    assert_ne!(
        decode_header(&old).unwrap().kid,
        decode_header(&new).unwrap().kid
    );
    for gateway in world.gateways() {
        // The first with that key, at once with others.
        let (one, two, three) =
            tokio::join!(ask(gateway, &new), ask(gateway, &old), ask(gateway, &new));
        for answer in [one, two, three] {
            assert_eq!(
                answer.status,
                200,
                "{}\n{}",
                answer.text(),
                gateway.log.text()
            );
        }
    }

    // What the cluster has dropped is dropped as soon as its keys are read, here for the sake of a key
    // that nobody knows.
    for gateway in world.gateways() {
        gateway.renew_token(world.cluster()).await;
    }
    world.cluster().forget_old_keys().await;
    let unknown = Signer::foreign().like(&old, |_, header| header.kid = Some("unknown".into()));
    for gateway in world.gateways() {
        eventually_else("the old key counts no more", async || {
            let poked = ask(gateway, &unknown).await.text();
            let answer = ask(gateway, &old).await;
            if answer.status == 401 {
                assert_eq!(answer.code(), "invalid_token");
                return Ok(());
            }
            Err(format!("{poked} {}", answer.text()))
        })
        .await;
        assert_eq!(ask(gateway, &new).await.status, 200);
    }

    // The keys are kept: with nobody to ask, a gateway that starts anew knows them.
    world.cluster().kill_api_server();
    world.gateway_mut(0).kill();
    world.gateway_mut(0).start().await;
    world.gateway(0).wait_ready().await;
    assert_eq!(ask(world.gateway(0), &new).await.status, 200);
    let unavailable = ask(world.gateway(0), &old).await;
    assert_eq!(
        (unavailable.status, unavailable.code().as_str()),
        (503, "token_keys_unavailable")
    );
    assert_eq!(unavailable.header("retry-after"), Some("1"));
}
