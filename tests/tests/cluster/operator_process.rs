//! The operator as a process: its help, its refusals to start, its probes, and how the lead goes over.

use std::time::Duration;

use serde_json::json;
use weir_tests::built::binary;
use weir_tests::cluster::{Cluster, OperatorPod, Said, World, eventually_else};
use weir_tests::keeper::Kept;
use weir_tests::{Key, Provider, Route};

use crate::told::{READY, changed, until, versions};

const KEY: &str = "key-of-the-app-0123456789-0123456789";
/// How long nobody may lead after the leader was told to stop.
const TAKEN_OVER: Duration = Duration::from_secs(4);

async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    let home = Kept::folder();
    let output = tokio::process::Command::new(binary("weir-operator"))
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        .envs(environment.iter().copied())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(60), output).await;
    Said::of("weir-operator".into(), output.unwrap().unwrap())
}

#[tokio::test]
async fn help_tells_all_and_what_makes_no_sense_is_refused() {
    let help = run(&["--help"], &[]).await.ok();
    for word in [
        "--admin-listen <ADDRESS>",
        "--config-namespace <NAME>",
        "--watch-namespaces <NAME>",
        "--log <FILTER>",
        "--log-format <FORMAT>",
        "WEIR_CONFIG_NAMESPACE",
        "/livez, /readyz and /metrics",
        "KUBECONFIG",
        "[default: info]",
    ] {
        assert!(help.contains(word), "{word} in\n{help}");
    }
    assert!(
        help.lines().all(|line| line.chars().count() <= 100),
        "{help}"
    );
    assert!(
        run(&["--version"], &[])
            .await
            .ok()
            .starts_with("weir-operator ")
    );

    for (arguments, right) in [
        (&["--config-namespace", "No_Name"][..], "lowercase letters"),
        (&["--admin-listen", "9090"], "invalid socket address"),
        (&["--log-format", "xml"], "[possible values: json, text]"),
        (&["--config-namespce", "a"], "--config-namespace"),
        (&["config"], "unexpected argument 'config'"),
    ] {
        let said = run(arguments, &[]).await;
        assert_eq!(said.status, 2, "{said:?}");
        assert!(said.stderr.contains(right), "{said:?}");
    }
    let said = run(&[], &[("WEIR_LOG", "loud")]).await;
    assert_eq!(said.status, 2, "{said:?}");
    assert!(
        said.stderr
            .contains("write error, warn, info, debug or trace")
    );
}

#[tokio::test]
async fn what_it_cannot_start_with_is_said() {
    let any = ["--admin-listen", "127.0.0.1:0", "--log-format", "text"];
    let nowhere = run(&any, &[("KUBECONFIG", "/nowhere/kubeconfig")]).await;
    assert_eq!(nowhere.status, 1, "{nowhere:?}");
    assert!(
        nowhere.stderr.contains("/nowhere/kubeconfig"),
        "{nowhere:?}"
    );
    let none = run(&any, &[]).await;
    assert_eq!(none.status, 1, "{none:?}");
    assert!(
        none.stderr.contains("KUBECONFIG") || none.stderr.contains(".kube/config"),
        "{none:?}"
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let kubeconfig = Cluster::shared().await.kubeconfig().to_owned();
    let environment = [("KUBECONFIG", kubeconfig.to_str().unwrap())];
    let said = run(&["--admin-listen", &address], &environment).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.stderr.contains(&address), "{said:?}");
    assert!(said.stderr.contains("in use"), "{said:?}");
}

async fn leads(operator: &OperatorPod) -> bool {
    operator.metric("weir_operator_leader").await == Some(1.0)
}

async fn answers(operator: &OperatorPod, path: &str) -> u16 {
    operator.get(path).await.map_or(0, |answer| answer.status)
}

#[tokio::test]
async fn one_leads_and_the_other_is_ready_to() {
    let world = World::new().operators(2).gateways(1);
    let Some(mut world) = world.of_its_own("operator_lead").await else {
        return;
    };
    let (found, _) = eventually_else("one leads", async || {
        world.leader().await.ok_or("none does".into())
    })
    .await;
    let (cluster, operators, gateways) = world.parts();
    let standby = 1 - found;
    let team = cluster.namespace("team").await;
    let mock = Provider::mock("mock", json!({"text": "Hello"}));
    let route = |models: &[&str]| Route::named("chat").models(models).to("mock");
    team.apply(&[&mock, &route(&["first"]), &Key::named("app", KEY)])
        .await;
    until(&team, "airoute/chat", &READY).await;
    until(&team, "aiprovider/mock", &READY).await;
    assert!(leads(&operators[found]).await);
    assert!(!leads(&operators[standby]).await);
    for operator in operators.iter() {
        assert_eq!(answers(operator, "/livez").await, 200);
        assert_eq!(answers(operator, "/readyz").await, 200);
    }
    // Who does not lead judges nothing, and so counts nothing.
    let routes = "weir_operator_resources{kind=\"AIRoute\",verdict=\"accepted\"}";
    assert_eq!(operators[found].metric(routes).await, Some(1.0));
    assert_eq!(operators[standby].metric(routes).await.unwrap_or(0.0), 0.0);
    assert_eq!(
        operators[standby]
            .metric("weir_operator_status_writes_total")
            .await,
        Some(0.0)
    );

    // Told to stop it gives up the lead, and the other takes it at once. No status is written for that.
    let before = versions(cluster, "airoutes,aiproviders").await;
    assert_eq!(operators[found].stop().await, Some(0));
    let (_, took) = eventually_else("the other leads", async || {
        let text = || operators[standby].log().text();
        leads(&operators[standby])
            .await
            .then_some(())
            .ok_or_else(text)
    })
    .await;
    assert!(took < TAKEN_OVER, "{took:?}");
    let second = Route::named("second").models(&["second"]).to("mock");
    team.apply(&[&second]).await;
    until(&team, "airoute/second", &READY).await;
    gateways[0].assert_serves(KEY, "second").await;
    let after = versions(cluster, "airoutes,aiproviders").await;
    let new = format!("AIRoute {}/second", team.name());
    assert_eq!(changed(&before, &after), [new]);

    // It comes back, and stands by.
    operators[found].start().await;
    operators[found].wait_ready().await;
    assert!(!leads(&operators[found]).await);
    assert!(leads(&operators[standby]).await);
}
