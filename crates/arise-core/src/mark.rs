//! Marks and what a set of them means.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mutant::{self, Mutant};
use crate::{OpId, UtcMillis};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Present,
    Late,
    Absent,
    Excused,
}

impl Status {
    pub const ALL: [Self; 4] = [Self::Present, Self::Late, Self::Absent, Self::Excused];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Late => "late",
            Self::Absent => "absent",
            Self::Excused => "excused",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// The letter of the register: P, L, A or E.
    pub fn letter(self) -> char {
        match self {
            Self::Present => 'P',
            Self::Late => 'L',
            Self::Absent => 'A',
            Self::Excused => 'E',
        }
    }

    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.letter() == letter)
    }

    /// Whether the student was in class.
    pub fn attended(self) -> bool {
        matches!(self, Self::Present | Self::Late)
    }
}

/// Where a mark comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Fingerprint,
    ScannerQueue,
    Code,
    Terminal,
    Import,
    Teacher,
    Emergency,
    Correction,
    Leave,
}

impl Source {
    pub const ALL: [Self; 9] = [
        Self::Fingerprint,
        Self::ScannerQueue,
        Self::Code,
        Self::Terminal,
        Self::Import,
        Self::Teacher,
        Self::Emergency,
        Self::Correction,
        Self::Leave,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fingerprint => "fingerprint",
            Self::ScannerQueue => "scanner_queue",
            Self::Code => "code",
            Self::Terminal => "terminal",
            Self::Import => "import",
            Self::Teacher => "teacher",
            Self::Emergency => "emergency",
            Self::Correction => "correction",
            Self::Leave => "leave",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == word)
    }

    /// A person decided, as opposed to a device that observed.
    pub fn is_human(self) -> bool {
        matches!(self, Self::Teacher | Self::Emergency | Self::Correction | Self::Leave)
    }
}

/// One mark of one student in one session. It never changes; a wrong one is answered by a later one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// `None` takes back what people decided so far: the observations count again.
    pub status: Option<Status>,
    pub source: Source,
    /// When the finger, code or teacher said so.
    pub observed_at: UtcMillis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A mark with the stamps of the record that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    pub mark: Mark,
    /// Hybrid logical time of the record, in microseconds.
    pub hlc: i64,
    pub id: OpId,
    /// The decisions it overwrites: those that its writer saw standing.
    pub parents: Vec<OpId>,
}

/// The current mark of a (session, student), or `None` when nothing says anything.
///
/// A person's decision outranks an observation. A decision overwrites those that its writer saw; of decisions
/// that didn't know of each other the latest stands. Among observations the *earliest* stands: a second scan
/// half an hour later doesn't make a punctual student late. Ties go by id.
/// The result doesn't depend on the order or the repetition of `marks`.
pub fn current<'a>(marks: impl IntoIterator<Item = &'a Stamped>) -> Option<&'a Stamped> {
    let marks: Vec<&Stamped> = marks.into_iter().collect();
    let mut observation: Option<&Stamped> = None;
    for &stamped in &marks {
        if !stamped.mark.source.is_human()
            && stamped.mark.status.is_some()
            && observation
                .is_none_or(|best| (stamped.mark.observed_at, stamped.id) < (best.mark.observed_at, best.id))
        {
            observation = Some(stamped);
        }
    }
    let decision = standing(&marks).max_by_key(|decision| (decision.hlc, decision.id));
    decision.filter(|d| d.mark.status.is_some()).or(observation)
}

/// The decisions that nobody has overwritten: what the next decision's parents are.
pub fn heads(marks: &[Stamped]) -> Vec<OpId> {
    let marks: Vec<&Stamped> = marks.iter().collect();
    let mut heads: Vec<OpId> = standing(&marks).map(|decision| decision.id).collect();
    heads.sort_unstable();
    heads.dedup();
    heads
}

