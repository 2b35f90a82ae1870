//! What cells of the same users and features have in common, learned once.

use std::sync::{Arc, Mutex, PoisonError};

use super::linear::{Choice, Learner, LinearSettings};
use super::meta_learning::MetaLearningSettings;

/// What cells learn that others of the same parts and features need too.
#[derive(Default)]
pub struct Learned {
    /// Of an attribute, what a linear system has chosen.
    pub choices: Memo<(usize, Learner, LinearSettings), Choice>,
    /// Of an attribute, what the first stage of Meta-Learning says of each user.
    pub posteriors: Memo<(usize, MetaLearningSettings, LinearSettings), Vec<Vec<f64>>>,
}

/// Values that are made when they are first asked for.
pub struct Memo<K, V>(Mutex<Vec<(K, Arc<V>)>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: PartialEq, V> Memo<K, V> {
    /// The value of `key`. Nothing is locked while it is made: two threads that ask at the same time both make it.
    pub fn get_or_make<E>(&self, key: K, make: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        let values = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |values: &[(K, Arc<V>)]| {
            let mut values = values.iter();
            values.find_map(|(of, value)| (*of == key).then(|| Arc::clone(value)))
        };
        let found = known(&values());
        match found {
            Some(value) => Ok(value),
            None => {
                let value = Arc::new(make()?);
                values().push((key, Arc::clone(&value)));
                Ok(value)
            }
        }
    }
}
