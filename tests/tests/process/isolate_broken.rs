//! What is broken is refused and named, its last good version serves on, and all others serve.

use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::folder::documents_of;
use weir_tests::wait::eventually;
use weir_tests::{Caller, Folder, Gateway, Key, Request, Route};

use crate::common::{KEY, basics, chat_route, folder_of_mock, mock, said};

const TEAMS: usize = 250;

fn team(number: usize) -> String {
    format!("team-{number}")
}

fn key_of(number: usize) -> String {
    format!("key-of-team-{number:0>40}")
}

/// Four resources of a team, in the order: namespace, provider, route, key.
fn team_file(number: usize, text: &str) -> String {
    let name = team(number);
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    documents_of(&[
        &namespace,
        &mock(text).in_namespace(&name),
        &chat_route().in_namespace(&name),
        &Key::named("app", &key_of(number)).in_namespace(&name),
    ])
}

/// 1,000 resources in 250 files, two folders deep.
fn thousand() -> Folder {
    let folder = Folder::new();
    for number in 0..TEAMS {
        folder.write(&file_of(number), &team_file(number, "first"));
    }
    folder
}

fn file_of(number: usize) -> String {
    format!("teams/{}/{}.yaml", number % 10, team(number))
}

/// Asserts that every team is served, each with what it last said.
async fn all_serve(gateway: &Gateway, expect: impl Fn(usize) -> &'static str) {
    let mut caller = gateway.connect().await;
    for number in 0..TEAMS {
        caller.send(&Request::chat(&key_of(number), "fast")).await;
        assert_eq!(
            said(&caller.answer().await),
            expect(number),
            "team {number}"
        );
    }
}

/// Waits until a team says this.
async fn team_says(caller: &mut Caller, number: usize, text: &str) -> Duration {
    let ((), took) = eventually(&format!("team {number} says {text}"), async || {
        caller.send(&Request::chat(&key_of(number), "fast")).await;
        (said(&caller.answer().await) == text).then_some(())
    })
    .await;
    took
}

/// The lines of the log that name a refusal, as objects.
fn refusals(gateway: &Gateway) -> Vec<Value> {
    let mut records = gateway.log.records();
    records.retain(|record| record["level"] == "ERROR");
    records
}

#[tokio::test]
async fn one_broken_resource_or_file_among_a_thousand_touches_no_other() {
    let folder = thousand();
    let gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    all_serve(&gateway, |_| "first").await;
    let resources = async |kind: &str| {
        let series = format!("weir_config_resources{{kind=\"{kind}\"}}");
        gateway.metric(&series).await
    };
    for kind in ["AIProvider", "AIRoute", "Secret", "Namespace"] {
        assert_eq!(resources(kind).await, Some(250.0), "{kind}");
    }
    assert_eq!(refusals(&gateway), Vec::<Value>::new());

    // One resource of a file, of which the others change too.
    let broken = team_file(7, "second").replace("\"models\":[\"fast\"]", "\"modells\":[\"fast\"]");
    folder.write(&file_of(7), &broken);
    let took = team_says(&mut caller, 7, "second").await;
    println!("a change among 1,000 resources serves after {took:?}");
    let refused = gateway
        .log
        .record("the route is named", |record| {
            record["resource"] == "AIRoute team-7/chat"
        })
        .await;
    assert_eq!(refused["level"], "ERROR");
    let location = refused["location"].as_str().unwrap();
    assert!(location.starts_with("teams/7/team-7.yaml:5:"), "{refused}");
    assert!(refused.to_string().contains("models"), "{refused}");
    assert!(refused.to_string().contains("last good"), "{refused}");
    let text = gateway.metrics().await;
    let counted: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("weir_config_refused{"))
        .collect();
    assert_eq!(counted.len(), 1, "{counted:?}");
    assert!(
        counted[0].contains(r#"kind="AIRoute",namespace="team-7",name="chat""#),
        "{counted:?}"
    );
    assert_eq!(resources("AIRoute").await, Some(249.0));

    // A file that can't be read at all.
    folder.write(&file_of(8), "kind: AIRoute\nspec: {models: [fast\n");
    let unreadable = gateway
        .log
        .record("the file is named", |record| {
            record["location"]
                .as_str()
                .is_some_and(|at| at.starts_with("teams/8/team-8.yaml:"))
        })
        .await;
    assert_eq!(unreadable["level"], "ERROR");
    folder.write(&file_of(9), &team_file(9, "second"));
    team_says(&mut caller, 9, "second").await;
    all_serve(&gateway, |number| match number {
        7 | 9 => "second",
        _ => "first",
    })
    .await;
    assert_eq!(
        gateway.metric("weir_config_unreadable_files").await,
        Some(1.0)
    );

    // Mended, both.
    folder.write(&file_of(7), &team_file(7, "third"));
    folder.write(&file_of(8), &team_file(8, "third"));
    team_says(&mut caller, 7, "third").await;
    team_says(&mut caller, 8, "third").await;
    gateway
        .log
        .record("the route is well again", |record| {
            record["resource"] == "AIRoute team-7/chat" && record["message"] == "no longer refused"
        })
        .await;
    let text = gateway.metrics().await;
    assert!(
        !text
            .lines()
            .any(|line| line.starts_with("weir_config_refused{")),
        "{text}"
    );
    assert_eq!(
        gateway.metric("weir_config_unreadable_files").await,
        Some(0.0)
    );
    assert_eq!(resources("AIRoute").await, Some(250.0));
}