fn standing<'a>(marks: &[&'a Stamped]) -> impl Iterator<Item = &'a Stamped> {
    let mut overwritten: HashSet<OpId> =
        marks.iter().flat_map(|stamped| stamped.parents.iter().copied()).collect();
    if mutant::is(Mutant::StampsDecideMarks) {
        overwritten.clear();
    }
    marks
        .iter()
        .copied()
        .filter(move |stamped| stamped.mark.source.is_human() && !overwritten.contains(&stamped.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn any_mark() -> impl Strategy<Value = Stamped> {
        (
            prop::option::weighted(0.85, prop::sample::select(Status::ALL.to_vec())),
            prop::sample::select(Source::ALL.to_vec()),
            0..20_i64,
            0..20_i64,
            0..1_000_u128,
        )
            .prop_map(|(status, source, observed_at, hlc, id)| Stamped {
                mark: Mark { status, source, observed_at, reason: None },
                hlc,
                id: OpId(Uuid::from_u128(id)),
                parents: vec![],
            })
    }

    fn distinct(mut marks: Vec<Stamped>) -> Vec<Stamped> {
        marks.sort_by_key(|m| m.id);
        marks.dedup_by_key(|m| m.id);
        marks
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            marks in prop::collection::vec(any_mark(), 0..12).prop_map(distinct),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        ) {
            let expected = current(&marks).cloned();
            let mut shuffled: Vec<_> = marks.iter().rev().cloned().collect();
            if !marks.is_empty() {
                for pick in picks {
                    let again = pick.get(&marks).clone();
                    let at = pick.index(shuffled.len());
                    shuffled.insert(at, again);
                }
            }
            prop_assert_eq!(current(&shuffled).cloned(), expected);
        }

        #[test]
        fn a_standing_decision_outranks_every_observation(
            marks in prop::collection::vec(any_mark(), 0..12).prop_map(distinct),
        ) {
            let decided = marks.iter().filter(|m| m.mark.source.is_human()).max_by_key(|m| (m.hlc, m.id));
            if let Some(decided) = decided.filter(|d| d.mark.status.is_some()) {
                prop_assert_eq!(current(&marks), Some(decided));
            }
        }
    }

    fn stamped(source: Source, status: Option<Status>, observed_at: i64, hlc: i64) -> Stamped {
        let id = OpId(Uuid::from_u128(u128::try_from(hlc).unwrap()));
        Stamped { mark: Mark { status, source, observed_at, reason: None }, hlc, id, parents: vec![] }
    }

    #[test]
    fn the_earliest_scan_stands_even_when_it_arrives_last() {
        let late = stamped(Source::Fingerprint, Some(Status::Late), 30, 1);
        let queued = stamped(Source::ScannerQueue, Some(Status::Present), 2, 2);
        assert_eq!(current([&late, &queued]), Some(&queued));
    }

    #[test]
    fn taking_a_decision_back_shows_the_scan_again() {
        let scan = stamped(Source::Fingerprint, Some(Status::Present), 1, 1);
        let absent = stamped(Source::Teacher, Some(Status::Absent), 2, 2);
        let undo = stamped(Source::Teacher, None, 3, 3);
        assert_eq!(current([&scan, &absent]), Some(&absent));
        assert_eq!(current([&scan, &absent, &undo]), Some(&scan));
        assert_eq!(current([&absent, &undo]), None);
    }

    #[test]
    fn a_decision_overwrites_what_its_writer_saw_whatever_the_clocks_say() {
        let first = stamped(Source::Teacher, Some(Status::Absent), 1, 900);
        let mut second = stamped(Source::Correction, Some(Status::Excused), 2, 5);
        assert_eq!(current([&first, &second]), Some(&first));
        second.parents = vec![first.id];
        assert_eq!(current([&first, &second]), Some(&second));
        assert_eq!(heads(&[first, second.clone()]), [second.id]);
    }

    #[test]
    fn words_round_trip() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(Status::from_letter(status.letter()), Some(status));
        }
        for source in Source::ALL {
            assert_eq!(Source::parse(source.as_str()), Some(source));
        }
        assert_eq!(Status::parse("here"), None);
    }
}
