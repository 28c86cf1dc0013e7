//! What the hot path costs: nanoseconds a streamed chunk and a request body.
//!
//! `cargo run --release -p weir-llm --example speed`

#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a broken measurement shall stop")]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use weir_llm::Format;
use weir_llm::Operation;
use weir_llm::body::read;
use weir_llm::call::Call;
use weir_llm::dialect;
use weir_llm::frame::{Cutter, Framing};
use weir_llm::json::FieldReader;
use weir_llm::scrub::Scrubber;

/// Rounds of which the fastest counts.
const ROUNDS: u32 = 15;

fn main() {
    chunks();
    bodies();
    answers();
}

/// Prints the nanoseconds that one of `count` calls of `work` takes.
fn measure(name: &str, count: u32, mut work: impl FnMut()) {
    let best = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..count).for_each(|_| work());
            start.elapsed().as_nanos() / u128::from(count)
        })
        .min();
    println!("{name:48} {:>8} ns", best.unwrap_or_default());
}

fn chunk(content: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG\",\"object\":\"chat.completion.chunk\",\"created\":1741570283,\"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_06737a9306\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{content}\"}},\"logprobs\":null,\"finish_reason\":null}}],\"usage\":null}}\n\n"
    )
}

fn chunks() {
    let one = chunk(" weir");
    let mut cutter = Cutter::new(Framing::Sse);
    let mut watch = dialect::codec(Format::Chat).watch();
    let mut feed = |chunk: &Bytes| {
        for run in cutter.feed(chunk.clone()).unwrap() {
            watch.run(black_box(&run));
        }
    };
    let whole = Bytes::from(one.clone());
    measure("chunk, one whole event", 20_000, || {
        feed(&whole);
    });
    let scrubber = Scrubber::new(["sk-proj-0123456789abcdef0123456789abcdef"]);
    measure("chunk, scrubbed of a credential", 20_000, || {
        black_box(scrubber.scrub(whole.clone()));
    });
    let many = Bytes::from(one.repeat(16));
    measure("chunk, 16 events", 5_000, || {
        feed(&many);
    });
    let (head, tail) = (whole.slice(..100), whole.slice(100..));
    measure("event in two chunks (both)", 20_000, || {
        feed(&head);
        feed(&tail);
    });
    let usage = chunk("").replace(
        "\"usage\":null",
        "\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":10,\"total_tokens\":29,\"prompt_tokens_details\":{\"cached_tokens\":0}}",
    );
    let usage = Bytes::from(usage);
    measure("chunk with usage", 20_000, || {
        feed(&usage);
    });
    measure("a stream's reader", 20_000, || {
        black_box((
            Cutter::new(Framing::Sse),
            dialect::codec(Format::Chat).watch(),
        ));
    });
}

/// A chat of about this many bytes, in turns of 2 KB with the escapes of prose.
fn chat(size: usize) -> String {
    let turn = "A weir holds water back, \\\"lets it through\\\" at a measured rate,\\nand tells you how much went by. "
        .repeat(20);
    let turns = (size / turn.len()).max(1);
    let turn = &turn[..turn.len().min(size)];
    let messages: Vec<String> = (0..turns)
        .map(|_| format!("{{\"role\":\"user\",\"content\":\"{turn}\"}}"))
        .collect();
    format!(
        "{{\"model\":\"gpt-4o-mini\",\"messages\":[{}],\"temperature\":0.2,\"stream\":true,\"stream_options\":{{\"include_usage\":true}}}}",
        messages.join(",")
    )
}

fn bodies() {
    for (name, body) in [
        ("chat, 1 KB", chat(900)),
        ("chat, 32 KB", chat(32 << 10)),
        (
            "chat, 32 KB, one text without escapes",
            format!(
                "{{\"model\":\"m\",\"messages\":[{{\"content\":\"{}\"}}]}}",
                "weir ".repeat(6500)
            ),
        ),
        (
            "chat, 32 KB, not ASCII",
            format!(
                "{{\"model\":\"m\",\"messages\":[{{\"content\":\"{}\"}}]}}",
                "堰は水を".repeat(2700)
            ),
        ),
        (
            "chat, 32 KB, text full of brackets",
            format!(
                "{{\"model\":\"m\",\"messages\":[{{\"content\":\"{}\"}}]}}",
                "{[a]} \\\"b\\\" ".repeat(2700)
            ),
        ),
    ] {
        let name = format!("read: {name} ({} bytes)", body.len());
        measure(&name, 2000, || {
            black_box(read(&Call::json(Operation::Chat, Format::Chat), body.as_bytes()).unwrap());
        });
    }
    let body = chat(32 << 10);
    let body = read(&Call::json(Operation::Chat, Format::Chat), body.as_bytes()).unwrap();
    measure("text_bytes: chat, 32 KB", 2000, || {
        black_box(body.text_bytes());
    });
}

fn answers() {
    let usage = "\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":10,\"total_tokens\":29}}";
    let text = chat(4 << 10).replace('"', "\\\"");
    let chat =
        format!("{{\"id\":\"x\",\"choices\":[{{\"message\":{{\"content\":\"{text}\"}}}}],{usage}");
    let numbers = vec!["-0.006929283495992422"; 1536].join(",");
    let vector = format!("{{\"data\":[{{\"embedding\":[{numbers}],\"index\":0}}],{usage}");
    for (name, body) in [("chat, 4 KB", chat), ("embedding, 34 KB", vector)] {
        measure(&format!("usage of an answer: {name}"), 2000, || {
            let mut reader = FieldReader::new("usage");
            reader.feed(body.as_bytes());
            black_box(reader.value().unwrap());
        });
    }
}
