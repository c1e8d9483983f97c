//! Server-sent events, as a browser reads them.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::Value;

/// A test that waits longer for an event has failed.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, PartialEq)]
pub struct LiveEvent {
    pub name: String,
    pub id: String,
    pub data: Value,
}

/// An open stream of events.
#[derive(Debug)]
pub struct Live {
    response: Response,
    buffer: Vec<u8>,
    ready: VecDeque<LiveEvent>,
}

impl Live {
    pub(super) async fn open(request: RequestBuilder, last_event_id: Option<&str>) -> Self {
        let request = match last_event_id {
            Some(id) => request.header("last-event-id", id),
            None => request,
        };
        let response = request.send().await.expect("the server answers");
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, buffer: vec![], ready: VecDeque::new() }
    }

    /// The next event; `None` when the server has ended the stream.
    ///
    /// # Panics
    /// When nothing comes.
    pub async fn next(&mut self) -> Option<LiveEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk());
            let chunk = chunk.await.expect("an event comes").expect("the stream isn't torn")?;
            self.buffer.extend_from_slice(&chunk);
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                self.ready.extend(read(&String::from_utf8_lossy(&block)));
            }
        }
    }

    /// The next event of this name. On PostgreSQL the news of what was written before the stream began may still come.
    ///
    /// # Panics
    /// When the stream ends, or nothing comes.
    pub async fn until(&mut self, name: &str) -> LiveEvent {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.name == name {
                return event;
            }
        }
    }

    /// The next event, which must have this name.
    ///
    /// # Panics
    /// When it has another, or the stream ends.
    pub async fn expect(&mut self, name: &str) -> LiveEvent {
        let event = self.next().await.expect("the stream goes on");
        assert_eq!(event.name, name, "{}", event.data);
        event
    }
}

/// One block of lines; `None` for a heartbeat.
fn read(block: &str) -> Option<LiveEvent> {
    let field = |name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.strip_prefix(' ').unwrap_or(value).to_owned())
    };
    let data = serde_json::from_str(&field("data")?).expect("an event carries JSON");
    Some(LiveEvent { name: field("event").unwrap_or_default(), id: field("id").unwrap_or_default(), data })
}
