//! A scripted Messages API on 127.0.0.1, in plain std.
//!
//! It answers what a script says and keeps every request, so that a test sees what the model was
//! told. It does not know hooks, nor the client; it never reads a clock but for its own deadlines.

use std::{
    collections::VecDeque,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    http::{read_request, whole},
    message,
    script::{Script, Turn, text},
};

/// How long a connection of ours may stay silent before its thread looks at the stop flag.
const PATIENCE: Duration = Duration::from_millis(200);

/// Waits until a hook has ended so many times, or its own deadline (see [`Turn::AfterHook`]).
pub(super) type HookWait = Box<dyn Fn(&str, usize) + Send + Sync>;

/// One conversation while it runs.
struct Talk {
    marker: Option<String>,
    name: String,
    turns: VecDeque<Turn>,
    taken: usize,
}

/// A request that the client sent to the Messages API.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) body: Value,
}

impl Request {
    /// A main turn offers tools to the model; titles and counts do not.
    pub(super) fn is_turn(&self) -> bool {
        self.is_message() && self.body["tools"].as_array().is_some_and(|tools| !tools.is_empty())
    }

    /// Whether the model is asked at all.
    pub(super) fn is_message(&self) -> bool {
        self.path.starts_with("/v1/messages") && !self.path.contains("count_tokens")
    }

    fn wants_stream(&self) -> bool {
        self.body["stream"].as_bool() == Some(true)
    }
}

struct Shared {
    script: Script,
    talks: Mutex<Vec<Talk>>,
    requests: Mutex<Vec<Request>>,
    wait: HookWait,
    stopped: AtomicBool,
}

/// The running server. Dropping it stops it.
pub(super) struct Api {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<thread::JoinHandle<()>>,
}

impl Api {
    pub(super) fn start(script: &Script, wait: HookWait) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            talks: Mutex::new(talks(script)),
            script: script.clone(),
            requests: Mutex::default(),
            wait,
            stopped: AtomicBool::new(false),
        });
        let host = Arc::clone(&shared);
        let accept = thread::spawn(move || accept(&listener, &host));
        Ok(Self { address, shared, listener: Some(accept) })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in order of arrival.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // One last connection wakes the listener.
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            drop(listener.join());
        }
    }
}

fn talks(script: &Script) -> Vec<Talk> {
    let agents = script.agents.iter().enumerate().map(|(n, (marker, turns))| Talk {
        marker: Some(marker.clone()),
        name: format!("agent{n}"),
        turns: turns.clone().into(),
        taken: 0,
    });
    let main =
        Talk { marker: None, name: "main".to_owned(), turns: script.main.clone().into(), taken: 0 };
    agents.chain([main]).collect()
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // A connection that breaks is the client's affair: it sends the request again.
        thread::spawn(move || drop(converse(stream, &shared)));
    }
}

/// Serves one connection until the client closes it or the server is stopped.
fn converse(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut input = BufReader::new(stream.try_clone()?);
    let mut output = stream;
    while await_byte(&mut input, shared)? {
        input.get_ref().set_read_timeout(None)?;
        let (method, path, body) = read_request(&mut input, &mut output)?;
        let answer = if method == "POST" {
            respond(path, &body, shared)
        } else {
            whole("404 Not Found", "application/json", "{}")
        };
        output.write_all(&answer)?;
        output.flush()?;
        input.get_ref().set_read_timeout(Some(PATIENCE))?;
    }
    Ok(())
}

