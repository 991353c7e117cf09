//! How domain values are written to and read from columns, the same way on both databases: ids and
//! names as TEXT, time as BIGINT, sets of scopes as the space-separated text of RFC 6749.

use sqlx::error::BoxDynError;
/// JSON columns hold an object or an array, never a bare value: SQLite would otherwise turn a
/// number in text form into a number.
pub(in crate::store) use sqlx::types::Json;

use crate::clock::UnixTime;
use crate::protocol::client::ClientOrigin;
use crate::protocol::scope::Scopes;
use crate::protocol::types::{
    ClientId, FamilyId, GrantId, KeyEncryptionAlg, OrganisationId, SessionId, SigningAlg, UserId,
};
use crate::protocol::user::AdminRole;

/// Stores `$type` as the column type of `$raw`: `$write` borrows or copies the raw value out of a
/// reference, `$read` makes the value from the owned raw one or says why it cannot.
macro_rules! stored_as {
    ($type:ty, $raw:ty, $write:expr, $read:expr) => {
        impl<DB: sqlx::database::Database> sqlx::types::Type<DB> for $type
        where
            $raw: sqlx::types::Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$raw as sqlx::types::Type<DB>>::type_info()
            }

            fn compatible(info: &DB::TypeInfo) -> bool {
                <$raw as sqlx::types::Type<DB>>::compatible(info)
            }
        }

        impl<'q, DB: sqlx::database::Database> sqlx::encode::Encode<'q, DB> for $type
        where
            $raw: sqlx::encode::Encode<'q, DB>,
        {
            fn encode_by_ref(
                &self,
                buf: &mut DB::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                let write: fn(&$type) -> $raw = $write;
                <$raw as sqlx::encode::Encode<'q, DB>>::encode(write(self), buf)
            }
        }

        impl<'r, DB: sqlx::database::Database> sqlx::decode::Decode<'r, DB> for $type
        where
            $raw: sqlx::decode::Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                let read: fn($raw) -> Result<$type, sqlx::error::BoxDynError> = $read;
                read(<$raw as sqlx::decode::Decode<'r, DB>>::decode(value)?)
            }
        }
    };
}
pub(in crate::store) use stored_as;

/// Stores an enum with `as_str` and `from_name` as its name.
macro_rules! stored_by_name {
    ($type:ty) => {
        $crate::store::db::columns::stored_as!(
            $type,
            String,
            |value| value.as_str().to_owned(),
            |name| <$type>::from_name(&name)
                .ok_or_else(|| { $crate::store::db::columns::unknown(stringify!($type), &name) })
        );
    };
}
pub(in crate::store) use stored_by_name;

/// The error for a name that this program does not know.
pub(in crate::store) fn unknown(what: &str, name: &str) -> BoxDynError {
    format!("{name:?} is no {what} this program knows").into()
}

stored_as!(UnixTime, i64, |time| time.0, |seconds| Ok(UnixTime(seconds)));
stored_as!(UserId, String, |id| id.as_str().to_owned(), |id| Ok(UserId::new(id)));
stored_as!(ClientId, String, |id| id.as_str().to_owned(), |id| Ok(ClientId::new(id)));
stored_as!(OrganisationId, String, |id| id.as_str().to_owned(), |id| Ok(OrganisationId::new(id)));
stored_as!(GrantId, String, |id| id.as_str().to_owned(), |id| Ok(GrantId::new(id)));
stored_as!(SessionId, String, |id| id.as_str().to_owned(), |id| Ok(SessionId::new(id)));
stored_as!(FamilyId, String, |id| id.as_str().to_owned(), |id| Ok(FamilyId::new(id)));
stored_as!(Scopes, String, ToString::to_string, |text| Scopes::parse(&text)
    .ok_or_else(|| unknown("set of scopes", &text)));
stored_by_name!(SigningAlg);
stored_by_name!(KeyEncryptionAlg);
stored_by_name!(AdminRole);
stored_by_name!(ClientOrigin);
