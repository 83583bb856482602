//! `http` hooks against a server of our own.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread::{self, JoinHandle},
};

use super::*;

/// Answers one request; `None`: takes it and never answers.
struct Server {
    url: String,
    request: JoinHandle<String>,
}

fn serve(response: Option<String>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let request = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !request.ends_with(b"}\n") {
            let count = stream.read(&mut buffer).unwrap();
            assert_ne!(count, 0, "{}", String::from_utf8_lossy(&request));
            request.extend_from_slice(&buffer[..count]);
        }
        match response {
            Some(response) => stream.write_all(response.as_bytes()).unwrap(),
            // Until the other side gives up.
            None => while stream.read(&mut buffer).is_ok_and(|count| count > 0) {},
        }
        String::from_utf8(request).unwrap()
    });
    Server { url, request }
}

fn response(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

fn hook(url: &str) -> Value {
    json!({"type": "http", "url": url})
}

#[test]
fn the_body_is_the_answer() {
    let body = "{\"hookSpecificOutput\": {\"hookEventName\": \"PreToolUse\", \"permissionDecision\": \"deny\"}}";
    let server = serve(Some(response("200 OK", body)));
    let mut hook = hook(&server.url);
    hook["headers"] = json!({"X-Token": "Bearer $TOKEN", "X-Other": "<$SECRET>"});
    hook["allowedEnvVars"] = json!(["TOKEN"]);
    let stage = Stage::of("PreToolUse", &[hook]);
    let fire = stage.fire("PreToolUse").tell(&pre_tool_use("ls"));
    let said = fire.env("TOKEN", "t0").env("SECRET", "hidden").run();
    assert_eq!(said.permission(), "deny");
    let request = server.request.join().unwrap();
    let lower = request.to_ascii_lowercase();
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
    assert!(
        lower.contains("x-token: bearer t0\r\n") && lower.contains("x-other: <>\r\n"),
        "{request}"
    );
    let body = request.split("\r\n\r\n").nth(1).unwrap();
    assert_eq!(serde_json::from_str::<Value>(body).unwrap()["tool_use_id"], "toolu_1");
}

#[test]
fn an_empty_body_is_silence() {
    let server = serve(Some(response("204 No Content", "")));
    let stage = Stage::of("Stop", &[hook(&server.url)]);
    stage.fire("Stop").silence();
    server.request.join().unwrap();
}

#[test]
fn an_error_stops_nothing_unless_it_is_asked_to() {
    for closed in [false, true] {
        let server = serve(Some(response("500 Oops", "{\"decision\": \"block\"}")));
        let mut hook = hook(&server.url);
        if closed {
            hook["onFailure"] = json!("block");
        }
        let stage = Stage::of("PreToolUse", &[hook]);
        let answer = stage.fire("PreToolUse").tell(&pre_tool_use("ls")).answer();
        assert_eq!(answer.get("hookSpecificOutput").is_some(), closed, "{answer}");
        assert!(answer["systemMessage"].as_str().unwrap().contains("500"), "{answer}");
        server.request.join().unwrap();
    }
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let server = serve(None);
    let mut hook = hook(&server.url);
    hook["timeout"] = json!(1);
    let stage = Stage::of("PreToolUse", &[hook, run("echo ran > \"$LOG/ran\"")]);
    let said = stage.fire("PreToolUse").tell(&pre_tool_use("ls")).run();
    assert!(said.took < std::time::Duration::from_mins(1), "{said:?}");
    assert!(said.json()["systemMessage"].is_string(), "{said:?}");
    assert_eq!(stage.log("ran"), "ran\n");
    server.request.join().unwrap();
}

#[test]
fn an_allow_list_keeps_others_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let stage = Stage::new();
    let file = json!({
        "hooks": {"Stop": [{"hooks": [hook(&url)]}]},
        "integration": {"allowedHttpHookUrls": ["https://hooks.example/*"]},
    });
    stage.write(".claude/hooks.json", &file.to_string());
    let answer = stage.fire("Stop").answer();
    assert!(answer["systemMessage"].as_str().unwrap().contains("not allowed"), "{answer}");
    assert!(listener.accept().is_err(), "nobody called");
}
