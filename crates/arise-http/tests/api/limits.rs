//! How long things may take, and how the server stops.

use std::collections::HashSet;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use arise_http::{Config, Limits};
use arise_testkit::server::{Engine, TestServer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SHORT: Duration = Duration::from_millis(300);
/// Much longer than what is short, and shorter than what is usual.
const LONG: Duration = Duration::from_secs(8);

async fn with_limits(engine: Engine) -> TestServer {
    let limits = Limits { header: SHORT, request: SHORT, drain: SHORT, stop: SHORT };
    TestServer::start_with(engine, Config { limits, ..Config::default() }).await
}

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.anyone.url().trim_start_matches("http://")).await.unwrap()
}

/// All that comes until the server closes the connection, and how long that took.
async fn rest(mut stream: TcpStream) -> (String, Duration) {
    let start = Instant::now();
    let mut bytes = Vec::new();
    // A connection that is cut off in the middle is closed too.
    let _ = tokio::time::timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the server closes");
    (String::from_utf8_lossy(&bytes).into_owned(), start.elapsed())
}

/// Keeps the writer busy until the sender is dropped.
fn hold_writer(server: &TestServer) -> mpsc::Sender<()> {
    let (hold, held) = mpsc::channel::<()>();
    let (started, has_started) = mpsc::channel();
    let store = server.store().clone();
    std::thread::spawn(move || {
        store.write_blocking(move |_| {
            started.send(()).unwrap();
            // Ends with an error when the sender is dropped.
            let _ = held.recv();
            Ok(())
        })
    });
    has_started.recv().unwrap();
    hold
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_never_ends_is_not_waited_for() {
    let server = with_limits(Engine::Sqlite).await;
    for begun in ["", "GET /api/health HTTP/1.1\r\n", "GET /api/health HTTP/1.1\r\nHost: a\r\nX-Slow: "] {
        let mut stream = connect(&server).await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        let (answer, took) = rest(stream).await;
        assert!(!answer.contains(" 200 "), "{answer}");
        assert!(took >= SHORT / 2, "{begun:?}: cut off after {took:?}");
    }
    // One that comes in pieces, but in time.
    let mut stream = connect(&server).await;
    for piece in ["GET /api/hea", "lth HTTP/1.1\r\nHost: a\r\n", "Connection: close\r\n\r\n"] {
        stream.write_all(piece.as_bytes()).await.unwrap();
        tokio::time::sleep(SHORT / 10).await;
    }
    assert!(rest(stream).await.0.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_takes_too_long_is_told_so() {
    for engine in Engine::BOTH {
        let server = with_limits(engine).await;
        let admin = server.admin().await;
        let hold = hold_writer(&server);
        let start = Instant::now();
        let late = admin.post("/api/admin/semesters", json!({"semester_name": "Late"})).await;
        late.refused(503, "timed_out");
        assert!(start.elapsed() >= SHORT && start.elapsed() < LONG, "{:?}", start.elapsed());
        // Those that only read go on meanwhile.
        admin.get("/api/admin/semesters").await.ok();
        drop(hold);
        admin.post("/api/admin/semesters", json!({"semester_name": "In time"})).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_never_ends_is_not_waited_for() {
    let server = with_limits(Engine::Sqlite).await;
    let head = "POST /api/admin/semesters HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n";
    // Nobody is logged in, which is known before the body is there.
    let mut stream = connect(&server).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[b'x'; 20_000]).await.unwrap();
    let (answer, took) = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("not_logged_in"), "{answer}");
    assert!(took >= SHORT / 2 && took < LONG, "{took:?}");
    // One that is to be read.
    let token = server.admin().await.token();
    let mut stream = connect(&server).await;
    let head = head.replace("5000000\r\n", &format!("200000\r\nAuthorization: Bearer {token}\r\n"));
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b"{\"semester_name\": \"").await.unwrap();
    let (answer, took) = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("timed_out"), "{answer}");
    assert!(took < LONG, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_stops_though_a_request_hangs() {
    let mut server = with_limits(Engine::Sqlite).await;
    let admin = server.admin().await;
    let hold = hold_writer(&server);
    let hanging = tokio::spawn(async move {
        let body = json!({"semester_name": "Late"});
        admin.request(arise_testkit::server::Method::POST, "/api/admin/semesters").json(&body).send().await
    });
    tokio::time::sleep(SHORT / 3).await;
    let start = Instant::now();
    server.stop().await;
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
    drop(hold);
    // Told that it took too long, or cut off.
    if let Ok(answer) = hanging.await.unwrap() {
        assert_eq!(answer.status(), 503);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_under_way_are_answered_when_the_server_stops() {
    for engine in Engine::BOTH {
        let mut server = TestServer::start(engine).await;
        let class = server.class("CS101", 60).await;
        let session = class.start().await;
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let marking: Vec<_> = class
            .students
            .chunks(10)
            .map(|students| {
                let students: Vec<_> = students.iter().map(|student| student.id).collect();
                let (class, session, told) = (class.clone(), session.clone(), told.clone());
                tokio::spawn(async move {
                    let (mut done, mut cut) = (vec![], 0);
                    for student in students {
                        let body = json!({"student_id": student, "status": "present", "reason": "seen"});
                        let path = format!("/api/teacher/session/{session}/mark");
                        let request = class.teacher.request(arise_testkit::server::Method::POST, &path);
                        match request.json(&body).send().await {
                            Ok(answer) => {
                                assert_eq!(answer.status(), 200);
                                done.push(student);
                                let _ = told.send(());
                            }
                            // The door is closed. One that got in is answered.
                            Err(error) => cut += usize::from(!error.is_connect() && !error.is_request()),
                        }
                    }
                    (done, cut)
                })
            })
            .collect();
        for _ in 0..12 {
            heard.recv().await.unwrap();
        }
        server.stop().await;
        let mut marked = HashSet::new();
        for task in marking {
            let (done, cut) = task.await.unwrap();
            assert_eq!(cut, 0, "an answer broke off");
            marked.extend(done);
        }
        assert!((12..60).contains(&marked.len()), "{} were marked before it stopped", marked.len());
        let id: arise_core::SessionId = session.parse().unwrap();
        let kept = server.read(move |tx| arise_store::mark::of_session(tx, id)).await;
        assert!(marked.iter().all(|student| kept.contains_key(student)), "an acknowledged mark is lost");
        // A request that was sent and not answered may have been done; nothing else.
        assert!(kept.len() <= marked.len() + 6, "{} of {}", kept.len(), marked.len());
    }
}
