//! `http` hooks: the payload is posted, a 2xx body is the answer.
//!
//! Does not know what answers mean. Invariants, as under Claude Code: no redirect is followed; a
//! header takes only environment variables that were allowed by name, others are empty; a status
//! outside 2xx is an error that blocks nothing by itself.

use std::{collections::BTreeMap, time::Duration};

use crate::{config::integration::Integration, model::origin::Layer, sys::place::Env};

/// One request, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) timeout: Duration,
    /// Bytes of the body that are kept.
    pub(super) cap: usize,
}

/// What the settings allow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed<'i> {
    pub(super) integration: &'i Integration,
}

impl Allowed<'_> {
    /// Whether a hook of a layer may ask a URL.
    pub(super) fn permits(self, url: &str, layer: Layer) -> bool {
        self.integration.may_post(url, layer)
    }

    fn permits_variable(self, name: &str, by_hook: &[String], layer: Layer) -> bool {
        by_hook.iter().any(|allowed| allowed == name) && self.integration.may_send(name, layer)
    }
}

/// The headers with `$NAME` and `${NAME}` put in.
pub(super) fn headers(
    headers: &BTreeMap<String, String>,
    by_hook: &[String],
    allowed: Allowed<'_>,
    layer: Layer,
    env: &Env,
) -> Vec<(String, String)> {
    let value = |name: &str| {
        let value = env.text(name).filter(|_| allowed.permits_variable(name, by_hook, layer));
        value.unwrap_or_default().to_owned()
    };
    headers.iter().map(|(name, text)| (name.clone(), substitute(text, &value))).collect()
}

/// Posts; the body of a 2xx answer, or a sentence about what went wrong.
pub(super) fn post(request: &Request) -> Result<Vec<u8>, String> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(request.timeout))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("cph/", env!("CARGO_PKG_VERSION")))
        .build();
    let mut post = config.new_agent().post(&request.url);
    if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        post = post.header("content-type", "application/json");
    }
    for (name, value) in &request.headers {
        post = post.header(name, value);
    }
    let mut answer =
        post.send(&request.body[..]).map_err(|error| format!("{}: {error}", request.url))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!("{}: the answer is {status}", request.url));
    }
    let limit = u64::try_from(request.cap).unwrap_or(u64::MAX);
    let body = answer.body_mut().with_config().limit(limit).read_to_vec();
    body.map_err(|error| format!("{}: {error}", request.url))
}

/// Replaces `$NAME` and `${NAME}`.
fn substitute(text: &str, value: &dyn Fn(&str) -> String) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        let (name, next) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some(braced) => braced,
            None => after.split_at(name_length(after)),
        };
        match name {
            "" => result.push('$'),
            name => result.push_str(&value(name)),
        }
        rest = next;
    }
    result.push_str(rest);
    result
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
    };

    use super::*;

    /// Answers one request with `response`; gives the request's text.
    fn serve(response: &'static str) -> (String, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !request.ends_with(b"{\"a\":1}") {
                let count = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..count]);
            }
            stream.write_all(response.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        });
        (url, server)
    }

    fn request(url: String) -> Request {
        Request {
            url,
            headers: vec![("x-token".to_owned(), "t".to_owned())],
            body: b"{\"a\":1}".to_vec(),
            timeout: Duration::from_secs(20),
            cap: 1000,
        }
    }

    #[test]
    fn a_body_of_2xx_is_the_answer() {
        let (url, server) = serve("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        assert_eq!(post(&request(url)).unwrap(), b"{}");
        let sent = server.join().unwrap();
        assert!(sent.starts_with("POST /hook HTTP/1.1\r\n"), "{sent}");
        assert!(sent.contains("x-token: t\r\n") && sent.contains("application/json"), "{sent}");
    }

    #[test]
    fn other_statuses_and_redirects_are_errors() {
        for response in [
            "HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n",
        ] {
            let (url, server) = serve(response);
            let error = post(&request(url)).unwrap_err();
            assert!(error.contains("the answer is"), "{error}");
            server.join().unwrap();
        }
    }

    #[test]
    fn nobody_there_is_an_error() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(post(&request(format!("http://127.0.0.1:{port}/"))).is_err());
    }

    #[test]
    fn headers_take_only_what_is_allowed_by_the_hook() {
        let env = Env::from_pairs([("A", "1"), ("B", "2"), ("C", "3")]);
        let written = BTreeMap::from([("h".to_owned(), "$A-${B}-$C-$".to_owned())]);
        let by_hook = ["A".to_owned(), "B".to_owned()];
        let integration = Integration::default();
        let allowed = Allowed { integration: &integration };
        let made = headers(&written, &by_hook, allowed, Layer::User, &env);
        assert_eq!(made, [("h".to_owned(), "1-2--$".to_owned())]);
    }
}
