//! A hub that is reached over HTTPS, with a certificate that an authority of the college's own signed.
//!
//! The authority and the certificate in `tls` were made for this test, and are good for nothing else: for 127.0.0.1 and
//! localhost, from 2020 to 2120.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arise_store::Location;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::machine::Machine;
use crate::proxy::read_message;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sync/tls").join(name)
}

/// What ends TLS in front of a hub. Answers its port, on every address of this machine.
fn end_tls(hub: String) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = CertificateDer::pem_file_iter(file("hub.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(file("hub.key")).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (config, hub) = (Arc::clone(&config), hub.clone());
            std::thread::spawn(move || carry(client, config, &hub));
        }
    });
    port
}

/// Carries the requests of one connection until it ends, or isn't one that is believed.
fn carry(client: TcpStream, config: Arc<ServerConfig>, hub: &str) -> Option<()> {
    client.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let mut client = StreamOwned::new(ServerConnection::new(config).unwrap(), client);
    let mut hub = TcpStream::connect(hub).ok()?;
    loop {
        hub.write_all(&read_message(&mut client)?).ok()?;
        client.write_all(&read_message(&mut hub)?).ok()?;
        client.flush().ok()?;
    }
}

fn made(machine: &Machine, path: &str, body: &Value) -> Value {
    let token = machine.admin().unwrap();
    let (status, answer) = machine.call("POST", path, &token, body).unwrap();
    assert!(status < 300, "{path}: {answer}");
    answer
}

fn semesters(machine: &Machine) -> String {
    machine
        .call("GET", "/api/admin/semesters", &machine.admin().unwrap(), &Value::Null)
        .unwrap()
        .1
        .to_string()
}

#[test]
fn a_hub_with_a_certificate_of_the_college_s_own() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("hub").join("arise.db"));
    let hub = Machine::new("hub", folder.path(), Some((1, location)), 0);
    hub.start();
    let port = end_tls(hub.addresses().remove(0));
    let code = made(&hub, "/api/admin/nodes", &json!({"name": "Room 7"}))["join_code"].clone();
    let code = code.as_str().unwrap();
    let url = format!("https://127.0.0.1:{port}");
    let mut node = Machine::new("node", folder.path(), None, 0);

    // An authority that nobody knows.
    let said = node.try_arise(&["join", &url, code]).unwrap_err();
    assert!(said.contains("CLOUD_SERVER_CA") && said.contains("isn't one that this server trusts"), "{said}");
    // A file that holds no certificate.
    node.settings = vec![("CLOUD_SERVER_CA", file("hub.key").display().to_string())];
    let said = node.try_arise(&["join", &url, code]).unwrap_err();
    assert!(said.contains("has no certificate that can be used"), "{said}");
    // The right one, but a certificate for another address: somebody else's.
    node.settings = vec![("CLOUD_SERVER_CA", file("ca.pem").display().to_string())];
    let said = node.try_arise(&["join", &format!("https://127.0.0.2:{port}"), code]).unwrap_err();
    assert!(said.contains("isn't one that this server trusts"), "{said}");

    // The code wasn't used up by any of that.
    assert!(node.arise(&["join", &url, code]).contains("Room 7"));
    made(&hub, "/api/admin/semesters", &json!({"semester_name": "Of the hub"}));
    node.start();
    made(&node, "/api/admin/semesters", &json!({"semester_name": "Of the room"}));
    let pushed = made(&node, "/api/sync/push", &json!({}));
    for machine in [&hub, &node] {
        let all = semesters(machine);
        assert!(all.contains("Of the hub") && all.contains("Of the room"), "{pushed} {all}");
    }
}
