//! What most of the tests begin with.

use std::fmt::Display;

use serde_json::{Value, json};
use weir_tests::folder::documents_of;
use weir_tests::modern::Client;
use weir_tests::upstream::event;
use weir_tests::{Answer, Call, Folder, Gateway, Key, Provider, Request, Route, Upstream, secret};

/// The key of the app.
pub(crate) const KEY: &str = "key-of-the-app-0123456789-0123456789";
/// What the gateway calls the provider with.
pub(crate) const CREDENTIAL: &str = "sk-credential-of-the-provider-0123456789";

/// `config.yaml` with one provider, one route for the model `fast`, and one key.
pub(crate) fn folder_for(provider: Provider) -> Folder {
    let folder = Folder::new();
    folder.write("config.yaml", &basics(&provider));
    folder
}

/// [`folder_for`] a provider at this address.
pub(crate) fn folder_to(address: impl Display) -> Folder {
    folder_for(Provider::at("openai", address))
}

/// [`folder_for`] a mock that says this.
pub(crate) fn folder_of_mock(text: &str) -> Folder {
    folder_for(mock(text))
}

/// A mock named as the provider is elsewhere.
pub(crate) fn mock(text: &str) -> Provider {
    Provider::mock("openai", json!({ "text": text }))
}

/// A provider, a route to it, the app's key and the provider's credential.
pub(crate) fn basics(provider: &Provider) -> String {
    let is_mock = provider.to_string().contains(r#""Mock""#);
    let provider = if is_mock {
        provider.clone()
    } else {
        provider.clone().credential("credential")
    };
    documents_of(&[
        &provider,
        &secret("credential", CREDENTIAL),
        &chat_route(),
        &Key::named("app", KEY),
    ])
}

/// The route of [`basics`].
pub(crate) fn chat_route() -> Route {
    Route::named("chat").models(&["fast"]).to("openai")
}

/// What a plain chat said.
pub(crate) fn said(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json = answer.json();
    json["choices"][0]["message"]["content"]
        .as_str()
        .unwrap_or_else(|| panic!("{json}"))
        .to_owned()
}

/// The access record of an answer.
pub(crate) async fn record_of(gateway: &Gateway, answer: &Answer) -> Value {
    let id = answer.header("x-request-id").unwrap();
    gateway.access.with("requestId", id).await
}

/// The fields of a record that a test names, in its order.
pub(crate) fn fields(record: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| record[*name].clone()).collect()
}

/// The event that ends a broken stream.
pub(crate) fn error_event(message: &str, code: &str) -> String {
    format!(
        "data: {{\"error\":{{\"message\":\"{message}\",\"type\":\"server_error\",\"param\":null,\"code\":\"{code}\"}}}}\n\n"
    )
}

/// A stream over HTTP/2 of which the provider has sent one event, of this text.
pub(crate) async fn begun_over_http2(
    client: &Client,
    upstream: &mut Upstream,
    text: &str,
) -> (http::Response<hyper::body::Incoming>, Call) {
    let mut client = client.another();
    let request = Request::stream(KEY, "fast");
    let (answer, call) = tokio::join!(client.send(&request), async {
        let mut call = upstream.call().await;
        call.begin_stream().await;
        call.chunk(event(text)).await;
        call
    });
    (answer.unwrap(), call)
}
