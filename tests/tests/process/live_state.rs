//! A gateway that starts again serves what served, whatever became of the folder meanwhile.

use std::fs;

use weir_tests::gateway::Start;
use weir_tests::wait::eventually;
use weir_tests::{Folder, Gateway, Key};

use crate::common::{KEY, basics, chat_route, folder_of_mock, mock, said};

async fn start(folder: &Folder, state: &Folder) -> Gateway {
    Start::on(folder.path())
        .flag("--state", state.path())
        .ready()
        .await
}

/// Serves a folder until its configuration is kept, and then dies.
async fn earlier_life(folder: &Folder, state: &Folder, text: &str) {
    let mut gateway = start(folder, state).await;
    assert_eq!(said(&gateway.chat(KEY, "fast").await), text);
    eventually("it is kept", async || {
        let kept = fs::read_to_string(state.file("last-good.json")).ok()?;
        kept.contains(text).then_some(())
    })
    .await;
    gateway.kill();
}

#[tokio::test]
async fn a_restart_on_a_broken_folder_serves_last_good() {
    let (folder, state) = (folder_of_mock("kept"), Folder::new());
    earlier_life(&folder, &state, "kept").await;
    // A file that can't be read, and a resource that is refused.
    let broken = basics(&mock("kept")).replace("\"models\"", "\"modles\"");
    assert_ne!(broken, basics(&mock("kept")));
    for text in ["kind: [", &broken] {
        folder.write("config.yaml", text);
        let mut gateway = start(&folder, &state).await;
        gateway
            .log
            .record("what is broken is named", |record| {
                record["level"] == "ERROR" && record.to_string().contains("config.yaml:")
            })
            .await;
        for _ in 0..20 {
            assert_eq!(said(&gateway.chat(KEY, "fast").await), "kept");
        }
        gateway.kill();
    }
    // Mended, it goes on from there.
    folder.write("config.yaml", &basics(&mock("mended")));
    let gateway = start(&folder, &state).await;
    eventually("the mended folder serves", async || {
        (said(&gateway.chat(KEY, "fast").await) == "mended").then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_withdrawn_while_the_gateway_is_down_does_not_come_back() {
    let (folder, state) = (folder_of_mock("kept"), Folder::new());
    folder.write_all("key.yaml", &[&Key::named("app", KEY)]);
    folder.write_all("config.yaml", &[&mock("kept"), &chat_route()]);
    earlier_life(&folder, &state, "kept").await;
    folder.remove("key.yaml");
    folder.write("config.yaml", "kind: [");
    let gateway = start(&folder, &state).await;
    eventually("the key is refused", async || {
        (gateway.chat(KEY, "fast").await.status == 401).then_some(())
    })
    .await;
    for _ in 0..5 {
        assert_eq!(gateway.chat(KEY, "fast").await.status, 401);
    }
}

#[tokio::test]
async fn a_state_folder_that_makes_no_sense_is_passed_over() {
    let (folder, state) = (folder_of_mock("from the folder"), Folder::new());
    for kept in ["", "{", r#"{"snapshot":{"format":99,"namespaces":{}}}"#] {
        state.write("last-good.json", kept);
        let gateway = start(&folder, &state).await;
        eventually("the folder serves", async || {
            let answer = gateway.chat(KEY, "fast").await;
            (answer.status == 200).then(|| assert_eq!(said(&answer), "from the folder"))
        })
        .await;
    }
}
