//! Writing what was read, some rows at a time.

use std::collections::HashMap;
use std::sync::Arc;

use arise_core::op::Kind;
use arise_core::{Actor, Result};
use arise_store::foreign::Queue;
use arise_store::{Store, Tx, WriteTx, admin, audit, foreign, import_job, setting, tally};
use uuid::Uuid;

use super::account::Account;
use super::compare::{Shared, Verdict, known_of};
use super::link;
use super::plan::{Import, Planned, PlannedMark, PlannedSession};

/// Rows of one transaction: bounds how long marks wait for it.
const AT_ONCE: usize = 200;

/// What of a file is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything: an administrator chose the file.
    File,
    /// Everything but administrators and settings: another server sent it.
    Snapshot,
}

/// Some rows that are written together.
enum Chunk {
    Entities(Vec<Planned>),
    /// Of one course.
    Enrolments(Vec<Planned>, /* whether the course had others before */ bool),
    Sessions(Vec<PlannedSession>),
    /// Some of the marks of a session that has very many.
    Marks(i64, Vec<PlannedMark>),
}

impl Chunk {
    fn rows(&self) -> usize {
        match self {
            Self::Entities(rows) | Self::Enrolments(rows, _) => rows.len(),
            Self::Sessions(sessions) => sessions.iter().map(|session| 1 + session.marks.len()).sum(),
            Self::Marks(_, marks) => marks.len(),
        }
    }
}

impl Import {
    /// What writing it would come to. Changes nothing.
    ///
    /// # Errors
    /// `another_server`; those of the store.
    pub async fn preview(self, store: &Store, today: &str) -> Result<Account> {
        self.go(store, None, Scope::File, today).await
    }

    /// Writes what is new, and tells `job` how far it is.
    ///
    /// # Errors
    /// `another_server`; those of the store. What was written until then stays: running it again goes on.
    pub async fn run(
        self,
        store: &Store,
        actor: Actor,
        job: Option<Uuid>,
        scope: Scope,
        today: &str,
    ) -> Result<Account> {
        self.go(store, Some((actor, job)), scope, today).await
    }

    async fn go(
        mut self,
        store: &Store,
        writing: Option<(Actor, Option<Uuid>)>,
        scope: Scope,
        today: &str,
    ) -> Result<Account> {
        let (origin, entities) = (self.origin.clone(), std::mem::take(&mut self.entities));
        let (links, entities) =
            store.read(move |tx| link::find(tx, &origin, &entities).map(|links| (links, entities))).await?;
        let mut shared = Shared {
            origin: self.origin.clone(),
            links,
            today: today.to_owned(),
            first_marked: std::mem::take(&mut self.first_marked),
        };
        self.recognise_sessions(store, &mut shared).await?;
        let shared = Arc::new(shared);
        let mut account = std::mem::take(&mut self.account);
        let rows = account.tables.values().map(|count| count.read).sum();
        let (mut done, mut queue) = (0, store.read(move |tx| Queue::reserve(tx, rows)).await?);
        for chunk in self.chunks(store, entities, &shared).await? {
            done += chunk.rows();
            let shared = Arc::clone(&shared);
            let found = match writing {
                None => {
                    store.read(move |tx| look(tx, &shared, &chunk).map(|verdict| verdict.account)).await?
                }
                Some((_, job)) => {
                    let so_far = i64::try_from(done).unwrap_or(i64::MAX);
                    let (found, after) =
                        store.write(move |tx| write(tx, &shared, &chunk, queue, job, so_far)).await?;
                    queue = after;
                    found
                }
            };
            account.absorb(found);
        }
        self.administer(store, writing, scope, &mut account).await?;
        if let Some((actor, _)) = writing {
            let (changes, left_out) =
                (account.changes(), account.tables.values().map(|count| count.left_out).sum::<usize>());
            let node = self.origin.label();
            store
                .write(move |tx| {
                    tx.act_as(actor);
                    if changes > 0 {
                        foreign::announce(tx);
                        let detail = format!("{changes} rows came in, {left_out} were left out");
                        audit::note(tx, "imported", &node, &detail)?;
                    }
                    Ok(())
                })
                .await?;
            // Nobody who looks at figures first has to wait for all of it.
            while store.read(tally::is_due).await? {
                store.write(tally::settle_due).await?;
            }
        }
        Ok(account)
    }

