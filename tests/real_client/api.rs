//! A scripted Messages API on 127.0.0.1, in plain std.
//!
//! It answers what a script says and keeps every request, so that a test sees what the model was
//! told. It does not know hooks, nor the client; it never reads a clock but for its own deadlines.

use std::{
    collections::VecDeque,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// How long a connection of ours may stay silent before its thread looks at the stop flag.
const PATIENCE: Duration = Duration::from_millis(200);

/// One block of an assistant's message.
#[derive(Clone)]
pub(super) enum Block {
    Text(String),
    Tool { name: String, input: Value },
}

/// Text of the assistant.
pub(super) fn text(text: &str) -> Block {
    Block::Text(text.to_owned())
}

/// A tool call; its id is made from its place in the script, so that it is the same in every run.
pub(super) fn tool(name: &str, input: Value) -> Block {
    Block::Tool {
        name: name.to_owned(),
        input,
    }
}

/// A call of the `Bash` tool.
pub(super) fn bash(command: &str) -> Block {
    tool(
        "Bash",
        json!({ "command": command, "description": "scripted" }),
    )
}

/// One answer of the API.
#[derive(Clone)]
pub(super) enum Turn {
    /// A message, streamed when the client asks for a stream.
    Message(Vec<Block>),
    /// An error of the API, status and error type: the answer to every request from here on, for
    /// the client asks again in other ways.
    Refusal(u16, &'static str),
    /// Wait until the named hook has ended so many times, then go on with the turn.
    AfterHook(&'static str, usize, Box<Turn>),
}

impl Turn {
    /// The turn with every text of it changed.
    pub(super) fn map(&self, change: &impl Fn(&str) -> String) -> Self {
        match self {
            Self::Message(blocks) => Self::Message(blocks.iter().map(|b| b.map(change)).collect()),
            Self::Refusal(status, kind) => Self::Refusal(*status, kind),
            Self::AfterHook(name, times, turn) => {
                Self::AfterHook(name, *times, Box::new(turn.map(change)))
            }
        }
    }
}

impl Block {
    fn map(&self, change: &impl Fn(&str) -> String) -> Self {
        match self {
            Self::Text(text) => Self::Text(change(text)),
            Self::Tool { name, input } => {
                let input = serde_json::from_str(&change(&input.to_string()));
                let input = input.expect("paths need no escape in JSON");
                Self::Tool {
                    name: name.clone(),
                    input,
                }
            }
        }
    }
}

impl<const N: usize> From<[Block; N]> for Turn {
    fn from(blocks: [Block; N]) -> Self {
        Self::Message(blocks.to_vec())
    }
}

/// What the API will say.
#[derive(Clone, Default)]
pub(super) struct Script {
    /// Turns of the main conversation, in order. Past the end: [`Script::LAST_WORD`].
    pub(super) main: Vec<Turn>,
    /// Conversations of subagents: told by a text that their first message contains.
    pub(super) agents: Vec<(String, Vec<Turn>)>,
}

impl Script {
    /// The answer when the script of a conversation has come to its end.
    pub(super) const LAST_WORD: &str = "nothing more to do";
    /// The answer to requests without tools: titles, summaries of a compaction and the like.
    pub(super) const ASIDE: &str = "an aside";
}

/// Tells whether a hook has ended so many times (see [`Turn::AfterHook`]); waits for it, with a deadline.
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
        self.path.starts_with("/v1/messages")
            && !self.path.contains("count_tokens")
            && self.body["tools"]
                .as_array()
                .is_some_and(|tools| !tools.is_empty())
    }

    fn wants_stream(&self) -> bool {
        self.body["stream"].as_bool() == Some(true)
    }
}

struct Shared {
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
            requests: Mutex::default(),
            wait,
            stopped: AtomicBool::new(false),
        });
        let host = Arc::clone(&shared);
        let accept = thread::spawn(move || accept(&listener, &host));
        Ok(Self {
            address,
            shared,
            listener: Some(accept),
        })
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
    let agents = script
        .agents
        .iter()
        .enumerate()
        .map(|(n, (marker, turns))| Talk {
            marker: Some(marker.clone()),
            name: format!("agent{n}"),
            turns: turns.clone().into(),
            taken: 0,
        });
    let main = Talk {
        marker: None,
        name: "main".to_owned(),
        turns: script.main.clone().into(),
        taken: 0,
    };
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
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads one request: method, path, body (by length or in chunks).
fn read_request(
    input: &mut BufReader<TcpStream>,
    output: &mut TcpStream,
) -> io::Result<(String, String, Vec<u8>)> {
    let start = line(input)?;
    let mut words = start.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let path = words.next().unwrap_or_default().to_owned();
    let (mut length, mut chunked) = (0, false);
    loop {
        let header = line(input)?.to_ascii_lowercase();
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        match (name, value.trim()) {
            ("content-length", value) => length = value.parse().unwrap_or(0),
            ("transfer-encoding", value) => chunked = value.contains("chunked"),
            ("expect", "100-continue") => output.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?,
            _ => {}
        }
    }
    let body = if chunked {
        read_chunks(input)?
    } else {
        read_exactly(input, length)?
    };
    Ok((method, path, body))
}

