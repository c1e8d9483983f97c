//! A small HTTP client that speaks JSON.

use std::net::IpAddr;

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::stream::Live;

/// Somebody who calls the server: by default without a login.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    login: HeaderMap,
}

impl Client {
    pub(super) fn new(url: String, from: Option<IpAddr>) -> Self {
        // A proxy of the machine has no business here; redirects are answers to look at.
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let http = http.local_address(from).build().expect("an HTTP client");
        Self { http, url, login: HeaderMap::new() }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same with a token in the header.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Self {
        self.with(AUTHORIZATION, &format!("Bearer {token}"))
    }

    /// The same with a token in the cookie, as a browser has it.
    #[must_use]
    pub fn cookie(&self, token: &str) -> Self {
        self.with(COOKIE, &format!("theme=dark; arise_token={token}"))
    }

    fn with(&self, name: reqwest::header::HeaderName, value: &str) -> Self {
        let mut client = self.clone();
        client.login = HeaderMap::from_iter([(name, HeaderValue::try_from(value).expect("a header"))]);
        client
    }

    /// The token this client carries.
    ///
    /// # Panics
    /// When it carries none in its header.
    pub fn token(&self) -> String {
        let header = self.login.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        header.and_then(|value| value.strip_prefix("Bearer ")).expect("a token").to_owned()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).headers(self.login.clone())
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    /// A body as it is, whatever it is.
    pub async fn post_text(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        Answer::of(self.request(Method::POST, path).body(body)).await
    }

    /// A form with a file (multipart/form-data), as browsers send it.
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)], file: &[u8]) -> Answer {
        const EDGE: &str = "----edge-of-the-form-7d1f";
        let mut body = Vec::with_capacity(file.len() + 1024);
        for (name, value) in fields {
            let part =
                format!("--{EDGE}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--{EDGE}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(format!("\r\n--{EDGE}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={EDGE}");
        Answer::of(self.request(Method::POST, path).header("content-type", kind).body(body)).await
    }

    /// Opens a stream of server-sent events.
    pub async fn live(&self, path: &str, last_event_id: Option<&str>) -> Live {
        Live::open(self.request(Method::GET, path), last_event_id).await
    }
}

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    /// Sends a request and reads the whole answer, unless that is a stream.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let is_stream =
            headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let bytes =
            if is_stream { vec![] } else { response.bytes().await.expect("the answer ends").to_vec() };
        Self { status, headers, bytes }
    }

    /// The body; `null` when it isn't JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The word for programs in an error's body.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The body of a 200.
    #[track_caller]
    pub fn ok(&self) -> Value {
        self.expect(200)
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The body of a refusal that must have this status and code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}", self.text());
        self.json()
    }

    /// A 422 that names exactly this field.
    #[track_caller]
    pub fn invalid(&self, field: &str) -> Value {
        let body = self.expect(422);
        let named: Vec<&String> = body["fields"].as_object().map(|f| f.keys().collect()).unwrap_or_default();
        assert_eq!(named, [field], "{body}");
        body
    }
}
