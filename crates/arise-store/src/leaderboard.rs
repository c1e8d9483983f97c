//! Who attends most: by percentage, then by sessions attended, then by name. Others see only those who are on the
//! board: who chose so, or who didn't choose otherwise, as the institution has it.

use arise_core::op::{Cell, Kind};
use arise_core::setting::LeaderboardMode;
use arise_core::streak::Streaks;
use arise_core::{Error, Result, StudentId, Tally, text};
use serde_json::json;

use crate::scope::Scope;
use crate::standing;
use crate::tx::{Tx, WriteTx};
use crate::value::{Row, Value};
use crate::{op, params, student};

/// The most places that are shown.
pub const MAX_PLACES: i64 = 100;
/// Letters of a nickname.
const MAX_NICKNAME: usize = 30;

#[derive(Debug, Clone)]
pub struct Place {
    /// From 1, among those on the board.
    pub rank: i64,
    pub student_id: StudentId,
    /// The nickname, where the student has one.
    pub shown_name: String,
    pub attended: i64,
    pub total: i64,
    /// The best of the student's courses in the scope.
    pub streaks: Streaks,
}

/// Who looks at which board.
#[derive(Debug, Clone, Copy)]
pub struct Board {
    pub scope: Scope,
    pub mode: LeaderboardMode,
    /// Always on it, for themselves.
    pub me: StudentId,
}

const ORDER: &str = "s.hundredths DESC, s.attended DESC, lower(st.student_name), s.student_id";
const BACKWARDS: &str = "s.hundredths, s.attended, lower(st.student_name) DESC, s.student_id DESC";

impl Board {
    /// Those on the board. The few who chose it are looked up first; everybody is read in the order of the index.
    fn rows(self) -> &'static str {
        match self.mode {
            LeaderboardMode::OptIn => {
                "student st CROSS JOIN standing s WHERE s.scope = ?1 AND s.student_id = st.id \
                 AND st.id IN (SELECT id FROM student WHERE leaderboard = 'listed' UNION ALL SELECT id FROM student WHERE id = ?2)"
            }
            LeaderboardMode::Everybody => {
                "standing s JOIN student st ON st.id = s.student_id WHERE s.scope = ?1 \
                 AND (st.leaderboard <> 'hidden' OR st.id = ?2)"
            }
            LeaderboardMode::Off => "standing s JOIN student st ON st.id = s.student_id WHERE 1 = 0",
        }
    }

    fn read(self, tx: &mut Tx<'_>, and: &str, order: &str, limit: i64, more: &[Value]) -> Result<Vec<Row>> {
        let mut parameters = params![self.scope.key(), self.me, limit].to_vec();
        parameters.extend_from_slice(more);
        tx.query(
            &format!(
                "SELECT s.student_id, CASE WHEN st.nickname <> '' THEN st.nickname ELSE st.student_name END, \
                 s.attended, s.total, s.current_streak, s.longest_streak FROM {} {and} ORDER BY {order} LIMIT ?3",
                self.rows()
            ),
            &parameters,
        )
    }

    /// The first places.
    pub fn top(self, tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Place>> {
        if self.mode == LeaderboardMode::Off {
            return Ok(vec![]);
        }
        let rows = self.read(tx, "", ORDER, limit.clamp(1, MAX_PLACES), &[])?;
        rows.iter().zip(1..).map(|(row, rank)| Place::from_row(row, rank)).collect()
    }

    /// My own place, with up to so many before it and after it; nothing for who belongs to no course of the scope.
    pub fn around_me(self, tx: &mut Tx<'_>, each_way: i64) -> Result<Vec<Place>> {
        let mine = tx.query_opt(
            "SELECT s.hundredths, s.attended, lower(st.student_name), s.student_id FROM standing s \
             JOIN student st ON st.id = s.student_id WHERE s.scope = ?1 AND s.student_id = ?2",
            params![self.scope.key(), self.me],
        )?;
        let Some(mine) = mine.filter(|_| self.mode != LeaderboardMode::Off) else { return Ok(vec![]) };
        const BEFORE: &str = "AND ((s.hundredths, s.attended) > (?4, ?5) OR (s.hundredths = ?4 AND s.attended = ?5 \
             AND (lower(st.student_name), s.student_id) < (?6, ?7)))";
        const FROM_ME: &str = "AND ((s.hundredths, s.attended) < (?4, ?5) OR (s.hundredths = ?4 AND s.attended = ?5 \
             AND (lower(st.student_name), s.student_id) >= (?6, ?7)))";
        let key = &mine.0;
        let mut parameters = params![self.scope.key(), self.me, 0].to_vec();
        parameters.extend_from_slice(key);
        // Every parameter is used, since an engine may refuse one that isn't.
        let before =
            tx.query_one(&format!("SELECT COUNT(*) + ?3 FROM {} {BEFORE}", self.rows()), &parameters)?;
        let before: i64 = before.get(0)?;
        let mut rows = self.read(tx, BEFORE, BACKWARDS, each_way, key)?;
        rows.reverse();
        let first = before + 1 - i64::try_from(rows.len()).unwrap_or_default();
        rows.extend(self.read(tx, FROM_ME, ORDER, each_way + 1, key)?);
        rows.iter().zip(first..).map(|(row, rank)| Place::from_row(row, rank)).collect()
    }
}

