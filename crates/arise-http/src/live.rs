//! The live stream of a session: server-sent events (WHATWG HTML, section 9.2) that can be resumed.
//!
//! An event's id is `<start of this process>-<number>`. After a short gap the browser's `Last-Event-ID`
//! gets what it missed; after a longer one, or from another process, it gets a new snapshot.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arise_core::clock::SECOND;
use arise_core::{Actor, DeviceId, Error, Result, SessionId, Source, Status, StudentId, UtcMillis};
use arise_store::{Event, Tx, device, mark, session};
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::broadcast;

use crate::app::App;
use crate::authorize::{self, Login};
use crate::device::DeviceView;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};
use crate::mark::{MarkLine, roster_of};
use crate::session::{SessionView, of_teacher};
use crate::token::Claims;

/// Events kept for those who come back: minutes of a busy day.
const KEPT: usize = 2_048;
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a stream goes on until it is looked at again whether its login holds.
const RECHECK: UtcMillis = 10 * SECOND;

/// Numbers the store's events and hands them to every live stream of this process.
pub(crate) struct Hub {
    /// Tells this process from earlier ones, whose numbers mean nothing here.
    start: String,
    recent: Mutex<(u64, VecDeque<(u64, Event)>)>,
    sender: broadcast::Sender<(u64, Event)>,
}

impl Hub {
    pub(crate) fn new() -> Result<Self> {
        let mut bytes = [0_u8; 4];
        getrandom::fill(&mut bytes)
            .map_err(|e| Error::internal(format!("no randomness from the system: {e}")))?;
        Ok(Self {
            start: hex::encode(bytes),
            recent: Mutex::new((0, VecDeque::with_capacity(KEPT))),
            sender: broadcast::channel(KEPT).0,
        })
    }

    pub(crate) fn publish(&self, event: Event) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.0 += 1;
        let number = recent.0;
        if recent.1.len() == KEPT {
            recent.1.pop_front();
        }
        recent.1.push_back((number, event.clone()));
        // Inside the lock, so that numbers arrive in order. Nobody watching is no error.
        let _ = self.sender.send((number, event));
    }

    fn subscribe(&self) -> (u64, broadcast::Receiver<(u64, Event)>) {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        (recent.0, self.sender.subscribe())
    }

    /// What came after `id`, or `None` when that isn't known any more.
    fn since(&self, id: &str) -> Option<Vec<(u64, Event)>> {
        let (start, number) = id.split_once('-')?;
        let number: u64 = number.parse().ok()?;
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = recent.0 + 1 - recent.1.len() as u64;
        if start != self.start || number > recent.0 || number + 1 < oldest {
            return None;
        }
        Some(recent.1.iter().filter(|(n, _)| *n > number).cloned().collect())
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.start)
    }
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "RosterEntry")]
struct StudentView {
    student_id: StudentId,
    student_name: String,
    university_roll_no: String,
    class_roll_id: i64,
    status: Option<Status>,
    source: Option<Source>,
    observed_at: Option<String>,
    reason: Option<String>,
}

/// All that a live screen shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Snapshot {
    session: SessionView,
    students: Vec<StudentView>,
    devices: Vec<DeviceView>,
}

fn look(app: &App, tx: &mut Tx<'_>, id: SessionId, actor: Actor) -> Result<Snapshot> {
    let zone = app.zone();
    let session = of_teacher(tx, id, actor)?;
    let marks = mark::of_session(tx, id)?;
    let students: Vec<StudentView> = roster_of(tx, &session)?
        .into_iter()
        .map(|student| {
            let mark = marks.get(&student.student_id);
            StudentView {
                student_id: student.student_id,
                student_name: student.student_name,
                university_roll_no: student.university_roll_no,
                class_roll_id: student.class_roll_id,
                status: mark.map(|m| m.status),
                source: mark.map(|m| m.source),
                observed_at: mark.map(|m| zone.iso(m.observed_at)),
                reason: mark.and_then(|m| m.reason.clone()),
            }
        })
        .collect();
    let now = tx.now();
    let devices = device::list(tx)?.iter().map(|device| DeviceView::new(device, &zone, now)).collect();
    Ok(Snapshot { session: SessionView::new(tx, &session, &zone, students.len())?, students, devices })
}

