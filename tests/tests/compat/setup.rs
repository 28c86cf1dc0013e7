//! A gateway that has all the providers.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};
use weir_tests::certificates::Authority;
use weir_tests::gateway::Start;
use weir_tests::{Folder, Gateway, Key, Provider, Route, secret};

use crate::fake::{ACCESS_KEY, CREDENTIAL};
use crate::told::PROVIDERS;

/// The key of the app.
pub(crate) const KEY: &str = "key-of-the-app-0123456789-0123456789";

/// The folder of a gateway whose providers are at these addresses, in the order of [`PROVIDERS`].
pub(crate) fn folder(addresses: &[SocketAddr]) -> Folder {
    let mut documents: Vec<Box<dyn Display>> = vec![Box::new(Key::named("app", KEY))];
    for (provider, address) in PROVIDERS.iter().zip(addresses) {
        let name = provider.name;
        let credential = match name {
            "bedrock" => format!(
                "[default]\naws_access_key_id={ACCESS_KEY}\naws_secret_access_key={CREDENTIAL}\n"
            ),
            _ => CREDENTIAL.to_owned(),
        };
        documents.push(Box::new(secret(name, &credential)));
        documents.push(Box::new(
            Provider::openai(name, "http://replaced")
                .with("/spec", spec(name, *address))
                .credential(name),
        ));
        let models = format!("{name}.*");
        documents.push(Box::new(Route::named(name).models(&[&models]).to(name)));
    }
    let all: Vec<&dyn Display> = documents.iter().map(|one| &**one).collect();
    Folder::with(&all)
}

/// A gateway that serves TLS, and the file of whom to trust.
pub(crate) async fn with_tls(folder: &Folder) -> (Gateway, PathBuf) {
    let authority = Authority::new();
    let pair = authority.certify(&["127.0.0.1"]);
    folder.write("..tls/ca.crt", &authority.pem());
    folder.write("..tls/tls.crt", &pair.certificate);
    folder.write("..tls/tls.key", &pair.key);
    let gateway = Start::on(folder.path())
        .flag("--tls-cert", folder.file("..tls/tls.crt"))
        .flag("--tls-key", folder.file("..tls/tls.key"))
        .ready()
        .await;
    (gateway, folder.file("..tls/ca.crt"))
}

/// What is written for a provider, besides its credentials.
fn spec(name: &str, address: SocketAddr) -> Value {
    let at = |path: &str| format!("http://{address}{path}");
    let vertex = "/v1/projects/p/locations/l";
    match name {
        "openai" => json!({"dialect": "OpenAI", "endpoint": at("/v1")}),
        "azure" => json!({"dialect": "AzureOpenAI", "endpoint": at("")}),
        "anthropic" => json!({"dialect": "Anthropic", "endpoint": at("")}),
        "gemini" => json!({"dialect": "Gemini", "endpoint": at("")}),
        "vertex" | "claude" => json!({"dialect": "Vertex", "endpoint": at(vertex)}),
        "bedrock" => {
            let region = json!({"region": "us-east-1"});
            json!({"dialect": "Bedrock", "endpoint": at(""), "bedrock": region})
        }
        "cohere" => json!({"dialect": "Cohere", "endpoint": at("")}),
        "mistral" => json!({"dialect": "OpenAI", "preset": "Mistral", "endpoint": at("/v1")}),
        "groq" => json!({"dialect": "OpenAI", "preset": "Groq", "endpoint": at("/openai/v1")}),
        other => panic!("nothing is written for {other}"),
    }
}
