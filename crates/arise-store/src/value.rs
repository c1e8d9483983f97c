//! Values that go into and come out of SQL, the same for both engines.

use arise_core::{Error, Result};
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

macro_rules! from {
    ($($ty:ty => |$v:ident| $to:expr;)*) => {$(
        impl From<$ty> for Value {
            fn from($v: $ty) -> Self {
                $to
            }
        }
    )*};
}

from! {
    i64 => |v| Self::Int(v);
    i32 => |v| Self::Int(v.into());
    u32 => |v| Self::Int(v.into());
    bool => |v| Self::Int(v.into());
    f64 => |v| Self::Real(v);
    String => |v| Self::Text(v);
    &str => |v| Self::Text(v.to_owned());
    &String => |v| Self::Text(v.clone());
    Vec<u8> => |v| Self::Blob(v);
    &[u8] => |v| Self::Blob(v.to_vec());
    [u8; 17] => |v| Self::Blob(v.to_vec());
    [u8; 32] => |v| Self::Blob(v.to_vec());
    Uuid => |v| Self::Blob(v.as_bytes().to_vec());
}

macro_rules! from_ids {
    ($($id:ident),*) => {$(
        impl From<arise_core::$id> for Value {
            fn from(id: arise_core::$id) -> Self {
                id.0.into()
            }
        }

        impl FromValue for arise_core::$id {
            fn from_value(value: &Value) -> Option<Self> {
                Uuid::from_value(value).map(Self)
            }
        }
    )*};
}

from_ids!(AdminId, SemesterId, TeacherId, StudentId, CourseId, SessionId, DeviceId, NodeId, OpId);

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What a column can be read as.
pub trait FromValue: Sized {
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(int) => Some(*int),
            _ => None,
        }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).map(|int| int != 0)
    }
}

impl FromValue for f64 {
    #[expect(clippy::cast_precision_loss, reason = "a REAL column may come back as an integer")]
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Real(real) => Some(*real),
            Value::Int(int) => Some(*int as Self),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(blob) => Some(blob.clone()),
            _ => None,
        }
    }
}

impl FromValue for Uuid {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(blob) => Self::from_slice(blob).ok(),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// One row of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    /// The text at `index`, unless there is none.
    pub(crate) fn text(&self, index: usize) -> Option<&str> {
        match self.0.get(index) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The column at `index`, counted from 0.
    ///
    /// # Errors
    /// `internal` when there is no such column or it holds something else: a fault of the query.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T> {
        self.0.get(index).and_then(T::from_value).ok_or_else(|| {
            Error::internal(format!("column {index} can't be read as asked: {:?}", self.0.get(index)))
        })
    }
}

/// Parameters of one query that looks for many. Both engines take many more.
pub(crate) const MAX_PLACES: usize = 500;

/// Places of so many parameters, separated by commas: `?2, ?3` for two from 2.
pub(crate) fn places(first: usize, number: usize) -> String {
    (first..first + number).map(|place| format!("?{place}")).collect::<Vec<_>>().join(", ")
}

/// The parameters of a statement, `?1` first.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::Value::from($value)),*]
    };
}
