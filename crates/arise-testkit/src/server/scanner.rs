//! A scanner of the signed protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arise_core::signature::{self, Key};
use arise_core::{Clock, TestClock};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::TestServer;
use super::client::{Answer, Client};

#[derive(Debug)]
pub struct Scanner {
    pub id: String,
    pub key: Key,
    client: Client,
    clock: Arc<TestClock>,
    counter: AtomicU64,
    seq: AtomicI64,
}

impl TestServer {
    /// Adds a scanner and pairs it.
    pub async fn scanner(&self, name: &str) -> Scanner {
        let body = json!({"name": name, "room": "Room 1"});
        let added = self.admin().await.post("/api/admin/devices", body).await.json();
        self.pair(added["pairing_code"].as_str().expect("a pairing code")).await
    }

    /// Pairs a scanner by its code.
    pub async fn pair(&self, code: &str) -> Scanner {
        let body = json!({"code": code, "mac_address": "AA:BB:CC:00:11:22", "firmware": "1.0"});
        let paired = self.anyone.post("/api/device/pair", body).await.ok();
        let key = hex::decode(paired["key"].as_str().expect("a key")).expect("hex");
        Scanner {
            id: paired["device_id"].as_str().expect("an id").to_owned(),
            key: key.try_into().expect("32 bytes"),
            client: self.anyone.clone(),
            clock: Arc::clone(&self.clock),
            counter: AtomicU64::new(1),
            seq: AtomicI64::new(1),
        }
    }
}

impl Scanner {
    /// One that claims to be another, or has another key.
    #[must_use]
    pub fn pretending(&self, id: &str, key: Key) -> Self {
        Self {
            id: id.to_owned(),
            key,
            client: self.client.clone(),
            clock: Arc::clone(&self.clock),
            counter: AtomicU64::new(self.counter.load(Ordering::SeqCst)),
            seq: AtomicI64::new(self.seq.load(Ordering::SeqCst)),
        }
    }

    /// The next counter of a request.
    pub fn next_counter(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::SeqCst)
    }

    /// The next number of a mark.
    pub fn next_seq(&self) -> i64 {
        self.seq.fetch_add(1, Ordering::SeqCst)
    }

    /// A signed request.
    pub fn request(&self, method: Method, path: &str, counter: u64, body: Vec<u8>) -> RequestBuilder {
        let signature = signature::sign(&self.key, method.as_str(), path, counter, &body);
        self.client
            .request(method, path)
            .header("x-arise-device", &self.id)
            .header("x-arise-counter", counter)
            .header("x-arise-signature", signature)
            .header("content-type", "application/json")
            .body(body)
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path, self.next_counter(), vec![])).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_as(self.next_counter(), path, body).await
    }

    /// With a counter of the test's choice.
    pub async fn post_as(&self, counter: u64, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path, counter, body.to_string().into_bytes())).await
    }

    /// Uploads marks and answers with what each was told.
    pub async fn upload(&self, marks: &[Value]) -> Vec<Value> {
        let answer = self.post("/api/device/marks", &json!({"marks": marks})).await.ok();
        answer["results"].as_array().expect("results").clone()
    }

    /// A finger placed now, and what the student is told.
    pub async fn finger(&self, class_roll_id: i64) -> String {
        let mark = json!({
            "seq": self.next_seq(), "class_roll_id": class_roll_id, "observed_at": self.clock.now(),
        });
        let results = self.upload(&[mark]).await;
        results[0]["status"].as_str().expect("a status").to_owned()
    }
}