fn line(input: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

fn read_exactly(input: &mut BufReader<TcpStream>, length: usize) -> io::Result<Vec<u8>> {
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    Ok(body)
}

fn read_chunks(input: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(input)?;
        let size = size.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
        body.extend(read_exactly(input, size)?);
        // The line end behind a chunk; behind the last one, the end of the trailers.
        while !line(input)?.is_empty() {}
        if size == 0 {
            return Ok(body);
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
    if !request.path.starts_with("/v1/messages") {
        return whole("404 Not Found", "application/json", "{}");
    }
    let (id, turn) = if request.is_turn() {
        next_turn(&request, shared)
    } else {
        ("aside".to_owned(), [text(Script::ASIDE)].into())
    };
    deliver(&request, &id, turn, shared)
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
    let turn = talk.turns.pop_front();
    (id, turn.unwrap_or_else(|| [text(Script::LAST_WORD)].into()))
}

fn deliver(request: &Request, id: &str, turn: Turn, shared: &Shared) -> Vec<u8> {
    match turn {
        Turn::AfterHook(name, times, turn) => {
            (shared.wait)(name, times);
            deliver(request, id, *turn, shared)
        }
        Turn::Refusal(status, kind) => {
            let error =
                json!({ "type": "error", "error": { "type": kind, "message": "scripted" } });
            whole(
                &format!("{status} Scripted"),
                "application/json",
                &error.to_string(),
            )
        }
        Turn::Message(blocks) if request.wants_stream() => {
            whole("200 OK", "text/event-stream", &stream(request, id, &blocks))
        }
        Turn::Message(blocks) => {
            let mut message = envelope(request, id);
            message["content"] = blocks
                .iter()
                .enumerate()
                .map(|(n, b)| content(id, n, b))
                .collect();
            message["stop_reason"] = stop_reason(&blocks).into();
            whole("200 OK", "application/json", &message.to_string())
        }
    }
}

fn whole(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn envelope(request: &Request, id: &str) -> Value {
    json!({
        "id": format!("msg_{id}"), "type": "message", "role": "assistant",
        "model": request.body["model"], "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": { "input_tokens": 10, "output_tokens": 1 },
    })
}

fn stop_reason(blocks: &[Block]) -> &'static str {
    let calls = blocks
        .iter()
        .any(|block| matches!(block, Block::Tool { .. }));
    if calls { "tool_use" } else { "end_turn" }
}

fn content(id: &str, index: usize, block: &Block) -> Value {
    match block {
        Block::Text(text) => json!({ "type": "text", "text": text }),
        Block::Tool { name, input } => json!({
            "type": "tool_use", "id": format!("toolu_{id}_{index}"), "name": name, "input": input,
        }),
    }
}

/// The message as server-sent events.
fn stream(request: &Request, id: &str, blocks: &[Block]) -> String {
    let mut events = vec![json!({ "type": "message_start", "message": envelope(request, id) })];
    for (index, block) in blocks.iter().enumerate() {
        let (shell, delta) = match block {
            Block::Text(text) => (
                json!({ "type": "text", "text": "" }),
                json!({ "type": "text_delta", "text": text }),
            ),
            Block::Tool { input, .. } => {
                let mut shell = content(id, index, block);
                shell["input"] = json!({});
                let delta =
                    json!({ "type": "input_json_delta", "partial_json": input.to_string() });
                (shell, delta)
            }
        };
        events
            .push(json!({ "type": "content_block_start", "index": index, "content_block": shell }));
        events.push(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        events.push(json!({ "type": "content_block_stop", "index": index }));
    }
    events.push(json!({
        "type": "message_delta", "usage": { "output_tokens": 5 },
        "delta": { "stop_reason": stop_reason(blocks), "stop_sequence": null },
    }));
    events.push(json!({ "type": "message_stop" }));
    events.iter().map(server_sent).collect()
}

fn server_sent(event: &Value) -> String {
    let kind = event["type"].as_str().unwrap_or_default();
    format!("event: {kind}\ndata: {event}\n\n")
}
