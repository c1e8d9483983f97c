//! Lists that can be searched and read in pages.

use arise_core::Result;

use crate::params;
use crate::tx::Tx;
use crate::value::{Row, Value};

/// The most rows of one answer. Older clients don't page: they get as much as is reasonable.
pub const MAX_ROWS: i64 = 10_000;
/// A longer search finds nothing that its beginning doesn't.
const MAX_SEARCH: usize = 200;

/// Which rows of a list: by default all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Looked for in every visible column, whatever its case; empty finds all.
    pub q: String,
    pub limit: Option<i64>,
    pub offset: i64,
    /// A searched column, with a minus before it for the other way round. Any other word keeps the list's own order.
    pub sort: String,
}

impl Filter {
    /// What is typed is looked for as it is: `%` and `_` mean nothing special.
    fn pattern(&self) -> String {
        let mut pattern = String::from("%");
        for c in self.q.trim().chars().filter(|c| !c.is_control()).take(MAX_SEARCH) {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
        pattern
    }

    /// What rows are sorted by before the list's own order decides. Only names that the list has get into the query.
    fn order(&self, columns: &[&str], own: &str) -> String {
        let (name, way) = match self.sort.strip_prefix('-') {
            Some(name) => (name, "DESC"),
            None => (self.sort.as_str(), "ASC"),
        };
        // `COALESCE(t.name, '')` goes by the name in it.
        let bare = |column: &str| column.trim_end_matches(", '')").rsplit('.').next() == Some(name);
        let found = columns.iter().find(|column| bare(column));
        found.map_or_else(|| own.to_owned(), |column| format!("lower({column}) {way}, {own}"))
    }

    fn limit(&self) -> i64 {
        self.limit.unwrap_or(MAX_ROWS).clamp(1, MAX_ROWS)
    }
}

/// The parts of a list's query.
pub(crate) struct Listing<'a> {
    pub(crate) columns: &'a str,
    /// Tables and the conditions on them, `WHERE` included. Its parameters are `?4` and on.
    pub(crate) from: &'a str,
    /// Text columns; a search finds the rows in which any of them matches.
    pub(crate) searched: &'a [&'a str],
    pub(crate) order: &'a str,
}

impl Listing<'_> {
    /// The rows of one page, and how many there are on all pages.
    pub(crate) fn page(&self, tx: &mut Tx<'_>, filter: &Filter, more: &[Value]) -> Result<(Vec<Row>, i64)> {
        let Self { columns, from, .. } = self;
        let order = filter.order(self.searched, self.order);
        let matches: Vec<String> = self
            .searched
            .iter()
            .map(|column| format!("lower({column}) LIKE lower(?1) ESCAPE '\\'"))
            .collect();
        let from = format!("FROM {from} AND ({})", matches.join(" OR "));
        let (limit, offset) = (filter.limit(), filter.offset.max(0));
        let params = |limit: i64, offset: i64| {
            let mut params = params![filter.pattern(), limit, offset].to_vec();
            params.extend_from_slice(more);
            params
        };
        let rows = tx.query(
            &format!("SELECT {columns} {from} ORDER BY {order} LIMIT ?2 OFFSET ?3"),
            &params(limit, offset),
        )?;
        let found = i64::try_from(rows.len()).unwrap_or(MAX_ROWS);
        if found < limit && (found > 0 || offset == 0) {
            return Ok((rows, offset + found));
        }
        let total = tx.query_one(
            &format!("SELECT COUNT(*) FROM (SELECT 1 AS one {from} LIMIT ?2 OFFSET ?3) AS found"),
            &params(i64::MAX, 0),
        )?;
        Ok((rows, total.get(0)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_looked_for_as_it_is() {
        let filter = Filter { q: " 50%_\\ \0".into(), ..Filter::default() };
        assert_eq!(filter.pattern(), "%50\\%\\_\\\\ %");
        assert_eq!(Filter::default().pattern(), "%%");
    }

    #[test]
    fn only_a_column_of_the_list_sorts_it() {
        let order =
            |sort: &str| Filter { sort: sort.into(), ..Filter::default() }.order(&["t.name", "code"], "t.id");
        assert_eq!(order(""), "t.id");
        assert_eq!(order("name"), "lower(t.name) ASC, t.id");
        let joined = Filter { sort: "name".into(), ..Filter::default() };
        assert_eq!(joined.order(&["COALESCE(t.name, '')"], "id"), "lower(COALESCE(t.name, '')) ASC, id");
        assert_eq!(order("-code"), "lower(code) DESC, t.id");
        assert_eq!(order("code; DROP TABLE student"), "t.id");
    }

    #[test]
    fn a_page_is_bounded() {
        let limit = |limit| Filter { limit, ..Filter::default() }.limit();
        assert_eq!(limit(None), MAX_ROWS);
        assert_eq!(limit(Some(0)), 1);
        assert_eq!(limit(Some(i64::MAX)), MAX_ROWS);
    }
}
