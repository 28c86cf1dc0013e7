use serde_json::json;

use super::*;

fn request<'a>(model: &'a str, stream: bool, tokens: &'a dyn Fn() -> u64) -> Variables<'a> {
    Variables {
        model,
        stream,
        operation: "chat",
        input_tokens: tokens,
        consumer: "key:team-a/web",
    }
}

#[test]
fn conditions_hold_or_not() {
    for (source, holds) in [
        ("true", true),
        ("request.stream", true),
        ("!request.stream", false),
        ("request.model == 'gpt-5-mini'", true),
        (
            "request.model.startsWith('gpt-') && request.inputTokens < 300",
            true,
        ),
        (
            "request.inputTokens >= 300 || request.operation == \"embeddings\"",
            false,
        ),
        ("consumer == 'key:team-a/web'", true),
        ("request.model in ['gpt-5', 'gpt-5-mini']", true),
        (
            "['gpt-4', 'claude'].exists(p, request.model.startsWith(p))",
            false,
        ),
        ("['g', 'p'].all(p, request.model.contains(p))", true),
        ("request.model.matches('^gpt-[0-9]+-(mini|nano)$')", true),
        ("matches(request.model, '^o[0-9]')", false),
        (
            "size(request.model) == 10 && request.model.size() == 10",
            true,
        ),
        ("request.stream ? request.inputTokens > 10 : false", true),
        ("1000 / (request.inputTokens - 100) > 1", false),
    ] {
        let expression = Expression::compile(source).unwrap();
        assert_eq!(
            expression.holds(&request("gpt-5-mini", true, &|| 100)),
            holds,
            "{source}"
        );
        assert_eq!(expression.source(), source);
    }
}

#[test]
fn tokens_are_counted_only_for_conditions_that_ask() {
    let never: &dyn Fn() -> u64 = &|| panic!("asked");
    let cheap = Expression::compile("request.stream || request.model == 'a'").unwrap();
    assert!(!cheap.needs_input_tokens());
    assert!(cheap.holds(&request("a", false, never)));
    let dear = Expression::compile("['a'].exists(m, request.inputTokens > 1)").unwrap();
    assert!(dear.needs_input_tokens());
}

#[test]
fn what_is_wrong_is_said_when_it_is_compiled() {
    let all = "request.model, request.stream, request.operation, request.inputTokens";
    for (source, message) in [
        ("", "the expression is empty; leave the field out for a condition that always holds".to_owned()),
        ("requst.model == 'a'", format!("there is no variable requst; there are {all} and consumer")),
        ("request == 'a'", format!("request is no value of its own; ask for one of {all}")),
        ("request.tokens > 1", "request has no field tokens; it has model, stream, operation, inputTokens".into()),
        ("has(request.model)", "request.model is always there; has() is of no use on it".into()),
        ("request['model'] == 'a'", format!("request is no value of its own; ask for one of {all}")),
        ("true || foo", format!("there is no variable foo; there are {all} and consumer")),
        ("request.model", "the expression gives a value of type string; a condition gives true or false".into()),
        ("request.stream ? 1 : 2", "the expression gives a value of type int; a condition gives true or false".into()),
        ("request.stream == 'true'", "a value of type bool is compared with one of type string, which it never equals".into()),
        ("request.inputTokens in ['1']", "a value of type int is compared with one of type string, which it never equals".into()),
        ("true || request.model > 3", "> can't be used on values of type string, int".into()),
        ("request.model.startsWith(1)", "startsWith can't be used on values of type string, int".into()),
        (
            "request.model.lowerAscii() == 'a'",
            "there is no function lowerAscii; there are contains, endsWith, matches, size, startsWith, bool, double, int, \
             string, uint and all, exists, exists_one, filter, map"
                .into(),
        ),
        ("request.model.matches(consumer)", "the regular expression of matches must be written out in quotes".into()),
        ("request.model.matches('(a')", "the regular expression \"(a\" does not compile: unclosed group".into()),
        ("request.model.matches('(((a{100}){100}){100})')", "the regular expression \"(((a{100}){100}){100})\" is too big".into()),
        (
            "['a'].map(x, x + x).exists(x, x == consumer)",
            "all, exists, exists_one, filter, map walk only lists that are written out, as in ['a', 'b'].exists(m, m == \
             request.model)"
                .into(),
        ),
        (
            "['a'].exists(consumer, consumer == 'a')",
            "the variable consumer of a macro hides the consumer of the caller; call it something else".into(),
        ),
        ("request.?model == 'a'", "this is no CEL expression: line 1, column 8: unsupported syntax '.?'".into()),
    ] {
        assert_eq!(Expression::compile(source).unwrap_err().to_string(), message, "{source}");
    }
}

#[test]
fn a_syntax_error_says_where() {
    let error = Expression::compile("request.stream &&\n  == 3")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("this is no CEL expression: line 2, column 3: "),
        "{error}"
    );
}

#[test]
fn work_is_bounded() {
    let long = "true || ".repeat(600) + "true";
    assert_eq!(
        Expression::compile(&long).unwrap_err().to_string(),
        "the expression has 4804 characters, more than the 4096 that are allowed"
    );
    let ten = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]";
    let nested =
        format!("{ten}.all(a, {ten}.all(b, {ten}.all(c, {ten}.all(d, a + b + c + d > 0))))");
    let error = Expression::compile(&nested).unwrap_err().to_string();
    assert!(
        error.starts_with("evaluating the expression takes up to "),
        "{error}"
    );
}

/// On the stack of a test's thread, which is as big as that of a worker.
#[test]
fn no_expression_overflows_the_stack() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{1: ", "}"),
        ("true ? ", " : true"),
        ("size([", "])"),
        ("[1].map(x, ", ")"),
        ("!", ""),
        ("-", ""),
        ("", ".a"),
        ("", "[0]"),
        ("true || ", ""),
        ("", " + 1"),
        ("1 - ", ""),
    ] {
        for levels in [40, 100, MAX_LENGTH / (open.len() + close.len() + 1)] {
            let _ = Expression::compile(&(open.repeat(levels) + "true" + &close.repeat(levels)));
        }
    }
    let message = Expression::compile(&("1 + ".repeat(1000) + "1 > 0"))
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "the expression is nested more than 48 deep; use `in` with a list, or several rules"
    );
}

#[test]
fn a_rule_of_the_schema_reads_self() {
    let rule = Rule::compile("has(self.a) != has(self.b)").unwrap();
    assert_eq!(rule.holds(&json!({"a": 1})), Ok(true));
    assert_eq!(rule.holds(&json!({"a": 1, "b": null})), Ok(false));
    let rule = Rule::compile("self.all(x, self.exists_one(y, x.name == y.name))").unwrap();
    assert_eq!(rule.holds(&json!([{"name": "a"}, {"name": "b"}])), Ok(true));
    assert_eq!(
        rule.holds(&json!([{"name": "a"}, {"name": "a"}])),
        Ok(false)
    );
    assert!(rule.holds(&json!(3)).is_err());
    assert!(Rule::compile("self.").is_err());
}

#[test]
fn the_crd_names_every_operation() {
    for name in operations() {
        let quoted = format!("`{name}`");
        assert!(weir_crds::schemas::AI_ROUTE.contains(&quoted), "{name}");
    }
}
