//! A folder that changes is followed, and nobody notices but by what is new.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use weir_tests::gateway::Start;
use weir_tests::upstream::{DONE, answer, completion, event, stream};
use weir_tests::wait::{eventually, soon};
use weir_tests::{Caller, Folder, Gateway, Key, Provider, Request, Upstream, secret};

use crate::common::{CREDENTIAL, KEY, basics, chat_route, folder_of_mock, folder_to, mock, said};

/// What a change may take on a machine that is busy; what it takes is printed.
const SOON: Duration = Duration::from_secs(5);

/// Waits until the gateway says this; how long that took.
async fn says(gateway: &Gateway, text: &str) -> Duration {
    let ((), took) = eventually(&format!("the gateway says {text}"), async || {
        let answer = gateway.chat(KEY, "fast").await;
        (answer.status == 200 && said(&answer) == text).then_some(())
    })
    .await;
    took
}

fn print(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let (median, most) = (took[took.len() / 2], took[took.len() - 1]);
    println!(
        "{what}: {} changes, median {median:?}, most {most:?}",
        took.len()
    );
    assert!(most < SOON, "{what}: {took:?}");
}

#[tokio::test]
async fn a_change_serves_soon_however_the_file_is_written() {
    let folder = folder_of_mock("0");
    let gateway = Gateway::serving(&folder).await;
    let mut renamed = Vec::new();
    let mut in_place = Vec::new();
    for number in 1..20 {
        let text = number.to_string();
        folder.write("config.yaml", &basics(&mock(&text)));
        renamed.push(says(&gateway, &text).await);
        let text = format!("{number} in place");
        folder.write_in_place("config.yaml", &basics(&mock(&text)));
        in_place.push(says(&gateway, &text).await);
    }
    print("renamed into place", renamed);
    print("written in place", in_place);
    // A file in a new folder takes over from one that goes.
    folder.write_all("config.yaml", &[&chat_route(), &Key::named("app", KEY)]);
    folder.write_all("deep/er/provider.yml", &[&mock("from a new folder")]);
    let ((), took) = eventually("the new folder is read", async || {
        let answer = gateway.chat(KEY, "fast").await;
        (answer.status == 200 && said(&answer) == "from a new folder").then_some(())
    })
    .await;
    assert!(took < SOON, "{took:?}");
    folder.write_all("deep/er/provider.yml", &[&mock("changed there")]);
    assert!(says(&gateway, "changed there").await < SOON);
}

/// Makes `..data` point to a new folder with this text, as the kubelet does.
fn publish(root: &Path, version: u32, text: &str) {
    let version = format!("..2026_{version}");
    fs::create_dir(root.join(&version)).unwrap();
    fs::write(root.join(&version).join("config.yaml"), text).unwrap();
    symlink(&version, root.join("..data_tmp")).unwrap();
    fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
}

#[tokio::test]
async fn a_mounted_config_map_is_followed() {
    let folder = Folder::new();
    publish(folder.path(), 0, &basics(&mock("0")));
    symlink("..data/config.yaml", folder.file("config.yaml")).unwrap();
    let gateway = Gateway::serving(&folder).await;
    assert_eq!(said(&gateway.chat(KEY, "fast").await), "0");
    let mut took = Vec::new();
    for version in 1..10 {
        let text = version.to_string();
        publish(folder.path(), version, &basics(&mock(&text)));
        fs::remove_dir_all(folder.file(&format!("..2026_{}", version - 1))).unwrap();
        took.push(says(&gateway, &text).await);
    }
    print("swapped by ..data", took);
    assert_eq!(
        gateway.metric("weir_config_unreadable_files").await,
        Some(0.0)
    );
}

/// Callers that ask one request after another on connections that they keep.
struct Load {
    callers: JoinSet<()>,
    stop: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
}