/// The same as the stream's first event, for browsers that can't hold a stream.
pub(crate) async fn snapshot(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
) -> ApiResult<Json<Snapshot>> {
    let store = app.store.clone();
    Ok(Json(store.read(move |tx| look(&app, tx, id, actor)).await?))
}

/// One browser's stream.
struct Watch {
    app: App,
    actor: Actor,
    claims: Claims,
    checked_at: UtcMillis,
    session: SessionId,
    /// Roll numbers by student, for events that carry only the id.
    roster: HashMap<StudentId, (String, i64)>,
    enrolled: usize,
    events: broadcast::Receiver<(u64, Event)>,
    ready: VecDeque<SseEvent>,
    /// Events up to this number are in the snapshot.
    seen: u64,
}

impl Watch {
    async fn look(&mut self, number: u64) -> Result<()> {
        let (app, session, actor) = (self.app.clone(), self.session, self.actor);
        let store = app.store.clone();
        let snapshot = store.read(move |tx| look(&app, tx, session, actor)).await?;
        self.remember(&snapshot);
        self.push("snapshot", number, &snapshot);
        Ok(())
    }

    fn remember(&mut self, snapshot: &Snapshot) {
        self.enrolled = snapshot.students.len();
        self.roster = snapshot
            .students
            .iter()
            .map(|s| (s.student_id, (s.university_roll_no.clone(), s.class_roll_id)))
            .collect();
    }

    fn push(&mut self, name: &str, number: u64, body: &impl Serialize) {
        let event = SseEvent::default().event(name).id(self.app.hub.id(number));
        match event.json_data(body) {
            Ok(event) => self.ready.push_back(event),
            Err(error) => tracing::error!(%error, name, "a live event couldn't be written"),
        }
    }

    /// Turns an event of the store into what this screen shows of it.
    async fn take(&mut self, number: u64, event: Event) -> Result<()> {
        if number <= self.seen {
            return Ok(());
        }
        self.seen = number;
        match event {
            Event::Mark { session_id, student_id, status, source, reason, observed_at, recorded_at }
                if session_id == self.session =>
            {
                let Some((roll, class_roll_id)) = self.roster.get(&student_id).cloned() else {
                    // Enrolled since the snapshot.
                    return self.look(number).await;
                };
                let zone = self.app.zone();
                let iso = |at: UtcMillis| zone.iso(at);
                let body = MarkLine {
                    student_id,
                    university_roll_no: roll,
                    class_roll_id,
                    status,
                    source,
                    reason,
                    observed_at: iso(observed_at),
                    recorded_at: iso(recorded_at),
                };
                self.push("mark", number, &body);
            }
            Event::Session(id) if id == self.session => {
                let (app, actor, enrolled) = (self.app.clone(), self.actor, self.enrolled);
                let view = self
                    .app
                    .store
                    .read(move |tx| {
                        let session = of_teacher(tx, id, actor)?;
                        SessionView::new(tx, &session, &app.zone(), enrolled)
                    })
                    .await?;
                self.push("session", number, &view);
            }
            Event::Device(id) => {
                if let Some(view) = read_device(&self.app, id).await? {
                    self.push("device", number, &view);
                }
            }
            Event::Roster(course) => {
                let id = self.session;
                let session = self.app.store.read(move |tx| session::get(tx, id)).await?;
                if session.course_id == course {
                    self.look(number).await?;
                }
            }
            Event::Resync => self.look(number).await?,
            Event::Mark { .. } | Event::Session(_) | Event::Settings => {}
        }
        Ok(())
    }

    /// A login can end while the stream is open: the account is deleted, or has a new password.
    async fn recheck(&mut self) -> Result<()> {
        let now = self.app.now();
        if now - self.checked_at < RECHECK {
            return Ok(());
        }
        self.checked_at = now;
        let (claims, session) = (self.claims.clone(), self.session);
        self.app
            .store
            .read(move |tx| {
                let login = authorize::live_account(tx, &claims)?;
                of_teacher(tx, session, login.actor).map(|_| ())
            })
            .await
    }

