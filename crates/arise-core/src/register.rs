//! Fields as registers: the value of a field is what the op says that nobody has overwritten.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::OpId;
use crate::mutant::{self, Mutant};
use crate::op::Op;

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub value: Value,
    /// The ops that nobody has overwritten, the winner first. More than one is a conflict between edits
    /// that didn't know of each other; it lasts until someone edits the field again.
    pub heads: Vec<OpId>,
}

/// Folds the ops of one cell into its fields. The order and repetition of `ops` don't matter.
///
/// An op overwrites its parents in every field that both set. Clocks only break ties between concurrent
/// edits: the latest `(eff, gsn)` wins, and what the hub hasn't numbered yet counts as latest.
pub fn fold<'a>(ops: impl IntoIterator<Item = &'a Op>) -> BTreeMap<String, Field> {
    let mut by_field: BTreeMap<&str, Vec<&Op>> = BTreeMap::new();
    for op in ops {
        for name in op.body.keys() {
            by_field.entry(name).or_default().push(op);
        }
    }
    by_field
        .into_iter()
        .map(|(name, writers)| {
            let mut overwritten: HashSet<OpId> =
                writers.iter().flat_map(|op| op.parents.iter().copied()).collect();
            if mutant::is(Mutant::StampsDecideFields) {
                overwritten.clear();
            }
            let mut heads: Vec<&Op> =
                writers.into_iter().filter(|op| !overwritten.contains(&op.id)).collect();
            heads.sort_by_key(|op| std::cmp::Reverse(rank(op)));
            heads.dedup_by_key(|op| op.id);
            // Parents are always older than their children, so a set of writers has a head.
            let value = heads.first().map_or(Value::Null, |op| op.body[name].clone());
            (name.to_owned(), Field { value, heads: heads.iter().map(|op| op.id).collect() })
        })
        .collect()
}

fn rank(op: &Op) -> (i64, i64, OpId) {
    (op.eff.unwrap_or(op.hlc), op.gsn.unwrap_or(i64::MAX), op.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{Cell, Kind, WallQuality};
    use crate::{Actor, NodeId};
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    fn op(id: u128, hlc: i64, parents: &[u128], body: Value) -> Op {
        Op {
            id: OpId(Uuid::from_u128(id)),
            cell: Cell::of(Kind::Student, Uuid::nil()),
            body: serde_json::from_value(body).unwrap(),
            parents: parents.iter().map(|&p| OpId(Uuid::from_u128(p))).collect(),
            actor: Actor::SYSTEM,
            reason: None,
            node: NodeId(Uuid::nil()),
            boot: 1,
            hlc,
            wall_at: 0,
            wall_quality: WallQuality::Claimed,
            gsn: None,
            eff: None,
        }
    }

    #[test]
    fn a_value_that_was_seen_and_overwritten_never_shows_again() {
        // The second writer's clock is far behind; it still saw the first value.
        let ops = [op(1, 1_000, &[], json!({"name": "a"})), op(2, 5, &[1], json!({"name": "b"}))];
        assert_eq!(fold(&ops)["name"].value, json!("b"));
    }

    #[test]
    fn concurrent_edits_of_different_fields_both_stand() {
        let ops = [
            op(1, 1, &[], json!({"name": "a", "email": "x"})),
            op(2, 2, &[1], json!({"name": "b"})),
            op(3, 3, &[1], json!({"email": "y"})),
        ];
        let fields = fold(&ops);
        assert_eq!((&fields["name"].value, &fields["email"].value), (&json!("b"), &json!("y")));
        assert_eq!(fields["name"].heads.len(), 1);
    }

    #[test]
    fn concurrent_edits_of_one_field_are_a_conflict_until_the_next_edit() {
        let mut ops = vec![
            op(1, 1, &[], json!({"name": "a"})),
            op(2, 9, &[1], json!({"name": "b"})),
            op(3, 5, &[1], json!({"name": "c"})),
        ];
        let field = &fold(&ops)["name"];
        assert_eq!((&field.value, field.heads.len()), (&json!("b"), 2));
        ops.push(op(4, 2, &[2, 3], json!({"name": "d"})));
        assert_eq!(fold(&ops)["name"].heads.len(), 1);
        assert_eq!(fold(&ops)["name"].value, json!("d"));
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            shape in prop::collection::vec((0..50_i64, prop::collection::vec(any::<prop::sample::Index>(), 0..3)), 1..10),
            order in Just((0..10_usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let mut ops: Vec<Op> = vec![];
            for (n, (hlc, parents)) in shape.into_iter().enumerate() {
                let parents: Vec<u128> =
                    if ops.is_empty() { vec![] } else { parents.iter().map(|p| p.get(&ops).id.0.as_u128()).collect() };
                ops.push(op(n as u128 + 1, hlc, &parents, json!({"name": n})));
            }
            let shuffled: Vec<&Op> = order.iter().chain(&order).filter_map(|&i| ops.get(i)).collect();
            prop_assert_eq!(fold(shuffled), fold(&ops));
        }
    }
}
