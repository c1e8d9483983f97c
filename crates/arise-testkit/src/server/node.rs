//! A node that joined the server, as far as its signatures go.

use std::sync::atomic::{AtomicI64, Ordering};

use arise_core::NodeId;
use arise_link::code::{Shared, node_proof};
use arise_link::seal::{Asker, PublicKey, Purpose, public_key};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::TestServer;
use super::client::{Answer, Client};

#[derive(Debug)]
pub struct Node {
    /// What the hub's lists know it by.
    pub id: String,
    pub asker: Asker,
    pub hub: PublicKey,
    client: Client,
    counter: AtomicI64,
}

impl TestServer {
    /// Makes a place for a node and answers its id and code.
    pub async fn join_code(&self, name: &str) -> (String, String) {
        let made = self.admin().await.post("/api/admin/nodes", json!({"name": name})).await.expect(201);
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        (text("id"), text("join_code"))
    }

    /// Adds a node that joins.
    pub async fn node(&self, name: &str) -> Node {
        let (id, code) = self.join_code(name).await;
        let asker =
            Asker { node: NodeId::new(1), secret: *b"a node of a test has this secret", formerly: None };
        let joined = self.anyone.post("/api/sync/join", join(&asker, &code)).await.ok();
        let hub = hex::decode(joined["public_key"].as_str().expect("a key")).expect("hex");
        Node {
            id,
            asker,
            hub: hub.try_into().expect("32 bytes"),
            client: self.anyone.clone(),
            counter: AtomicI64::new(1),
        }
    }
}

/// What a node sends to take the place of a code.
pub fn join(asker: &Asker, code: &str) -> Value {
    let (shared, key) = (Shared::of(code), public_key(&asker.secret));
    json!({
        "print": shared.print,
        "node": asker.node,
        "public_key": hex::encode(key),
        "proof": hex::encode(node_proof(&shared.key, asker.node, &key)),
    })
}

impl Node {
    /// One that claims to be another, or has another key.
    #[must_use]
    pub fn pretending(&self, asker: Asker) -> Self {
        Self {
            id: self.id.clone(),
            asker,
            hub: self.hub,
            client: self.client.clone(),
            counter: AtomicI64::new(self.counter.load(Ordering::SeqCst)),
        }
    }

    /// The signed body of a request.
    pub fn seal(&self, frame: &[u8]) -> Vec<u8> {
        let counter = self.counter.fetch_add(1, Ordering::SeqCst);
        self.asker.seal(Purpose::Exchange, &self.hub, counter, frame)
    }

    pub fn request(&self, method: Method, path: &str, frame: &[u8]) -> RequestBuilder {
        self.client.request(method, path).body(self.seal(frame))
    }

    pub async fn exchange(&self, frame: &[u8]) -> Answer {
        Answer::of(self.request(Method::POST, "/api/sync/exchange", frame)).await
    }
}
