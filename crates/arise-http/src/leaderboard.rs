//! Who attends most, and where the student stands among them.

use arise_core::badge::{self, Badge};
use arise_core::setting::LeaderboardMode;
use arise_core::{CourseId, Error, Result, SemesterId, StudentId};
use arise_store::leaderboard::{self, Board};
use arise_store::scope::Scope;
use arise_store::student_course::{self, StudentCourse};
use arise_store::{Tx, course, semester, setting};
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Done;
use crate::app::App;
use crate::dashboard::best_streaks;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Params, Who};
use crate::student_standing::overall;

const DEFAULT_PLACES: i64 = 10;
/// Places before and after one's own.
const NEIGHBOURS: i64 = 2;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Filter {
    course_id: Option<String>,
    semester_id: Option<String>,
    limit: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Leaderboard {
    mode: LeaderboardMode,
    you: Choice,
    course_id: Option<CourseId>,
    semester_id: Option<SemesterId>,
    /// Among everybody in the scope, also those who aren't on the board.
    user_rank: Rank,
    user_stats: Stats,
    user_badges: Vec<Badge>,
    /// The first of those on the board.
    leaderboard: Vec<Place>,
    total_on_leaderboard: usize,
    /// The student's own place and the nearest on the board.
    neighbours: Vec<Place>,
}

/// What the student chose.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LeaderboardChoice")]
struct Choice {
    /// Whether other students see this one.
    listed: bool,
    /// What they see instead of the name.
    nickname: Option<String>,
}

impl Choice {
    fn of(choice: leaderboard::Choice, mode: LeaderboardMode) -> Self {
        let listed = choice.is_listed(mode);
        Self { listed, nickname: Some(choice.nickname).filter(|nickname| !nickname.is_empty()) }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LeaderboardRank")]
struct Rank {
    /// From 1; 0 for who isn't ranked, because they belong to no course.
    rank: i64,
    position: i64,
    /// How many percent of those who are ranked the student has caught up with, themselves included.
    percentile: i64,
    total_students: i64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LeaderboardStats")]
struct Stats {
    attendance_percentage: f64,
    present_count: i64,
    total_sessions: i64,
    current_streak: i64,
    longest_streak: i64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LeaderboardPlace")]
struct Place {
    /// From 1, among those on the board.
    rank: i64,
    student_id: StudentId,
    /// The nickname, where the student has one.
    student_name: String,
    is_you: bool,
    #[serde(flatten)]
    stats: Stats,
    badges: Vec<Badge>,
}

pub(crate) async fn get(
    State(app): State<App>,
    Who(actor): Who,
    Params(filter): Params<Filter>,
) -> ApiResult<Json<Leaderboard>> {
    let me = actor.student()?;
    let limit = filter.limit.unwrap_or(DEFAULT_PLACES);
    let (scope, mode, you, mine, top, around, (rank, ranked)) = app
        .store
        .read_settled(move |tx| {
            let mut mine = student_course::of_student(tx, me)?;
            let scope = filter.scope(tx, &mine)?;
            mine.retain(|course| match scope {
                Scope::All => true,
                Scope::Semester(id) => course.semester_id == Some(id),
                Scope::Course(id) => course.course_id == id,
            });
            let mode = setting::get(tx)?.leaderboard;
            let you = Choice::of(leaderboard::choice(tx, me)?, mode);
            let board = Board { scope, mode, me };
            let (top, around) = (board.top(tx, limit)?, board.around_me(tx, NEIGHBOURS)?);
            let rank = match mode {
                LeaderboardMode::Off => (None, 0),
                _ => leaderboard::rank(tx, scope, me)?,
            };
            Ok((scope, mode, you, mine, top, around, rank))
        })
        .await?;
    let (tally, best) = (overall(&mine), best_streaks(&mine));
    let places: Vec<Place> = top.into_iter().map(|place| Place::new(place, me)).collect();
    Ok(Json(Leaderboard {
        mode,
        you,
        course_id: if let Scope::Course(id) = scope { Some(id) } else { None },
        semester_id: if let Scope::Semester(id) = scope { Some(id) } else { None },
        user_rank: Rank {
            rank: rank.unwrap_or_default(),
            position: rank.unwrap_or_default(),
            percentile: rank.map_or(0, |rank| 100 * (ranked - rank + 1) / ranked.max(1)),
            total_students: ranked,
        },
        user_stats: Stats {
            attendance_percentage: tally.percentage(),
            present_count: tally.attended(),
            total_sessions: tally.total(),
            current_streak: best.current,
            longest_streak: best.longest,
        },
        user_badges: badge::earned(&tally, best),
        total_on_leaderboard: places.len(),
        leaderboard: places,
        neighbours: around.into_iter().map(|place| Place::new(place, me)).collect(),
    }))
}

impl Place {
    fn new(place: leaderboard::Place, me: StudentId) -> Self {
        let (tally, streaks) = (place.tally(), place.streaks);
        Self {
            rank: place.rank,
            is_you: place.student_id == me,
            student_id: place.student_id,
            student_name: place.shown_name,
            stats: Stats {
                attendance_percentage: tally.percentage(),
                present_count: tally.attended(),
                total_sessions: tally.total(),
                current_streak: streaks.current,
                longest_streak: streaks.longest,
            },
            badges: badge::earned(&tally, streaks),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewLeaderboardChoice")]
pub(crate) struct NewChoice {
    listed: bool,
    /// Empty or `null` for none: others see the name then.
    nickname: Option<String>,
}

/// A student chooses whether others see them, and as whom.
pub(crate) async fn choose(
    State(app): State<App>,
    Who(actor): Who,
    Json(body): Json<NewChoice>,
) -> ApiResult<Json<Done>> {
    let me = actor.student()?;
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            leaderboard::choose(tx, me, body.listed, body.nickname.as_deref().unwrap_or_default())
        })
        .await?;
    Ok(Done::saying("Saved"))
}

/// An administrator takes a nickname away that others shouldn't have to read.
pub(crate) async fn clear_nickname(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<StudentId>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            leaderboard::clear_nickname(tx, id)
        })
        .await?;
    Ok(Done::saying("Nickname taken away"))
}

impl Filter {
    /// A course goes before a semester. Who isn't in it doesn't see how its students do.
    fn scope(&self, tx: &mut Tx<'_>, mine: &[StudentCourse]) -> Result<Scope> {
        let asked = |id: &Option<String>| id.clone().filter(|id| !id.is_empty());
        if let Some(id) = asked(&self.course_id) {
            let id: CourseId = id.parse()?;
            if mine.iter().any(|course| course.course_id == id && course.is_current) {
                return Ok(Scope::Course(id));
            }
            course::get(tx, id)?;
            return Err(Error::forbidden("not_your_course", "You don't belong to this course."));
        }
        let Some(id) = asked(&self.semester_id) else { return Ok(Scope::All) };
        let id: SemesterId = id.parse()?;
        if mine.iter().any(|course| course.semester_id == Some(id) && course.is_current) {
            return Ok(Scope::Semester(id));
        }
        semester::get(tx, id)?;
        Err(Error::forbidden("not_your_semester", "You belong to no course of this semester."))
    }
}
