//! How long things may take, and how the server stops.

use std::collections::HashSet;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use arise_core::clock::HOUR;
use arise_http::{Config, Limits};
use arise_testkit::server::{ADMIN_PASSWORD, Answer, Client, Engine, Method, TestServer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a limit is that a test runs into. Only the limit which is tested is short: a busy machine must not run into
/// another.
const SHORT: Duration = Duration::from_millis(300);
/// Nothing waits longer for what must happen.
const LONG: Duration = Duration::from_secs(120);

const AMPLE: Limits = Limits { header: LONG, request: LONG, drain: LONG, stop: LONG };

async fn with_limits(engine: Engine, limits: Limits) -> TestServer {
    TestServer::start_with(engine, Config { limits, ..Config::default() }).await
}

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.anyone.url().trim_start_matches("http://")).await.unwrap()
}

/// All that comes until the server closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is cut off in the middle is closed too.
    let _ = tokio::time::timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the server closes");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Does something until it is done in time, where an honest request may be too slow as well, on a busy machine.
async fn eventually(mut tried: impl AsyncFnMut(usize) -> Answer) -> Answer {
    let start = Instant::now();
    for attempt in 0.. {
        let answer = tried(attempt).await;
        if answer.code() != "timed_out" || start.elapsed() > LONG {
            return answer;
        }
    }
    unreachable!()
}

/// The administrator, though a login may take longer than the limit.
async fn admin(server: &TestServer) -> Client {
    let body = json!({"username": "admin", "password": ADMIN_PASSWORD});
    let answer = eventually(async |attempt| {
        // A login that was given up counts as a wrong one, for which the next has to wait.
        if attempt > 0 {
            server.advance(HOUR);
        }
        server.anyone.post("/api/admin/login", body.clone()).await
    });
    let answer = answer.await.ok();
    server.anyone.bearer(answer["token"].as_str().unwrap())
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
    let header = Duration::from_secs(5);
    let server = with_limits(Engine::Sqlite, Limits { header, ..AMPLE }).await;
    let endless = ["", "GET /api/health HTTP/1.1\r\n", "GET /api/health HTTP/1.1\r\nHost: a\r\nX-Slow: "];
    let endless = futures_util::future::join_all(endless.map(async |begun| {
        let start = Instant::now();
        let mut stream = connect(&server).await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        let answer = rest(stream).await;
        assert!(!answer.contains(" 200 "), "{answer}");
        assert!(start.elapsed() >= header, "{begun:?}: cut off after {:?}", start.elapsed());
    }));
    // One that comes in pieces, but in time.
    let honest = async {
        let mut stream = connect(&server).await;
        for piece in ["GET /api/hea", "lth HTTP/1.1\r\nHost: a\r\n", "Connection: close\r\n\r\n"] {
            stream.write_all(piece.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        let answer = rest(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    };
    tokio::join!(endless, honest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_takes_too_long_is_told_so() {
    for engine in Engine::BOTH {
        let server = with_limits(engine, Limits { request: SHORT, ..AMPLE }).await;
        let admin = admin(&server).await;
        let hold = hold_writer(&server);
        let start = Instant::now();
        let late = admin.post("/api/admin/semesters", json!({"semester_name": "Late"}));
        let late = tokio::time::timeout(LONG, late).await.expect("it is given up");
        late.refused(503, "timed_out");
        assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
        // Those that only read go on meanwhile.
        eventually(async |_| admin.get("/api/admin/semesters").await).await.ok();
        drop(hold);
        let made = eventually(async |attempt| {
            let body = json!({"semester_name": format!("In time {attempt}")});
            admin.post("/api/admin/semesters", body).await
        });
        made.await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_never_ends_is_not_waited_for() {
    let head = "POST /api/admin/semesters HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n";
    // Nobody is logged in, which is known before the body is there.
    let server = with_limits(Engine::Sqlite, Limits { drain: SHORT, ..AMPLE }).await;
    let start = Instant::now();
    let mut stream = connect(&server).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[b'x'; 20_000]).await.unwrap();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("not_logged_in"), "{answer}");
    assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
    // One that is to be read.
    let server = with_limits(Engine::Sqlite, Limits { request: SHORT, drain: SHORT, ..AMPLE }).await;
    let token = admin(&server).await.token();
    let mut stream = connect(&server).await;
    let head = head.replace("5000000\r\n", &format!("200000\r\nAuthorization: Bearer {token}\r\n"));
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b"{\"semester_name\": \"").await.unwrap();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("timed_out"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_stops_though_a_request_hangs() {
    let mut server = with_limits(Engine::Sqlite, Limits { stop: SHORT, ..AMPLE }).await;
    let admin = server.admin().await;
    let hold = hold_writer(&server);
    let hanging = tokio::spawn(async move {
        let body = json!({"semester_name": "Late"});
        admin.request(Method::POST, "/api/admin/semesters").json(&body).send().await
    });
    // It gets as far as the writer.
    tokio::time::sleep(SHORT).await;
    tokio::time::timeout(LONG, server.stop()).await.expect("it stops");
    assert!(
        !hanging.is_finished() || hanging.await.unwrap().is_err(),
        "it stopped after the request had ended"
    );
    drop(hold);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_under_way_are_answered_when_the_server_stops() {
    for engine in Engine::BOTH {
        let mut server = with_limits(engine, AMPLE).await;
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
                        let request = class.teacher.request(Method::POST, &path);
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
        assert!(marked.len() >= 12, "{} were marked before it stopped", marked.len());
        let id: arise_core::SessionId = session.parse().unwrap();
        let kept = server.read(move |tx| arise_store::mark::of_session(tx, id)).await;
        assert!(marked.iter().all(|student| kept.contains_key(student)), "an acknowledged mark is lost");
        // A request that was sent and not answered may have been done; nothing else.
        assert!(kept.len() <= marked.len() + 6, "{} of {}", kept.len(), marked.len());
    }
}