    async fn next(mut self) -> Option<(std::result::Result<SseEvent, Infallible>, Self)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((Ok(event), self));
            }
            let outcome = match self.events.recv().await {
                Ok((number, event)) => match self.recheck().await {
                    Ok(()) => self.take(number, event).await,
                    Err(error) => Err(error),
                },
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    let (number, events) = self.app.hub.subscribe();
                    self.events = events;
                    self.seen = number;
                    self.look(number).await
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            };
            // The session was deleted, the course has another teacher, or the login has ended: the stream ends,
            // and the browser's next request is told why.
            if let Err(error) = outcome {
                tracing::debug!(%error, "a live stream ended");
                return None;
            }
        }
    }
}

async fn read_device(app: &App, id: DeviceId) -> Result<Option<DeviceView>> {
    let zone = app.zone();
    app.store
        .read(move |tx| match device::get(tx, id) {
            Ok(device) => Ok(Some(DeviceView::new(&device, &zone, tx.now()))),
            Err(error) if error.code == "not_found" => Ok(None),
            Err(error) => Err(error),
        })
        .await
}

/// Streams `snapshot`, then `mark`, `session` and `device` as they are committed.
pub(crate) async fn stream(
    State(app): State<App>,
    Extension(login): Extension<Login>,
    headers: HeaderMap,
    Id(id): Id<SessionId>,
) -> ApiResult<Sse<impl Stream<Item = std::result::Result<SseEvent, Infallible>>>> {
    // First listen, then look: nothing falls in between.
    let (number, events) = app.hub.subscribe();
    let mut watch = Watch {
        app: app.clone(),
        actor: login.actor,
        claims: login.claims,
        checked_at: app.now(),
        session: id,
        roster: HashMap::new(),
        enrolled: 0,
        events,
        ready: VecDeque::new(),
        seen: number,
    };
    let missed = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .and_then(|last| app.hub.since(last));
    match missed {
        Some(missed) => {
            let (reader, actor) = (app.clone(), login.actor);
            let snapshot = app.store.read(move |tx| look(&reader, tx, id, actor)).await?;
            watch.remember(&snapshot);
            watch.seen = 0;
            for (number, event) in missed {
                watch.take(number, event).await?;
            }
            // Some of what was missed may have come after the subscription, and comes again.
            watch.seen = watch.seen.max(number);
        }
        None => watch.look(number).await?,
    }
    let seconds_left = u64::try_from(login.expires - app.now() / 1_000).unwrap_or_default();
    let end = {
        let app = app.clone();
        async move {
            tokio::select! {
                () = app.stopped() => {}
                () = tokio::time::sleep(Duration::from_secs(seconds_left)) => {}
            }
        }
    };
    let events = stream::unfold(watch, Watch::next).take_until(Box::pin(end));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_known_for_a_while() {
        let hub = Hub::new().unwrap();
        for _ in 0..KEPT + 10 {
            hub.publish(Event::Settings);
        }
        let last = (KEPT + 10) as u64;
        assert_eq!(hub.since(&hub.id(last)).unwrap().len(), 0);
        assert_eq!(hub.since(&hub.id(last - 3)).unwrap().len(), 3);
        assert_eq!(hub.since(&hub.id(10)).unwrap().len(), KEPT);
        assert!(hub.since(&hub.id(9)).is_none());
        assert!(hub.since(&hub.id(last + 1)).is_none());
        assert!(hub.since("00000000-5").is_none() || hub.start == "00000000");
        assert!(hub.since("nonsense").is_none());
    }

    #[test]
    fn a_new_hub_knows_its_beginning() {
        let hub = Hub::new().unwrap();
        assert_eq!(hub.since(&hub.id(0)).unwrap().len(), 0);
        hub.publish(Event::Settings);
        assert_eq!(hub.since(&hub.id(0)).unwrap().len(), 1);
    }
}
