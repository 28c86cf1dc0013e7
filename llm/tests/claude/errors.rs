use rstest::rstest;
use serde_json::{Value as Json, json};
use weir_llm::Format;
use weir_llm::chat::{Event, Problem, ProblemKind};

use crate::support::{asked, codec, decode};

fn problem(status: u16) -> Problem {
    Problem::new(status, "some_code", "It \"broke\"")
}

#[rstest]
#[case(400, "invalid_request_error", 400, "ValidationException")]
#[case(401, "authentication_error", 401, "UnrecognizedClientException")]
#[case(402, "billing_error", 402, "ServiceQuotaExceededException")]
#[case(403, "permission_error", 403, "AccessDeniedException")]
#[case(404, "not_found_error", 404, "ResourceNotFoundException")]
#[case(413, "request_too_large", 413, "PayloadTooLargeException")]
#[case(429, "rate_limit_error", 429, "ThrottlingException")]
#[case(500, "api_error", 500, "InternalServerException")]
#[case(504, "timeout_error", 504, "ModelTimeoutException")]
#[case(529, "overloaded_error", 503, "ServiceUnavailableException")]
fn an_error_has_the_type_of_each_format(
    #[case] status: u16,
    #[case] messages: &str,
    #[case] converse_status: u16,
    #[case] converse: &str,
) {
    let written =
        codec(Format::Messages).write_problem(&problem(status), &asked(Format::Messages, false));
    let body: Json = serde_json::from_slice(&written.body).unwrap();
    let expected = json!({"type": "error", "error": {"type": messages, "message": "It \"broke\""}});
    assert_eq!((written.status, body), (status, expected));
    assert!(codec(Format::Messages).is_problem(&written.body));
    let again = codec(Format::Messages)
        .read_problem(status, &written.body)
        .unwrap();
    assert_eq!(
        (again.kind, &*again.message),
        (ProblemKind::of(status), "It \"broke\"")
    );

    let written =
        codec(Format::Converse).write_problem(&problem(status), &asked(Format::Converse, false));
    let body: Json = serde_json::from_slice(&written.body).unwrap();
    assert_eq!(
        (written.status, body),
        (converse_status, json!({"message": "It \"broke\""}))
    );
    assert_eq!(written.headers, [("x-amzn-errortype", converse.to_owned())]);
    assert!(codec(Format::Converse).is_problem(&written.body));
}

#[rstest]
#[case(Format::Messages, ProblemKind::RateLimited, 429)]
#[case(Format::Converse, ProblemKind::RateLimited, 429)]
fn an_error_ends_a_stream(#[case] format: Format, #[case] kind: ProblemKind, #[case] status: u16) {
    let bytes = codec(format).problem_event(&problem(status));
    match decode(format, [&*bytes]).as_slice() {
        [Event::Start { .. }, Event::Failed(failed)] => {
            assert_eq!((failed.kind, failed.status), (kind, status));
            assert_eq!(failed.message, "It \"broke\"");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_error_of_the_format_is_none() {
    for body in ["", "<html>", "[]", "{}", r#"{"error":{"message":7}}"#] {
        for format in [Format::Messages, Format::Converse] {
            assert!(!codec(format).is_problem(body.as_bytes()));
            assert_eq!(codec(format).read_problem(500, body.as_bytes()), None);
        }
    }
    let proxied = codec(Format::Messages).read_problem(502, br#"{"error":"no route"}"#);
    assert_eq!(proxied.unwrap().message, "no route");
}
