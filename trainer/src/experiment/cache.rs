//! Intermediate results that several runs of the same users and features need, computed once.

use std::any::Any;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

/// Values by a key that names everything they depend on, beside the users and their features.
#[derive(Default)]
pub struct Cache(Mutex<Vec<Entry>>);

/// The key as text, and the value.
type Entry = (String, Arc<dyn Any + Send + Sync>);

impl Cache {
    /// The value of `key`, made by `make` when it is first asked for. Nothing is locked meanwhile: two threads that ask at
    /// the same time both make it.
    pub fn get_or_make<V: Any + Send + Sync, E>(
        &self,
        key: impl Debug,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<Arc<V>, E> {
        let key = format!("{key:?}");
        let entries = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |entries: &[Entry]| {
            let same_key = entries.iter().filter(|(other, _)| *other == key);
            let mut same_key = same_key.map(|(_, value)| Arc::clone(value));
            same_key.find_map(|value| value.downcast::<V>().ok())
        };
        let found = known(&entries());
        match found {
            Some(value) => Ok(value),
            None => {
                let value = Arc::new(make()?);
                entries().push((key, Arc::clone(&value) as Arc<dyn Any + Send + Sync>));
                Ok(value)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_for_each_key_and_type() {
        let cache = Cache::default();
        let number =
            |key: &str, value: i32| *cache.get_or_make(key, || Ok::<_, ()>(value)).unwrap();
        assert_eq!(number("one", 1), 1);
        assert_eq!(number("one", 2), 1);
        assert_eq!(number("two", 2), 2);
        let text = cache.get_or_make("one", || Ok::<_, ()>("text".to_owned()));
        assert_eq!(*text.unwrap(), "text");
        let failed = cache.get_or_make("three", || Err::<i32, _>("failed"));
        assert_eq!(failed, Err("failed"));
        assert_eq!(number("three", 3), 3);
    }
}
