#![allow(warnings, missing_docs, clippy::all, clippy::pedantic, clippy::restriction)]
use bytes::Bytes;
use serde_json::{Value as J, json};
use std::io::BufRead;
use weir_llm::{
    Dialect, body,
    call::Call,
    exchange::{Order, StreamEnd, Unfit, prepare},
    frame,
    provider::Settings,
};

fn bytes(v: &J) -> Vec<u8> {
    match v {
        J::String(s) => s.as_bytes().to_vec(),
        J::Object(o) if o.contains_key("sse") => {
            let mut out = String::new();
            for e in o["sse"].as_array().unwrap() {
                if let Some(t) = e.get("type").and_then(J::as_str) {
                    out += &format!("event: {t}\n");
                }
                out += &format!(
                    "data: {}\n\n",
                    match e {
                        J::String(s) => s.clone(),
                        e => e.to_string(),
                    }
                );
            }
            out.into_bytes()
        }
        J::Object(o) if o.contains_key("frames") => {
            let mut out = Vec::new();
            for e in o["frames"].as_array().unwrap() {
                let (n, p) = e.as_object().unwrap().iter().next().unwrap();
                let h = |name, value| frame::Header { name, value };
                if n.ends_with("Exception") {
                    frame::write_message(
                        &[
                            h(":exception-type", &**n),
                            h(":content-type", "application/json"),
                            h(":message-type", "exception"),
                        ],
                        p.to_string().as_bytes(),
                        &mut out,
                    );
                } else {
                    frame::write_message(
                        &[
                            h(":event-type", &**n),
                            h(":content-type", "application/json"),
                            h(":message-type", "event"),
                        ],
                        p.to_string().as_bytes(),
                        &mut out,
                    );
                }
            }
            out
        }
        v => v.to_string().into_bytes(),
    }
}
fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        if line.trim().is_empty() {
            continue;
        }
        let q: J = serde_json::from_str(&line).unwrap();
        let path = q["path"].as_str().unwrap().to_owned();
        let dialect = Dialect::ALL
            .into_iter()
            .find(|d| format!("{d:?}") == q["dialect"].as_str().unwrap())
            .unwrap();
        let call = Call::of(
            "POST",
            &path,
            q["anthropic"]
                .as_bool()
                .unwrap_or(path.starts_with("/v1/messages")),
        )
        .unwrap();
        let req = Bytes::from(bytes(&q["body"]));
        let out = (|| -> J {
            let body = match body::read(&call, &req) {
                Ok(b) => b,
                Err(e) => return json!({"bad": format!("{e:?}")}),
            };
            let settings = Settings {
                responses_by_chat: q["by_chat"].as_bool().unwrap_or(false),
                ..Settings::default()
            };
            let stream = body.stream() || path.contains("stream");
            let ex = prepare(&Order {
                call: &call,
                method: "POST",
                path: &path,
                query: Some("alt=sse"),
                body: Some(&body),
                bytes: &req,
                form_model: None,
                stream,
                dialect,
                settings: &settings,
                model: q["model"].as_str().unwrap_or(body.model()),
                drop: q["drop"].as_bool().unwrap_or(false),
                id: "0123456789abcdef",
                now: 1_735_689_600,
            });
            let ex = match ex {
                Ok(e) => e,
                Err(Unfit::Problem(p)) => {
                    return json!({"refused": p.param, "code": p.code, "message": p.message});
                }
                Err(o) => return json!({"unfit": format!("{o:?}")}),
            };
            let mut o = json!({"sent": serde_json::from_slice::<J>(&ex.body).unwrap_or(J::Null), "to": ex.path, "dropped": ex.dropped});
            if let Some(a) = q.get("answer") {
                let b = bytes(a);
                o["answer"] = match ex.answer(b.into()) {
                    Ok(w) => {
                        json!({"body": serde_json::from_slice::<J>(&w.body).unwrap_or(J::Null), "usage": format!("{:?}", w.usage)})
                    }
                    Err(e) => json!({"err": format!("{e:?}")}),
                };
            }
            if let Some(a) = q.get("error") {
                let b = bytes(a);
                let p = ex.problem(q["status"].as_u64().unwrap_or(400) as u16, &b);
                o["error"] = match p {
                    None => json!("passes"),
                    Some(p) => {
                        let w = ex.write_problem(&p);
                        json!({"problem": format!("{p:?}"), "status": w.status, "headers": format!("{:?}", w.headers), "body": serde_json::from_slice::<J>(&w.body).unwrap()})
                    }
                };
            }
            if let Some(a) = q.get("stream") {
                let b = bytes(a);
                let mut s = ex.stream(q["ctype"].as_str().unwrap_or("text/event-stream"));
                let mut all = Vec::new();
                match s.feed(b.into()) {
                    Err(e) => {
                        o["stream_err"] = json!(format!("{e:?}"));
                    }
                    Ok(f) => {
                        for r in f {
                            all.extend_from_slice(&r);
                        }
                        let e = s.finish(StreamEnd::Marked);
                        all.extend_from_slice(&e.rest);
                        o["stream_seen"] = json!(format!("{} {:?}", e.complete, e.seen));
                    }
                }
                use base64::Engine as _;
                o["stream_b64"] = json!(base64::engine::general_purpose::STANDARD.encode(&all));
                o["stream"] = json!(String::from_utf8_lossy(&all));
            }
            o
        })();
        println!("{out}");
    }
}
