//! What the store needs of a database engine.

use arise_core::{NodeId, Result};

use crate::value::{Row, Value};

/// Rows of one part.
pub(crate) const PART: usize = 5_000;

/// Given the rows of a long answer, a part at a time.
pub(crate) type Parts<'a> = &'a mut dyn FnMut(Vec<Row>) -> Result<()>;

pub(crate) trait Engine: Send {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64>;
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>>;
    /// A query whose rows needn't all be in memory. Inside a transaction.
    fn each(&mut self, sql: &str, parts: Parts<'_>) -> Result<()>;
    /// Several statements without parameters.
    fn batch(&mut self, sql: &str) -> Result<()>;
    /// Begins a transaction that will write. No other writer, of any process, runs until it ends.
    fn begin_write(&mut self) -> Result<()>;
    /// Begins a transaction that sees one state of the database and can't write.
    fn begin_read(&mut self) -> Result<()>;
    fn commit(&mut self) -> Result<()>;
    /// Renders a migration for this engine.
    fn render(&self, migration: &str) -> String;
    /// Whether several processes may share the database.
    fn is_shared(&self) -> bool;
    /// The node has taken another id.
    fn belongs_to(&mut self, _: NodeId) {}
    /// Takes as little of the disk as it can, now that there is little.
    fn make_room(&mut self) {}
    /// Makes the connection usable again if it was lost.
    fn revive(&mut self) -> Result<()>;
}
