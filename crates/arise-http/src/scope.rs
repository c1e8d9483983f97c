//! The semester filter of figures.

use arise_core::{Result, SemesterId};
use arise_store::Tx;
use arise_store::semester::{self, Semester};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct SemesterFilter {
    semester_id: Option<String>,
}

impl SemesterFilter {
    /// The semester that was asked for; nothing, or empty, is all.
    ///
    /// # Errors
    /// `not_found` for one that doesn't exist.
    pub(crate) fn semester(&self, tx: &mut Tx<'_>) -> Result<Option<Semester>> {
        let asked = self.semester_id.as_deref().filter(|id| !id.is_empty());
        asked.map(|id| semester::get(tx, id.parse()?)).transpose()
    }

    pub(crate) fn id(&self, tx: &mut Tx<'_>) -> Result<Option<SemesterId>> {
        Ok(self.semester(tx)?.map(|semester| semester.id))
    }
}
