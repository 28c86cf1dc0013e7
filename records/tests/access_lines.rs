//! Access records as lines, and back.

#![expect(clippy::unwrap_used, reason = "what fails in a test shall fail it")]

use std::borrow::Cow;
use std::time::Duration;

use proptest::prelude::*;
use weir_records::access::{AccessRecord, Outcome};

fn full() -> AccessRecord<'static> {
    AccessRecord {
        time: 1_763_904_016_042,
        request_id: "0197f3a2".into(),
        consumer: Some("key:team-a/ci".into()),
        route: Some("team-a/chat".into()),
        rule: Some(1),
        provider: Some("platform/openai".into()),
        model: Some("fast".into()),
        upstream_model: Some("gpt-4o-mini".into()),
        operation: Some("chat".into()),
        stream: true,
        status: 200,
        code: None,
        attempts: 2,
        duration: Duration::from_nanos(1_234_567_890),
        first_byte: Some(Duration::from_micros(98_007)),
        input_tokens: Some(19),
        output_tokens: Some(10),
        cached_tokens: Some(3),
        cache_write_tokens: Some(2),
        reasoning_tokens: Some(4),
        usage_estimated: true,
        cost: Some(4_850),
        bytes_in: 1024,
        bytes_out: 65_536,
        outcome: Outcome::Complete,
        peer: Some("10.0.0.7:51442".into()),
    }
}

fn refused() -> AccessRecord<'static> {
    AccessRecord {
        consumer: None,
        route: None,
        rule: None,
        provider: None,
        model: None,
        upstream_model: None,
        operation: None,
        stream: false,
        status: 401,
        code: Some("invalid_api_key".into()),
        attempts: 0,
        duration: Duration::ZERO,
        first_byte: None,
        input_tokens: None,
        output_tokens: None,
        cached_tokens: None,
        cache_write_tokens: None,
        reasoning_tokens: None,
        usage_estimated: false,
        cost: None,
        bytes_in: 0,
        bytes_out: 0,
        outcome: Outcome::Refused,
        peer: None,
        ..full()
    }
}

fn line(record: &AccessRecord<'_>) -> String {
    let mut out = Vec::new();
    record.write_line(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_full_record() {
    let expected = concat!(
        r#"{"time":"2025-11-23T13:20:16.042Z","requestId":"0197f3a2","consumer":"key:team-a/ci","#,
        r#""route":"team-a/chat","rule":1,"provider":"platform/openai","model":"fast","#,
        r#""upstreamModel":"gpt-4o-mini","operation":"chat","stream":true,"status":200,"attempts":2,"#,
        r#""durationMs":1234.567,"firstByteMs":98.007,"inputTokens":19,"outputTokens":10,"#,
        r#""cachedTokens":3,"cacheWriteTokens":2,"reasoningTokens":4,"usageEstimated":true,"costNanoUsd":4850,"#,
        r#""bytesIn":1024,"bytesOut":65536,"outcome":"complete","peer":"10.0.0.7:51442"}"#,
        "\n",
    );
    assert_eq!(line(&full()), expected);
}

#[test]
fn what_is_not_known_is_left_out() {
    let expected = concat!(
        r#"{"time":"2025-11-23T13:20:16.042Z","requestId":"0197f3a2","stream":false,"status":401,"#,
        r#""code":"invalid_api_key","attempts":0,"durationMs":0.000,"bytesIn":0,"bytesOut":0,"outcome":"refused"}"#,
        "\n",
    );
    assert_eq!(line(&refused()), expected);
}

#[test]
fn a_record_is_appended_as_one_line() {
    let record = AccessRecord {
        model: Some("a\"b\\c\n\r\t\0\u{7F}\u{85}\u{2028}é堰".into()),
        ..refused()
    };
    let mut out = b"before\n".to_vec();
    record.write_line(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("before\n{"));
    assert!(
        text.contains(r#""model":"a\"b\\c\n\r\t\u0000\u007f\u0085\u2028é堰","#),
        "{text}"
    );
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn every_outcome_has_the_name_that_it_is_read_by() {
    for outcome in Outcome::ALL {
        let text = line(&AccessRecord {
            outcome,
            ..refused()
        });
        let read: AccessRecord<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(read.outcome, outcome);
    }
}

#[test]
fn a_reader_passes_over_fields_of_later_versions() {
    let text = line(&refused()).replacen('{', r#"{"cost":{"nano":1},"#, 1);
    assert_eq!(
        serde_json::from_str::<AccessRecord<'_>>(&text).unwrap(),
        refused()
    );
}

#[test]
fn a_record_with_another_time_is_refused() {
    for time in ["2025-11-23T13:20:16Z", "2025-11-31T13:20:16.042Z"] {
        let text = line(&refused()).replace("2025-11-23T13:20:16.042Z", time);
        let error = serde_json::from_str::<AccessRecord<'_>>(&text).unwrap_err();
        assert!(
            error.to_string().starts_with("time is not RFC 3339"),
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        time in -62_167_219_200_000i64..253_402_300_800_000,
        texts in proptest::collection::vec(proptest::option::of(any::<String>()), 9),
        numbers in any::<(Option<u32>, Option<u64>, Option<u64>, u64, u64, u16, u32, bool)>(),
        micros in (0u64..1 << 40, proptest::option::of(0u64..1 << 40)),
    ) {
        let text = |index: usize| texts[index].clone().map(Cow::Owned);
        let record = AccessRecord {
            time,
            request_id: text(0).unwrap_or_default(),
            consumer: text(1),
            route: text(2),
            rule: numbers.0,
            provider: text(3),
            model: text(4),
            upstream_model: text(5),
            operation: text(6),
            stream: numbers.7,
            status: numbers.5,
            code: text(7),
            attempts: numbers.6,
            duration: Duration::from_micros(micros.0),
            first_byte: micros.1.map(Duration::from_micros),
            input_tokens: numbers.1,
            output_tokens: numbers.2,
            cached_tokens: numbers.1,
            cache_write_tokens: numbers.2,
            reasoning_tokens: numbers.1,
            usage_estimated: numbers.7,
            cost: numbers.2,
            bytes_in: numbers.3,
            bytes_out: numbers.4,
            outcome: Outcome::Complete,
            peer: text(8),
        };
        let written = line(&record);
        prop_assert_eq!(written.matches('\n').count(), 1);
        let read: AccessRecord<'_> = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(read, record);
    }
}