    /// A session that another server's file brought in already: the same course and the same start.
    async fn recognise_sessions(&self, store: &Store, shared: &mut Shared) -> Result<()> {
        let mut of_course: HashMap<i64, Vec<(i64, i64)>> = HashMap::new();
        for planned in &self.sessions {
            if shared.links.is_linked(&Kind::Course, planned.course)
                && !shared.links.is_linked(&Kind::Session, planned.session.old_id)
            {
                let (starts_at, old_id) = (planned.starts_at, planned.session.old_id);
                of_course.entry(planned.course).or_default().push((starts_at, old_id));
            }
        }
        for (course, sessions) in of_course {
            let id = shared.links.id(&shared.origin, &Kind::Course, course);
            let held = store.read(move |tx| foreign::sessions_of(tx, id)).await?;
            for (starts_at, old_id) in sessions {
                if let Some(&known) = held.get(&starts_at)
                    && known != shared.origin.id(&Kind::Session, old_id)
                {
                    shared.links.add(&Kind::Session, old_id, known);
                }
            }
        }
        Ok(())
    }

    async fn chunks(&mut self, store: &Store, entities: Vec<Planned>, shared: &Shared) -> Result<Vec<Chunk>> {
        let mut chunks = vec![];
        let mut entities = entities.into_iter().peekable();
        while entities.peek().is_some() {
            chunks.push(Chunk::Entities(entities.by_ref().take(AT_ONCE).collect()));
        }
        let courses: Vec<Uuid> = self
            .enrolments
            .keys()
            .map(|course| shared.links.id(&shared.origin, &Kind::Course, *course))
            .collect();
        let node = shared.origin.node();
        let had = store
            .read(move |tx| {
                let cells = foreign::of_entities(tx, &courses)?;
                let of_node = cells.into_iter().filter(|(cell, ops)| {
                    cell.kind == Kind::Enrolment && ops.iter().any(|op| op.node == node)
                });
                Ok(of_node.map(|(cell, _)| cell.entity).collect::<std::collections::HashSet<Uuid>>())
            })
            .await?;
        for (course, rows) in std::mem::take(&mut self.enrolments) {
            let known = had.contains(&shared.links.id(&shared.origin, &Kind::Course, course));
            let mut rows = rows.into_iter().peekable();
            while rows.peek().is_some() {
                // A course's first roster comes in whole, as long as it is of any likely size: those who come
                // later are said to have joined later.
                chunks.push(Chunk::Enrolments(rows.by_ref().take(5 * AT_ONCE).collect(), known));
            }
        }
        let (mut some, mut rows) = (vec![], 0);
        for mut planned in std::mem::take(&mut self.sessions) {
            let mut more = planned.marks.split_off(planned.marks.len().min(2 * AT_ONCE));
            if !more.is_empty() {
                let session = planned.session.old_id;
                chunks.push(Chunk::Sessions(std::mem::take(&mut some)));
                chunks.push(Chunk::Sessions(vec![planned]));
                while !more.is_empty() {
                    let later = more.split_off(more.len().min(2 * AT_ONCE));
                    chunks.push(Chunk::Marks(session, std::mem::replace(&mut more, later)));
                }
                rows = 0;
                continue;
            }
            rows += 1 + planned.marks.len();
            some.push(planned);
            if rows >= AT_ONCE {
                chunks.push(Chunk::Sessions(std::mem::take(&mut some)));
                rows = 0;
            }
        }
        if !some.is_empty() {
            chunks.push(Chunk::Sessions(some));
        }
        Ok(chunks)
    }