/// Whether another request begins; false when the peer is gone or the server stopped.
fn await_byte(input: &mut BufReader<TcpStream>, shared: &Shared) -> io::Result<bool> {
    loop {
        if shared.stopped.load(Ordering::SeqCst) {
            return Ok(false);
        }
        match input.fill_buf() {
            Ok(bytes) => return Ok(!bytes.is_empty()),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
}

fn respond(path: String, body: &[u8], shared: &Shared) -> Vec<u8> {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let request = Request { path, body };
    shared.requests.lock().unwrap().push(request.clone());
    if request.path.contains("count_tokens") {
        return whole("200 OK", "application/json", r#"{"input_tokens": 10}"#);
    }
    if !request.is_message() {
        return post(&request.path, shared);
    }
    let (id, turn) = if request.is_turn() {
        next_turn(&request, shared)
    } else {
        ("aside".to_owned(), [text(aside(&request, shared))].into())
    };
    deliver(&request, &id, turn, shared)
}

fn post(path: &str, shared: &Shared) -> Vec<u8> {
    match shared.script.posts.iter().find(|(known, _)| known == path) {
        Some((_, answer)) => whole("200 OK", "application/json", answer),
        None => whole("404 Not Found", "application/json", "{}"),
    }
}

fn aside<'a>(request: &Request, shared: &'a Shared) -> &'a str {
    let asked = request.body.to_string();
    let known = shared.script.asides.iter().find(|(marker, _)| asked.contains(marker));
    known.map_or(Script::ASIDE, |(_, answer)| answer)
}

/// The next turn of the conversation that the request belongs to, and the id of its message.
fn next_turn(request: &Request, shared: &Shared) -> (String, Turn) {
    let opening = request.body["messages"][0].to_string();
    let mut talks = shared.talks.lock().unwrap();
    let talk = talks
        .iter_mut()
        .find(|talk| talk.marker.as_ref().is_none_or(|m| opening.contains(m)))
        .expect("the main conversation takes what no other does");
    talk.taken += 1;
    let id = format!("{}_{}", talk.name, talk.taken);
    if let Some(refusal @ Turn::Refusal(..)) = talk.turns.front() {
        return (id, refusal.clone());
    }
    let told = request.body.to_string();
    while let Some(Turn::Until(text, turn)) = talk.turns.front() {
        if !told.contains(text) {
            return (id, (**turn).clone());
        }
        talk.turns.pop_front();
    }
    let turn = talk.turns.pop_front();
    (id, turn.unwrap_or_else(|| [text(Script::LAST_WORD)].into()))
}

fn deliver(request: &Request, id: &str, turn: Turn, shared: &Shared) -> Vec<u8> {
    match turn {
        Turn::AfterHook(name, times, turn) => {
            (shared.wait)(name, times);
            deliver(request, id, *turn, shared)
        }
        Turn::Until(_, turn) => deliver(request, id, *turn, shared),
        Turn::Refusal(status, kind) => {
            let error =
                json!({ "type": "error", "error": { "type": kind, "message": "scripted" } });
            whole(&format!("{status} Scripted"), "application/json", &error.to_string())
        }
        Turn::Message(blocks) => {
            let model = &request.body["model"];
            if request.wants_stream() {
                let events = message::stream(model, id, &blocks);
                whole("200 OK", "text/event-stream", &events)
            } else {
                let message = message::entire(model, id, &blocks);
                whole("200 OK", "application/json", &message.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// What the server answers on one connection, until the other side is closed.
    fn talk(api: &Api, sent: &str) -> String {
        let mut stream = TcpStream::connect(api.address).unwrap();
        stream.write_all(sent.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn one_connection_carries_measured_and_chunked_requests() {
        let script = Script {
            main: vec![[text("first")].into(), [text("second")].into()],
            ..Script::default()
        };
        let api = Api::start(&script, Box::new(|_, _| {})).unwrap();
        let body = r#"{"tools":[{}],"messages":[]}"#;
        let (head, tail) = body.split_at(9);
        let measured =
            format!("POST /v1/messages HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let chunked = format!(
            "POST /v1/messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
             9\r\n{head}\r\n{:x}\r\n{tail}\r\n0\r\n\r\n",
            tail.len()
        );
        let answer = talk(&api, &(measured + &chunked));
        let (first, second) = (answer.find("first"), answer.find("second"));
        assert!(first.is_some() && first < second, "{answer}");
        let bodies: Vec<_> = api.requests().into_iter().map(|request| request.body).collect();
        assert_eq!(bodies[0], bodies[1]);
    }
}
