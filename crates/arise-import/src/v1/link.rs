//! Which of our rows the file's rows are.

use std::collections::{HashMap, HashSet};

use arise_core::op::{Cell, Kind, Op};
use arise_core::register;
use arise_core::{Error, Result};
use arise_store::{Tx, foreign};
use serde_json::Value as Json;
use uuid::Uuid;

use super::origin::Origin;
use super::plan::{Field, Likeness, Planned};

/// Ids of the file's rows here.
#[derive(Debug, Default, Clone)]
pub(super) struct Links {
    /// Rows that are somebody else's rows here.
    linked: HashMap<(Kind, i64), Uuid>,
    /// Of those, the ones that this import recognised.
    pub(super) fresh: HashSet<(Kind, i64)>,
}

impl Links {
    pub(super) fn id(&self, origin: &Origin, kind: &Kind, old_id: i64) -> Uuid {
        let linked = self.linked.get(&(kind.clone(), old_id));
        linked.copied().unwrap_or_else(|| origin.id(kind, old_id))
    }

    pub(super) fn is_linked(&self, kind: &Kind, old_id: i64) -> bool {
        self.linked.contains_key(&(kind.clone(), old_id))
    }

    pub(super) fn add(&mut self, kind: &Kind, old_id: i64, entity: Uuid) {
        self.linked.insert((kind.clone(), old_id), entity);
        self.fresh.insert((kind.clone(), old_id));
    }
}

type Known = HashMap<Cell, Vec<Op>>;

/// Finds which rows were known, and which are likely enough the same as rows that arise has already: the same
/// number or code *and* the same name. A number alone may be a typing error.
///
/// # Errors
/// `another_server` when the rows known under this origin's name are other ones.
pub(super) fn find(tx: &mut Tx<'_>, origin: &Origin, entities: &[Planned]) -> Result<Links> {
    let node = origin.node();
    let mut links = Links { linked: foreign::links(tx, node)?, fresh: HashSet::new() };
    let ids: Vec<Uuid> = entities.iter().map(|planned| origin.id(&planned.kind, planned.old_id)).collect();
    let own: HashSet<Uuid> = ids.iter().copied().collect();
    let known: Known = foreign::of_entities(tx, &ids)?;
    must_be_the_same_server(origin, entities, &known)?;

    for kind in [Kind::Semester, Kind::Teacher, Kind::Student, Kind::Course] {
        let fresh: Vec<(&Planned, &Likeness)> = entities
            .iter()
            .filter(|planned| planned.kind == kind && !links.is_linked(&kind, planned.old_id))
            .filter(|planned| !known.contains_key(&Cell::of(kind.clone(), origin.id(&kind, planned.old_id))))
            .filter_map(|planned| Some((planned, planned.likeness.as_ref()?)))
            .collect();
        // Two rows of the file that look alike are two.
        let mut times: HashMap<String, usize> = HashMap::new();
        for (_, likeness) in &fresh {
            *times.entry(likeness.key.to_lowercase()).or_default() += 1;
        }
        let keys: Vec<String> = times.keys().cloned().collect();
        let candidates = foreign::candidates(tx, &kind, &keys)?;
        for (planned, likeness) in fresh {
            let key = likeness.key.to_lowercase();
            let mut alike = candidates.iter().filter(|candidate| {
                candidate.key == key
                    && !own.contains(&candidate.id)
                    && (same(&candidate.name, &likeness.name)
                        || !likeness.more.is_empty() && same(&candidate.more, &likeness.more))
            });
            if let (Some(only), None) = (alike.next(), alike.next())
                && times.get(&key) == Some(&1)
            {
                links.add(&kind, planned.old_id, only.id);
            }
        }
    }
    Ok(links)
}

fn same(one: &str, other: &str) -> bool {
    let bare =
        |text: &str| text.to_lowercase().split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
    bare(one) == bare(other)
}

/// Two servers that push under one name would mix their students up.
fn must_be_the_same_server(origin: &Origin, entities: &[Planned], known: &Known) -> Result<()> {
    let (mut met, mut strange) = (0, 0);
    for planned in entities.iter().filter(|planned| planned.kind == Kind::Student) {
        let cell = Cell::of(Kind::Student, origin.id(&Kind::Student, planned.old_id));
        let Some(ops) = known.get(&cell) else { continue };
        let said = register::fold(ops.iter().filter(|op| op.node == origin.node()));
        let differs = |name: &str| {
            let is = planned.fields.iter().find(|(field, _)| *field == name).map(|(_, field)| field);
            let was = said.get(name).and_then(|field| field.value.as_str());
            !matches!((is, was), (Some(Field::Is(Json::String(is))), Some(was)) if same(is, was))
        };
        met += 1;
        if differs("university_roll_no") && differs("student_name") {
            strange += 1;
        }
    }
    if strange * 2 > met {
        return Err(Error::conflict(
            "another_server",
            "Other students were imported under this server's name. Give each older server a name of its own. \
             Nothing was changed.",
        ));
    }
    Ok(())
}