    /// Administrators and settings, which only an administrator's own file brings.
    async fn administer(
        &mut self,
        store: &Store,
        writing: Option<(Actor, Option<Uuid>)>,
        scope: Scope,
        account: &mut Account,
    ) -> Result<()> {
        if scope == Scope::Snapshot {
            account.count("admins").left_out += self.admins.len();
            account.count("system_settings").left_out += usize::from(self.batch_name.is_some());
            if !self.admins.is_empty() {
                account.tell("admins", 0, "", "Administrators don't come with what another server sends.");
            }
            return Ok(());
        }
        for (username, hash) in std::mem::take(&mut self.admins) {
            let wanted = username.clone();
            let is_known = store.read(move |tx| admin::by_username(tx, &wanted)).await?.is_some();
            if is_known {
                account.count("admins").unchanged += 1;
                continue;
            }
            account.count("admins").added += 1;
            if let Some((actor, _)) = writing {
                // The older system showed its hashes to whoever asked: they get in once, to choose another.
                store
                    .write(move |tx| {
                        tx.act_as(actor);
                        if admin::by_username(tx, &username)?.is_none() {
                            admin::create(tx, &username, &hash, true)?;
                        }
                        Ok(())
                    })
                    .await?;
            }
        }
        if let Some(batch_name) = self.batch_name.take() {
            let settings = store.read(setting::get).await?;
            let count = account.count("system_settings");
            if !settings.batch_name.is_empty() {
                count.unchanged += 1;
            } else {
                count.added += 1;
                if let Some((actor, _)) = writing {
                    store
                        .write(move |tx| {
                            tx.act_as(actor);
                            let settings = setting::get(tx)?;
                            setting::put(tx, &arise_core::setting::Settings { batch_name, ..settings })
                        })
                        .await?;
                }
            }
        }
        Ok(())
    }
}

fn write(
    tx: &mut WriteTx<'_>,
    shared: &Shared,
    chunk: &Chunk,
    mut queue: Queue,
    job: Option<Uuid>,
    so_far: i64,
) -> Result<(Account, Queue)> {
    let verdict = look(tx, shared, chunk)?;
    for (kind, old_id, entity) in &verdict.links {
        foreign::link(tx, shared.origin.node(), kind, *old_id, *entity)?;
        queue.promote(tx, *entity)?;
    }
    queue.adopt(tx, verdict.ops)?;
    if let Some(job) = job {
        import_job::advance(tx, job, so_far)?;
    }
    Ok((verdict.account, queue))
}

/// Compares some rows with what is known.
fn look(tx: &mut Tx<'_>, shared: &Shared, chunk: &Chunk) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    match chunk {
        Chunk::Entities(rows) => {
            let known = known_of(tx, shared, rows)?;
            for planned in rows {
                shared.compare(planned, &known, false, &mut verdict);
            }
        }
        Chunk::Enrolments(rows, joined_later) => {
            let known = known_of(tx, shared, rows)?;
            for planned in rows {
                shared.compare(planned, &known, *joined_later, &mut verdict);
            }
        }
        Chunk::Sessions(sessions) => {
            let rows: Vec<Planned> = sessions.iter().map(|planned| planned.session.clone()).collect();
            let known = known_of(tx, shared, &rows)?;
            for planned in sessions {
                shared.compare(&planned.session, &known, false, &mut verdict);
            }
            let of = |planned: &PlannedSession| (planned.session.old_id, planned.marks.clone());
            shared.compare_marks(tx, sessions.iter().map(of), &mut verdict)?;
        }
        Chunk::Marks(session, marks) => {
            shared.compare_marks(tx, std::iter::once((*session, marks.clone())), &mut verdict)?;
        }
    }
    Ok(verdict)
}
