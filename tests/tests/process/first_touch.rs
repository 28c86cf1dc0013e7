//! What the README shows is what happens.

use serde_json::Value;
use weir_tests::caller::Request;
use weir_tests::gateway::{Start, root};

/// The text between two marks that follow each other, the first time they do.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let after = text
        .split_once(start)
        .unwrap_or_else(|| panic!("the README has no {start:?}"))
        .1;
    after
        .split_once(end)
        .unwrap_or_else(|| panic!("the README has no {end:?} after {start:?}"))
        .0
}

#[tokio::test]
async fn the_quickstart_answers_what_the_readme_shows() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let key = between(&readme, "'Authorization: Bearer ", "'");
    let body = between(&readme, "-d '", "'\n");
    let gateway = Start::on(&root().join("examples/quickstart")).ready().await;

    let plain = gateway
        .ask(&Request::post("/v1/chat/completions", key, body))
        .await;
    assert_eq!(plain.text(), between(&readme, "```json\n", "\n```"));

    let mut streamed: Value = serde_json::from_str(body).unwrap();
    streamed["stream"] = true.into();
    let streamed = gateway
        .ask(&Request::post(
            "/v1/chat/completions",
            key,
            streamed.to_string(),
        ))
        .await;
    // The id is made of the request's bytes, and those of a reader's request are the reader's.
    let without_ids = |text: &str| -> Vec<String> {
        text.lines()
            .map(|line| match line.split_once("\"id\":\"") {
                Some((start, rest)) => {
                    format!("{start}{}", rest.split_once('"').map_or("", |(_, end)| end))
                }
                None => line.to_owned(),
            })
            .filter(|line| !line.is_empty())
            .collect()
    };
    assert_eq!(
        without_ids(&streamed.text()),
        without_ids(between(&readme, "```\ndata: ", "```"))
            .into_iter()
            .enumerate()
            .map(|(index, line)| if index == 0 {
                format!("data: {line}")
            } else {
                line
            })
            .collect::<Vec<_>>()
    );
}
