use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;

use http::HeaderValue;
use tokio::time::advance;

use super::*;

/// What a source gives, one answer after another; the last one again and again.
struct Script(
    Mutex<VecDeque<Result<(&'static str, u64), &'static str>>>,
    AtomicUsize,
);

impl Script {
    fn of(answers: impl IntoIterator<Item = Result<(&'static str, u64), &'static str>>) -> Self {
        Self(
            Mutex::new(answers.into_iter().collect()),
            AtomicUsize::new(0),
        )
    }

    async fn fetch(&self) -> Result<Fetched, FetchError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop_front().unwrap()
        } else {
            answers[0]
        };
        let (token, seconds) = answer.map_err(|why| FetchError::Setting(why.into()))?;
        Fetched::token("host", token, Duration::from_secs(seconds))
    }

    fn calls(&self) -> usize {
        self.1.load(Ordering::Relaxed)
    }
}

/// A keeper that fetches by the script.
fn keeper(script: &Arc<Script>) -> Keeper {
    let state = Arc::new(State::new());
    let task = {
        let (state, script) = (Arc::clone(&state), Arc::clone(script));
        async move { keep(&state, "test", || script.fetch()).await }
    };
    Keeper {
        state,
        task: tokio::spawn(task).abort_handle(),
    }
}

async fn token(keeper: &Keeper) -> Result<HeaderValue, Unauthorised> {
    match &keeper.current().await?.material {
        Material::Token(value) => Ok(value.clone()),
        Material::Keys(_) => panic!("it is a token"),
    }
}

/// Lets the keeper's task do what is due.
async fn due() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

async fn pass(seconds: u64) {
    advance(Duration::from_secs(seconds)).await;
    due().await;
}

#[tokio::test(start_paused = true)]
async fn it_is_renewed_ahead_of_time_and_nobody_waits() {
    let script = Arc::new(Script::of([Ok(("one", 3600)), Ok(("two", 3600))]));
    let keeper = keeper(&script);
    assert_eq!(token(&keeper).await.unwrap(), "Bearer one");
    // Three quarters of an hour, less a tenth of that at most.
    pass(2425).await;
    assert_eq!(
        (token(&keeper).await.unwrap(), script.calls()),
        ("Bearer one".parse().unwrap(), 1)
    );
    pass(280).await;
    assert_eq!(
        (token(&keeper).await.unwrap(), script.calls()),
        ("Bearer two".parse().unwrap(), 2)
    );
    let Status {
        seconds_left,
        renewals,
        failures,
    } = keeper.status();
    assert!((3599..=3600).contains(&seconds_left), "{seconds_left}");
    assert_eq!((renewals, failures), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn the_old_one_serves_until_it_expires_and_then_requests_are_refused_at_once() {
    let script = Arc::new(Script::of([Ok(("one", 3600)), Err("down")]));
    let keeper = keeper(&script);
    assert_eq!(token(&keeper).await.unwrap(), "Bearer one");
    for _ in 0..3599 {
        pass(1).await;
    }
    assert_eq!(token(&keeper).await.unwrap(), "Bearer one");
    assert!(keeper.status().failures > 10, "{:?}", keeper.status());
    pass(10).await;
    let asked = Instant::now();
    assert_eq!(token(&keeper).await, Err(Unauthorised::Unavailable));
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(keeper.status().seconds_left, 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_early_waits_until_it_is_there() {
    let script = Arc::new(Script::of([
        Err("not yet"),
        Err("not yet"),
        Ok(("one", 60)),
    ]));
    let keeper = keeper(&script);
    let asked = Instant::now();
    assert_eq!(token(&keeper).await.unwrap(), "Bearer one");
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_the_first_one_no_longer_than_five_seconds_together() {
    let script = Arc::new(Script::of([Err("no")]));
    let keeper = keeper(&script);
    for waits in [5, 0] {
        let asked = Instant::now();
        assert_eq!(token(&keeper).await, Err(Unauthorised::Unavailable));
        assert_eq!(asked.elapsed().as_secs(), waits);
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_retried_with_growing_gaps() {
    let script = Arc::new(Script::of([Err("no")]));
    let keeper = keeper(&script);
    // 0.5, 1, 2, 4, 8, 16 and then 30 seconds, each a tenth less at most.
    pass(0).await;
    assert_eq!(script.calls(), 1);
    for _ in 0..600 {
        pass(1).await;
    }
    let calls = script.calls();
    assert!((24..=29).contains(&calls), "{calls}");
    assert_eq!(keeper.status().failures, calls as u64);
}

#[tokio::test(start_paused = true)]
async fn both_the_new_one_and_the_one_before_are_scrubbed() {
    let script = Arc::new(Script::of([
        Ok(("token-one", 600)),
        Ok(("token-two", 600)),
        Ok(("token-three", 600)),
    ]));
    let keeper = keeper(&script);
    let finds = |keeper: &Keeper| {
        let scrubber = keeper.scrubber();
        ["token-one", "token-two", "token-three"].map(|token| scrubber.finds(token.as_bytes()))
    };
    assert_eq!(finds(&keeper), [false, false, false]);
    due().await;
    assert_eq!(finds(&keeper), [true, false, false]);
    pass(300).await;
    assert_eq!(finds(&keeper), [true, true, false]);
    pass(300).await;
    assert_eq!(finds(&keeper), [false, true, true]);
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_last_who_uses_it() {
    let script = Arc::new(Script::of([Ok(("one", 10))]));
    let keeper = keeper(&script);
    due().await;
    drop(keeper);
    let calls = script.calls();
    pass(3600).await;
    assert_eq!((calls, script.calls()), (1, 1));
    assert_eq!(Arc::strong_count(&script), 1);
}

#[tokio::test]
async fn equal_credentials_have_one_keeper() {
    let keepers = Keepers::new(Handle::current(), Arc::default(), Environment::default());
    let azure = |client: &str| Source::Azure {
        tenant_id: None,
        client_id: Some(client.into()),
    };
    let [one, same, other] = ["a", "a", "b"].map(|client| keepers.keeper(azure(client)));
    assert!(Arc::ptr_eq(&one, &same));
    assert!(!Arc::ptr_eq(&one, &other));
    drop((one, same));
    let _new = keepers.keeper(azure("c"));
    assert_eq!(keepers.kept.lock().unwrap().len(), 2);
}

#[test]
fn what_lives_long_is_renewed_after_three_quarters_and_five_minutes_before_its_end() {
    for (lifetime, renewed) in [(3600, 2700), (1200, 900), (900, 600), (400, 200), (60, 30)] {
        assert_eq!(
            renew_in(Duration::from_secs(lifetime)),
            Duration::from_secs(renewed),
            "{lifetime}"
        );
    }
    assert_eq!(renew_in(Duration::from_millis(100)), LEAST);
}