#[tokio::test]
async fn one_broken_document_leaves_the_others_of_its_file() {
    let folder = folder_of_mock("first");
    let gateway = Gateway::serving(&folder).await;
    let second = documents_of(&[
        &mock("second"),
        &"kind: AIRoute\nspec: {models: *nothing}\n",
        &Key::named("app", KEY),
    ]);
    folder.write("config.yaml", &second);
    eventually("the provider changes", async || {
        (said(&gateway.chat(KEY, "fast").await) == "second").then_some(())
    })
    .await;
    gateway
        .log
        .record("the document is named", |record| {
            record["location"]
                .as_str()
                .is_some_and(|at| at.starts_with("config.yaml:4:"))
        })
        .await;
}

#[tokio::test]
async fn what_was_never_good_serves_nothing_and_hinders_nobody() {
    let folder = folder_of_mock("well");
    folder.write_all(
        "broken.yaml",
        &[
            &Route::named("no-provider").models(&["lost"]).to("nowhere"),
            &Route::named("bad-rule")
                .models(&["odd"])
                .to("openai")
                .with("/spec/rules/0/when", "request.nodel == 'x'".into()),
            &Key::named("short", "short"),
            &json!({"apiVersion": "weir.dev/v1alpha1", "kind": "AIBudgget", "metadata": {"name": "b", "namespace": "team"}}),
            &json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "team"}}),
        ],
    );
    let gateway = Gateway::serving(&folder).await;
    assert_eq!(said(&gateway.chat(KEY, "fast").await), "well");
    for model in ["lost", "odd"] {
        assert_eq!(gateway.chat(KEY, model).await.status, 404, "{model}");
    }
    for (resource, what) in [
        ("AIRoute team/no-provider", "nowhere"),
        ("AIRoute team/bad-rule", "nodel"),
        ("Secret team/short", "32"),
        ("AIBudgget team/b", "AIBudgget"),
    ] {
        let record = gateway.log.with("resource", resource).await;
        assert!(record.to_string().contains(what), "{record}");
    }
    gateway
        .log
        .record("the deployment is skipped", |record| {
            record["object"]
                .as_str()
                .is_some_and(|object| object.contains("Deployment team/d"))
        })
        .await;
}

#[tokio::test]
async fn a_folder_that_vanishes_changes_nothing() {
    let parent = Folder::new();
    parent.write("config/config.yaml", &basics(&mock("before")));
    let gateway = weir_tests::gateway::Start::on(&parent.file("config"))
        .ready()
        .await;
    std::fs::rename(parent.file("config"), parent.file("elsewhere")).unwrap();
    gateway
        .log
        .record("the folder is missed", |record| {
            record["level"] == "ERROR" && record["folder"].is_string()
        })
        .await;
    assert_eq!(said(&gateway.chat(KEY, "fast").await), "before");
    parent.write("config/config.yaml", &basics(&mock("back")));
    eventually("the folder is back", async || {
        (said(&gateway.chat(KEY, "fast").await) == "back").then_some(())
    })
    .await;
    // Followed again, and not only found once.
    parent.write("config/config.yaml", &basics(&mock("and changed")));
    eventually("the folder is followed", async || {
        (said(&gateway.chat(KEY, "fast").await) == "and changed").then_some(())
    })
    .await;
}
