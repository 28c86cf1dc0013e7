//! `weir prices`, from the outside: the built binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::Value;

/// Exit code, stdout and stderr.
fn prices(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    let output = command.arg("prices").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn json_has_a_row_for_each_model_of_each_provider() {
    let (code, out, err) = prices(&["--format", "json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let rows: Vec<Value> = serde_json::from_str(&out).unwrap();
    assert!(rows.len() > 2_000, "{}", rows.len());
    let row = |provider: &str, model: &str| {
        let mut rows = rows.iter();
        rows.find(|row| row["provider"] == provider && row["model"] == model)
            .unwrap()
    };
    let opus = row("anthropic", "claude-3-opus-latest");
    let figures = ["input", "output", "cacheRead", "cacheWrite", "cacheWrite1h"]
        .map(|kind| opus[kind].as_f64());
    assert_eq!(figures, [15.0, 75.0, 1.5, 18.75, 30.0].map(Some));
    assert_eq!(row("anthropic", "claude-2")["cacheRead"], Value::Null);
}

#[test]
fn a_day_has_its_prices() {
    let input = |day: &str| {
        let (_, out, _) = prices(&[
            "gemini-3.8-flash",
            "-p",
            "google",
            "--date",
            day,
            "--format",
            "json",
        ]);
        let rows: Value = serde_json::from_str(&out).unwrap();
        rows[0]["input"].as_f64()
    };
    assert_eq!(
        (input("2026-12-31"), input("2027-01-01")),
        (Some(0.75), Some(1.5))
    );
    let (code, out, err) = prices(&["--date", "2026-02-30"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("a day is written as 2026-11-10"), "{err}");
}

#[test]
fn a_table_says_where_a_price_comes_from() {
    let (code, out, err) = prices(&[
        "claude-3-opus-20240229",
        "--provider",
        "anthropic",
        "--format",
        "table",
    ]);
    assert_eq!((code, err.as_str()), (0, ""));
    let lines: Vec<Vec<&str>> = out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert_eq!(
        lines[1][..6],
        [
            "anthropic",
            "claude-3-opus-latest",
            "15",
            "75",
            "1.5",
            "18.75"
        ]
    );
    assert!(lines[1].contains(&"genai-prices"), "{out}");
}

#[test]
fn an_unknown_model_exits_1_and_says_what_is_near() {
    let (code, out, err) = prices(&["gpt-4oo", "--provider", "openai"]);
    assert_eq!((code, out.as_str()), (1, ""));
    let expected = "weir: the price of \"gpt-4oo\" at openai is not known; near it are gpt-4o, ";
    assert!(err.starts_with(expected), "{err}");
}
