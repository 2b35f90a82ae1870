//! The sizes of a network.

use serde::{Deserialize, Serialize};

/// How a task takes part in joint learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads its own LSTM and the shared one (Eq. 11–14).
    Main,
    /// Reads the shared LSTM only (Eq. 15–16).
    Auxiliary,
}

/// The sizes of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuxLstmSizes {
    /// Dimensions of a word vector.
    pub input_size: usize,
    /// Hidden units of the shared auxiliary LSTM; 0 for none, so that each task learns alone.
    pub auxiliary_hidden_size: usize,
    /// Hidden units of each main task's LSTM.
    pub main_hidden_size: usize,
    /// Units of every fully connected layer.
    pub dense_size: usize,
    /// The role and the number of classes of each task.
    pub tasks: Vec<(Role, usize)>,
}

impl AuxLstmSizes {
    /// The names and hidden units of the LSTMs: the shared one, if there is one, then those of the main tasks.
    pub(crate) fn lstms(&self) -> impl Iterator<Item = (String, usize)> {
        let shared = (self.auxiliary_hidden_size > 0)
            .then(|| ("auxiliary".to_owned(), self.auxiliary_hidden_size));
        let mains = (self.tasks.iter().enumerate()).filter(|(_, (role, _))| *role == Role::Main);
        let own = mains.map(|(index, _)| (format!("tasks.{index}.lstm"), self.main_hidden_size));
        shared.into_iter().chain(own)
    }

    /// How many numbers the first dense layer of a task reads: the mean states of its LSTMs, those of the shared one through a
    /// dense layer if the task has its own too (Eq. 13–16).
    pub(crate) fn read_size(&self, role: Role) -> usize {
        match role {
            Role::Main if self.auxiliary_hidden_size > 0 => self.main_hidden_size + self.dense_size,
            Role::Main => self.main_hidden_size,
            Role::Auxiliary => self.auxiliary_hidden_size,
        }
    }

    /// Checks that a network of these sizes can be built.
    ///
    /// # Errors
    /// One line that names the size at fault.
    pub fn check(&self) -> Result<(), String> {
        if self.tasks.is_empty() {
            return Err("there is no task".into());
        }
        // Far above any sensible size; below it no product of two sizes overflows, not even in 32 bits.
        const LIMIT: usize = 16_384;
        let sizes = [
            ("input_size", self.input_size),
            ("auxiliary_hidden_size", self.auxiliary_hidden_size),
            ("main_hidden_size", self.main_hidden_size),
            ("dense_size", self.dense_size),
        ];
        let classes =
            (self.tasks.iter()).map(|&(_, classes)| ("a task's number of classes", classes));
        if let Some((name, size)) = sizes
            .into_iter()
            .chain(classes)
            .find(|(_, size)| *size > LIMIT)
        {
            return Err(format!("{name} is {size}; permitted: at most {LIMIT}"));
        }
        for (name, size) in [
            ("input_size", self.input_size),
            ("dense_size", self.dense_size),
        ] {
            if size == 0 {
                return Err(format!("{name} is 0; permitted: at least 1"));
            }
        }
        for (role, classes) in &self.tasks {
            if *classes < 2 {
                return Err("every task needs at least two classes".into());
            }
            match role {
                Role::Main if self.main_hidden_size == 0 => {
                    return Err(
                        "main_hidden_size is 0; permitted: at least 1, as there is a main task"
                            .into(),
                    );
                }
                Role::Auxiliary if self.auxiliary_hidden_size == 0 => {
                    return Err(
                        "auxiliary_hidden_size is 0; permitted: at least 1, as there is an auxiliary task"
                            .into(),
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_no_network_has_was_ignored() {
        let read = |more: &str| {
            serde_json::from_str::<AuxLstmSizes>(&format!(
                r#"{{"input_size": 4, "auxiliary_hidden_size": 3, "main_hidden_size": 2, "dense_size": 3,
                    "tasks": [["main", 2]]{more}}}"#
            ))
        };
        assert!(read("").is_ok());
        let error = read(r#", "layers": 2"#).unwrap_err().to_string();
        assert!(error.contains("layers"), "{error}");
    }
}
