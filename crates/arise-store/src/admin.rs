//! Administrators of this node.

use arise_core::{AdminId, Result};

use crate::params;
use crate::tx::{Tx, WriteTx};
use crate::value::Row;

#[derive(Debug, Clone)]
pub struct Admin {
    pub id: AdminId,
    pub username: String,
    pub password_hash: String,
    pub must_change_password: bool,
}

const COLUMNS: &str = "id, username, password_hash, must_change_password";

fn from_row(row: &Row) -> Result<Admin> {
    Ok(Admin {
        id: row.get(0)?,
        username: row.get(1)?,
        password_hash: row.get(2)?,
        must_change_password: row.get(3)?,
    })
}

pub fn any(tx: &mut Tx<'_>) -> Result<bool> {
    Ok(tx.query_opt("SELECT 1 FROM admin LIMIT 1", &[])?.is_some())
}

pub fn get(tx: &mut Tx<'_>, id: AdminId) -> Result<Option<Admin>> {
    let row = tx.query_opt(&format!("SELECT {COLUMNS} FROM admin WHERE id = ?1"), params![id])?;
    row.as_ref().map(from_row).transpose()
}

pub fn by_username(tx: &mut Tx<'_>, username: &str) -> Result<Option<Admin>> {
    let row = tx.query_opt(&format!("SELECT {COLUMNS} FROM admin WHERE username = ?1"), params![username])?;
    row.as_ref().map(from_row).transpose()
}

pub fn create(
    tx: &mut WriteTx<'_>,
    username: &str,
    password_hash: &str,
    must_change: bool,
) -> Result<AdminId> {
    let id = AdminId::new(tx.now());
    tx.execute(
        "INSERT INTO admin (id, username, password_hash, must_change_password) VALUES (?1, ?2, ?3, ?4)",
        params![id, username, password_hash, must_change],
    )?;
    Ok(id)
}

/// Tokens given out under the old password stop working, since they carry a print of its hash.
pub fn set_password(tx: &mut WriteTx<'_>, id: AdminId, password_hash: &str, must_change: bool) -> Result<()> {
    tx.execute(
        "UPDATE admin SET password_hash = ?2, must_change_password = ?3 WHERE id = ?1",
        params![id, password_hash, must_change],
    )
    .map(|_| ())
}
