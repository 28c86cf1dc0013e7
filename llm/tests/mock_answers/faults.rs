//! Faults and their periods.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use weir_llm::Operation;
use weir_llm::dialect::mock::{Disconnect, End, Fault, FaultKind, Settings, Step};
use weir_llm::frame::{Cutter, Framing};

use crate::{hello, json_of, play, text_of};

fn failing(kind: FaultKind) -> Settings {
    Settings {
        faults: vec![Fault { every: 1, kind }],
        ..Settings::default()
    }
}

#[test]
fn a_status_fault_is_an_error_with_retry_after() {
    let settings = failing(FaultKind::Status {
        code: 429,
        retry_after: Some(Duration::from_millis(1200)),
    });
    let script = play(Operation::Chat, &hello(true), &settings, 1);
    assert_eq!(script.status, 429);
    assert_eq!(script.headers, [("retry-after", "2".to_owned())]);
    let expected = json!({"error": {
        "message": "The mock provider was told to fail with status 429.",
        "type": "requests",
        "param": null,
        "code": "rate_limit_exceeded",
    }});
    assert_eq!(json_of(&script), expected);
}

#[test]
fn a_fault_strikes_each_nth_request() {
    let settings = Settings {
        faults: vec![Fault {
            every: 3,
            kind: FaultKind::Status {
                code: 503,
                retry_after: None,
            },
        }],
        ..Settings::default()
    };
    let statuses: Vec<u16> = (1..=6)
        .map(|n| play(Operation::Chat, &hello(false), &settings, n).status)
        .collect();
    assert_eq!(statuses, [200, 200, 503, 200, 200, 503]);
}

#[test]
fn a_cut_before_the_answer_sends_nothing() {
    let mut settings = failing(FaultKind::Disconnect(Disconnect::BeforeAnswer));
    settings.latency = Duration::from_millis(9);
    let script = play(Operation::Chat, &hello(true), &settings, 1);
    let silence = Step {
        delay: Duration::from_millis(9),
        bytes: Bytes::new(),
    };
    assert_eq!(script.end, End::Disconnect);
    assert_eq!(script.steps.collect::<Vec<_>>(), [silence]);
}

#[test]
fn a_cut_midway_leaves_half_of_the_stream_and_a_torn_event() {
    let settings = failing(FaultKind::Disconnect(Disconnect::MidStream));
    let whole = play(Operation::Chat, &hello(true), &Settings::default(), 1);
    let cut = play(Operation::Chat, &hello(true), &settings, 1);
    let whole: Vec<Step> = whole.steps.collect();
    let steps: Vec<Step> = cut.steps.clone().collect();
    assert_eq!((whole.len(), steps.len()), (11, 6));
    assert_eq!(steps[..5], whole[..5]);
    assert_eq!(cut.end, End::Disconnect);
    let mut cutter = Cutter::new(Framing::Sse);
    for step in steps {
        let fed = cutter.feed(step.bytes).unwrap();
        assert!(fed.into_iter().all(|run| !run.ends_with(b"[DONE]\n\n")));
    }
    assert!(cutter.held() > 0);
}

#[test]
fn a_cut_midway_leaves_half_of_a_plain_answer() {
    let settings = failing(FaultKind::Disconnect(Disconnect::MidStream));
    let whole = text_of(&play(
        Operation::Chat,
        &hello(false),
        &Settings::default(),
        1,
    ));
    let cut = play(Operation::Chat, &hello(false), &settings, 1);
    assert_eq!(cut.end, End::Disconnect);
    assert_eq!(text_of(&cut), whole[..whole.len() / 2]);
}

#[test]
fn a_stall_halts_midway_and_then_goes_on() {
    let stall = Duration::from_secs(60);
    for (stream, at) in [(false, 1), (true, 5)] {
        let script = play(
            Operation::Chat,
            &hello(stream),
            &failing(FaultKind::Stall(stall)),
            1,
        );
        let whole = play(Operation::Chat, &hello(stream), &Settings::default(), 1);
        assert_eq!(text_of(&script), text_of(&whole));
        assert_eq!(script.end, End::Clean);
        let waits: Vec<usize> = script
            .steps
            .enumerate()
            .filter(|(_, step)| step.delay == stall)
            .map(|(index, _)| index)
            .collect();
        assert_eq!(waits, [at]);
    }
}