impl Load {
    /// Starts `count` callers; each asks what `next` says, and no answer may be an error.
    fn start(
        gateway: &Gateway,
        count: usize,
        next: impl Fn() -> Request + Clone + Send + 'static,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let served = Arc::new(AtomicU64::new(0));
        let mut callers = JoinSet::new();
        for _ in 0..count {
            let (stop, served, next) = (Arc::clone(&stop), Arc::clone(&served), next.clone());
            let listen = gateway.listen;
            callers.spawn(async move {
                let mut caller = Caller::connect(listen).await;
                while !stop.load(Ordering::Relaxed) {
                    let request = next();
                    caller.send(&request).await;
                    let answer = caller.answer().await;
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    assert!(!answer.text().contains("\"error\""), "{}", answer.text());
                    served.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self {
            callers,
            stop,
            served,
        }
    }

    /// Stops them; how many answers they got.
    async fn stop(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(caller) = soon("the load stops", self.callers.join_next()).await {
            caller.unwrap();
        }
        self.served.load(Ordering::Relaxed)
    }
}

/// A provider that says which model it was asked for.
async fn parrot() -> Upstream {
    Upstream::replying(|seen| {
        let body = seen.json();
        let model = body["model"].as_str().unwrap();
        if body["stream"] == true {
            stream(&[event(model), event("…"), DONE.into()])
        } else {
            answer(200, &[], &completion(model))
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_during_a_hundred_changes_under_load() {
    let upstream = parrot().await;
    let text = |version: u32| {
        let model = format!("version-{version}");
        let route = chat_route().with("/spec/rules/0/backends/0/model", model.into());
        weir_tests::folder::documents_of(&[
            &Provider::at("openai", upstream.address),
            &route,
            &Key::named("app", KEY),
        ])
    };
    let folder = Folder::new();
    folder.write("config.yaml", &text(0));
    let gateway = Gateway::serving(&folder).await;
    let turn = Arc::new(AtomicU64::new(0));
    let load = Load::start(&gateway, 4, move || {
        if turn.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            Request::chat(KEY, "fast")
        } else {
            Request::stream(KEY, "fast")
        }
    });
    let mut took = Vec::new();
    for version in 1..=100 {
        folder.write("config.yaml", &text(version));
        took.push(says(&gateway, &format!("version-{version}")).await);
    }
    let served = load.stop().await;
    println!("{served} requests during the changes");
    assert!(served > 100, "{served}");
    print("under load", took);
}

#[tokio::test]
async fn a_stream_in_flight_finishes_on_what_it_began_with() {
    let mut before = Upstream::scripted().await;
    let mut after = Upstream::scripted().await;
    let folder = folder_to(before.address);
    let gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    caller.send(&Request::stream(KEY, "fast")).await;
    let mut call = before.call().await;
    call.begin_stream().await;
    call.chunk(event("one")).await;
    caller.head().await;
    caller.exactly(event("one").len()).await;

    // Another endpoint, then no route at all, and then not even the key.
    folder.write(
        "config.yaml",
        &basics(&Provider::at("openai", after.address)),
    );
    let mut other = gateway.connect().await;
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < SOON);
        other.send(&Request::chat(KEY, "fast")).await;
        tokio::select! {
            call = after.call() => {
                call.answer(200, &completion("after")).await;
                assert_eq!(said(&other.answer().await), "after");
                break;
            }
            call = before.call() => {
                call.answer(200, &completion("before")).await;
                assert_eq!(said(&other.answer().await), "before");
            }
        }
    }
    folder.remove("config.yaml");
    eventually("the key is gone", async || {
        let models = gateway.ask(&Request::get("/v1/models").key(KEY)).await;
        (models.status == 401).then_some(())
    })
    .await;
    for number in 0..5 {
        let event = event(&number.to_string());
        call.chunk(&event).await;
        assert_eq!(caller.exactly(event.len()).await, event.as_bytes());
    }
    call.chunk(DONE).await;
    call.end().await;
    assert_eq!(caller.rest().await, DONE.as_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_rotates_without_a_failed_request() {
    const NEXT: &str = "the-next-key-of-the-app-0123456789-0123456789";
    let folder = folder_of_mock("hello");
    let key = |key: Key| folder.write_all("key.yaml", &[&key]);
    folder.write_all("config.yaml", &[&mock("hello"), &chat_route()]);
    key(Key::named("app", KEY));
    let gateway = Gateway::serving(&folder).await;
    let switched = Arc::new(AtomicBool::new(false));
    let load = Load::start(&gateway, 2, {
        let switched = Arc::clone(&switched);
        move || {
            let key = if switched.load(Ordering::Relaxed) {
                NEXT
            } else {
                KEY
            };
            Request::chat(key, "fast")
        }
    });
    key(Key::named("app", KEY).and_next(NEXT));
    eventually("the next key is good", async || {
        (gateway.chat(NEXT, "fast").await.status == 200).then_some(())
    })
    .await;
    switched.store(true, Ordering::Relaxed);
    // Requests with the old key that are under way have an answer before it goes.
    let seen = load.served.load(Ordering::Relaxed);
    eventually("callers have switched", async || {
        (load.served.load(Ordering::Relaxed) > seen + 10).then_some(())
    })
    .await;
    key(Key::named("app", NEXT));
    let (_, took) = eventually("the old key is refused", async || {
        let answer = gateway.chat(KEY, "fast").await;
        (answer.status == 401).then(|| assert_eq!(answer.code(), "invalid_api_key"))
    })
    .await;
    println!("a key that is replaced is refused after {took:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(load.stop().await > 10);
}

#[tokio::test]
async fn a_key_that_is_removed_is_refused_within_two_seconds() {
    let folder = folder_of_mock("hello");
    folder.write_all(
        "key.yaml",
        &[&Key::named(
            "other",
            "another-key-0123456789-0123456789-0123",
        )],
    );
    folder.write_all("config.yaml", &[&mock("hello"), &chat_route()]);
    let mut took = Vec::new();
    let gateway = Gateway::serving(&folder).await;
    for number in 0..5 {
        let name = format!("key-{number}.yaml");
        folder.write_all(&name, &[&Key::named("app", KEY)]);
        says(&gateway, "hello").await;
        folder.remove(&name);
        let ((), after) = eventually("the key is refused", async || {
            (gateway.chat(KEY, "fast").await.status == 401).then_some(())
        })
        .await;
        took.push(after);
    }
    println!("keys that are removed are refused after {took:?}");
    assert!(
        took.iter().all(|took| *took < Duration::from_secs(2)),
        "{took:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_rotates_without_a_failed_request() {
    const NEXT: &str = "sk-the-next-credential-0123456789-0123456789";
    // Both are good at the provider for the time of the rotation; it counts which comes.
    let counts: Arc<[AtomicU64; 2]> = Arc::default();
    let upstream = Upstream::replying({
        let counts = Arc::clone(&counts);
        move |seen| {
            let key = seen.header("authorization").unwrap();
            let index = match key.strip_prefix("Bearer ").unwrap() {
                CREDENTIAL => 0,
                NEXT => 1,
                _ => return answer(401, &[], "{}"),
            };
            counts[index].fetch_add(1, Ordering::Relaxed);
            answer(200, &[], &completion("hello"))
        }
    })
    .await;
    let folder = Folder::with(&[
        &Provider::at("openai", upstream.address).credential("credential"),
        &chat_route(),
        &Key::named("app", KEY),
    ]);
    folder.write("credential.yaml", &secret("credential", CREDENTIAL));
    let gateway = Gateway::serving(&folder).await;
    let load = Load::start(&gateway, 2, || Request::chat(KEY, "fast"));
    eventually("the first credential is in use", async || {
        (counts[0].load(Ordering::Relaxed) > 10).then_some(())
    })
    .await;
    folder.write("credential.yaml", &secret("credential", NEXT));
    let ((), took) = eventually("the next credential is in use", async || {
        (counts[1].load(Ordering::Relaxed) > 0).then_some(())
    })
    .await;
    println!("a credential serves after {took:?}");
    assert!(took < SOON, "{took:?}");
    // Each caller had one request under way at most, which may still come with the first.
    let old = counts[0].load(Ordering::Relaxed);
    let new = counts[1].load(Ordering::Relaxed);
    eventually("more requests are served", async || {
        (counts[1].load(Ordering::Relaxed) > new + 20).then_some(())
    })
    .await;
    assert!(counts[0].load(Ordering::Relaxed) <= old + 2);
    load.stop().await;
}

#[tokio::test]
async fn connections_to_a_provider_survive_changes_elsewhere() {
    let upstream = parrot().await;
    let folder = folder_to(upstream.address);
    let gateway = weir_tests::gateway::Start::on(folder.path())
        .flag("--workers", "1")
        .ready()
        .await;
    for number in 0..5 {
        folder.write_all(
            "other.yaml",
            &[&Provider::mock(
                "other",
                json!({"text": number.to_string()}),
            )],
        );
        let revision = f64::from(number + 2);
        eventually("the change is applied", async || {
            let now = gateway.metric("weir_config_revision").await?;
            (now >= revision).then_some(())
        })
        .await;
        assert_eq!(said(&gateway.chat(KEY, "fast").await), "fast");
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_folder_that_another_takes_the_place_of_is_followed_on() {
    let home = Folder::new();
    let version = |name: &str, text: &str| {
        fs::create_dir(home.file(name)).unwrap();
        fs::write(home.file(name).join("config.yaml"), basics(&mock(text))).unwrap();
    };
    // As git-sync does: a link to a checkout, replaced by a link to the next one.
    let point_to = |name: &str| {
        symlink(name, home.file("fresh")).unwrap();
        fs::rename(home.file("fresh"), home.file("current")).unwrap();
    };
    version("first", "0");
    point_to("first");
    let gateway = Start::on(&home.file("current")).ready().await;
    assert_eq!(said(&gateway.chat(KEY, "fast").await), "0");
    let mut took = Vec::new();
    version("second", "1");
    point_to("second");
    took.push(says(&gateway, "1").await);
    for text in ["2", "3", "4"] {
        fs::write(home.file("second/config.yaml"), basics(&mock(text))).unwrap();
        took.push(says(&gateway, text).await);
    }
    print("behind a link that was swapped", took);
}