/// A student's rank, from 1, and how many are ranked, whoever is on the board; no rank for who belongs to no course
/// of the scope.
pub fn rank(tx: &mut Tx<'_>, scope: Scope, student: StudentId) -> Result<(Option<i64>, i64)> {
    let total = standing::students(tx, scope)?;
    let before = tx.query_opt(
        "SELECT (SELECT COUNT(*) FROM standing o WHERE o.scope = ?1 \
                 AND (o.hundredths, o.attended) > (m.hundredths, m.attended)) \
             + (SELECT COUNT(*) FROM standing o JOIN student st ON st.id = o.student_id WHERE o.scope = ?1 \
                AND o.hundredths = m.hundredths AND o.attended = m.attended \
                AND (lower(st.student_name), o.student_id) < (lower(me.student_name), m.student_id)) \
         FROM standing m JOIN student me ON me.id = m.student_id WHERE m.scope = ?1 AND m.student_id = ?2",
        params![scope.key(), student],
    )?;
    let rank = before.map(|row| row.get::<i64>(0)).transpose()?.map(|before| before + 1);
    Ok((rank, total))
}

impl Place {
    fn from_row(row: &Row, rank: i64) -> Result<Self> {
        Ok(Self {
            rank,
            student_id: row.get(0)?,
            shown_name: row.get(1)?,
            attended: row.get(2)?,
            total: row.get(3)?,
            streaks: Streaks { ongoing: 0, current: row.get(4)?, longest: row.get(5)? },
        })
    }

    pub fn tally(&self) -> Tally {
        Tally { sessions: self.total, present: self.attended, ..Tally::default() }
    }
}

/// What a student chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Whether others see the student; nothing when that was left to the institution.
    pub listed: Option<bool>,
    /// Empty for none.
    pub nickname: String,
}

impl Choice {
    pub fn is_listed(&self, mode: LeaderboardMode) -> bool {
        match mode {
            LeaderboardMode::OptIn => self.listed == Some(true),
            LeaderboardMode::Everybody => self.listed != Some(false),
            LeaderboardMode::Off => false,
        }
    }
}

/// # Errors
/// `not_found`.
pub fn choice(tx: &mut Tx<'_>, student: StudentId) -> Result<Choice> {
    let row = tx.query_opt(
        "SELECT leaderboard, nickname FROM student WHERE id = ?1 AND archived = 0",
        params![student],
    )?;
    let row = row.ok_or_else(|| Error::not_found("student"))?;
    let listed = match row.get::<String>(0)?.as_str() {
        "listed" => Some(true),
        "hidden" => Some(false),
        _ => None,
    };
    Ok(Choice { listed, nickname: row.get(1)? })
}

/// Whether others see a student, and as whom. A nickname belongs to one, and is nobody else's name.
///
/// # Errors
/// `not_found`, `invalid_field`, `duplicate_nickname`.
pub fn choose(tx: &mut WriteTx<'_>, student: StudentId, listed: bool, nickname: &str) -> Result<()> {
    student::get(tx, student)?;
    let nickname = text::optional("nickname", nickname, MAX_NICKNAME)?;
    let taken = "SELECT 1 FROM student WHERE id <> ?1 AND archived = 0 \
         AND (lower(nickname) = lower(?2) OR lower(student_name) = lower(?2)) LIMIT 1";
    if !nickname.is_empty() && tx.query_opt(taken, params![student, &nickname])?.is_some() {
        return Err(Error::conflict(
            "duplicate_nickname",
            "Somebody else is called that. Choose another nickname.",
        ));
    }
    let fields = op::fields([
        ("leaderboard", json!(if listed { "listed" } else { "hidden" })),
        ("nickname", json!(nickname)),
    ]);
    tx.put(&Cell::of(Kind::Student, student), fields, None).map(|_| ())
}

/// Takes a nickname away. Whether others see the student stays as it is.
///
/// # Errors
/// `not_found`.
pub fn clear_nickname(tx: &mut WriteTx<'_>, student: StudentId) -> Result<()> {
    // Who never had one has none to take.
    if choice(tx, student)?.nickname.is_empty() {
        return Ok(());
    }
    tx.put(&Cell::of(Kind::Student, student), op::fields([("nickname", json!(""))]), None).map(|_| ())
}
