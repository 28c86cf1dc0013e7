//! Every SDK through the gateway to every provider; `docs/compatibility.md` is what came of it.
//!
//! The providers are played by what others recorded, or by what their docs show. `WEIR_SKIP_SDK=1` or
//! `WEIR_SKIP_RECORDED=1` skips these tests; `WEIR_WRITE_DOCS=1` writes the page.

mod expected;
mod fake;
mod played;
mod scripts;
mod setup;
mod table;
mod told;

use std::fs;

use weir_tests::gateway::root;
use weir_tests::{Gateway, Upstream};

use crate::fake::reply;
use crate::scripts::{Row, SCRIPTS};
use crate::setup::KEY;
use crate::told::{PROVIDERS, Provider};

fn skipped() -> bool {
    weir_tests::sdk::skipped() || weir_recorded::all().is_empty()
}

/// The provider of an SDK's own maker, the script, and how its callers begin.
const NATIVE: [(&str, usize, &str); 11] = [
    ("openai", 0, "openai"),
    ("anthropic", 1, "anthropic"),
    ("gemini", 2, "google-genai"),
    ("cohere", 3, "cohere"),
    ("bedrock", 4, "boto3"),
    ("openai", 5, "LangChain, ChatOpenAI"),
    ("anthropic", 5, "LangChain, ChatAnthropic"),
    ("gemini", 5, "LangChain, ChatGoogle"),
    ("openai", 6, "AI SDK, openai"),
    ("anthropic", 6, "AI SDK, anthropic"),
    ("gemini", 6, "AI SDK, google"),
];

/// What is played back is what the SDKs expect: they take these providers for their own makers'.
#[tokio::test]
async fn the_sdks_take_the_played_providers_for_real_ones() {
    if skipped() {
        return;
    }
    let mut wrong = Vec::new();
    for (name, script, start) in NATIVE {
        let provider = PROVIDERS.iter().find(|one| one.name == name).unwrap();
        let upstream = Upstream::replying(move |seen| reply(name, KEY, seen)).await;
        let at = format!("http://{}", upstream.address);
        let rows = SCRIPTS[script].run(&at, &[provider]).await;
        let own = |row: &&Row| row.caller.starts_with(start);
        assert!(rows.iter().any(|row| own(&row)), "{start} did not run");
        let fails = |row: &&Row| own(row) && row.result != "ok";
        wrong.extend(rows.iter().filter(fails).cloned());
    }
    told_wrong(&wrong);
}

fn told_wrong(rows: &[Row]) {
    for row in rows {
        let Row {
            caller,
            provider,
            ask,
            result,
        } = row;
        eprintln!("WRONG {caller} → {provider}, {ask}: {result}");
    }
    assert!(rows.is_empty(), "{} asks went wrong", rows.len());
}

#[tokio::test]
async fn every_sdk_reaches_every_provider() {
    if skipped() {
        return;
    }
    let mut upstreams = Vec::new();
    for provider in &PROVIDERS {
        let reply = |seen: &_| reply(provider.name, fake::CREDENTIAL, seen);
        upstreams.push(Upstream::replying(reply).await);
    }
    let addresses: Vec<_> = upstreams.iter().map(|one| one.address).collect();
    let folder = setup::folder(&addresses);
    let gateway = Gateway::serving(&folder).await;
    let (secure, trust) = setup::with_tls(&folder).await;
    let all: Vec<&Provider> = PROVIDERS.iter().collect();
    let mut rows = Vec::new();
    for script in &SCRIPTS {
        let ran = if script.needs_tls() {
            let at = format!("https://{}", secure.listen);
            script.run_trusting(&at, &all, Some(&trust)).await
        } else {
            script
                .run(&format!("http://{}", gateway.listen), &all)
                .await
        };
        rows.extend(ran);
    }
    let wrong: Vec<Row> = rows.iter().filter(|row| row.is_wrong()).cloned().collect();
    told_wrong(&wrong);
    let page = table::page(&rows);
    let path = root().join("docs/compatibility.md");
    if std::env::var("WEIR_WRITE_DOCS").is_ok_and(|value| value == "1") {
        fs::write(path, page).unwrap();
        return;
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        committed, page,
        "docs/compatibility.md is out of date: run this test with WEIR_WRITE_DOCS=1"
    );
}
