//! One statement for the next few rows that are due, such as those that have expired.
//!
//! A statement that changes many rows takes them in an order of the database's own, and would wait in a
//! circle with whoever holds several of them. On PostgreSQL a batch therefore takes what nobody holds and
//! leaves the rest for the next time: it never waits while it holds anything, and two nodes that clean up at
//! once share the work. SQLite has one writer, who waits for nobody.

use super::{Db, Statement};

/// The texts of one batch. Its last parameter is the number of rows.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Batch {
    pub(in crate::store) postgres: &'static str,
    pub(in crate::store) sqlite: &'static str,
}

impl Batch {
    /// The statement for this database.
    pub(in crate::store) fn on(self, db: &Db) -> Statement<'_> {
        match db {
            Db::Postgres { .. } => db.query(self.postgres),
            Db::Sqlite { .. } => db.query(self.sqlite),
        }
    }
}

/// `batch!("delete from t", of "t", in "t where … order by … limit $2")`: what is done, to the rows of which
/// table, and how they are found. Where they are found by a join, both rows are held, so that what the
/// condition says of either is true until the end. With `returning` it gives something of each row.
///
/// `if "…"` leaves out some of those that were found (`found.id`), after they were counted: the step stays as small
/// however many are left out.
///
/// On PostgreSQL the rows are found once, in an array, whatever the plan is.
macro_rules! batch {
    ($what:literal, of $table:literal, in $found:literal, if $kept:literal
        $(, returning $columns:literal)?) => {
        $crate::store::db::batch::Batch {
            postgres: concat!(
                $what, " where ctid = any(array(select found.place from (select ", $table,
                ".ctid as place, ", $table, ".id from ", $found,
                " for update skip locked) as found where ", $kept, "))" $(, " returning ", $columns)?
            ),
            sqlite: concat!(
                $what, " where rowid in (select found.place from (select ", $table,
                ".rowid as place, ", $table, ".id from ", $found, ") as found where ", $kept, ")"
                $(, " returning ", $columns)?
            ),
        }
    };
    ($what:literal, of $table:literal, in $found:literal $(, returning $columns:literal)?) => {
        $crate::store::db::batch::Batch {
            postgres: concat!(
                $what, " where ctid = any(array(select ", $table, ".ctid from ", $found,
                " for update skip locked))" $(, " returning ", $columns)?
            ),
            sqlite: concat!(
                $what, " where rowid in (select ", $table, ".rowid from ", $found, ")"
                $(, " returning ", $columns)?
            ),
        }
    };
}

pub(in crate::store) use batch;
